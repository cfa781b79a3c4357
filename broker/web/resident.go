package web

import "slices"

// Own is what every page of a resident's own account has besides.
type Own struct {
	Here     string    // where it is in the navigation, one of Here…
	Done     string    // what was just done, as in resident.done.DONE; "" for nothing
	Problems []Problem // what was wrong with the form
	Stay     Stay
}

// The pages that the navigation leads to. The catalogues hold resident.nav.PAGE
// for each.
const (
	HereHome     = "home"
	HereSignIns  = "sign_ins"
	HereDetails  = "details"
	HereServices = "services"
	HereDevices  = "devices"
	HereActivity = "activity"
)

// Stop is one of the pages that the navigation leads to.
type Stop struct {
	Page, Address string
	Here          bool
}

// Navigation is that of every page of a resident's own account.
func (o Own) Navigation() []Stop {
	stops := []Stop{
		{Page: HereHome, Address: "/"},
		{Page: HereSignIns, Address: "/my/sign-ins"},
		{Page: HereDetails, Address: "/my/details"},
		{Page: HereServices, Address: "/my/services"},
		{Page: HereDevices, Address: "/my/devices"},
		{Page: HereActivity, Address: "/my/activity"},
	}
	for i := range stops {
		stops[i].Here = stops[i].Page == o.Here
	}
	return stops
}

// Problem is what was wrong with one field of a form, as in
// resident.problem.WHAT.
type Problem struct{ Field, What string }

// On is what was wrong with a field, or "".
func (o Own) On(field string) string {
	for _, p := range o.Problems {
		if p.Field == field {
			return p.What
		}
	}
	return ""
}

// ResidentHome is the page at the broker's own address, of somebody who is signed
// in.
type ResidentHome struct {
	Own
	Name       string     // what they are called; "" where nobody said
	Using      []Tile     // the services that they use
	Categories []Category // the others
	Level      string     // how sure the council is of who they are, as in Proof.Level
	Ways       int        // by which they sign in
	Ends       Date       // when the account will be deleted; the zero Date: never
}

// Category is a heading with tiles.
type Category struct {
	Label string // "" for those that have none
	Tiles []Tile
}

// Tile is a service of the council's that residents can go to.
type Tile struct {
	ID, Label string
	Icon      string // one of config.Tile.Icon
	To        string
	Last      Date // when the resident used it; the zero Date: never, or nobody knows
}

// ResidentSignIns is the page of the ways by which a resident signs in.
type ResidentSignIns struct {
	Own
	Ways  []KnownWay
	Other []Way // that may be added, URL left out
}

// KnownWay is a way by which a resident signs in.
type KnownWay struct {
	ID    string // of the link
	Label string // what the resident calls it, or the provider's name
	By    string // the provider's name where Label is the resident's own; else ""
	Added Date
	Last  Date
	Off   string // why it does not lead in, as in resident.sign_ins.off_OFF; "" where it does
	Now   bool   // by which they are signed in now
	Only  bool   // the last one that leads in: it cannot be removed
	// Manage is where they see to their passkeys and password, of the council's own
	// way in; else "".
	Manage string
}

// ResidentWay is the page about one way in: to name it, or to remove it.
type ResidentWay struct {
	Own
	Way   KnownWay
	Typed string // its name
}

// ResidentDetails is the page of what is known of a resident, and who said so.
type ResidentDetails struct {
	Own
	Details []Detail
}

// Detail is one thing that is known of a resident.
type Detail struct {
	Facet  string // as in resident.facet.FACET
	Name   string // of a claim of the council's own, where Facet is other
	Own    string // where the resident can change what they say themselves; "" where they cannot
	Values []Said // what is told to services comes first
}

// Told reports whether one of Values is the resident's own.
func (d Detail) Told() bool {
	return slices.ContainsFunc(d.Values, func(s Said) bool { return s.By == "" })
}

// Said is what one source says.
type Said struct {
	Lines    []string // the value
	By       string   // the provider's name; "" for the resident
	At       Date
	Verified bool
	Verdict  string // as in resident.verdict.VERDICT
}

// ResidentEdit is the page on which residents say something of themselves.
type ResidentEdit struct {
	Own
	Facet string // what
	Typed string
	Said  bool // they have said something, and may take it back
}

// ResidentEmail is the page on which residents type the code that was sent.
type ResidentEmail struct {
	Own
	Address string
	Minutes int // for how long the code works
	Typed   string
}

// ResidentProof is the page of what was proved of a resident.
type ResidentProof struct {
	Own
	Level  string // as in resident.proof.LEVEL
	Lives  string // where they live, as in resident.proof.RESIDENCY; "" where nobody proved it
	Checks []Proof
}

// Proof is one thing that was proved.
type Proof struct {
	By        string // the provider's name; "" for one that is gone
	Level     string // as in ResidentProof; "" where it counts no more
	Lives     string // as in ResidentProof
	At, Until Date
	Over      bool // Until has passed
}

// ResidentServices is the page of the services that know a resident.
type ResidentServices struct {
	Own
	Services []KnownService
}

// KnownService is a service that knows a resident.
type KnownService struct {
	ID, Label   string
	To          string // its own page; "" for one that is gone
	Purpose     string // what it needs the details for, or ""
	First, Last Date
	Got         []string // the facets that it got, as in resident.facet.FACET
	Others      []string // claims of the council's own that it got, by their names
	Asked       bool     // the resident agreed, and may take it back
	Delegates   bool     // people may use it for others
}

// ResidentService is the page that asks whether to stop sharing with a service.
type ResidentService struct {
	Own
	Service KnownService
}

// ResidentDevices is the page of the browsers in which a resident is signed in.
type ResidentDevices struct {
	Own
	Devices []KnownDevice
}

// KnownDevice is a browser in which a resident is signed in.
type KnownDevice struct {
	ID          string
	Browser     string // Firefox; "" for one that is not known
	System      string // Android; "" for one that is not known
	By          string // the provider's name
	First, Last Date
	Now         bool // this one
	Shared      bool // others use it, too
	Services    []string
}

// ResidentActivity is the page of what happened to a resident's account.
type ResidentActivity struct {
	Own
	Days  []ActivityDay
	Older string // where what came before is; "" where nothing did
}

// Add adds what happened before all that was added.
func (a *ResidentActivity) Add(one Activity) {
	last := len(a.Days) - 1
	if last < 0 || !a.Days[last].Date.sameDay(one.At) {
		a.Days = append(a.Days, ActivityDay{Date: one.At})
		last++
	}
	a.Days[last].Events = append(a.Days[last].Events, one)
}

// ActivityDay is what happened on a day.
type ActivityDay struct {
	Date   Date
	Events []Activity
}

// Activity is one thing that happened.
type Activity struct {
	At     Date
	What   string // as in resident.activity.WHAT
	By     string // the way in that it was about: the provider's name, or ""
	App    string // the service that it was about, or ""
	Who    string // of the council's officers: who
	Reason string // and why
}

// Again is the page that asks a resident to sign in again before they change
// something.
type Again struct {
	Own
	By   string // by which they are signed in; "" for a way that is gone
	Weak bool   // that shows less than is proved of them: they sign in by another way
	Kept bool   // what they typed comes back when they have
	Back string // where giving up leads
}

// ResidentData is the page from which residents fetch all that is known of them.
type ResidentData struct{ Own }

// ResidentDelete is the page on which residents delete their account, or keep it
// after all.
type ResidentDelete struct {
	Own
	Services []string // names of those that know them
	Days     int      // for which they may think again
	Ends     Date     // when the account will be deleted; the zero Date: never
}

// ResidentDelegates is the page of who acts for whom.
type ResidentDelegates struct {
	Own
	Given, Received []Delegate
	MayInvite       bool   // some service lets people act for others
	Code            string // of an invitation that was just made; "" for none
	Days            string // for how many it works
}

// Delegate is somebody who acts for a resident, or for whom the resident acts.
type Delegate struct {
	ID        string
	Label     string // what the resident who invited calls it; "" for nothing
	Principal string // the name of that resident, for who acts for them; "" where it may not be told
	Services  []string
	Until     Date
	Waiting   bool // nobody has accepted yet
}

// ResidentInvite is the page on which residents let somebody act for them.
type ResidentInvite struct {
	Own
	Label            string
	Services         []Choice
	Day, Month, Year string
	Latest           string // the latest day that may be chosen, as 27 3 2027
}

// Choice is a box to tick.
type Choice struct {
	ID, Label string
	Chosen    bool
}

// ResidentAccept is the page on which residents type the code of an invitation.
type ResidentAccept struct {
	Own
	Typed string
}

// ResidentInvitation is the page that asks residents whether they want to act for
// somebody.
type ResidentInvitation struct {
	Own
	Name     string // who asks them; "" where it may not be told
	Label    string // what that person calls them
	Services []string
	Until    Date
}

// ResidentLanguage is the page on which residents say what language they would
// like to be written to in.
type ResidentLanguage struct {
	Own
	Languages []LanguageChoice
}

// LanguageChoice is one language of the council's pages.
type LanguageChoice struct {
	Lang, Name string
	Chosen     bool
}

// What residents may have done on their own pages. The catalogues hold
// resident.done.DID for each.
const (
	DidNameWay        = "way_named"
	DidRemoveWay      = "way_removed"
	DidSay            = "detail_saved"
	DidUnsay          = "detail_removed"
	DidSayEmail       = "email_saved"
	DidStopSharing    = "sharing_stopped"
	DidEndDevice      = "device_ended"
	DidEndPartly      = "device_ended_partly" // and not every app answered
	DidBeginDeletion  = "deletion_begun"
	DidKeepAccount    = "account_kept"
	DidInvite         = "invited"
	DidAccept         = "accepted"
	DidDecline        = "declined"
	DidEndDelegation  = "delegation_ended"
	DidChooseLanguage = "language_saved"
)

// What may be wrong with their forms. The catalogues hold resident.problem.WRONG
// for each.
const (
	WrongName            = "name_long"
	WrongNoWay           = "way_none"
	WrongLastWay         = "way_last"
	WrongLastOfOther     = "way_last_of_other"
	WrongNothing         = "said_none"
	WrongNickname        = "nickname_long"
	WrongPhone           = "phone"
	WrongAddress         = "address"
	WrongTooManyCodes    = "codes_many"
	WrongNoMail          = "mail"
	WrongCode            = "code_wrong"
	WrongCodeSpent       = "code_spent"
	WrongLabel           = "label"
	WrongNoServices      = "services"
	WrongDate            = "date"
	WrongDateLate        = "date_late"
	WrongInvitation      = "invitation"
	WrongOwnInvitation   = "invitation_own"
	WrongTooManyAttempts = "invitations_many"
	WrongTooManyInvited  = "invited_many"
	WrongTooManyOpen     = "invitations_open"
	WrongNotSure         = "sure"
)
