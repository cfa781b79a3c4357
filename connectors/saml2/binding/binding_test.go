package binding_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

const message = `<saml:x xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="m1"><saml:Issuer>https://sp.example</saml:Issuer></saml:x>`

func credential(t testing.TB) xmlsig.Credential {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return xmlsig.Credential{Signer: key, Certificate: cert}
}

func element(t testing.TB, document string) *etree.Element {
	t.Helper()
	u, err := xmlgate.Parse([]byte(document), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return u.Tree()
}

func base64ed(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// deflated is a message as a query has it, unescaped.
func deflated(t testing.TB, s string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return out.String()
}

func get(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/saml/sso?"+query, nil)
}

func post(address, form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// refused expects Read to fail with these words; "" for success.
func refused(t *testing.T, r *http.Request, want string) {
	t.Helper()
	m, err := binding.Read(r, xmlgate.Limits{})
	if got := strings.TrimSuffix(fmt.Sprint(err), "<nil>"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if (want == "") != m.Message.Exists() {
		t.Error("returned a message and an error, or neither")
	}
}

func TestReadPost(t *testing.T) {
	good := url.QueryEscape(base64ed(message))
	for _, tt := range []struct{ name, address, form, want string }{
		{"a request", "/", "SAMLRequest=" + good, ""},
		{"a response", "/?tenant=1", "SAMLResponse=" + good + "&RelayState=r", ""},
		{"lines", "/", "SAMLRequest=" + good[:8] + "%0D%0A" + good[8:] + "%0A", ""},
		{"none", "/", "RelayState=r", "no message"},
		{"both", "/", "SAMLRequest=" + good + "&SAMLResponse=" + good, "both a request and a response"},
		{"twice", "/", "SAMLRequest=" + good + "&SAMLRequest=" + good, "form with a parameter that comes twice or in the address"},
		{"in the address", "/?SAMLRequest=" + good, "", "form with a parameter that comes twice or in the address"},
		{"in the address too", "/?SAMLRequest=" + good, "SAMLRequest=" + good, "form with a parameter that comes twice or in the address"},
		{"the other in the address", "/?SAMLResponse=" + good, "SAMLRequest=" + good, "form with a parameter that comes twice or in the address"},
		{"RelayState twice", "/", "SAMLRequest=" + good + "&RelayState=a&RelayState=b", "form with a parameter that comes twice or in the address"},
		{"RelayState in the address", "/?RelayState=a", "SAMLRequest=" + good, "form with a parameter that comes twice or in the address"},
		{"a long RelayState", "/", "SAMLRequest=" + good + "&RelayState=" + strings.Repeat("x", 2049), "RelayState too long"},
		{"not base64", "/", "SAMLRequest=%2A", "message not in base64"},
		{"white space throughout", "/", "SAMLRequest=" + good[:8] + "+%09" + good[8:], ""},
		{"long", "/", "SAMLRequest=" + strings.Repeat("*", 2<<20), "message too long"},
		{"not XML", "/", "SAMLRequest=" + base64ed("x"), "text outside the root element"},
		{"nothing in it", "/", "SAMLRequest=", "document not complete"},
		{"badly escaped", "/", "SAMLRequest=%zz", "form not well encoded"},
	} {
		t.Run(tt.name, func(t *testing.T) { refused(t, post(tt.address, tt.form), tt.want) })
	}
}

func TestFormThenRead(t *testing.T) {
	key := credential(t)
	signed, err := xmlsig.Sign(element(t, message), key, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	form := make(url.Values)
	for name, value := range binding.Form(binding.Response, signed, "state & more") {
		form.Set(name, value)
	}
	m, err := binding.Read(post("/", form.Encode()), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Binding != binding.POST || m.Parameter != binding.Response || m.RelayState != "state & more" {
		t.Errorf("got %s %s %q", m.Binding, m.Parameter, m.RelayState)
	}
	verified, err := m.Verify([]*x509.Certificate{key.Certificate}, xmlsig.Policy{})
	if err != nil || verified.Element().Attr("ID") != "m1" {
		t.Errorf("got %v", err)
	}
	if _, there := binding.Form(binding.Request, signed, "")["RelayState"]; there {
		t.Error("an empty RelayState was sent")
	}
}

// The document says how it is bounded, and the caller may say otherwise.
func TestReadKeepsLimits(t *testing.T) {
	form := "SAMLRequest=" + url.QueryEscape(base64ed(message))
	if _, err := binding.Read(post("/", form), xmlgate.Limits{Elements: 1}); err == nil || err.Error() != "too many elements" {
		t.Errorf("POST: %v", err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64ed(deflated(t, message)))
	if _, err := binding.Read(get(query), xmlgate.Limits{Elements: 1}); err == nil || err.Error() != "too many elements" {
		t.Errorf("Redirect: %v", err)
	}
}

// A message that is signed inside and came in a query is not signed: the
// query is (SAML Bindings §3.4.4.1).
func TestVerifyLooksWhereTheBindingHasIt(t *testing.T) {
	key := credential(t)
	signed, err := xmlsig.Sign(element(t, message), key, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	address, err := binding.RedirectURL("https://idp.example/sso", binding.Request, signed, "", xmlsig.Credential{}, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := binding.Read(httptest.NewRequest(http.MethodGet, address, nil), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify([]*x509.Certificate{key.Certificate}, xmlsig.Policy{}); !errors.Is(err, xmlsig.ErrUnsigned) {
		t.Errorf("got %v", err)
	}
}
