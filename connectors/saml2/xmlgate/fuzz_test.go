package xmlgate_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	roundtrip "github.com/mattermost/xml-roundtrip-validator"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// FuzzParse holds the gate to what it is for: what comes through is the same to
// every reader. xml-roundtrip-validator knows what encoding/xml changes on the
// way; it takes five times as long as the gate, so it judges here.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><p:a xmlns:p="urn:p" ID="x"><b xmlns="urn:b" p:c="d">e<![CDATA[f]]>&lt;&#13;</b></p:a>`,
		`<a xml:lang="cy" b='"'>x<!-- --><?x y?>z</a>`,
		"<a b='x\ny' xmlns:p='urn:p'>\r\n<p:c p:d=''/></a>",
		`<x::Root/>`, `<a :b=""/>`, `<a:/>`, `<!x <!-- --> ><a/>`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, documents bool) {
		u, err := xmlgate.Parse(raw, xmlgate.Limits{Documents: documents})
		if err != nil {
			return
		}
		written := xmlgate.Bytes(u.Tree())
		again, err := xmlgate.Parse(written, xmlgate.Limits{Bytes: 10 << 20})
		if err != nil {
			t.Fatalf("not read again: %v: %s", err, written)
		}
		if diff := cmp.Diff(tokens(u.Tree()), tokens(again.Tree())); diff != "" {
			t.Errorf("written and read (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(tokens(u.Tree()), decoded(t, written)); diff != "" {
			t.Errorf("encoding/xml reads otherwise (-ours +its):\n%s", diff)
		}
		if err := roundtrip.Validate(bytes.NewReader(written)); err != nil {
			t.Errorf("round trip: %v", err)
		}
		if !documents {
			if err := roundtrip.Validate(bytes.NewReader(raw)); err != nil {
				t.Errorf("round trip as it came: %v", err)
			}
		}
	})
}

// tokens is the tree as a list that can be compared: names in full, the
// attributes that are no declarations, the text without its divisions.
func tokens(e *etree.Element) []string {
	all := []string{"<" + e.NamespaceURI() + " " + e.Tag}
	for _, a := range e.Attr {
		if _, ok := xmlgate.Declaration(a.Space, a.Key); !ok {
			space := a.NamespaceURI()
			if a.Space == "xml" { // which etree does not know
				space = "http://www.w3.org/XML/1998/namespace"
			}
			all = append(all, attribute(space, a.Key, a.Value))
		}
	}
	text := ""
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.CharData:
			text += t.Data
		case *etree.Element:
			all = append(append(all, text), tokens(t)...)
			text = ""
		}
	}
	return append(all, text, ">")
}

func attribute(space, local, value string) string { return "@" + space + " " + local + "=" + value }

// decoded is the same list as encoding/xml has it with its own namespaces.
func decoded(t *testing.T, raw []byte) []string {
	var all []string
	text := ""
	for dec := xml.NewDecoder(bytes.NewReader(raw)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("encoding/xml: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(all) > 0 {
				all = append(all, text)
			}
			all = append(all, "<"+token.Name.Space+" "+token.Name.Local)
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					all = append(all, attribute(a.Name.Space, a.Name.Local, a.Value))
				}
			}
			text = ""
		case xml.EndElement:
			all = append(all, text, ">")
			text = ""
		case xml.CharData:
			text += string(token)
		}
	}
}

// A tree costs more than its bytes: these are a mebibyte and less each, and
// are refused before much of one is built.
func TestParseRefusesBombs(t *testing.T) {
	for name, document := range map[string]string{
		"deep":       strings.Repeat("<a>", 300_000),
		"flat":       "<r>" + strings.Repeat("<a/>", 200_000) + "</r>",
		"attributes": "<r " + strings.Repeat(`a="" `, 200_000) + "/>",
		"long name":  "<" + strings.Repeat("a", 1_000_000) + "/>",
		"namespaces": `<r xmlns:p="urn:` + strings.Repeat("x", 1_000_000) + `"/>`,
		"huge":       "<r>" + strings.Repeat("x", 2_000_000) + "</r>",
	} {
		if _, err := xmlgate.Parse([]byte(document), xmlgate.Limits{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	value := `<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">x</saml:AttributeValue>`
	for name, document := range map[string]string{
		"values": strings.Repeat(value, 8500),
		"flat":   strings.Repeat("<a/>", 19_999),
		"bomb":   strings.Repeat("<a/>", 250_000),
		"deep":   strings.Repeat("<a>", 300_000),
		"text":   strings.Repeat("x", 1_000_000),
		"wide":   strings.Repeat("<a "+manyAttributes(64)+"/>", 700),
		"wider":  "<a " + strings.Repeat("x='' ", 200_000) + "/>",
		"bound":  strings.Repeat("<a "+manyDeclarations(60)+">", 60) + strings.Repeat("<b/>", 19_000),
	} {
		raw := []byte(`<r xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` + document + `</r>`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				_, _ = xmlgate.Parse(raw, xmlgate.Limits{})
			}
		})
	}
}

func manyAttributes(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString("a" + strings.Repeat("b", i%30) + strings.Repeat("c", i/30) + "='' ")
	}
	return all.String()
}

func manyDeclarations(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString("xmlns:p" + strings.Repeat("b", i) + "='urn:x' ")
	}
	return all.String()
}
