package xmlsig_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

func TestSignPutsTheSignatureAfterTheIssuer(t *testing.T) {
	key := ours(t)
	for document, want := range map[string]string{
		response(`<saml:Assertion/>`):               "Issuer Signature Assertion",
		`<a ID="x"><b/></a>`:                        "Signature b",
		`<a ID="x"/>`:                               "Signature",
		`<a ID="x"><Issuer xmlns="urn:other"/></a>`: "Signature Issuer",
	} {
		signed, err := xmlsig.Sign(tree(t, document), key, xmlsig.RSASHA256)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, child := range signed.ChildElements() {
			got = append(got, child.Tag)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s, want %s", document, got, want)
		}
	}
}

func TestSignLeavesTheElementAlone(t *testing.T) {
	e := tree(t, alice)
	before := string(xmlgate.Bytes(e))
	sign(t, e, ours(t), xmlsig.RSASHA256)
	if after := string(xmlgate.Bytes(e)); after != before {
		t.Errorf("got %s, want %s", after, before)
	}
}

func TestSignRefuses(t *testing.T) {
	rsa2048, p256 := ours(t), ecKey(t, elliptic.P256())
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out := errors.New("out of order")
	for _, tt := range []struct {
		name string
		e    *etree.Element
		key  xmlsig.Credential
		alg  xmlsig.Algorithm
		want string
	}{
		{"no ID", tree(t, `<a/>`), rsa2048, xmlsig.RSASHA256, "nothing to sign without an ID"},
		{"a signature there", tree(t, sign(t, tree(t, alice), rsa2048, xmlsig.RSASHA256)), rsa2048, xmlsig.RSASHA256, "signed already"},
		{"an undeclared prefix", tree(t, `<p:a ID="x"/>`), rsa2048, xmlsig.RSASHA256, "canonicalise: prefix not declared"},
		{"a comment", tree(t, `<a ID="x"><!-- --></a>`), rsa2048, xmlsig.RSASHA256, "canonicalise: neither an element nor text"},
		{"SHA-1", tree(t, alice), rsa2048, xmlsig.RSASHA1, "not an algorithm to sign with"},
		{"PSS", tree(t, alice), rsa2048, xmlsig.PSSSHA256, "not an algorithm to sign with"},
		{"no algorithm", tree(t, alice), rsa2048, "", "not an algorithm to sign with"},
		{"RSA with ECDSA", tree(t, alice), rsa2048, xmlsig.ECDSASHA256, "sign: signature algorithm for another kind of key"},
		{"ECDSA with RSA", tree(t, alice), p256, xmlsig.RSASHA256, "sign: signature algorithm for another kind of key"},
		{"Ed25519", tree(t, alice), certify(t, edwards), xmlsig.RSASHA256, "sign: key of an unknown kind"},
		{"P-224", tree(t, alice), ecKey(t, elliptic.P224()), xmlsig.ECDSASHA256, "sign: elliptic curve not accepted"},
		{"a key store that fails", tree(t, alice), xmlsig.Credential{Signer: broken{p256.Signer, out}}, xmlsig.ECDSASHA256, "sign: out of order"},
		{"a key store that answers nonsense", tree(t, alice), xmlsig.Credential{Signer: broken{p256.Signer, nil}}, xmlsig.ECDSASHA256, "sign: signature not in ASN.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signed, err := xmlsig.Sign(tt.e, tt.key, tt.alg)
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if signed != nil {
				t.Error("returned an element")
			}
		})
	}
}

type broken struct {
	crypto.Signer
	err error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return []byte("nonsense"), b.err
}

// What no reader accepts must not be signed: it would be read as something else.
func TestSignRefusesWhatIsNoXML(t *testing.T) {
	key := ours(t)
	for _, text := range []string{"a\x00b", "a\x1bb", "a\xffb", "\xef\xbf", "\ufffe", "\uffff", "\xed\xa0\x80"} {
		inText, inAttribute, inNamespace := tree(t, `<a ID="x"/>`), tree(t, `<a ID="x"/>`), tree(t, `<a ID="x"/>`)
		inText.SetText(text)
		inAttribute.CreateAttr("b", text)
		inNamespace.CreateAttr("xmlns", "urn:"+text)
		for _, e := range []*etree.Element{inText, inAttribute, inNamespace} {
			_, err := xmlsig.Sign(e, key, xmlsig.RSASHA256)
			if got, want := fmt.Sprint(err), "canonicalise: not a character of XML"; got != want {
				t.Errorf("%q: got %q, want %q", text, got, want)
			}
		}
	}
	for _, text := range []string{"\t\n\r ", "\ufffd", "é😀", "\u0085", "\x7f"} {
		e := tree(t, `<a ID="x"/>`)
		e.SetText(text)
		if _, err := xmlsig.Sign(e, key, xmlsig.RSASHA256); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// goxmldsig is what the Go service providers verify with.
func TestGoxmldsigVerifiesOurs(t *testing.T) {
	key := ours(t)
	signed, err := xmlsig.Sign(tree(t, alice), key, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key.Certificate}})
	validation.Clock = dsig.NewFakeClockAt(key.Certificate.NotBefore)
	if _, err := validation.Validate(tree(t, string(xmlgate.Bytes(signed)))); err != nil {
		t.Error(err)
	}
}

// FuzzSign holds signing and verifying to each other: whatever the gate lets
// in can be signed, and is verified as it was.
func FuzzSign(f *testing.F) {
	for _, payload := range payloads {
		f.Add(payload)
	}
	key := fixedKey(f)
	f.Fuzz(func(t *testing.T, payload string) {
		u, err := xmlgate.Parse([]byte(response(payload)), xmlgate.Limits{})
		if err != nil || u.Child(dsig.Namespace, "Signature").Exists() {
			return
		}
		signed, err := xmlsig.Sign(u.Tree(), key, xmlsig.ECDSASHA256)
		if err != nil {
			t.Fatal(err)
		}
		received, err := xmlgate.Parse(xmlgate.Bytes(signed), xmlgate.Limits{})
		if err != nil {
			return // longer than it was
		}
		verified, err := xmlsig.Verify(received.Element, []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := content(verified.Element().Tree()), content(u.Tree()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// content is the element with its names in full: what it says, however it is
// written.
func content(e *etree.Element) string {
	var out strings.Builder
	fmt.Fprintf(&out, "<{%s}%s", e.NamespaceURI(), e.Tag)
	attributes := e.Copy()
	attributes.SortAttrs()
	for _, a := range attributes.Attr {
		if _, declaration := xmlgate.Declaration(a.Space, a.Key); !declaration {
			fmt.Fprintf(&out, " %s:%s=%q", a.Space, a.Key, a.Value)
		}
	}
	text := ""
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.CharData:
			text += t.Data
		case *etree.Element:
			fmt.Fprintf(&out, "%q%s", text, content(t))
			text = ""
		}
	}
	fmt.Fprintf(&out, "%q>", text)
	return out.String()
}
