package attack

import (
	"crypto/sha256"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Namespaces of what the corpus is made of.
const (
	protocolSpace  = message.Protocol
	assertionSpace = message.Assertion
	signatureSpace = "http://www.w3.org/2000/09/xmldsig#"
)

// at follows the local names of a path, each to the first child of that name.
func at(e *etree.Element, path string) *etree.Element {
	for local := range strings.SplitSeq(path, "/") {
		e = child(e, local)
	}
	return e
}

// child is the first child of a local name; the corpus is broken without it.
func child(e *etree.Element, local string) *etree.Element {
	for _, c := range e.ChildElements() {
		if c.Tag == local {
			return c
		}
	}
	panic("no " + local + " in " + e.Tag)
}

// remove takes the element at a path out of the tree and returns it.
func remove(e *etree.Element, path string) *etree.Element {
	found := at(e, path)
	found.Parent().RemoveChild(found)
	return found
}

// before puts an element in front of another one.
func before(next, e *etree.Element) { next.Parent().InsertChildAt(next.Index(), e) }

// after puts an element behind another one.
func after(previous, e *etree.Element) { previous.Parent().InsertChildAt(previous.Index()+1, e) }

// wrap makes an element with children.
func wrap(tag string, children ...*etree.Element) *etree.Element {
	e := etree.NewElement(tag)
	for _, c := range children {
		e.AddChild(c)
	}
	return e
}

// evil is a copy of an assertion without its signature, about the
// administrator.
func evil(assertion *etree.Element, id string) *etree.Element {
	e := assertion.Copy()
	for _, c := range e.ChildElements() {
		if c.Tag == "Signature" {
			e.RemoveChild(c)
		}
	}
	e.CreateAttr("ID", id)
	return promote(e)
}

// promote makes everything below e that names Alice name the administrator.
func promote(e *etree.Element) *etree.Element {
	for _, id := range e.FindElements(".//NameID") {
		id.SetText(Admin)
	}
	return e
}

// set is an alteration: an attribute of the element at a path, "" for the
// element itself.
func set(path, attribute, value string) func(*etree.Element) {
	return func(e *etree.Element) { sub(e, path).CreateAttr(attribute, value) }
}

// unset takes an attribute away.
func unset(path, attribute string) func(*etree.Element) {
	return func(e *etree.Element) { sub(e, path).RemoveAttr(attribute) }
}

// drop takes the element at a path away.
func drop(path string) func(*etree.Element) {
	return func(e *etree.Element) { remove(e, path) }
}

// double repeats the element at a path.
func double(path string) func(*etree.Element) {
	return func(e *etree.Element) { after(at(e, path), at(e, path).Copy()) }
}

// text sets the text of the element at a path.
func text(path, value string) func(*etree.Element) {
	return func(e *etree.Element) { at(e, path).SetText(value) }
}

func sub(e *etree.Element, path string) *etree.Element {
	if path == "" {
		return e
	}
	return at(e, path)
}

// spelt is the document with one text replaced, as an editor would: what no
// tree can hold is made like this. The corpus is broken where the text is not
// there.
func spelt(e *etree.Element, old, replacement string) []byte {
	raw := string(xmlgate.Bytes(e))
	if !strings.Contains(raw, old) {
		panic("nothing to replace: " + old)
	}
	return []byte(strings.Replace(raw, old, replacement, 1))
}

func sha256Of(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}
