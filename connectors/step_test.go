package connectors_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
)

// askedFor is what a step asks the provider for.
func askedFor(t *testing.T, p *provider, cfg config.Connector, step string) url.Values {
	t.Helper()
	a := newAttempt()
	a.Step = step
	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestSteps(t *testing.T) {
	const vtr, wanted = `["Cl.Cm.P2"]`, `{"userinfo":{"https://vocab.account.gov.uk/v1/coreIdentityJWT":null}}`
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Params = map[string]string{"vtr": `["Cl.Cm"]`, "channel": "web"}
	cfg.Ask = []config.Ask{
		{Step: "sign_in"},
		{Step: "prove", After: "sign_in", Scopes: []string{"phone"}, Params: map[string]string{"vtr": vtr, "claims": wanted}},
	}
	signIn := url.Values{"scope": {"openid email"}, "vtr": {`["Cl.Cm"]`}, "channel": {"web"}, "claims": {""}}
	for step, want := range map[string]url.Values{
		"sign_in": signIn,
		"":        signIn,
		"forget":  signIn,
		"prove":   {"scope": {"openid phone"}, "vtr": {vtr}, "channel": {"web"}, "claims": {wanted}},
	} {
		asked, got := askedFor(t, p, cfg, step), url.Values{}
		for name := range want {
			got.Set(name, asked.Get(name))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("step %q: %s", step, diff)
		}
	}
}

// A call that some step lists is made in those that list it, every other one
// always.
func TestStepsCall(t *testing.T) {
	for step, want := range map[string]map[string]int{
		"sign_in": {"/always": 1, "/attributes": 0},
		"prove":   {"/always": 1, "/attributes": 1},
	} {
		p := newProvider(t)
		cfg := p.connector()
		cfg.OIDC.Calls = map[string]config.Call{"always": {URL: p.url + "/always"}, "attributes": {URL: p.url + "/attributes"}}
		cfg.Ask = []config.Ask{{Step: "sign_in"}, {Step: "prove", Calls: []string{"attributes"}}}
		p.on("/always", bearer(okay(claims{"is": "there"})))
		p.on("/attributes", bearer(okay(claims{"is": "there"})))
		a := newAttempt()
		a.Step = step
		said, err := p.signIn(p.open(cfg), a)
		if err != nil {
			t.Fatal(err)
		}
		for path, calls := range want {
			_, told := said.Claims[path[1:]]
			if p.called(path) != calls || told != (calls > 0) {
				t.Errorf("step %s called %s %d times, want %d; its claim is there: %v", step, path, p.called(path), calls, told)
			}
		}
	}
}

// Apple does not take a plus for a space.
func TestSpacesAreEncoded(t *testing.T) {
	p := newProvider(t)
	redirect, err := p.open(p.connector()).Start(t.Context(), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("scope"); got != "openid email" {
		t.Errorf("scope is %q", got)
	}
	for _, c := range u.RawQuery {
		if c == '+' {
			t.Errorf("there is a plus in %s", u.RawQuery)
			break
		}
	}
}
