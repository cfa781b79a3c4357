package connectors_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// Levels are read from Signed: nothing that nobody signed may get there,
// whatever it is called.
func TestUnsignedIsApart(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"email": "resident@example.com"}
	p.userinfo = claims{"sub": "24400320", "vot": "P2.Cm", "email": "unsigned@example.com", "id_token": claims{"vot": "P2.Cm"}}
	cfg := p.connector()
	cfg.OIDC.Calls = map[string]config.Call{"userinfo": {URL: p.url + "/api"}}
	p.on("/api", okay(claims{"vot": "P2.Cm"}))

	got, err := p.signIn(p.open(cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Signed) != 1 || got.Signed["id_token"].Text("sub") != "24400320" || got.Signed["id_token"]["vot"] != nil {
		t.Errorf("signed is %v", got.Signed)
	}
	if said, _ := got.Claims["id_token"].(map[string]any); said["sub"] != "24400320" || said["vot"] != nil {
		t.Errorf("the ID token says %v", said)
	}
	if got.Claims.Text("vot") != "P2.Cm" || got.Claims.Text("email") != "resident@example.com" {
		t.Errorf("claims are %v", got.Claims)
	}
}

// signedUserinfo is p with userinfo that is a token, with these claims besides
// the honest ones.
func (p *provider) signedUserinfo(bend claims) config.Connector {
	cfg := p.connector()
	cfg.OIDC.Userinfo = "signed"
	p.userinfo = claims{}
	p.on("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
		_, _ = w.Write([]byte(sign(p.t, jose.ES256, p.key, p.keyID, with(claims{
			"iss": p.url, "aud": clientID, "sub": "24400320", "given_name": "Morag", "vot": "P2",
		}, bend))))
	})
	return cfg
}

func TestSignedUserinfo(t *testing.T) {
	p := newProvider(t)
	got, err := p.signIn(p.open(p.signedUserinfo(nil)), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims.Text("given_name") != "Morag" || got.Signed["userinfo"].Text("vot") != "P2" || got.Signed["id_token"]["vot"] != nil {
		t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
	}
}

func TestSignedUserinfoRefused(t *testing.T) {
	for name, bend := range map[string]func(p *provider, cfg *config.Connector){
		"of another person": func(p *provider, _ *config.Connector) { p.signedUserinfo(claims{"sub": "somebody else"}) },
		"without sub":       func(p *provider, _ *config.Connector) { p.signedUserinfo(claims{"sub": nil}) },
		"for another": func(p *provider, _ *config.Connector) {
			p.signedUserinfo(claims{"aud": []string{"another"}})
		},
		"for nobody":        func(p *provider, _ *config.Connector) { p.signedUserinfo(claims{"aud": nil}) },
		"of another issuer": func(p *provider, _ *config.Connector) { p.signedUserinfo(claims{"iss": "https://evil.example"}) },
		"of no issuer":      func(p *provider, _ *config.Connector) { p.signedUserinfo(claims{"iss": nil}) },
		"of yesterday": func(p *provider, _ *config.Connector) {
			p.signedUserinfo(claims{"exp": p.clock.Now().Add(-time.Hour).Unix()})
		},
		"by another key": func(p *provider, _ *config.Connector) {
			stranger := newKey(p.t)
			p.on("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwt")
				_, _ = w.Write([]byte(sign(p.t, jose.ES256, stranger, p.keyID, claims{"iss": p.url, "aud": clientID, "sub": "24400320"})))
			})
		},
		"not signed": func(p *provider, _ *config.Connector) {
			p.on("/userinfo", okay(claims{"iss": p.url, "aud": clientID, "sub": "24400320"}))
		},
		"not called a token": func(p *provider, _ *config.Connector) {
			serve := p.paths["/userinfo"]
			p.on("/userinfo", func(w http.ResponseWriter, r *http.Request) {
				recorded := httptest.NewRecorder()
				serve(recorded, r)
				w.Header().Set("Content-Type", "text/plain")
				_, _ = w.Write(recorded.Body.Bytes())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.signedUserinfo(nil)
			bend(p, &cfg)
			got, err := p.signIn(p.open(cfg), newAttempt())
			wantOutcome(t, got, err, connectors.Refused)
		})
	}
}

// postedAnswer is what the browser posts to the callback.
func (p *provider) postedAnswer(c connectors.Connector, a connectors.Attempt, bend func(url.Values)) (*connectors.Assertion, error) {
	p.t.Helper()
	redirect, err := c.Start(p.t.Context(), a)
	if err != nil {
		p.t.Fatal(err)
	}
	form := p.authorize(redirect.URL)
	bend(form)
	r := httptest.NewRequest(http.MethodPost, callbackURL, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Finish(p.t.Context(), a, r)
}

func TestFormPost(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.ResponseMode = "form_post"
	if got := askedFor(t, p, cfg, "").Get("response_mode"); got != "form_post" {
		t.Errorf("response_mode is %q", got)
	}
	if got := askedFor(t, p, p.connector(), ""); got.Has("response_mode") {
		t.Error("a response_mode is asked for where none is configured")
	}
	cfg.Errors = map[string]string{"user_cancelled_authorize": "cancelled"}
	got, err := p.postedAnswer(p.open(cfg), newAttempt(), func(form url.Values) {
		form.Del("code")
		form.Set("error", "user_cancelled_authorize")
	})
	wantOutcome(t, got, err, connectors.Cancelled)
}

func TestFormClaims(t *testing.T) {
	const user = `{"name": {"firstName": "Morag"}, "sub": "somebody else"}`
	for name, test := range map[string]struct {
		form string
		want any
	}{
		"an object":   {user, map[string]any{"name": map[string]any{"firstName": "Morag"}, "sub": "somebody else"}},
		"a text":      {`"Morag"`, nil},
		"a truth":     {`true`, nil},
		"nothing":     {``, nil},
		"null":        {`null`, nil},
		"malformed":   {`{"name": `, nil},
		"two objects": {`{} {}`, nil},
		"too much":    {`{"name": "` + strings.Repeat("M", 8<<10) + `"}`, nil},
		"almost so":   {`{"name": "` + strings.Repeat("M", 8<<10-12) + `"}`, map[string]any{"name": strings.Repeat("M", 8<<10-12)}},
		"a list":      {`[{"name": "Morag"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.connector()
			cfg.OIDC.FormClaims = []string{"user"}
			got, err := p.postedAnswer(p.open(cfg), newAttempt(), set("user", test.form, "other", user))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Claims["user"]); diff != "" {
				t.Error(diff)
			}
			if got.Claims["other"] != nil {
				t.Error("a field is a claim that nobody named")
			}
			if len(got.Signed) != 1 || got.Signed["id_token"]["user"] != nil {
				t.Errorf("signed is %v", got.Signed)
			}
		})
	}
}

// The browser has no say in who the person is, nor over what the provider said.
func TestFormClaimsComeLast(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.FormClaims = []string{"user"}
	cfg.Subject = "claims.user.id"
	got, err := p.postedAnswer(p.open(cfg), newAttempt(), set("user", `{"id": "somebody else"}`))
	wantOutcome(t, got, err, connectors.Refused)

	p.said = claims{"user": claims{"id": "24400320"}}
	got, err = p.postedAnswer(p.open(cfg), newAttempt(), set("user", `{"id": "somebody else"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"id": "24400320"}, got.Claims["user"]); diff != "" || got.Subject != "24400320" {
		t.Error(got.Subject, diff)
	}
}

// Of a query, which is easier to make somebody follow than a form to post,
// nothing becomes a claim.
func TestFormClaimsAreNotOfTheQuery(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.FormClaims = []string{"user"}
	got, err := p.signIn(p.open(cfg), newAttempt(), set("user", `{"name": "Morag"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims["user"] != nil {
		t.Error("the query made a claim")
	}
}

func TestGrantedScopes(t *testing.T) {
	for name, test := range map[string]struct {
		granted any
		want    connectors.Outcome
	}{
		"all":                  {"openid email", ""},
		"more":                 {"email openid phone", ""},
		"all but openid":       {"email", ""},
		"not told":             {nil, ""},
		"fewer":                {"openid", connectors.Declined},
		"others":               {"openid emails", connectors.Declined},
		"fewer, as configured": {"openid", connectors.NoConsent},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.answer = claims{"scope": test.granted}
			cfg := p.connector()
			cfg.OIDC.GrantedScopes = "all"
			if test.want == connectors.NoConsent {
				cfg.Errors = map[string]string{"insufficient_scope": "no_consent"}
			}
			got, err := p.signIn(p.open(cfg), newAttempt())
			if test.want != "" {
				wantOutcome(t, got, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
			cfg.OIDC.GrantedScopes = "any"
			if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
				t.Errorf("where any will do: %v", err)
			}
		})
	}
}

// The scopes that count are those of the step.
func TestGrantedScopesOfTheStep(t *testing.T) {
	p := newProvider(t)
	p.answer = claims{"scope": "openid email"}
	cfg := p.connector()
	cfg.OIDC.GrantedScopes = "all"
	cfg.Ask = []config.Ask{{Step: "sign_in"}, {Step: "prove", Scopes: []string{"openid", "profile"}}}
	a := newAttempt()
	a.Step = "prove"
	got, err := p.signIn(p.open(cfg), a)
	wantOutcome(t, got, err, connectors.Declined)
}
