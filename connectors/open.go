package connectors

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// Options are what a connector is given besides its configuration.
type Options struct {
	// Redirect is the callback address registered with the provider:
	// ISSUER/callback/ID.
	Redirect string

	// EntityID is the connector's name towards a SAML provider where none is
	// configured, and the address of its metadata: ISSUER/connectors/ID/metadata.
	EntityID string

	// Logout is where the provider sends logout messages: ISSUER/logout/ID.
	// SOAP goes to the same address followed by /soap.
	Logout string

	// Events is where the provider sends events: ISSUER/events/ID. Those for
	// this address are for us.
	Events string

	// Credentials returns what SAML messages are signed and decrypted with:
	// the first signs, all decrypt and are published. SAML connectors only.
	Credentials func() []xmlsig.Credential

	// Council and Contact, an e-mail address, are who and whom to write to in
	// the connector's metadata. Default: it says neither.
	Council, Contact string

	// Log receives what nobody is waiting for: refreshes that failed, a
	// circuit breaker that opened. What a sign-in meets is returned, not
	// logged.
	Log *slog.Logger

	// Now is the clock that tokens are judged by. Default: time.Now.
	Now func() time.Time

	// Observe is told of every call to the provider: which connector, which
	// call (discovery, jwks, did, par, token, userinfo, profile, or the name of a
	// further call; of SAML metadata and artifact), "ok" or the Outcome, and
	// how long it took. Default: nobody is told.
	Observe func(connector, call, outcome string, took time.Duration)
}

// Guarded is a connector with a circuit breaker between it and its provider.
type Guarded interface {
	// BreakerState is closed when calls pass, open when they are refused
	// because too many failed, and half-open when a first one is tried again.
	BreakerState() string
}

// Open makes a connector from its configuration, as config.Load returns it:
// what an operator may not write was refused there. It makes no calls: a
// provider that is down does not keep the broker from starting.
func Open(cfg config.Connector, o Options) (Connector, error) {
	o = o.withDefaults()
	o.Log = o.Log.With("connector", cfg.ID)
	switch {
	case cfg.OIDC != nil:
		return openOIDC(cfg, o)
	case cfg.OAuth2 != nil:
		return openOAuth2(cfg, o)
	case cfg.SAML != nil:
		return openSAML(cfg, o)
	}
	return nil, errors.New("no protocol")
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, string, string, time.Duration) {}
	}
	return o
}

// provider is what connectors of every OAuth protocol have in common.
type provider struct {
	registration
	*Outbound
	words
	pkce      bool
	tokenType string // how access tokens are presented: Bearer (RFC 6750) or DPoP (RFC 9449)
}

func openProvider(cfg config.Connector, clientAuth string, o Options) (provider, error) {
	registration, err := register(cfg, clientAuth, o)
	if err != nil {
		return provider{}, err
	}
	words, err := wordsOf(cfg)
	if err != nil {
		return provider{}, err
	}
	out, err := OpenOutbound(cfg.ID, cfg.Network, written(cfg), o)
	if err != nil {
		return provider{}, err
	}
	return provider{registration: registration, Outbound: out, words: words, tokenType: "Bearer"}, nil
}

// words are what a provider's own words mean, where the configuration says it:
// which claim is the person, and how its error codes end a sign-in.
type words struct {
	subject  *mapping.Expression
	outcomes map[string]Outcome
}

func wordsOf(cfg config.Connector) (words, error) {
	subject, mistake := mapping.CompileExpression("claims", cfg.Subject)
	if mistake != nil {
		return words{}, fmt.Errorf("subject: %w", mistake)
	}
	outcomes := make(map[string]Outcome, len(cfg.Errors))
	for code, outcome := range cfg.Errors {
		outcomes[code] = Outcome(outcome)
	}
	return words{subject: subject, outcomes: outcomes}, nil
}
