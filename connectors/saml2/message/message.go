// Package message builds and reads the messages of SAML 2.0 (Core §2 and §3):
// requests, responses, assertions, logout. Whatever grants anything is read
// from an [xmlsig.Verified] alone.
//
// What can be represented by the types of crewjam/saml is built with them;
// where those lose data (several context classes, audiences, session indexes),
// the elements themselves are built and read.
package message

import (
	"crypto"
	"crypto/x509"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Namespaces.
const (
	Protocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	Assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// Name identifier formats (Core §8.3).
const (
	Persistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	Transient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	Email       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	Unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
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
	RequestDenied       = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	UnknownPrincipal    = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// NameID is a name identifier, verbatim (Core §2.2.3).
type NameID struct {
	Value           string `json:"value"`
	Format          string `json:"format,omitempty"`
	NameQualifier   string `json:"name_qualifier,omitempty"`
	SPNameQualifier string `json:"sp_name_qualifier,omitempty"`
	SPProvidedID    string `json:"sp_provided_id,omitempty"`
}

// Header is what every protocol message has (Core §3.2.1, §3.2.2).
type Header struct {
	ID           string
	InResponseTo string // of responses
	IssueInstant time.Time
	Destination  string
	Issuer       string
}

// AuthnRequest asks an identity provider to authenticate somebody (Core §3.4.1).
type AuthnRequest struct {
	Header
	ACSURL          string
	ACSIndex        *int
	ProtocolBinding string
	ForceAuthn      bool
	IsPassive       bool
	NameIDFormat    string // of NameIDPolicy; "" for no wish
	AllowCreate     bool
	SPNameQualifier string
	Contexts        []string         // AuthnContextClassRef, in order of preference
	Comparison      string           // exact, minimum, maximum or better
	RequesterIDs    []string         // of Scoping
	Extensions      []*etree.Element // built only
}

// Element is the unsigned message.
func (m AuthnRequest) Element() *etree.Element { panic("stub") }

// ParseAuthnRequest reads a request that need not be signed. Version, ID,
// Issuer and IssueInstant are required.
func ParseAuthnRequest(e xmlgate.Element) (AuthnRequest, error) { panic("stub") }

// Issuer reads who a message says it is from, so that its keys can be found.
func Issuer(u xmlgate.Unverified) string { panic("stub") }

// Status is how a request ended (Core §3.2.2.1).
type Status struct {
	Code    string
	Second  string // second-level code, "" for none
	Message string
}

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
func (s Statement) Element() *etree.Element { panic("stub") }

// Response is a message without a signature of its own yet. assertion is nil
// for an error; it may be a saml:Assertion or a saml:EncryptedAssertion.
func Response(h Header, s Status, assertion *etree.Element) *etree.Element { panic("stub") }

// Encrypted wraps EncryptedData as saml:EncryptedAssertion.
func Encrypted(data *etree.Element) *etree.Element { panic("stub") }

// Expect is what a service provider demands of a response.
type Expect struct {
	Issuer       string // the identity provider's entityID
	Audience     string // our entityID
	ACS          string // where the response came to
	InResponseTo string // the ID of the request
	Unsolicited  bool   // accept one without InResponseTo, and no other

	Keys   []*x509.Certificate
	Policy xmlsig.Policy
	Signed string // assertion, response, either or both

	Decrypters []crypto.Decrypter
	Encryption xmlenc.Policy
	Encrypted  string // optional, required or refused

	Limits    xmlgate.Limits
	MaxValues int           // of one attribute; default 5000
	Skew      time.Duration // how far the provider's clock may differ
	MaxAge    time.Duration // of the assertion since IssueInstant
	Now       time.Time
}

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

// StatusError is a response that says why there is no assertion. It need not
// be signed: it may lead to a refusal and to nothing else.
type StatusError struct{ Status }

func (e *StatusError) Error() string { panic("stub") }

// Consume reads the one assertion of a response, as SAML Profiles §4.1.4.3 and
// more demand. Errors are *StatusError, or say what is wrong, for the log; they
// never carry the document's values.
func Consume(m binding.Received, x Expect) (*Facts, error) { panic("stub") }

// LogoutRequest ends sessions (Core §3.7.1).
type LogoutRequest struct {
	Header
	NotOnOrAfter   time.Time
	NameID         NameID
	SessionIndexes []string // none: all of the NameID
	Asynchronous   bool     // aslo:Asynchronous: no answer is wanted
}

// Element is the unsigned message.
func (m LogoutRequest) Element() *etree.Element { panic("stub") }

// ParseLogoutRequest reads a request. An EncryptedID is decrypted.
func ParseLogoutRequest(e xmlgate.Element, keys []crypto.Decrypter, p xmlenc.Policy) (LogoutRequest, error) {
	panic("stub")
}

// LogoutResponse answers a LogoutRequest (Core §3.7.2).
type LogoutResponse struct {
	Header
	Status Status
}

// Element is the unsigned message.
func (m LogoutResponse) Element() *etree.Element { panic("stub") }

// ParseLogoutResponse reads an answer.
func ParseLogoutResponse(e xmlgate.Element) (LogoutResponse, error) { panic("stub") }

// Timely checks a request's or response's Destination, IssueInstant and
// NotOnOrAfter against our address and clock.
func (h Header) Timely(destination string, notOnOrAfter, now time.Time, skew, maxAge time.Duration) error {
	panic("stub")
}

// ArtifactResolve asks for the message that an artifact stands for (Core §3.5.1).
func ArtifactResolve(h Header, artifact string) *etree.Element { panic("stub") }

// Resolved returns the message inside an ArtifactResponse that answers request
// id, from issuer: the ArtifactResponse is verified where it is signed.
func Resolved(m binding.Received, id, issuer string, keys []*x509.Certificate, p xmlsig.Policy) (binding.Received, error) {
	panic("stub")
}
