package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// idToken makes the ID token of a grant (OpenID Connect Core §2). Keys that
// are withheld for one token can be had again with the next.
func (p *Provider) idToken(g *grant, accessToken string) (string, error) {
	claims := p.idTokenClaims(g, accessToken)
	if g.fault.claims != nil {
		g.fault.claims(p, claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode ID token: %w", err)
	}
	p.keys.withhold(g.fault.breaks(Keys))
	if g.fault.sign != nil {
		return g.fault.sign(p, payload)
	}
	return p.keys.sign(payload)
}

func (p *Provider) idTokenClaims(g *grant, accessToken string) mapping.Claims {
	scope := "openid"
	if p.terms.openClaims {
		scope = g.scope
	}
	now := p.now()
	claims := p.said(g, scope)
	claims["iss"] = p.issuerFor(claims)
	claims["aud"] = p.cfg.ClientID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(time.Hour).Unix()
	claims["at_hash"] = leftHalf(accessToken)
	if p.terms.nonce {
		claims["nonce"] = g.nonce
	}
	if g.acr != "" {
		claims["acr"] = g.acr
	}
	if g.tellsAuthTime() {
		claims["auth_time"] = g.since.Unix()
	}
	return claims
}

// issuerFor is the issuer of somebody's tokens: a template is filled in from
// what is said of them.
func (p *Provider) issuerFor(said mapping.Claims) string {
	claim := p.terms.tenantClaim()
	if claim == "" {
		return p.terms.issuer
	}
	return strings.ReplaceAll(p.terms.issuer, "{"+claim+"}", said.Text(claim))
}

// announcedIssuer is the issuer that discovery names. Microsoft leaves its
// template in, and in other words than those of the claim.
func (p *Provider) announcedIssuer() string {
	return strings.ReplaceAll(p.terms.issuer, "{tid}", "{tenantid}")
}

// leftHalf is at_hash under RS256 and ES256 (OpenID Connect Core §3.1.3.6).
func leftHalf(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// discovery serves the provider's metadata (OpenID Connect Discovery 1.0 §3).
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	t := p.terms
	document := map[string]any{
		"issuer":                                p.announcedIssuer(),
		"authorization_endpoint":                t.endpoints.Authorization,
		"token_endpoint":                        t.endpoints.Token,
		"userinfo_endpoint":                     t.endpoints.Userinfo,
		"jwks_uri":                              t.endpoints.JWKS,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(t.algorithm)},
		"scopes_supported":                      []string{"openid", "profile", "email", "address", "phone"},
		"prompt_values_supported":               p.manner.prompts,
		"token_endpoint_auth_methods_supported": []string{t.clientAuth},
	}
	if t.pkce {
		document["code_challenge_methods_supported"] = []string{"S256"}
	}
	if t.issParameter != "" {
		document["authorization_response_iss_parameter_supported"] = true // RFC 9207 §3
	}
	writeJSON(w, http.StatusOK, document)
}

// jwks serves the published keys (RFC 7517 §5).
func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	set, ok, err := p.keys.set()
	if err != nil {
		p.log.Error("cannot publish keys", "provider", p.name, "error", err)
	}
	if !ok {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, set)
}
