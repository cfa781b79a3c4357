package login

import "strings"

// agent is what a browser says of itself, by the names that people know. Any may
// call itself what it likes: it is for residents to tell their own devices apart,
// and nothing else depends on it.
type agent struct {
	Browser string `json:"browser,omitempty"` // as in Firefox; "" for one that is not known
	System  string `json:"system,omitempty"`  // that it runs on, as in Windows; "" likewise
}

// Most browsers say that they are others as well, for the sake of old sites: the
// first that is found counts.
var (
	browserNames = []struct{ word, name string }{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systemNames = []struct{ word, name string }{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

// parseAgent reads a User-Agent (RFC 9110 §10.1.5).
func parseAgent(header string) agent {
	var a agent
	for _, b := range browserNames {
		if a.Browser == "" && strings.Contains(header, b.word) {
			a.Browser = b.name
		}
	}
	for _, s := range systemNames {
		if a.System == "" && strings.Contains(header, s.word) {
			a.System = s.name
		}
	}
	return a
}
