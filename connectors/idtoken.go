package connectors

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

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

// verify checks raw as the ID token that answers a (OpenID Connect Core
// §3.1.3.7) and returns what it says. go-oidc checks the algorithm, the
// signature, that we are among the audience, and at_hash; the rest is below.
func (c *oidcConnector) verify(ctx context.Context, a Attempt, raw, accessToken string) (mapping.Claims, error) {
	s := &signature{keys: c.keys}
	token, err := oidc.NewVerifier(c.settings.Issuer, s, &oidc.Config{
		ClientID:             c.clientID,
		SupportedSigningAlgs: c.settings.Algorithms,
		SkipIssuerCheck:      true, // aliases and templates
		SkipExpiryCheck:      true, // our clock skew
	}).Verify(ctx, raw)
	if unreachable, ok := errors.AsType[*Failure](s.err); ok {
		return nil, unreachable
	}
	if err != nil {
		return nil, fail(Refused, "id token: %w", err)
	}
	if token.AccessTokenHash != "" && token.VerifyAccessToken(accessToken) != nil {
		return nil, fail(Refused, "id token: at_hash is not of the access token") // Core §3.1.3.8
	}
	var claims mapping.Claims
	if err := token.Claims(&claims); err != nil {
		return nil, fail(Refused, "id token: its claims are malformed")
	}
	if err := checkIDToken(claims, c.clientID, a, c.settings, c.now()); err != nil {
		return nil, fail(Refused, "id token: %w", err)
	}
	return claims, nil
}

// checkIDToken is what Core §3.1.3.7 asks for besides the signature and the
// issuer.
func checkIDToken(claims mapping.Claims, clientID string, a Attempt, settings config.OIDC, now time.Time) error {
	return cmp.Or(
		checkAudience(claims, clientID),
		checkTimes(claims, now, settings.ClockSkew),
		checkNonce(claims, a.Nonce, settings.Nonce == "unreturned"),
		checkFresh(claims, a, settings.ClockSkew),
		checkSubject(claims),
	)
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

func checkTimes(claims mapping.Claims, now time.Time, skew time.Duration) error {
	exp, ok := numericDate(claims["exp"])
	if !ok || !now.Before(exp.Add(skew)) {
		return errors.New("exp has passed or is missing")
	}
	iat, ok := numericDate(claims["iat"])
	if !ok || iat.After(now.Add(skew)) {
		return errors.New("iat lies ahead or is missing")
	}
	if nbf, ok := claims["nbf"]; ok {
		if from, ok := numericDate(nbf); !ok || from.After(now.Add(skew)) {
			return errors.New("nbf lies ahead")
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
