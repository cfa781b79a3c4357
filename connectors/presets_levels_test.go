package connectors_test

import (
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

const (
	password  = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	multiple  = "http://schemas.microsoft.com/claims/multipleauthn"
	refedsMFA = "https://refeds.org/profile/mfa"
	methods   = "http://schemas.microsoft.com/claims/authnmethodsreferences"
)

// rulesOf are the rules of a preset, as the operator changed it.
func rulesOf(t *testing.T, preset string, change func(*config.Connector)) *mapping.Rules {
	t.Helper()
	cfg := loadPreset(t, preset)
	if change != nil {
		change(&cfg)
	}
	rules, mistakes := mapping.CompileRules(cfg.RuleSource())
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return rules
}

func idToken(claims mapping.Claims) mapping.Signed { return mapping.Signed{"id_token": claims} }

func inContext(class string) mapping.Signed { return mapping.Signed{"context": {"class": class}} }

// What is signed by a provider, in its own words, and what it is worth.
func TestPresetLevels(t *testing.T) {
	for name, test := range map[string]struct {
		preset string
		signed mapping.Signed
		want   string
	}{
		"Microsoft, who says nothing":           {"microsoft", idToken(mapping.Claims{"oid": "1"}), "P0.Cl.F0.R0"},
		"Microsoft, whose amr is a text":        {"microsoft", idToken(mapping.Claims{"amr": "mfa"}), "P0.C0.F0.R0"},
		"Microsoft, and nothing is signed":      {"microsoft", nil, "P0.C0.F0.R0"},
		"AD FS, by password":                    {"adfs", inContext(password), "P0.Cl.F0.R0"},
		"AD FS, by Windows":                     {"adfs", inContext("urn:federation:authentication:windows"), "P0.Cl.F0.R0"},
		"AD FS, by two factors":                 {"adfs", inContext(multiple), "P0.Cm.F0.R0"},
		"AD FS, by what nobody knows":           {"adfs", inContext("urn:example:magic"), "P0.C0.F0.R0"},
		"AD FS, which says nothing":             {"adfs", inContext(""), "P0.C0.F0.R0"},
		"AD FS, in an attribute":                {"adfs", mapping.Signed{"assertion": {"class": multiple}, "context": {"class": password}}, "P0.Cl.F0.R0"},
		"Entra, by password":                    {"entra-saml", entra("http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"), "P0.Cl.F0.R0"},
		"Entra, by two factors":                 {"entra-saml", entra("http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password", multiple), "P0.Cm.F0.R0"},
		"Entra, which says nothing":             {"entra-saml", mapping.Signed{"assertion": {}}, "P0.Cl.F0.R0"},
		"Entra, by what nobody knows":           {"entra-saml", entra("urn:example:magic"), "P0.Cl.F0.R0"},
		"Entra, and nothing is signed":          {"entra-saml", mapping.Signed{"context": {"class": multiple}}, "P0.C0.F0.R0"},
		"Shibboleth, by password":               {"shibboleth", inContext(password), "P0.Cl.F0.R0"},
		"Shibboleth, by two factors":            {"shibboleth", inContext(refedsMFA), "P0.Cm.F0.R0"},
		"Shibboleth, by a token":                {"shibboleth", inContext("urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"), "P0.Cm.F0.R0"},
		"eIDAS, low":                            {"eidas", inContext("http://eidas.europa.eu/LoA/low"), "P1.Cl.F0.R0"},
		"eIDAS, substantial":                    {"eidas", inContext("http://eidas.europa.eu/LoA/substantial"), "P2.Cm.F0.R0"},
		"eIDAS, high":                           {"eidas", inContext("http://eidas.europa.eu/LoA/high"), "P3.Cm.F0.R0"},
		"eIDAS, not notified":                   {"eidas", inContext("http://id.example/LoA/high"), "P0.C0.F0.R0"},
		"SPID, level 1":                         {"spid", inContext("https://www.spid.gov.it/SpidL1"), "P0.Cl.F0.R0"},
		"SPID, level 2":                         {"spid", inContext("https://www.spid.gov.it/SpidL2"), "P2.Cm.F0.R0"},
		"SPID, level 3":                         {"spid", inContext("https://www.spid.gov.it/SpidL3"), "P2.Ch.F0.R0"},
		"DigiD Basis":                           {"digid", inContext(password), "P0.Cl.F0.R0"},
		"DigiD Midden":                          {"digid", inContext("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"), "P0.Cl.F0.R0"},
		"DigiD Substantieel":                    {"digid", inContext("urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard"), "P2.Cm.F0.R0"},
		"DigiD Hoog":                            {"digid", inContext("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"), "P2.Ch.F0.R0"},
		"myaccount, registered":                 {"myaccount", myaccount("0", password), "P0.Cl.F0.R0"},
		"myaccount, matched":                    {"myaccount", myaccount("1", password), "P0.Cl.F0.R0"},
		"myaccount, seen":                       {"myaccount", myaccount("2", password), "P1.Cl.F0.R0"},
		"myaccount, seen, by two factors":       {"myaccount", myaccount("2", refedsMFA), "P1.Cm.F0.R0"},
		"myaccount, a LoA that there is not":    {"myaccount", myaccount("3", password), "P0.Cl.F0.R0"},
		"myaccount, in the context, not signed": {"myaccount", mapping.Signed{"context": {"LoA": "2", "class": password}}, "P0.Cl.F0.R0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rulesOf(t, test.preset, nil).Assess(test.signed).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func entra(all ...any) mapping.Signed { return mapping.Signed{"assertion": {methods: all}} }

func myaccount(loa, class string) mapping.Signed {
	return mapping.Signed{"assertion": {"LoA": loa}, "context": {"class": class}}
}

// Providers of which nobody is proved to be anybody: whatever they claim of a
// sign-in, it is worth one factor. So it is with nOAuth, the address that an
// administrator wrote into an account.
func TestSocialProvidersProveOneFactor(t *testing.T) {
	boasts := mapping.Claims{
		"amr": []any{"mfa", "hwk", "pop"}, "acr": "urn:x-council:acr:p3.cm", "vot": "P4.Ch", "ial": "3",
		"acrs": []any{"c1"}, "email": "mayor@council.example", "email_verified": true, "xms_edov": true, "verified": true,
	}
	for _, preset := range []string{"google", "facebook", "microsoft", "github", "apple", "x", "linkedin", "amazon", "yahoo"} {
		t.Run(preset, func(t *testing.T) {
			rules := rulesOf(t, preset, nil)
			for _, document := range []string{"id_token", "userinfo", "assertion", "council"} {
				signed := mapping.Signed{document: boasts, "id_token": boasts}
				if got := rules.Assess(signed).String(); got != "P0.Cl.F0.R0" {
					t.Errorf("what it signs is worth %s", got)
				}
			}
			if got := rules.Reach().String(); got != "P0.Cl.F0.R0" {
				t.Errorf("it reaches %s", got)
			}
		})
	}
}

// An operator who knows how a tenant enrols its people may believe Microsoft's
// amr, and believes no more by that.
func TestMicrosoftMFA(t *testing.T) {
	rules := rulesOf(t, "microsoft", func(c *config.Connector) { c.Cap.Authenticator = "Cm" })
	for amr, want := range map[string]string{"mfa": "P0.Cm.F0.R0", "pwd": "P0.Cl.F0.R0", "hwk": "P0.Cl.F0.R0"} {
		if got := rules.Assess(idToken(mapping.Claims{"amr": []any{"pwd", amr}})).String(); got != want {
			t.Errorf("amr %s is worth %s, want %s", amr, got, want)
		}
	}
	// Of what is not signed nothing is believed.
	if got := rules.Assess(mapping.Signed{"userinfo": {"amr": []any{"mfa"}}, "id_token": {}}).String(); got != "P0.Cl.F0.R0" {
		t.Errorf("amr of userinfo is worth %s", got)
	}
}

// What a preset asks for in a step it can reach, and steps are one above the
// other.
func TestPresetStepsReach(t *testing.T) {
	for _, preset := range []string{"adfs", "shibboleth", "eidas", "spid", "digid"} {
		cfg := loadPreset(t, preset)
		rules := rulesOf(t, preset, nil)
		var before mapping.Assurance
		for _, ask := range cfg.Ask {
			reaches := ask.Reaches.Vector()
			if !rules.Reach().AtLeast(reaches) {
				t.Errorf("%s: step %s is to reach %s, and no sign-in does", preset, ask.Step, reaches)
			}
			if !reaches.AtLeast(before) || reaches == before {
				t.Errorf("%s: step %s reaches %s, after one that reaches %s", preset, ask.Step, reaches, before)
			}
			for _, class := range ask.Contexts {
				if got := rules.Assess(inContext(class)); got != reaches {
					t.Errorf("%s: step %s asks for %s, which is worth %s and not %s", preset, ask.Step, class, got, reaches)
				}
			}
			before = reaches
		}
	}
}
