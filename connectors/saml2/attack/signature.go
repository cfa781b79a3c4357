package attack

import (
	"fmt"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// signatures adds answers whose signature is gone, or does not fit what it is
// on.
func (f *forge) signatures() {
	stripped := f.byBoth()
	remove(stripped, "Assertion/Signature")
	remove(stripped, "Signature")
	f.refuse("01 every signature stripped", "assertion: nothing is signed", promote(stripped))
	f.refuse("02 tampered under the assertion's signature", "assertion: digest does not match", promote(f.byAssertion()))
	f.refuse("02 tampered under the response's signature", "response: digest does not match", promote(f.byResponse()))
	f.refuse("tampered under both", "response: digest does not match", promote(f.byBoth()))

	attribute := f.byAssertion()
	text("Assertion/AttributeStatement/Attribute/AttributeValue", "admin@example.org")(attribute)
	f.refuse("tampered attribute", "assertion: digest does not match", attribute)

	f.textsOfSignatures()
	f.shapes()
}

// textsOfSignatures adds what verifiers have read loosely.
func (f *forge) textsOfSignatures() {
	value := func(s string) *etree.Element {
		e := f.byAssertion()
		text("Assertion/Signature/SignatureValue", s)(e)
		return e
	}
	f.refuse("empty SignatureValue", "assertion: signature does not match", value(""))
	f.refuse("SignatureValue is no base64", "assertion: signature value not in base64", value("*"))
	f.refuse("SignatureValue of another document", "assertion: signature does not match",
		value(at(f.byResponse(), "Signature/SignatureValue").Text()))

	indented := f.byAssertion()
	signature := at(indented, "Assertion/Signature/SignatureValue")
	signature.SetText("\n\t  " + signature.Text()[:60] + "\n\t  " + signature.Text()[60:] + "\n")
	f.accept("SignatureValue indented", indented)

	// CVE-2025-29775: the digest was read up to a comment, but signed whole.
	digest := at(f.byAssertion(), "Assertion/Signature/SignedInfo/Reference/DigestValue").Text()
	f.add(Document{
		Name: "S2 comment in DigestValue", Refusal: "comment",
		XML: spelt(f.byAssertion(), digest, "<!--"+encode(sha256Of(nil))+"-->"+digest),
	})
	f.add(Document{Name: "CDATA in DigestValue", XML: spelt(f.byAssertion(), digest, "<![CDATA["+digest+"]]>")})
	f.add(Document{
		Name: "instruction in DigestValue", Refusal: "processing instruction",
		XML: spelt(f.byAssertion(), digest, "<?x?>"+digest),
	})
	changed := f.byAssertion()
	text("Assertion/Signature/SignedInfo/Reference/DigestValue", encode(sha256Of(nil)))(changed)
	f.refuse("DigestValue of nothing", "assertion: signature does not match", changed)
	// Void canonicalisation: a verifier whose canonicaliser fails digests nothing.
	f.refuse("DigestValue of nothing, validly signed", "response: digest does not match",
		f.resigned(f.response(f.assertion()), nil, text("SignedInfo/Reference/DigestValue", encode(sha256Of(nil)))))
	f.refuse("DigestValue truncated, validly signed", "response: digest does not match",
		f.resigned(f.response(f.assertion()), nil, text("SignedInfo/Reference/DigestValue", digest[:8])))
	f.refuse("DigestValue empty, validly signed", "response: digest does not match",
		f.resigned(f.response(f.assertion()), nil, text("SignedInfo/Reference/DigestValue", "")))
	f.refuse("DigestValue is no base64, validly signed", "response: digest not in base64",
		f.resigned(f.response(f.assertion()), nil, text("SignedInfo/Reference/DigestValue", "*")))
}

// shapes adds signatures that are valid for whoever does not look at their
// shape.
func (f *forge) shapes() {
	add := func(name, refusal string, shape func(signature *etree.Element)) {
		f.refuse(name, "response: "+refusal, f.resigned(f.response(f.assertion()), nil, shape))
	}
	ofSignature, ofInfo, ofReference := "signature of an unexpected shape", "SignedInfo of an unexpected shape", "reference of an unexpected shape"
	add("S1 two SignedInfo, of which one is signed", ofSignature, func(s *etree.Element) {
		decoy := at(s, "SignedInfo").Copy()
		text("Reference/DigestValue", encode(sha256Of(nil)))(decoy)
		after(at(s, "SignedInfo"), decoy)
	})
	add("two SignatureValue", ofSignature, double("SignatureValue"))
	add("two KeyInfo", ofSignature, double("KeyInfo"))
	add("SignatureValue first", ofSignature, func(s *etree.Element) { before(at(s, "SignedInfo"), remove(s, "SignatureValue")) })
	add("empty Object", ofSignature, func(s *etree.Element) { s.AddChild(wrap("ds:Object")) })
	add("two References", ofInfo, double("SignedInfo/Reference"))
	add("two SignatureMethods", ofInfo, double("SignedInfo/SignatureMethod"))
	add("foreign SignedInfo child", ofInfo, func(s *etree.Element) { at(s, "SignedInfo").AddChild(wrap("ds:Object")) })
	add("two DigestValues", ofReference, double("SignedInfo/Reference/DigestValue"))
	add("DigestValue smuggled in front", ofReference, func(s *etree.Element) {
		before(at(s, "SignedInfo/Reference/Transforms"), at(s, "SignedInfo/Reference/DigestValue").Copy())
	})
	add("no Transforms", ofReference, drop("SignedInfo/Reference/Transforms"))
	add("long SignedInfo", "SignedInfo too long", func(s *etree.Element) {
		set("SignedInfo", "Id", fmt.Sprintf("_%09000d", 1))(s)
	})
}

// references adds signatures that are valid, of something or in some way that
// is not what SAML Core §5.4 has.
func (f *forge) references() {
	add := func(name, refusal string, c dsig.Canonicalizer, shape func(signature *etree.Element)) {
		f.refuse(name, "response: "+refusal, f.resigned(f.response(f.assertion()), c, shape))
	}
	uri := func(to string) func(*etree.Element) { return set("SignedInfo/Reference", "URI", to) }
	elsewhere := "reference to something else"
	add("S3 Reference without a URI", elsewhere, nil, uri(""))
	add("Reference without the attribute", elsewhere, nil, unset("SignedInfo/Reference", "URI"))
	add("Reference by XPointer", elsewhere, nil, uri("#xpointer(id('_response'))"))
	add("Reference to the root by XPointer", elsewhere, nil, uri("#xpointer(/)"))
	add("Reference to an address", elsewhere, nil, uri("https://evil.example/#_response"))
	add("Reference to the assertion", elsewhere, nil, uri("#_assertion"))
	add("Reference without the fragment sign", elsewhere, nil, uri("_response"))

	algorithm := func(path, to string) func(*etree.Element) { return set(path, "Algorithm", to) }
	const first, last = "SignedInfo/Reference/Transforms/Transform", "SignedInfo/Reference/Transforms"
	second := func(alter func(*etree.Element)) func(*etree.Element) {
		return func(s *etree.Element) { alter(at(s, last).ChildElements()[1]) }
	}
	notAccepted := "transforms not accepted"
	add("one transform", notAccepted, nil, drop(first))
	add("S8 a third transform, XSLT", notAccepted, nil, func(s *etree.Element) {
		at(s, last).CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
	})
	add("XPath in the place of enveloped", notAccepted, nil, algorithm(first, "http://www.w3.org/TR/1999/REC-xpath-19991116"))
	add("base64 in the place of enveloped", notAccepted, nil, algorithm(first, signatureSpace+"base64"))
	add("enveloped with a parameter", notAccepted, nil, func(s *etree.Element) { at(s, first).AddChild(wrap("ds:XPath")) })

	notCanonical := "canonicalisation not accepted"
	add("inclusive canonicalisation", notCanonical, dsig.MakeC14N10RecCanonicalizer(),
		second(algorithm("", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")))
	add("canonicalisation 1.1", notCanonical, dsig.MakeC14N11Canonicalizer(),
		second(algorithm("", "http://www.w3.org/2006/12/xml-c14n11")))
	add("exclusive canonicalisation with comments", notCanonical,
		dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(""),
		second(algorithm("", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")))
	add("SignedInfo with comments", notCanonical, nil,
		algorithm("SignedInfo/CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"))
	add("canonicalisation with XPath", "canonicalisation with unexpected parameters", nil,
		second(func(e *etree.Element) { e.AddChild(wrap("ds:XPath")) }))
	add("canonicalisation with many prefixes", "canonicalisation with too many prefixes", nil,
		second(prefixes("a b c d e f g h i j k l m n o p q")))
	f.accept("InclusiveNamespaces in the transform",
		f.resigned(f.response(f.assertion()), dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("xs"), second(prefixes("xs"))))
	f.refuse("InclusiveNamespaces of which the digest does not know", "response: digest does not match",
		f.resigned(f.response(f.assertion()), nil, second(prefixes("xs"))))
}

// prefixes gives a transform an InclusiveNamespaces.
func prefixes(list string) func(*etree.Element) {
	return func(transform *etree.Element) {
		e := transform.CreateElement("ec:InclusiveNamespaces")
		e.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		e.CreateAttr("PrefixList", list)
	}
}
