package xmlenc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// An assertion whose text and attributes change if they are written carelessly.
const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1"` +
	` note="a&#xA;b&#x9;c&quot;"><saml:Issuer>https://idp.example &amp; sons&#xD;</saml:Issuer></saml:Assertion>`

var everything = xmlenc.Policy{Data: []xmlenc.Data{
	xmlenc.AES128GCM, xmlenc.AES256GCM, xmlenc.AES128CBC, xmlenc.AES192CBC, xmlenc.AES256CBC,
}}

// The keys of this package's tests, made once as they take a while.
var ours, another = sync.OnceValue(makeKey), sync.OnceValue(makeKey)

func makeKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func certificate(tb testing.TB, key crypto.Signer) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func element(tb testing.TB, text string) *etree.Element {
	tb.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		tb.Fatal(err)
	}
	return doc.Root()
}

// wrap puts EncryptedData, and what may stand beside it, into an
// EncryptedAssertion, as it comes through the gate.
func wrap(tb testing.TB, inner string) xmlgate.Element {
	tb.Helper()
	u, err := xmlgate.Parse([]byte(`<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">`+
		inner+`</saml:EncryptedAssertion>`), xmlgate.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return u.Element
}

func encrypt(tb testing.TB, data xmlenc.Data, key xmlenc.Key) string {
	tb.Helper()
	e, err := xmlenc.Encrypt(element(tb, assertion), certificate(tb, ours()), data, key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(xmlgate.Bytes(e))
}

func TestEncryptDecrypt(t *testing.T) {
	for _, data := range []xmlenc.Data{xmlenc.AES128GCM, xmlenc.AES256GCM, xmlenc.AES128CBC, xmlenc.AES256CBC} {
		for _, key := range []xmlenc.Key{xmlenc.OAEPMGF1P, xmlenc.OAEP} {
			text := encrypt(t, data, key)
			for _, uri := range []string{data.URI(), key.URI(), "http://www.w3.org/2001/04/xmlenc#Element"} {
				if !strings.Contains(text, `"`+uri+`"`) {
					t.Errorf("%s, %s: no %s in %s", data, key, uri, text)
				}
			}
			// The key that fits is neither the first nor the last.
			keys := []crypto.Decrypter{another(), ours(), another()}
			got, err := xmlenc.Decrypt(wrap(t, text), keys, everything)
			if err != nil || string(got) != assertion {
				t.Errorf("%s, %s: %q, %v", data, key, got, err)
			}
		}
	}
}

// Each message has its own key and its own IV or nonce.
func TestEncryptAnew(t *testing.T) {
	value := func(e xmlgate.Element) []byte {
		value, err := base64.StdEncoding.DecodeString(e.Child(enc, "CipherData").Child(enc, "CipherValue").Text())
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, data := range []xmlenc.Data{xmlenc.AES256GCM, xmlenc.AES256CBC} {
		seen := map[string]bool{}
		for range 3 {
			e := wrap(t, encrypt(t, data, xmlenc.OAEPMGF1P)).Child(enc, "EncryptedData")
			content, err := rsa.DecryptOAEP(sha1.New(), nil, ours(), value(e.Child(dsig, "KeyInfo").Child(enc, "EncryptedKey")), nil)
			if err != nil {
				t.Fatal(err)
			}
			seen[string(content)], seen[string(value(e)[:12])] = true, true
		}
		if len(seen) != 6 {
			t.Errorf("%s: %d keys and nonces of 6", data, len(seen))
		}
	}
}

func TestEncryptRefuses(t *testing.T) {
	e, to := element(t, assertion), certificate(t, ours())
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to   *x509.Certificate
		data xmlenc.Data
		key  xmlenc.Key
		want string
	}{
		{to, xmlenc.AES192CBC, xmlenc.OAEP, "nothing is encrypted with"},
		{to, "tripledes-cbc", xmlenc.OAEP, "nothing is encrypted with"},
		{to, xmlenc.AES256GCM, "rsa-1_5", "no key is transported with"},
		{certificate(t, ec), xmlenc.AES256GCM, xmlenc.OAEP, "no RSA key"},
	} {
		if _, err := xmlenc.Encrypt(e, c.to, c.data, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want %q", c.data, c.key, err, c.want)
		}
	}
}

// hsm is a key that can do nothing but decrypt.
type hsm struct{ crypto.Decrypter }

func TestDecryptWithHSM(t *testing.T) {
	got, err := xmlenc.Decrypt(wrap(t, encrypt(t, xmlenc.AES256GCM, xmlenc.OAEP)),
		[]crypto.Decrypter{hsm{ours()}}, xmlenc.Policy{})
	if err != nil || !bytes.Equal(got, []byte(assertion)) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAccepted(t *testing.T) {
	p := xmlenc.Policy{}.Accepted()
	for _, d := range p.Data {
		if d == xmlenc.AES128CBC || d == xmlenc.AES192CBC {
			t.Errorf("%s by default", d)
		}
	}
	if len(p.Data) != 3 || len(p.Key) != 2 {
		t.Errorf("%v", p)
	}
}
