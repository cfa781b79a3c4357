package xmlsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// tree parses without the gate, for documents that a test is about to edit.
func tree(t testing.TB, document string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(document); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

// edited is a signed document after a change that the signer did not make.
func edited(t testing.TB, document string, edit func(root, signature *etree.Element)) string {
	t.Helper()
	root := tree(t, document)
	edit(root, root.FindElement("./Signature"))
	return string(xmlgate.Bytes(root))
}

// resigned is a signed document whose SignedInfo was changed and signed again
// with the right key: only the shape is wrong.
func resigned(t testing.TB, document string, c xmlsig.Credential, edit func(info *etree.Element)) string {
	t.Helper()
	return edited(t, document, func(_, signature *etree.Element) {
		info := signature.FindElement("./SignedInfo")
		edit(info)
		value, err := c.Signer.Sign(rand.Reader, digestOf(t, info), crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		signature.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	})
}

func digestOf(t testing.TB, info *etree.Element) []byte {
	t.Helper()
	alone := info.Copy()
	alone.CreateAttr("xmlns:ds", dsig.Namespace)
	raw, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(alone)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(raw)
	return digest[:]
}

func set(path, attribute, value string) func(*etree.Element) {
	return func(e *etree.Element) { e.FindElement(path).CreateAttr(attribute, value) }
}

func child(path, tag string) func(*etree.Element) {
	return func(e *etree.Element) { e.FindElement(path).CreateElement(tag) }
}

// verify expects an error of these words; "" for none.
func verify(t *testing.T, document, want string, p xmlsig.Policy, keys ...xmlsig.Credential) {
	t.Helper()
	var certs []*x509.Certificate
	for _, k := range keys {
		certs = append(certs, k.Certificate)
	}
	verified, err := xmlsig.Verify(parse(t, document), certs, p)
	if got := strings.TrimSuffix(fmt.Sprint(err), "<nil>"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if (want == "") != verified.Element().Exists() {
		t.Errorf("returned an element: %v", verified.Element().Exists())
	}
}

// Only the shape is wrong here: the right key signed all of these, so that
// each check has to refuse its own.
func TestVerifyRefusesShapes(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	transform := "./Reference/Transforms/Transform"
	for _, tt := range []struct {
		name string
		edit func(info *etree.Element)
		want string
	}{
		{"nothing changed", func(*etree.Element) {}, ""},
		{"no reference", func(e *etree.Element) { e.RemoveChild(e.FindElement("./Reference")) }, "SignedInfo of an unexpected shape"},
		{"two references", func(e *etree.Element) { e.AddChild(e.FindElement("./Reference").Copy()) }, "SignedInfo of an unexpected shape"},
		{"something else in SignedInfo", child(".", "ds:Object"), "SignedInfo of an unexpected shape"},
		{"something foreign in SignedInfo", func(e *etree.Element) { e.CreateElement("x:Reference").CreateAttr("xmlns:x", "urn:x") }, "SignedInfo of an unexpected shape"},
		{"a long SignedInfo", set(".", "Id", strings.Repeat("x", 9000)), "SignedInfo too long"},
		{"canonical XML", set("./CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "canonicalisation not accepted"},
		{"comments in SignedInfo", set("./CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), "canonicalisation not accepted"},
		{"a parameter of canonicalisation", child("./CanonicalizationMethod", "ds:XPath"), "canonicalisation with unexpected parameters"},

		{"two lists of prefixes", func(e *etree.Element) {
			for range 2 {
				e.FindElement("./CanonicalizationMethod").CreateElement("ec:InclusiveNamespaces").CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
			}
		}, "canonicalisation with unexpected parameters"},

		{"HMAC", set("./SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "signature algorithm not accepted"},
		{"MD5", set("./SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"), "signature algorithm not accepted"},
		{"SHA-1", set("./SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "signature algorithm not accepted"},
		{"a truncated HMAC", child("./SignatureMethod", "ds:HMACOutputLength"), "signature algorithm with parameters"},

		{"the whole document", set("./Reference", "URI", ""), "reference to something else"},
		{"another ID", set("./Reference", "URI", "#a1"), "reference to something else"},
		{"an ID without #", set("./Reference", "URI", "r1"), "reference to something else"},
		{"XPointer", set("./Reference", "URI", "#xpointer(id('r1'))"), "reference to something else"},
		{"another document", set("./Reference", "URI", "https://evil.example/#r1"), "reference to something else"},
		{"something else in Reference", child("./Reference", "ds:Object"), "reference of an unexpected shape"},
		{"no transforms", func(e *etree.Element) { r := e.FindElement("./Reference"); r.RemoveChildAt(0) }, "reference of an unexpected shape"},
		{"two digests", func(e *etree.Element) {
			r := e.FindElement("./Reference")
			r.AddChild(r.FindElement("./DigestValue").Copy())
		}, "reference of an unexpected shape"},

		{"no enveloped-signature transform", func(e *etree.Element) { e.FindElement("./Reference/Transforms").RemoveChildAt(0) }, "transforms not accepted"},
		{"no canonicalisation", func(e *etree.Element) { e.FindElement("./Reference/Transforms").RemoveChildAt(1) }, "transforms not accepted"},
		{"XSLT", func(e *etree.Element) {
			e.FindElement("./Reference/Transforms").CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		}, "transforms not accepted"},
		{"XPath first", set(transform, "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"), "transforms not accepted"},
		{"XPath inside", child(transform, "ds:XPath"), "transforms not accepted"},
		{"canonical XML of the document", set(transform+"[2]", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "canonicalisation not accepted"},
		{"comments in the document", set(transform+"[2]", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), "canonicalisation not accepted"},
		{"many prefixes", func(e *etree.Element) {
			list := e.FindElement(transform + "[2]").CreateElement("ec:InclusiveNamespaces")
			list.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
			list.CreateAttr("PrefixList", strings.Repeat("p ", 17))
		}, "canonicalisation with too many prefixes"},

		{"a SHA-1 digest", set("./Reference/DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"), "digest algorithm not accepted"},
		{"an MD5 digest", set("./Reference/DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#md5"), "digest algorithm not accepted"},
		{"no digest", func(e *etree.Element) { e.FindElement("./Reference/DigestValue").SetText("") }, "digest does not match"},
		{"part of the digest", func(e *etree.Element) { d := e.FindElement("./Reference/DigestValue"); d.SetText(d.Text()[:4]) }, "digest does not match"},
		{"a digest in something else", func(e *etree.Element) { e.FindElement("./Reference/DigestValue").SetText("%") }, "digest not in base64"},
		{"an element in the digest", child("./Reference/DigestValue", "ds:DigestValue"), "digest does not match"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verify(t, resigned(t, good, key, tt.edit), tt.want, xmlsig.Policy{}, key)
		})
	}
}

// None of these changes what is signed, and nobody signed any of them.
func TestVerifyRefusesChanges(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	otherKey := theirs(t)
	for _, tt := range []struct {
		name string
		edit func(root, signature *etree.Element)
		want string
	}{
		{"stripped", func(root, s *etree.Element) { root.RemoveChild(s) }, "not signed"},
		{"in a foreign namespace", func(_, s *etree.Element) { s.CreateAttr("xmlns:ds", "urn:other") }, "not signed"},
		{"in Status", func(root, s *etree.Element) { root.CreateElement("samlp:Status").AddChild(s) }, "not signed"},
		{"twice", func(root, s *etree.Element) { root.AddChild(s.Copy()) }, "several signatures"},
		{"at the end", func(root, s *etree.Element) { root.AddChild(s) }, "signature out of its place"},
		{"before the issuer", func(root, s *etree.Element) { root.InsertChildAt(0, s) }, "signature without an issuer before it"},
		{"without an issuer", func(root, _ *etree.Element) { root.RemoveChildAt(0) }, "signature without an issuer before it"},

		{"two SignedInfo", func(_, s *etree.Element) { s.InsertChildAt(0, s.FindElement("./SignedInfo").Copy()) }, "signature of an unexpected shape"},
		{"two SignatureValue", func(_, s *etree.Element) { s.InsertChildAt(1, s.FindElement("./SignatureValue").Copy()) }, "signature of an unexpected shape"},
		{"no SignatureValue", func(_, s *etree.Element) { s.RemoveChildAt(1) }, "signature of an unexpected shape"},
		{"an object", func(_, s *etree.Element) { s.CreateElement("ds:Object") }, "signature of an unexpected shape"},
		{"a foreign element", func(_, s *etree.Element) { s.CreateElement("saml:Assertion") }, "signature of an unexpected shape"},
		{"KeyInfo first", func(_, s *etree.Element) { s.InsertChildAt(0, s.FindElement("./KeyInfo")) }, "signature of an unexpected shape"},
		{"a value in something else", func(_, s *etree.Element) { s.FindElement("./SignatureValue").SetText("%") }, "signature value not in base64"},
		{"an empty value", func(_, s *etree.Element) { s.FindElement("./SignatureValue").SetText("") }, "signature does not match"},

		{"an altered SignedInfo", func(_, s *etree.Element) { s.FindElement("./SignedInfo").CreateAttr("Id", "x") }, "signature does not match"},
		{"an altered digest", func(_, s *etree.Element) { s.FindElement(".//DigestValue").SetText("AAAA") }, "signature does not match"},
		{"an altered name", func(root, _ *etree.Element) { root.FindElement(".//NameID").SetText("admin") }, "digest does not match"},
		{"an altered ID", func(root, _ *etree.Element) { root.CreateAttr("ID", "r2") }, "reference to something else"},
		{"a foreign ID before", func(root, _ *etree.Element) {
			id := root.Attr[len(root.Attr)-1]
			root.Attr = root.Attr[:len(root.Attr)-1]
			root.CreateAttr("xmlns:e", "urn:e")
			root.CreateAttr("e:ID", "r1")
			root.CreateAttr("ID", id.Value+"evil")
		}, "reference to something else"},
		{"an attribute more", func(root, _ *etree.Element) { root.CreateAttr("Destination", "https://evil.example") }, "digest does not match"},
		{"an element more", func(root, _ *etree.Element) { root.CreateElement("samlp:Extensions") }, "digest does not match"},
		{"a prefix bound anew", func(root, _ *etree.Element) { root.FindElement(".//Subject").CreateAttr("xmlns:saml", "urn:other") }, "digest does not match"},

		{"another's certificate in KeyInfo", func(_, s *etree.Element) {
			s.FindElement(".//X509Certificate").SetText(base64.StdEncoding.EncodeToString(otherKey.Certificate.Raw))
		}, ""},
		{"no KeyInfo", func(_, s *etree.Element) { s.RemoveChildAt(2) }, ""},
		{"indented values", func(_, s *etree.Element) {
			v := s.FindElement("./SignatureValue")
			v.SetText("\r\n\t " + v.Text()[:64] + "\n  \t" + v.Text()[64:] + "\n")
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verify(t, edited(t, good, tt.edit), tt.want, xmlsig.Policy{}, key)
		})
	}
}

// The key is in KeyInfo, and what it signed is right: that is nobody's word.
func TestVerifyIgnoresKeyInfo(t *testing.T) {
	key, attacker := ours(t), theirs(t)
	forged := sign(t, tree(t, alice), attacker, xmlsig.RSASHA256)
	verify(t, forged, "signature does not match", xmlsig.Policy{}, key)
	verify(t, forged, "no key to verify with", xmlsig.Policy{})
}

func TestVerifyWantsAnID(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	empty := edited(t, resigned(t, good, key, set("./Reference", "URI", "#")), func(root, _ *etree.Element) { root.CreateAttr("ID", "") })
	verify(t, empty, "reference to something else", xmlsig.Policy{}, key)
	missing := edited(t, empty, func(root, _ *etree.Element) { root.RemoveAttr("ID") })
	verify(t, missing, "reference to something else", xmlsig.Policy{}, key)
}

// Nothing but the gate stands before this, and not even that should be needed.
func TestVerifyRefusesWhatPassedNoGate(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	for _, tt := range []struct {
		name string
		edit func(root, signature *etree.Element)
		want string
	}{
		{"a comment in SignedInfo", func(_, s *etree.Element) { s.FindElement("./SignedInfo").CreateComment("x") }, "canonicalise SignedInfo: neither an element nor text"},
		{"a comment in the document", func(root, _ *etree.Element) { root.CreateComment("x") }, "canonicalise: neither an element nor text"},
		{"a relative namespace", func(_, s *etree.Element) { s.FindElement("./SignedInfo").CreateElement("x").CreateAttr("xmlns", "x") }, "parse what was signed: relative namespace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, good)
			tt.edit(root, root.FindElement("./Signature"))
			_, err := xmlsig.Verify(xmlgate.View(root), []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Not even the signer's own hand makes such a document one that readers agree on.
func TestVerifyRefusesSignedBytesThatPassNoGate(t *testing.T) {
	key := ours(t)
	root := tree(t, sign(t, tree(t, response(`<x xmlns="x"/>`)), key, xmlsig.RSASHA256))
	verified, err := xmlsig.Verify(xmlgate.View(root), []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
	if got, want := fmt.Sprint(err), "parse what was signed: relative namespace"; got != want || verified.Element().Exists() {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVerifyMetadata(t *testing.T) {
	key := ours(t)
	document := `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="e1"><md:Extensions/></md:EntityDescriptor>`
	good := sign(t, tree(t, document), key, xmlsig.RSASHA256)
	verify(t, good, "", xmlsig.Policy{}, key)
	late := edited(t, good, func(root, s *etree.Element) { root.AddChild(s) })
	verify(t, late, "signature out of its place", xmlsig.Policy{}, key)
}

// What is returned must be the signed bytes: nothing that the document has
// and the signature does not cover.
func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	key := ours(t)
	u := parse(t, sign(t, tree(t, alice), key, xmlsig.RSASHA256))
	verified, err := xmlsig.Verify(u, []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	got := verified.Element()
	if got.Child(dsig.Namespace, "Signature").Exists() {
		t.Error("the signature, which is not covered, was returned")
	}
	if got.Tree() == u.Tree() {
		t.Error("the document itself was returned")
	}
	if _, err := verified.Within(got.Child("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion")); err != nil {
		t.Errorf("a descendant: %v", err)
	}
	if _, err := verified.Within(u.Child("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion")); err == nil {
		t.Error("what was not signed became verified")
	}
	if _, err := verified.Within(xmlgate.Element{}); err == nil {
		t.Error("nothing became verified")
	}
}

// The assertion of a response stands among the response's declarations.
func TestVerifyInPlace(t *testing.T) {
	key := ours(t)
	inner := parse(t, alice).Child("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion").Tree().Copy()
	inner.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	signed := sign(t, inner, key, xmlsig.RSASHA256)
	document := `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:other" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` +
		strings.Replace(signed, ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, "", 1) + `</p:Response>`
	e := parse(t, document).Child("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion")
	if _, err := xmlsig.Verify(e, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}); err != nil {
		t.Error(err)
	}
}

func TestUnsignedIsItsOwnError(t *testing.T) {
	_, err := xmlsig.Verify(parse(t, alice), nil, xmlsig.Policy{})
	if !errors.Is(err, xmlsig.ErrUnsigned) {
		t.Errorf("got %v", err)
	}
	_, err = xmlsig.Verify(parse(t, `<a/>`), nil, xmlsig.Policy{})
	if !errors.Is(err, xmlsig.ErrUnsigned) {
		t.Errorf("an empty element: got %v", err)
	}
}
