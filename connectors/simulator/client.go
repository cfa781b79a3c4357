package simulator

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// authenticates reports whether the client is who it says, by the one method
// that the connector is configured with (OpenID Connect Core §9).
func (p *Provider) authenticates(r *http.Request) bool {
	basicID, basicSecret, basic := r.BasicAuth()
	form := r.PostForm
	switch p.terms.clientAuth {
	case "client_secret_basic":
		return basic && !form.Has("client_secret") && p.isClient(unescaped(basicID), unescaped(basicSecret))
	case "client_secret_post":
		return !basic && p.isClient(form.Get("client_id"), form.Get("client_secret"))
	case "private_key_jwt":
		jwtBearer := form.Get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		return !basic && jwtBearer && p.isAssertion(form.Get("client_assertion"), p.assertionAudience())
	case "signed_secret":
		return !basic && form.Get("client_id") == p.cfg.ClientID && p.isSignedSecret(form.Get("client_secret"))
	case "none":
		return !basic && !form.Has("client_secret") && form.Get("client_id") == p.cfg.ClientID
	}
	return false
}

func (p *Provider) isClient(id, secret string) bool {
	return id == p.cfg.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(p.secret)) == 1
}

// unescaped undoes the encoding of RFC 6749 §2.3.1.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// unauthenticated says so.
func (p *Provider) unauthenticated() *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", "the client is not authenticated by " + p.terms.clientAuth}
}

// assertionAudience is what client assertions are for.
func (p *Provider) assertionAudience() string {
	if p.terms.audience == "issuer" {
		return p.terms.issuer
	}
	return p.terms.endpoints.Token
}

// isAssertion checks a client assertion (RFC 7523 §3) against the public half
// of the connector's own key, by the algorithms that the provider takes.
func (p *Provider) isAssertion(assertion, audience string) bool {
	key, err := p.cfg.OIDC.SigningKey()
	if err != nil {
		return false
	}
	token, err := jwt.ParseSigned(assertion, p.manner.assertions.algorithms)
	if err != nil {
		return false
	}
	var claims jwt.Claims
	if err := token.Claims(key.Public(), &claims); err != nil {
		return false
	}
	named := token.Headers[0].KeyID != "" || !p.manner.assertions.named
	return named && p.acceptsAssertion(claims, audience)
}

func (p *Provider) acceptsAssertion(c jwt.Claims, audience string) bool {
	expected := jwt.Expected{Issuer: p.cfg.ClientID, Subject: p.cfg.ClientID, AnyAudience: jwt.Audience{audience}, Time: p.now()}
	if c.ValidateWithLeeway(expected, 30*time.Second) != nil || c.Expiry == nil || c.ID == "" {
		return false
	}
	if longest := p.manner.assertions.lifetime; longest > 0 && c.Expiry.Time().Sub(p.now()) > longest {
		return false
	}
	_, seen := p.assertions.take(c.ID)
	p.assertions.put(c.ID, struct{}{}, p.now())
	return !seen
}
