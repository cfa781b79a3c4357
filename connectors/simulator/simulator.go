// Package simulator plays an upstream identity provider from the same file
// that describes it to the broker: for the demo, for tests and for the load
// program. It is never part of the broker.
//
// A [Provider] answers at every address that its connector names: a page on
// which to choose who signs in (a [Persona]) and what goes wrong (a [Fault]),
// and behind it the token endpoint, the keys and the profile, with the
// provider's own subjects, claims, errors and oddities.
//
// A SAML provider publishes its metadata where the connector's
// saml.metadata.url says, and has its other addresses beside it: sso, artifact,
// slo, slo/soap, start (where a sign-in begins that nobody asked for) and
// sign-out (where a session ends here, and the broker is told).
//
// Programs choose without the page. They add persona=ID, and fault=ID where
// something is to go wrong, to the authorization URL, or send the headers
// Simulator-Persona and Simulator-Fault with it. The id of a fault is also
// that of a persona: the first one, to whom it happens. persona=load-N is
// resident number N, of whom there are as many as one likes.
//
// Faults that strike before anybody has signed in, such as a discovery
// document that cannot be had, are imposed with [Provider.SetFault].
//
// A persona says how much can be found out about them ([Persona.Reaches]): what a
// sign-in comes to is the least of that and of what the request asks for, and the
// provider's own words for it are in its tokens. Who cannot reach it is signed in
// for less, refused or left on a page, as at the real provider. Persona and Fault
// carry what the broker has to make of all that.
//
// Where proof of identity may end at a Post Office ([Persona.Elsewhere]) the
// browser is left on a page that says so. Its button, or a POST of persona=ID to
// the address called later, beside the authorization endpoint, is the visit there
// days after: it leads to [Options.Landing], and whoever is asked again from then
// on is proved.
//
// The simulator asks of its client all that the connector is configured to
// send, even where the real provider would be content with less: a request
// without state, nonce or PKCE is refused, and a SAML request that is not signed.
// What a provider is particular about is in its manner, which does not look at the
// connector: a preset that has it wrong fails the tests.
package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/councilid/councilid/config"
)

// Options of a simulated provider.
type Options struct {
	// Redirect are the redirect URIs that the client has registered, compared
	// character by character. Required. Of a SAML service provider they are
	// its assertion consumer services.
	Redirect []string

	// Landing is where people are sent back to who finish days later what they
	// had begun, or could not. Default: beside the first redirect URI, /landing/
	// in place of /callback/, as the broker has it.
	Landing string

	// Metadata returns the metadata of the SAML service provider. Default: it
	// is fetched from where its entity ID says, when first needed.
	Metadata func(context.Context) ([]byte, error)

	// Secret is the client's secret. Default: the connector's.
	Secret string

	// Slow is how long the slow token endpoint keeps its client waiting.
	// Default: 30s.
	Slow time.Duration

	// Now is the provider's clock. Default: time.Now.
	Now func() time.Time

	// Log is told of every refusal, and why. Default: nothing is logged.
	Log *slog.Logger
}

// Provider is one simulated provider. It is the http.Handler of all its
// addresses and may be called by many logins at once.
type Provider struct {
	name   string // what people call the provider
	cfg    config.Connector
	secret string
	slow   time.Duration
	now    func() time.Time
	log    *slog.Logger

	redirects []string
	landing   string
	metadata  func(context.Context) ([]byte, error)
	terms     terms
	manner    manner
	tongue    tongue
	people    []Persona
	faults    []*Fault

	addresses  map[string]*address // by path
	keys       ring
	nested     map[string]*ring // of the nested tokens, by their names
	pushed     shelf[pushed]    // authorization requests, by request_uri
	codes      shelf[*grant]    // by authorization code
	tokens     shelf[*grant]    // by access token
	assertions shelf[struct{}]  // jti of the client assertions and DPoP proofs seen
	sessions   shelf[string]    // the last one that a client knows of each persona, by the persona's id
	told       shelf[string]    // the last event of each kind, as it was sent
	finished   shelf[struct{}]  // ids of the personas who were proved since, elsewhere
	saml       *samlProvider    // nil for the other protocols
	imposed    atomic.Pointer[Fault]
}

// New plays the provider that cfg describes: the very connector that the
// broker opens, its preset merged in and its addresses leading here
// (insecure_base_url, or an issuer on loopback).
func New(cfg config.Connector, o Options) (*Provider, error) {
	if len(o.Redirect) == 0 {
		return nil, errors.New("simulator: no redirect URI is registered")
	}
	t, err := termsOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("simulator: connector %s: %w", cfg.ID, err)
	}
	m := mannerOf(cfg.Preset)
	t = m.insists.on(t)
	p := &Provider{
		name: nameOf(cfg), cfg: cfg, redirects: o.Redirect, landing: o.Landing, terms: t, manner: m,
		metadata: o.Metadata, secret: o.Secret, slow: o.Slow, now: o.Now, log: o.Log,
	}
	p.setDefaults()
	if m.namesIssuer {
		p.terms.issParameter = t.issuer
	}
	if t.usesSecret() && p.secret == "" {
		return nil, fmt.Errorf("simulator: connector %s: %s needs a client secret", cfg.ID, t.clientAuth)
	}
	if p.tongue, err = tongueOf(cfg.Simulator); err != nil {
		return nil, fmt.Errorf("simulator: connector %s: %w", cfg.ID, err)
	}
	if cfg.SAML != nil {
		if err := p.playSAML(); err != nil {
			return nil, fmt.Errorf("simulator: connector %s: %w", cfg.ID, err)
		}
	}
	p.keys.alg, p.keys.secret = t.algorithm, []byte(p.secret)
	p.nested = p.nestedRings()
	if p.addresses, err = p.serveAt(); err != nil {
		return nil, fmt.Errorf("simulator: connector %s: %w", cfg.ID, err)
	}
	p.people = append(people(p.now()), p.manner.people...)
	for _, someone := range p.people {
		p.admit(someone, p.seed(cmp.Or(someone.accountOf, someone.ID)))
	}
	p.faults = faultsOf(t, m)
	return p, nil
}

func (p *Provider) setDefaults() {
	if p.secret == "" {
		p.secret = p.cfg.ClientSecret.Reveal()
	}
	if p.landing == "" {
		p.landing = strings.Replace(p.redirects[0], "/callback/", "/landing/", 1)
	}
	if p.slow == 0 {
		p.slow = 30 * time.Second
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
}

func nameOf(cfg config.Connector) string {
	if name := cfg.Label.In("en"); name != "" {
		return name
	}
	return cfg.ID
}

// ServeHTTP answers at the provider's addresses.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := p.addresses[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	a.calls.Add(1)
	switch f := p.imposed.Load(); {
	case f != nil && f.strikesAt(a.artefact):
		f.answer(p, w, r)
	case p.manner.userAgent && a.artefact != Callback && r.UserAgent() == "":
		p.refuseAPI(w, &refusal{http.StatusForbidden, "access_denied", "requests must have a User-Agent header"})
	default:
		a.serve(w, r)
	}
}

// Calls returns how often an address was called. The names are
// authorization and token; discovery, jwks, userinfo, par and the names of
// nested tokens (OpenID Connect); profile (OAuth 2.0); the names of the
// connector's calls; end_session; metadata, sso, artifact, slo and soap (SAML).
func (p *Provider) Calls(name string) int {
	for _, a := range p.addresses {
		if a.name == name {
			return int(a.calls.Load())
		}
	}
	return 0
}

// RotateKeys publishes a new signing key of each kind and signs with it from now
// on. The earlier ones stay published.
func (p *Provider) RotateKeys() error {
	if p.saml != nil {
		p.saml.keys.rotate()
		return nil
	}
	for _, keys := range p.nested {
		if keys != &p.keys {
			if err := keys.rotate(); err != nil {
				return err
			}
		}
	}
	return p.keys.rotate()
}

// SetDown takes the whole provider down, or brings it up again.
func (p *Provider) SetDown(down bool) {
	if !down {
		p.imposed.Store(nil)
		return
	}
	p.imposed.Store(find(p.faults, "down"))
}

// SetFault imposes a fault on every login from now on, whatever persona is
// chosen; "" ends it.
func (p *Provider) SetFault(id string) error {
	if id == "" {
		p.imposed.Store(nil)
		return nil
	}
	f := find(p.faults, id)
	if f == nil {
		return fmt.Errorf("simulator: %s has no fault %q", p.name, id)
	}
	p.imposed.Store(f)
	return nil
}

// Faults are the faults that this provider can have, in the order of its page.
func (p *Provider) Faults() []Fault {
	faults := make([]Fault, len(p.faults))
	for i, f := range p.faults {
		faults[i] = *f
	}
	return faults
}
