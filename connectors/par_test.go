package connectors_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// pushing is the configuration of p as a provider that wants requests pushed.
func (p *provider) pushing() config.Connector {
	cfg := p.connector()
	cfg.OIDC.PAR = "required"
	p.discovery = claims{"pushed_authorization_request_endpoint": p.url + "/par"}
	return cfg
}

func TestPushedRequest(t *testing.T) {
	p := newProvider(t)
	cfg, a := p.pushing(), newAttempt()
	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	name := u.Query().Get("request_uri")
	if diff := cmp.Diff(url.Values{"client_id": {clientID}, "request_uri": {name}}, u.Query()); diff != "" || u.Path != "/authorize" {
		t.Errorf("the browser carries more than it should: %s", diff)
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callbackURL},
		"scope": {"openid email"}, "state": {a.State}, "nonce": {a.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, p.pushed[name]); diff != "" {
		t.Error(diff)
	}
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
}

// What is pushed is authenticated as a code is (RFC 9126 §2).
func TestPushedRequestIsAuthenticated(t *testing.T) {
	key := newKey(t)
	for method, authenticates := range map[string]func(p *provider, r *http.Request) bool{
		"client_secret_post": func(_ *provider, r *http.Request) bool {
			return r.PostFormValue("client_secret") == clientSecret && r.Header.Get("Authorization") == ""
		},
		"none": func(_ *provider, r *http.Request) bool {
			return r.PostFormValue("client_id") == clientID && !r.PostForm.Has("client_secret")
		},
		"private_key_jwt": func(p *provider, r *http.Request) bool {
			return p.believesAssertion(r, key.Public(), p.url)
		},
	} {
		t.Run(method, func(t *testing.T) {
			p := newProvider(t)
			p.client = func(r *http.Request) bool { return authenticates(p, r) }
			cfg := p.pushing()
			cfg.OIDC.ClientAuth, cfg.OIDC.AssertionAudience = method, "issuer"
			if method == "private_key_jwt" {
				cfg.OIDC.PrivateKey, cfg.OIDC.KeyID = config.NewSecret(pemOf(t, key)), "ours"
			}
			if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
				t.Error(err)
			}
			if n := p.called("/par"); n != 1 {
				t.Errorf("pushed %d times", n)
			}
		})
	}
}

func TestPushedRequestWithoutDiscovery(t *testing.T) {
	p := newProvider(t)
	cfg := p.pushing()
	cfg.OIDC.Endpoints = config.Endpoints{Authorization: p.url + "/authorize", Token: p.url + "/token", JWKS: p.url + "/keys", PAR: p.url + "/par"}
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	if p.called("/.well-known/openid-configuration") > 0 {
		t.Error("discovery was done")
	}
}

func TestPushedRequestRefused(t *testing.T) {
	answer := func(status int, body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			writeJSON(w, body)
		}
	}
	said := func(code string) claims { return claims{"error": code, "error_description": "resident@example.com"} }
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  connectors.Outcome
	}{
		"unknown client":      {answer(http.StatusUnauthorized, said("invalid_client")), connectors.Misconfigured},
		"unknown scope":       {answer(http.StatusBadRequest, said("invalid_scope")), connectors.Misconfigured},
		"unauthorized":        {answer(http.StatusUnauthorized, nil), connectors.Misconfigured},
		"as configured":       {answer(http.StatusBadRequest, said("too_early")), connectors.TryLater},
		"too many":            {answer(http.StatusTooManyRequests, nil), connectors.TryLater},
		"down":                {answer(http.StatusBadGateway, nil), connectors.Unavailable},
		"nonsense":            {answer(http.StatusBadRequest, "nonsense"), connectors.Unavailable},
		"nonsense, cheerful":  {answer(http.StatusCreated, "nonsense"), connectors.Unavailable},
		"without request_uri": {answer(http.StatusCreated, claims{"expires_in": 60}), connectors.Unavailable},
		"gone":                {http.NotFound, connectors.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.pushing()
			cfg.Errors = map[string]string{"too_early": "try_later"}
			p.on("/par", test.serve)
			got, err := p.signIn(p.open(cfg), newAttempt())
			wantOutcome(t, got, err, test.want)
		})
	}
	t.Run("nowhere", func(t *testing.T) {
		p := newProvider(t)
		cfg := p.pushing()
		p.discovery = nil
		got, err := p.signIn(p.open(cfg), newAttempt())
		wantOutcome(t, got, err, connectors.Misconfigured)
	})
}
