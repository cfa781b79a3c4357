package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

func TestLoginGovRequests(t *testing.T) {
	s := play(t, preset(t, "login-gov"), simulator.Options{})
	s.refused(t, "prove", map[string]url.Values{
		"a short state":              {"state": {"twenty-one-characters"}},
		"a short nonce":              {"nonce": {"twenty-one-characters"}},
		"no acr_values":              {"acr_values": nil},
		"a level that there is not":  {"acr_values": {"urn:acr.login.gov:trusted http://idmanagement.gov/ns/assurance/aal/2"}},
		"no level of authentication": {"acr_values": {"urn:acr.login.gov:verified"}},
	}, "invalid_request")
}

// Who cannot be proved at Login.gov is not sent back to the callback.
func TestStranded(t *testing.T) {
	s := play(t, preset(t, "login-gov"), simulator.Options{})
	if page := s.page(t, s.asked(t, "prove", url.Values{"persona": {"fails-proofing"}})); !strings.Contains(page, "could not be verified") {
		t.Errorf("the page says\n%s", page)
	}
}

func TestFranceConnect(t *testing.T) {
	s := play(t, preset(t, "franceconnect"), simulator.Options{})
	s.refused(t, "low", map[string]url.Values{"a level of the other service": {"acr_values": {"eidas2"}}}, "invalid_request")
	if got := s.answer(t, s.asked(t, "low", url.Values{"persona": {"full-record"}})).Get("iss"); got != s.cfg.OIDC.Issuer {
		t.Errorf("iss is %q, want %s", got, s.cfg.OIDC.Issuer)
	}
	for persona, claims := range map[string]mapping.Claims{
		"changed-name":       {"name": "Alice Clarke", "family_name": "Morgan"},
		"presumed-birthdate": {"name": "Amadou Ba", "birthdate": "1964"},
		"single-name":        {"name": "Suharti", "family_name": nil},
		"full-record":        {"email_verified": false},
	} {
		said := s.told(t, persona, "low").Claims
		for name, want := range claims {
			if said[name] != want {
				t.Errorf("%s: %s is %v, want %v", persona, name, said[name], want)
			}
		}
	}
}

func TestSingpassRequests(t *testing.T) {
	s := play(t, preset(t, "singpass"), simulator.Options{})
	u, err := url.Parse(s.asked(t, "prove", nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query(); len(got) != 2 || got.Get("client_id") != clientID || !got.Has("request_uri") {
		t.Errorf("the browser carries %v", got)
	}
	for name, change := range map[string]url.Values{
		"a request that was not pushed": {"request_uri": nil, "state": {state}, "nonce": {nonce}, "response_type": {"code"}, "redirect_uri": {callback}},
		"another request_uri":           {"request_uri": {"urn:ietf:params:oauth:request_uri:ANOTHER"}},
	} {
		resp, err := s.browser.Get(s.asked(t, "prove", change))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}

// The tax number is the person, however it is written.
func TestGovBr(t *testing.T) {
	s := play(t, preset(t, "gov-br"), simulator.Options{})
	formatted, err := s.signInAt(t, simulator.Persona{ID: "full-record"}, "sign_in")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := s.signInAt(t, simulator.Persona{ID: "bare-subject"}, "sign_in")
	if err != nil {
		t.Fatal(err)
	}
	if formatted.Subject != bare.Subject || len(bare.Subject) != 11 || formatted.Claims["sub"] == bare.Claims["sub"] {
		t.Errorf("subjects %q and %q of %v and %v", formatted.Subject, bare.Subject, formatted.Claims["sub"], bare.Claims["sub"])
	}
	if got := formatted.Claims["email_verified"]; got != "true" {
		t.Errorf("email_verified is %v, want text", got)
	}
	if got := s.rules(t).Apply(formatted.Claims).Claims["email_verified"]; got != true {
		t.Errorf("email_verified became %v", got)
	}
	if got := s.told(t, "unverified-email", "sign_in").Claims["email"]; got != nil {
		t.Errorf("an address that is not verified is there: %v", got)
	}
}
