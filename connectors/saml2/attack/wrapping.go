package attack

import "github.com/beevik/etree"

// What a document with more than one assertion is refused for, and one that is
// signed twice over.
const (
	several    = "assertion: more than one in the document"
	repeatedID = "ID repeated"
)

// wrapped adds signature wrapping: the signed element is moved to where the
// verifier finds it by its ID, and another one stands where it is read. XSW1 to
// XSW8 are those of Somorovsky et al., "On Breaking SAML" (2012).
func (f *forge) wrapped() {
	f.wrappedResponses()
	f.wrappedAssertions()
	f.severalAssertions()
	f.misplaced()
}

func (f *forge) wrappedResponses() {
	// The original response, without its signature, goes somewhere into or
	// beside the signature; the outer one is altered.
	response := func(id string, place func(outer, original *etree.Element)) *etree.Element {
		outer := f.byResponse()
		original := outer.Copy()
		remove(original, "Signature")
		promote(outer)
		outer.CreateAttr("ID", id)
		place(outer, original)
		return outer
	}
	inSignature := func(outer, original *etree.Element) { child(outer, "Signature").AddChild(original) }
	beforeSignature := func(outer, original *etree.Element) { before(child(outer, "Signature"), original) }
	inObject := func(outer, original *etree.Element) {
		child(outer, "Signature").AddChild(wrap("ds:Object", original))
	}
	inStatus := func(outer, original *etree.Element) {
		child(outer, "Status").AddChild(wrap("samlp:StatusDetail", original))
	}
	inExtensions := func(outer, original *etree.Element) {
		after(child(outer, "Signature"), wrap("samlp:Extensions", original))
	}
	f.refuse("XSW1 original response in the signature", repeatedID, response("_evil", inSignature))
	f.refuse("XSW2 original response before the signature", repeatedID, response("_evil", beforeSignature))
	f.refuse("XSW8 original response in an Object", repeatedID, response("_evil", inObject))
	f.refuse("original response in Status", repeatedID, response("_evil", inStatus))
	f.refuse("original response in Extensions", repeatedID, response("_evil", inExtensions))

	// The same with an assertion of another ID: only the signature itself is
	// left to notice.
	other := func(outer, original *etree.Element) {
		child(outer, "Assertion").CreateAttr("ID", "_evil-assertion")
		inObject(outer, original)
	}
	f.refuse("original response in an Object, no ID repeated",
		"response: signature of an unexpected shape", response("_evil", other))
	f.refuse("original response in an Object, its ID kept", repeatedID, response("_response", other))
	statusOnly := func(outer, original *etree.Element) {
		child(outer, "Assertion").CreateAttr("ID", "_evil-assertion")
		inStatus(outer, original)
	}
	f.refuse("original response in Status, no ID repeated",
		"response: reference to something else", response("_evil", statusOnly))
}

func (f *forge) wrappedAssertions() {
	f.evilBeside()
	f.turned()
	f.evilBefore()
}

// signedAssertion is the response whose assertion alone is signed, and that.
func (f *forge) signedAssertion() (outer, assertion *etree.Element) {
	outer = f.byAssertion()
	return outer, child(outer, "Assertion")
}

// evilBeside leaves the signed assertion as it is, with an evil one before or
// around it.
func (f *forge) evilBeside() {
	outer, assertion := f.signedAssertion()
	before(assertion, evil(assertion, "_evil"))
	f.refuse("XSW3 evil assertion before the signed one", several, outer)

	outer, assertion = f.signedAssertion()
	wrapper := evil(assertion, "_evil")
	outer.RemoveChild(assertion)
	wrapper.AddChild(assertion)
	outer.AddChild(wrapper)
	f.refuse("XSW4 evil assertion around the signed one", several, outer)

	outer, assertion = f.signedAssertion()
	after(child(outer, "Issuer"), wrap("samlp:Extensions", evil(assertion, "_assertion")))
	f.refuse("XSW7 evil assertion of the same ID in Extensions", repeatedID, outer)

	outer, assertion = f.signedAssertion()
	after(child(outer, "Issuer"), wrap("samlp:Extensions", evil(assertion, "_evil")))
	f.refuse("evil assertion in Extensions", several, outer)
}

// turned leaves the signature on the altered assertion, and moves the original
// elsewhere.
func (f *forge) turned() {
	refuse := func(name string, place func(outer, turned, original *etree.Element)) {
		outer, assertion := f.signedAssertion()
		original := assertion.Copy()
		remove(original, "Signature")
		promote(assertion).CreateAttr("ID", "_evil")
		place(outer, assertion, original)
		f.refuse(name, several, outer)
	}
	refuse("XSW5 original at the end", func(outer, _, original *etree.Element) { outer.AddChild(original) })
	refuse("XSW6 original in the signature", func(_, turned, original *etree.Element) {
		child(turned, "Signature").AddChild(original)
	})
	refuse("original in an Object of the signature", func(_, turned, original *etree.Element) {
		child(turned, "Signature").AddChild(wrap("ds:Object", original))
	})
	refuse("original in Advice of the turned one", func(_, turned, original *etree.Element) {
		turned.AddChild(wrap("saml:Advice", original))
	})
	refuse("original in Status", func(outer, _, original *etree.Element) {
		child(outer, "Status").AddChild(wrap("samlp:StatusDetail", original))
	})
}

// evilBefore puts an evil copy, its signature with it, before or around the
// original.
func (f *forge) evilBefore() {
	outer, assertion := f.signedAssertion()
	before(assertion, promote(assertion.Copy()))
	f.refuse("XSW9 evil assertion of the same ID and signature before the original", repeatedID, outer)

	outer, assertion = f.signedAssertion()
	wrapper := promote(assertion.Copy())
	wrapper.CreateAttr("ID", "_evil")
	outer.RemoveChild(assertion)
	wrapper.AddChild(wrap("saml:Advice", assertion))
	outer.AddChild(wrapper)
	f.refuse("XSW10 evil assertion with the signature, original in Advice", several, outer)
}

// severalAssertions adds documents in which two readers could choose
// differently, whatever is signed.
func (f *forge) severalAssertions() {
	alice := f.byAssertion()
	bob := f.sign(f.assertion(set("", "ID", "_other"), text("Subject/NameID", "bob")))
	alice.AddChild(bob)
	f.refuse("two signed assertions", several, alice)

	alice = f.byAssertion()
	alice.AddChild(evil(child(alice, "Assertion"), "_evil"))
	f.refuse("evil assertion after the signed one", several, alice)

	alice = f.byAssertion()
	foreign := evil(child(alice, "Assertion"), "_evil")
	foreign.Space = "x"
	foreign.CreateAttr("xmlns:x", "urn:foreign")
	alice.InsertChildAt(child(alice, "Assertion").Index(), foreign)
	f.refuse("N4 assertion in a foreign namespace", several, alice)

	alice = f.byAssertion()
	alice.AddChild(f.encrypted(evil(child(alice, "Assertion"), "_evil")))
	f.refuse("encrypted evil assertion beside the signed one", several, alice)

	signed := f.sign(f.response(f.assertion(), func(r *etree.Element) {
		r.AddChild(f.encrypted(evil(f.assertion(), "_evil")))
	}))
	f.refuse("assertion and encrypted assertion, response signed", several, signed)

	nested := f.assertion()
	nested.AddChild(wrap("saml:Advice", evil(nested, "_evil")))
	f.refuse("evil assertion in Advice, encrypted", several, f.response(f.encrypted(f.sign(nested))))

	f.refuse("no assertion", "assertion: none in the document", f.sign(f.response(nil)))
}

// misplaced adds signatures and assertions where they do not belong.
func (f *forge) misplaced() {
	kind := "response: message of another kind"
	f.refuse("assertion as the whole document", kind, f.sign(f.assertion()))
	f.refuse("response of SAML 1.1", kind, f.byResponse(func(r *etree.Element) {
		r.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:1.0:protocol")
	}))
	f.refuse("response in no namespace", kind, f.response(f.sign(f.assertion()), func(r *etree.Element) { r.Space = "" }))

	inExtensions := f.byAssertion()
	after(child(inExtensions, "Issuer"), wrap("samlp:Extensions", remove(inExtensions, "Assertion")))
	f.refuse("signed assertion in Extensions alone", "assertion: not where it belongs", inExtensions)

	foreign := f.byResponse(func(r *etree.Element) {
		a := child(r, "Assertion")
		a.Space = "x"
		a.CreateAttr("xmlns:x", "urn:foreign")
	})
	f.refuse("the one assertion is of a foreign namespace", "assertion: not where it belongs", foreign)

	moved := f.byResponse()
	child(moved, "Status").AddChild(remove(moved, "Signature"))
	f.refuse("S9 response signature in Status", "assertion: nothing is signed", promote(moved))

	last := f.byResponse()
	last.AddChild(remove(last, "Signature"))
	f.refuse("response signature last", "response: signature out of its place", last)

	borrowed := f.byAssertion()
	signature := remove(borrowed, "Assertion/Signature")
	after(child(borrowed, "Issuer"), signature)
	f.refuse("assertion's signature on the response", "response: reference to something else", borrowed)

	inner := f.byBoth()
	remove(inner, "Signature")
	child(inner, "Assertion").CreateAttr("ID", "_evil")
	f.refuse("assertion's ID changed", "assertion: reference to something else", inner)

	issuerless := f.byResponse()
	remove(issuerless, "Issuer")
	f.refuse("signed response that lost its Issuer", "response: signature without an issuer before it", issuerless)

	double := f.byResponse()
	after(child(double, "Signature"), child(double, "Signature").Copy())
	f.refuse("response signature twice", "response: several signatures", double)

	// A good signature inside does not make up for a bad one outside, nor the
	// other way round.
	outside := f.byBoth()
	child(outside, "Status").CreateElement("samlp:StatusMessage").SetText("x")
	f.refuse("bad response signature around a good assertion", "response: digest does not match", outside)
	inside := f.response(f.sign(f.assertion()), func(r *etree.Element) { promote(child(r, "Assertion")) })
	f.refuse("good response signature around a bad assertion", "assertion: digest does not match", f.sign(inside))
}
