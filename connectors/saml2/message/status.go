package message

import (
	"errors"
	"slices"
	"strings"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Status codes (Core §3.2.2.2).
const (
	Success             = "urn:oasis:names:tc:SAML:2.0:status:Success"
	Requester           = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	Responder           = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	AuthnFailed         = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	InvalidNameIDPolicy = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
	NoAuthnContext      = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	NoPassive           = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
	PartialLogout       = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
	ProxyCountExceeded  = "urn:oasis:names:tc:SAML:2.0:status:ProxyCountExceeded"
	RequestDenied       = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	UnknownPrincipal    = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// Status is how a request ended (Core §3.2.2.1).
type Status struct {
	Code    string
	Second  string // second-level code, "" for none
	Message string
}

// StatusError is a response that says why there is no assertion. It need not
// be signed: it may lead to a refusal and to nothing else.
type StatusError struct{ Status }

// Error names the codes that are SAML's own. Message is not in it: anybody may
// have written that.
func (e *StatusError) Error() string {
	if e.Second == "" {
		return "status " + codeName(e.Code)
	}
	return "status " + codeName(e.Code) + ", " + codeName(e.Second)
}

func codeName(code string) string {
	known := []string{
		Success, Requester, Responder, saml.StatusVersionMismatch, AuthnFailed,
		saml.StatusInvalidAttrNameOrValue, InvalidNameIDPolicy, NoAuthnContext,
		saml.StatusNoAvailableIDP, NoPassive, saml.StatusNoSupportedIDP, PartialLogout,
		ProxyCountExceeded, RequestDenied, saml.StatusRequestUnsupported,
		saml.StatusRequestVersionDeprecated, saml.StatusRequestVersionTooHigh,
		saml.StatusRequestVersionTooLow, saml.StatusResourceNotRecognized,
		saml.StatusTooManyResponses, saml.StatusUnknownAttrProfile, UnknownPrincipal,
		saml.StatusUnsupportedBinding,
	}
	if !slices.Contains(known, code) {
		return "of its own"
	}
	return code[strings.LastIndexByte(code, ':')+1:]
}

func (s Status) element() saml.Status {
	status := saml.Status{StatusCode: saml.StatusCode{Value: s.Code}}
	if s.Second != "" {
		status.StatusCode.StatusCode = &saml.StatusCode{Value: s.Second}
	}
	if s.Message != "" {
		status.StatusMessage = &saml.StatusMessage{Value: s.Message}
	}
	return status
}

func readStatus(e xmlgate.Element) (Status, error) {
	status, err := only(e, Protocol, "Status")
	if err != nil {
		return Status{}, err
	}
	code, err := only(status, Protocol, "StatusCode")
	if err != nil {
		return Status{}, err
	}
	if code.Attr("Value") == "" {
		return Status{}, errors.New("no Status")
	}
	return Status{
		Code:    code.Attr("Value"),
		Second:  code.Child(Protocol, "StatusCode").Attr("Value"),
		Message: status.Child(Protocol, "StatusMessage").Text(),
	}, nil
}

// succeeded returns a *StatusError for a response that is no success.
func succeeded(response xmlgate.Element) error {
	s, err := readStatus(response)
	if err != nil {
		return err
	}
	if s.Code != Success {
		return &StatusError{s}
	}
	return nil
}
