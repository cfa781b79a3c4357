package town

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/councilid/councilid/test/markup"
)

// Browser is one resident's browser: cookies, redirects, and a persona to be
// at the providers.
type Browser struct {
	Persona string // at every provider; "full-record" at first
	Fault   string // what goes wrong there; "" for nothing
	Manual  bool   // it does not send forms with SAML messages by itself
	Posted  Form   // the last one that it sent
	Doubts  bool   // it stays on the page that asks newcomers whether they have signed in before; else they have not

	tb     testing.TB
	issuer string                  // of the town; "" without one
	at     atomic.Pointer[url.URL] // the page that shows; nil at first
	client http.Client
	jar    *jar
}

// Page is where a browser ended up.
type Page struct {
	Status int
	URL    *url.URL // of an app: the callback with its query
	Body   string
	Header http.Header
}

// NewBrowser opens an empty browser.
func (t *Town) NewBrowser(tb testing.TB) *Browser {
	tb.Helper()
	b := NewBrowser(tb)
	b.issuer = t.Issuer
	return b
}

// NewBrowser opens an empty browser that knows of no town.
func NewBrowser(tb testing.TB) *Browser {
	tb.Helper()
	jar, err := newJar()
	if err != nil {
		tb.Fatal(err)
	}
	b := &Browser{Persona: "full-record", tb: tb, jar: jar}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// Get opens an address and follows redirects until a page, or an app. Forms
// that hand on SAML messages it sends, as their scripts do.
func (b *Browser) Get(address string) Page {
	b.tb.Helper()
	return b.follow(http.MethodGet, address, nil)
}

// Choose goes on through a connector where the broker asks by which.
func (b *Browser) Choose(p Page, connector string) Page {
	b.tb.Helper()
	if p.AtApp() || p.URL.Path != "/choose" {
		return p
	}
	return b.Get(p.Link(b.tb, "idp-"+connector))
}

// Send sends a form as a page of another site does.
func (b *Browser) Send(f Form) Page {
	b.tb.Helper()
	at, err := url.Parse(App)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.at.Store(at)
	return b.follow(http.MethodPost, f.Action, f.Fields)
}

// Post sends a form and follows redirects.
func (b *Browser) Post(address string, form url.Values) Page {
	b.tb.Helper()
	return b.follow(http.MethodPost, address, form)
}

// tooFar is more requests than any journey takes.
const tooFar = 40

func (b *Browser) follow(method, address string, form url.Values) Page {
	b.tb.Helper()
	for range tooFar {
		page := b.Step(method, address, form)
		if message, ok := page.Message(); ok && !b.Manual {
			b.Posted = message
			if at, err := url.Parse(message.Action); err == nil && strings.HasPrefix(message.Action, App) {
				return Page{Status: page.Status, URL: at}
			}
			method, address, form = http.MethodPost, message.Action, message.Fields
			continue
		}
		if page.URL.Path == "/before" && page.Status == http.StatusOK && !b.Doubts {
			method, address, form = http.MethodPost, "/before", url.Values{"request": {page.Query("request")}, "answer": {"never"}}
			continue
		}
		to := page.Header.Get("Location")
		if to == "" {
			return page
		}
		next, err := page.URL.Parse(to)
		if err != nil {
			b.tb.Fatal(err)
		}
		if strings.HasPrefix(next.String(), App) {
			return Page{Status: page.Status, URL: next}
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	b.tb.Fatalf("more than %d requests, the last to %s", tooFar, address)
	return Page{}
}

// Step does one request and follows nothing. At a provider it chooses the
// browser's persona.
func (b *Browser) Step(method, address string, form url.Values) Page {
	b.tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.tb.Fatal(err)
	}
	if u.Host == "" {
		u, _ = url.Parse(b.issuer + address)
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.tb.Context(), method, u.String(), body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.issuer == "" || !strings.HasPrefix(u.String(), b.issuer) {
		r.Header.Set("Simulator-Persona", b.Persona)
		if b.Fault != "" {
			r.Header.Set("Simulator-Fault", b.Fault)
		}
	}
	return b.Do(r)
}

// Do sends a request as it is, with the browser's cookies, and follows nothing.
func (b *Browser) Do(r *http.Request) Page {
	b.tb.Helper()
	at := b.at.Load()
	b.jar.attach(r, at != nil && at.Hostname() != r.URL.Hostname())
	answer, err := b.client.Do(r)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b.jar.keep(r.URL, answer.Cookies())
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if answer.Header.Get("Location") == "" {
		b.at.Store(r.URL)
	}
	return Page{Status: answer.StatusCode, URL: r.URL, Body: string(body), Header: answer.Header}
}

// Cookies are what the browser holds for the broker.
func (b *Browser) Cookies() []*http.Cookie {
	u, _ := url.Parse(b.issuer)
	return b.jar.Cookies(u)
}

// SetCookies gives the browser cookies for the broker.
func (b *Browser) SetCookies(cookies ...*http.Cookie) {
	u, _ := url.Parse(b.issuer)
	b.jar.SetCookies(u, cookies)
}

// AtApp reports whether the browser was sent back to an app.
func (p Page) AtApp() bool { return p.URL != nil && strings.HasPrefix(p.URL.String(), App) }

// Query is a parameter that the browser brought to where it is.
func (p Page) Query(name string) string { return p.URL.Query().Get(name) }

// Link is the address of the link with an id.
func (p Page) Link(tb testing.TB, id string) string {
	tb.Helper()
	to := markup.Link(p.Body, id)
	if to == "" {
		tb.Fatalf("the page has no link %q: %s", id, p)
	}
	return to
}

// String is for messages of tests.
func (p Page) String() string {
	title := markup.Title(p.Body)
	if title == "" {
		return fmt.Sprintf("%d at %s", p.Status, p.URL)
	}
	return fmt.Sprintf("%d at %s, %q", p.Status, p.URL.Path, title)
}
