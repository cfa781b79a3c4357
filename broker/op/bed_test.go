package op_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
	"github.com/councilid/councilid/test/logbook"
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
	log      logbook.Log
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
	b := &bed{t: t, clock: time.Now().Truncate(time.Second), redis: miniredis.RunT(t), provider: &provider{}}
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
	b.accounts = accounts.Open(b.db, b.now, func(string) mapping.Assurance { return believed })
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

// believed is the cap of the bed's one connector.
var believed = mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}

// build makes everything that depends on the configuration.
func (b *bed) build(apps []config.App) {
	b.t.Helper()
	site, err := web.New(web.Options{
		Look: web.Look{Council: "Strathmore Council", Languages: []string{"en", "cy"}},
		Log:  slog.New(slog.NewJSONHandler(&b.log, nil)),
		CrossOrigin: []string{
			"POST /authorize", "POST /end_session", "POST /token", "POST /userinfo", "POST /revoke", "POST /introspect",
		},
	})
	b.must(err)
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims: map[string]string{"name": "claims.name", "email": "claims.email", "birthdate": "claims.birthdate", "phone_number": "claims.phone"},
		Email:  mapping.EmailPolicy{Policy: "trust"},
		Levels: map[string]mapping.Level{
			"identity":      {From: "id_token", Value: "claims.identity", Map: map[string]string{"P0": "P0", "P1": "P1", "P2": "P2"}},
			"authenticator": {From: "id_token", Value: "claims.authenticator", Map: map[string]string{"Cl": "Cl", "Cm": "Cm"}},
		},
		Cap: believed,
	})
	if len(mistakes) > 0 {
		b.t.Fatal(mistakes)
	}
	b.flow = &login.Flow{
		Ways: []login.Way{{
			Config:    config.Connector{ID: "upstream", OIDC: &config.OIDC{}, Cap: config.Assurance{Identity: "P2", Authenticator: "Cm"}},
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
		Issuer: b.URL, Apps: apps, Languages: []string{"en", "cy"}, Contexts: contexts(), Flow: b.flow, Store: b.store, DB: b.db,
		Keys: b.keys, Accounts: b.accounts, Site: site, Limit: store.Limit{PerMinute: 600}, Now: b.now,
		Log: slog.New(slog.NewJSONHandler(&b.log, nil)),
	})
	b.must(err)
	b.flow.FrontEnds[op.Protocol] = b.op
	mux := http.NewServeMux()
	b.flow.Mount(mux)
	b.op.Mount(mux)
	b.handler.Store(site.Protect(mux))
}

// contexts are the names of levels that apps may use.
func contexts() []config.Context {
	return []config.Context{
		{ACR: "urn:x-council:acr:cl", Assurance: config.Assurance{Authenticator: "Cl"}},
		{ACR: "urn:x-council:acr:cm", AMR: []string{"mfa"}, Assurance: config.Assurance{Authenticator: "Cm"}},
		{ACR: "urn:x-council:acr:p2.cm", AMR: []string{"mfa"}, Assurance: config.Assurance{Identity: "P2", Authenticator: "Cm"}},
	}
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

// provider is an upstream provider that signs in whom the test says.
type provider struct {
	mu     sync.Mutex
	person string
	proves mapping.Assurance
	last   connectors.Attempt
}

func (p *provider) signIn(person string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person, p.proves = person, mapping.Assurance{Authenticator: mapping.Cl}
}

// prove makes the provider prove so much of who signs in from now on.
func (p *provider) prove(level mapping.Assurance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proves = level
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
	level := strings.Split(p.proves.String(), ".")
	return &connectors.Assertion{
		Issuer: "https://provider.example", Subject: p.person,
		Signed: mapping.Signed{"id_token": {"identity": level[0], "authenticator": level[1]}},
		Claims: mapping.Claims{
			"name": p.person + " Example", "email": p.person + "@example.test", "birthdate": "1980-01-31", "phone": "+441234567890",
		},
	}, nil
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
