package simulator

import (
	"crypto"
	_ "crypto/sha256" // of crypto.SHA256
	_ "crypto/sha512" // of crypto.SHA512
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

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
	sign := (*ring).sign
	if g.fault.sign != nil {
		sign = g.fault.sign
	}
	token, err := sign(&p.keys, payload)
	if err != nil {
		return "", err
	}
	return p.seal(g, token)
}

func (p *Provider) idTokenClaims(g *grant, accessToken string) mapping.Claims {
	now, claims := p.now(), p.idTokenSays(g)
	claims["iss"] = p.issuerFor(claims)
	claims["aud"] = p.cfg.ClientID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(p.manner.lives.idToken).Unix()
	claims["at_hash"] = p.leftHalf(accessToken)
	if p.terms.nonce {
		claims["nonce"] = g.nonce
	}
	if p.namesSessions() {
		claims["sid"] = g.session
		p.sessions.put(g.persona.ID, g.session, now)
	}
	if _, said := claims["acr"]; !said && g.acr != "" && p.tongue.idToken == nil {
		claims["acr"] = g.acr
	}
	if g.tellsAuthTime() {
		claims["auth_time"] = g.since.Unix()
	}
	return claims
}

// idTokenSays is what the ID token says of the person.
func (p *Provider) idTokenSays(g *grant) mapping.Claims {
	switch {
	case p.tongue.idToken != nil:
		return p.utter(p.tongue.idToken, p.personOf(g))
	case p.terms.fullIDToken:
		return p.said(g, p.personOf(g), g.scope)
	}
	return p.said(g, p.personOf(g), "openid")
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

// leftHalf is at_hash: half the hash of the ID token's algorithm (OpenID Connect
// Core §3.1.3.6).
func (p *Provider) leftHalf(accessToken string) string {
	hash := crypto.SHA256.New()
	if p.terms.algorithm == jose.RS512 {
		hash = crypto.SHA512.New()
	}
	hash.Write([]byte(accessToken))
	sum := hash.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
