package town

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Service is a SAML app of the town, planning or parking. crewjam's library
// signs people in; it cannot sign them out, which the broker's own protocol kit
// does here.
type Service struct {
	saml.ServiceProvider
	tb     testing.TB
	broker *metadata.Entity
}

// Question is one AuthnRequest, by Redirect and by POST.
type Question struct {
	ID, URL string
	Form    Form
}

// Told is what an app learns of whoever signed in.
type Told struct {
	NameID     message.NameID
	Session    string // its SessionIndex
	Context    string // the AuthnContextClassRef
	Attributes map[string]string
}

// services are the SAML apps, by id.
var services = []string{"planning", "parking"}

// identity is the key of all SAML apps: to make one takes long.
var identity = sync.OnceValues(func() (xmlsig.Credential, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return xmlsig.Credential{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an app"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return xmlsig.Credential{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return xmlsig.Credential{Signer: key, Certificate: certificate}, err
})

// serviceProvider is the app as its library has it, before it knows the broker.
func serviceProvider(id string) (saml.ServiceProvider, error) {
	us, err := identity()
	if err != nil {
		return saml.ServiceProvider{}, err
	}
	at, err := url.Parse(App + "/" + id)
	if err != nil {
		return saml.ServiceProvider{}, err
	}
	return saml.ServiceProvider{
		Key: us.Signer, Certificate: us.Certificate, SignatureMethod: dsig.RSASHA256SignatureMethod,
		MetadataURL: *at.JoinPath("metadata"), AcsURL: *at.JoinPath("acs"), SloURL: *at.JoinPath("slo"),
		LogoutBindings: []string{saml.HTTPRedirectBinding}, AuthnNameIDFormat: saml.PersistentNameIDFormat,
	}, nil
}

// describe is an app's metadata.
func describe(id string) (string, error) {
	sp, err := serviceProvider(id)
	if err != nil {
		return "", err
	}
	document, err := xml.MarshalIndent(sp.Metadata(), "", "  ")
	return string(document), err
}

// NewService is a SAML app of the town.
func (t *Town) NewService(tb testing.TB, id string) *Service {
	tb.Helper()
	sp, err := serviceProvider(id)
	if err != nil {
		tb.Fatal(err)
	}
	document := t.NewBrowser(tb).Get("/saml/metadata").Body
	sp.IDPMetadata = new(saml.EntityDescriptor)
	if err := xml.Unmarshal([]byte(document), sp.IDPMetadata); err != nil {
		tb.Fatal(err)
	}
	broker, err := metadata.Parse([]byte(document), metadata.IdentityProvider, "", nil, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return &Service{ServiceProvider: sp, tb: tb, broker: broker}
}

// Ask makes a request. change, which may be nil, changes it before it is sent.
func (s *Service) Ask(change func(*saml.AuthnRequest)) Question {
	s.tb.Helper()
	r, err := s.MakeAuthenticationRequest(s.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		s.tb.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	to, err := r.Redirect("", &s.ServiceProvider)
	if err != nil {
		s.tb.Fatal(err)
	}
	posted, err := xmlsig.Sign(r.Element(), s.us(), xmlsig.RSASHA256)
	if err != nil {
		s.tb.Fatal(err)
	}
	form := Form{Action: r.Destination, Fields: url.Values{}}
	for name, value := range binding.Form(binding.Request, posted, "") {
		form.Fields.Set(name, value)
	}
	return Question{ID: r.ID, URL: to.String(), Form: form}
}

func (s *Service) us() xmlsig.Credential {
	return xmlsig.Credential{Signer: s.Key, Certificate: s.Certificate}
}

// Accept reads the response that the browser brought, which must answer the
// question; the zero Question for one that nobody asked for.
func (s *Service) Accept(q Question, b *Browser, p Page) Told {
	s.tb.Helper()
	a, err := s.parse(q, b, p)
	if err != nil {
		s.tb.Fatal(err)
	}
	return told(a)
}

// Refused is the status of the response that the browser brought, which has no
// assertion: its codes, outer first.
func (s *Service) Refused(q Question, b *Browser, p Page) (codes [2]string) {
	s.tb.Helper()
	raw, err := base64.StdEncoding.DecodeString(b.Posted.Fields.Get("SAMLResponse"))
	if !p.AtApp() || err != nil {
		s.tb.Fatalf("the browser brought no response: %s", p)
	}
	var response saml.Response
	if err := xml.Unmarshal(raw, &response); err != nil {
		s.tb.Fatal(err)
	}
	if response.InResponseTo != q.ID || response.Signature == nil || response.Assertion != nil {
		s.tb.Fatal("the response answers something else, or is not signed, or says who it is")
	}
	codes[0] = lastOf(response.Status.StatusCode.Value)
	if second := response.Status.StatusCode.StatusCode; second != nil {
		codes[1] = lastOf(second.Value)
	}
	return codes
}

func lastOf(uri string) string { return uri[strings.LastIndex(uri, ":")+1:] }

func (s *Service) parse(q Question, b *Browser, p Page) (*saml.Assertion, error) {
	s.tb.Helper()
	if !p.AtApp() || b.Posted.Action != s.AcsURL.String() {
		s.tb.Fatalf("the browser did not come back to the app: %s\n%s", p, p.Body)
	}
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, b.Posted.Action, strings.NewReader(b.Posted.Fields.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sp := s.ServiceProvider
	sp.AllowIDPInitiated = q.ID == ""
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	a, err := sp.ParseResponse(r, []string{q.ID})
	if invalid, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
		return nil, invalid.PrivateErr // which the library keeps from visitors
	}
	return a, err
}

func told(a *saml.Assertion) Told {
	id := a.Subject.NameID
	t := Told{Attributes: map[string]string{}, NameID: message.NameID{
		Value: id.Value, Format: id.Format, NameQualifier: id.NameQualifier, SPNameQualifier: id.SPNameQualifier,
	}}
	for _, statement := range a.AuthnStatements {
		t.Session = statement.SessionIndex
		if statement.AuthnContext.AuthnContextClassRef != nil {
			t.Context = statement.AuthnContext.AuthnContextClassRef.Value
		}
	}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			for _, value := range attribute.Values {
				t.Attributes[attribute.Name] = value.Value
			}
		}
	}
	return t
}

// SignIn is a whole login through one connector, or by single sign-on.
func (s *Service) SignIn(b *Browser, connector string) Told {
	s.tb.Helper()
	q := s.Ask(nil)
	return s.Accept(q, b, b.Choose(b.Get(q.URL), connector))
}
