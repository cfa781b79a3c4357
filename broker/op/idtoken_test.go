package op_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

// idToken verifies an ID token as an app does and returns its claims.
func (b *bed) idToken(client, token string) map[string]any {
	b.t.Helper()
	provider, err := oidc.NewProvider(b.t.Context(), b.URL)
	b.must(err)
	t, err := provider.Verifier(&oidc.Config{ClientID: client, Now: b.now}).Verify(b.t.Context(), token)
	b.must(err)
	var claims map[string]any
	b.must(t.Claims(&claims))
	return claims
}

func TestIDToken(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t))
	got := b.idToken("tax", answer.IDToken)
	hash := sha256.Sum256([]byte(answer.AccessToken))
	sub, sid := got["sub"].(string), got["sid"].(string)
	if sub == "" || sid == "" {
		t.Errorf("sub %q, sid %q", sub, sid)
	}
	now := float64(b.now().Unix())
	// Claims about the person are for userinfo alone (OpenID Connect Core §5.4).
	want := map[string]any{
		"iss": b.URL, "sub": sub, "acr": "urn:x-council:acr:cl", "aud": "tax", "sid": sid, "nonce": "n0nce",
		"iat": now, "exp": now + 600, "auth_time": now,
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestIDTokenWithoutNonce(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t), "nonce", "")
	if got := b.idToken("tax", answer.IDToken); got["nonce"] != nil {
		t.Errorf("nonce %v", got["nonce"])
	}
}

// Each app gets the algorithm that it registered, and a subject of its own.
func TestIDTokenPerClient(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	tax := b.signedIn(browser)
	verifier := oauth2.GenerateVerifier()
	waste := b.waste(b.code(browser, wasteRequest(verifier)), verifier).tokens(t)
	if got := b.header(tax.IDToken)["alg"]; got != "RS256" {
		t.Errorf("tax: alg %v", got)
	}
	if got := b.header(waste.IDToken)["alg"]; got != "ES256" {
		t.Errorf("waste: alg %v", got)
	}
	provider, err := oidc.NewProvider(t.Context(), b.URL)
	b.must(err)
	token, err := provider.Verifier(&oidc.Config{ClientID: "waste", Now: b.now, SupportedSigningAlgs: []string{"ES256"}}).
		Verify(t.Context(), waste.IDToken)
	b.must(err)
	claims := b.idToken("tax", tax.IDToken)
	if token.Subject == claims["sub"] {
		t.Error("two sectors share a subject")
	}
	var sid struct {
		SID string `json:"sid"`
	}
	b.must(token.Claims(&sid))
	if sid.SID == "" || sid.SID == claims["sid"] {
		t.Error("two clients share a sid, by which they can tell that one resident uses both")
	}
}

// header is the protected header of a JWS.
func (b *bed) header(jws string) map[string]any {
	b.t.Helper()
	for i := range jws {
		if jws[i] == '.' {
			text, err := base64.RawURLEncoding.DecodeString(jws[:i])
			b.must(err)
			return decode[map[string]any](b.t, string(text))
		}
	}
	b.t.Fatal("not a JWS")
	return nil
}
