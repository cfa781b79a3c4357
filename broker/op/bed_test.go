package op_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/op"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/servers"
)

// bed is a whole OpenID Provider with real stores, real keys and a real login
// flow. Only the upstream provider and the clock are the test's.
type bed struct {
	*httptest.Server
	t        *testing.T
	op       *op.Server
	flow     *login.Flow
	store    *store.Store
	db       *db.DB
	accounts *accounts.Accounts
	keys     *keys.Ring
	redis    *miniredis.Miniredis
	provider *provider
	log      *log
	handler  atomic.Value // http.Handler
	trips    counter      // round trips to Redis
	reads    counter      // SQL statements

	mu    sync.Mutex
	clock time.Time
}

func newBed(t *testing.T, apps ...config.App) *bed {
	t.Helper()
	fresh, err := freshDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return newBedOver(t, db.Options{SQLite: writeFile(t, "councilid.db", string(fresh))}, apps...)
}

// onEach runs a test with an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newBed(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newBedOver(t, db.Options{Postgres: servers.Postgres(t)})) })
}

func newBedOver(t *testing.T, o db.Options, apps ...config.App) *bed {
	t.Helper()
	b := &bed{t: t, clock: time.Now().Truncate(time.Second), redis: miniredis.RunT(t), provider: &provider{}, log: &log{}}
	b.provider.signIn("alice")
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	b.openStores(o)
	if len(apps) == 0 {
		apps = town()
	}
	b.build(apps)
	return b
}

func (b *bed) openStores(o db.Options) {
	b.t.Helper()
	ctx := b.t.Context()
	var err error
	b.store, err = store.Open(store.Options{
		Redis:   &redis.UniversalOptions{Addrs: []string{b.redis.Addr()}},
		Observe: func(error, time.Duration) { b.trips.count() },
	})
	b.must(err)
	b.t.Cleanup(func() { b.store.Close() })
	o.Observe = func(error, time.Duration) { b.reads.count() }
	b.db, err = db.Open(ctx, o)
	b.must(err)
	b.t.Cleanup(func() { b.db.Close() })
	b.keys, err = keys.Open(ctx, b.db, keys.Options{Master: make([]byte, 32), Now: b.now})
	b.must(err)
	b.accounts = accounts.Open(b.db, b.now)
}

// freshDatabase is the file of a database with its tables and its signing
// keys, which take a while to make.
var freshDatabase = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "op")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name, ctx := filepath.Join(dir, "councilid.db"), context.Background()
	d, err := db.Open(ctx, db.Options{SQLite: name})
	if err != nil {
		return nil, err
	}
	_, err = keys.Open(ctx, d, keys.Options{Master: make([]byte, 32)})
	if err := errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
})

// build makes everything that depends on the configuration.
func (b *bed) build(apps []config.App) {
	b.t.Helper()
	site, err := web.New(web.Options{
		Look: web.Look{Council: "Strathmore Council", Languages: []string{"en", "cy"}},
		Log:  slog.New(slog.NewJSONHandler(b.log, nil)),
		CrossOrigin: []string{
			"POST /authorize", "POST /end_session", "POST /token", "POST /userinfo", "POST /revoke", "POST /introspect",
		},
	})
	b.must(err)
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims: map[string]string{"name": "claims.name", "email": "claims.email", "birthdate": "claims.birthdate", "phone_number": "claims.phone"},
		Email:  mapping.EmailPolicy{Policy: "trust"},
	})
	if len(mistakes) > 0 {
		b.t.Fatal(mistakes)
	}
	b.flow = &login.Flow{
		Ways: []login.Way{{
			Config:    config.Connector{ID: "upstream", OIDC: &config.OIDC{}},
			Connector: b.provider, Rules: rules,
		}},
		Apps: map[string]config.App{}, FrontEnds: map[string]login.FrontEnd{}, Accounts: b.accounts,
		Store: b.store, Site: site, Session: config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour},
		Limit: store.Limit{PerMinute: 6000}, Now: b.now, Observe: func(string, string) {},
	}
	for _, app := range apps {
		b.flow.Apps[app.ID] = app
	}
	b.op, err = op.New(op.Options{
		Issuer: b.URL, Apps: apps, Languages: []string{"en", "cy"}, Flow: b.flow, Store: b.store, DB: b.db,
		Keys: b.keys, Accounts: b.accounts, Site: site, Limit: store.Limit{PerMinute: 600}, Now: b.now,
	})
	b.must(err)
	b.flow.FrontEnds[op.Protocol] = b.op
	mux := http.NewServeMux()
	b.flow.Mount(mux)
	b.op.Mount(mux)
	b.handler.Store(site.Protect(mux))
}

// counter counts, and lets something happen when it reaches a number: what
// two requests do at the same moment, without luck.
type counter struct {
	atomic.Int64
	meanwhile atomic.Pointer[moment]
}

type moment struct {
	at int64
	do func()
}

// after has do called once, when the counter has counted n more.
func (c *counter) after(n int64, do func()) { c.meanwhile.Store(&moment{c.Load() + n, do}) }

func (c *counter) count() {
	n, m := c.Add(1), c.meanwhile.Load()
	if m != nil && n == m.at && c.meanwhile.CompareAndSwap(m, nil) {
		m.do()
	}
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

// pass lets time go by, here and in Redis.
func (b *bed) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
	b.redis.FastForward(d)
}

// log is what the broker logs.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// provider is an upstream provider that signs in whom the test says.
type provider struct {
	mu     sync.Mutex
	person string
	last   connectors.Attempt
}

func (p *provider) signIn(person string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = person
}

func (p *provider) Start(_ context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = a
	return connectors.Redirect{URL: "https://provider.example/?state=" + a.State}, nil
}

func (p *provider) Finish(context.Context, connectors.Attempt, *http.Request) (*connectors.Assertion, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &connectors.Assertion{
		Issuer: "https://provider.example", Subject: p.person,
		Claims: mapping.Claims{
			"name": p.person + " Example", "email": p.person + "@example.test", "birthdate": "1980-01-31", "phone": "+441234567890",
		},
	}, nil
}

// Redirect URIs of the town's apps.
const (
	taxCallback    = "https://tax.example/callback"
	taxGoodbye     = "https://tax.example/goodbye"
	wasteCallback  = "https://waste.example/callback?dummy1=lorem&dummy2=ipsum"
	libraryLoop    = "http://127.0.0.1/callback"
	libraryPrivate = "uk.example.library:/callback"
)

// town are the apps of a council, one of each kind.
func town() []config.App {
	released := []config.Release{{As: "sub"}, {As: "name"}, {As: "email"}, {As: "email_verified"}, {As: "ward", Value: `"North"`}}
	return []config.App{
		{
			ID: "tax", Label: config.Text{"": "Council tax"}, Home: "https://tax.example/", Sector: "tax.example", Release: released,
			OIDC: &config.AppOIDC{
				ClientID: "tax", ClientSecret: config.NewSecret("tax secret: 100% ä"), ClientAuth: "client_secret_basic",
				RedirectURIs: []string{taxCallback, "https://tax.example/other"}, PostLogoutRedirectURIs: []string{taxGoodbye},
				PKCE: "optional", IDTokenAlg: "RS256", Refresh: true,
				AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{
			ID: "waste", Label: config.Text{"": "Waste"}, Home: "https://waste.example/", Sector: "waste.example", Release: released,
			OIDC: &config.AppOIDC{
				ClientID: "waste", ClientSecret: config.NewSecret("waste-secret"), ClientAuth: "client_secret_post",
				RedirectURIs: []string{wasteCallback}, PKCE: "required", IDTokenAlg: "ES256", Refresh: true,
				AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{
			ID: "library", Label: config.Text{"": "Library"}, Sector: "library", Release: released[:1],
			OIDC: &config.AppOIDC{
				ClientID: "library", ClientAuth: "none", RedirectURIs: []string{libraryLoop, libraryPrivate},
				PKCE: "required", IDTokenAlg: "RS256", AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{ID: "saml", Label: config.Text{"": "An app of another protocol"}},
	}
}

// app returns the town's app of that id.
func (b *bed) app(id string) config.AppOIDC {
	b.t.Helper()
	app, ok := b.flow.Apps[id]
	if !ok {
		b.t.Fatalf("no app %s", id)
	}
	return *app.OIDC
}

// newBrowser keeps cookies and does not follow redirects.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// taxRequest is an authorization request of the app tax, changed by pairs of
// names and values; an empty value takes the parameter away.
func taxRequest(changes ...string) url.Values {
	return with(url.Values{
		"client_id": {"tax"}, "redirect_uri": {taxCallback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"st4te"}, "nonce": {"n0nce"},
	}, changes...)
}

func with(form url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			form.Del(changes[i])
		} else {
			form.Set(changes[i], changes[i+1])
		}
	}
	return form
}

// get asks the broker and returns the answer with its body read.
func (b *bed) get(browser *http.Client, path string, query url.Values) *answer {
	b.t.Helper()
	res, err := browser.Get(b.URL + path + "?" + query.Encode())
	return b.read(res, err)
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

func (b *bed) read(res *http.Response, err error) *answer {
	b.t.Helper()
	b.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.must(err)
	return &answer{res, string(body)}
}

// location is where a redirect leads.
func (a *answer) location(t *testing.T) *url.URL {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want a redirect; body %q", a.StatusCode, a.body)
	}
	u, err := a.Location()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// authorize makes an authorization request and signs in where asked, until the
// browser is sent to an app.
func (b *bed) authorize(browser *http.Client, query url.Values) *url.URL {
	b.t.Helper()
	to := b.get(browser, "/authorize", query).location(b.t)
	if to.Host == "provider.example" {
		to = b.get(browser, "/callback/upstream", url.Values{"state": {to.Query().Get("state")}}).location(b.t)
	}
	return to
}

// code signs in and returns the code.
func (b *bed) code(browser *http.Client, query url.Values) string {
	b.t.Helper()
	to := b.authorize(browser, query)
	code := to.Query().Get("code")
	if code == "" {
		b.t.Fatalf("no code in %s", to)
	}
	return code
}

// call posts a form as the client, which authenticates as it is registered.
func (b *bed) call(path, client string, form url.Values) *answer {
	b.t.Helper()
	res, err := b.post(path, client, form)
	return b.read(res, err)
}

func (b *bed) post(path, client string, form url.Values) (*http.Response, error) {
	c := b.app(client)
	sent := url.Values{}
	maps.Copy(sent, form)
	switch c.ClientAuth {
	case "client_secret_post":
		sent.Set("client_secret", c.ClientSecret.Reveal())
		sent.Set("client_id", c.ClientID)
	case "none":
		sent.Set("client_id", c.ClientID)
	}
	r, err := http.NewRequest(http.MethodPost, b.URL+path, strings.NewReader(sent.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ClientAuth == "client_secret_basic" {
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret.Reveal()))
	}
	return b.Client().Do(r)
}

// redeem exchanges a code of the app tax, with changes to the form.
func (b *bed) redeem(code string, changes ...string) *answer {
	b.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {taxCallback}}
	return b.call("/token", "tax", with(form, changes...))
}

// tokens is a token response.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
}

func (a *answer) tokens(t *testing.T) tokens {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("status %d, want 200; body %q", a.StatusCode, a.body)
	}
	return decode[tokens](t, a.body)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// wantError checks a JSON error and its headers (RFC 6749 §5.2).
func (a *answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d; body %q", a.StatusCode, status, a.body)
	}
	got := decode[struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}](t, a.body)
	if got.Error != code {
		t.Errorf("error %q, want %q", got.Error, code)
	}
	if got.Description == "" || strings.Trim(got.Description, cleanASCII) != "" {
		t.Errorf("error_description %q is missing or not clean", got.Description)
	}
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.Header)
	}
}

// cleanASCII is what descriptions consist of here, well within RFC 6749 §5.2.
const cleanASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._,()-"

// signedIn are the tokens of somebody who just signed in to the app tax.
func (b *bed) signedIn(browser *http.Client, changes ...string) tokens {
	b.t.Helper()
	return b.redeem(b.code(browser, taxRequest(changes...))).tokens(b.t)
}

// userinfo asks with an access token as the bearer.
func (b *bed) userinfo(token string) *answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.URL+"/userinfo", nil)
	b.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := b.Client().Do(r)
	return b.read(res, err)
}

// wantDead checks that an access token is good for nothing.
func (b *bed) wantDead(token string) {
	b.t.Helper()
	a := b.userinfo(token)
	a.wantError(b.t, http.StatusUnauthorized, "invalid_token")
	if challenge := a.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) {
		b.t.Errorf("WWW-Authenticate %q", challenge)
	}
}

func (b *bed) wantAlive(token string) {
	b.t.Helper()
	if a := b.userinfo(token); a.StatusCode != http.StatusOK {
		b.t.Errorf("userinfo: status %d, want 200; body %q", a.StatusCode, a.body)
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
