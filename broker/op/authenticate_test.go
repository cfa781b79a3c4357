package op_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/councilid/councilid/config"
)

func TestClientAuthentication(t *testing.T) {
	b := newBed(t)
	secret := b.app("tax").ClientSecret.Reveal()
	tests := []struct {
		name     string
		user     string // of Basic, form-encoded here; "" for none
		password string
		form     url.Values
		status   int
		code     string
	}{
		{"basic", "tax", secret, nil, 400, "invalid_grant"},
		{"basic and client_id", "tax", secret, url.Values{"client_id": {"tax"}}, 400, "invalid_grant"},
		{"post", "", "", url.Values{"client_id": {"waste"}, "client_secret": {"waste-secret"}}, 400, "invalid_grant"},
		{"none", "", "", url.Values{"client_id": {"library"}}, 400, "invalid_grant"},

		{"nobody", "", "", nil, 401, "invalid_client"},
		{"unknown", "nobody", secret, nil, 401, "invalid_client"},
		{"wrong secret", "tax", "letmein", nil, 401, "invalid_client"},
		{"empty secret", "tax", "", nil, 401, "invalid_client"},
		{"secret of another app", "tax", "waste-secret", nil, 401, "invalid_client"},
		{"no secret", "", "", url.Values{"client_id": {"tax"}}, 401, "invalid_client"},
		{"empty secret in the form", "", "", url.Values{"client_id": {"waste"}, "client_secret": {""}}, 401, "invalid_client"},
		{"post for basic", "", "", url.Values{"client_id": {"tax"}, "client_secret": {secret}}, 401, "invalid_client"},
		{"basic for post", "waste", "waste-secret", nil, 401, "invalid_client"},
		{"secret of a public app", "", "", url.Values{"client_id": {"library"}, "client_secret": {""}}, 401, "invalid_client"},
		{"two methods", "tax", secret, url.Values{"client_id": {"tax"}, "client_secret": {secret}}, 400, "invalid_request"},
		{"two clients", "tax", secret, url.Values{"client_id": {"waste"}}, 400, "invalid_request"},
		{"other assertion", "", "", url.Values{"client_assertion": {"x"}, "client_assertion_type": {"saml"}}, 400, "invalid_request"},
		{"no assertion", "", "", url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, 401, "invalid_client"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {"none"}}
			maps.Copy(form, test.form)
			r := b.tokenRequest(form)
			if test.user != "" {
				r.SetBasicAuth(url.QueryEscape(test.user), url.QueryEscape(test.password))
			}
			res, err := b.Client().Do(r)
			got := b.read(res, err)
			got.wantError(t, test.status, test.code)
			if challenged := strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic "); challenged != (test.status == 401) {
				t.Errorf("WWW-Authenticate %q", got.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func (b *bed) tokenRequest(form url.Values) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.URL+"/token", strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Credentials in the address end up in logs and do not count.
func TestCredentialsInTheAddress(t *testing.T) {
	b := newBed(t)
	r := b.tokenRequest(url.Values{"grant_type": {"authorization_code"}, "code": {"none"}})
	r.URL.RawQuery = url.Values{"client_id": {"waste"}, "client_secret": {"waste-secret"}}.Encode()
	res, err := b.Client().Do(r)
	b.read(res, err).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func TestRepeatedParameter(t *testing.T) {
	b := newBed(t)
	r := b.tokenRequest(url.Values{"grant_type": {"authorization_code", "authorization_code"}, "client_id": {"library"}})
	res, err := b.Client().Do(r)
	b.read(res, err).wantError(t, http.StatusBadRequest, "invalid_request")
}

// signer is an app that authenticates with private_key_jwt.
type signer struct {
	*bed
	key *ecdsa.PrivateKey
	rsa *rsa.PrivateKey // for PS256
}

func newSigner(t *testing.T) signer {
	t.Helper()
	key := newKey(t)
	forPS256, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: newKey(t).Public(), KeyID: "old", Algorithm: "ES256", Use: "sig"},
		{Key: key.Public(), KeyID: "new", Algorithm: "ES256", Use: "sig"},
		{Key: forPS256.Public(), KeyID: "pss", Algorithm: "PS256", Use: "sig"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	app := config.App{
		ID: "planning", Sector: "planning.example",
		OIDC: &config.AppOIDC{
			ClientID: "planning", ClientAuth: "private_key_jwt", JWKS: writeFile(t, "keys.json", string(set)),
			RedirectURIs: []string{"https://planning.example/callback"}, IDTokenAlg: "ES256",
			AccessTokenLifetime: time.Minute, RefreshTokenLifetime: time.Hour,
		},
	}
	return signer{newBed(t, app), key, forPS256}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are those of a good assertion.
func (s signer) claims() map[string]any {
	now := s.now().Unix()
	return map[string]any{"iss": "planning", "sub": "planning", "aud": s.URL, "iat": now, "exp": now + 60, "jti": rand.Text()}
}

func (s signer) sign(alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	s.t.Helper()
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	s.must(err)
	token, err := jwt.Signed(sig).Claims(claims).Serialize()
	s.must(err)
	return token
}

func (s signer) try(assertion string) *answer {
	s.t.Helper()
	res, err := s.Client().Do(s.tokenRequest(url.Values{
		"grant_type": {"authorization_code"}, "code": {"none"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}))
	return s.read(res, err)
}

func TestPrivateKeyJWT(t *testing.T) {
	s := newSigner(t)
	for name, change := range map[string]func(claims map[string]any){
		"issuer as the audience":         func(map[string]any) {},
		"token endpoint as the audience": func(c map[string]any) { c["aud"] = s.URL + "/token" },
		"one of several audiences":       func(c map[string]any) { c["aud"] = []string{"https://other.example", s.URL} },
		"nbf 8 seconds ahead":            func(c map[string]any) { c["nbf"] = s.now().Unix() + 8 },
		"no iat":                         func(c map[string]any) { delete(c, "iat") },
	} {
		t.Run(name, func(t *testing.T) {
			claims := s.claims()
			change(claims)
			assertion := s.sign(jose.ES256, s.key, "new", claims)
			s.try(assertion).wantError(t, http.StatusBadRequest, "invalid_grant") // authenticated
			s.try(assertion).wantError(t, http.StatusUnauthorized, "invalid_client")
		})
	}
}

func TestPrivateKeyJWTOfRSA(t *testing.T) {
	s := newSigner(t)
	s.try(s.sign(jose.PS256, s.rsa, "pss", s.claims())).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestPrivateKeyJWTRefuses(t *testing.T) {
	s := newSigner(t)
	for name, change := range map[string]func(claims map[string]any){
		"no iss":                 func(c map[string]any) { delete(c, "iss") },
		"other iss":              func(c map[string]any) { c["iss"] = "tax" },
		"no sub":                 func(c map[string]any) { delete(c, "sub") },
		"other sub":              func(c map[string]any) { c["sub"] = "tax" },
		"no aud":                 func(c map[string]any) { delete(c, "aud") },
		"other aud":              func(c map[string]any) { c["aud"] = "https://other.example" },
		"other endpoint's aud":   func(c map[string]any) { c["aud"] = s.URL + "/authorize" },
		"no exp":                 func(c map[string]any) { delete(c, "exp") },
		"exp five minutes ago":   func(c map[string]any) { c["exp"] = s.now().Unix() - 300 },
		"exp in a day":           func(c map[string]any) { c["exp"] = s.now().Unix() + 86400 },
		"nbf over 60 s from now": func(c map[string]any) { c["nbf"] = s.now().Unix() + 90 },
		"no jti":                 func(c map[string]any) { delete(c, "jti") },
	} {
		t.Run(name, func(t *testing.T) {
			claims := s.claims()
			change(claims)
			s.try(s.sign(jose.ES256, s.key, "new", claims)).wantError(t, http.StatusUnauthorized, "invalid_client")
		})
	}
	for name, assertion := range map[string]string{
		"other key":          s.sign(jose.ES256, newKey(t), "new", s.claims()),
		"key of another kid": s.sign(jose.ES256, s.key, "old", s.claims()),
		"other algorithm":    s.sign(jose.RS256, s.rsa, "pss", s.claims()),
		"unknown kid":        s.sign(jose.ES256, s.key, "newest", s.claims()),
		"no kid":             s.sign(jose.ES256, s.key, "", s.claims()),
		"symmetric":          s.sign(jose.HS256, []byte(strings.Repeat("k", 32)), "new", s.claims()),
		"unsigned":           unsigned(s.sign(jose.ES256, s.key, "new", s.claims())),
		"no JWT":             "letmein",
	} {
		t.Run(name, func(t *testing.T) {
			s.try(assertion).wantError(t, http.StatusUnauthorized, "invalid_client")
		})
	}
}

func TestPrivateKeyJWTNeedsRedis(t *testing.T) {
	s := newSigner(t)
	s.redis.SetError("LOADING Redis is loading the dataset in memory")
	s.try(s.sign(jose.ES256, s.key, "new", s.claims())).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
}
