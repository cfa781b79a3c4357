package xmlsig_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// fixedKey is the same in every process of a fuzz run, or none would verify
// what another signed.
func fixedKey(t testing.TB) xmlsig.Credential {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key)
}

// FuzzVerify looks for a document that verifies and says something that the
// key did not sign.
func FuzzVerify(f *testing.F) {
	key := fixedKey(f)
	signed := make(map[string]bool)
	for _, payload := range payloads {
		document := parse(f, response(payload+`<saml:NameID>alice</saml:NameID>`))
		signed[content(document.Tree())] = true
		f.Add([]byte(sign(f, document.Tree(), key, xmlsig.ECDSASHA256)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := xmlgate.Parse(raw, xmlgate.Limits{})
		if err != nil {
			return
		}
		verified, err := xmlsig.Verify(u.Element, []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
		if err == nil && !signed[content(verified.Element().Tree())] {
			t.Errorf("verified what was not signed: %s", content(verified.Element().Tree()))
		}
	})
}

// FuzzVerifyQuery does the same for queries.
func FuzzVerifyQuery(f *testing.F) {
	key := fixedKey(f)
	for _, query := range []string{"SAMLRequest=a%2b&RelayState=x+y", "SAMLResponse=b", "SAMLRequest="} {
		signed, err := xmlsig.SignQuery(query, key, xmlsig.ECDSASHA256)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(signed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var read string
		_, err := xmlsig.VerifyQuery(raw, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}, func(value string) (xmlgate.Unverified, error) {
			read = value
			return xmlgate.Unverified{}, nil
		})
		if err == nil && !strings.Contains("a%2b b", read) {
			t.Errorf("verified %q", read)
		}
	})
}
