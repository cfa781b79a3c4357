package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
)

func TestLoadPreset(t *testing.T) {
	presets := os.DirFS("../connectors/presets")
	for name, want := range map[string][]string{
		"google":          {"client_id", "client_secret"},
		"facebook":        {"client_id", "client_secret"},
		"microsoft":       {"client_id", "client_secret", "oidc.tenants"},
		"govuk-one-login": {"client_id", "oidc.private_key"},
		"apple":           {"client_id", "oidc.key_id", "oidc.private_key", "oidc.team"},
		"shibboleth":      {"saml.metadata"},
		"council":         nil,
	} {
		p, err := config.LoadPreset(presets, name, "https://login.example.gov.uk", "works")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Missing); diff != "" {
			t.Errorf("%s: missing (-want +got):\n%s", name, diff)
		}
	}
	p, err := config.LoadPreset(presets, "shibboleth", "https://login.example.gov.uk", "works")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.SAML.EntityID, "https://login.example.gov.uk/connectors/works/metadata"; got != want {
		t.Errorf("entityID %s, want %s", got, want)
	}
}

func TestLoadPresetMistakes(t *testing.T) {
	_, presets := writeFolder(t, parseArchive(t, "testdata/base.txtar").Files)
	for name, want := range map[string]string{
		"strikt":    `connectors/works.yaml:1:9: there is no preset "strikt"; did you mean "strict"?`,
		"../strict": `connectors/works.yaml:1:9: there is no preset "../strict"`,
		"[":         "connectors/works.yaml:1:9: not YAML: ",
	} {
		if _, err := config.LoadPreset(presets, name, "https://login.example.gov.uk", "works"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// What an operator has to write is in the manual.
func TestDescribe(t *testing.T) {
	presets := os.DirFS("../connectors/presets")
	paths := []string{"oidc.encryption.key"}
	for _, name := range config.PresetNames(presets) {
		p, err := config.LoadPreset(presets, name, "https://login.example.gov.uk", name)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p.Missing...)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		text, err := config.Describe(path)
		key := path[strings.LastIndex(path, ".")+1:]
		if err != nil || !strings.HasPrefix(text, key+" ") || !strings.HasSuffix(text, ".") || strings.Contains(text, "Example") {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	if _, err := config.Describe("oidc.private_keys"); err == nil {
		t.Error("a key that there is not is described")
	}
}
