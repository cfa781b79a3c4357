package login_test

import (
	"context"
	"encoding/json"
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
	"github.com/councilid/councilid/connectors"
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

	mu    sync.Mutex
	clock time.Time
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: time.Now().Truncate(time.Second), front: newFront(), works: &provider{id: "works"}, other: &provider{id: "other"}, plain: provider{id: "plain"}}
	state, err := store.Open(store.Options{Observe: func(error, time.Duration) { b.trips.Add(1) }})
	b.must(err)
	t.Cleanup(func() { state.Close() })
	sql, err := db.Open(t.Context(), db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")})
	b.must(err)
	t.Cleanup(func() { sql.Close() })
	people := accounts.Open(sql, b.now)
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
		Large: map[string]int64{"POST /callback/{connector}": 1 << 20},
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

func text(s string) config.Text { return config.Text{"": s} }

func app(id string) config.App {
	return config.App{ID: id, Label: text("App " + id), Home: "https://" + id + ".example/"}
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

// front is the front end of a protocol without a wire: an app's request is an
// address of this server, and what it gets is noted.
type front struct {
	flow *login.Flow // any node's: it keeps what is issued in the store they share

	mu      sync.Mutex
	ways    map[string]way // of telling apps; the zero way is none
	told    []string       // apps, in the order in which they were told
	revoked []string       // apps
	asked   map[string]string
	left    []login.Receipt
	ref     string // of the last session that something was issued in
	counts  map[string]int
}

// way is how an app can be told of a sign-out.
type way struct {
	tell   func(context.Context) (bool, error)
	ask    string // the address that it is asked at; "" for none
	posted bool
	err    error // of Ask
}

func newFront() *front {
	return &front{ways: map[string]way{}, asked: map[string]string{}, counts: map[string]int{}}
}

func (f *front) mount(mux *http.ServeMux, flow *login.Flow) {
	f.flow = flow
	handle := func(pattern string, h web.Handler) { mux.Handle(pattern, flow.Site.Handle(h)) }
	handle("GET /ask/{app}", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Begin(w, r, login.Request{Protocol: "test", App: r.PathValue("app"), Connector: r.FormValue("by"), Force: r.Form.Has("force"), Reply: json.RawMessage(`{}`)})
	})
	handle("GET /leave/{app}", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Leave(w, r, login.Leaving{Protocol: "test", App: r.PathValue("app"), Reply: json.RawMessage(`{}`)})
	})
	handle("GET /answered", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Answered(w, r, r.FormValue("id"), r.Form.Has("done"))
	})
}

func (f *front) observe(who, outcome string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[who+" "+outcome]++
}

func (f *front) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[what]
}

func (f *front) Issue(w http.ResponseWriter, r *http.Request, req login.Request, s login.Session, b *store.Batch) error {
	f.mu.Lock()
	f.ref = s.Ref
	f.mu.Unlock()
	detail, _ := json.Marshal(s.SID)
	f.flow.Used(b, s, login.Use{Protocol: "test", App: req.App, Tag: store.NewHandle().Tag, Detail: detail}, nil, time.Hour)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "https://"+req.App+".example/in?person="+s.Said.Claims.Text("name"), http.StatusSeeOther)
	return nil
}

func (f *front) Refuse(w http.ResponseWriter, r *http.Request, req login.Request, why login.Refusal) error {
	http.Redirect(w, r, "https://"+req.App+".example/refused?why="+string(why), http.StatusSeeOther)
	return nil
}

func (f *front) End(_ *store.Batch, u login.Use) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = append(f.revoked, u.App)
}

func (f *front) way(app string) way {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ways[app]
}

func (f *front) Tell(ctx context.Context, u login.Use) (bool, error) {
	tell := f.way(u.App).tell
	if tell == nil {
		return false, nil
	}
	f.mu.Lock()
	f.told = append(f.told, u.App)
	f.mu.Unlock()
	return tell(ctx)
}

func (f *front) Ask(_ context.Context, u login.Use, id string) (connectors.Redirect, error) {
	way := f.way(u.App)
	if way.err != nil || way.ask == "" {
		return connectors.Redirect{}, way.err
	}
	f.mu.Lock()
	f.asked[u.App] = id
	f.mu.Unlock()
	if way.posted {
		return connectors.Redirect{URL: way.ask, Form: map[string]string{"id": id}}, nil
	}
	return connectors.Redirect{URL: way.ask + "?id=" + id}, nil
}

func (f *front) Left(w http.ResponseWriter, r *http.Request, l login.Leaving, done login.Receipt) error {
	f.mu.Lock()
	f.left = append(f.left, done)
	f.mu.Unlock()
	http.Redirect(w, r, "https://"+l.App+".example/left", http.StatusSeeOther)
	return nil
}

// Ways of telling an app from server to server.
func obeys(context.Context) (bool, error) { return true, nil }
func fails(context.Context) (bool, error) { return true, errors.New("status 500") }

// question is the id of the question that the app was asked last.
func (f *front) question(app string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[app]
}

func (f *front) tell(app string, w way) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ways[app] = w
}

// provider is an identity provider whose protocol is plain parameters: person
// says who signs in, nonce that the answer is to the attempt.
type provider struct {
	id string

	mu   sync.Mutex
	last connectors.Attempt
	out  connectors.Redirect // where Logout leads; the zero one for no such way
	fail error               // of Logout
	id_  string              // of the last question
	said connectors.ProviderSession
}

func (p *provider) Start(_ context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = a
	return connectors.Redirect{URL: "https://" + p.id + ".example/sso", Form: map[string]string{"RelayState": a.State}}, nil
}

func (p *provider) Finish(_ context.Context, a connectors.Attempt, r *http.Request) (*connectors.Assertion, error) {
	if r.FormValue("nonce") != a.Nonce {
		return nil, &connectors.Failure{Outcome: connectors.Refused, Err: errors.New("the answer is to another question")}
	}
	person := r.FormValue("person")
	if person == "" {
		return nil, &connectors.Failure{Outcome: connectors.Cancelled, Err: errors.New("nobody")}
	}
	said := &connectors.Assertion{
		Issuer: "https://" + p.id + ".example", Subject: person, Claims: mapping.Claims{"name": person},
		Session: &connectors.ProviderSession{Keys: []string{person, person + "/" + r.FormValue("index")}, Detail: json.RawMessage(`"` + person + `"`)},
	}
	if once := r.FormValue("once"); once != "" {
		said.Once = connectors.Once{ID: once, Until: time.Now().Add(time.Hour)}
	}
	return said, nil
}

func (p *provider) attempt() connectors.Attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// logouter is a provider that takes part in sign-outs. Its messages are plain
// parameters, too.
type logouter struct{ *provider }

func (p logouter) Metadata(context.Context) ([]byte, string, error) {
	return []byte("<" + p.id + "/>"), "application/samlmetadata+xml", nil
}

func (p logouter) Logout(_ context.Context, s connectors.ProviderSession, id string) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said, p.id_ = s, id
	return p.out, p.fail
}

func (p logouter) ReadLogout(_ context.Context, r *http.Request) (connectors.LogoutMessage, error) {
	if strings.HasSuffix(r.URL.Path, "/soap") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return connectors.LogoutMessage{}, err
		}
		r.Form, err = url.ParseQuery(string(body))
		if err != nil {
			return connectors.LogoutMessage{}, err
		}
	}
	if r.FormValue("signed") == "" {
		return connectors.LogoutMessage{}, &connectors.Failure{Outcome: connectors.Refused, Err: errors.New("not signed")}
	}
	return connectors.LogoutMessage{
		Answers: r.FormValue("answers"), OK: r.Form.Has("ok"), ID: r.FormValue("question"), Keys: r.Form["key"], RelayState: r.FormValue("RelayState"),
	}, nil
}

func (p logouter) AnswerLogout(_ context.Context, m connectors.LogoutMessage, whole bool) (connectors.Redirect, error) {
	if m.ID == "mute" {
		return connectors.Redirect{}, nil
	}
	return connectors.Redirect{URL: "https://" + p.id + ".example/answered?to=" + m.ID + "&whole=" + word(whole) + "&RelayState=" + m.RelayState}, nil
}

func (p logouter) AnswerSOAP(_ context.Context, m connectors.LogoutMessage, whole bool) ([]byte, error) {
	return []byte(m.ID + " whole=" + word(whole)), nil
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// question is the id of the question that the provider was asked last.
func (p *provider) question() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id_
}

// browser keeps cookies and follows no redirects.
type browser struct {
	*bed
	client http.Client
	node   int
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
	return b.read(b.client.Get(b.nodes[b.node].URL + path))
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
	return strings.Contains(b.get("/").body, `id="sign-out"`)
}

func (b *browser) cookie(name string) string {
	b.t.Helper()
	at, err := url.Parse(b.nodes[b.node].URL)
	b.must(err)
	for _, c := range b.client.Jar.Cookies(at) {
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
