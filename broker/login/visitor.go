package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/councilid/councilid/broker/store"
)

// Two cookies know a browser. "browser" lives for a year and names the
// browser, signed in or not: every attempt is bound to it, so that an answer
// is accepted only where the question was asked. "session" lives as long as a
// sign-in and is replaced at each, so that a session cannot be fixed
// beforehand.
const (
	browserCookie = "browser"
	sessionCookie = "session"
	browserMaxAge = 365 * 24 * time.Hour
)

// visitor is what a request's cookies say, before anything is looked up.
type visitor struct {
	browser browser
	session store.Handle // the zero Handle without a session cookie
	known   bool         // the browser cookie was there
}

// browser is what the browser cookie holds. Only ID matters for security; the
// other two are a convenience that the resident may well edit.
type browser struct {
	ID   string // random
	Last string // the connector used last
	App  string // the app of the last login: where a lost resident is led back to
}

func (b browser) String() string { return b.ID + "." + b.Last + "." + b.App }

// parseBrowser is lenient: of a cookie that is not ours nothing is kept.
func parseBrowser(s string) (browser, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != len(rand.Text()) {
		return browser{}, false
	}
	return browser{ID: parts[0], Last: parts[1], App: parts[2]}, true
}

// mark is how a record remembers the browser that it belongs to.
func (b browser) mark() string { return fingerprint("browser", b.ID) }

// handle is where a record of the browser's own is kept, one of a table.
func (b browser) handle() store.Handle { return store.Handle{Tag: b.mark()} }

// fingerprint names a record after what may stand in no key: something secret,
// or anything that others chose.
func fingerprint(kind string, parts ...string) string {
	text := make([]byte, 0, 128)
	for _, part := range append([]string{kind}, parts...) {
		text = strconv.AppendInt(text, int64(len(part)), 10)
		text = append(append(append(text, ' '), part...), ' ')
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visitor reads the cookies of r; a new browser gets an ID.
func (f *Flow) visitor(r *http.Request) visitor {
	var v visitor
	if c, err := f.cookies().Get(r, f.Site.Cookie(browserCookie)); err == nil {
		v.browser, v.known = parseBrowser(c.ID)
	}
	if !v.known {
		v.browser.ID = rand.Text()
	}
	if c, err := f.cookies().Get(r, f.Site.Cookie(sessionCookie)); err == nil {
		v.session, _ = store.ParseHandle(c.ID)
	}
	return v
}

// remember sends the browser cookie.
func (f *Flow) remember(w http.ResponseWriter, r *http.Request, b browser) error {
	return f.saveCookie(w, r, browserCookie, b.String(), int(browserMaxAge.Seconds()))
}

// forget gives the browser a new ID: whoever copied the old one from a shared
// computer can do nothing there any more.
func (f *Flow) forget(w http.ResponseWriter, r *http.Request, b browser) (browser, error) {
	b.ID = rand.Text()
	return b, f.remember(w, r, b)
}

// enter sends the session cookie, which lives until the browser is closed or
// the session ends.
func (f *Flow) enter(w http.ResponseWriter, r *http.Request, h store.Handle) error {
	return f.saveCookie(w, r, sessionCookie, h.String(), 0)
}

// exit removes the session cookie.
func (f *Flow) exit(w http.ResponseWriter, r *http.Request) error {
	return f.saveCookie(w, r, sessionCookie, "", -1)
}

func (f *Flow) saveCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) error {
	c, err := f.cookies().Get(r, f.Site.Cookie(name))
	if err != nil {
		return err
	}
	c.ID, c.Options.MaxAge = value, maxAge
	return c.Save(r, w)
}

// cookieStore is a gorilla sessions.Store whose cookies hold an id and nothing
// else. What the id stands for is in Redis, where the flow reads and writes it
// together with everything else that a step needs, in one round trip.
type cookieStore struct{ secure bool }

func (f *Flow) cookies() cookieStore { return cookieStore{secure: f.Secure} }

// Get returns the request's session of that name.
func (c cookieStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(c, name)
}

// New returns the session whose id the cookie holds, or one without an id.
func (c cookieStore) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(c, name)
	s.Options = &sessions.Options{Path: "/", Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	cookie, err := r.Cookie(name)
	if err != nil {
		s.IsNew = true
		return s, nil
	}
	s.ID = cookie.Value
	return s, nil
}

// Save sends the cookie.
func (c cookieStore) Save(_ *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	http.SetCookie(w, sessions.NewCookie(s.Name(), s.ID, s.Options))
	return nil
}
