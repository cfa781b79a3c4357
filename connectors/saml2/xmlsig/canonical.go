package xmlsig

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// exclusive is Exclusive XML Canonicalization 1.0, without comments.
const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

// canonical writes e, where it stands in its document, as Exclusive XML
// Canonicalization 1.0 has it. The element without is left out, which is what
// the enveloped-signature transform does. The prefixes of the list inclusive
// ("" for the default namespace) are treated as Canonical XML treats all.
func canonical(e, without *etree.Element, inclusive []string) ([]byte, error) {
	c := canonicalizer{without: without, inclusive: inclusive, scope: xmlgate.NewScope(), written: xmlgate.NewScope()}
	c.surround(e.Parent())
	if err := c.element(e); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}

type canonicalizer struct {
	out       bytes.Buffer
	without   *etree.Element
	inclusive []string
	scope     *xmlgate.Scope // declared in the document
	written   *xmlgate.Scope // declared in the output

	prefixes []string      // of the element at hand; one list for all of them
	attrs    []*etree.Attr // the same
}

// surround puts the declarations of e and of all around it in force.
func (c *canonicalizer) surround(e *etree.Element) {
	if e == nil {
		return
	}
	c.surround(e.Parent())
	c.declare(e)
}

func (c *canonicalizer) declare(e *etree.Element) {
	for _, a := range e.Attr {
		if prefix, ok := xmlgate.Declaration(a.Space, a.Key); ok {
			c.scope.Bind(prefix, a.Value)
		}
	}
}

func (c *canonicalizer) element(e *etree.Element) error {
	scope, written := c.scope.Mark(), c.written.Mark()
	c.declare(e)
	c.out.WriteByte('<')
	c.name(e.Space, e.Tag)
	if err := c.namespaces(e); err != nil {
		return err
	}
	if err := c.attributes(e); err != nil {
		return err
	}
	c.out.WriteByte('>')
	for _, token := range e.Child {
		if err := c.token(token); err != nil {
			return err
		}
	}
	c.out.WriteString("</")
	c.name(e.Space, e.Tag)
	c.out.WriteByte('>')
	c.scope.Release(scope)
	c.written.Release(written)
	return nil
}

func (c *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		c.out.WriteString(prefix)
		c.out.WriteByte(':')
	}
	c.out.WriteString(local)
}

func (c *canonicalizer) token(token etree.Token) error {
	switch t := token.(type) {
	case *etree.Element:
		if t == c.without {
			return nil
		}
		return c.element(t)
	case *etree.CharData:
		return c.escape(t.Data, inText)
	}
	return errors.New("neither an element nor text")
}

// namespaces declares what the element makes visible use of and the output has
// not declared yet (Exclusive XML Canonicalization §3).
func (c *canonicalizer) namespaces(e *etree.Element) error {
	for _, prefix := range c.used(e) {
		space := c.scope.Space(prefix)
		if space == "" && prefix != "" {
			return errors.New("prefix not declared")
		}
		if c.written.Space(prefix) == space {
			continue
		}
		c.written.Bind(prefix, space)
		c.out.WriteString(" xmlns")
		if prefix != "" {
			c.out.WriteByte(':')
			c.out.WriteString(prefix)
		}
		c.out.WriteString(`="`)
		if err := c.escape(space, inAttribute); err != nil {
			return err
		}
		c.out.WriteByte('"')
	}
	return nil
}

// used lists the prefixes to be declared at e, in the order of Canonical XML
// §2.3: the default namespace first. The prefix xml is declared always.
func (c *canonicalizer) used(e *etree.Element) []string {
	prefixes := append(c.prefixes[:0], e.Space)
	for _, a := range e.Attr {
		if _, ok := xmlgate.Declaration(a.Space, a.Key); !ok && a.Space != "" {
			prefixes = append(prefixes, a.Space)
		}
	}
	for _, prefix := range c.inclusive {
		if c.scope.Space(prefix) != c.written.Space(prefix) {
			prefixes = append(prefixes, prefix)
		}
	}
	c.prefixes = prefixes
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

// attributes writes them by namespace and local name (Canonical XML §2.3).
func (c *canonicalizer) attributes(e *etree.Element) error {
	attrs := c.attrs[:0]
	for i := range e.Attr {
		if _, ok := xmlgate.Declaration(e.Attr[i].Space, e.Attr[i].Key); !ok {
			attrs = append(attrs, &e.Attr[i])
		}
	}
	c.attrs = attrs
	slices.SortFunc(attrs, func(a, b *etree.Attr) int {
		return cmp.Or(strings.Compare(c.space(a), c.space(b)), strings.Compare(a.Key, b.Key))
	})
	for _, a := range attrs {
		c.out.WriteByte(' ')
		c.name(a.Space, a.Key)
		c.out.WriteString(`="`)
		if err := c.escape(a.Value, inAttribute); err != nil {
			return err
		}
		c.out.WriteByte('"')
	}
	return nil
}

// space is the namespace of an attribute: the default one does not apply.
func (c *canonicalizer) space(a *etree.Attr) string {
	if a.Space == "" {
		return ""
	}
	return c.scope.Space(a.Space)
}

// inText and inAttribute say how a character is written there (Canonical XML
// §2.3); "" is as it is.
func inText(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func inAttribute(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

// escape writes s, which must be characters of XML 1.0 (§2.2): others could be
// signed, but nobody could read them.
func (c *canonicalizer) escape(s string, how func(byte) string) error {
	start := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		} else if escaped := how(s[i]); escaped != "" {
			c.out.WriteString(s[start:i])
			c.out.WriteString(escaped)
			start = i + 1
		}
		if !xmlCharacter(r, size) {
			return errors.New("not a character of XML")
		}
		i += size
	}
	c.out.WriteString(s[start:])
	return nil
}

func xmlCharacter(r rune, size int) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r == utf8.RuneError:
		return size > 1 // U+FFFD itself, not bytes that are no UTF-8
	}
	return r != 0xFFFE && r != 0xFFFF
}
