package idp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/test/markup"
)

// newBrowser is a browser that follows nothing by itself.
func newBrowser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

func (b *bed) read(res *http.Response, err error) *answer {
	b.t.Helper()
	b.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.must(err)
	return &answer{res, string(body)}
}

func (b *bed) get(browser *http.Client, address string) *answer {
	b.t.Helper()
	res, err := browser.Get(address)
	return b.read(res, err)
}

// follow goes where the broker sends the browser, and signs in at the provider,
// until there is a page or an address that is somebody else's.
func (b *bed) follow(browser *http.Client, a *answer) *answer {
	b.t.Helper()
	for range 10 {
		if a.StatusCode != http.StatusSeeOther {
			return a
		}
		to, err := a.Location()
		b.must(err)
		switch {
		case to.Host == "provider.example":
			a = b.get(browser, b.URL+"/callback/upstream?"+url.Values{"state": {to.Query().Get("state")}}.Encode())
		case strings.HasPrefix(to.String(), b.URL+"/"):
			a = b.get(browser, to.String())
		default:
			return a
		}
	}
	b.t.Fatal("redirected in a circle")
	return nil
}

// A form is the one of the page that posts to another site.
type form struct{ markup.Form }

// form reads the page's one form.
func (a *answer) form(t testing.TB) form {
	t.Helper()
	found := markup.Forms(a.Request.URL, a.body)
	if a.StatusCode != http.StatusOK || len(found) != 1 {
		t.Fatalf("status %d with %d forms; body %s", a.StatusCode, len(found), a.body)
	}
	return form{found[0]}
}

// request is a sign-in request of the partner, changed.
func (p partner) request(b *bed, change ...func(*message.AuthnRequest)) message.AuthnRequest {
	m := message.AuthnRequest{Header: message.Header{
		ID: newID(), IssueInstant: b.now(), Destination: b.URL + "/saml/sso", Issuer: p.entityID,
	}}
	for _, c := range change {
		c(&m)
	}
	return m
}

// redirect is the address that carries a message to the broker, signed with
// key where that has one.
func (b *bed) redirect(path, parameter string, m *etree.Element, relayState string, key xmlsig.Credential) string {
	b.t.Helper()
	address, err := binding.RedirectURL(b.URL+path, parameter, m, relayState, key, xmlsig.RSASHA256)
	b.must(err)
	return address
}

// credential is what the partner signs requests with.
func (p partner) credential() xmlsig.Credential {
	if !p.signs {
		return xmlsig.Credential{}
	}
	return p.key()
}

// ask sends a sign-in request by Redirect.
func (b *bed) ask(browser *http.Client, p partner, m message.AuthnRequest, relayState string) *answer {
	b.t.Helper()
	return b.get(browser, b.redirect("/saml/sso", binding.Request, m.Element(), relayState, p.credential()))
}

// signOn asks and signs in, and returns the form that goes to the app.
func (b *bed) signOn(browser *http.Client, p partner, m message.AuthnRequest) form {
	b.t.Helper()
	return b.follow(browser, b.ask(browser, p, m, "")).form(b.t)
}

// post sends a message by POST, from another site.
func (b *bed) post(browser *http.Client, path string, fields url.Values) *answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.URL+path, strings.NewReader(fields.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://planning.example")
	// SameSite=Lax: no cookies come along.
	res, err := (&http.Client{CheckRedirect: browser.CheckRedirect}).Do(r)
	return b.read(res, err)
}

// posted are the fields of a message, signed with key where that has one.
func (b *bed) posted(parameter string, m *etree.Element, relayState string, key xmlsig.Credential) url.Values {
	b.t.Helper()
	if key.Signer != nil {
		var err error
		m, err = xmlsig.Sign(m, key, xmlsig.RSASHA256)
		b.must(err)
	}
	fields := url.Values{}
	for name, value := range binding.Form(parameter, m, relayState) {
		fields.Set(name, value)
	}
	return fields
}

// received reads a form as the app's library would.
func (f form) received(t testing.TB) binding.Received {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, f.Action, strings.NewReader(f.Fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	m, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// expect is what the partner demands of a response to m, changed.
func (p partner) expect(b *bed, m message.AuthnRequest, change ...func(*message.Expect)) message.Expect {
	x := message.Expect{
		Issuer: b.entityID(), Audience: p.entityID, ACS: p.acs, InResponseTo: m.ID,
		Keys: b.published(), Decrypters: []crypto.Decrypter{p.key().Signer.(crypto.Decrypter)},
		MaxAge: 5 * time.Minute, Now: b.now(),
	}
	for _, c := range change {
		c(&x)
	}
	return x
}

// facts are what the partner learns of a form.
func (b *bed) facts(p partner, m message.AuthnRequest, f form, change ...func(*message.Expect)) *message.Facts {
	b.t.Helper()
	x := p.expect(b, m, change...)
	if f.Action != x.ACS {
		b.t.Fatalf("sent to %s", f.Action)
	}
	facts, err := message.Consume(f.received(b.t), x)
	b.must(err)
	return facts
}

// status are the codes of a response that refuses, which must be signed.
func (b *bed) status(p partner, m message.AuthnRequest, f form) message.Status {
	b.t.Helper()
	if f.Action != p.acs {
		b.t.Fatalf("sent to %s", f.Action)
	}
	received := f.received(b.t)
	verified, err := received.Verify(b.published(), xmlsig.Policy{})
	b.must(err)
	e := verified.Element()
	if got := e.Attr("InResponseTo"); got != m.ID {
		b.t.Errorf("in response to %q", got)
	}
	if len(e.Children(message.Assertion, "Assertion"))+len(e.Children(message.Assertion, "EncryptedAssertion")) > 0 {
		b.t.Error("a refusal with an assertion")
	}
	code := e.Child(message.Protocol, "Status").Child(message.Protocol, "StatusCode")
	return message.Status{Code: code.Attr("Value"), Second: code.Child(message.Protocol, "StatusCode").Attr("Value")}
}

// isPage fails unless the person is told, on a page that leads to nobody.
func (a *answer) isPage(t testing.TB, status int) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != "" || strings.Contains(a.body, "SAMLResponse") {
		t.Errorf("status %d, want %d; location %q; body %s", a.StatusCode, status, a.Header.Get("Location"), a.body)
	}
}

func newID() string { return "_" + rand.Text() }

// signSHA1 signs a query as old software does.
func signSHA1(t testing.TB, query string, c xmlsig.Credential) string {
	t.Helper()
	query += "&SigAlg=" + url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1")
	sum := sha1.Sum([]byte(query))
	signature, err := c.Signer.Sign(rand.Reader, sum[:], crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

// bytesOf is the document that a form carries.
func bytesOf(t testing.TB, f form) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(f.Fields.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// published are the certificates by which our messages are known.
func (b *bed) published() []*x509.Certificate {
	return []*x509.Certificate{b.credentials()[0].Certificate}
}
