package config

import (
	"reflect"
	"strings"
)

// field is one key of a struct.
type field struct {
	reflect.StructField
	key      string
	optional bool
	enum     []string
}

// fieldsOf lists the keys of a struct. A yaml tag without omitempty makes a
// key required; the jsonschema tag lists the values allowed, for us and for
// the editor's schema.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for f := range t.Fields() {
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		fields = append(fields, field{f, key, options == "omitempty", enumOf(f.Tag)})
	}
	return fields
}

func enumOf(tag reflect.StructTag) []string {
	var choices []string
	for part := range strings.SplitSeq(tag.Get("jsonschema"), ",") {
		if choice, ok := strings.CutPrefix(part, "enum="); ok {
			choices = append(choices, choice)
		}
	}
	return choices
}
