package message

import (
	"errors"
	"time"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Facts are what a response proves.
type Facts struct {
	AssertionID  string
	Until        time.Time // when the assertion cannot be accepted any more, skew included: how long its ID must be remembered
	InResponseTo string

	NameID              NameID // zero where the assertion has none
	SessionIndex        string
	AuthnInstant        time.Time
	SessionNotOnOrAfter time.Time
	Context             string
	Authorities         []string
	Attributes          []Attribute
	ProxyCount          *int // Core §2.5.1.6
	ProxyAudiences      []string
}

// facts reads the assertion part by part: each part is checked by who reads it.
func (x Expect) facts(a proven) (*Facts, error) {
	f := &Facts{InResponseTo: x.InResponseTo}
	for _, read := range []func(Expect, proven, *Facts) error{
		Expect.header, Expect.subject, Expect.conditions, Expect.authentication, Expect.attributes,
	} {
		if err := read(x, a, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// header reads the assertion's own attributes and its Issuer (Core §2.3.3).
// OneTimeUse asks for nothing more than what holds for every assertion: its ID
// is not accepted again until Until.
func (x Expect) header(a proven, f *Facts) error {
	issuer, err := readIssuer(a.Element)
	if err != nil {
		return err
	}
	issued, err := instant(a.Element, "IssueInstant")
	if err != nil {
		return err
	}
	f.AssertionID = a.Attr("ID")
	f.Until = issued.Add(x.MaxAge + x.Skew)
	switch {
	case a.Attr("Version") != "2.0":
		return errVersion
	case f.AssertionID == "":
		return errNoID
	case issuer != x.Issuer:
		return errIssuer
	}
	return x.clock().issued(issued, x.MaxAge)
}

// authentication reads how and when the person proved who they are (Core
// §2.7.2). Of two statements neither says which one counts.
func (x Expect) authentication(a proven, f *Facts) error {
	s, err := required(a.Element, Assertion, "AuthnStatement")
	if err != nil {
		return err
	}
	if f.AuthnInstant, err = instant(s, "AuthnInstant"); err != nil {
		return err
	}
	if f.SessionNotOnOrAfter, err = optionalInstant(s, "SessionNotOnOrAfter"); err != nil {
		return err
	}
	switch c := x.clock(); {
	case c.before(f.AuthnInstant):
		return errors.New("AuthnInstant in the future")
	case !f.SessionNotOnOrAfter.IsZero() && c.over(f.SessionNotOnOrAfter):
		return errors.New("SessionNotOnOrAfter in the past")
	}
	f.SessionIndex = s.Attr("SessionIndex")
	return f.context(s)
}

// context reads by what means, and who else vouches for it (Core §2.7.2.2).
func (f *Facts) context(statement xmlgate.Element) error {
	context, err := only(statement, Assertion, "AuthnContext")
	if err != nil {
		return err
	}
	class, err := only(context, Assertion, "AuthnContextClassRef")
	if err != nil {
		return err
	}
	f.Context = class.Text()
	f.Authorities = texts(context.Children(Assertion, "AuthenticatingAuthority"))
	return nil
}

// texts are the texts of elements that hold identifiers.
func texts(elements []xmlgate.Element) []string {
	var all []string
	for _, e := range elements {
		all = append(all, e.Text())
	}
	return all
}
