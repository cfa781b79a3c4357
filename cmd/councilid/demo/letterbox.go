package demo

import (
	"net/url"
	"path"
	"regexp"
	"sync"
)

// Letterbox keeps what the broker prints of its mails, for the check to read the
// codes in them.
type Letterbox struct {
	mu   sync.Mutex
	last []byte
}

// Write takes a mail.
func (l *Letterbox) Write(mail []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last[:0], mail...)
	return len(mail), nil
}

var codeLine = regexp.MustCompile(`(?m)^ +(\d{4} \d{4})$`)

// code is the code in the last mail, or "".
func (l *Letterbox) code() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := codeLine.FindSubmatch(l.last); found != nil {
		return string(found[1])
	}
	return ""
}

// resident is the address of whoever signs in with the council itself.
const resident = "resident@strathmore.example"

// councilForm fills in the page of the council's own way in that is shown: where
// its form posts, and what. There is none where the address is "".
func (b *browser) councilForm(at stop) (address string, fields url.Values) {
	form, fields := "", url.Values{}
	switch path.Base(at.url.Path) {
	case "sign-in":
		form, fields = "address", url.Values{"address": {resident}}
	case "code":
		form, fields = "code", url.Values{"code": {b.letters.code()}}
	case "new":
		form = "later"
	}
	for n := range at.nodes() {
		to, err := at.url.Parse(attribute(n, "action"))
		if n.Data == "form" && err == nil && path.Base(to.Path) == form {
			return to.String(), fields
		}
	}
	return "", nil
}
