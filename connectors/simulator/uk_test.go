package simulator_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

func TestScotAccountClaims(t *testing.T) {
	s := play(t, preset(t, "scotaccount"), simulator.Options{})
	address := map[string]any{"street_address": "12 Rose Street", "locality": "Exampleton", "postal_code": "EX4 3MP"}
	whole := mapping.Claims{
		"name": "Alice Jane Morgan", "given_name": "Alice Jane", "family_name": "Morgan", "birthdate": "1984-03-09",
		"address": address, "uprn": "10023456789", "address_verified": true, "uprn_verified": true,
		"email": "alice.morgan@example.org", "email_verified": true,
	}
	without := func(names ...string) mapping.Claims {
		some := mapping.Claims{}
		maps.Copy(some, whole)
		for _, name := range names {
			delete(some, name)
		}
		return some
	}
	unsure, stated := without(), without()
	unsure["email_verified"] = false
	stated["address_verified"], stated["uprn_verified"] = false, false
	for persona, want := range map[string]mapping.Claims{
		"full-record":            whole,
		"snake-case-address":     whole,
		"scope-failed":           without("name", "given_name", "family_name", "birthdate"),
		"with-warnings":          without("name", "given_name", "family_name", "birthdate"),
		"address-failed":         without("address", "uprn", "address_verified", "uprn_verified"),
		"address-self-certified": stated,
		"email-self-certified":   unsure,
		"single-object":          {},
		"no-attributes":          {},
	} {
		if diff := cmp.Diff(want, s.told(t, persona, "prove").Claims); diff != "" {
			t.Errorf("%s: -want +got\n%s", persona, diff)
		}
	}
	if got := s.told(t, "full-record", "sign_in").Claims; len(got) > 0 {
		t.Errorf("signed in only, and told %v", got)
	}
	if got := s.provider.Calls("values"); got != 9 {
		t.Errorf("the attributes were fetched %d times, want once for each who was asked for them", got)
	}
}

// The attributes want a client assertion of their own: the access token is not
// enough, nor is an assertion for the token endpoint.
func TestScotAccountWantsSecondAssertion(t *testing.T) {
	s := play(t, preset(t, "scotaccount"), simulator.Options{})
	call := s.cfg.OIDC.Calls["values"]
	call.Assertion = ""
	s.cfg.OIDC.Calls["values"] = call
	if _, err := s.signInAt(t, simulator.Persona{ID: "full-record"}, "prove"); outcome(err) != connectors.Unavailable {
		t.Errorf("got %v, want %s", err, connectors.Unavailable)
	}
}

func TestNHSRequests(t *testing.T) {
	s := play(t, preset(t, "nhs-login"), simulator.Options{})
	s.refused(t, "prove", map[string]url.Values{
		"PKCE":                        {"code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"}},
		"a vector that is not agreed": {"vtr": {`["P5.Cm"]`}},
		"no vectors":                  {"vtr": {`[]`}},
		"no nonce":                    {"nonce": nil},
	}, "invalid_request")
	s.refused(t, "prove", map[string]url.Values{"both scopes": {"scope": {"openid profile basic_demographics"}}}, "invalid_scope")
	s.refused(t, "prove", map[string]url.Values{"nobody is there": {"prompt": {"none"}}}, "sso_login_required")

	// Without vtr everybody is asked for proof of identity.
	for persona, want := range map[string]string{"council-staff": "access_denied", "full-record": ""} {
		if got := s.answer(t, s.asked(t, "sign_in", url.Values{"vtr": nil, "persona": {persona}})).Get("error"); got != want {
			t.Errorf("%s, without vtr: got %q, want %q", persona, got, want)
		}
	}
}

// At P5 somebody claims to be the person of a record, and has not shown it.
func TestNHSClaims(t *testing.T) {
	s := play(t, preset(t, "nhs-login"), simulator.Options{})
	for step, want := range map[string][]string{
		"sign_in": {"email", "phone_number"},
		"match":   {"email", "phone_number"},
		"prove":   {"birthdate", "email", "family_name", "given_name", "name", "phone_number"},
	} {
		got := s.told(t, "full-record", step)
		if diff := cmp.Diff(want, got.Verified); diff != "" {
			t.Errorf("%s: verified -want +got\n%s", step, diff)
		}
		if named := got.Claims["family_name"] == "Morgan"; named != (step != "sign_in") {
			t.Errorf("%s: claims %v", step, got.Claims)
		}
		if _, ok := got.Claims["nhs_number"]; ok {
			t.Errorf("%s: the NHS number was taken", step)
		}
	}
}
