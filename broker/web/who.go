package web

// Who is the page that asks who came in place of the person who is signed in.
type Who struct {
	App      string            // name of the service, or ""
	Provider string            // where they come from, as in Way.Label
	Before   string            // where the person who is signed in came from
	New      bool              // the council has not met them: they may be the same person
	Adds     bool              // the person who is signed in wanted to add a way in
	Yours    bool              // and that is theirs already
	Guarded  bool              // it cannot be said that they are the same person: more is proved of them than these sign-ins show
	Proven   bool              // that can be said at once; else they first sign in again as before
	Action   string            // where the answer is posted
	Fields   map[string]string // hidden fields of the form
}

// Before is the page that asks a newcomer whether they have signed in before, in
// another way.
type Before struct {
	App      string            // name of the service, or ""
	Provider string            // where they come from, as in Way.Label
	Ways     []Way             // in which they may have signed in before
	Action   string            // where it is posted that they have not
	Fields   map[string]string // hidden fields of the form
	Cancel   string            // where Cancel leads
}

// Apart is the page that says that a sign-in is another person's than the account's.
type Apart struct {
	Provider string            // where they come from, as in Way.Label
	New      bool              // the council has not met them: they can have an account of their own
	Action   string            // where the answer is posted
	Fields   map[string]string // hidden fields of the form
}
