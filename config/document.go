package config

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is one YAML file and where its keys and values stand.
type document struct {
	name   string // as problems name it: apps/council-tax.yaml
	lines  []string
	body   *ast.MappingNode    // nil for a file without content
	keys   map[string]ast.Node // by path, as in oidc.redirect_uris
	values map[string]ast.Node // by path, as in oidc.redirect_uris[0]
}

// parse reads a file's text. Where it returns a problem the document is of no
// use.
func parse(name string, text []byte) (*document, *Problem) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // Windows editors' byte order mark
	d := &document{
		name:   name,
		lines:  strings.Split(string(text), "\n"),
		keys:   map[string]ast.Node{},
		values: map[string]ast.Node{},
	}
	if !utf8.Valid(text) {
		return d, d.problem(0, 0, "this file is not UTF-8 text")
	}
	// Duplicate keys are found while decoding, with all other mistakes.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		at := e.Token.Position
		return d, d.problem(at.Line, at.Column, "not YAML: "+e.Message)
	}
	if err != nil {
		return d, d.problem(0, 0, "not YAML: "+err.Error())
	}
	if len(file.Docs) > 1 {
		at := start(file.Docs[1]).Position
		return d, d.problem(at.Line, at.Column, "a second document (---): write one thing a file")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return d, nil
	}
	body, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok {
		at := start(file.Docs[0]).Position
		return d, d.problem(at.Line, at.Column, "this file must be a mapping of keys to values")
	}
	d.body = body
	return d, nil
}

// problem describes a mistake at a position of the document.
func (d *document) problem(line, column int, message string) *Problem {
	p := &Problem{File: d.name, Line: line, Column: column, Message: message}
	if line > 0 && line <= len(d.lines) {
		p.Source = blot(strings.TrimRight(d.lines[line-1], "\r"))
	}
	return p
}

// has reports whether the operator wrote something at path.
func (d *document) has(path string) bool { return d.values[path] != nil }

// position returns where the value at path stands, or the key that it would
// belong to. Zero means the whole file.
func (d *document) position(path string) (line, column int) {
	for path != "" {
		node := d.values[path]
		if _, scalar := node.(ast.ScalarNode); !scalar && d.keys[path] != nil {
			node = d.keys[path]
		}
		if node != nil {
			at := start(node).Position
			return at.Line, at.Column
		}
		path = parent(path)
	}
	return 0, 0
}

// inside returns where a position within the scalar at path stands in the
// file. Quotes, folding and indentation change the blanks of a scalar and
// never its other characters: those are counted.
func (d *document) inside(path string, line, column int) (int, int) {
	node := d.values[path]
	text, ok := scalarText(node)
	if !ok || line < 1 {
		return d.position(path)
	}
	at := start(node).Position
	reader := scalarReader{lines: d.lines, line: at.Line - 1, column: at.Column - 1}
	reader.open(node)
	for range solids(text, line, column) {
		reader.next()
	}
	return reader.here()
}

// solids counts the characters of text, blanks left out, before a position.
func solids(text string, line, column int) int {
	n, l, c := 0, 1, 1
	for _, r := range text {
		if l > line || l == line && c >= column {
			break
		}
		if !unicode.IsSpace(r) {
			n++
		}
		if c++; r == '\n' {
			l, c = l+1, 1
		}
	}
	return n
}

// scalarReader walks over the written form of a scalar.
type scalarReader struct {
	lines        []string
	line, column int // from 0, in characters
	quote        rune
}

// open moves from the scalar's token to its first character.
func (r *scalarReader) open(node ast.Node) {
	switch node.GetToken().Type {
	case token.LiteralType, token.FoldedType: // | or >, then the text
		r.line, r.column = r.line+1, 0
	case token.SingleQuoteType:
		r.quote, r.column = '\'', r.column+1
	case token.DoubleQuoteType:
		r.quote, r.column = '"', r.column+1
	}
}

// next passes one character that is not blank, escaped or not.
func (r *scalarReader) next() {
	c, after := r.solid()
	r.column++
	switch {
	case r.quote == '\'' && c == '\'': // YAML 1.2 §7.3.2: '' is one quote
		r.column++
	case r.quote == '"' && c == '\\': // YAML 1.2 §5.7
		r.column++
		if strings.ContainsRune("nrtvf _NLP", after) || after == 0 {
			r.next()
		}
		r.column += map[rune]int{'x': 2, 'u': 4, 'U': 8}[after]
	}
}

// solid moves to the next character that is not blank and returns it and the
// one after it. At the end of the file it returns zeros.
func (r *scalarReader) solid() (c, after rune) {
	for ; r.line < len(r.lines); r.line, r.column = r.line+1, 0 {
		line := []rune(r.lines[r.line])
		for ; r.column < len(line); r.column++ {
			if unicode.IsSpace(line[r.column]) {
				continue
			}
			if r.column+1 < len(line) {
				after = line[r.column+1]
			}
			return line[r.column], after
		}
	}
	return 0, 0
}

// here returns the position of the next character, from 1.
func (r *scalarReader) here() (line, column int) {
	end := *r
	if c, _ := end.solid(); c == 0 {
		return r.line + 1, r.column + 1
	}
	return end.line + 1, end.column + 1
}
