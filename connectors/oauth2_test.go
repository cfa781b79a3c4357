package connectors_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// profileConnector is the configuration of p as an OAuth 2.0 provider in the
// manner of GitHub.
func (p *provider) profileConnector() config.Connector {
	cfg := p.connector()
	cfg.OIDC = nil
	cfg.Subject = "claims.id"
	cfg.OAuth2 = &config.OAuth2{
		Issuer:     "https://provider.example",
		Endpoints:  config.Endpoints{Authorization: p.url + "/authorize", Token: p.url + "/token"},
		ClientAuth: "client_secret_basic",
		Scopes:     []string{"user:email"},
		PKCE:       "required",
		Profile:    config.Call{URL: p.url + "/user"},
		Calls:      map[string]config.Call{"emails": {URL: p.url + "/user/emails"}},
	}
	p.answer = claims{"id_token": nil, "scope": "user:email"}
	p.on("/user", bearer(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, claims{"id": 583231, "login": "morag"}) }))
	p.on("/user/emails", bearer(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, []claims{{"email": "resident@example.com", "primary": true, "verified": true}})
	}))
	return cfg
}

func bearer(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken || r.Header.Get("Accept") != "application/json" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve(w, r)
	}
}

func TestProfileSignIn(t *testing.T) {
	p := newProvider(t)
	got, err := p.signIn(p.open(p.profileConnector()), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	want := &connectors.Assertion{
		Issuer:  "https://provider.example",
		Subject: "583231",
		Claims: mapping.Claims{
			"id": 583231.0, "login": "morag",
			"emails": []any{claims{"email": "resident@example.com", "primary": true, "verified": true}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProfileRequest(t *testing.T) {
	p := newProvider(t)
	cfg := p.profileConnector()
	cfg.OAuth2.Params = map[string]string{"display": "page"}
	a := newAttempt()
	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	got := u.Query()
	for name, want := range map[string]string{
		"state": a.State, "scope": "user:email", "redirect_uri": callbackURL, "display": "page",
		"prompt": "", "nonce": "", "code_challenge_method": "S256",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestProfileRefused(t *testing.T) {
	for name, test := range map[string]struct {
		bend   func(p *provider, cfg *config.Connector)
		answer func(url.Values)
		want   connectors.Outcome
	}{
		"error with status 200": {
			func(p *provider, _ *config.Connector) { p.on("/token", okay(claims{"error": "bad_verification_code"})) },
			nil, connectors.TryLater,
		},
		"error with status 200 as a form": {
			func(p *provider, _ *config.Connector) {
				p.on("/token", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
					fmt.Fprint(w, "error=incorrect_client_credentials&error_description=resident@example.com")
				})
			},
			nil, connectors.Misconfigured,
		},
		"error as an object": {
			func(p *provider, _ *config.Connector) {
				p.on("/token", func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusBadRequest)
					writeJSON(w, claims{"error": claims{"message": "resident@example.com", "type": "OAuthException", "code": 1}})
				})
			},
			nil, connectors.Misconfigured,
		},
		"error as an object, by a word of its message": {
			func(p *provider, _ *config.Connector) {
				p.on("/token", func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusBadRequest)
					writeJSON(w, claims{"error": claims{"message": "This authorization code has been used.", "type": "OAuthException", "code": 100}})
				})
			},
			nil, connectors.TryLater,
		},
		"no access token": {
			func(p *provider, _ *config.Connector) { p.on("/token", okay(claims{"token_type": "bearer"})) },
			nil, connectors.Unavailable,
		},
		"fewer scopes": {
			func(p *provider, _ *config.Connector) { p.answer = claims{"scope": "public_repo,gist"} },
			nil, connectors.Declined,
		},
		"profile not an object": {
			func(p *provider, _ *config.Connector) { p.on("/user", okay([]int{1})) },
			nil, connectors.Unavailable,
		},
		"profile null": {
			func(p *provider, _ *config.Connector) { p.on("/user", okay(nil)) },
			nil, connectors.Unavailable,
		},
		"profile forbidden": {
			func(p *provider, _ *config.Connector) { p.on("/user", status(403)) },
			nil, connectors.Unavailable,
		},
		"profile without the subject": {
			func(p *provider, _ *config.Connector) { p.on("/user", okay(claims{"login": "morag"})) },
			nil, connectors.Refused,
		},
		"subject null": {
			func(p *provider, _ *config.Connector) { p.on("/user", okay(claims{"id": nil})) },
			nil, connectors.Refused,
		},
		"subject not exact": {
			func(p *provider, _ *config.Connector) { p.on("/user", okay(claims{"id": uint64(9007199254740993)})) },
			nil, connectors.Refused,
		},
		"further call fails": {
			func(p *provider, _ *config.Connector) { p.on("/user/emails", status(500)) },
			nil, connectors.Unavailable,
		},
		"not wrapped": {
			func(_ *provider, cfg *config.Connector) { cfg.OAuth2.Profile.Unwrap = "data" },
			nil, connectors.Unavailable,
		},
		"iss of another": {
			func(*provider, *config.Connector) {}, set("iss", "https://evil.example"), connectors.Refused,
		},
		"iss that is the issuer but not as configured": {
			func(_ *provider, cfg *config.Connector) {
				cfg.OAuth2.IssParameter = "https://provider.example/login/oauth"
			},
			set("iss", "https://provider.example"), connectors.Refused,
		},
		"cancelled": {
			func(*provider, *config.Connector) {}, set("error", "access_denied"), connectors.Cancelled,
		},
		"code of another attempt": {
			func(*provider, *config.Connector) {}, set("code", "made up"), connectors.Refused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.profileConnector()
			cfg.Errors = map[string]string{
				"bad_verification_code":        "try_later",
				"incorrect_client_credentials": "misconfigured",
				"OAuthException/1":             "misconfigured",
				"OAuthException~authorization": "try_later",
			}
			test.bend(p, &cfg)
			bends := []func(url.Values){}
			if test.answer != nil {
				bends = append(bends, test.answer)
			}
			got, err := p.signIn(p.open(cfg), newAttempt(), bends...)
			wantOutcome(t, got, err, test.want)
		})
	}
}

func okay(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, v) }
}

func TestProfileAccepted(t *testing.T) {
	for name, test := range map[string]struct {
		bend   func(p *provider, cfg *config.Connector)
		answer func(url.Values)
	}{
		"token as a form": {func(p *provider, _ *config.Connector) {
			p.on("/token", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
				fmt.Fprint(w, url.Values{"access_token": {accessToken}, "token_type": {"bearer"}, "scope": {"user:email"}}.Encode())
			})
		}, nil},
		"more scopes":            {func(p *provider, _ *config.Connector) { p.answer["scope"] = "gist,user:email" }, nil},
		"a scope that covers it": {func(p *provider, _ *config.Connector) { p.answer["scope"] = "user" }, nil},
		"scopes not told":        {func(p *provider, _ *config.Connector) { p.answer["scope"] = nil }, nil},
		"iss as configured": {func(_ *provider, cfg *config.Connector) {
			cfg.OAuth2.IssParameter = "https://provider.example/login/oauth"
		}, set("iss", "https://provider.example/login/oauth")},
		"wrapped": {func(p *provider, cfg *config.Connector) {
			cfg.OAuth2.Profile.Unwrap = "data"
			p.on("/user", okay(claims{"data": claims{"id": "24400320"}}))
		}, nil},
		"proof": {func(p *provider, cfg *config.Connector) {
			mac := hmac.New(sha256.New, []byte(clientSecret))
			mac.Write([]byte(accessToken))
			want := hex.EncodeToString(mac.Sum(nil))
			cfg.OAuth2.Profile = config.Call{URL: p.url + "/me?fields=id,name", Proof: "appsecret_proof"}
			p.on("/me", func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("fields") != "id,name" || r.FormValue("appsecret_proof") != want {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				writeJSON(w, claims{"id": "24400320"})
			})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.profileConnector()
			test.bend(p, &cfg)
			bends := []func(url.Values){}
			if test.answer != nil {
				bends = append(bends, test.answer)
			}
			if _, err := p.signIn(p.open(cfg), newAttempt(), bends...); err != nil {
				t.Error(err)
			}
		})
	}
}

// The proof of the app secret stays out of errors, and so of the log.
func TestProofIsNotLogged(t *testing.T) {
	p := newProvider(t)
	cfg := p.profileConnector()
	cfg.OAuth2.Profile = config.Call{URL: p.url + "/me", Proof: "appsecret_proof"}
	p.on("/me", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := p.signIn(p.open(cfg), newAttempt())
	if err == nil || strings.Contains(err.Error(), "proof") {
		t.Errorf("error is %v", err)
	}
}
