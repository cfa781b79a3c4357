package attack

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// forge makes documents. Whatever it is told to break, the rest stays genuine,
// so that nothing but the check in question can refuse a document.
type forge struct {
	testing.TB
	Target
	attacker  xmlsig.Credential
	documents []Document
}

func newForge(tb testing.TB, t Target) *forge {
	return &forge{TB: tb, Target: t, attacker: newRSA(tb, 2048)}
}

// refuse and accept add a document to the corpus.
func (f *forge) refuse(name, refusal string, response *etree.Element) {
	f.add(Document{Name: name, XML: xmlgate.Bytes(response), Refusal: refusal})
}

func (f *forge) accept(name string, response *etree.Element) { f.refuse(name, "", response) }

func (f *forge) add(d Document) { f.documents = append(f.documents, d) }

// statement is what the provider says about Alice.
func (f *forge) statement() message.Statement {
	return message.Statement{
		ID:                  "_assertion",
		Issuer:              f.Issuer,
		IssueInstant:        f.Now,
		NameID:              message.NameID{Value: Alice, Format: message.Persistent},
		Recipient:           f.ACS,
		InResponseTo:        f.InResponseTo,
		Audience:            f.Audience,
		NotBefore:           f.Now.Add(-time.Minute),
		NotOnOrAfter:        f.Now.Add(5 * time.Minute),
		AuthnInstant:        f.Now,
		SessionIndex:        "_session",
		SessionNotOnOrAfter: f.Now.Add(8 * time.Hour),
		Context:             "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		Attributes: []message.Attribute{
			{Name: "mail", Values: []string{"alice@example.org"}},
			{Name: "groups", Values: []string{"staff", "planning"}},
		},
	}
}

func (f *forge) header() message.Header {
	return message.Header{
		ID: "_response", InResponseTo: f.InResponseTo, IssueInstant: f.Now, Destination: f.ACS, Issuer: f.Issuer,
	}
}

// assertion is an unsigned one, altered.
func (f *forge) assertion(alter ...func(assertion *etree.Element)) *etree.Element {
	e := f.statement().Element()
	for _, a := range alter {
		a(e)
	}
	return e
}

// response is an unsigned one around the assertion, altered.
func (f *forge) response(assertion *etree.Element, alter ...func(response *etree.Element)) *etree.Element {
	e := message.Response(f.header(), message.Status{Code: message.Success}, assertion)
	for _, a := range alter {
		a(e)
	}
	return e
}

// byAssertion, byResponse and byBoth are genuine answers, altered before they
// are signed.
func (f *forge) byAssertion(alter ...func(assertion *etree.Element)) *etree.Element {
	return f.response(f.sign(f.assertion(alter...)))
}

func (f *forge) byResponse(alter ...func(response *etree.Element)) *etree.Element {
	return f.sign(f.response(f.assertion(), alter...))
}

func (f *forge) byBoth() *etree.Element { return f.sign(f.response(f.sign(f.assertion()))) }

func (f *forge) sign(e *etree.Element) *etree.Element {
	return f.signWith(e, f.Provider, xmlsig.RSASHA256)
}

func (f *forge) signWith(e *etree.Element, c xmlsig.Credential, alg xmlsig.Algorithm) *etree.Element {
	f.Helper()
	signed, err := xmlsig.Sign(e, c, alg)
	if err != nil {
		f.Fatal(err)
	}
	return signed
}

// resigned signs the response as sign does, lets shape change the signature,
// and signs its SignedInfo again, as whoever holds the provider's key could: a
// verifier that does not look at the shape finds nothing wrong with it. The
// digest, where canonical is given, is made of what that makes of the response.
func (f *forge) resigned(response *etree.Element, canonical dsig.Canonicalizer, shape func(signature *etree.Element)) *etree.Element {
	f.Helper()
	digested := response.Copy()
	signed := f.sign(response)
	signature := child(signed, "Signature")
	if canonical != nil {
		at(signature, "SignedInfo/Reference/DigestValue").SetText(encode(sha256Of(f.canonical(canonical, digested))))
	}
	shape(signature)
	f.seal(signature, func(info []byte) ([]byte, error) {
		return f.Provider.Signer.Sign(rand.Reader, sha256Of(info), crypto.SHA256)
	})
	return signed
}

// seal makes the SignatureValue of a signature.
func (f *forge) seal(signature *etree.Element, sign func(info []byte) ([]byte, error)) {
	f.Helper()
	info := at(signature, "SignedInfo").Copy()
	info.CreateAttr("xmlns:ds", signatureSpace)
	value, err := sign(f.canonical(exclusive(), info))
	if err != nil {
		f.Fatal(err)
	}
	at(signature, "SignatureValue").SetText(encode(value))
}

func exclusive() dsig.Canonicalizer { return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("") }

func (f *forge) canonical(c dsig.Canonicalizer, e *etree.Element) []byte {
	f.Helper()
	raw, err := c.Canonicalize(e.Copy())
	if err != nil {
		f.Fatal(err)
	}
	return raw
}

// newRSA and newECDSA are credentials whose certificates are good for a day
// around the target's time.
func newRSA(tb testing.TB, bits int) xmlsig.Credential {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	return certified(tb, key, time.Hour)
}

func newECDSA(tb testing.TB, curve elliptic.Curve) xmlsig.Credential {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return certified(tb, key, time.Hour)
}

// certified has a certificate of its own making.
func certified(tb testing.TB, key crypto.Signer, validity time.Duration) xmlsig.Credential {
	tb.Helper()
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "idp.example.org"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.Add(validity),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return xmlsig.Credential{Signer: key, Certificate: certificate}
}

func encode(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }
