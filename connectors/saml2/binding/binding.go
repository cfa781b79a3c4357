// Package binding puts SAML messages on HTTP and takes them off it (SAML
// Bindings: Redirect §3.4, POST §3.5, SOAP §3.2, Artifact §3.6).
package binding

import (
	"context"
	"crypto/x509"
	"net/http"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// The bindings' own names.
const (
	Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	POST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	SOAP     = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
	Artifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
)

// The form and query parameters that carry a message.
const (
	Request  = "SAMLRequest"
	Response = "SAMLResponse"
)

// Received is a message as it came, not verified yet.
type Received struct {
	Binding    string
	Parameter  string // Request or Response; "" for SOAP
	RelayState string
	Message    xmlgate.Unverified

	query string // of Redirect: what the signature covers
}

// Read takes the one message off a GET (Redirect) or a form POST. A parameter
// that comes twice, or both a request and a response, is refused. The POST's
// form has been bounded by the caller; limits are those of the document.
func Read(r *http.Request, l xmlgate.Limits) (Received, error) { panic("stub") }

// ReadSOAP takes the message off a SOAP 1.1 envelope.
func ReadSOAP(body []byte, l xmlgate.Limits) (Received, error) { panic("stub") }

// Verify checks the message's signature where its binding has it: in the query
// of a Redirect, enveloped in the message otherwise.
func (m Received) Verify(keys []*x509.Certificate, p xmlsig.Policy) (xmlsig.Verified, error) {
	panic("stub")
}

// RedirectURL is the address that carries the message by Redirect: to's own
// query is kept, an empty relayState is left out, and the query is signed where
// c has a Signer.
func RedirectURL(to, parameter string, message *etree.Element, relayState string, c xmlsig.Credential, alg xmlsig.Algorithm) (string, error) {
	panic("stub")
}

// Form is the form that carries the message, which is signed already, by POST.
func Form(parameter string, message *etree.Element, relayState string) map[string]string {
	panic("stub")
}

// Poster sends a SOAP envelope and returns the answer's body, bounded in size
// and time. action is the SOAPAction header.
type Poster func(ctx context.Context, to, action string, envelope []byte) ([]byte, error)

// Call sends a message in a SOAP envelope and returns the one in the answer.
func Call(ctx context.Context, post Poster, to string, message *etree.Element, l xmlgate.Limits) (Received, error) {
	panic("stub")
}

// Envelope is the SOAP 1.1 envelope around a message.
func Envelope(message *etree.Element) ([]byte, error) { panic("stub") }

// ParsedArtifact is a type 0x0004 artifact (SAML Bindings §3.6.4).
type ParsedArtifact struct {
	Index    int      // of the resolution endpoint
	SourceID [20]byte // SHA-1 of the issuer's entityID
}

// ParseArtifact reads SAMLart.
func ParseArtifact(s string) (ParsedArtifact, error) { panic("stub") }
