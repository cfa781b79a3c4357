package op_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/mapping"
)

var (
	low    = mapping.Assurance{Authenticator: mapping.Cl}
	proved = mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}
)

// What an app is told of how sure the broker is: by name and by vector, never
// more than was proved, and of the person only when it asks.
func TestAssuranceInIDToken(t *testing.T) {
	for name, test := range map[string]struct {
		proves mapping.Assurance
		ask    []string
		want   map[string]any // acr, amr, vot
	}{
		"nothing asked":      {proved, nil, map[string]any{"acr": "urn:x-council:acr:cm", "amr": []any{"mfa"}}},
		"acr_values":         {proved, []string{"acr_values", "urn:x-council:acr:p2.cm"}, map[string]any{"acr": "urn:x-council:acr:p2.cm", "amr": []any{"mfa"}}},
		"not reached":        {low, []string{"acr_values", "urn:x-council:acr:p2.cm"}, map[string]any{"acr": "urn:x-council:acr:cl"}},
		"vtr":                {proved, []string{"vtr", `["P2.Cl.Cm"]`}, map[string]any{"acr": "urn:x-council:acr:cm", "amr": []any{"mfa"}, "vot": "P2.Cm"}},
		"our own trustmark":  {proved, []string{"vtr", `["P2.Cm.F0"]`}, map[string]any{"acr": "urn:x-council:acr:cm", "amr": []any{"mfa"}, "vot": "P2.Cm.F0.R0"}},
		"vtr of the sign-in": {proved, []string{"vtr", `["Cl"]`}, map[string]any{"acr": "urn:x-council:acr:cm", "amr": []any{"mfa"}, "vot": "P0.Cm"}},
		"vtr of less":        {proved, []string{"vtr", `["Cm.P1","Cl"]`}, map[string]any{"acr": "urn:x-council:acr:cm", "amr": []any{"mfa"}, "vot": "P1.Cm"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.provider.prove(test.proves)
			token := b.idToken("tax", b.signedIn(newBrowser(t), test.ask...).IDToken)
			got := map[string]any{}
			for _, claim := range []string{"acr", "amr", "vot"} {
				if value, ok := token[claim]; ok {
					got[claim] = value
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if vtm, ok := token["vtm"]; ok != (test.want["vot"] != nil) || ok && vtm != b.URL+"/trustmark" {
				t.Errorf("vtm is %v", vtm)
			}
		})
	}
}

// Claims that are asked for by name are told in the place that was named, and
// only those that the app is registered for.
func TestClaimsParameter(t *testing.T) {
	b := newBed(t)
	ask := `{"id_token":{"email":null,"phone_number":{"essential":true}},"userinfo":{"name":null,"groups":null}}`
	answer := b.signedIn(newBrowser(t), "scope", "openid", "claims", ask)
	token := b.idToken("tax", answer.IDToken)
	if token["email"] != "alice@example.test" || token["name"] != nil {
		t.Errorf("ID token has %v", token)
	}
	if _, told := token["phone_number"]; told {
		t.Error("the app is told a claim that it is not registered for")
	}
	info := decode[map[string]any](t, b.userinfo(answer.AccessToken).body)
	if info["name"] != "alice Example" || info["groups"] != nil {
		t.Errorf("userinfo is %v", info)
	}
}

// The sub of the claims parameter is who must sign in (OpenID Connect Core
// §5.5.1).
func TestClaimsParameterOfAnother(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	b.signedIn(browser)
	ask := taxRequest("prompt", "none", "claims", `{"id_token":{"sub":{"value":"somebody-else"}}}`)
	to := b.get(browser, "/authorize", ask).location(t)
	if got := to.Query().Get("error"); got != "login_required" {
		t.Errorf("error %q", got)
	}
}

func TestTrustmark(t *testing.T) {
	b := newBed(t)
	mark := decode[struct {
		Iss        string
		Components map[string]map[string]string
	}](t, b.get(newBrowser(t), "/trustmark", url.Values{}).body)
	if mark.Iss != b.URL || mark.Components["P"]["P2"] == "" || mark.Components["R"]["R3"] == "" {
		t.Errorf("%+v", mark)
	}
}
