package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// samlSP is a SAML service provider, as a legacy application is one. crewjam's
// library signs people in; it cannot sign them out, which the broker's own
// protocol kit does here.
type samlSP struct {
	idp string // the address of the broker's metadata
	sp  saml.ServiceProvider
	us  xmlsig.Credential

	mu     sync.Mutex
	broker *metadata.Entity
}

// samlAsked is the ID of the request that a visit waits to be answered.
type samlAsked string

// samlSession is what the broker calls the session.
type samlSession struct {
	nameID message.NameID // exactly as issued
	index  string
}

// newSAMLSP makes a service provider with a key of its own.
func newSAMLSP(base, idp string) (*samlSP, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Planning (sample)"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return &samlSP{idp: idp, us: xmlsig.Credential{Signer: key, Certificate: certificate}, sp: saml.ServiceProvider{
		Key: key, Certificate: certificate, SignatureMethod: dsig.RSASHA256SignatureMethod,
		MetadataURL: *at.JoinPath("/saml/metadata"), AcsURL: *at.JoinPath("/saml/acs"), SloURL: *at.JoinPath("/saml/slo"),
		LogoutBindings:    []string{saml.HTTPRedirectBinding},
		AuthnNameIDFormat: saml.PersistentNameIDFormat,
	}}, nil
}

// metadata is the document that the council's IT team hands to the broker's
// operators.
func (s *samlSP) metadata() ([]byte, error) { return xml.MarshalIndent(s.sp.Metadata(), "", "  ") }

func (s *samlSP) mount(mux *http.ServeMux, a *App) {
	mux.HandleFunc("POST /saml/acs", func(w http.ResponseWriter, r *http.Request) { s.acs(w, r, a) })
	mux.HandleFunc("GET /saml/slo", func(w http.ResponseWriter, r *http.Request) { s.slo(w, r, a) })
}

func (s *samlSP) signIn(w http.ResponseWriter, r *http.Request, a *App, v *visit) error {
	if err := s.meet(r.Context()); err != nil {
		return fmt.Errorf("reach the sign-in service: %w", err)
	}
	request, err := s.sp.MakeAuthenticationRequest(s.sp.GetSSOBindingLocation(saml.HTTPRedirectBinding),
		saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return err
	}
	to, err := request.Redirect("", &s.sp)
	if err != nil {
		return err
	}
	a.ask(v, samlAsked(request.ID))
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return nil
}

// acs takes the broker's response. The visit's cookie comes with it because
// every address of the demo is one site to a browser; a real app's would have
// to be SameSite=None.
func (s *samlSP) acs(w http.ResponseWriter, r *http.Request, a *App) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	v := a.visit(w, r)
	asked, _ := a.askedBy(v).(samlAsked)
	if err := r.ParseForm(); err != nil || asked == "" {
		a.problem(w, r, v, errors.New("this answer belongs to another sign-in"))
		return
	}
	assertion, err := s.sp.ParseResponse(r, []string{string(asked)})
	if err != nil {
		a.problem(w, r, v, cause(err))
		return
	}
	person, session := read(assertion)
	a.welcome(w, r, v, person, session)
}

// cause is what crewjam's library keeps from visitors, and this sample shows.
func cause(err error) error {
	if invalid, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
		return invalid.PrivateErr
	}
	return err
}

// read is what an assertion says about a person.
func read(a *saml.Assertion) (*Person, samlSession) {
	person, session := &Person{Claims: map[string]any{}}, samlSession{}
	if a.Subject != nil && a.Subject.NameID != nil {
		id := a.Subject.NameID
		session.nameID = message.NameID{
			Value: id.Value, Format: id.Format, NameQualifier: id.NameQualifier, SPNameQualifier: id.SPNameQualifier,
		}
		person.Subject = id.Value
	}
	for _, statement := range a.AuthnStatements {
		session.index = statement.SessionIndex
	}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			for _, value := range attribute.Values {
				person.Claims[cmp.Or(attribute.FriendlyName, attribute.Name)] = value.Value
			}
		}
	}
	return person, session
}

// signOut asks the broker to end its session, and with it those of the other
// services (SAML Profiles §4.4).
func (s *samlSP) signOut(w http.ResponseWriter, r *http.Request, a *App, was visit) error {
	if err := s.meet(r.Context()); err != nil {
		return fmt.Errorf("reach the sign-in service: %w", err)
	}
	session, _ := was.session.(samlSession)
	slo := s.logoutAddress()
	request := message.LogoutRequest{
		Header:       message.Header{ID: "id-" + rand.Text(), IssueInstant: time.Now(), Destination: slo.Location, Issuer: s.id()},
		NotOnOrAfter: time.Now().Add(5 * time.Minute), NameID: session.nameID, SessionIndexes: []string{session.index},
	}
	to, err := binding.RedirectURL(slo.Location, binding.Request, request.Element(), "", s.us, xmlsig.RSASHA256)
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// slo takes the broker's logout messages: the answer to our own request, or a
// request because the resident signed out elsewhere.
func (s *samlSP) slo(w http.ResponseWriter, r *http.Request, a *App) {
	received, verified, err := s.receive(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if received.Parameter == binding.Response {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	request, err := message.ParseLogoutRequest(verified.Element(), nil, xmlenc.Policy{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.forget(func(session any) bool {
		known, ok := session.(samlSession)
		return ok && known.nameID == request.NameID &&
			(len(request.SessionIndexes) == 0 || slices.Contains(request.SessionIndexes, known.index))
	})
	to, err := s.answer(request.ID, received.RelayState)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// receive takes a message that the broker signed.
func (s *samlSP) receive(r *http.Request) (binding.Received, xmlsig.Verified, error) {
	if err := s.meet(r.Context()); err != nil {
		return binding.Received{}, xmlsig.Verified{}, err
	}
	received, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		return received, xmlsig.Verified{}, err
	}
	verified, err := received.Verify(s.broker.Signing, xmlsig.Policy{})
	return received, verified, err
}

// answer tells the broker that the resident is signed out here.
func (s *samlSP) answer(id, relayState string) (string, error) {
	slo := s.logoutAddress()
	to := cmp.Or(slo.ResponseLocation, slo.Location)
	response := message.LogoutResponse{
		Header: message.Header{
			ID: "id-" + rand.Text(), InResponseTo: id, IssueInstant: time.Now(), Destination: to, Issuer: s.id(),
		},
		Status: message.Status{Code: message.Success},
	}
	return binding.RedirectURL(to, binding.Response, response.Element(), relayState, s.us, xmlsig.RSASHA256)
}

func (s *samlSP) id() string { return s.sp.MetadataURL.String() }

// logoutAddress is where the broker takes logout messages by redirect.
func (s *samlSP) logoutAddress() metadata.Endpoint {
	i := slices.IndexFunc(s.broker.SLO, func(e metadata.Endpoint) bool { return e.Binding == binding.Redirect })
	return s.broker.SLO[max(i, 0)]
}

// meet fetches the broker's metadata, once.
func (s *samlSP) meet(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broker != nil {
		return nil
	}
	document, err := fetch(ctx, s.idp)
	if err != nil {
		return err
	}
	descriptor := new(saml.EntityDescriptor)
	if err := xml.Unmarshal(document, descriptor); err != nil {
		return fmt.Errorf("read the broker's metadata: %w", err)
	}
	broker, err := metadata.Parse(document, metadata.IdentityProvider, "", nil, time.Now())
	if err != nil {
		return err
	}
	if len(broker.SLO) == 0 {
		return errors.New("the broker's metadata has no address for signing out")
	}
	s.sp.IDPMetadata, s.broker = descriptor, broker
	return nil
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 1<<20))
}
