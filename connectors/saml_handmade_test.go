package connectors_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

const idp = "https://idp.example.org"

var (
	idpCredential = sync.OnceValue(func() xmlsig.Credential { return newCredential("idp") })
	stranger      = sync.OnceValue(func() xmlsig.Credential { return newCredential("stranger") })
)

// handmade is a provider of which a test writes every message itself.
type handmade struct {
	t     testing.TB
	clock *clock
	cfg   config.Connector
}

func newHandmade(t testing.TB, endpoints ...metadata.Endpoint) *handmade {
	t.Helper()
	h := &handmade{t: t, clock: newClock()}
	document, err := metadata.Build(metadata.Publication{
		Role: metadata.IdentityProvider, ID: idp, SLO: endpoints,
		Certificates: certificatesOf(idpCredential()),
		SSO:          []metadata.Endpoint{{Binding: binding.Redirect, Location: idp + "/sso"}},
	}, h.clock.Now(), xmlsig.Credential{})
	if err != nil {
		t.Fatal(err)
	}
	h.cfg = config.Connector{
		ID: "handmade", Subject: "claims.sub", Network: config.Network{Timeout: time.Second, Attempts: 1},
		SAML: &config.SAML{
			EntityID: spEntityID,
			Metadata: config.Metadata{Inline: string(xmlgate.Bytes(document))},
			Request:  config.SAMLRequest{Binding: "redirect", Algorithm: "rsa-sha256", Force: "passthrough", Comparison: "exact"},
			Response: config.SAMLResponse{
				Binding: "post", Signed: "assertion", Encrypted: "optional",
				ClockSkew: time.Minute, MaxAge: 5 * time.Minute, MaxValues: 2000,
			},
		},
	}
	return h
}

func (h *handmade) open() connectors.Connector {
	h.t.Helper()
	c, err := connectors.Open(h.cfg, connectors.Options{
		Redirect: callbackURL, Logout: logoutURL, Now: h.clock.Now,
		Credentials: func() []xmlsig.Credential { return []xmlsig.Credential{credential()} },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *handmade) logouter() connectors.Logouter { return h.open().(connectors.Logouter) }

func (h *handmade) attempt() connectors.Attempt {
	a := newAttempt()
	a.Started = h.clock.Now()
	return a
}

// statement is a sound assertion for an attempt.
func (h *handmade) statement(a connectors.Attempt) message.Statement {
	now := h.clock.Now()
	return message.Statement{
		ID: "_assertion", Issuer: idp, IssueInstant: now, NameID: somebody(),
		Recipient: callbackURL, InResponseTo: "id-" + a.Nonce, Audience: spEntityID,
		NotBefore: now, NotOnOrAfter: now.Add(5 * time.Minute), AuthnInstant: now, SessionIndex: "_index",
		Context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
	}
}

func somebody() message.NameID {
	return message.NameID{Value: "24400320", Format: message.Persistent, NameQualifier: idp, SPNameQualifier: spEntityID}
}

// finish brings the connector a statement, its assertion amended before it is
// signed.
func (h *handmade) finish(a connectors.Attempt, s message.Statement, amend ...func(*etree.Element)) (*connectors.Assertion, error) {
	h.t.Helper()
	return h.open().Finish(h.t.Context(), a, posted(callbackURL, h.form(a, s, amend...)))
}

func (h *handmade) form(a connectors.Attempt, s message.Statement, amend ...func(*etree.Element)) map[string]string {
	h.t.Helper()
	e := s.Element()
	for _, f := range amend {
		f(e)
	}
	header := message.Header{ID: "_response", InResponseTo: s.InResponseTo, IssueInstant: h.clock.Now(), Destination: callbackURL, Issuer: idp}
	response := message.Response(header, message.Status{Code: message.Success}, h.sign(e, idpCredential()))
	return binding.Form(binding.Response, response, a.State)
}

func (h *handmade) sign(e *etree.Element, c xmlsig.Credential) *etree.Element {
	h.t.Helper()
	signed, err := xmlsig.Sign(e, c, xmlsig.RSASHA256)
	if err != nil {
		h.t.Fatal(err)
	}
	return signed
}

// posted is a form that a browser posts.
func posted(to string, fields map[string]string) *http.Request {
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	r := httptest.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// readByProvider reads a message of ours as its provider does: signed, with our
// key.
func (h *handmade) readByProvider(to connectors.Redirect) xmlgate.Element {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, to.URL, nil)
	if to.Form != nil {
		r = posted(to.URL, to.Form)
	}
	m, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		h.t.Fatal(err)
	}
	verified, err := m.Verify(certificatesOf(credential()), xmlsig.Policy{})
	if err != nil {
		h.t.Fatal(err)
	}
	return verified.Element()
}

func certificatesOf(c xmlsig.Credential) []*x509.Certificate {
	return []*x509.Certificate{c.Certificate}
}
