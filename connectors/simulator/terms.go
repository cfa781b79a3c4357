package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
)

const wellKnown = "/.well-known/openid-configuration"

// terms are what the connector says about its dealings with the provider, in
// one form for the OAuth protocols and with the defaults filled in.
type terms struct {
	openID       bool
	issuer       string   // may have a part in braces
	aliases      []string // other spellings of it
	tenants      []string // for the part in braces
	issParameter string   // of the callback; "" sends none
	clientAuth   string
	audience     string // of client assertions
	pkce         bool   // required; else refused
	nonce        bool   // required and returned
	userinfo     string // merge, signed or never
	responseMode string // query or form_post
	par, dpop    bool   // required; else there is no such thing
	hint         bool   // an ID token says who is to be signed out
	encryption   *config.Encryption
	nested       map[string]config.Nested
	endpoints    config.Endpoints
	discovery    string
	profile      config.Call
	calls        map[string]config.Call
	cancel       url.Values
	algorithm    jose.SignatureAlgorithm
	fullIDToken  bool         // ID tokens carry all that is said of the person
	saml         *config.SAML // nil for the other protocols
}

func termsOf(cfg config.Connector) (terms, error) {
	var t terms
	switch {
	case cfg.OIDC != nil:
		t = openIDTerms(*cfg.OIDC)
		// By the standard (OpenID Connect Core §5.4) the code flow's ID token
		// says who signed in and userinfo says more; the large providers put
		// everything into both.
		t.fullIDToken = cfg.Preset != "" || t.userinfo == "never"
	case cfg.OAuth2 != nil:
		t = oauth2Terms(*cfg.OAuth2)
	case cfg.SAML != nil:
		if cfg.SAML.Metadata.URL == "" {
			return t, errors.New("saml.metadata.url is needed: there the simulator publishes its metadata")
		}
		t.saml = cfg.SAML
	default:
		return t, errors.New("none of oidc, oauth2 and saml is given")
	}
	return t, t.play(cfg.Simulator)
}

func openIDTerms(c config.OIDC) terms {
	discovery := c.Discovery
	if discovery == "" {
		discovery = strings.TrimSuffix(c.Issuer, "/") + wellKnown
	}
	return terms{
		openID:       true,
		issuer:       c.Issuer,
		aliases:      c.IssuerAliases,
		tenants:      c.Tenants,
		issParameter: peculiar(c.IssParameter, c.Issuer),
		clientAuth:   cmp.Or(c.ClientAuth, "client_secret_basic"),
		audience:     cmp.Or(c.AssertionAudience, "token_endpoint"),
		pkce:         c.PKCE != "forbidden",
		nonce:        c.Nonce != "unreturned",
		userinfo:     cmp.Or(c.Userinfo, "merge"),
		responseMode: cmp.Or(c.ResponseMode, "query"),
		par:          c.PAR == "required",
		dpop:         c.DPoP == "required",
		hint:         c.Logout.Send == "with_hint",
		encryption:   c.Encryption,
		nested:       c.Nested,
		calls:        c.Calls,
		discovery:    discovery,
		endpoints:    below(strings.TrimSuffix(discovery, wellKnown), c.Endpoints),
	}
}

// peculiar is an iss parameter that only a provider which sends it can have.
// That it would be the issuer is every connector's default.
func peculiar(issParameter, issuer string) string {
	if issParameter == issuer {
		return ""
	}
	return issParameter
}

// below fills in the endpoints that the connector leaves to discovery.
func below(base string, e config.Endpoints) config.Endpoints {
	e.Authorization = cmp.Or(e.Authorization, base+"/authorize")
	e.Token = cmp.Or(e.Token, base+"/token")
	e.Userinfo = cmp.Or(e.Userinfo, base+"/userinfo")
	e.JWKS = cmp.Or(e.JWKS, base+"/jwks")
	e.PAR = cmp.Or(e.PAR, base+"/par")
	e.EndSession = cmp.Or(e.EndSession, base+"/logout")
	return e
}

func oauth2Terms(c config.OAuth2) terms {
	return terms{
		issuer:       c.Issuer,
		issParameter: c.IssParameter,
		clientAuth:   cmp.Or(c.ClientAuth, "client_secret_post"),
		pkce:         c.PKCE != "forbidden",
		responseMode: "query",
		endpoints:    c.Endpoints,
		profile:      c.Profile,
		calls:        c.Calls,
	}
}

// play adds what only the simulator looks at.
func (t *terms) play(s *config.Simulator) error {
	t.algorithm = jose.RS256
	t.cancel = url.Values{"error": {"access_denied"}}
	if s == nil {
		return nil
	}
	if s.Cancel != "" {
		cancel, err := url.ParseQuery(s.Cancel)
		if err != nil {
			return fmt.Errorf("simulator.cancel: %w", err)
		}
		t.cancel = cancel
	}
	switch s.Algorithm {
	case "":
	case "RS256", "RS512", "ES256", "HS256":
		t.algorithm = jose.SignatureAlgorithm(s.Algorithm)
	default:
		return fmt.Errorf("simulator.algorithm: %s cannot be played, only RS256, RS512, ES256 and HS256", s.Algorithm)
	}
	return nil
}

func (t terms) usesSecret() bool {
	return t.clientAuth == "client_secret_basic" || t.clientAuth == "client_secret_post"
}

// tenantClaim is the name in the issuer's braces, "" where it has none.
func (t terms) tenantClaim() string {
	_, rest, _ := strings.Cut(t.issuer, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}
