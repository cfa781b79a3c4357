package xmlsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// certify makes a certificate for a key, valid in 2026.
func certify(t testing.TB, signer crypto.Signer) xmlsig.Credential {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "idp.example"},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return xmlsig.Credential{Signer: signer, Certificate: cert}
}

// RSA keys take long to find, so that the tests share two.
var oursOnce, theirsOnce = sync.OnceValues(newRSA), sync.OnceValues(newRSA)

func newRSA() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// ours is the key that is trusted.
func ours(t testing.TB) xmlsig.Credential { return certifyRSA(t, oursOnce) }

// theirs is another.
func theirs(t testing.TB) xmlsig.Credential { return certifyRSA(t, theirsOnce) }

func certifyRSA(t testing.TB, find func() (*rsa.PrivateKey, error)) xmlsig.Credential {
	t.Helper()
	key, err := find()
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key)
}

func ecKey(t testing.TB, curve elliptic.Curve) xmlsig.Credential {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key)
}

const alice = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="r1">` +
	`<saml:Issuer>https://idp.example</saml:Issuer>` +
	`<saml:Assertion ID="a1"><saml:Issuer>https://idp.example</saml:Issuer><saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject>` +
	`<saml:AttributeStatement><saml:Attribute Name="note"><saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema"` +
	` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">a &lt; b &amp; "c" é&#13;</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>` +
	`</saml:Assertion></samlp:Response>`

func parse(t testing.TB, document string) xmlgate.Element {
	t.Helper()
	u, err := xmlgate.Parse([]byte(document), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return u.Element
}

func sign(t testing.TB, e *etree.Element, c xmlsig.Credential, alg xmlsig.Algorithm) string {
	t.Helper()
	signed, err := xmlsig.Sign(e, c, alg)
	if err != nil {
		t.Fatal(err)
	}
	return string(xmlgate.Bytes(signed))
}

func TestSignThenVerify(t *testing.T) {
	rsa2048, p256, p521 := ours(t), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P521())
	for _, tt := range []struct {
		alg xmlsig.Algorithm
		key xmlsig.Credential
	}{
		{xmlsig.RSASHA256, rsa2048},
		{xmlsig.RSASHA384, rsa2048},
		{xmlsig.RSASHA512, rsa2048},
		{xmlsig.ECDSASHA256, p256},
		{xmlsig.ECDSASHA384, p256},
		{xmlsig.ECDSASHA512, p521},
	} {
		t.Run(string(tt.alg), func(t *testing.T) {
			document := sign(t, parse(t, alice).Tree(), tt.key, tt.alg)
			other := theirs(t)
			verified, err := xmlsig.Verify(parse(t, document), []*x509.Certificate{other.Certificate, tt.key.Certificate}, xmlsig.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(xmlgate.Bytes(verified.Element().Tree())); !strings.Contains(got, "alice") || strings.Contains(got, "Signature") {
				t.Errorf("got %s", got)
			}
			forged := strings.Replace(document, "alice", "admin", 1)
			if _, err := xmlsig.Verify(parse(t, forged), []*x509.Certificate{tt.key.Certificate}, xmlsig.Policy{}); err == nil {
				t.Error("verified a forgery")
			}
		})
	}
}
