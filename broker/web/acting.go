package web

// Acting is the page that asks for whom somebody uses an app.
type Acting struct {
	App    string            // name of the service
	People []Principal       // for whom they may act
	Action string            // where the answer is posted
	Fields map[string]string // hidden fields of the form
	Cancel string            // where Cancel leads
}

// Principal is somebody for whom somebody else may act.
type Principal struct {
	ID           string // the answer that stands for them
	Name         string // "" where it may not be told
	Since, Until Date
	Not          string // why not now: NotSure, NotShared, or ""
}

// Why somebody cannot act for somebody else at an app now.
const (
	NotSure   = "sure"   // the app needs to be more sure of one of the two, or the principal cannot sign in
	NotShared = "shared" // the principal has not agreed that the app gets their details
)
