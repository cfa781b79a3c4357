package config

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// decoder carries a document into a struct in one walk over both. The YAML
// library's own strict decoding stops at the first mistake; this one reports
// it, leaves the value as it was and goes on.
//
// What is already in the struct stays unless the document says otherwise:
// structs and maps are filled in key by key, lists are replaced. That is all
// there is to defaults (set before) and presets (decoded before).
//
// Anchors, aliases, merge keys and tags are refused: a reader of the file
// should see what it says, and no file can grow while it is read.
type decoder struct {
	doc      *document
	dir      string // what file: secrets are relative to
	problems *Problems
}

// defaulter is a struct with defaults other than zero values.
type defaulter interface{ setDefaults() }

// decode fills in to, a pointer to a struct.
func (d *decoder) decode(to defaulter) {
	v := reflect.ValueOf(to).Elem()
	if d.doc.body == nil {
		d.required("", v)
		return
	}
	d.value("", d.doc.body, v)
}

// report adds a problem at a node.
func (d *decoder) report(path string, n ast.Node, format string, args ...any) *Problem {
	at := start(n).Position
	p := d.doc.problem(at.Line, at.Column, fmt.Sprintf(format, args...))
	p.Path = path
	*d.problems = append(*d.problems, *p)
	return &(*d.problems)[len(*d.problems)-1]
}

// value decodes node n, found at path, into v.
func (d *decoder) value(path string, n ast.Node, v reflect.Value) {
	d.doc.values[path] = n
	switch n.(type) {
	case *ast.NullNode:
		d.report(path, n, "%s has no value: leave the key out for its default", leaf(path))
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.report(path, n, "anchors, aliases and tags are not read here: write the value out")
		return
	}
	switch to := v.Addr().Interface().(type) {
	case *Secret:
		d.secret(path, n, to)
	case *Text:
		d.text(path, n, v)
	case *Release:
		d.release(path, n, v)
	case *time.Duration:
		d.duration(path, n, to)
	case **Level:
		d.level(path, n, v)
	default:
		d.kind(path, n, v)
	}
}

func (d *decoder) kind(path string, n ast.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		d.pointer(path, n, v)
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.scalar(path, n, v)
	}
}

func (d *decoder) pointer(path string, n ast.Node, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
		if block, ok := v.Interface().(defaulter); ok {
			block.setDefaults()
		}
	}
	d.value(path, n, v.Elem())
}

// structure decodes a mapping whose keys are the fields of v.
func (d *decoder) structure(path string, n ast.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for key, pair := range d.pairs(path, n) {
		at := join(path, key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			d.unknown(path, key, pair.Key, fields, v.Type())
			continue
		}
		d.field(at, pair.Value, v.FieldByIndex(fields[i].Index), fields[i].enum)
	}
	d.required(path, v)
}

// field decodes the value of one key, which may have to be one of some choices.
func (d *decoder) field(path string, n ast.Node, v reflect.Value, choices []string) {
	if choices == nil {
		d.value(path, n, v)
		return
	}
	if v.Kind() == reflect.Map {
		d.value(path, n, v)
		d.chosenEach(path, v, choices)
		return
	}
	got := reflect.New(v.Type()).Elem()
	d.value(path, n, got)
	if !got.IsZero() && d.chosen(path, got, choices) {
		v.Set(got)
	}
}

// chosen holds a value, or each of a list, to the choices of its field.
func (d *decoder) chosen(path string, v reflect.Value, choices []string) bool {
	if v.Kind() == reflect.Slice {
		ok := true
		for i := range v.Len() {
			ok = d.chosen(indexed(path, i), v.Index(i), choices) && ok
		}
		return ok
	}
	if v.String() == "" || slices.Contains(choices, v.String()) {
		return true
	}
	p := d.report(path, d.doc.values[path], "%s must be %s, not %q", leaf(path), or(choices), v.String())
	p.Suggest = nearest(v.String(), choices)
	return false
}

// chosenEach holds the values that the document gives a map to the choices of
// its field, and drops the others.
func (d *decoder) chosenEach(path string, v reflect.Value, choices []string) {
	for _, key := range v.MapKeys() {
		if at := join(path, key.String()); d.doc.has(at) && !d.chosen(at, v.MapIndex(key), choices) {
			v.SetMapIndex(key, reflect.Value{})
		}
	}
}

// unknown reports a key that is not in the manual. What it was meant for
// counts as written, so that one slip is one problem.
func (d *decoder) unknown(path, key string, n ast.Node, fields []field, in reflect.Type) {
	p := d.report(join(path, key), n, "unknown key %q", key)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	if p.Suggest = nearest(key, names); p.Suggest == "" {
		p.Suggest = elsewhere(key, in)
	}
	if p.Suggest == "" {
		return
	}
	if meant := join(path, p.Suggest); !d.doc.has(meant) {
		d.doc.values[meant] = n
	}
	i := slices.Index(names, p.Suggest)
	if i >= 0 && fields[i].Type == reflect.TypeFor[Secret]() {
		head, _, _ := strings.Cut(p.Source, key)
		p.Source = head + key + ": " + redacted
	}
}

// required reports the keys that v must have and has not.
func (d *decoder) required(path string, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		at := join(path, f.key)
		if f.optional || !v.FieldByIndex(f.Index).IsZero() || d.doc.has(at) {
			continue
		}
		line, column := d.doc.position(path)
		p := d.doc.problem(line, column, at+" is required")
		p.Path = at
		*d.problems = append(*d.problems, *p)
	}
}

// mapping decodes a mapping whose keys are the operator's.
func (d *decoder) mapping(path string, n ast.Node, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for key, pair := range d.pairs(path, n) {
		element := reflect.New(v.Type().Elem()).Elem()
		if was := v.MapIndex(reflect.ValueOf(key)); was.IsValid() {
			element.Set(was)
		} else if block, ok := element.Addr().Interface().(defaulter); ok {
			block.setDefaults()
		}
		d.value(join(path, key), pair.Value, element)
		v.SetMapIndex(reflect.ValueOf(key), element)
	}
}

// pairs returns the keys of a mapping with what they hold, and reports keys
// that cannot be.
func (d *decoder) pairs(path string, n ast.Node) iter.Seq2[string, *ast.MappingValueNode] {
	return func(yield func(string, *ast.MappingValueNode) bool) {
		m, ok := n.(*ast.MappingNode)
		if !ok {
			d.report(path, n, "%s must be a mapping of keys to values, not %s", leaf(path), nature(n))
			return
		}
		for _, pair := range m.Values {
			key, ok := keyText(pair.Key)
			at := join(path, key)
			if !ok {
				d.report(path, pair.Key, "keys are plain words here")
				continue
			}
			if first, twice := d.doc.keys[at]; twice {
				d.report(at, pair.Key, "key %q is written twice, first in line %d", key, start(first).Position.Line)
				continue
			}
			d.doc.keys[at] = pair.Key
			if !yield(key, pair) {
				return
			}
		}
	}
}

func (d *decoder) list(path string, n ast.Node, v reflect.Value) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(path, n, "%s must be a list, not %s", leaf(path), nature(n))
		return
	}
	if len(list.Values) == 0 {
		d.report(path, n, "%s is an empty list: leave the key out for its default", leaf(path))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		if block, ok := v.Index(i).Addr().Interface().(defaulter); ok {
			block.setDefaults()
		}
		d.value(indexed(path, i), item, v.Index(i))
	}
}

func (d *decoder) scalar(path string, n ast.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if text, ok := d.string(path, n); ok {
			v.SetString(text)
		}
	case reflect.Int:
		i, err := strconv.ParseInt(n.GetToken().Value, 10, strconv.IntSize)
		if _, ok := n.(*ast.IntegerNode); !ok || err != nil {
			d.report(path, n, "%s must be a whole number, not %s", leaf(path), nature(n))
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.GetToken().Value, 64)
		if _, quoted := n.(*ast.StringNode); quoted || err != nil {
			d.report(path, n, "%s must be a number, not %s", leaf(path), nature(n))
			return
		}
		v.SetFloat(f)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.report(path, n, "%s must be true or false, not %s", leaf(path), nature(n))
			return
		}
		v.SetBool(b.Value)
	}
}

// string returns the text of a scalar. Numbers and truth values count as they
// are spelt: Facebook's client ids are digits, and true is a CEL expression.
func (d *decoder) string(path string, n ast.Node) (string, bool) {
	text, ok := scalarText(n)
	switch {
	case nature(n) == "a mapping":
		// Within braces the parser takes a.internal:6379 for a mapping.
		d.report(path, n, "%s must be text, not a mapping: text that holds a colon goes in quotes", leaf(path))
	case !ok:
		d.report(path, n, "%s must be text, not %s", leaf(path), nature(n))
	case text == "":
		d.report(path, n, "%s is empty: leave the key out for its default", leaf(path))
	}
	return text, ok && text != ""
}

func (d *decoder) duration(path string, n ast.Node, to *time.Duration) {
	text, ok := d.string(path, n)
	if !ok {
		return
	}
	took, err := time.ParseDuration(text)
	if err != nil {
		d.report(path, n, "%s must be a duration with its unit, as 30s, 10m or 12h, not %q", leaf(path), text)
		return
	}
	*to = took
}

// text decodes one text for every language, or one for each.
func (d *decoder) text(path string, n ast.Node, v reflect.Value) {
	if _, ok := n.(*ast.MappingNode); !ok {
		if text, ok := d.string(path, n); ok {
			v.Set(reflect.ValueOf(Text{"": text}))
		}
		return
	}
	v.SetZero() // a preset's languages go with its text
	d.mapping(path, n, v)
	for tag := range v.Interface().(Text) {
		if !slices.Contains(languages(), tag) {
			p := d.report(join(path, tag), d.doc.keys[join(path, tag)], "%q is not a language of the pages: use %s", tag, or(languages()))
			p.Suggest = nearest(tag, languages())
		}
	}
}

// level decodes one way of finding a level, which takes the place of the
// preset's other way.
func (d *decoder) level(path string, n ast.Node, v reflect.Value) {
	d.pointer(path, n, v)
	l, written := v.Interface().(*Level), func(key string) bool { return d.doc.has(join(path, key)) }
	switch read := written("from") || written("value") || written("map"); {
	case read && !written("always"):
		l.Always = ""
	case written("always") && !read:
		l.From, l.Value, l.Map = "", "", nil
	}
}

// release decodes the name of a claim, or {as, value}.
func (d *decoder) release(path string, n ast.Node, v reflect.Value) {
	if _, ok := n.(*ast.MappingNode); ok {
		d.structure(path, n, v)
		return
	}
	if name, ok := d.string(path, n); ok {
		v.Set(reflect.ValueOf(Release{As: name}))
	}
}
