package simulator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/simulator"
)

// payload reads an ID token without checking it.
func payload(t *testing.T, token *oauth2.Token) map[string]any {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("no ID token in %d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// redemption is a token request in order; the tests spoil it.
func redemption(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
}

// post sends a token request with HTTP Basic authentication, if user is not
// empty, and returns the status and the error code.
func (s *stage) post(t *testing.T, form url.Values, user, password string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/op/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		r.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Error string }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body.Error
}

func TestTokenRequestsRefused(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	tests := []struct {
		name           string
		change         func(url.Values)
		user, password string
		status         int
		want           string
	}{
		{"in order", func(url.Values) {}, clientID, secret, 200, ""},
		{"wrong secret", func(url.Values) {}, clientID, "wrong", 401, "invalid_client"},
		{"another client", func(url.Values) {}, "another", secret, 401, "invalid_client"},
		{"no authentication", func(url.Values) {}, "", "", 401, "invalid_client"},
		{"secret in the form", set("client_secret", secret), clientID, secret, 401, "invalid_client"},
		{"another grant type", set("grant_type", "password"), clientID, secret, 400, "unsupported_grant_type"},
		{"no grant type", del("grant_type"), clientID, secret, 400, "unsupported_grant_type"},
		{"another code", set("code", "ABC"), clientID, secret, 400, "invalid_grant"},
		{"another redirect URI", set("redirect_uri", "https://evil.example/"), clientID, secret, 400, "invalid_grant"},
		{"no redirect URI", del("redirect_uri"), clientID, secret, 400, "invalid_grant"},
		{"another verifier", set("code_verifier", strings.Repeat("x", 43)), clientID, secret, 400, "invalid_grant"},
		{"no verifier", del("code_verifier"), clientID, secret, 400, "invalid_grant"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			form := redemption(p.callback(t, url.Values{"persona": {"full-record"}}).Get("code"))
			test.change(form)
			status, code := p.stage.post(t, form, test.user, test.password)
			if status != test.status || code != test.want {
				t.Errorf("got %d %q, want %d %q", status, code, test.status, test.want)
			}
		})
	}
}

func TestCodeIsSpentOnce(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	code := p.callback(t, url.Values{"persona": {"full-record"}}).Get("code")
	var won atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := p.oauth.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d redemptions of one code won", won.Load())
	}
}

func TestCodesAndTokensRunOut(t *testing.T) {
	now := time.Now()
	p := play(t, plain, simulator.Options{Now: func() time.Time { return now }}).party(t)
	code := p.callback(t, url.Values{"persona": {"full-record"}}).Get("code")
	for range 3 { // the shelves turn when something is put on them
		now = now.Add(11 * time.Minute)
		p.callback(t, url.Values{"persona": {"full-record"}})
	}
	if _, err := p.oauth.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code of half an hour ago was redeemed")
	}
}

func TestClientAuthentication(t *testing.T) {
	private, text := newPrivateKey(t)
	tests := []struct {
		method string
		form   func(base string) url.Values
	}{
		{"client_secret_post", func(string) url.Values { return url.Values{"client_id": {clientID}, "client_secret": {secret}} }},
		{"none", func(string) url.Values { return url.Values{"client_id": {clientID}} }},
		{"private_key_jwt", func(base string) url.Values { return assertion(t, private, base+"/op/token", "1") }},
	}
	for _, test := range tests {
		t.Run(test.method, func(t *testing.T) {
			s := play(t, func(base string) config.Connector {
				cfg := plain(base)
				cfg.OIDC.ClientAuth = test.method
				cfg.OIDC.PrivateKey = config.NewSecret(text)
				return cfg
			}, simulator.Options{})
			p := s.party(t)
			redeem := func(proof url.Values, user string) string {
				form := redemption(p.callback(t, url.Values{"persona": {"full-record"}}).Get("code"))
				maps.Copy(form, proof)
				_, code := s.post(t, form, user, secret)
				return code
			}
			if got := redeem(test.form(s.base), ""); got != "" {
				t.Errorf("refused: %s", got)
			}
			if got := redeem(nil, clientID); got != "invalid_client" {
				t.Errorf("HTTP Basic gives %q, want invalid_client", got)
			}
		})
	}
}

func TestClientAssertionsRefused(t *testing.T) {
	private, text := newPrivateKey(t)
	stranger, _ := newPrivateKey(t)
	s := play(t, func(base string) config.Connector {
		cfg := plain(base)
		cfg.OIDC.ClientAuth = "private_key_jwt"
		cfg.OIDC.PrivateKey = config.NewSecret(text)
		return cfg
	}, simulator.Options{})
	p := s.party(t)
	for _, test := range []struct {
		name  string
		proof url.Values
		want  string
	}{
		{"in order", assertion(t, private, s.base+"/op/token", "1"), ""},
		{"seen before", assertion(t, private, s.base+"/op/token", "1"), "invalid_client"},
		{"for another audience", assertion(t, private, "https://elsewhere.example/token", "2"), "invalid_client"},
		{"by another key", assertion(t, stranger, s.base+"/op/token", "3"), "invalid_client"},
		{"without id", assertion(t, private, s.base+"/op/token", ""), "invalid_client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := redemption(p.callback(t, url.Values{"persona": {"full-record"}}).Get("code"))
			maps.Copy(form, test.proof)
			if _, got := s.post(t, form, "", ""); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func newPrivateKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func assertion(t *testing.T, private *ecdsa.PrivateKey, audience, id string) url.Values {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: clientID, Subject: clientID, Audience: jwt.Audience{audience}, ID: id,
		Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {token},
	}
}
