package idp_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/idp"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/logbook"
)

// bed is a whole identity provider with real stores and a real login flow.
// Only the upstream provider, the keys and the clock are the test's.
type bed struct {
	*httptest.Server
	t        testing.TB
	idp      *idp.Server
	flow     *login.Flow
	store    *store.Store
	db       *db.DB
	accounts *accounts.Accounts
	redis    *miniredis.Miniredis
	provider *provider
	log      logbook.Log
	handler  atomic.Value // http.Handler
	trips    atomic.Int64 // round trips to Redis
	limit    store.Limit

	mu    sync.Mutex
	clock time.Time
	keys  []xmlsig.Credential
}

// newBed serves the apps, of the whole town where none are named.
func newBed(t testing.TB, apps ...config.App) *bed {
	t.Helper()
	b := &bed{t: t, clock: time.Now().Truncate(time.Second), redis: miniredis.RunT(t), provider: &provider{}}
	b.use("idp")
	b.provider.signIn("alice")
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	b.openStores()
	if len(apps) == 0 {
		apps = town(t)
	}
	b.must(b.build(apps))
	return b
}

func (b *bed) openStores() {
	b.t.Helper()
	var err error
	b.store, err = store.Open(store.Options{
		Redis:   &redis.UniversalOptions{Addrs: []string{b.redis.Addr()}},
		Observe: func(error, time.Duration) { b.trips.Add(1) },
	})
	b.must(err)
	b.t.Cleanup(func() { b.store.Close() })
	b.db, err = db.Open(b.t.Context(), db.Options{SQLite: filepath.Join(b.t.TempDir(), "councilid.db")})
	b.must(err)
	b.t.Cleanup(func() { b.db.Close() })
	b.accounts = accounts.Open(b.db, b.now, func(string) mapping.Assurance { return mapping.Assurance{} })
}

// build makes everything that depends on the configuration.
func (b *bed) build(apps []config.App) error {
	b.t.Helper()
	logger := slog.New(slog.NewJSONHandler(&b.log, nil))
	site, err := web.New(web.Options{
		Look: web.Look{Council: "Strathmore Council", Languages: []string{"en", "cy"}}, Log: logger,
		CrossOrigin: []string{"POST /saml/sso", "POST /saml/slo", "POST /saml/soap"},
		Translate:   translate,
		Large:       map[string]int64{"POST /saml/sso": 256 << 10, "POST /saml/slo": 256 << 10, "POST /saml/soap": 256 << 10},
	})
	b.must(err)
	b.flow = &login.Flow{
		Ways: []login.Way{b.way("upstream"), b.way("another")}, Apps: map[string]config.App{}, FrontEnds: map[string]login.FrontEnd{},
		Accounts: b.accounts, Store: b.store, Site: site, Session: config.Session{Idle: time.Hour, Lifetime: 12 * time.Hour},
		Limit: b.limit, Now: b.now, Observe: func(string, string) {},
	}
	for _, app := range apps {
		b.flow.Apps[app.ID] = app
	}
	b.idp, err = idp.New(idp.Options{
		Issuer: b.URL, Config: config.IdentityProvider{EntityID: b.entityID(), Scopes: []string{"strathmore.example"}},
		Council: "Strathmore Council", Apps: apps, Flow: b.flow, Store: b.store,
		Credentials: b.credentials, Site: site, Now: b.now, Log: logger,
	})
	if err != nil {
		return err
	}
	b.flow.FrontEnds[idp.Protocol] = b.idp
	mux := http.NewServeMux()
	site.Mount(mux)
	b.flow.Mount(mux)
	b.idp.Mount(mux)
	b.handler.Store(site.Protect(mux))
	return nil
}

// translate says what people are told of the stores' errors.
func translate(err error) *web.Error {
	if _, ok := errors.AsType[*store.Exceeded](err); ok {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany}
	}
	return nil
}

// way is a connector to the bed's one provider.
func (b *bed) way(id string) login.Way {
	b.t.Helper()
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims: map[string]string{
			"name": "claims.name", "email": "claims.email", "birthdate": "claims.birthdate", "phone_number": "claims.phone",
			"address": "claims.address", "groups": "claims.groups", "employee_number": "claims.number", "ward": "claims.ward",
			"preferred_username": "claims.upn", "preferred_username_verified": "claims.upn_verified",
		},
		Verified: []string{"employee_number", "preferred_username"},
		Email:    mapping.EmailPolicy{Policy: "claim"},
		Levels:   map[string]mapping.Level{"authenticator": {Always: "Cl"}},
		Cap:      mapping.Assurance{Authenticator: mapping.Cl},
	})
	if len(mistakes) > 0 {
		b.t.Fatal(mistakes)
	}
	return login.Way{
		Config:    config.Connector{ID: id, Label: config.Text{"": id}, OIDC: &config.OIDC{}},
		Connector: b.provider, Rules: rules,
	}
}

func (b *bed) entityID() string { return b.URL + "/saml/metadata" }

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

// at sets the clock.
func (b *bed) at(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = t
}

func (b *bed) credentials() []xmlsig.Credential {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys
}

// use makes the named keys the broker's.
func (b *bed) use(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = nil
	for _, name := range names {
		b.keys = append(b.keys, key(name))
	}
}

// provider is an upstream provider that signs in whom the test says.
type provider struct {
	mu     sync.Mutex
	person string
	more   mapping.Claims // said of the person besides
	ends   time.Time      // when the provider's session does
	asked  int            // how often somebody was sent there
	last   connectors.Attempt
}

func (p *provider) signIn(person string) { p.say(person, nil) }

// say has the provider sign in the person, with claims besides the usual ones.
func (p *provider) say(person string, more mapping.Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person, p.more = person, more
}

func (p *provider) Start(_ context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.asked = a, p.asked+1
	return connectors.Redirect{URL: "https://provider.example/?state=" + a.State}, nil
}

func (p *provider) Finish(context.Context, connectors.Attempt, *http.Request) (*connectors.Assertion, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := mapping.Claims{
		"name": p.person + " Example", "email": p.person + "@strathmore.example", "email_verified": true,
		"birthdate": "1980-01-31", "phone": "+441234567890",
	}
	maps.Copy(said, p.more)
	return &connectors.Assertion{Issuer: "https://provider.example", Subject: p.person, Claims: said, SessionEnds: p.ends}, nil
}

func (p *provider) visits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}
