package simulator_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/simulator"
)

func TestSignIn(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	who, err := p.signIn(t, "full-record")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := who.userinfo["email"], "alice.morgan@example.org"; got != want {
		t.Errorf("email is %v, want %s", got, want)
	}
	if _, ok := who.idToken["email"]; ok {
		t.Error("without a preset claims belong in userinfo, and the ID token has one")
	}
	if got, want := p.stage.provider.Calls("token"), 1; got != want {
		t.Errorf("the token endpoint was called %d times, want %d", got, want)
	}
}

func TestEveryPersonaSignsIn(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	subjects := map[any]string{}
	for _, persona := range p.stage.provider.Personas() {
		if persona.Fault != nil {
			continue
		}
		who, err := p.signIn(t, persona.ID)
		if err != nil {
			t.Errorf("%s: %v", persona.ID, err)
			continue
		}
		if got, want := who.idToken["sub"], persona.Person["sub"]; got != want {
			t.Errorf("%s: sub is %v, want %v", persona.ID, got, want)
		}
		if got, want := who.userinfo["name"], persona.Person["name"]; got != want {
			t.Errorf("%s: name is %v, want %v", persona.ID, got, want)
		}
		if other, taken := subjects[who.idToken["sub"]]; taken && persona.ID != "changed-name" {
			t.Errorf("%s and %s have one subject", persona.ID, other)
		}
		subjects[who.idToken["sub"]] = persona.ID
	}
}

// The subject is what links are kept under: it must not depend on the port or
// the day.
func TestSubjectsStayTheSame(t *testing.T) {
	first := play(t, plain, simulator.Options{}).provider.Personas()
	second := play(t, plain, simulator.Options{}).provider.Personas()
	for i, persona := range first {
		if got, want := second[i].Person["sub"], persona.Person["sub"]; got != want {
			t.Errorf("%s: %v, then %v", persona.ID, want, got)
		}
	}
	if first[0].Person["sub"] != first[1].Person["sub"] {
		t.Error("a person who changes their name keeps their account")
	}
}

func TestPersonasAreWhoTheySeem(t *testing.T) {
	now := time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC)
	provider := play(t, plain, simulator.Options{Now: func() time.Time { return now }}).provider
	ids := map[string]simulator.Persona{}
	for _, persona := range provider.Personas() {
		if _, twice := ids[persona.ID]; twice {
			t.Errorf("two personas are called %s", persona.ID)
		}
		ids[persona.ID] = persona
	}
	if got, want := ids["young-person"].Person["birthdate"], "2010-05-21"; got != want {
		t.Errorf("the young person was born on %v, want %s", got, want)
	}
	if got := len([]rune(ids["long-name"].Person.Text("name"))); got != 200 {
		t.Errorf("the long name has %d characters", got)
	}
	if ids["shared-email"].Person["email"] != ids["full-record"].Person["email"] {
		t.Error("partners do not share their e-mail")
	}
	if name, ok := ids["null-name"].Person["name"]; !ok || name != nil {
		t.Errorf("the null name is %v", name)
	}
}

func TestCrowd(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	seventh, err := p.signIn(t, "load-7")
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.signIn(t, "load-7")
	if err != nil {
		t.Fatal(err)
	}
	eighth, err := p.signIn(t, "load-8")
	if err != nil {
		t.Fatal(err)
	}
	if seventh.idToken["sub"] != again.idToken["sub"] || seventh.idToken["sub"] == eighth.idToken["sub"] {
		t.Errorf("resident 7 is %v and %v, resident 8 is %v", seventh.idToken["sub"], again.idToken["sub"], eighth.idToken["sub"])
	}
}

func TestScopesDecideClaims(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	p.oauth.Scopes = []string{"openid", "email"}
	who, err := p.signIn(t, "full-record")
	if err != nil {
		t.Fatal(err)
	}
	if who.userinfo["email"] == nil || who.userinfo["name"] != nil || who.userinfo["address"] != nil {
		t.Errorf("scope email tells %v", who.userinfo)
	}
}

func TestSignedInAtTheProvider(t *testing.T) {
	now := time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC)
	s := play(t, plain, simulator.Options{Now: func() time.Time { return now }})
	p := s.party(t)

	if got := p.callback(t, url.Values{"prompt": {"none"}}).Get("error"); got != "login_required" {
		t.Errorf("prompt=none in a new browser gives %q, want login_required", got)
	}
	first := now
	p.callback(t, url.Values{"persona": {"full-record"}})
	now = now.Add(time.Hour)

	tests := []struct {
		ask  url.Values
		want any // auth_time
	}{
		{url.Values{"prompt": {"none"}}, nil},
		{url.Values{"prompt": {"none"}, "max_age": {"7200"}}, first},
		{url.Values{"persona": {"full-record"}, "max_age": {"3600"}}, first},
		{url.Values{"persona": {"full-record"}, "prompt": {"select_account"}, "max_age": {"3600"}}, first},
	}
	for _, test := range tests {
		checkAuthTime(t, p, test.ask, test.want)
	}
	if got := p.callback(t, url.Values{"prompt": {"none"}, "max_age": {"600"}}).Get("error"); got != "login_required" {
		t.Errorf("prompt=none with a session that is too old gives %q, want login_required", got)
	}
	checkAuthTime(t, p, url.Values{"persona": {"full-record"}, "prompt": {"login"}}, now)
	now = now.Add(time.Hour)
	checkAuthTime(t, p, url.Values{"persona": {"full-record"}, "max_age": {"600"}}, now)
	checkAuthTime(t, p, url.Values{"persona": {"no-email"}, "max_age": {"600"}}, now)
}

func TestNobodyIsSignedInByCancelling(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	p.callback(t, url.Values{"persona": {"cancel"}})
	if got := p.callback(t, url.Values{"prompt": {"none"}}).Get("error"); got != "login_required" {
		t.Errorf("after cancelling prompt=none gives %q, want login_required", got)
	}
}

func TestMistakesInTheDescription(t *testing.T) {
	for name, change := range map[string]func(*config.Connector){
		"no protocol":          func(c *config.Connector) { c.OIDC = nil },
		"an unknown algorithm": func(c *config.Connector) { c.Simulator.Algorithm = "EdDSA" },
		"a bad expression":     func(c *config.Connector) { c.Simulator.Claims = map[string]string{"sub": "person."} },
		"one path twice":       func(c *config.Connector) { c.OIDC.Endpoints.Token = c.OIDC.Issuer + "/authorize" },
		"no path":              func(c *config.Connector) { c.OIDC.Endpoints.JWKS = "http://127.0.0.1" },
		"a bad cancel":         func(c *config.Connector) { c.Simulator.Cancel = "error=%" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := plain("http://127.0.0.1:1")
			change(&cfg)
			if _, err := simulator.New(cfg, simulator.Options{Redirect: []string{callback}, Secret: secret}); err == nil {
				t.Error("it can be played")
			}
		})
	}
	for name, o := range map[string]simulator.Options{
		"no redirect URI": {Secret: secret},
		"no secret":       {Redirect: []string{callback}},
	} {
		if _, err := simulator.New(plain("http://127.0.0.1:1"), o); err == nil {
			t.Errorf("%s: it can be played", name)
		}
	}
}

func checkAuthTime(t *testing.T, p *party, ask url.Values, want any) {
	t.Helper()
	query := p.callback(t, ask)
	token, err := p.oauth.Exchange(t.Context(), query.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%v: %v", ask, err)
	}
	claims := payload(t, token)
	if at, ok := want.(time.Time); ok {
		want = float64(at.Unix())
	}
	if got := claims["auth_time"]; got != want {
		t.Errorf("%v: auth_time is %v, want %v", ask, got, want)
	}
}

func TestAuthorizationRequestsRefused(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	tests := []struct {
		name   string
		change func(url.Values)
		want   string
	}{
		{"another response type", set("response_type", "token"), "unsupported_response_type"},
		{"another response mode", set("response_mode", "fragment"), "invalid_request"},
		{"no openid", set("scope", "profile"), "invalid_scope"},
		{"no state", del("state"), "invalid_request"},
		{"no nonce", del("nonce"), "invalid_request"},
		{"no code challenge", del("code_challenge"), "invalid_request"},
		{"plain PKCE", set("code_challenge_method", "plain"), "invalid_request"},
		{"no code challenge method", del("code_challenge_method"), "invalid_request"},
		{"prompt none and login", set("prompt", "none login"), "invalid_request"},
		{"unknown prompt", set("prompt", "dance"), "invalid_request"},
		{"max_age in words", set("max_age", "an hour"), "invalid_request"},
		{"a parameter twice", func(q url.Values) { q.Add("scope", "openid") }, "invalid_request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := p.stage.answer(t, changed(t, p.address(nil), test.change))
			if got := answer.Get("error"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if answer.Has("code") {
				t.Error("an error with a code")
			}
		})
	}
}

// RFC 6749 §4.1.2.1: nobody is redirected to an address that is not
// registered.
func TestUnknownClientsSeeAPage(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	for name, change := range map[string]func(url.Values){
		"another client":         set("client_id", "another"),
		"another address":        set("redirect_uri", "https://evil.example/"),
		"a longer address":       set("redirect_uri", callback+"/more"),
		"no address":             del("redirect_uri"),
		"two addresses":          func(q url.Values) { q.Add("redirect_uri", callback) },
		"a persona nobody knows": set("persona", "nobody"),
		"a fault nobody knows":   set("fault", "nothing"),
		"a fault too late":       set("fault", "down"),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := p.stage.browser.Get(changed(t, p.address(nil), change))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
				t.Errorf("got %s to %q, want a page with status 400", resp.Status, resp.Header.Get("Location"))
			}
		})
	}
}

func set(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
func del(name string) func(url.Values)        { return func(q url.Values) { q.Del(name) } }

func changed(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	change(query)
	u.RawQuery = query.Encode()
	return u.String()
}

func TestChoiceByHeader(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Simulator-Persona", "no-email")
	r.Header.Set("Simulator-Fault", "state-lost")
	resp, err := p.stage.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	if query := to.Query(); !query.Has("code") || query.Has("state") {
		t.Errorf("got %v, want a code without state", query)
	}
}

func TestIssParameterIsAnnounced(t *testing.T) {
	s := play(t, func(base string) config.Connector {
		cfg := plain(base)
		cfg.OIDC.IssParameter = base
		return cfg
	}, simulator.Options{})
	p := s.party(t)
	if got := p.callback(t, url.Values{"persona": {"full-record"}}).Get("iss"); got != s.base {
		t.Errorf("iss is %q, want %q", got, s.base)
	}
	var document struct {
		Announced bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := p.provider.Claims(&document); err != nil || !document.Announced {
		t.Errorf("RFC 9207 is not announced (%v)", err)
	}
}
