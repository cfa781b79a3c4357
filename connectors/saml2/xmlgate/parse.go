package xmlgate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// longest is the length of the longest name and the longest namespace.
const longest = 256

// spread is how many times its greatest length a document may have when each
// namespace is written out wherever it is used, as exclusive canonicalisation
// does.
const spread = 8

// perElement is how many attributes the elements may have on average, were
// there as many as there may be: an AttributeValue that declares its type has
// three, and few documents are nothing but these.
const perElement = 3

// declaration is the inside of an XML declaration. It is held to the letter,
// since readers differ on what they make of a loose one.
var declaration = regexp.MustCompile(`^version=(?:"1\.0"|'1\.0')` +
	`(?:\s+encoding=(?:"(?i:utf-8)"|'(?i:utf-8)'))?` +
	`(?:\s+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?\s*$`)

// Parse reads a document of one root. Errors say what was refused and never
// quote the document.
func Parse(raw []byte, l Limits) (Unverified, error) {
	l = l.withDefaults()
	if len(raw) > l.Bytes {
		return Unverified{}, errors.New("document too long")
	}
	if bytes.IndexByte(raw, 0) >= 0 { // UTF-16, among others
		return Unverified{}, errors.New("document contains a NUL byte")
	}
	if l.Documents {
		raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	}
	g := gate{
		Limits: l, raw: raw, dec: xml.NewDecoder(bytes.NewReader(raw)),
		scope: NewScope(), ids: make(map[string]bool), seen: make(map[xml.Name]bool),
	}
	if err := g.run(); err != nil {
		return Unverified{}, err
	}
	return Unverified{Element{g.root}}, nil
}

// gate is one pass over a document.
type gate struct {
	Limits
	raw []byte
	dec *xml.Decoder // reads raw tokens: names are resolved here, not there

	root     *etree.Element
	open     []level
	elements int
	attrs    int
	spelt    int // the length of all namespaces, wherever they are used
	scope    *Scope
	ids      map[string]bool
	seen     map[xml.Name]bool // attributes of the element being read
}

// level is an element that has not ended.
type level struct {
	e    *etree.Element
	mark int // of the scope around it
}

func (g *gate) run() error {
	for {
		from := g.dec.InputOffset()
		if err := g.foresee(g.raw[from:]); err != nil {
			return err
		}
		token, err := g.dec.RawToken()
		if err == io.EOF {
			return g.end()
		}
		if err != nil {
			return malformed(err)
		}
		if err := g.take(token, g.raw[from:g.dec.InputOffset()]); err != nil {
			return err
		}
	}
}

// malformed says where, but not what, since the decoder's words quote it.
func malformed(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Errorf("not well-formed XML in line %d", syntax.Line)
	}
	return errors.New("not XML 1.0 in UTF-8")
}

func (g *gate) end() error {
	if g.root == nil || len(g.open) > 0 {
		return errors.New("document not complete")
	}
	return nil
}

// take judges one token and adds it to the tree. raw is how it was written.
func (g *gate) take(token xml.Token, raw []byte) error {
	switch t := token.(type) {
	case xml.StartElement:
		return g.start(t, raw)
	case xml.EndElement:
		return g.finish(t)
	case xml.CharData:
		return g.text(string(t), raw)
	case xml.ProcInst:
		return g.instruction(t, len(raw) == int(g.dec.InputOffset()))
	case xml.Comment:
		if g.Documents {
			return nil
		}
		return errors.New("comment")
	default: // xml.Directive: DOCTYPE and all that it can hold
		return errors.New("directive")
	}
}

func (g *gate) instruction(t xml.ProcInst, first bool) error {
	switch {
	case t.Target == "xml" && first && declaration.Match(t.Inst):
		return nil
	case t.Target == "xml":
		return errors.New("XML declaration")
	case g.Documents:
		return nil
	}
	return errors.New("processing instruction")
}

func (g *gate) text(t string, raw []byte) error {
	switch {
	case misread(t, raw):
		return errSurrogate
	case len(g.open) > 0:
		g.top().CreateText(t)
	// Not even as a reference or CDATA (XML 1.0 §2.8): white space alone is "Misc".
	case len(bytes.Trim(raw, " \t\r\n")) > 0:
		return errors.New("text outside the root element")
	}
	return nil
}

func (g *gate) top() *etree.Element { return g.open[len(g.open)-1].e }

func (g *gate) start(t xml.StartElement, raw []byte) error {
	g.elements++
	g.attrs += len(t.Attr)
	switch {
	case g.root != nil && len(g.open) == 0:
		return errors.New("second root element")
	case g.elements > g.Elements:
		return errors.New("too many elements")
	case len(g.open) >= g.Depth:
		return errors.New("elements nested too deeply")
	case g.attrs/perElement > g.Elements:
		return errTooMany
	case t.Name.Space == "xml":
		return errors.New("element of a reserved namespace")
	}
	if err := normalize(t.Attr, raw); err != nil {
		return err
	}
	mark := g.scope.Mark()
	if err := g.declare(t.Attr); err != nil {
		return err
	}
	if _, err := g.resolve(t.Name, g.scope.Space("")); err != nil {
		return err
	}
	return g.attributes(g.add(t.Name, mark), t.Attr)
}

// add puts an element into the tree; mark is of the scope around it.
func (g *gate) add(name xml.Name, mark int) *etree.Element {
	e := etree.NewElement(name.Local)
	e.Space = name.Space
	if g.root == nil {
		g.root = e
	} else {
		g.top().AddChild(e)
	}
	g.open = append(g.open, level{e, mark})
	return e
}

func (g *gate) finish(t xml.EndElement) error {
	if len(g.open) == 0 {
		return errors.New("end tag without a start")
	}
	last := g.open[len(g.open)-1]
	if last.e.Space != t.Name.Space || last.e.Tag != t.Name.Local {
		return errors.New("end tag of another name")
	}
	g.scope.Release(last.mark)
	g.open = g.open[:len(g.open)-1]
	return nil
}

// declare puts an element's namespace declarations in force.
func (g *gate) declare(attrs []xml.Attr) error {
	for _, a := range attrs {
		prefix, ok := Declaration(a.Name.Space, a.Name.Local)
		if !ok {
			continue
		}
		if err := declarable(prefix, a.Value); err != nil {
			return err
		}
		g.scope.Bind(prefix, a.Value)
	}
	return nil
}

// attributes adds them to the element.
func (g *gate) attributes(e *etree.Element, attrs []xml.Attr) error {
	clear(g.seen)
	e.Attr = make([]etree.Attr, 0, len(attrs))
	for _, a := range attrs {
		name := a.Name
		if _, ok := Declaration(a.Name.Space, a.Name.Local); !ok {
			space, err := g.resolve(a.Name, "")
			if err != nil {
				return err
			}
			name.Space = space // Namespaces in XML §6.3: two prefixes can be one name
			if err := g.identify(a); err != nil {
				return err
			}
		}
		if g.seen[name] {
			return errors.New("attribute repeated")
		}
		g.seen[name] = true
		e.CreateAttr(written(a.Name), a.Value)
	}
	return nil
}

// written is a name as it was written.
func written(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// resolve returns the namespace of a name; without is that of one without a
// prefix.
func (g *gate) resolve(n xml.Name, without string) (string, error) {
	switch {
	case len(n.Space) > longest, len(n.Local) > longest:
		return "", errors.New("name too long")
	case strings.Contains(n.Local, ":"), !startsName(n.Local), n.Space == "xmlns":
		// The decoder reads "a:" and ":a" as names of one part, and takes "a:1" too.
		return "", errors.New("malformed name")
	}
	space := without
	if n.Space != "" {
		if space = g.scope.Space(n.Space); space == "" {
			return "", errors.New("prefix not declared")
		}
	}
	if g.spelt += len(space); g.spelt/spread > g.Bytes {
		return "", errors.New("namespaces too long for the document")
	}
	return space, nil
}

// startsName reports whether a name can begin like this (Namespaces in XML §4).
func startsName(local string) bool {
	first, _ := utf8.DecodeRuneInString(local)
	return first == '_' || unicode.IsLetter(first)
}

// identify refuses an ID that another element has. Whatever anybody could take
// for an ID is one.
func (g *gate) identify(a xml.Attr) error {
	if !strings.EqualFold(a.Name.Local, "id") {
		return nil
	}
	if g.ids[a.Value] {
		return errors.New("ID repeated")
	}
	g.ids[a.Value] = true
	return nil
}

// normalize gives attributes the values of XML 1.0 §3.3.3: white space that was
// written as such becomes spaces, which the decoder leaves undone. What was
// written as a reference stays, but the decoder does not say which: a tag with
// both is refused.
func normalize(attrs []xml.Attr, tag []byte) error {
	for i, a := range attrs {
		if misread(a.Value, tag) {
			return errSurrogate
		}
		if !strings.ContainsAny(a.Value, "\t\n\r") {
			continue
		}
		if bytes.Contains(tag, []byte("&#")) {
			return errors.New("white space reference in an attribute")
		}
		attrs[i].Value = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(a.Value)
	}
	return nil
}

var errSurrogate = errors.New("reference to no character")

// misread reports whether a reference may be to a surrogate, which is no
// character (XML 1.0 §4.1): the decoder makes U+FFFD of it, and does not say
// where. Whatever has both is refused.
func misread(value string, raw []byte) bool {
	return strings.ContainsRune(value, utf8.RuneError) && bytes.Contains(raw, []byte("&#"))
}

var errTooMany = errors.New("too many attributes")

// foresee refuses a start tag before the decoder reads it: one of too many
// attributes, which it would read all, and one without white space before each
// of them (XML 1.0 §3.1), which it does not ask for. Of whatever else comes next
// it says nothing.
func (g *gate) foresee(next []byte) error {
	if len(next) < 2 || next[0] != '<' || next[1] == '!' || next[1] == '?' {
		return nil
	}
	for n := 0; ; n++ {
		from := bytes.IndexAny(next, `"'>`)
		if from < 0 || next[from] == '>' {
			return nil
		}
		length := bytes.IndexByte(next[from+1:], next[from])
		if length < 0 {
			return nil // the decoder will say so
		}
		next = next[from+1+length+1:]
		switch {
		case n == g.Attributes:
			return errTooMany
		case !bytes.ContainsAny(next[:min(1, len(next))], " \t\r\n/>"):
			return errors.New("no white space between attributes")
		}
	}
}
