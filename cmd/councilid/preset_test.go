package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// preset runs councilid preset and returns what it prints.
func preset(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	if status := execute(append([]string{"preset"}, args...), &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	return stdout.String()
}

// blanks makes one of any number of them.
func blanks(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestPresetList(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(preset(t, "list"), "\n"), "\n")
	if got, want := len(lines), 1+len(config.PresetNames(connectors.Presets())); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	got := blanks(strings.Join(lines, "\n"))
	for _, want := range []string{
		"PRESET SPEAKS STATUS CHECKED PROVES FOR",
		"google OpenID Connect stable 20",
		"github OAuth 2.0 stable 20",
		"shibboleth SAML 2.0 beta 20",
		" P2.Cm.F0.R0 Needs an agreement with GOV.UK One Login",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	for _, line := range lines {
		if len([]rune(line)) > 140 {
			t.Errorf("too long a line: %s", line)
		}
	}
}

func TestPresetShow(t *testing.T) {
	for name, lines := range map[string][]string{
		"govuk-one-login": {
			"GOV.UK One Login, by OpenID Connect. Checked on 20",
			"Needs an agreement with GOV.UK One Login.",
			"register its public part, or the address https://login.strathmore.gov.uk/connectors/way/metadata.",
			"callback, or redirect URI https://login.strathmore.gov.uk/callback/way",
			"public keys (JWKS) https://login.strathmore.gov.uk/connectors/way/metadata",
			"return after signing out https://login.strathmore.gov.uk/logout/way",
			"back-channel logout https://login.strathmore.gov.uk/logout/way/backchannel",
			"landing page, for people who come back days later https://login.strathmore.gov.uk/landing/way",
			"What to write, as connectors/way.yaml preset: govuk-one-login",
			"# client_id is the council's registration at the provider. client_id: oidc: # private_key is",
			"private_key: file:keys/way.pem",
			"identity P2, medium confidence in who somebody is P1 where core has P1",
			"Cm where id_token has Cl.Cm",
			"residency R0, nothing about where somebody lives",
			"sign_in P0.Cm.F0.R0 prove P2.Cm.F0.R0, after sign_in",
		},
		"microsoft": {"front-channel logout https://login.strathmore.gov.uk/logout/way", "tenants: []"},
		"facebook": {
			"events about accounts https://login.strathmore.gov.uk/events/way",
			"requests to delete data https://login.strathmore.gov.uk/events/way/deletion",
			"client_secret: env:WAY_CLIENT_SECRET",
			"authenticator Cl, one factor always Cl",
		},
		"shibboleth": {
			"entityID https://login.strathmore.gov.uk/connectors/way/metadata",
			"assertion consumer service https://login.strathmore.gov.uk/callback/way",
			"single logout service https://login.strathmore.gov.uk/logout/way",
			"saml: # metadata is where the provider's metadata is. metadata: {file: connectors/way.xml}",
		},
		"myaccount": {"Its facts are not public", "return after signing out https://login.strathmore.gov.uk/logout/way"},
		"council":   {"Email address or passkey, by the broker.", "What to write, as connectors/way.yaml preset: council What a sign-in proves"},
	} {
		shown := preset(t, "show", name, "--issuer", "https://login.strathmore.gov.uk/", "--id", "way")
		for _, line := range lines {
			if !strings.Contains(blanks(shown), line) {
				t.Errorf("%s: no %q in\n%s", name, line, shown)
			}
		}
	}
}

func TestPresetUnknown(t *testing.T) {
	for args, want := range map[string]struct {
		status int
		said   string
	}{
		"show gogle":             {2, "councilid: there is no preset \"gogle\"; did you mean \"google\"?\n"},
		"show nowhere":           {2, "councilid: there is no preset \"nowhere\"\n"},
		"show":                   {2, "councilid: accepts 1 arg(s), received 0\n"},
		"show google --id Ready": {1, "councilid: \"Ready\" cannot be an id"},
		"list google":            {2, "councilid: unknown command"},
	} {
		var stdout, stderr strings.Builder
		if got := execute(append([]string{"preset"}, strings.Fields(args)...), &stdout, &stderr); got != want.status {
			t.Errorf("preset %s: status %d, want %d", args, got, want.status)
		}
		if !strings.HasPrefix(stderr.String(), want.said) {
			t.Errorf("preset %s: %q, want %q", args, stderr.String(), want.said)
		}
	}
}

// What is printed to be written needs nothing but what the operator alone knows.
func TestPresetSkeleton(t *testing.T) {
	for _, name := range config.PresetNames(connectors.Presets()) {
		t.Run(name, func(t *testing.T) {
			files := soundFolder()
			files["broker.yaml"] += "mail: {smtp: terminal, from: no-reply@example.gov.uk}\n"
			files["keys/way.pem"], files["keys/way-encryption.pem"] = keysOf(t, name)
			delete(files, "connectors/google.yaml")
			skeleton := skeletonOf(t, name)
			files["connectors/way.yaml"] = skeleton
			var stdout, stderr strings.Builder
			dir := writeFiles(t, files)
			t.Setenv("WAY_CLIENT_SECRET", strings.Repeat("0f", 32))
			if status := execute([]string{"check", "--config", dir}, &stdout, &stderr); status == 0 && name != "council" {
				t.Errorf("nothing is left open:\n%s", skeleton)
			}
			stdout.Reset()
			files["connectors/way.yaml"] = filledIn(skeleton)
			if status := execute([]string{"check", "--config", writeFiles(t, files)}, &stdout, &stderr); status != 0 {
				t.Errorf("%s\n%s", stdout.String(), files["connectors/way.yaml"])
			}
		})
	}
}

// skeletonOf is the file that is printed for a connector.
func skeletonOf(t *testing.T, name string) string {
	t.Helper()
	shown := preset(t, "show", name, "--id", "way")
	if strings.Contains(shown, "ISSUER/") || strings.Contains(shown, "/ID") {
		t.Errorf("an address is not filled in:\n%s", shown)
	}
	_, rest, _ := strings.Cut(shown, "What to write, as connectors/way.yaml\n\n")
	file, _, found := strings.Cut(rest, "\n\nWhat a sign-in proves")
	if !found {
		t.Fatal("no file is printed")
	}
	return file + "\n"
}

// filledIn is a skeleton in which the operator has written what they know.
func filledIn(skeleton string) string {
	open := regexp.MustCompile(`(?m)^( *(client_id|key_id|team)):$`)
	return strings.NewReplacer(
		"{file: connectors/way.xml}", "{url: https://provider.example/metadata, entity_id: https://provider.example}",
		"tenants: []", "tenants: [a]",
	).Replace(open.ReplaceAllString(skeleton, "$1: known"))
}

// keysOf are keys of the kinds that a preset wants.
func keysOf(t *testing.T, name string) (signing, encryption string) {
	t.Helper()
	p, err := config.LoadPreset(connectors.Presets(), name, exampleIssuer, "way")
	if err != nil {
		t.Fatal(err)
	}
	signing, encryption = rsaKey(t), rsaKey(t)
	if o := p.OIDC; o != nil && (o.ClientAuth == "signed_secret" || o.AssertionAlgorithm == "ES256") {
		signing = ecKey(t)
	}
	if o := p.OIDC; o != nil && o.Encryption != nil && strings.HasPrefix(o.Encryption.KeyAlgorithms[0], "ECDH") {
		encryption = ecKey(t)
	}
	return signing, encryption
}

func rsaKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}
