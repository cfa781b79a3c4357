package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	if p.terms.fullIDToken {
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

// leftHalf is at_hash under RS256 and ES256 (OpenID Connect Core §3.1.3.6).
func leftHalf(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
