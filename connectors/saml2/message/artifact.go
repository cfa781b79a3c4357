package message

import (
	"crypto/x509"
	"errors"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// ArtifactResolve asks for the message that an artifact stands for (Core §3.5.1).
func ArtifactResolve(h Header, artifact string) *etree.Element {
	r := saml.ArtifactResolve{
		ID:           h.ID,
		Version:      "2.0",
		IssueInstant: h.IssueInstant.UTC(),
		Issuer:       h.issuer(),
		Artifact:     artifact,
	}
	e := r.Element()
	if h.Destination != "" {
		e.CreateAttr("Destination", h.Destination)
	}
	return e
}

// Resolved returns the message inside an ArtifactResponse that answers request
// id, from issuer: the ArtifactResponse is verified where it is signed.
func Resolved(m binding.Received, id, issuer string, keys []*x509.Certificate, p xmlsig.Policy) (binding.Received, error) {
	e := m.Message.Element
	switch v, err := m.Verify(keys, p); {
	case err == nil:
		e = v.Element()
	case !errors.Is(err, xmlsig.ErrUnsigned):
		return binding.Received{}, err
	}
	h, err := readHeader(e, "ArtifactResponse")
	switch {
	case err != nil:
		return binding.Received{}, err
	case h.InResponseTo != id || id == "":
		return binding.Received{}, errAnswers
	case h.Issuer != "" && h.Issuer != issuer:
		return binding.Received{}, errIssuer
	}
	if err := succeeded(e); err != nil {
		return binding.Received{}, err
	}
	inner, err := only(e, Protocol, "Response")
	if err != nil {
		return binding.Received{}, err
	}
	// Core §3.5.3: success without a message says that the artifact is not known.
	if !inner.Exists() {
		return binding.Received{}, errors.New("artifact that stands for no response")
	}
	return binding.Received{
		Binding:    binding.Artifact,
		Parameter:  binding.Response,
		RelayState: m.RelayState,
		Message:    xmlgate.Unverified{Element: inner},
	}, nil
}
