package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

var addressOfAlice = map[string]any{
	"street_address": "12 Rose Street", "locality": "Exampleton", "postal_code": "EX4 3MP", "country": "GB",
}

func TestOneLoginClaims(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	got := s.told(t, "full-record", "prove")
	want := mapping.Statement{
		Claims: mapping.Claims{
			"name": "Alice Jane Morgan", "given_name": "Alice Jane", "family_name": "Morgan", "birthdate": "1984-03-09",
			"address": addressOfAlice, "uprn": "10023456789",
			"email": "alice.morgan@example.org", "email_verified": true, "phone_number": "+447700900123", "phone_number_verified": true,
		},
		Verified: []string{"address", "birthdate", "email", "family_name", "given_name", "name", "phone_number", "uprn"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for persona, claims := range map[string]mapping.Claims{
		"changed-name":     {"name": "Alice Clarke", "family_name": "Clarke"},
		"single-name":      {"name": "Suharti", "given_name": "Suharti", "family_name": nil},
		"accented-name":    {"family_name": "O’Connor-Núñez"},
		"recently-moved":   {"uprn": "10023456007"},
		"overseas-address": {"uprn": nil},
		"care-leaver":      {"uprn": nil},
		"no-email":         {"email": nil},
		"fails-proofing":   {"name": nil, "address": nil, "email": "dai.pritchard@example.org"},
	} {
		said := s.told(t, persona, "prove").Claims
		for name, want := range claims {
			if said[name] != want {
				t.Errorf("%s: %s is %v, want %v", persona, name, said[name], want)
			}
		}
	}
	if got := s.told(t, "full-record", "sign_in").Claims; got["name"] != nil || got["address"] != nil || got["email"] == nil {
		t.Errorf("signed in only, and told %v", got)
	}
}

func TestOneLoginRequests(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	s.refused(t, "prove", map[string]url.Values{
		"identity on a password":            {"vtr": {`["Cl.P2"]`}},
		"vectors with and without identity": {"vtr": {`["Cl.Cm","Cl.Cm.P2"]`}},
		"a second factor alone":             {"vtr": {`["Cm"]`}},
		"no vectors":                        {"vtr": {`[]`}},
		"a vector that is no list":          {"vtr": {"Cl.Cm.P2"}},
		"claims of the ID token":            {"claims": {`{"id_token": {"email": null}}`}},
		"claims that are no JSON":           {"claims": {"coreIdentityJWT"}},
		"no nonce":                          {"nonce": nil},
		"no state":                          {"state": nil},
		"more than the longest request":     {"login_hint": {strings.Repeat("a", 4096)}},
		"a new sign-in, in a plain request": {"prompt": {"login"}},
		"a choice of accounts":              {"prompt": {"select_account"}},
	}, "invalid_request")
	// Whoever does not ask for return codes is told of a failure by an error.
	const claims = `{"userinfo": {"https://vocab.account.gov.uk/v1/coreIdentityJWT": null}}`
	for persona, want := range map[string]string{"fails-proofing": "access_denied", "low-confidence": "access_denied", "full-record": ""} {
		query := s.answer(t, s.asked(t, "prove", url.Values{"claims": {claims}, "persona": {persona}}))
		if got := query.Get("error"); got != want {
			t.Errorf("%s, without return codes: got %q, want %q", persona, got, want)
		}
	}
	if got := s.answer(t, s.asked(t, "prove", url.Values{"vtr": {`["P2.Cm.Cl"]`}, "persona": {"full-record"}})).Get("error"); got != "" {
		t.Errorf("in another order: %q", got)
	}
}

// GOV.UK One Login answers nobody who does not say what they are.
func TestOneLoginWantsUserAgent(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	for _, address := range []string{"/oidc.account.gov.uk/userinfo", "/identity.account.gov.uk/.well-known/did.json"} {
		if status, _ := s.api(t, s.base+address, http.Header{"User-Agent": {""}}); status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", address, status)
		}
	}
}

// A key on a curve is refused, whatever it signs.
func TestOneLoginRefusesCurves(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	s.cfg.OIDC.PrivateKey, s.cfg.OIDC.AssertionAlgorithm = config.NewSecret(curveKey()), "ES256"
	if _, err := s.signInAt(t, simulator.Persona{ID: "full-record"}, ""); outcome(err) != connectors.Misconfigured {
		t.Errorf("got %v, want %s", err, connectors.Misconfigured)
	}
}

func TestLandingJourney(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	if _, err := s.signInAt(t, simulator.Persona{ID: "in-person"}, "sign_in"); err != nil {
		t.Fatal(err)
	}
	prove := s.asked(t, "prove", url.Values{"persona": {"in-person"}})
	if page := s.page(t, prove); !strings.Contains(page, "Post Office") {
		t.Fatalf("the person is not sent anywhere:\n%s", page)
	}
	resp, err := s.browser.PostForm(s.base+"/oidc.account.gov.uk/later", url.Values{"persona": {"in-person"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := resp.Header.Get("Location"), "https://broker.example/landing/test"; got != want {
		t.Errorf("led to %q, want %s", got, want)
	}
	assertion, err := s.signInAt(t, simulator.Persona{ID: "in-person"}, "prove")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.rules(t).Assess(assertion.Signed), vector(t, "P2.Cm"); got != want {
		t.Errorf("worth %s, want %s", got, want)
	}
	resp, err = s.browser.PostForm(s.base+"/oidc.account.gov.uk/later", url.Values{"persona": {"full-record"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("somebody who was never sent away: %s", resp.Status)
	}
}

// Whoever deletes an account and makes another is somebody new.
func TestReturnedWithANewSubject(t *testing.T) {
	s := play(t, preset(t, "govuk-one-login"), simulator.Options{})
	subjects := map[string]string{}
	for _, id := range []string{"full-record", "returned", "changed-name"} {
		assertion, err := s.signInAt(t, simulator.Persona{ID: id}, "sign_in")
		if err != nil {
			t.Fatal(err)
		}
		subjects[id] = assertion.Subject
	}
	if subjects["full-record"] == subjects["returned"] || subjects["full-record"] != subjects["changed-name"] {
		t.Errorf("subjects %v", subjects)
	}
}
