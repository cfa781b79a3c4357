package xmlsig_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

func signQuery(t *testing.T, query string, c xmlsig.Credential, alg xmlsig.Algorithm) string {
	t.Helper()
	signed, err := xmlsig.SignQuery(query, c, alg)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestSignQueryThenVerify(t *testing.T) {
	rsa2048, p256, p521 := ours(t), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P521())
	for alg, key := range map[xmlsig.Algorithm]xmlsig.Credential{
		xmlsig.RSASHA256: rsa2048, xmlsig.RSASHA512: rsa2048, xmlsig.ECDSASHA256: p256, xmlsig.ECDSASHA512: p521,
	} {
		query := signQuery(t, "SAMLRequest=m&RelayState=r", key, alg)
		if err := verifyQuery(query, key.Certificate); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if !strings.HasPrefix(query, "SAMLRequest=m&RelayState=r&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23") {
			t.Errorf("%s: %s", alg, query)
		}
	}
	if _, err := xmlsig.SignQuery("SAMLRequest=m", rsa2048, xmlsig.RSASHA1); err == nil {
		t.Error("signed with SHA-1")
	}
	if _, err := xmlsig.SignQuery("SAMLRequest=m", rsa2048, xmlsig.ECDSASHA256); err == nil {
		t.Error("signed with another kind of key")
	}
}

func verifyQuery(query string, keys ...*x509.Certificate) error {
	_, err := xmlsig.VerifyQuery(query, keys, xmlsig.Policy{}, func(value string) (xmlgate.Unverified, error) {
		return xmlgate.Parse([]byte("<a>"+value+"</a>"), xmlgate.Limits{})
	})
	return err
}

// Each is the query above after somebody was at it.
func TestVerifyQueryRefuses(t *testing.T) {
	key := ours(t)
	good := signQuery(t, "SAMLRequest=m&RelayState=r", key, xmlsig.RSASHA256)
	bare := signQuery(t, "SAMLRequest=m", key, xmlsig.RSASHA256)
	signature := good[strings.Index(good, "&Signature="):]
	swap := func(s, old, new string) string { return strings.Replace(s, old, new, 1) }
	for _, tt := range []struct{ name, query, want string }{
		{"nothing changed", good, "<nil>"},
		{"no RelayState", bare, "<nil>"},
		{"another order", "RelayState=r" + signature + "&" + swap(swap(good, "&RelayState=r", ""), signature, ""), "<nil>"},
		{"a parameter of the address", "tenant=1&" + good + "&x", "<nil>"},
		{"parts left empty", "&&" + good + "&", "<nil>"},

		{"no signature", swap(good, signature, ""), "not signed"},
		{"an empty signature", swap(good, signature, "&Signature="), "signature does not match"},
		{"a signature that is no base64", swap(good, signature, "&Signature=*"), "signature not in base64"},
		{"a signature badly escaped", swap(good, signature, "&Signature=%"), "signature not well escaped"},
		{"no algorithm", "SAMLRequest=m" + signature, "signature algorithm not accepted"},
		{"SHA-1", swap(good, "xmldsig-more%23rsa-sha256", "xmldsig%23rsa-sha1"), "signature algorithm not accepted"},
		{"another algorithm", swap(good, "rsa-sha256", "rsa-sha512"), "signature does not match"},
		{"an algorithm badly escaped", swap(good, "rsa-sha256", "%"), "signature algorithm not well escaped"},
		{"another message", swap(good, "=m", "=n"), "signature does not match"},
		{"a response of it", swap(good, "SAMLRequest", "SAMLResponse"), "signature does not match"},
		{"another RelayState", swap(good, "=r", "=s"), "signature does not match"},
		{"RelayState taken away", swap(good, "&RelayState=r", ""), "signature does not match"},
		{"RelayState emptied", swap(good, "&RelayState=r", "&RelayState="), "signature does not match"},
		{"RelayState added", bare + "&RelayState=evil", "signature does not match"},
		{"an empty RelayState added", bare + "&RelayState=", "signature does not match"},
		{"RelayState added by another spelling", bare + "&Relay%53tate=evil", "signature does not match"},
		{"the same written otherwise", swap(good, "=m", "=%6D"), "signature does not match"},

		{"the message twice", good + "&SAMLRequest=n", "query with a parameter that comes twice"},
		{"the message before", "SAMLRequest=n&" + good, "query with a parameter that comes twice"},
		{"the message twice by another spelling", good + "&SAML%52equest=n", "query with a parameter that comes twice"},
		{"the signature twice", good + "&Signature=x", "query with a parameter that comes twice"},
		{"a response too", good + "&SAMLResponse=n", "query with both a request and a response"},
		{"no message", "RelayState=r" + signature, "query without a message"},
		{"nothing", "", "query without a message"},
		{"a name badly escaped", good + "&%=x", "query not well escaped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(verifyQuery(tt.query, key.Certificate)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A signature covers the characters as they were sent, and every sender has
// its own way of escaping.
func TestVerifyQueryKeepsWhatWasSent(t *testing.T) {
	key := ours(t)
	for _, query := range []string{
		"SAMLRequest=a%2bb%2f&RelayState=https%3a%2f%2ftax.example%2f", // .NET, ADFS
		"SAMLRequest=a%2Bb%2F&RelayState=a+b",
		"SAMLRequest=a%2Bb%2F&RelayState=a%20b",
		"SAMLResponse=a/b==&RelayState=~.!*()'",
	} {
		signed := signQuery(t, query, key, xmlsig.RSASHA256)
		var got string
		_, err := xmlsig.VerifyQuery(signed, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}, func(value string) (xmlgate.Unverified, error) {
			got = value
			return xmlgate.Parse([]byte(`<a/>`), xmlgate.Limits{})
		})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		want, _, _ := strings.Cut(query, "&")
		if _, want, _ = strings.Cut(want, "="); got != want {
			t.Errorf("decoded %q, want %q", got, want)
		}
	}
	lower := strings.Replace(signQuery(t, "SAMLRequest=m", key, xmlsig.RSASHA256), "%3A", "%3a", 1)
	if err := verifyQuery(lower, key.Certificate); err == nil {
		t.Error("an escape of the algorithm that was not signed verifies")
	}
}

func TestVerifyQueryKeys(t *testing.T) {
	key, other := ours(t), theirs(t)
	query := signQuery(t, "SAMLRequest=m", key, xmlsig.RSASHA256)
	if err := verifyQuery(query, other.Certificate, key.Certificate); err != nil {
		t.Errorf("the second key: %v", err)
	}
	if err := verifyQuery(query, other.Certificate); err == nil {
		t.Error("another's key verifies")
	}
	if err := verifyQuery(query); err == nil {
		t.Error("no key verifies")
	}
}

func TestVerifyQueryReturnsWhatWasDecoded(t *testing.T) {
	key := ours(t)
	query := signQuery(t, "SAMLRequest=m", key, xmlsig.RSASHA256)
	document := parse(t, alice)
	verified, err := xmlsig.VerifyQuery(query, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}, func(string) (xmlgate.Unverified, error) {
		return xmlgate.Unverified{Element: document}, nil
	})
	if err != nil || verified.Element() != document {
		t.Errorf("got %v, %v", verified, err)
	}
	bad := errors.New("bad message")
	_, err = xmlsig.VerifyQuery(query, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}, func(string) (xmlgate.Unverified, error) {
		return xmlgate.Unverified{}, bad
	})
	if !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
	if _, err := url.ParseQuery(query); err != nil {
		t.Error(err)
	}
}
