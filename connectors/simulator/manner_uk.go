package simulator

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// The manners of ScotAccount and NHS login.

// scotAccount is ScotAccount's manner.
func (m *manner) scotAccount() {
	m.subject = guid
	m.scopes = nil
	m.insists = insists{clientAuth: "private_key_jwt", audience: "token_endpoint", pkce: "required", hint: true, scopes: scotAccountScopes()}
	m.assertions.algorithms = append(rsaAlgorithms(), jose.ES256)
	m.lives = lives{code: 10 * time.Minute, access: 15 * time.Minute, idToken: 15 * time.Minute}
	m.expects = map[string]connectors.Outcome{"cancel": connectors.Declined}
	m.faults = scotAccountFaults()
}

func scotAccountScopes() []string {
	return []string{
		"openid", "scotaccount.gpg45.medium", "gpg-45-medium", "scotaccount.address", "scotaccount.email", "scotaccount.mobile",
	}
}

// nhsLogin is NHS login's manner.
func (m *manner) nhsLogin() {
	m.subject = guid
	m.scopes = nhsScopes()
	m.prompts = []string{"none", "login"}
	m.unvisited = "sso_login_required"
	m.insists = insists{clientAuth: "private_key_jwt", audience: "token_endpoint", pkce: "forbidden"} // unknown scopes are dropped
	m.assertions.algorithms = []jose.SignatureAlgorithm{jose.RS512}
	m.lives = lives{code: 10 * time.Minute, access: 5 * time.Minute, idToken: time.Hour}
	m.check, m.demands, m.short = checkNHS, nhsDemands, unable
	m.granted = grantedByNHS
	m.expects = map[string]connectors.Outcome{"cancel": connectors.NoConsent, "slashed-iss": ""}
	m.people, m.faults = []Persona{passkeyHolder()}, nhsFaults()
}

// nhsScopes are the claims of each scope that a council asks for.
func nhsScopes() map[string]string {
	return map[string]string{
		"nhs_number": "profile", "family_name": "basic_demographics", "birthdate": "basic_demographics",
		"identity_proofing_level": "basic_demographics", "given_name": "profile_extended",
		"email": "email", "email_verified": "email",
		"phone_number": "phone", "phone_number_verified": "phone", "phone_number_pds_matched": "phone",
	}
}

// grantedByNHS drops what it does not know.
func grantedByNHS(scope string) string {
	known := []string{"openid", "profile", "basic_demographics", "profile_extended", "email", "phone", "landline", "gp_registration_details"}
	return strings.Join(slices.DeleteFunc(strings.Fields(scope), func(s string) bool { return !slices.Contains(known, s) }), " ")
}

// checkNHS: of PKCE the terms have said already that it is refused.
func checkNHS(form url.Values) *refusal {
	scopes := strings.Fields(form.Get("scope"))
	demands := nhsDemands(authorizationOf(form))
	unknown := func(d demand) bool { return !slices.Contains(nhsVectors(), d.word) }
	switch {
	case len(demands) == 0 || slices.ContainsFunc(demands, unknown):
		return invalid("the vectors of trust are not registered for this client")
	case slices.Contains(scopes, "profile") && slices.Contains(scopes, "basic_demographics"):
		return &refusal{code: "invalid_scope", description: "profile and basic_demographics do not go together"}
	}
	return nil
}

// nhsVectors are those that are issued: Ck, a key shared with a device, never is.
func nhsVectors() []string {
	return []string{"P0.Cp", "P5.Cp.Cd", "P9.Cp.Cd", "P9.Cm"}
}

// nhsDemands: without vtr everybody is sent through proof of identity.
func nhsDemands(a authorization) []demand {
	vectors := []string{"P9.Cp.Cd", "P9.Cm"}
	if vtr := a.asked["vtr"]; vtr != "" {
		var err error
		if vectors, err = vectorsOf(vtr); err != nil {
			return nil
		}
	}
	var demands []demand
	for _, vector := range vectors {
		demands = append(demands, demand{vector, nhsLevel(vector)})
	}
	slices.SortStableFunc(demands, func(a, b demand) int { return a.level.Compare(b.level) })
	return demands
}

func nhsLevel(vector string) mapping.Assurance {
	proofing, credential, _ := strings.Cut(vector, ".")
	level := map[string]mapping.Assurance{
		"Cp": {Authenticator: mapping.Cl}, "Cp.Cd": {Authenticator: mapping.Cm},
		"Cm": {Authenticator: mapping.Ch, Phishing: mapping.F1},
	}[credential]
	level.Identity = map[string]mapping.Identity{"P5": mapping.P1, "P9": mapping.P2}[proofing]
	return level
}

// unable is the answer of somebody who cannot be proved, and gives up.
func unable(authorization) *refusal {
	return &refusal{code: "access_denied", description: "the person gave up"}
}

// passkeyHolder signs in as well as can be.
func passkeyHolder() Persona {
	passkey := fullRecord()
	passkey.ID, passkey.Title, passkey.Description = "passkey", "Rhian Evans", "Proved, and signs in with a passkey"
	passkey.Person["name"], passkey.Person["given_name"], passkey.Person["family_name"] = "Rhian Evans", "Rhian", "Evans"
	passkey.Person["email"] = "rhian.evans@example.org"
	passkey.Reaches = mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Ch, Phishing: mapping.F1}
	return passkey
}
