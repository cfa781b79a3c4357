package town

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// SignOut is where the app sends the browser to sign out everywhere.
func (s *Service) SignOut(t Told) string {
	s.tb.Helper()
	slo, _ := metadata.Find(s.broker.SLO, binding.Redirect)
	return s.send(slo.Location, binding.Request, "", message.LogoutRequest{
		Header: s.header(slo.Location), NotOnOrAfter: time.Now().Add(5 * time.Minute), NameID: t.NameID, SessionIndexes: []string{t.Session},
	})
}

// Leaves is where the app sends a browser that came with the broker's
// LogoutRequest, which must be for t.
func (s *Service) Leaves(p Page, t Told) string {
	s.tb.Helper()
	m, verified := s.receive(p)
	request, err := message.ParseLogoutRequest(verified.Element(), nil, xmlenc.Policy{})
	if err != nil {
		s.tb.Fatal(err)
	}
	if request.NameID != t.NameID {
		s.tb.Fatal("the request is for somebody else")
	}
	slo, _ := metadata.Find(s.broker.SLO, binding.Redirect)
	h := s.header(slo.Response())
	h.InResponseTo = request.ID
	return s.send(h.Destination, binding.Response, m.RelayState, message.LogoutResponse{Header: h, Status: message.Status{Code: message.Success}})
}

// Left is the status with which the broker answers a sign-out that the app
// started: its codes, outer first.
func (s *Service) Left(p Page) [2]string {
	s.tb.Helper()
	_, verified := s.receive(p)
	response, err := message.ParseLogoutResponse(verified.Element())
	if err != nil {
		s.tb.Fatal(err)
	}
	return [2]string{lastOf(response.Status.Code), lastOf(response.Status.Second)}
}

func (s *Service) header(to string) message.Header {
	return message.Header{
		ID: "id-" + rand.Text(), IssueInstant: time.Now(), Destination: to, Issuer: s.MetadataURL.String(),
	}
}

func (s *Service) send(to, parameter, relayState string, m interface{ Element() *etree.Element }) string {
	s.tb.Helper()
	address, err := binding.RedirectURL(to, parameter, m.Element(), relayState, s.us(), xmlsig.RSASHA256)
	if err != nil {
		s.tb.Fatal(err)
	}
	return address
}

// receive reads a message of the broker's that the browser brought by redirect.
func (s *Service) receive(p Page) (binding.Received, xmlsig.Verified) {
	s.tb.Helper()
	if !p.AtApp() || p.URL.Path != s.SloURL.Path {
		s.tb.Fatalf("the browser was not sent to the app's logout address: %s", p)
	}
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodGet, p.URL.String(), nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	m, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		s.tb.Fatal(err)
	}
	verified, err := m.Verify(s.broker.Signing, xmlsig.Policy{})
	if err != nil {
		s.tb.Fatal(err)
	}
	return m, verified
}
