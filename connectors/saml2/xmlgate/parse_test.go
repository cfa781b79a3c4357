package xmlgate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// small are limits that a test can reach.
var small = xmlgate.Limits{Bytes: 400, Elements: 5, Depth: 3, Attributes: 3}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("n", 257)
	for _, tt := range []struct{ name, document, want string }{
		{"nothing", ``, "document not complete"},
		{"white space alone", " \n", "document not complete"},
		{"an element that does not end", `<a><b/>`, "document not complete"},
		{"an end without a start", `</a>`, "end tag without a start"},
		{"another name's end", `<a><b></a></b>`, "end tag of another name"},
		{"another prefix's end", `<a xmlns:p="urn:p"><p:b></b></a>`, "end tag of another name"},
		{"no XML", `<a b=c/>`, "not well-formed XML in line 1"},
		{"no XML in line 2", "<a>\n<", "not well-formed XML in line 2"},

		{"a long document", `<a>` + strings.Repeat("x", 400) + `</a>`, "document too long"},
		{"UTF-16", "<\x00a\x00/\x00>\x00", "document contains a NUL byte"},
		{"a byte order mark", "\ufeff<a/>", "text outside the root element"},
		{"UTF-7", `<?xml version="1.0" encoding="utf-7"?><a/>`, "not XML 1.0 in UTF-8"},
		{"Latin 1", `<?xml version="1.0" encoding="iso-8859-1"?><a/>`, "not XML 1.0 in UTF-8"},
		{"an encoding that some readers miss", `<?xml version="1.0" encoding ="utf-16"?><a/>`, "XML declaration"},
		{"bytes that are no UTF-8", "<a>\xff</a>", "not well-formed XML in line 1"},
		{"NUL by reference", `<a>&#0;</a>`, "not well-formed XML in line 1"},
		{"XML 1.1", `<?xml version="1.1"?><a/>`, "not XML 1.0 in UTF-8"},
		{"XML of no version", `<?xml encoding="utf-8"?><a/>`, "XML declaration"},
		{"a declaration in second place", ` <?xml version="1.0"?><a/>`, "XML declaration"},
		{"a declaration inside", `<a><?xml version="1.0"?></a>`, "XML declaration"},

		{"a processing instruction before the root", `<?xml-stylesheet href="a"?><a/>`, "processing instruction"},
		{"a processing instruction in text", `<a>admin<?x?>.evil</a>`, "processing instruction"},
		{"a comment in text", `<a>admin<!---->.evil</a>`, "comment"},
		{"a comment after the root", `<a/><!-- -->`, "comment"},
		{"DOCTYPE with an entity", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, "directive"},
		{"DOCTYPE with an address", `<!DOCTYPE a SYSTEM "http://evil.example/a.dtd"><a/>`, "directive"},
		{"DOCTYPE with a default attribute", `<!DOCTYPE a [<!ATTLIST a ID CDATA "x">]><a/>`, "directive"},
		{"a directive with a comment inside", `<!x <!-- --> ><a/>`, "directive"},
		{"an entity", `<a>&nbsp;</a>`, "not well-formed XML in line 1"},

		{"text before the root", `x<a/>`, "text outside the root element"},
		{"text after the root", `<a/>x`, "text outside the root element"},
		{"a reference before the root", `&#32;<a/>`, "text outside the root element"},
		{"a reference after the root", `<a/>&#10;`, "text outside the root element"},
		{"CDATA before the root", `<![CDATA[ ]]><a/>`, "text outside the root element"},
		{"CDATA after the root", `<a/><![CDATA[]]>`, "text outside the root element"},
		{"attributes without white space", `<a b="1"c="2"/>`, "no white space between attributes"},
		{"attributes without white space, other quotes", `<a b='"'c="'"/>`, "no white space between attributes"},
		{"a surrogate by reference", `<a>&#xD800;</a>`, "reference to no character"},
		{"a surrogate by reference in an attribute", `<a b="&#57343;"/>`, "reference to no character"},
		{"a second root", `<a/><a/>`, "second root element"},
		{"many elements", `<a><b/><b/><b/><b/><b/></a>`, "too many elements"},
		{"depth", `<a><a><a><a/></a></a></a>`, "elements nested too deeply"},
		{"many attributes in a tag that does not end", `<a b="" c="" d="" e=""`, "too many attributes"},
		{"a tag that ends in a value", `<a b="`, "not well-formed XML in line 1"},
		{"a tag that ends after a value", `<a b=""`, "no white space between attributes"},
		{"many attributes", `<a b="" c="" d="" e=""/>`, "too many attributes"},

		{"an attribute twice", `<a ID="x" ID="y"/>`, "attribute repeated"},
		{"an attribute twice by two prefixes", `<a xmlns:p="urn:p" xmlns:q="urn:p"><b p:c="" q:c=""/></a>`, "attribute repeated"},
		{"a declaration twice", `<a xmlns="urn:a" xmlns="urn:b"/>`, "attribute repeated"},
		{"an ID twice", `<a ID="x"><b ID="x"/></a>`, "ID repeated"},
		{"an ID in other letters", `<a ID="x"><b Id="x"/></a>`, "ID repeated"},
		{"an ID of another namespace", `<a ID="x"><b xml:id="x"/></a>`, "ID repeated"},
		{"a line end by reference in an attribute", `<a b="x&#10;y"/>`, "white space reference in an attribute"},
		{"a tabulator by reference in an attribute", `<a b="x&#9;y"/>`, "white space reference in an attribute"},

		{"a relative namespace", `<a xmlns:p="1"/>`, "relative namespace"},
		{"a relative default namespace", `<a xmlns="p"/>`, "relative namespace"},
		{"a namespace with a space", `<a xmlns="urn:x y"/>`, "namespace that is no URI"},
		{"a namespace of no scheme", `<a xmlns:p=":"/>`, "namespace that is no URI"},
		{"a namespace whose scheme is a number", `<a xmlns:p="1:x"/>`, "namespace that is no URI"},
		{"a namespace whose scheme is none", `<a xmlns:p="a_b:x"/>`, "namespace that is no URI"},
		{"a namespace of half a host", `<a xmlns:p="http://[/"/>`, "namespace that is no URI"},
		{"a namespace with a port that is none", `<a xmlns:p="http://x:y/"/>`, "namespace that is no URI"},
		{"a namespace with half an escape", `<a xmlns:p="urn:%4"/>`, "namespace that is no URI"},
		{"a namespace with an escape that is none", `<a xmlns:p="urn:%zz"/>`, "namespace that is no URI"},
		{"a namespace with two fragments", `<a xmlns:p="urn:a#b#c"/>`, "namespace that is no URI"},
		{"a namespace beyond ASCII", `<a xmlns:p="urn:é"/>`, "namespace that is no URI"},
		{"a prefix for no namespace", `<a xmlns:p=""/>`, "prefix bound to no namespace"},
		{"a prefix that is no name", `<a xmlns:1="urn:p"/>`, "prefix that is no name"},
		{"a long namespace", `<a xmlns="urn:` + long + `"/>`, "namespace too long"},
		{"the namespace of xmlns", `<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, "reserved namespace"},
		{"the prefix xmlns declared", `<a xmlns:xmlns="urn:p"/>`, "reserved namespace"},
		{"the prefix xml for another namespace", `<a xmlns:xml="urn:p"/>`, "reserved namespace"},
		{"another prefix for the namespace xml", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, "reserved namespace"},
		{"an element of the prefix xml", `<xml:a/>`, "element of a reserved namespace"},
		{"a prefix not declared", `<p:a/>`, "prefix not declared"},
		{"a prefix not declared, of an attribute", `<a p:b=""/>`, "prefix not declared"},
		{"a prefix declared elsewhere", `<a><b xmlns:p="urn:p"/><p:c/></a>`, "prefix not declared"},
		{"an element of prefix xmlns", `<xmlns:a/>`, "malformed name"},
		{"an attribute that starts with a colon", `<a :b=""/>`, "malformed name"},
		{"an element that ends with a colon", `<a:/>`, "malformed name"},
		{"a local name that is none", `<a xmlns:p="urn:p"><p:1/></a>`, "malformed name"},
		{"two colons", `<a::b/>`, "not well-formed XML in line 1"},
		{"a long element name", `<` + long + `/>`, "name too long"},
		{"a long attribute name", `<a ` + long + `=""/>`, "name too long"},
		{"a long prefix", `<` + long + `:a/>`, "name too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := xmlgate.Parse([]byte(tt.document), small)
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if u.Exists() {
				t.Error("returned an element")
			}
		})
	}
}

func TestParseCountsAttributesTogether(t *testing.T) {
	limits := xmlgate.Limits{Elements: 5}
	if _, err := xmlgate.Parse([]byte(`<a>`+strings.Repeat(`<b c="" d="" e="" f=""/>`, 4)+`</a>`), limits); err != nil {
		t.Error(err)
	}
	_, err := xmlgate.Parse([]byte(`<a>`+strings.Repeat(`<b c="" d="" e="" f="" g=""/>`, 4)+`</a>`), limits)
	if got, want := fmt.Sprint(err), "too many attributes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Exclusive canonicalisation would make a gigabyte of this.
func TestParseRefusesWhatWouldSpread(t *testing.T) {
	space := "urn:" + strings.Repeat("x", 200)
	document := func(uses int) []byte {
		return []byte(`<a xmlns:p="` + space + `">` + strings.Repeat(`<p:b/>`, uses) + `</a>`)
	}
	limits := xmlgate.Limits{Bytes: 1000}
	if _, err := xmlgate.Parse(document(39), limits); err != nil {
		t.Error(err)
	}
	_, err := xmlgate.Parse(document(41), limits)
	if got, want := fmt.Sprint(err), "namespaces too long for the document"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseAccepts(t *testing.T) {
	for _, tt := range []struct{ name, document, want string }{
		{"a declaration", `<?xml version="1.0" encoding="UTF-8" standalone='no' ?>` + "\n<a/>\n", `<a/>`},
		{"CDATA as text", `<a>x<![CDATA[<b>&]]>y</a>`, `<a>x&lt;b&gt;&amp;y</a>`},
		{"references", `<a b="&lt;&quot;">&#233;&#x1F600;&#13;</a>`, `<a b="&lt;&quot;">é😀&#xD;</a>`},
		{"line ends as XML 1.0 §2.11 has them", "<a>x\r\ny\rz</a>", "<a>x\ny\nz</a>"},
		{"white space in an attribute as spaces", "<a b='x\r\ny\tz'/>", `<a b="x y z"/>`},
		{"white space in tags", "<a\tb='\"' \r\n c = \"'\"\n/>", `<a b="&quot;" c="'"/>`},
		{"U+FFFD itself", "<a b='\ufffd'>\ufffd</a>", "<a b=\"\ufffd\">\ufffd</a>"},
		{"URIs as namespaces", `<a xmlns="http://x.example:80/a%20b?c#d" xmlns:p="urn:x:y" xmlns:q="tag:a@b,2026:c"/>`, ``},
		{"namespaces", `<p:a xmlns:p="urn:p" xml:lang="cy"><b xmlns="urn:b"><c xmlns=""/></b></p:a>`, ``},
		{"an attribute's name in two namespaces", `<a xmlns:p="urn:p" p:b="" b=""/>`, ``},
		{"a prefix bound again", `<p:a xmlns:p="urn:p"><p:a xmlns:p="urn:q"/></p:a>`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := xmlgate.Parse([]byte(tt.document), small)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = tt.document
			}
			if got := string(xmlgate.Bytes(u.Tree())); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestParseDocuments(t *testing.T) {
	limits := xmlgate.Limits{Documents: true}
	document := "\ufeff<?xml version=\"1.0\"?><?style?><!-- by hand --><a>left<!-- not --><?x?>right</a><!-- end -->"
	u, err := xmlgate.Parse([]byte(document), limits)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Text(), "leftright"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, document := range []string{`<!DOCTYPE a><a/>`, `<a/> <?xml version="1.0"?>`, "\ufeff\ufeff<a/>"} {
		if _, err := xmlgate.Parse([]byte(document), limits); err == nil {
			t.Errorf("accepted %s", document)
		}
	}
}
