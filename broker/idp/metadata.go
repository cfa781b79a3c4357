package idp

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

const (
	metadataTime  = 7 * 24 * time.Hour // how long apps may use the document
	metadataFresh = time.Hour          // how old the document is that they get
)

// publication is our metadata, as it was made of the keys at that time.
type publication struct {
	body []byte
	made time.Time
	keys []*x509.Certificate
}

// handleMetadata publishes what apps need to know of us (Metadata §2.4.3). The
// document is signed, so it is made once an hour, or when there is a new key.
func (s *Server) handleMetadata(w http.ResponseWriter, _ *http.Request) error {
	p, err := s.publish()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/samlmetadata+xml") // Metadata §4.1.1
	h.Set("Cache-Control", "public, max-age=3600")
	_, err = w.Write(p.body)
	return err
}

func (s *Server) publish() (*publication, error) {
	var keys []*x509.Certificate
	for _, c := range s.Credentials() {
		keys = append(keys, c.Certificate)
	}
	now := s.Now()
	if p := s.published.Load(); p != nil && now.Sub(p.made) < metadataFresh && slices.EqualFunc(p.keys, keys, (*x509.Certificate).Equal) {
		return p, nil
	}
	document, err := metadata.Build(s.describeUs(keys), now, s.signer())
	if err != nil {
		return nil, fmt.Errorf("build metadata: %w", err)
	}
	p := &publication{body: xmlgate.Bytes(document), made: now, keys: keys}
	s.published.Store(p)
	return p, nil
}

// describeUs says what is done and nothing that might be.
func (s *Server) describeUs(keys []*x509.Certificate) metadata.Publication {
	at := func(path string, bindings ...string) []metadata.Endpoint {
		var all []metadata.Endpoint
		for _, b := range bindings {
			all = append(all, metadata.Endpoint{Binding: b, Location: s.Issuer + path})
		}
		return all
	}
	return metadata.Publication{
		Role: metadata.IdentityProvider, ID: s.entityID(), ValidFor: metadataTime,
		Name: map[string]string{"en": s.Council}, Organisation: s.Council, OrganisationURL: s.Issuer + "/", Contact: s.Config.Contact,
		Certificates: keys, Encrypt: true, NameIDFormats: s.formats(), Scopes: s.Config.Scopes,
		SSO: at(ssoPath, binding.Redirect, binding.POST),
		SLO: append(at(sloPath, binding.Redirect, binding.POST), at(soapPath, binding.SOAP)...),
	}
}

// formats are the name identifier formats that some app may get.
func (s *Server) formats() []string {
	var all []string
	for _, format := range []string{message.Persistent, message.Transient, message.Email, message.Unspecified} {
		for _, a := range s.apps {
			if slices.Contains(a.formats(), format) {
				all = append(all, format)
				break
			}
		}
	}
	return all
}
