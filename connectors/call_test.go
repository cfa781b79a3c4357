package connectors_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// A fresh assertion goes to the address it is for: ScotAccount.
func TestCallWithAssertion(t *testing.T) {
	p, key, seen := newProvider(t), newKey(t), map[string]bool{}
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey = "private_key_jwt", config.NewSecret(pemOf(t, key))
	cfg.OIDC.Calls = map[string]config.Call{"attributes": {URL: p.url + "/attributes/values", Assertion: "DIS-Client-Assertion"}}
	p.client = func(*http.Request) bool { return true }
	p.on("/attributes/values", bearer(func(w http.ResponseWriter, r *http.Request) {
		jws, err := jose.ParseSignedCompact(r.Header.Get("DIS-Client-Assertion"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Error(err)
			return
		}
		payload, err := jws.Verify(key.Public())
		var got struct{ Iss, Sub, Aud, JTI string }
		if err != nil || json.Unmarshal(payload, &got) != nil || got.Iss != clientID || got.Sub != clientID ||
			got.Aud != p.url+"/attributes/values" || seen[got.JTI] {
			t.Errorf("the assertion says %s, %v", payload, err)
		}
		seen[got.JTI] = true
		writeJSON(w, claims{"claimsToken": "x"})
	}))
	c := p.open(cfg)
	for range 2 {
		if _, err := p.signIn(c, newAttempt()); err != nil {
			t.Error(err)
		}
	}

	cfg.OIDC.ClientAuth = "none"
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Misconfigured)
}

func TestCalls(t *testing.T) {
	for name, test := range map[string]struct {
		call  config.Call
		serve http.HandlerFunc
		want  any // the claim
		fails connectors.Outcome
	}{
		"plain":         {config.Call{}, bearer(okay(claims{"is": "there"})), map[string]any{"is": "there"}, ""},
		"a list":        {config.Call{}, bearer(okay([]string{"there"})), []any{"there"}, ""},
		"wrapped":       {config.Call{Unwrap: "data"}, bearer(okay(claims{"data": "there"})), "there", ""},
		"not wrapped":   {config.Call{Unwrap: "data"}, bearer(okay(claims{"is": "there"})), nil, connectors.Unavailable},
		"absent":        {config.Call{Absent: true}, http.NotFound, nil, ""},
		"missing":       {config.Call{}, http.NotFound, nil, connectors.Unavailable},
		"down":          {config.Call{Absent: true}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, nil, connectors.Unavailable},
		"our token":     {config.Call{Audience: "aud"}, bearer(okay(claims{"aud": clientID})), map[string]any{"aud": clientID}, ""},
		"another's":     {config.Call{Audience: "aud"}, bearer(okay(claims{"aud": "another"})), nil, connectors.Refused},
		"nobody's":      {config.Call{Audience: "aud"}, bearer(okay(claims{})), nil, connectors.Refused},
		"not an object": {config.Call{Audience: "aud"}, bearer(okay([]string{clientID})), nil, connectors.Refused},
		"another's, wrapped": {
			config.Call{Audience: "aud", Unwrap: "data"},
			bearer(okay(claims{"aud": "another", "data": claims{"aud": clientID}})), nil, connectors.Refused,
		},
		"token in the query": {config.Call{Query: "access_token"}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("access_token") != accessToken || r.Header.Get("Authorization") != "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			writeJSON(w, "there")
		}, "there", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, protocol := range []string{"oidc", "oauth2"} {
				p := newProvider(t)
				cfg := p.connector()
				if protocol == "oauth2" {
					cfg = p.profileConnector()
				}
				test.call.URL = p.url + "/api"
				p.on("/api", test.serve)
				calls := map[string]config.Call{"told": test.call}
				if cfg.OIDC != nil {
					cfg.OIDC.Calls = calls
				} else {
					cfg.OAuth2.Calls = calls
				}
				got, err := p.signIn(p.open(cfg), newAttempt())
				if test.fails != "" {
					wantOutcome(t, got, err, test.fails)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				told, ok := got.Claims["told"]
				if string(marshal(t, told)) != string(marshal(t, test.want)) || ok != (test.want != nil) {
					t.Errorf("%s: the claim is %v, want %v", protocol, told, test.want)
				}
			}
		})
	}
}

// A token that is sent in the query stays out of errors, and so of the log.
func TestCallTokenIsNotLogged(t *testing.T) {
	p := newProvider(t)
	cfg := p.profileConnector()
	cfg.OAuth2.Profile = config.Call{URL: p.url + "/me", Query: "access_token"}
	p.on("/me", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := p.signIn(p.open(cfg), newAttempt())
	if err == nil || strings.Contains(err.Error(), "access_token") {
		t.Errorf("error is %v", err)
	}
}

// What an API does not tell, nothing else tells in its name.
func TestAbsentCallIsNotReplaced(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	p.userinfo = claims{"sub": "24400320", "attributes": claims{"verified": true}}
	cfg.OIDC.Calls = map[string]config.Call{"attributes": {URL: p.url + "/attributes", Absent: true}}
	got, err := p.signIn(p.open(cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims["attributes"] != nil {
		t.Errorf("attributes are %v", got.Claims["attributes"])
	}
}
