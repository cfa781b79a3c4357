// Package message builds and reads the messages of SAML 2.0 (Core §2 and §3):
// requests, responses, assertions, logout.
//
// What the types of crewjam/saml can hold is built with them; where those lose
// data (several context classes, audiences, session indexes), the elements
// themselves are built and read. [Consume] is the heart: what it returns is
// read from what a key of the identity provider signed, and from nothing else.
// Errors say which check failed and never quote a document, so that they may
// be logged.
package message

import (
	"errors"
	"time"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Namespaces.
const (
	Protocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	Assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// Header is what every protocol message has (Core §3.2.1, §3.2.2).
type Header struct {
	ID           string
	InResponseTo string // of responses
	IssueInstant time.Time
	Destination  string
	Issuer       string
	Qualified    bool // the Issuer has its Format and is its own NameQualifier; built only
}

// Issuer reads who a message says it is from, so that its keys can be found.
func Issuer(u xmlgate.Unverified) string { return u.Child(Assertion, "Issuer").Text() }

// Timely checks a request's or response's Destination, IssueInstant and
// NotOnOrAfter against our address and clock. A message without a Destination
// or NotOnOrAfter is bound by what it has.
func (h Header) Timely(destination string, notOnOrAfter, now time.Time, skew, maxAge time.Duration) error {
	if h.Destination != "" && h.Destination != destination {
		return errDestination
	}
	c := clock{now, skew}
	if err := c.issued(h.IssueInstant, maxAge); err != nil {
		return err
	}
	if !notOnOrAfter.IsZero() && c.over(notOnOrAfter) {
		return errExpired
	}
	return nil
}

// What more than one kind of message can be refused for.
var (
	errExpired     = errors.New("NotOnOrAfter in the past")
	errVersion     = errors.New("another Version than 2.0")
	errNoID        = errors.New("no ID")
	errIssuer      = errors.New("another Issuer")
	errDestination = errors.New("another Destination")
	errAnswers     = errors.New("answer to another request")
)

// readHeader reads what every message has; the Issuer may be missing.
func readHeader(e xmlgate.Element, local string) (Header, error) {
	switch {
	case !e.Is(Protocol, local):
		return Header{}, errors.New("message of another kind")
	case e.Attr("Version") != "2.0":
		return Header{}, errVersion
	case e.Attr("ID") == "":
		return Header{}, errNoID
	}
	issued, err := instant(e, "IssueInstant")
	if err != nil {
		return Header{}, err
	}
	issuer, err := readIssuer(e)
	if err != nil {
		return Header{}, err
	}
	return Header{
		ID:           e.Attr("ID"),
		InResponseTo: e.Attr("InResponseTo"),
		IssueInstant: issued,
		Destination:  e.Attr("Destination"),
		Issuer:       issuer,
	}, nil
}

// readRequest reads the header of a request, which says who asks.
func readRequest(e xmlgate.Element, local string) (Header, error) {
	h, err := readHeader(e, local)
	if err == nil && h.Issuer == "" {
		return Header{}, errors.New("no Issuer")
	}
	return h, err
}

// readIssuer returns the entityID of an Issuer, or "" where there is none.
func readIssuer(e xmlgate.Element) (string, error) {
	issuer, err := only(e, Assertion, "Issuer")
	if err != nil || !issuer.Exists() {
		return "", err
	}
	// Profiles §4.1.4.1 and §4.1.4.2: no format but entity, the default.
	if f := issuer.Attr("Format"); f != "" && f != entity {
		return "", errors.New("Issuer that is no entity")
	}
	return issuer.Text(), nil
}

// only returns the one child of this name, or the zero Element where there is
// none. Which of two was meant is not for us to guess.
func only(e xmlgate.Element, space, local string) (xmlgate.Element, error) {
	found := e.Children(space, local)
	switch len(found) {
	case 0:
		return xmlgate.Element{}, nil
	case 1:
		return found[0], nil
	}
	return xmlgate.Element{}, errors.New("more than one " + local)
}

// required is only, of a child that has to be there.
func required(e xmlgate.Element, space, local string) (xmlgate.Element, error) {
	found, err := only(e, space, local)
	if err == nil && !found.Exists() {
		err = errors.New("no " + local)
	}
	return found, err
}

func (h Header) issuer() *saml.Issuer {
	if h.Issuer == "" {
		return nil
	}
	if h.Qualified {
		return &saml.Issuer{Value: h.Issuer, Format: entity, NameQualifier: h.Issuer}
	}
	return &saml.Issuer{Value: h.Issuer}
}
