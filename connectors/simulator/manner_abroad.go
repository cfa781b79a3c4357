package simulator

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// The manners of national providers of other countries.

// loginGov is Login.gov's manner.
func (m *manner) loginGov() {
	m.subject = guid
	m.scopes = map[string]string{
		"given_name": "profile", "family_name": "profile", "birthdate": "profile", "address": "address",
		"phone": "phone", "phone_verified": "phone", "email": "email", "email_verified": "email",
	}
	m.prompts = []string{"select_account"}
	m.insists = insists{clientAuth: "private_key_jwt", scopes: []string{
		"openid", "email", "all_emails", "profile", "profile:name", "profile:birthdate", "profile:verified_at", "address", "phone",
		"social_security_number", "locale", "x509", "x509:subject", "x509:presented",
	}}
	m.assertions.algorithms = []jose.SignatureAlgorithm{jose.RS256}
	m.check, m.demands, m.stranded = checkLoginGov, loginGovDemands, true
	m.addressed = true
	m.expects = map[string]connectors.Outcome{"slashed-iss": ""}
	m.people, m.faults = []Persona{passkeyHolder()}, loginGovFaults()
}

func checkLoginGov(form url.Values) *refusal {
	switch {
	case len(form.Get("state")) < 22:
		return invalid("state is too short (minimum is 22 characters)")
	case len(form.Get("nonce")) < 22:
		return invalid("nonce is too short (minimum is 22 characters)")
	case len(loginGovDemands(authorizationOf(form))) == 0:
		return invalid("acr_values: no acceptable acr_values found")
	}
	return nil
}

// loginGovDemands reads the one service level and the one of authentication that
// acr_values has.
func loginGovDemands(a authorization) []demand {
	service, authentication, _ := strings.Cut(a.asked["acr_values"], " ")
	identity, known := map[string]mapping.Identity{
		"urn:acr.login.gov:auth-only": mapping.P0, "urn:acr.login.gov:verified": mapping.P1,
		"urn:acr.login.gov:verified-facial-match-required": mapping.P2,
	}[service]
	level, sure := map[string]mapping.Assurance{
		"http://idmanagement.gov/ns/assurance/aal/2":                         {Authenticator: mapping.Cm},
		"http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true": {Authenticator: mapping.Cm, Phishing: mapping.F1},
	}[authentication]
	if !known || !sure {
		return nil
	}
	level.Identity = identity
	return []demand{{a.asked["acr_values"], level}}
}

// franceConnect is the manner of FranceConnect and FranceConnect+, where levels
// are what the request may name, ascending, and its faults say lower and higher.
func (m *manner) franceConnect(lower, higher string, levels ...string) {
	m.subject = func(seed uint64) string { return fmt.Sprintf("%065xv", seed) }
	m.scopes = map[string]string{
		"given_name": "given_name", "family_name": "family_name", "preferred_username": "preferred_username",
		"birthdate": "birthdate", "gender": "gender", "birthplace": "birthplace", "birthcountry": "birthcountry", "email": "email",
	}
	m.prompts = []string{"login", "consent"}
	m.namesIssuer = true
	m.insists = insists{hint: true, scopes: []string{
		"openid", "given_name", "family_name", "preferred_username", "birthdate", "birthplace", "birthcountry", "gender", "email",
	}}
	m.lives = lives{code: 30 * time.Second, access: time.Minute, idToken: time.Minute}
	m.demands = func(a authorization) []demand { return eidasDemands(a, levels) }
	m.check = func(form url.Values) *refusal {
		if len(m.demands(authorizationOf(form))) == 0 {
			return invalid("acr_values: this level is not offered here")
		}
		return nil
	}
	m.short = unable
	m.expects = map[string]connectors.Outcome{"code-refused": connectors.TryLater}
	m.people, m.faults = frenchPeople(), frenchFaults(lower, higher)
}

// eidasDemands: without acr_values it is the highest.
func eidasDemands(a authorization, levels []string) []demand {
	asked := strings.Fields(a.asked["acr_values"])
	if len(asked) == 0 {
		asked = levels[len(levels)-1:]
	}
	var demands []demand
	for _, level := range levels {
		if slices.Contains(asked, level) {
			demands = append(demands, demand{level, eidasLevel(level)})
		}
	}
	return demands
}

func eidasLevel(acr string) mapping.Assurance {
	return map[string]mapping.Assurance{
		"eidas1": {Identity: mapping.P1, Authenticator: mapping.Cl},
		"eidas2": {Identity: mapping.P2, Authenticator: mapping.Cm},
		"eidas3": {Identity: mapping.P3, Authenticator: mapping.Cm},
	}[acr]
}

func frenchPeople() []Persona {
	return []Persona{
		{
			ID: "high", Title: "Camille Durand", Description: "Has an identity card with a chip: proved to the level high",
			Person: mapping.Claims{
				"name": "Camille Durand", "given_name": "Camille Anne", "family_name": "Durand", "gender": "female", "birthdate": "1982-04-17",
				"email": "camille.durand@example.org", "email_verified": true,
			},
			Reaches: mapping.Assurance{Identity: mapping.P3, Authenticator: mapping.Cm},
		},
		{
			ID: "presumed-birthdate", Title: "Amadou Ba", Description: "Born abroad, on a day that nobody knows",
			Person: mapping.Claims{
				"name": "Amadou Ba", "given_name": "Amadou", "family_name": "Ba", "gender": "male", "birthdate": "1964-00-00",
				"birthplace": "", "birthcountry": "99341", "email": "amadou.ba@example.org", "email_verified": true,
			},
			Reaches: movable(),
		},
	}
}

// singpass is Singpass's manner.
func (m *manner) singpass() {
	m.subject = guid
	m.scopes = nil
	m.insists = insists{
		clientAuth: "private_key_jwt", audience: "issuer", pkce: "required", par: true, dpop: true,
		scopes: []string{"openid", "uinfin", "user.identity", "name", "email", "mobileno"},
	}
	m.assertions = assertions{algorithms: []jose.SignatureAlgorithm{jose.ES256}, named: true, lifetime: 2 * time.Minute}
	m.check = checkSingpass
	m.people = []Persona{{
		ID: "password-alone", Title: "Tan Wei Ling", Description: "Signs in with a password alone",
		Person:  mapping.Claims{"name": "TAN WEI LING", "email": "weiling@example.org", "email_verified": true},
		Reaches: mapping.Assurance{Authenticator: mapping.Cl},
	}}
	m.faults = singpassFaults()
}

func checkSingpass(form url.Values) *refusal {
	fits := func(s string) bool { return len(s) >= 30 && len(s) <= 255 }
	switch {
	case !fits(form.Get("state")) || !fits(form.Get("nonce")):
		return invalid("state and nonce have 30 to 255 characters")
	case form.Has("acr_values") && !strings.HasPrefix(form.Get("acr_values"), "urn:singpass:authentication:loa:"):
		return invalid("Invalid acr values")
	}
	return nil
}

// govBr is gov.br's manner.
func (m *manner) govBr() {
	m.subject = cpf
	m.scopes = map[string]string{
		"reliability_info": "govbr_confiabilidades_idtoken", "email": "email", "email_verified": "email",
		"phone_number": "phone", "phone_number_verified": "phone", "name": "profile", "picture": "profile",
	}
	m.insists = insists{clientAuth: "client_secret_basic", pkce: "required", scopes: []string{
		"openid", "email", "profile", "phone", "govbr_confiabilidades", "govbr_confiabilidades_idtoken", "govbr_empresa",
	}}
	m.lives = lives{code: time.Minute, access: lifetime, idToken: time.Minute}
	m.people, m.faults = brazilianPeople(), govBrFaults()
}

// cpf is a tax number with its punctuation.
func cpf(seed uint64) string {
	return fmt.Sprintf("%03d.%03d.%03d-%02d", seed/100_000_000%1000, seed/100_000%1000, seed/100%1000, seed%100)
}

func brazilianPeople() []Persona {
	account := func(level, name, description string, reaches mapping.Assurance) Persona {
		return Persona{
			ID: level, Title: name, Description: description, Reaches: reaches,
			Person: mapping.Claims{"name": name, "email": level + "@example.org", "email_verified": true},
		}
	}
	return []Persona{
		account("bronze", "João da Silva", "A bronze account: known by answers", mapping.Assurance{Identity: mapping.P1, Authenticator: mapping.Cl}),
		account("silver", "Maria Souza", "A silver account: known by her bank", mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}),
		account("gold", "Ana Oliveira", "A gold account: known by her face", mapping.Assurance{Identity: mapping.P3, Authenticator: mapping.Cm}),
	}
}
