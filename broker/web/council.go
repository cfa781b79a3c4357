package web

// Problems are what may be wrong with a form of the council's own way in. The
// catalogues hold council.problem.PROBLEM for each.
const (
	ProblemAddress    = "address"     // not an e-mail address
	ProblemCodeWrong  = "code_wrong"  // not the code that was sent
	ProblemCodeSpent  = "code_spent"  // too old, used, or guessed at too often
	ProblemCodesMany  = "codes_many"  // no more codes for now
	ProblemPasskey    = "passkey"     // the passkey's answer cannot be accepted
	ProblemPasskeyNew = "passkey_new" // a new passkey cannot be accepted
	ProblemWeak       = "weak"        // the sign-in is not enough for the service
	ProblemMail       = "mail"        // the code could not be sent
)

// Passkey is a page's button for passkeys. Its script asks the device.
type Passkey struct {
	Question string // WebAuthn's options, as JSON; "" where there are no passkeys
	Action   string // where the answer is posted
}

// CouncilSignIn is the page on which residents say who they are.
type CouncilSignIn struct {
	Problem string // "" for none
	Saved   bool   // the resident has just made a passkey
	Strong  bool   // a code will not be enough for the service
	Passkey Passkey
	Address string // as it was typed last, or as the app gave it
	Send    string // where the address is posted, for a code
	Cancel  string
}

// CouncilPasskey is the page that offers to make a passkey.
type CouncilPasskey struct {
	Problem string
	Needed  bool // without one the resident cannot go on
	Passkey Passkey
	Later   string // where "Not now" is posted
}

// CouncilCode is the page on which residents type the code that was sent.
type CouncilCode struct {
	Problem string
	Address string // that it was sent to
	Minutes int    // for how long it works
	Check   string // where the code is posted
	Again   string // where the address is posted for another code
	Other   string // where another address can be given
	Cancel  string
}
