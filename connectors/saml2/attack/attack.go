// Package attack makes the documents that a SAML service provider has to
// withstand: genuine answers about Alice, and what somebody who is not Alice
// can make of them to be taken for the administrator. It is for tests alone.
//
// Every document is made from fresh keys for one [Target], so the same corpus
// can be sent to Consume, to a connector or to a whole broker. Each says how it
// has to end: refused, for which reason, or read as Alice. To add a case, add
// it to the file of its kind.
package attack

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Whom the genuine documents are about, and who the attacker wants to be.
const (
	Alice = "alice"
	Admin = "admin"
)

// Target is the sign-in that is attacked: what a genuine answer to it says. The
// service provider has to accept assertions that only the response's signature
// covers, encrypted ones by its default policy, clocks a minute apart, and
// assertions five minutes old; Expect demands just that.
type Target struct {
	Issuer       string // the identity provider's entityID
	Audience     string // the service provider's entityID
	ACS          string
	InResponseTo string
	Now          time.Time

	Provider  xmlsig.Credential // of the identity provider: RSA, 2048 bits
	Recipient *x509.Certificate // to which assertions are encrypted
}

// NewTarget makes a target with keys of its own, and the service provider's
// key for Expect.
func NewTarget(tb testing.TB) (Target, crypto.Decrypter) {
	tb.Helper()
	provider, recipient := newRSA(tb, 2048), newRSA(tb, 2048)
	return Target{
		Issuer:       "https://idp.example.org/metadata",
		Audience:     "https://login.example.gov.uk/connectors/council/metadata",
		ACS:          "https://login.example.gov.uk/callback/council",
		InResponseTo: "id-request",
		Now:          time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		Provider:     provider,
		Recipient:    recipient.Certificate,
	}, recipient.Signer.(*rsa.PrivateKey)
}

// Expect is what the service provider demands of an answer.
func (t Target) Expect(keys ...crypto.Decrypter) message.Expect {
	return message.Expect{
		Issuer:       t.Issuer,
		Audience:     t.Audience,
		ACS:          t.ACS,
		InResponseTo: t.InResponseTo,
		Keys:         []*x509.Certificate{t.Provider.Certificate},
		Signed:       "either",
		Decrypters:   keys,
		Skew:         time.Minute,
		MaxAge:       5 * time.Minute,
		Now:          t.Now,
	}
}

// Document is one answer of the corpus.
type Document struct {
	Name string
	// XML is the response; nil where Query or Body is the point.
	XML []byte
	// Query and Body are what the browser sends; both empty: it posts XML.
	Query, Body string
	// Refusal is what the error says; "" where the document is read as Alice.
	Refusal string
	// Demand changes what Expect demands, where the document is about that.
	Demand func(*message.Expect)
}

// Request is the browser's visit to the ACS with the document. More form
// parameters, RelayState for one, may be given.
func (d Document) Request(acs string, more url.Values) *http.Request {
	if d.Query != "" {
		return httptest.NewRequest(http.MethodGet, acs+"?"+d.Query, nil)
	}
	body := d.Body
	if body == "" {
		body = "SAMLResponse=" + url.QueryEscape(base64.StdEncoding.EncodeToString(d.XML))
	}
	if len(more) > 0 {
		body += "&" + more.Encode()
	}
	r := httptest.NewRequest(http.MethodPost, acs, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Corpus makes every document against the target.
func Corpus(tb testing.TB, t Target) []Document {
	tb.Helper()
	f := newForge(tb, t)
	f.genuine()
	f.wrapped()
	f.signatures()
	f.references()
	f.keys()
	f.texts()
	f.syntax()
	f.floods()
	f.encryptions()
	f.protocol()
	f.demands()
	f.forms()
	return f.documents
}
