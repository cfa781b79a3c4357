package web

// Problems are what may be wrong with a form of the council's own way in. The
// catalogues hold council.problem.PROBLEM for each.
const (
	ProblemAddress   = "address"    // not an e-mail address
	ProblemCodeWrong = "code_wrong" // not the code that was sent
	ProblemCodeSpent = "code_spent" // too old, used, or guessed at too often
	ProblemCodesMany = "codes_many" // no more codes for now
	ProblemMail      = "mail"       // the code could not be sent
)

// CouncilSignIn is the page on which residents say who they are.
type CouncilSignIn struct {
	Problem string // "" for none
	Address string // as it was typed last, or as the app gave it
	Send    string // where the address is posted, for a code
	Cancel  string
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
