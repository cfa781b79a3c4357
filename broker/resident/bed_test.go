package resident_test

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/resident"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/logbook"
	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/markup"
)

// bed is residents' own pages on two nodes, with a login around them, three
// providers and a mail server.
type bed struct {
	*testing.T
	flows [2]*login.Flow
	pages [2]*resident.Pages
	nodes [2]*httptest.Server
	post  *mailbox.Server
	sql   *db.DB
	log   logbook.Log

	mu    sync.Mutex
	clock time.Time
}

// provider answers what its browser says: ?person=…&email=…&level=….
type provider string

func (p provider) Start(_ context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	return connectors.Redirect{URL: "https://" + string(p) + ".example/sso?state=" + a.State}, nil
}

func (p provider) Finish(_ context.Context, _ connectors.Attempt, r *http.Request) (*connectors.Assertion, error) {
	claims := mapping.Claims{"name": r.FormValue("person")}
	if email := r.FormValue("email"); email != "" {
		claims["email"], claims["email_verified"] = email, true
	}
	at, err := time.Parse(time.RFC3339, r.FormValue("at"))
	return &connectors.Assertion{
		Issuer: "https://" + string(p) + ".example", Subject: r.FormValue("person"), Claims: claims, AuthTime: at,
		Signed: mapping.Signed{"id_token": {"level": strings.Split(r.FormValue("level"), ".")}},
	}, err
}

func open(t *testing.T) *bed {
	t.Helper()
	b := &bed{T: t, post: mailbox.Open(t), clock: time.Now().Truncate(time.Second)}
	state, err := store.Open(store.Options{})
	b.must(err)
	t.Cleanup(func() { state.Close() })
	b.sql, err = db.Open(t.Context(), db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")})
	b.must(err)
	t.Cleanup(func() { b.sql.Close() })
	t.Cleanup(func() {
		if log := b.log.String(); strings.Contains(log, "example.org") || strings.Contains(log, "panic") {
			t.Errorf("the log says: %s", log)
		}
	})
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	post, err := mail.Open(config.Mail{SMTP: b.post.Address, TLS: "none", From: "Strathmore Council <no-reply@strathmore.example>"}, nil, log)
	b.must(err)
	for i := range b.nodes {
		b.flows[i] = b.flow(state, log)
		b.pages[i] = &resident.Pages{
			Flow: b.flows[i], Residents: config.Residents{CoolingOff: 14 * 24 * time.Hour}, Council: "Strathmore Council", Site: "login.example",
			Languages: []string{"en", "cy", "gd"}, Post: post, Now: b.now,
			Services: []config.Service{{
				Label: config.Text{"en": "Potholes", "cy": "Tyllau"}, Link: "https://www.example.gov.uk/potholes",
				Tile: config.Tile{Icon: "car", Category: text("Streets")},
			}},
		}
		mux := http.NewServeMux()
		b.flows[i].Mount(mux)
		b.pages[i].Mount(mux)
		b.flows[i].Site.Mount(mux)
		b.nodes[i] = httptest.NewServer(b.flows[i].Site.Protect(mux))
		t.Cleanup(b.nodes[i].Close)
	}
	return b
}

func (b *bed) flow(state *store.Store, log *slog.Logger) *login.Flow {
	b.Helper()
	site, err := web.New(web.Options{Look: web.Look{Council: "Strathmore Council"}, Log: log, Translate: translate})
	b.must(err)
	people := accounts.Open(b.sql, b.now, func(connector string) mapping.Assurance {
		return mapping.Assurance{Identity: mapping.P4, Authenticator: mapping.Ch, Phishing: mapping.F1, Residency: mapping.R3}
	})
	people.CoolingOff, people.UndoTime = 14*24*time.Hour, 30*24*time.Hour
	people.Sector = func(app string) string { return app }
	apps := map[string]config.App{}
	for _, id := range []string{"tax", "library", "hidden"} {
		apps[id] = config.App{
			ID: id, Label: config.Text{"en": "Council " + id, "cy": "Cyngor " + id}, Home: "https://" + id + ".example/", Consent: "implied",
			Delegates: id != "hidden", Tile: config.Tile{Icon: "book", Hidden: id == "hidden"},
		}
	}
	return &login.Flow{
		Ways: []login.Way{
			b.way("weak", config.Assurance{Authenticator: "Cl"}), b.way("middle", config.Assurance{Authenticator: "Cm"}),
			b.way("strong", config.Assurance{Identity: "P2", Authenticator: "Cm"}),
		},
		Apps: apps, FrontEnds: map[string]login.FrontEnd{},
		Accounts: people, Store: state, Site: site, Session: config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour},
		Delegation: 365 * 24 * time.Hour, Limit: store.Limit{PerMinute: 6000}, Issuer: "https://login.example", Now: b.now,
		Observe: func(string, string) {},
	}
}

// way is a way whose provider signs how sure it is, in our own letters.
func (b *bed) way(id string, most config.Assurance) login.Way {
	b.Helper()
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims: map[string]string{"name": "claims.name", "email": "claims.email"},
		Email:  mapping.EmailPolicy{Policy: "claim"}, Cap: most.Vector(),
		Levels: map[string]mapping.Level{
			"authenticator": {From: "id_token", Value: "claims.level", Map: map[string]string{"Cl": "Cl", "Cm": "Cm"}},
			"identity":      {From: "id_token", Value: "claims.level", Map: map[string]string{"P1": "P1", "P2": "P2"}},
		},
	})
	if len(mistakes) > 0 {
		b.Fatal(mistakes)
	}
	c := config.Connector{ID: id, Label: text(strings.ToUpper(id[:1]) + id[1:]), Cap: most, OIDC: &config.OIDC{}}
	c.Levels.Identity = &config.Level{Fresh: 365 * 24 * time.Hour}
	return login.Way{Config: c, Connector: provider(id), Rules: rules}
}

func translate(err error) *web.Error {
	if _, exceeded := errors.AsType[*store.Exceeded](err); exceeded {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany}
	}
	return nil
}

func text(s string) config.Text { return config.Text{"": s} }

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bed) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func (b *bed) people() *accounts.Accounts { return b.flows[0].Accounts }

// uses has the resident sign in to an app, which is told their name.
func (b *bed) uses(who session, app string) {
	b.Helper()
	b.must(b.people().Record(b.Context(), []string{app + who.account + b.now().String()}, []accounts.Visit{{
		Account: who.account, Link: who.link, App: app, At: b.now(), Released: []string{"sub", "name", "email", "council_number"},
	}}))
}

// session is what a browser was signed in to.
type session struct{ account, link string }

// browser keeps cookies and follows redirects, but not to providers.
type browser struct {
	*bed
	client   http.Client
	node     int // that answers
	language string
}

// page is what a browser is shown, or where else it was sent.
type page struct {
	status int
	at     *url.URL
	body   string
	header http.Header
}

func (b *bed) browser() *browser {
	b.Helper()
	jar, err := cookiejar.New(nil)
	b.must(err)
	w := &browser{bed: b}
	w.client = http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

func (w *browser) get(address string) page { return w.do(http.MethodGet, address, nil) }

func (w *browser) post(address string, fields ...string) page {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return w.do(http.MethodPost, address, form)
}

func (w *browser) do(method, address string, form url.Values) page {
	w.Helper()
	for range 10 {
		answer := w.request(method, address, form)
		body, err := io.ReadAll(answer.Body)
		w.must(err)
		answer.Body.Close()
		to := answer.Header.Get("Location")
		if to == "" {
			return page{answer.StatusCode, answer.Request.URL, string(body), answer.Header}
		}
		if answer.StatusCode != http.StatusSeeOther && method == http.MethodPost {
			w.Errorf("a post is answered %d", answer.StatusCode)
		}
		next, err := answer.Request.URL.Parse(to)
		w.must(err)
		if strings.HasSuffix(next.Host, ".example") {
			return page{answer.StatusCode, next, "", answer.Header}
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	w.Fatal("too many redirects")
	return page{}
}

// request asks whichever node is the browser's. Cookies know no ports.
func (w *browser) request(method, address string, form url.Values) *http.Response {
	w.Helper()
	u, err := url.Parse(address)
	w.must(err)
	u.Scheme, u.Host = "http", w.nodes[w.node].Listener.Addr().String()
	r, err := http.NewRequestWithContext(w.Context(), method, u.String(), strings.NewReader(form.Encode()))
	w.must(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept-Language", w.language)
	answer, err := w.client.Do(r)
	w.must(err)
	return answer
}

// signIn signs somebody in at the front page.
func (w *browser) signIn(by, person, level string) session {
	w.Helper()
	p := w.returns(w.chooses(w.get("/sign-in"), by), person, level)
	p.shows(w, "Recent activity")
	return w.session()
}

// chooses goes to a provider from the page that asks by which.
func (w *browser) chooses(p page, by string) page {
	w.Helper()
	if p.at.Path == "/choose" {
		p = w.get(w.link(p, "idp-"+by))
	}
	if p.at.Host != by+".example" {
		w.Fatalf("not at %s: %s", by, p)
	}
	return p
}

// returns comes back from a provider as a person, whose e-mail address is
// PERSON@example.org.
func (w *browser) returns(p page, person, level string) page {
	w.Helper()
	by, _, _ := strings.Cut(p.at.Host, ".")
	if !strings.HasSuffix(p.at.Host, ".example") {
		w.Fatalf("not at a provider: %s", p)
	}
	query := url.Values{
		"state": {p.at.Query().Get("state")}, "person": {person}, "email": {person + "@example.org"},
		"level": {level}, "at": {w.now().Format(time.RFC3339)},
	}
	return w.get("/callback/" + by + "?" + query.Encode())
}

// session is what the browser is signed in to.
func (w *browser) session() session {
	w.Helper()
	u, err := url.Parse(w.nodes[0].URL)
	w.must(err)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.client.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	s, err := w.flows[0].Current(r)
	w.must(err)
	if s == nil {
		return session{}
	}
	return session{s.Account.ID, s.Link}
}

// link is where the link with an id leads.
func (w *browser) link(p page, id string) string {
	w.Helper()
	to := markup.Link(p.body, id)
	if to == "" {
		w.Fatalf("there is no link %s: %s", id, p)
	}
	return to
}

// String is for messages of tests.
func (p page) String() string {
	return http.StatusText(p.status) + " at " + p.at.String() + " " + markup.Title(p.body)
}

// shows holds the page to texts.
func (p page) shows(t testing.TB, texts ...string) {
	t.Helper()
	body := html.UnescapeString(p.body)
	for _, want := range texts {
		if !strings.Contains(body, want) {
			t.Errorf("%s: the page lacks %q", p, want)
		}
	}
}

// hides holds the page to lack texts.
func (p page) hides(t testing.TB, texts ...string) {
	t.Helper()
	for _, unwanted := range texts {
		if strings.Contains(html.UnescapeString(p.body), unwanted) {
			t.Errorf("%s: the page has %q", p, unwanted)
		}
	}
}

// objects holds the page to say what was wrong.
func (p page) objects(t testing.TB, what string) {
	t.Helper()
	p.shows(t, "<title>Error: ", "govuk-error-summary", what)
	if strings.Count(html.UnescapeString(p.body), what) < 2 {
		t.Errorf("%s: %q stands in one place only", p, what)
	}
}

func found(t testing.TB, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s in %s", pattern, text)
	}
	return m[1]
}
