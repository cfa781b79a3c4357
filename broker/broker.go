package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/idp"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/notify"
	"github.com/councilid/councilid/broker/op"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// Broker is one running node.
type Broker struct {
	log      *slog.Logger
	terminal io.Writer
	metrics  *metrics
	store    *store.Store
	db       *db.DB
	keys     *keys.Ring
	current  atomic.Pointer[house]
	leaving  atomic.Bool
}

// house is everything made from one configuration.
type house struct {
	flow     *login.Flow
	op       *op.Server
	notifier *notify.Notifier
	keep     config.Retention
	handler  http.Handler
}

// Open opens the stores that cfg names and builds the rest from it. No
// provider is called: a broker starts whether or not its providers are up. Where
// cfg says that mails are not sent but printed, they are printed on terminal.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger, terminal io.Writer) (_ *Broker, err error) {
	b := &Broker{log: log, terminal: terminal, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if b.store, err = b.openStore(cfg); err != nil {
		return nil, fmt.Errorf("open session store: %w", err)
	}
	if b.db, err = b.openDB(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if b.keys, err = openRing(ctx, cfg, b.db, log); err != nil {
		return nil, err
	}
	if err := b.Reload(cfg); err != nil {
		return nil, err
	}
	b.metrics.registry.MustRegister(breakers{b})
	return b, nil
}

// Reload serves cfg from the next request on, or changes nothing and says why
// not. The stores stay as they were opened.
func (b *Broker) Reload(cfg *config.Config) error {
	h, err := b.build(cfg)
	if err != nil {
		return err
	}
	b.current.Store(h)
	return nil
}

// Run does the node's background work until ctx ends.
func (b *Broker) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { b.keys.Run(ctx); return nil })
	g.Go(func() error { b.sweep(ctx); return nil })
	g.Go(func() error { b.tell(ctx); return nil })
	g.Go(func() error { b.endOver(ctx); return nil })
	g.Go(func() error { return b.current.Load().flow.Run(ctx) })
	return g.Wait()
}

// sweep tidies up every hour until ctx ends.
func (b *Broker) sweep(ctx context.Context) {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
			if err := b.current.Load().tidy(ctx); err != nil {
				b.log.Warn("what has expired waits for the next hour", "err", err)
			}
		}
	}
}

// Leave makes /readyz fail, so that a load balancer sends no new requests.
func (b *Broker) Leave() { b.leaving.Store(true) }

// Close closes the stores.
func (b *Broker) Close() error {
	var errs []error
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if b.db != nil {
		errs = append(errs, b.db.Close())
	}
	return errors.Join(errs...)
}

// ServeHTTP answers residents and apps.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.current.Load().handler.ServeHTTP(w, r)
}

// build makes everything that depends on the operator's folder.
func (b *Broker) build(cfg *config.Config) (*house, error) {
	secure := strings.HasPrefix(cfg.Broker.Issuer, "https:")
	site, err := b.site(cfg, secure)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	flow := &login.Flow{
		Apps: map[string]config.App{}, FrontEnds: map[string]login.FrontEnd{},
		Accounts: people(b.db, cfg), Store: b.store, Site: site, Session: cfg.Broker.Session,
		Limit: store.Limit{PerMinute: cfg.Broker.Limits.Address}, Secure: secure, Issuer: cfg.Broker.Issuer,
		Precedence: cfg.Broker.Precedence(), Delegation: cfg.Broker.Residents.Delegation, Now: time.Now,
		Observe: b.metrics.signIn, ObserveEnd: b.metrics.sessionEnd, ObserveEvent: b.metrics.event,
	}
	if flow.Ways, err = b.ways(cfg, flow); err != nil {
		return nil, err
	}
	if flow.Accounts.Keepers, err = b.keepers(cfg, flow); err != nil {
		return nil, err
	}
	for _, app := range cfg.Apps {
		flow.Apps[app.ID] = app
	}
	oidc, err := op.New(op.Options{
		Issuer: cfg.Broker.Issuer, Apps: cfg.Apps, Languages: cfg.Broker.Look.Languages, Contexts: cfg.Broker.Contexts,
		Flow: flow, Store: b.store, DB: b.db, Keys: b.keys, Accounts: flow.Accounts, Site: site,
		Limit: store.Limit{PerMinute: cfg.Broker.Limits.App}, Now: time.Now, Log: b.log, Observe: b.metrics.appCall,
	})
	if err != nil {
		return nil, fmt.Errorf("OpenID Provider: %w", err)
	}
	saml, err := idp.New(idp.Options{
		Issuer: cfg.Broker.Issuer, Config: cfg.Broker.SAML, Council: cfg.Broker.Look.Council, Apps: cfg.Apps,
		Flow: flow, Store: b.store, Credentials: b.credentials, Site: site,
		Now: time.Now, Log: b.log, Observe: b.metrics.appCall,
	})
	if err != nil {
		return nil, fmt.Errorf("SAML identity provider: %w", err)
	}
	flow.FrontEnds[op.Protocol], flow.FrontEnds[idp.Protocol] = oidc, saml
	pages, notifier, err := b.residents(cfg, flow)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	rooms := []room{site, flow, oidc, saml, pages}
	for _, way := range flow.Ways {
		if own, ok := way.Connector.(*council.Council); ok {
			rooms = append(rooms, own)
		}
	}
	for _, r := range rooms {
		r.Mount(mux)
	}
	return &house{flow: flow, op: oidc, notifier: notifier, keep: cfg.Broker.Retention, handler: traced(cfg.Broker, site.Protect(mux))}, nil
}

// room answers at addresses of its own.
type room interface{ Mount(mux *http.ServeMux) }

// credentials are the keys of SAML, for both of its rooms.
func (b *Broker) credentials() []xmlsig.Credential {
	var all []xmlsig.Credential
	for _, c := range b.keys.SAML() {
		all = append(all, xmlsig.Credential(c))
	}
	return all
}

// ways opens the connectors. It calls no provider.
func (b *Broker) ways(cfg *config.Config, flow *login.Flow) ([]login.Way, error) {
	var ways []login.Way
	for _, c := range cfg.Connectors {
		if c.Disabled {
			continue
		}
		connector, err := b.connector(cfg, c, flow)
		if err != nil {
			return nil, fmt.Errorf("connector %s: %w", c.ID, err)
		}
		rules, mistakes := mapping.CompileRules(c.RuleSource())
		if len(mistakes) > 0 {
			return nil, fmt.Errorf("connector %s: %w", c.ID, &mistakes[0])
		}
		ways = append(ways, login.Way{Config: c, Connector: connector, Rules: rules})
	}
	return ways, nil
}

// connector opens one connector: to a provider, or to the broker's own pages.
func (b *Broker) connector(cfg *config.Config, c config.Connector, flow *login.Flow) (connectors.Connector, error) {
	if c.Council != nil {
		return b.ownWay(cfg, c, flow)
	}
	return connectors.Open(c, connectors.Options{
		Redirect: cfg.Broker.Issuer + "/callback/" + c.ID,
		EntityID: cfg.Broker.Issuer + "/connectors/" + c.ID + "/metadata",
		Logout:   cfg.Broker.Issuer + "/logout/" + c.ID,
		Events:   cfg.Broker.Issuer + "/events/" + c.ID,
		Council:  cfg.Broker.Look.Council, Contact: cfg.Broker.SAML.Contact,
		Credentials: b.credentials, Log: b.log, Now: time.Now, Observe: b.metrics.upstreamCall,
	})
}
