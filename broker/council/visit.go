package council

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// visit is what one trip to these pages has to remember. It is kept under the
// attempt's state, and belongs to the browser that opened its first page.
type visit struct {
	Browser string            `json:"browser,omitempty"` // the mark of that browser; "" until then
	Account bool              `json:"account,omitempty"` // it leads to the account page, not back to an app
	Need    mapping.Assurance `json:"need,omitzero"`     // what must be proved
	Typed   string            `json:"typed,omitempty"`   // the address that was typed last, as it was typed
	Problem problem           `json:"problem,omitzero"`  // what was wrong with the last form
	Saved   bool              `json:"saved,omitempty"`   // the resident has just made a passkey, and may now use it
	User    string            `json:"user,omitempty"`    // who has shown who they are,
	Method  method            `json:"method,omitempty"`  // and how
}

// problem is what was wrong with a form, on the page that is to say so.
type problem struct {
	Page string `json:"page"`
	What string `json:"what"` // one of web.Problem…
}

// on is what the page called page has to say.
func (p problem) on(page string) string {
	if p.Page != page {
		return ""
	}
	return p.What
}

var visitTable = store.Table[visit]{Name: "council-visit"}

// visitTime is how long a resident may take, as long as a login may.
const visitTime = time.Hour

// stay is a visit while a request is about it.
type stay struct {
	visit
	handle store.Handle
}

func (s *stay) put(b *store.Batch) { visitTable.Put(b, s.handle, s.visit, visitTime) }

// link is the address of a page of the visit called h.
func (c *Council) link(page string, h store.Handle) string {
	return c.path(page) + "?state=" + url.QueryEscape(h.String())
}

// visited is a handler of a visit's page. It finds the visit that the address
// names, makes sure that it belongs to this browser, and counts the step.
func (c *Council) visited(handle func(http.ResponseWriter, *http.Request, *stay) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h, ok := store.ParseHandle(r.URL.Query().Get("state"))
		if !ok {
			return expired("the address names no visit")
		}
		b := c.counted(r)
		found := visitTable.Get(b, h)
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		s := &stay{handle: h}
		if s.visit, ok = found.Value(); !ok {
			return expired("there is no such visit, or it is over")
		}
		if err := c.bind(w, r, s); err != nil {
			return err
		}
		return handle(w, r, s)
	}
}

// browserCookie knows a browser until it is closed. It is not the login's own:
// whether the browser is the one that the app's request came from is checked
// again at the callback. This one keeps others from finishing a visit that
// somebody else is in the middle of.
const browserCookie = "council"

// bind gives a new visit to the browser that comes first, and refuses others.
// The visit of a first page is written with what the page adds to it.
func (c *Council) bind(w http.ResponseWriter, r *http.Request, s *stay) error {
	cookie, err := r.Cookie(c.Site.Cookie(browserCookie))
	known := err == nil && len(cookie.Value) == len(rand.Text())
	switch {
	case s.Browser == "" && r.Method != http.MethodGet:
		return expired("a form of a visit that shows no page yet")
	case s.Browser == "" && !known:
		id := rand.Text()
		c.Site.SetCookie(w, browserCookie, id, 0)
		s.Browser = mark(id)
	case s.Browser == "":
		s.Browser = mark(cookie.Value)
	case !known:
		return &web.Error{Status: http.StatusBadRequest, Message: web.CookiesOff, Back: "/", Err: errors.New("the browser brings no cookie")}
	case subtle.ConstantTimeCompare([]byte(mark(cookie.Value)), []byte(s.Browser)) != 1:
		return &web.Error{Status: http.StatusBadRequest, Message: web.SignInElsewhere, Back: "/", Err: errors.New("the visit belongs to another browser")}
	}
	return nil
}

// mark is how a record remembers a browser.
func mark(id string) string {
	sum := sha256.Sum256([]byte("council " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func expired(why string) error {
	return &web.Error{Status: http.StatusBadRequest, Message: web.SignInExpired, Back: "/", Err: errors.New(why)}
}

// goTo keeps the visit and leads to one of its pages: pages are shown by GET
// alone, so that Back, Reload and the language switch work.
func (c *Council) goTo(w http.ResponseWriter, r *http.Request, s *stay, page string) error {
	b := c.Store.Batch()
	s.put(b)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, c.link(page, s.handle), http.StatusSeeOther)
	return nil
}

// wrong is goTo with what was wrong with the form.
func (c *Council) wrong(w http.ResponseWriter, r *http.Request, s *stay, page, what string) error {
	s.Problem = problem{page, what}
	return c.goTo(w, r, s, page)
}
