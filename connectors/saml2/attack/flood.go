package attack

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// floods adds documents that cost more than they are worth, and long ones that
// are worth it.
func (f *forge) floods() {
	in := func(name, refusal, flood string) {
		f.add(Document{Name: name, Refusal: refusal, XML: spelt(f.byAssertion(), "<saml:Issuer>", flood+"<saml:Issuer>")})
	}
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	tooLong, tooMany := "message too long", "too many elements"
	in("nested 500 deep", "elements nested too deeply", nested(500))
	in("nested 300,000 deep", tooLong, nested(300_000))
	in("nested 140,000 deep", "elements nested too deeply", nested(140_000))
	in("500,000 flat elements", tooLong, strings.Repeat("<a/>", 500_000))
	in("200,000 flat elements", tooMany, strings.Repeat("<a/>", 200_000))
	in("20,000 elements 60 deep", tooMany, strings.Repeat("<a>", 60)+strings.Repeat("<a/>", 20_000)+strings.Repeat("</a>", 60))
	in("2 MiB of text", tooLong, strings.Repeat("a", 2<<20))
	in("10,000 attributes", "too many attributes", "<a "+numbered(10_000, "a%d=''")+"/>")
	in("10,000 namespaces", "too many attributes", "<a "+numbered(10_000, "xmlns:a%d='urn:a'")+"/>")
	in("name of 100,000 letters", "name too long", "<"+strings.Repeat("a", 100_000)+"/>")
	in("attribute's name of 100,000 letters", "name too long", "<a "+strings.Repeat("a", 100_000)+"=''/>")
	in("namespace of 100,000 letters", "namespace too long", "<a xmlns='urn:"+strings.Repeat("a", 100_000)+"'/>")
	in("namespace that is long and used everywhere", "namespaces too long for the document",
		"<x:a xmlns:x='urn:"+strings.Repeat("a", 250)+"'>"+strings.Repeat("<x:a x:a=''/>", 19_000)+"</x:a>")
	in("1 MiB in one attribute", "document too long", "<a a='"+strings.Repeat("a", 1<<20)+"'/>")

	f.forgedFloods()
	f.long()
}

// forgedFloods adds documents as large as the gate lets through, with
// signatures and ciphertexts to be worked on.
func (f *forge) forgedFloods() {
	fill := func(e *etree.Element, n int) *etree.Element {
		for range n {
			e.AddChild(etree.NewElement("a"))
		}
		return e
	}
	fake := f.response(nil)
	after(child(fake, "Issuer"), wrap("ds:Signature"))
	set("Signature", "xmlns:ds", signatureSpace)(fake)
	f.refuse("empty signature before 1,100 elements", "response: signature of an unexpected shape", fill(fake, 1100))

	forged := f.signWith(f.response(nil, func(r *etree.Element) { fill(r, 19_900) }), f.attacker, xmlsig.RSASHA256)
	f.refuse("19,900 elements under the attacker's signature", "response: signature does not match", forged)
	stolen := f.byResponse()
	fill(stolen, 19_900)
	f.refuse("19,900 elements under a signature of something else", "response: digest does not match", stolen)
	f.refuse("19,900 assertions", several, f.response(nil, func(r *etree.Element) {
		for range 19_900 {
			r.AddChild(etree.NewElement("saml:Assertion"))
		}
	}))
	f.refuse("19,900 issuers", "response: more than one Issuer", f.response(nil, func(r *etree.Element) {
		for range 19_900 {
			r.AddChild(etree.NewElement("saml:Issuer"))
		}
	}))
	text := f.byResponse()
	child(text, "Issuer").SetText(strings.Repeat("&", 200_000))
	f.refuse("1 MB of escaped text under a signature of something else", "response: digest does not match", text)
	spread := f.byResponse()
	fill(spread, 9_000)
	for i, e := range spread.ChildElements()[3:] {
		e.CreateAttr(fmt.Sprintf("xmlns:a%d", i%7), "urn:a")
		e.Space = fmt.Sprintf("a%d", i%7)
	}
	f.refuse("9,000 namespaces under a signature of something else", "response: digest does not match", spread)
}

// long adds genuine answers about somebody with very many groups.
func (f *forge) long() {
	groups := func(n int) *etree.Element {
		s := f.statement()
		values := make([]string, n)
		for i := range values {
			values[i] = fmt.Sprintf("CN=group %d", i)
		}
		s.Attributes = []message.Attribute{{Name: "groups", Values: values}}
		return s.Element()
	}
	f.accept("1,100 groups", f.response(f.sign(groups(1100))))
	f.accept("1,100 groups, response signed", f.sign(f.response(groups(1100))))
	f.accept("1,100 groups, encrypted", f.response(f.encrypted(f.sign(groups(1100)))))
	f.accept("4,000 groups", f.response(f.sign(groups(4000))))
	f.judged("15,000 groups where the limits allow it", "", f.response(f.sign(groups(15_000))), func(x *message.Expect) {
		x.Limits, x.MaxValues = xmlgate.Limits{Bytes: 8 << 20, Elements: 40_000}, 15_000
	})
	f.judged("more groups than are wanted", "assertion: attribute with too many values", f.response(f.sign(groups(101))),
		func(x *message.Expect) { x.MaxValues = 100 })
	f.judged("more groups than are wanted, in several attributes", "assertion: attribute with too many values",
		f.byAssertion(double("AttributeStatement/Attribute")), func(x *message.Expect) { x.MaxValues = 1 })
}

// numbered repeats a format with counting numbers.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+" ", i)
	}
	return b.String()
}
