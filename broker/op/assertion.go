package op

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/councilid/councilid/broker/store"
)

const (
	// RFC 7523 §2.2.
	jwtBearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	// maxAssertionLife bounds how far ahead an assertion may expire, and so
	// how long it has to be remembered.
	maxAssertionLife = time.Hour

	// clockSkew is how far a client's clock may differ from ours.
	clockSkew = 30 * time.Second
)

// assertionAlgorithms are what client assertions may be signed with. None is
// symmetric, so no public key can be mistaken for a secret (RFC 8725 §2.1).
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// parseAssertionParameters finds out which client a private_key_jwt claims to
// come from: client_id is optional beside it (RFC 7521 §4.2).
func parseAssertionParameters(form url.Values) (credentials, error) {
	if form.Get("client_assertion_type") != jwtBearerAssertion {
		return credentials{}, refused(invalidRequest, "client_assertion_type is not supported")
	}
	c := credentials{method: privateKeyJWT, assertion: form.Get("client_assertion")}
	token, err := jwt.ParseSigned(c.assertion, assertionAlgorithms)
	if err != nil {
		return credentials{}, notAuthenticated(err)
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return credentials{}, notAuthenticated(err)
	}
	c.id = claims.Subject
	return c, nil
}

// proveAssertion checks a private_key_jwt and remembers it, so that it is of
// use once (RFC 7523 §3, OpenID Connect Core §9).
func (s *Server) proveAssertion(ctx context.Context, c *client, assertion string) error {
	claims, err := c.verifyAssertion(assertion)
	if err != nil {
		return notAuthenticated(err)
	}
	now := s.Now()
	if err := checkAssertion(claims, c.id, []string{s.Issuer, s.Issuer + tokenPath}, now); err != nil {
		return notAuthenticated(err)
	}
	first, err := s.first(ctx, c, claims.ID, claims.Expiry.Time().Add(clockSkew).Sub(now))
	if err != nil {
		return err
	}
	if !first {
		return notAuthenticated(errors.New("the assertion was used before"))
	}
	return nil
}

// verifyAssertion returns the claims of an assertion that the client signed.
func (c *client) verifyAssertion(assertion string) (jwt.Claims, error) {
	token, err := jwt.ParseSigned(assertion, assertionAlgorithms)
	if err != nil {
		return jwt.Claims{}, err
	}
	header := token.Headers[0]
	i := slices.IndexFunc(c.keys, func(k jose.JSONWebKey) bool {
		// Where there is one key, the assertion need not name it.
		return k.KeyID == header.KeyID || header.KeyID == "" && len(c.keys) == 1
	})
	if i < 0 {
		return jwt.Claims{}, errors.New("the assertion is signed with a key that is not registered")
	}
	// RFC 8725 §3.1: the key says which algorithm is right, not the token.
	if key := c.keys[i]; key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return jwt.Claims{}, fmt.Errorf("the assertion is signed with %s, the key is for %s", header.Algorithm, key.Algorithm)
	}
	var claims jwt.Claims
	return claims, token.Claims(c.keys[i].Key, &claims)
}

// checkAssertion checks what an assertion says (RFC 7523 §3). The audience may
// be the issuer or the token endpoint (OpenID Connect Core §9).
func checkAssertion(claims jwt.Claims, id string, audiences []string, now time.Time) error {
	if claims.Expiry == nil {
		return errors.New("the assertion does not expire")
	}
	if claims.Expiry.Time().After(now.Add(maxAssertionLife)) {
		return fmt.Errorf("the assertion lives longer than %s", maxAssertionLife)
	}
	if claims.ID == "" {
		return errors.New("the assertion has no jti")
	}
	expected := jwt.Expected{Issuer: id, Subject: id, AnyAudience: audiences, Time: now}
	return claims.ValidateWithLeeway(expected, clockSkew)
}

// assertions are those that were used, until they expire.
var assertions = store.Table[struct{}]{Name: "assertion"}

// first reports whether nobody came with the assertion of that jti before.
func (s *Server) first(ctx context.Context, c *client, jti string, ttl time.Duration) (bool, error) {
	b := s.Store.Batch()
	added := assertions.Add(b, store.Handle{Tag: hashOf(c.id + " " + jti)}, struct{}{}, ttl)
	if err := b.Exec(ctx); err != nil {
		return false, err
	}
	_, first := added.Value()
	return first, nil
}
