package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// schema is made from the types and their comments, by go test -update.
//
//go:embed example/councilid.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the files. Its definitions
// Broker, Connector and App each describe one kind of file.
func Schema() []byte { return bytes.Clone(schema) }

// manual is what the schema says of the keys of each type.
type manual struct {
	Types map[string]struct {
		Keys map[string]struct {
			Text string `json:"description"`
		} `json:"properties"`
	} `json:"$defs"`
}

// Describe returns what the manual says of a connector's key, as
// oidc.private_key, without its default and its examples.
func Describe(path string) (string, error) {
	var m manual
	if err := json.Unmarshal(schema, &m); err != nil {
		return "", err
	}
	t, text := reflect.TypeFor[Connector](), ""
	for key := range strings.SplitSeq(path, ".") {
		fields := fieldsOf(t)
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			return "", fmt.Errorf("the manual has no key %s", path)
		}
		f := fields[i]
		text = strings.Replace(m.Types[t.Name()].Keys[f.key].Text, f.Name, f.key, 1)
		if t = f.Type; t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, aside := range []string{" Required", " Default:", " Example:"} {
		text, _, _ = strings.Cut(text, aside)
	}
	return text, nil
}
