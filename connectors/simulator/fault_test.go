package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/simulator"
)

// observed is where a careful client finds each fault; "" is a sign-in that
// succeeds.
func observed() map[string]string {
	return map[string]string{
		"cancel":                  "callback: access_denied",
		"temporarily-unavailable": "callback: temporarily_unavailable",
		"server-error":            "callback: server_error",
		"state-lost":              "callback: state",
		"state-of-another":        "callback: state",
		"iss-added":               "",
		"iss-wrong":               "callback: iss",
		"nonce-not-matching":      "id token: nonce",
		"no-nonce":                "id token: nonce",
		"invalid-iss":             "id token: oidc: id token issued by a different provider",
		"slashed-iss":             "id token: oidc: id token issued by a different provider",
		"alias-iss":               "id token: oidc: id token issued by a different provider", // to those who do not know the alias
		"invalid-aud":             "id token: oidc: expected audience",
		"two-audiences":           "id token: audience",
		"wrong-at-hash":           "id token: at_hash",
		"token-expired":           "id token: oidc: token is expired",
		"no-exp":                  "id token: oidc: token is expired",
		"token-not-valid-yet":     "id token: oidc: current time",
		"future-iat":              "id token: iat",
		"alg-none":                "id token: oidc: malformed jwt",
		"alg-hmac":                "id token: oidc: malformed jwt: unexpected signature algorithm",
		"invalid-alg-header":      "id token: oidc: malformed jwt: unexpected signature algorithm",
		"invalid-signature":       "id token: failed to verify signature",
		"unknown-kid":             "id token: failed to verify signature",
		"rotate-keys":             "",
		"two-keys-one-kid":        "",
		"jwks-500":                "id token: failed to verify signature",
		"code-refused":            `token: oauth2: "invalid_grant"`,
		"client-refused":          `token: oauth2: "invalid_client"`,
		"token-500":               "token: oauth2: cannot fetch token: 500",
		"token-html":              "token: oauth2: cannot parse json",
		"token-huge":              "token: oauth2: cannot parse json",
		"token-slow":              "token: oauth2: cannot fetch token: 504",
		"token-reset":             "token: Post",
		"incorrect-sub":           "userinfo: sub",
		"text-booleans":           "",
		"profile-500":             "userinfo: 500",
	}
}

func aliased(base string) config.Connector {
	cfg := plain(base)
	cfg.OIDC.IssuerAliases = []string{"the.other.spelling"}
	return cfg
}

func TestFaultsCanBeObserved(t *testing.T) {
	p := play(t, aliased, simulator.Options{Slow: time.Millisecond}).party(t)
	want := observed()
	for _, fault := range p.stage.provider.Faults() {
		if fault.Beforehand() {
			continue
		}
		t.Run(fault.ID, func(t *testing.T) {
			expected, known := want[fault.ID]
			if !known {
				t.Fatal("nobody says how to observe it")
			}
			_, err := p.signIn(t, fault.ID)
			switch {
			case expected == "" && err != nil:
				t.Errorf("got %v, want a sign-in", err)
			case expected != "" && (err == nil || !strings.HasPrefix(err.Error(), expected)):
				t.Errorf("got %v, want %s", err, expected)
			}
			if _, err := p.signIn(t, "full-record"); err != nil {
				t.Errorf("the next sign-in fails as well: %v", err)
			}
		})
	}
}

func TestBooleansAsText(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	token := p.callback(t, url.Values{"persona": {"unverified-email"}, "fault": {"text-booleans"}})
	who := p.redeem(t, token.Get("code"))
	if got, want := who.userinfo["email_verified"], "false"; got != want {
		t.Errorf("email_verified is %v, want the text %q", got, want)
	}
}

func TestImposedFaults(t *testing.T) {
	s := play(t, plain, simulator.Options{})
	p := s.party(t)
	for _, id := range []string{"discovery-500", "down"} {
		if err := s.provider.SetFault(id); err != nil {
			t.Fatal(err)
		}
		if _, err := oidc.NewProvider(t.Context(), s.cfg.OIDC.Issuer); err == nil {
			t.Errorf("%s: the discovery document can be read", id)
		}
	}
	resp, err := s.browser.Get(p.address(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 {
		t.Errorf("a provider that is down answers %s", resp.Status)
	}
	s.provider.SetDown(false)
	if _, err := p.signIn(t, "full-record"); err != nil {
		t.Errorf("the provider is not up again: %v", err)
	}
	if err := s.provider.SetFault("token-expired"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(t, "full-record"); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("got %v, want a token that has expired", err)
	}
	if err := s.provider.SetFault("no such fault"); err == nil {
		t.Error("a fault that nobody knows was imposed")
	}
}

func TestSetDown(t *testing.T) {
	s := play(t, plain, simulator.Options{})
	s.provider.SetDown(true)
	if _, err := oidc.NewProvider(t.Context(), s.cfg.OIDC.Issuer); err == nil {
		t.Error("a provider that is down can be discovered")
	}
}

func TestRotateKeys(t *testing.T) {
	s := play(t, plain, simulator.Options{})
	p := s.party(t)
	before := p.keyIDs(t)
	if err := s.provider.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	token, err := p.oauth.Exchange(t.Context(), p.callback(t, url.Values{"persona": {"full-record"}}).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.read(t.Context(), token); err != nil {
		t.Error(err)
	}
	raw, _ := token.Extra("id_token").(string)
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if by := jws.Signatures[0].Header.KeyID; slices.Contains(before, by) || !slices.Contains(p.keyIDs(t), by) {
		t.Errorf("%s signs, of %v before the rotation and %v after", by, before, p.keyIDs(t))
	}
}

// keyIDs are the names of the keys that the provider publishes.
func (p *party) keyIDs(t *testing.T) []string {
	t.Helper()
	how, err := p.signing()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(how.Keys)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, key := range set.Keys {
		ids = append(ids, key.KeyID)
	}
	return ids
}
