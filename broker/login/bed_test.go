package login_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// bed is a login flow with real stores on two nodes. The apps' protocol and the
// providers are the test's.
type bed struct {
	t     *testing.T
	front *front
	works *provider // that posts its answers and takes part in sign-outs
	other *provider // the same, at another council
	plain provider  // that answers by GET and does not
	flows [2]*login.Flow
	nodes [2]*httptest.Server
	trips atomic.Int64 // round trips to Redis
	sql   *db.DB

	statements atomic.Int64 // of SQL

	mu    sync.Mutex
	clock time.Time
	next  func() // happens, once, after the next round trip to Redis
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: time.Now().Truncate(time.Second), front: newFront(), works: &provider{id: "works"}, other: &provider{id: "other"}, plain: provider{id: "plain"}}
	state, err := store.Open(store.Options{Observe: func(error, time.Duration) { b.trips.Add(1); b.afterTrip() }})
	b.must(err)
	t.Cleanup(func() { state.Close() })
	sql, err := db.Open(t.Context(), db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db"), Observe: func(error, time.Duration) { b.statements.Add(1) }})
	b.must(err)
	t.Cleanup(func() { sql.Close() })
	b.sql = sql
	people := accounts.Open(sql, b.now, b.cap)
	people.Sector = func(app string) string { return app + ".example" }
	for i := range b.nodes {
		b.flows[i] = b.flow(state, people)
		mux := http.NewServeMux()
		b.flows[i].Mount(mux)
		b.front.mount(mux, b.flows[i])
		b.nodes[i] = httptest.NewServer(b.flows[i].Site.Protect(mux))
		t.Cleanup(b.nodes[i].Close)
	}
	return b
}

func (b *bed) flow(state *store.Store, people *accounts.Accounts) *login.Flow {
	b.t.Helper()
	site, err := web.New(web.Options{
		Look: web.Look{Council: "Strathmore Council"}, Log: slog.New(slog.DiscardHandler),
		Large: map[string]int64{"POST /callback/{connector}": 1 << 20}, Translate: translate,
	})
	b.must(err)
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{Claims: map[string]string{"name": "claims.name"}})
	if len(mistakes) > 0 {
		b.t.Fatal(mistakes)
	}
	saml := config.SAML{Response: config.SAMLResponse{UnsolicitedApp: "tax"}}
	return &login.Flow{
		Ways: []login.Way{
			{Config: config.Connector{ID: "works", Label: text("Work account"), SAML: &saml}, Connector: logouter{b.works}, Rules: rules},
			{Config: config.Connector{ID: "other", Label: text("Other council"), SAML: &config.SAML{}}, Connector: logouter{b.other}, Rules: rules},
			{Config: config.Connector{ID: "plain", Label: text("Plain")}, Connector: &b.plain, Rules: rules},
		},
		Apps:      map[string]config.App{"tax": app("tax"), "waste": app("waste"), "parks": app("parks"), "library": app("library")},
		FrontEnds: map[string]login.FrontEnd{"test": b.front}, Accounts: people, Store: state, Site: site,
		Session: config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour}, Limit: store.Limit{PerMinute: 6000},
		Now: b.now, Observe: b.front.observe, ObserveEnd: b.front.observe,
	}
}

func translate(err error) *web.Error {
	if _, exceeded := errors.AsType[*store.Exceeded](err); exceeded {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany}
	}
	if errors.Is(err, store.ErrUnavailable) {
		return &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable}
	}
	return nil
}

func text(s string) config.Text { return config.Text{"": s} }

func app(id string) config.App {
	return config.App{ID: id, Label: text("App " + id), Home: "https://" + id + ".example/"}
}

// cap is the most that a connector is believed.
func (b *bed) cap(connector string) mapping.Assurance {
	for _, way := range b.flows[0].Ways {
		if way.Config.ID == connector {
			return way.Config.Cap.Vector()
		}
	}
	return mapping.Assurance{}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bed) afterTrip() {
	b.mu.Lock()
	next := b.next
	b.next = nil
	b.mu.Unlock()
	if next != nil {
		next()
	}
}

// browser keeps cookies and follows no redirects.
type browser struct {
	*bed
	client http.Client
	node   int
	agent  string // as which it introduces itself; "" for Go's own
}

func (b *bed) browser() *browser {
	jar, err := cookiejar.New(nil)
	b.must(err)
	return &browser{bed: b, client: http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer.
type page struct {
	status int
	to     string // Location, without the node's own address
	body   string
	header http.Header
}

func (b *browser) read(r *http.Response, err error) page {
	b.t.Helper()
	b.must(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	b.must(err)
	return page{r.StatusCode, strings.TrimPrefix(r.Header.Get("Location"), b.nodes[b.node].URL), string(body), r.Header}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.nodes[b.node].URL+path, nil)
	b.must(err)
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	return b.read(b.client.Do(r))
}

func (b *browser) post(path string, form url.Values) page {
	b.t.Helper()
	return b.read(b.client.PostForm(b.nodes[b.node].URL+path, form))
}

// postFromElsewhere posts as another site's page has the browser do it: without
// the cookies, which are SameSite=Lax.
func (b *browser) postFromElsewhere(path string, form url.Values) page {
	b.t.Helper()
	bare := http.Client{CheckRedirect: b.client.CheckRedirect}
	return b.read(bare.PostForm(b.nodes[b.node].URL+path, form))
}

// postAcross posts as another site's page would, had the browser sent the cookies
// along.
func (b *browser) postAcross(path string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.nodes[b.node].URL+path, strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.read(b.client.Do(r))
}

// ask begins a login to an app and returns the form that the provider answers
// it with.
func (b *browser) ask(app string, p *provider, person string) url.Values {
	b.t.Helper()
	if got := b.get("/ask/" + app + "?force&by=" + p.id); !strings.Contains(got.body, "https://"+p.id+".example/sso") {
		b.t.Fatalf("a login to %s leads to %d %s: %s", app, got.status, got.to, got.body)
	}
	a := p.attempt()
	return url.Values{"RelayState": {a.State}, "nonce": {a.Nonce}, "person": {person}, "index": {"1"}}
}

// signIn signs a person in to an app, at a provider that posts.
func (b *browser) signIn(app string, p *provider, person string) page {
	b.t.Helper()
	got := b.get(b.postFromElsewhere("/callback/"+p.id, b.ask(app, p, person)).to)
	if want := "https://" + app + ".example/in?person=" + person; got.to != want {
		b.t.Fatalf("the sign-in leads to %d %q: %s", got.status, got.to, got.body)
	}
	return got
}

// use signs the person in to another app, without being asked anything.
func (b *browser) use(app string) {
	b.t.Helper()
	if got := b.get("/ask/" + app); !strings.HasPrefix(got.to, "https://"+app+".example/in?") {
		b.t.Fatalf("single sign-on to %s leads to %d %q", app, got.status, got.to)
	}
}

// signedIn reports whether the browser has a session.
func (b *browser) signedIn() bool {
	b.t.Helper()
	return b.get("/here").body == "yes"
}

func (b *browser) cookies() []*http.Cookie {
	b.t.Helper()
	at, err := url.Parse(b.nodes[0].URL)
	b.must(err)
	return b.client.Jar.Cookies(at)
}

func (b *browser) cookie(name string) string {
	b.t.Helper()
	for _, c := range b.cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (p page) mustLead(t *testing.T, to string) {
	t.Helper()
	if p.to != to {
		t.Fatalf("leads to %d %q, want %q: %s", p.status, p.to, to, p.body)
	}
}

func (p page) mustShow(t *testing.T, status int, texts ...string) {
	t.Helper()
	if p.status != status {
		t.Fatalf("status %d leading to %q, want %d: %s", p.status, p.to, status, p.body)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("the page lacks %q: %s", text, p.body)
		}
	}
}

func (b *bed) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}
