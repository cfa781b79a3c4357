package connectors_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// loadPreset is a connector of which the operator wrote the least.
func loadPreset(t *testing.T, name string) config.Connector {
	t.Helper()
	text := "preset: " + name + "\n"
	switch name {
	case "adfs", "entra-saml", "shibboleth", "eidas", "myaccount", "spid", "digid":
		text += "saml: {metadata: {url: https://provider.example/metadata, entity_id: https://provider.example}}\n"
	case "council": // is nobody's client
	case "apple":
		t.Setenv("CONNECTORS_TEST_KEY", newCurve(t))
		text += "client_id: council\noidc: {team: A1B2C3D4E5, key_id: F6G7H8J9K0, private_key: env:CONNECTORS_TEST_KEY}\n"
	case "govuk-one-login", "scotaccount", "nhs-login", "login-gov":
		t.Setenv("CONNECTORS_TEST_KEY", newRSA(t))
		text += "client_id: council\noidc: {private_key: env:CONNECTORS_TEST_KEY}\n"
	case "singpass":
		t.Setenv("CONNECTORS_TEST_KEY", newCurve(t))
		text += "client_id: council\noidc: {private_key: env:CONNECTORS_TEST_KEY, encryption: {key: env:CONNECTORS_TEST_KEY}}\n"
	case "franceconnect-plus":
		t.Setenv("CONNECTORS_TEST_KEY", newRSA(t))
		text += "client_id: council\nclient_secret: env:CONNECTORS_TEST_SECRET\noidc: {encryption: {key: env:CONNECTORS_TEST_KEY}}\n"
	case "microsoft":
		text += "oidc: {tenants: [9188040d-6c67-4c5b-b112-36a304b66dad]}\n"
		fallthrough
	default:
		text += "client_id: council\nclient_secret: env:CONNECTORS_TEST_SECRET\n"
	}
	t.Setenv("CONNECTORS_TEST_SECRET", clientSecret+clientSecret) // HS256 wants 32 bytes
	dir := t.TempDir()
	for file, text := range map[string]string{
		"broker.yaml":                  "issuer: https://login.example.gov.uk\nmail: {smtp: terminal, from: no-reply@example.gov.uk}\n",
		"connectors/" + name + ".yaml": text,
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Connectors[0]
}

func newRSA(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf(t, key)
}

func newCurve(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf(t, key)
}

func noCredentials() []xmlsig.Credential { return nil }

func TestPresets(t *testing.T) {
	files, err := fs.Glob(connectors.Presets(), "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		t.Run(name, func(t *testing.T) {
			cfg := loadPreset(t, name)
			if _, mistakes := mapping.CompileRules(cfg.RuleSource()); len(mistakes) > 0 {
				t.Errorf("%+v", mistakes)
			}
			if cfg.Council != nil {
				return // its pages are the broker's own: nothing to open here, and nobody to simulate
			}
			if _, err := connectors.Open(cfg, connectors.Options{Redirect: callbackURL, Credentials: noCredentials}); err != nil {
				t.Error(err)
			}
			if cfg.Verified == "" || cfg.Simulator == nil {
				t.Error("the day of verification or the simulator is missing")
			}
			if s := cfg.Setup; s == nil || s.Eligibility == "" || len(s.Steps) == 0 || len(s.Sources) == 0 {
				t.Errorf("operators are not told who may use it, what to do, or where the facts are from: %+v", s)
			}
		})
	}
}

// Microsoft lets in whom the operator names, and nobody by default.
func TestMicrosoftNeedsTenants(t *testing.T) {
	cfg := loadPreset(t, "microsoft")
	cfg.OIDC.Tenants = nil
	if _, err := connectors.Open(cfg, connectors.Options{}); err == nil {
		t.Error("every tenant of the world is let in")
	}
}

func TestPresetEmail(t *testing.T) {
	address := "resident@example.com"
	for name, test := range map[string]struct {
		preset string
		said   mapping.Claims
		email  string
		want   bool // verified
	}{
		"gmail.com":                        {"google", mapping.Claims{"email": "morag@gmail.com", "email_verified": true}, "morag@gmail.com", true},
		"Workspace":                        {"google", mapping.Claims{"email": address, "email_verified": true, "hd": "example.com"}, address, true},
		"an account on somebody's address": {"google", mapping.Claims{"email": address, "email_verified": true}, address, false},
		"Google says no":                   {"google", mapping.Claims{"email": "morag@gmail.com", "email_verified": false}, "morag@gmail.com", false},
		"a look-alike of gmail.com":        {"google", mapping.Claims{"email": "morag@notgmail.com", "email_verified": true}, "morag@notgmail.com", false},

		"xms_edov true":                {"microsoft", mapping.Claims{"email": address, "xms_edov": true}, address, true},
		`xms_edov "true"`:              {"microsoft", mapping.Claims{"email": address, "xms_edov": "true"}, address, true},
		`xms_edov "1"`:                 {"microsoft", mapping.Claims{"email": address, "xms_edov": "1"}, address, true},
		"xms_edov 1":                   {"microsoft", mapping.Claims{"email": address, "xms_edov": 1.0}, address, true},
		"xms_edov false":               {"microsoft", mapping.Claims{"email": address, "xms_edov": false}, address, false},
		`xms_edov "0"`:                 {"microsoft", mapping.Claims{"email": address, "xms_edov": "0"}, address, false},
		"xms_edov missing":             {"microsoft", mapping.Claims{"email": address}, address, false},
		"nOAuth":                       {"microsoft", mapping.Claims{"email": address, "email_verified": true}, address, false},
		"Facebook":                     {"facebook", mapping.Claims{"email": address, "email_verified": true}, address, false},
		"Facebook, none":               {"facebook", mapping.Claims{"id": "1"}, "", false},
		"GitHub, primary":              {"github", emails(entry(address, true, true)), address, true},
		"GitHub, of several":           {"github", emails(entry("old@example.com", false, true), entry(address, true, true)), address, true},
		"GitHub, unverified":           {"github", emails(entry(address, true, false), entry("old@example.com", false, true)), "", false},
		"GitHub, none":                 {"github", emails(), "", false},
		"GitHub, shown on the profile": {"github", mapping.Claims{"email": address, "emails": []any{}}, "", false},

		"Apple, in text":        {"apple", mapping.Claims{"email": address, "email_verified": "true"}, address, true},
		"Apple says no":         {"apple", mapping.Claims{"email": address, "email_verified": "false"}, address, false},
		"Apple says nothing":    {"apple", mapping.Claims{"email": address}, address, false},
		"Apple, in the form":    {"apple", mapping.Claims{"user": map[string]any{"email": address}, "email_verified": true}, "", false},
		"X, confirmed":          {"x", mapping.Claims{"id": "1", "confirmed_email": address}, address, true},
		"X, another claim":      {"x", mapping.Claims{"id": "1", "email": address, "email_verified": true}, "", false},
		"LinkedIn, in text":     {"linkedin", mapping.Claims{"email": address, "email_verified": "true"}, address, true},
		"LinkedIn says no":      {"linkedin", mapping.Claims{"email": address, "email_verified": "false"}, address, false},
		"LinkedIn says nothing": {"linkedin", mapping.Claims{"email": address}, address, false},
		"Yahoo":                 {"yahoo", mapping.Claims{"email": address, "email_verified": true}, address, true},
		"Yahoo says nothing":    {"yahoo", mapping.Claims{"email": address}, address, false},
		"Amazon":                {"amazon", mapping.Claims{"email": address, "email_verified": true}, address, false},
		"myaccount":             {"myaccount", mapping.Claims{"Email": address, "LoA": "2", "email_verified": "true"}, address, false},
		"SPID":                  {"spid", mapping.Claims{"email": address, "email_verified": "true"}, address, false},
	} {
		t.Run(name, func(t *testing.T) {
			rules, mistakes := mapping.CompileRules(loadPreset(t, test.preset).RuleSource())
			if len(mistakes) > 0 {
				t.Fatal(mistakes)
			}
			got := rules.Apply(test.said)
			if got.Claims.Text("email") != test.email || (got.Claims["email_verified"] == true) != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func emails(all ...any) mapping.Claims {
	return mapping.Claims{"email": nil, "emails": append([]any{}, all...)}
}

func entry(address string, primary, verified bool) any {
	return map[string]any{"email": address, "primary": primary, "verified": verified}
}

// A claim that should not decide who somebody is: names can be taken over.
func TestPresetSubject(t *testing.T) {
	for preset, want := range map[string]string{
		"google":    "claims.sub",
		"facebook":  "claims.id",
		"microsoft": "claims.oid",
		"github":    "claims.id",

		"adfs":       "claims.sub",
		"entra-saml": `claims["http://schemas.microsoft.com/identity/claims/objectidentifier"]`,
		"shibboleth": `claims["urn:oasis:names:tc:SAML:attribute:pairwise-id"].lowerAscii()`,
		"eidas":      `claims["http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier"]`,

		"apple":     "claims.sub",
		"x":         "claims.id",
		"linkedin":  "claims.sub",
		"amazon":    "claims.user_id",
		"yahoo":     "claims.sub",
		"myaccount": "claims.UCRN",
	} {
		if got := loadPreset(t, preset).Subject; got != want {
			t.Errorf("%s: subject is %s, want %s", preset, got, want)
		}
	}
}
