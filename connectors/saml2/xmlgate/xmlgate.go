// Package xmlgate is the one way by which XML from outside comes in.
//
// Signature wrapping and its kin live from two parsers that read one document
// differently, and from trees that cost more than the document is worth. So
// [Parse] refuses, in one linear pass and before any tree is built, whatever
// could make readers disagree: DOCTYPE and entities, comments, processing
// instructions, a second root, attributes that repeat, IDs that repeat,
// relative namespaces, foreign encodings; and whatever is too long, too deep or
// too wide. What came through is still [Unverified]: only xmlsig makes it
// something to believe.
package xmlgate

import (
	"errors"

	"github.com/beevik/etree"
)

// Limits bound a document. A field that is zero has its default.
type Limits struct {
	Bytes      int // default 1 MiB
	Elements   int // default 20,000
	Depth      int // default 64
	Attributes int // of one element; default 64
	// Documents says that comments and processing instructions are dropped,
	// not refused: metadata is full of them, and people write it.
	Documents bool
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

// Parse reads a document of one root. Errors say what was refused and never
// quote the document.
func Parse(raw []byte, l Limits) (Unverified, error) {
	return Unverified{}, errors.New("xmlgate: stub")
}

// Exists reports whether there is an element: the zero Element is none.
func (e Element) Exists() bool { return e.e != nil }

// Is reports whether the element has this namespace and local name.
func (e Element) Is(space, local string) bool { panic("stub") }

// Attr returns the value of the attribute without a namespace, or "".
func (e Element) Attr(local string) string { panic("stub") }

// Children returns the child elements of this name, in order; with local ""
// all of them.
func (e Element) Children(space, local string) []Element { panic("stub") }

// Child returns the first child element of this name, or the zero Element.
func (e Element) Child(space, local string) Element { panic("stub") }

// Text returns the text of an element that has no child elements, white space
// around it removed; "" for the zero Element or one that has children.
func (e Element) Text() string { panic("stub") }
