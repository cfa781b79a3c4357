package web

import "slices"

// Problems are what may be wrong with a form of the council's own way in. The
// catalogues hold council.problem.PROBLEM for each.
const (
	ProblemAddress         = "address"          // not an e-mail address
	ProblemAddressTaken    = "address_taken"    // of another account
	ProblemCodeWrong       = "code_wrong"       // not the code that was sent
	ProblemCodeSpent       = "code_spent"       // too old, used, or guessed at too often
	ProblemCodesMany       = "codes_many"       // no more codes for now
	ProblemCodeOff         = "code_off"         // a code alone signs nobody in who has something else
	ProblemMail            = "mail"             // the code could not be sent
	ProblemPasskey         = "passkey"          // the passkey's answer cannot be accepted
	ProblemPasskeyNew      = "passkey_new"      // a new passkey cannot be accepted
	ProblemPasskeysMany    = "passkeys_many"    // there are as many as somebody may have
	ProblemPasswordWrong   = "password_wrong"   // the address, the password or both
	ProblemPasswordsMany   = "passwords_many"   // no more passwords for now
	ProblemPasswordShort   = "password_short"   // a new one
	ProblemPasswordLong    = "password_long"    // a new one
	ProblemPasswordCommon  = "password_common"  // a new one that thieves know
	ProblemPasswordDiffers = "password_differs" // a new one that was not typed alike twice
	ProblemRecover         = "recover"          // the address is not one of this session's account
	ProblemWeak            = "weak"             // the sign-in is not enough for the service
)

// Changes are what somebody may change of how they sign in. The catalogues hold
// council.done.CHANGE for each, and so do the letters that tell of it.
const (
	DonePasskeyAdded    = "passkey_added"
	DonePasskeyRemoved  = "passkey_removed"
	DonePasswordSet     = "password_set"
	DonePasswordRemoved = "password_removed"
	DoneAddressChanged  = "address_changed"
)

// Passkey is a page's button for passkeys. Its script asks the device.
type Passkey struct {
	Question string // WebAuthn's options, as JSON; "" where there are no passkeys
	Action   string // where the answer is posted
}

// CouncilSignIn is the page on which residents say who they are.
type CouncilSignIn struct {
	Problem  string // "" for none
	Saved    bool   // the resident has just made a passkey
	Strong   bool   // a code will not be enough for the service
	Passkey  Passkey
	Address  string // as it was typed last, or as the app gave it
	Send     string // where the address is posted, for a code
	Password string // where a password can be given; "" where there are none
	Help     string // for those who cannot sign in
	Cancel   string
}

// AboutAddress reports whether the problem is with the address.
func (c CouncilSignIn) AboutAddress() bool {
	return slices.Contains([]string{ProblemAddress, ProblemCodesMany, ProblemMail}, c.Problem)
}

// CouncilPassword is the page that asks for a password.
type CouncilPassword struct {
	Problem string
	Address string
	Check   string // where both are posted
	Other   string // where one can sign in without
	Help    string
	Cancel  string
}

// CouncilHelp is the page for those who cannot sign in.
type CouncilHelp struct {
	SignIn  string
	Cancel  string // where another way can be chosen
	Recover string // where one gets back in by another way
}

// CouncilRecover is the page on which residents say which address is theirs.
type CouncilRecover struct {
	Problem string
	Address string
	Check   string // where the address is posted
	Back    string // where one can sign in
}

// CouncilAccount is the page on which residents see how they sign in.
type CouncilAccount struct {
	Problem     string
	Done        string // what was just changed, as in council.done.DONE; "" for nothing
	May         bool   // they have signed in well enough to change something
	Address     string
	Move        string // where another address can be given
	Passkeys    []KnownPasskey
	Passkey     Passkey // makes another
	Full        bool    // there may be no other
	Rename      string  // where a passkey's new name is posted
	Remove      string  // where the passkey to be removed is posted
	Password    string  // where one can be set; "" where there are none
	HasPassword bool
	NoPassword  string // where the removal is posted
	Leave       string // where "Done" is posted
	Recover     string
}

// KnownPasskey is a passkey of the resident's.
type KnownPasskey struct {
	ID, Name    string // the name may be ""
	Added, Used string // days; Used may be ""
}

// CouncilNewPassword is the page that asks for a new password.
type CouncilNewPassword struct {
	Problem  string
	Shortest int    // characters
	Address  string // whose it is, for password managers
	Save     string // where it is posted
	Back     string
}

// CouncilMove is the page that asks for a new address.
type CouncilMove struct {
	Problem string
	Address string // the present one
	To      string // as it was typed last
	Send    string // where it is posted
	Back    string
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
	Again   string // where the address is posted for another code; "" leaves it out
	Other   string // where another address can be given
	Back    string // to the account page, where it is changed; "" where somebody signs in
	Cancel  string
}
