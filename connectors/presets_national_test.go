package connectors_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// scot is a token of ScotAccount's with one scope.
func scot(scope string, verification map[string]any) mapping.Signed {
	return mapping.Signed{"id_token": {"sub": "1"}, "attributes": {"verified_claims": []any{
		map[string]any{"scope": scope, "verification": verification},
	}}}
}

// What national providers sign, in their own words, and what it is worth.
func TestNationalPresetLevels(t *testing.T) {
	const verified, failed = "VERIFIED_SUCCESSFULLY", "VERIFICATION_FAILED"
	core := func(vot, identity any) mapping.Signed {
		return mapping.Signed{"id_token": {"vot": vot}, "core": {"vot": identity}}
	}
	for name, test := range map[string]struct {
		preset string
		signed mapping.Signed
		want   string
	}{
		"One Login, by password":              {"govuk-one-login", idToken(mapping.Claims{"vot": "Cl"}), "P0.Cl.F0.R0"},
		"One Login, by two factors":           {"govuk-one-login", idToken(mapping.Claims{"vot": "Cl.Cm"}), "P0.Cm.F0.R0"},
		"One Login, low":                      {"govuk-one-login", core("Cl.Cm", "P1"), "P1.Cm.F0.R0"},
		"One Login, medium":                   {"govuk-one-login", core("Cl.Cm", "P2"), "P2.Cm.F0.R0"},
		"One Login, high":                     {"govuk-one-login", core("Cl.Cm", "P3"), "P2.Cm.F0.R0"},
		"One Login, a level that is a list":   {"govuk-one-login", core("Cl.Cm", []any{"P1", "P2"}), "P2.Cm.F0.R0"},
		"One Login, a level that is a number": {"govuk-one-login", core("Cl.Cm", 2.0), "P0.Cm.F0.R0"},
		"One Login, P2 in the ID token":       {"govuk-one-login", idToken(mapping.Claims{"vot": "P2"}), "P0.C0.F0.R0"},
		"One Login, P2 in userinfo":           {"govuk-one-login", mapping.Signed{"id_token": {"vot": "Cl.Cm"}, "userinfo": {"vot": "P2"}}, "P0.Cm.F0.R0"},
		"One Login, core within the ID token": {"govuk-one-login", idToken(mapping.Claims{"vot": "Cl.Cm", "core": map[string]any{"vot": "P2"}}), "P0.Cm.F0.R0"},

		"ScotAccount, signed in": {"scotaccount", idToken(mapping.Claims{"sub": "1"}), "P0.Cm.F0.R0"},
		"ScotAccount, medium": {"scotaccount", scot("scotaccount.gpg45.medium", map[string]any{
			"outcome": verified, "assurance_policy": "GPG_45", "confidence_level": "medium",
		}), "P2.Cm.F0.R0"},
		"ScotAccount, medium in the older spelling": {"scotaccount", scot("gpg-45-medium", map[string]any{
			"outcome": verified, "assurance_policy": "GPG_45", "confidence_level": "medium",
		}), "P2.Cm.F0.R0"},
		"ScotAccount, by another policy": {"scotaccount", scot("scotaccount.gpg45.medium", map[string]any{
			"outcome": verified, "assurance_policy": "other", "confidence_level": "medium",
		}), "P0.Cm.F0.R0"},
		"ScotAccount, failed": {"scotaccount", scot("scotaccount.gpg45.medium", map[string]any{
			"outcome": failed, "assurance_policy": "GPG_45", "confidence_level": "medium",
		}), "P0.Cm.F0.R0"},
		"ScotAccount, the level of an address": {"scotaccount", scot("scotaccount.address", map[string]any{
			"outcome": verified, "assurance_policy": "GPG_45", "confidence_level": "medium",
		}), "P0.Cm.F0.R0"},
		"ScotAccount, an address on record": {"scotaccount", scot("scotaccount.address", map[string]any{
			"outcome": verified, "validation_method": "credit_reference_agency",
		}), "P0.Cm.F0.R2"},
		"ScotAccount, an address by say-so": {"scotaccount", scot("scotaccount.address", map[string]any{
			"outcome": verified, "validation_method": "self_certified",
		}), "P0.Cm.F0.R0"},

		"NHS P0":                        {"nhs-login", idToken(mapping.Claims{"vot": "P0.Cp"}), "P0.Cl.F0.R0"},
		"NHS P5":                        {"nhs-login", idToken(mapping.Claims{"vot": "P5.Cp.Cd"}), "P1.Cm.F0.R0"},
		"NHS P9":                        {"nhs-login", idToken(mapping.Claims{"vot": "P9.Cp.Cd"}), "P2.Cm.F0.R0"},
		"NHS P9, by a key":              {"nhs-login", idToken(mapping.Claims{"vot": "P9.Cm"}), "P2.Ch.F1.R0"},
		"NHS, by a shared key":          {"nhs-login", idToken(mapping.Claims{"vot": "P9.Cp.Ck"}), "P2.C0.F0.R0"},
		"NHS, a device alone":           {"nhs-login", idToken(mapping.Claims{"vot": "P9.Cd"}), "P2.C0.F0.R0"},
		"NHS, the proofing level alone": {"nhs-login", idToken(mapping.Claims{"identity_proofing_level": "P9"}), "P0.C0.F0.R0"},

		"Login.gov, signed in":           {"login-gov", loginGov("auth-only", "2"), "P0.Cm.F0.R0"},
		"Login.gov, remembered":          {"login-gov", idToken(mapping.Claims{"aal": "urn:gov:gsa:ac:classes:sp:PasswordProtectedTransport:duo"}), "P0.Cl.F0.R0"},
		"Login.gov, verified":            {"login-gov", loginGov("verified", "2"), "P1.Cm.F0.R0"},
		"Login.gov, by face":             {"login-gov", loginGov("verified-facial-match-required", "2"), "P2.Cm.F0.R0"},
		"Login.gov, by a key":            {"login-gov", loginGov("auth-only", "2?phishing_resistant=true"), "P0.Cm.F1.R0"},
		"Login.gov, by a card":           {"login-gov", loginGov("auth-only", "2?hspd12=true"), "P0.Cm.F1.R0"},
		"FranceConnect":                  {"franceconnect", idToken(mapping.Claims{"acr": "eidas1"}), "P1.Cl.F0.R0"},
		"FranceConnect, and more":        {"franceconnect", idToken(mapping.Claims{"acr": "eidas3"}), "P1.Cl.F0.R0"},
		"FranceConnect+, substantial":    {"franceconnect-plus", idToken(mapping.Claims{"acr": "eidas2"}), "P2.Cm.F0.R0"},
		"FranceConnect+, high":           {"franceconnect-plus", idToken(mapping.Claims{"acr": "eidas3"}), "P3.Cm.F0.R0"},
		"FranceConnect+, in userinfo":    {"franceconnect-plus", mapping.Signed{"id_token": {}, "userinfo": {"acr": "eidas3"}}, "P0.C0.F0.R0"},
		"Singpass, by password":          {"singpass", singpass("1", nil), "P0.Cl.F0.R0"},
		"Singpass, by two factors":       {"singpass", singpass("2", nil), "P0.Cm.F0.R0"},
		"Singpass, named":                {"singpass", singpass("2", "TAN WEI LING"), "P2.Cm.F0.R0"},
		"Singpass, of an empty name":     {"singpass", singpass("2", ""), "P0.Cm.F0.R0"},
		"gov.br, bronze, by password":    {"gov-br", govBr("bronze", "passwd"), "P1.Cl.F0.R0"},
		"gov.br, silver, by two factors": {"gov-br", govBr("silver", "passwd", "mfa"), "P2.Cm.F0.R0"},
		"gov.br, gold, by two factors":   {"gov-br", govBr("gold", "passwd", "mfa"), "P3.Cm.F0.R0"},
		"gov.br, by what nobody knows":   {"gov-br", govBr("diamond", "magic"), "P0.C0.F0.R0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rulesOf(t, test.preset, nil).Assess(test.signed).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// That one address was verified says nothing of another that comes first.
func TestScotAccountVerifiesTheAddressThatItGives(t *testing.T) {
	email := func(address, method string) any {
		return map[string]any{
			"scope": "scotaccount.email", "claims": map[string]any{"email": address},
			"verification": map[string]any{"outcome": "VERIFIED_SUCCESSFULLY", "validation_method": method},
		}
	}
	said := mapping.Claims{"attributes": map[string]any{"verified_claims": []any{
		email("typed@example.org", "self_certified"), email("read@example.org", "email_loop"),
	}}}
	if got := rulesOf(t, "scotaccount", nil).Apply(said).Claims; got["email"] != "typed@example.org" || got["email_verified"] != false {
		t.Errorf("got %v, verified is %v", got["email"], got["email_verified"])
	}
}

// Who nobody signs is nobody verified: at NHS login that is said by vot, which is
// in the ID token or is not believed.
func TestNHSVerifiesByTheIDToken(t *testing.T) {
	for name, test := range map[string]struct {
		vot      any
		verified bool
	}{
		"proved":             {"P9.Cp.Cd", true},
		"proved, by a key":   {"P9.Cm", true},
		"matched":            {"P5.Cp.Cd", false},
		"by a shared key":    {"P9.Cp.Ck", false},
		"a list":             {[]any{"P9.Cm"}, false},
		"a number":           {9.0, false},
		"nothing":            {nil, false},
		"only in userinfo":   {"", false},
		"more than is known": {"P9.Cm.Cx", false},
	} {
		t.Run(name, func(t *testing.T) {
			said := mapping.Claims{"vot": "P9.Cm", "family_name": "Evans", "id_token": map[string]any{"vot": test.vot}}
			if test.vot == nil {
				said["id_token"] = map[string]any{}
			}
			got := rulesOf(t, "nhs-login", nil).Apply(said)
			if slices.Contains(got.Verified, "family_name") != test.verified || slices.Contains(got.Verified, "name") != test.verified {
				t.Errorf("verified are %v", got.Verified)
			}
		})
	}
}

// A UPRN is a number at one provider and text at others, some with leading zeros:
// it is one property to apps.
func TestPresetUPRN(t *testing.T) {
	for preset, said := range map[string]mapping.Claims{
		"govuk-one-login": {"https://vocab.account.gov.uk/v1/address": []any{map[string]any{"uprn": 9051119283.0}}},
		"scotaccount": {"attributes": map[string]any{"verified_claims": []any{map[string]any{
			"scope": "scotaccount.address", "verification": map[string]any{"outcome": "VERIFIED_SUCCESSFULLY"},
			"claims": map[string]any{"address": map[string]any{"uprn": "009051119283"}},
		}}}},
		"myaccount": {"UPRN": "009051119283"},
	} {
		if got := rulesOf(t, preset, nil).Apply(said).Claims["uprn"]; got != "9051119283" {
			t.Errorf("%s: %v", preset, got)
		}
	}
}

func loginGov(service, authentication string) mapping.Signed {
	return idToken(mapping.Claims{
		"acr": "urn:acr.login.gov:" + service, "aal": "http://idmanagement.gov/ns/assurance/aal/" + authentication,
	})
}

func singpass(loa string, name any) mapping.Signed {
	return idToken(mapping.Claims{"acr": "urn:singpass:authentication:loa:" + loa, "sub_attributes": map[string]any{"name": name}})
}

func govBr(reliability string, methods ...any) mapping.Signed {
	return idToken(mapping.Claims{"reliability_info": map[string]any{"level": reliability}, "amr": methods})
}

// A step that promises what the provider cannot be believed to prove would lead
// people through it for nothing.
func TestStepsReachWhatTheySay(t *testing.T) {
	files, err := fs.Glob(connectors.Presets(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		cfg := loadPreset(t, strings.TrimSuffix(file, ".yaml"))
		most := rulesOf(t, cfg.Preset, nil).Reach()
		for _, step := range cfg.Ask {
			if !most.AtLeast(step.Reaches.Vector()) {
				t.Errorf("%s: step %s reaches %s, and no answer is worth more than %s", cfg.Preset, step.Step, step.Reaches.Vector(), most)
			}
		}
	}
}

// Links are kept under an issuer, letter by letter, and tokens are compared with it:
// with or without a slash at its end it is another one. What the simulators say
// follows the presets, so that they would not notice.
func TestPresetIssuers(t *testing.T) {
	type issuers struct{ own, aliases, nested, events string }
	for preset, want := range map[string]issuers{
		"govuk-one-login":    {own: "https://oidc.account.gov.uk/", nested: "https://identity.account.gov.uk/"},
		"scotaccount":        {own: "https://authz.scotaccount.service.gov.scot", nested: "https://issuer.main.scotaccount.service.gov.scot"},
		"nhs-login":          {own: "https://auth.login.nhs.uk", aliases: "https://auth.login.nhs.uk/"},
		"login-gov":          {own: "https://secure.login.gov/", aliases: "https://secure.login.gov", events: "https://secure.login.gov/"},
		"franceconnect":      {own: "https://oidc.franceconnect.gouv.fr/api/v2"},
		"franceconnect-plus": {own: "https://auth.franceconnect.gouv.fr/api/v2"},
		"singpass":           {own: "https://id.singpass.gov.sg/fapi"},
		"gov-br":             {own: "https://sso.acesso.gov.br/"},
		"google":             {own: "https://accounts.google.com", aliases: "accounts.google.com", events: "https://accounts.google.com/"},
		"apple":              {own: "https://appleid.apple.com", aliases: "https://account.apple.com", events: "https://appleid.apple.com"},
		"microsoft":          {own: "https://login.microsoftonline.com/{tid}/v2.0"},
		"linkedin":           {own: "https://www.linkedin.com/oauth", aliases: "https://www.linkedin.com"},
		"yahoo":              {own: "https://api.login.yahoo.com"},
	} {
		cfg := loadPreset(t, preset)
		got := issuers{own: cfg.OIDC.Issuer, aliases: strings.Join(cfg.OIDC.IssuerAliases, " ")}
		for _, nested := range cfg.OIDC.Nested {
			got.nested = nested.Issuer
		}
		if cfg.Events != nil {
			got.events = cfg.Events.Issuer
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", preset, got, want)
		}
	}
}
