package config

import (
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// manual is the source of the types, whose comments are the manual.
//
//go:embed config.go connector.go app.go saml.go oidc.go levels.go events.go council.go residents.go simulator.go
var manual embed.FS

// Schema returns the JSON Schema (draft 2020-12) of the files, made from the
// types and their comments. Its definitions Broker, Connector and App each
// describe one kind of file.
func Schema() ([]byte, error) {
	comments, err := manualComments()
	if err != nil {
		return nil, err
	}
	r := &jsonschema.Reflector{
		Anonymous:    true,
		FieldNameTag: "yaml",
		Mapper:       schemaOf,
		LookupComment: func(t reflect.Type, field string) string {
			return comments[strings.TrimSuffix(t.Name()+"."+field, ".")]
		},
	}
	whole := &jsonschema.Schema{
		Version:     jsonschema.Version,
		Title:       "councilid",
		Description: "A file of a councilid configuration folder.",
		Definitions: jsonschema.Definitions{},
	}
	for _, kind := range []any{Broker{}, Connector{}, App{}} {
		s := r.Reflect(kind)
		maps.Copy(whole.Definitions, s.Definitions)
		whole.AnyOf = append(whole.AnyOf, &jsonschema.Schema{Ref: s.Ref})
	}
	choose(whole.Definitions, reflect.TypeFor[Connector](), reflect.TypeFor[Events]())
	text, err := json.MarshalIndent(whole, "", "  ")
	return append(text, '\n'), err
}

// choose adds the choices for the values of maps, which the reflector leaves out.
func choose(definitions jsonschema.Definitions, types ...reflect.Type) {
	for _, t := range types {
		for _, f := range fieldsOf(t) {
			if f.Type.Kind() == reflect.Map && f.enum != nil {
				values, _ := definitions[t.Name()].Properties.Get(f.key)
				values.AdditionalProperties.Enum = anySlice(f.enum)
			}
		}
	}
}

// schemaOf describes the types that are not written as their kind in Go.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))}
	switch t {
	case reflect.TypeFor[Secret]():
		return &jsonschema.Schema{Type: "string", Pattern: "^(env|file):."}
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	case reflect.TypeFor[Text]():
		byLanguage := &jsonschema.Schema{
			Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
		}
		for _, lang := range languages() {
			byLanguage.Properties.Set(lang, text)
		}
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, byLanguage}}
	case reflect.TypeFor[Release]():
		named := &jsonschema.Schema{
			Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema, Required: []string{"as"},
		}
		for _, f := range fieldsOf(t) {
			key := &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))}
			if f.enum != nil {
				key = &jsonschema.Schema{Type: "string", Enum: anySlice(f.enum)}
			}
			named.Properties.Set(f.key, key)
		}
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, named}}
	}
	return nil
}

// Describe returns what the manual says of a connector's key, as
// oidc.private_key, without its default and its examples.
func Describe(path string) (string, error) {
	comments, err := manualComments()
	if err != nil {
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
		text = strings.Replace(comments[t.Name()+"."+f.Name], f.Name, f.key, 1)
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

// manualComments returns the comments of the types, under Type and Type.Field.
func manualComments() (map[string]string, error) {
	comments := map[string]string{}
	files, err := manual.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		source, err := manual.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if types, ok := d.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				readComments(types, comments)
			}
		}
	}
	return comments, nil
}

func readComments(types *ast.GenDecl, comments map[string]string) {
	for _, spec := range types.Specs {
		t := spec.(*ast.TypeSpec)
		comments[t.Name.Name] = strings.TrimSpace(types.Doc.Text())
		fields, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				comments[t.Name.Name+"."+name.Name] = strings.TrimSpace(f.Doc.Text())
			}
		}
	}
}

func anySlice(words []string) []any {
	all := make([]any, len(words))
	for i, w := range words {
		all[i] = w
	}
	return all
}
