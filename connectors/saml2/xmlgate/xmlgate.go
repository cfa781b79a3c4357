// Package xmlgate is the one way by which XML from outside comes in, and the
// way it goes out.
//
// Signature wrapping and its kin live from two parsers that read one document
// differently, and from trees that cost more than the document is worth. So
// [Parse] refuses, in one linear pass, whatever could make readers disagree:
// DOCTYPE and entities, comments, processing instructions, a second root,
// attributes that repeat, IDs that repeat, relative namespaces, foreign
// encodings; and, before it adds to the tree, whatever is too long, too deep or
// too wide. What came through is still [Unverified]: only xmlsig makes it
// something to believe.
package xmlgate

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/beevik/etree"
)

// Limits bound a document. A field that is zero has its default.
type Limits struct {
	Bytes      int // default 1 MiB
	Elements   int // default 20,000; and three times as many attributes
	Depth      int // default 64
	Attributes int // of one element; default 32
	// Documents says that comments, processing instructions and a byte order
	// mark are dropped, not refused: metadata is full of them, and people
	// write it.
	Documents bool
}

// Longest is how many bytes there may be.
func (l Limits) Longest() int { return cmp.Or(l.Bytes, 1<<20) }

func (l Limits) withDefaults() Limits {
	l.Bytes = l.Longest()
	l.Elements = cmp.Or(l.Elements, 20_000)
	l.Depth = cmp.Or(l.Depth, 64)
	l.Attributes = cmp.Or(l.Attributes, 32)
	return l
}

// Unverified is an element that passed the gate, and no more: anybody may have
// written it.
type Unverified struct{ Element }

// Element is a read-only view of an element. Names are always compared by
// namespace and local name, never by prefix.
type Element struct{ e *etree.Element }

// View wraps an element that this module made itself or has verified.
func View(e *etree.Element) Element { return Element{e} }

// Tree is the element itself, for the packages of the kit that sign, verify
// and encrypt. It must not be changed.
func (e Element) Tree() *etree.Element { return e.e }

// Exists reports whether there is an element: the zero Element is none.
func (e Element) Exists() bool { return e.e != nil }

// Is reports whether the element has this namespace and local name.
func (e Element) Is(space, local string) bool {
	return e.e != nil && e.e.Tag == local && e.e.NamespaceURI() == space
}

// Attr returns the value of the attribute without a namespace, or "".
func (e Element) Attr(local string) string {
	if e.e == nil {
		return ""
	}
	for _, a := range e.e.Attr {
		if a.Space == "" && a.Key == local {
			return a.Value
		}
	}
	return ""
}

// Children returns the child elements of this name, in order; with local ""
// all of them.
func (e Element) Children(space, local string) []Element {
	if e.e == nil {
		return nil
	}
	var found []Element
	for child := range e.e.ChildElementsSeq() {
		if c := (Element{child}); local == "" || c.Is(space, local) {
			found = append(found, c)
		}
	}
	return found
}

// Child returns the first child element of this name, or the zero Element.
func (e Element) Child(space, local string) Element {
	if e.e == nil {
		return Element{}
	}
	for child := range e.e.ChildElementsSeq() {
		if c := (Element{child}); c.Is(space, local) {
			return c
		}
	}
	return Element{}
}

// Text returns the text of an element that has no child elements, white space
// around it removed; "" for the zero Element or one that has children.
func (e Element) Text() string {
	if e.e == nil {
		return ""
	}
	var text strings.Builder
	for _, token := range e.e.Child {
		switch t := token.(type) {
		case *etree.CharData:
			text.WriteString(t.Data)
		case *etree.Element:
			return ""
		}
	}
	return strings.Trim(text.String(), " \t\r\n")
}

// Bytes writes an element as it goes out: white space that a reader would
// change is escaped, so that a signature over it holds.
func Bytes(e *etree.Element) []byte {
	var out bytes.Buffer
	e.WriteTo(&out, &etree.WriteSettings{CanonicalAttrVal: true, CanonicalText: true})
	return out.Bytes()
}
