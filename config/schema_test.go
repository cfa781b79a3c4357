package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/councilid/councilid/config"
)

const schemaFile = "example/councilid.schema.json"

// The schema is that of the types; -update renews it.
func TestSchemaFile(t *testing.T) {
	got, err := config.MakeSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, schemaFile, got)
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not up to date, run go test -update (-want +got):\n%s", schemaFile, diff)
	}
}

// compileSchema returns the schema of one kind of file.
func compileSchema(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("councilid.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return must(c.Compile("councilid.schema.json#/$defs/" + kind))
}

func fromYAML(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaOfExample(t *testing.T) {
	for pattern, kind := range map[string]string{
		"example/broker.yaml":       "Broker",
		"example/connectors/*.yaml": "Connector",
		"../connectors/presets/*":   "Connector",
		"example/apps/*.yaml":       "App",
	} {
		schema := compileSchema(t, kind)
		for _, name := range must(filepath.Glob(pattern)) {
			text := string(must(os.ReadFile(name)))
			if err := schema.Validate(fromYAML(t, text)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			first, _, _ := strings.Cut(text, "\n")
			if strings.HasPrefix(name, "example") && !strings.HasSuffix(first, "councilid.schema.json#/$defs/"+kind) {
				t.Errorf("%s: first line does not name the schema of %s: %s", name, kind, first)
			}
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	for _, tt := range []struct{ kind, text string }{
		{"Broker", "issuer: https://x\nlisten_on: :443"},
		{"Broker", "listen: :443"},
		{"Broker", "issuer: https://x\nmaster_key: 0123"},
		{"Broker", "issuer: https://x\nsession: {idle: 30}"},
		{"Broker", "issuer: https://x\nlook: {languages: [fr]}"},
		{"Connector", "oidc: {pkce: optional}"},
		{"Connector", "oidc: {algorithms: [none]}"},
		{"Connector", "errors: {x: panic}"},
		{"Connector", "events: {protocol: risc, actions: {x: panic}}"},
		{"Connector", "cap: {identity: Cm}"},
		{"Connector", "ask: [{reaches: {identity: P2}}]"},
		{"Connector", "label: {fr: Google}"},
		{"Connector", "client_secret: hunter2"},
		{"Connector", "saml: {metadata: {uri: https://x}}"},
		{"Connector", "saml: {response: {signed: nothing}}"},
		{"Connector", "saml: {request: {eidas: {sp_type: public}}}"},
		{"App", "label: x\nsaml: {manual: {entity_id: x}}"},
		{"App", "label: x\nsaml: {nameid: {formats: [kerberos]}}"},
		{"App", "label: x\nrelease: [{as: x, name_format: url}]"},
		{"App", "label: x\noidc: {redirect_uri: [https://x]}"},
		{"App", "label: x\nrelease: [{value: claims.x}]"},
		{"App", "oidc: {redirect_uris: [https://x]}"},
	} {
		if err := compileSchema(t, tt.kind).Validate(fromYAML(t, tt.text)); err == nil {
			t.Errorf("%s: accepted %q", tt.kind, tt.text)
		}
	}
}

// Every key carries its comment into the editor.
func TestSchemaDescribes(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if len(schema.Defs) < 20 {
		t.Errorf("only %d definitions", len(schema.Defs))
	}
	for name, def := range schema.Defs {
		for key, property := range def.Properties {
			if property.Description == "" {
				t.Errorf("%s: %s has no description", name, key)
			}
		}
	}
}
