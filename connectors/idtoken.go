package connectors

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// signature is the oidc.KeySet of one verification. It keeps the error, which
// go-oidc flattens to text: keys that cannot be fetched are not the same as
// keys that do not fit.
type signature struct {
	keys *keySet
	err  error
}

// VerifySignature implements oidc.KeySet.
func (s *signature) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := s.keys.verify(ctx, jwt)
	s.err = err
	return payload, err
}

// idToken checks the ID token that answers a (OpenID Connect Core §3.1.3.7) and
// returns it, decrypted, with what it says. go-oidc checks the algorithm, the
// signature and that we are among the audience; the rest is below.
func (c *oidcConnector) idToken(ctx context.Context, a Attempt, answer *oauth2.Token) (raw string, said mapping.Claims, err error) {
	raw, _ = answer.Extra("id_token").(string)
	if raw, err = c.decrypter.open(raw); err != nil {
		return "", nil, fail(Refused, "id token: %w", err)
	}
	s := &signature{keys: c.keys}
	token, err := oidc.NewVerifier(c.settings.Issuer, s, &oidc.Config{
		ClientID:             c.clientID,
		SupportedSigningAlgs: c.settings.Algorithms,
		SkipIssuerCheck:      true, // aliases and templates
		SkipExpiryCheck:      true, // our clock skew
	}).Verify(ctx, raw)
	if unreachable, ok := errors.AsType[*Failure](s.err); ok {
		return "", nil, unreachable
	}
	if err != nil {
		return "", nil, fail(Refused, "id token: %w", err)
	}
	if err := token.Claims(&said); err != nil {
		return "", nil, fail(Refused, "id token: its claims are malformed")
	}
	if err := c.checkIDToken(token, said, a, answer.AccessToken); err != nil {
		return "", nil, fail(Refused, "id token: %w", err)
	}
	return raw, said, nil
}

// checkIDToken is what Core §3.1.3.7 and §3.1.3.8 ask for besides the signature
// and the issuer.
func (c *oidcConnector) checkIDToken(token *oidc.IDToken, said mapping.Claims, a Attempt, accessToken string) error {
	skew := c.settings.ClockSkew
	return cmp.Or(
		checkAudience(said, c.clientID),
		checkPresent(said, "exp", "iat"),
		checkTimes(said, c.now(), skew),
		checkNonce(said, a.Nonce, c.settings.Nonce == "unreturned"),
		checkFresh(said, a, skew),
		checkSubject(said),
		c.checkAccessToken(token, accessToken),
	)
}

// checkAccessToken holds the access token against at_hash, where there is one.
func (c *oidcConnector) checkAccessToken(token *oidc.IDToken, accessToken string) error {
	fits := token.AccessTokenHash == ""
	if !fits && slices.Contains(c.settings.Algorithms, hs256) { // which go-oidc does not know
		sum := sha256.Sum256([]byte(accessToken))
		fits = token.AccessTokenHash == base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
	}
	if !fits && token.VerifyAccessToken(accessToken) != nil {
		return errors.New("at_hash is not of the access token")
	}
	return nil
}

// checkAudience wants us to be the only audience: a token for others as well
// is one that they can present to us (§3.1.3.7 item 3). azp, where there is
// one, is us (items 4 and 5).
func checkAudience(claims mapping.Claims, clientID string) error {
	switch aud := claims["aud"].(type) {
	case string:
		if aud != clientID {
			return errors.New("aud is another client")
		}
	case []any:
		if len(aud) != 1 || aud[0] != clientID {
			return errors.New("aud names other clients")
		}
	default:
		return errors.New("aud is missing")
	}
	if azp, ok := claims["azp"]; ok && azp != clientID {
		return errors.New("azp is another client")
	}
	return nil
}

func checkPresent(claims mapping.Claims, names ...string) error {
	for _, name := range names {
		if _, ok := claims[name]; !ok {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// checkTimes checks those that are there (RFC 7519 §4.1).
func checkTimes(claims mapping.Claims, now time.Time, skew time.Duration) error {
	if value, ok := claims["exp"]; ok {
		if exp, ok := numericDate(value); !ok || !now.Before(exp.Add(skew)) {
			return errors.New("exp has passed")
		}
	}
	for _, name := range []string{"iat", "nbf"} {
		if value, ok := claims[name]; ok {
			if from, ok := numericDate(value); !ok || from.After(now.Add(skew)) {
				return fmt.Errorf("%s lies ahead", name)
			}
		}
	}
	return nil
}

// checkNonce ties the token to the attempt. Providers that never return the
// nonce (unreturned) leave only state to do that; one that comes must fit all
// the same.
func checkNonce(claims mapping.Claims, nonce string, unreturned bool) error {
	returned, ok := claims["nonce"]
	if !ok && unreturned {
		return nil
	}
	text, _ := returned.(string)
	if nonce == "" || subtle.ConstantTimeCompare([]byte(text), []byte(nonce)) != 1 {
		return errors.New("nonce is not the attempt's")
	}
	return nil
}

// checkFresh wants proof of the new authentication that was asked for. What
// asked for it is a parameter in the browser's hands, so a provider that does
// not say when it authenticated the person has proved nothing. auth_time is
// required where max_age was sent (Core §2), and the attempt sends both.
func checkFresh(claims mapping.Claims, a Attempt, skew time.Duration) error {
	if !a.Force {
		return nil
	}
	at, ok := numericDate(claims["auth_time"])
	if !ok {
		return errors.New("a new sign-in was asked for, and auth_time does not prove it")
	}
	if at.Add(skew).Before(a.Started) {
		return errors.New("auth_time is before the new sign-in that was asked for")
	}
	return nil
}

func checkSubject(claims mapping.Claims) error {
	if claims.Text("sub") == "" {
		return errors.New("sub is missing")
	}
	return nil
}

// numericDate reads seconds since 1970 (RFC 7519 §2).
func numericDate(value any) (time.Time, bool) {
	seconds, ok := value.(float64)
	if !ok || math.IsNaN(seconds) || math.Abs(seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// tenantName is what may be put into the braces of a templated issuer: nothing
// that could move the borders of its path.
var tenantName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// issuerOf checks iss and returns the issuer that links are kept under.
func issuerOf(claims mapping.Claims, settings config.OIDC) (string, error) {
	issuer, err := fillTemplate(claims, settings)
	if err != nil {
		return "", err
	}
	if iss := claims.Text("iss"); iss != issuer && !slices.Contains(settings.IssuerAliases, iss) {
		return "", fail(Refused, "id token: iss is another issuer")
	}
	return issuer, nil
}

// fillTemplate replaces the braces of the issuer by the claim that they name,
// if that is one of the tenants.
func fillTemplate(claims mapping.Claims, settings config.OIDC) (string, error) {
	part := braces.FindString(settings.Issuer)
	if part == "" {
		return settings.Issuer, nil
	}
	tenant := claims.Text(strings.Trim(part, "{}"))
	if !tenantName.MatchString(tenant) {
		return "", fail(Refused, "id token: the tenant of the issuer is missing or malformed")
	}
	if !slices.Contains(settings.Tenants, tenant) {
		return "", fail(NotAllowed, "id token: the tenant may not sign in here")
	}
	return strings.Replace(settings.Issuer, part, tenant, 1), nil
}
