package message

import (
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

// Attribute is one attribute of an assertion (Core §2.7.3.1).
type Attribute struct {
	Name, NameFormat, FriendlyName string
	Values                         []string
}

// Statement is an assertion to be issued: one bearer subject, one audience,
// one authentication.
type Statement struct {
	ID                  string
	Issuer              string
	IssueInstant        time.Time
	NameID              NameID
	Recipient           string // the ACS
	InResponseTo        string // "" for an unsolicited one
	Audience            string // the service provider's entityID
	NotBefore           time.Time
	NotOnOrAfter        time.Time
	AuthnInstant        time.Time
	SessionIndex        string
	SessionNotOnOrAfter time.Time
	Context             string   // AuthnContextClassRef
	Authorities         []string // AuthenticatingAuthority
	Attributes          []Attribute
}

// Element is the unsigned assertion, which declares its namespaces itself.
// It says nothing of the resident's address: service providers that compare it
// refuse whoever comes by another way.
func (s Statement) Element() *etree.Element {
	// The types' own Element for a whole assertion drops the declaration of
	// xs, which xsi:type names: only the parts are theirs.
	e := etree.NewElement("saml:Assertion")
	e.CreateAttr("xmlns:saml", Assertion)
	e.CreateAttr("ID", s.ID)
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", saml.RelaxedTime(s.IssueInstant).String())
	e.AddChild((&saml.Issuer{Value: s.Issuer}).Element())
	e.AddChild(s.subject().Element())
	e.AddChild(s.conditions().Element())
	e.AddChild(s.authentication())
	// Shibboleth refuses an AttributeStatement without attributes.
	if len(s.Attributes) > 0 {
		e.AddChild(s.attributes().Element())
	}
	return e
}

func (s Statement) subject() *saml.Subject {
	return &saml.Subject{
		NameID: s.NameID.element(),
		SubjectConfirmations: []saml.SubjectConfirmation{{
			Method: bearer,
			SubjectConfirmationData: &saml.SubjectConfirmationData{
				NotOnOrAfter: s.NotOnOrAfter.UTC(),
				Recipient:    s.Recipient,
				InResponseTo: s.InResponseTo,
			},
		}},
	}
}

func (s Statement) conditions() *saml.Conditions {
	return &saml.Conditions{
		NotBefore:    s.NotBefore.UTC(),
		NotOnOrAfter: s.NotOnOrAfter.UTC(),
		AudienceRestrictions: []saml.AudienceRestriction{
			{Audience: saml.Audience{Value: s.Audience}},
		},
	}
}

func (s Statement) authentication() *etree.Element {
	statement := saml.AuthnStatement{
		AuthnInstant:        s.AuthnInstant.UTC(),
		SessionIndex:        s.SessionIndex,
		SessionNotOnOrAfter: optional(s.SessionNotOnOrAfter),
		AuthnContext: saml.AuthnContext{
			AuthnContextClassRef: &saml.AuthnContextClassRef{Value: s.Context},
		},
	}
	e := statement.Element()
	addTexts(e.SelectElement("AuthnContext"), "saml:AuthenticatingAuthority", s.Authorities)
	return e
}

func (s Statement) attributes() *saml.AttributeStatement {
	var all saml.AttributeStatement
	for _, a := range s.Attributes {
		values := make([]saml.AttributeValue, 0, len(a.Values))
		for _, v := range a.Values {
			values = append(values, saml.AttributeValue{Type: "xs:string", Value: v})
		}
		all.Attributes = append(all.Attributes, saml.Attribute{
			Name: a.Name, NameFormat: a.NameFormat, FriendlyName: a.FriendlyName, Values: values,
		})
	}
	return &all
}

// Response is a message without a signature of its own yet. assertion is nil
// for an error; it may be a saml:Assertion or a saml:EncryptedAssertion.
func Response(h Header, s Status, assertion *etree.Element) *etree.Element {
	r := saml.Response{
		ID:           h.ID,
		Version:      "2.0",
		InResponseTo: h.InResponseTo,
		IssueInstant: h.IssueInstant.UTC(),
		Destination:  h.Destination,
		Issuer:       h.issuer(),
		Status:       s.element(),
	}
	e := r.Element()
	if assertion != nil {
		e.AddChild(assertion)
	}
	return e
}

// Encrypted wraps EncryptedData as saml:EncryptedAssertion.
func Encrypted(data *etree.Element) *etree.Element {
	e := etree.NewElement("saml:EncryptedAssertion")
	e.CreateAttr("xmlns:saml", Assertion)
	e.AddChild(data)
	return e
}
