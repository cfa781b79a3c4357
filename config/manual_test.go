package config

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// MakeSchema makes the schema of the files from the types, whose comments are the
// manual.
func MakeSchema() ([]byte, error) {
	comments, err := commentsOfTypes()
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

// commentsOfTypes returns the comments of the types, under Type and Type.Field.
func commentsOfTypes() (map[string]string, error) {
	comments := map[string]string{}
	for _, name := range []string{
		"config.go", "connector.go", "app.go", "saml.go", "oidc.go", "levels.go", "events.go", "council.go", "residents.go", "simulator.go",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
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
