package message

import (
	"crypto"
	"errors"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// asynchronous is the namespace of the Asynchronous Single Logout extension.
const asynchronous = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"

// LogoutRequest ends sessions (Core §3.7.1).
type LogoutRequest struct {
	Header
	NotOnOrAfter   time.Time
	NameID         NameID
	SessionIndexes []string // none: all of the NameID
	Asynchronous   bool     // aslo:Asynchronous: no answer is wanted
}

// Element is the unsigned message.
func (m LogoutRequest) Element() *etree.Element {
	r := saml.LogoutRequest{
		ID:           m.ID,
		Version:      "2.0",
		IssueInstant: m.IssueInstant.UTC(),
		NotOnOrAfter: optional(m.NotOnOrAfter),
		Destination:  m.Destination,
		Issuer:       m.issuer(),
		NameID:       m.NameID.element(),
	}
	e := r.Element()
	if m.Asynchronous {
		mark := etree.NewElement("aslo:Asynchronous")
		mark.CreateAttr("xmlns:aslo", asynchronous)
		e.InsertChildAt(1, extensions(mark)) // after Issuer
	}
	addTexts(e, "samlp:SessionIndex", m.SessionIndexes)
	return e
}

// ParseLogoutRequest reads a request. An EncryptedID is decrypted.
func ParseLogoutRequest(e xmlgate.Element, keys []crypto.Decrypter, p xmlenc.Policy) (LogoutRequest, error) {
	h, err := readRequest(e, "LogoutRequest")
	if err != nil {
		return LogoutRequest{}, err
	}
	end, err := optionalInstant(e, "NotOnOrAfter")
	if err != nil {
		return LogoutRequest{}, err
	}
	id, err := readNameID(e, keys, p)
	if err != nil {
		return LogoutRequest{}, err
	}
	if id == (NameID{}) {
		return LogoutRequest{}, errors.New("no NameID")
	}
	m := LogoutRequest{
		Header:       h,
		NotOnOrAfter: end,
		NameID:       id,
		Asynchronous: e.Child(Protocol, "Extensions").Child(asynchronous, "Asynchronous").Exists(),
	}
	for _, s := range e.Children(Protocol, "SessionIndex") {
		m.SessionIndexes = append(m.SessionIndexes, verbatim(s))
	}
	return m, nil
}

// LogoutResponse answers a LogoutRequest (Core §3.7.2).
type LogoutResponse struct {
	Header
	Status Status
}

// Element is the unsigned message.
func (m LogoutResponse) Element() *etree.Element {
	r := saml.LogoutResponse{
		ID:           m.ID,
		Version:      "2.0",
		InResponseTo: m.InResponseTo,
		IssueInstant: m.IssueInstant.UTC(),
		Destination:  m.Destination,
		Issuer:       m.issuer(),
		Status:       m.Status.element(),
	}
	return r.Element()
}

// ParseLogoutResponse reads an answer.
func ParseLogoutResponse(e xmlgate.Element) (LogoutResponse, error) {
	h, err := readHeader(e, "LogoutResponse")
	if err != nil {
		return LogoutResponse{}, err
	}
	s, err := readStatus(e)
	if err != nil {
		return LogoutResponse{}, err
	}
	return LogoutResponse{Header: h, Status: s}, nil
}
