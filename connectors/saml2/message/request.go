package message

import (
	"errors"
	"slices"
	"strconv"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// AuthnRequest asks an identity provider to authenticate somebody (Core §3.4.1).
type AuthnRequest struct {
	Header
	Subject         NameID // the person asked for; zero for anybody
	ACSURL          string
	ACSIndex        *int
	ProtocolBinding string
	ForceAuthn      bool
	IsPassive       bool
	NameIDFormat    string // of NameIDPolicy; "" for no wish
	AllowCreate     bool
	SPNameQualifier string
	Contexts        []string         // context classes or declarations, in order of preference
	Comparison      string           // exact, minimum, maximum or better
	AttributesIndex *int             // AttributeConsumingServiceIndex; built only
	ProxyCount      *int             // of Scoping: how many providers there may be behind this one; nil for no limit
	ProviderIDs     []string         // of Scoping's IDPList: which of them may be asked
	RequesterIDs    []string         // of Scoping
	Extensions      []*etree.Element // built only
}

// Element is the unsigned message.
func (m AuthnRequest) Element() *etree.Element {
	r := saml.AuthnRequest{
		ID:                          m.ID,
		Version:                     "2.0",
		IssueInstant:                m.IssueInstant.UTC(),
		Destination:                 m.Destination,
		Issuer:                      m.issuer(),
		NameIDPolicy:                m.policy(),
		AssertionConsumerServiceURL: m.ACSURL,
		ProtocolBinding:             m.ProtocolBinding,
		ForceAuthn:                  truth(m.ForceAuthn),
		IsPassive:                   truth(m.IsPassive),
	}
	if m.ACSIndex != nil {
		r.AssertionConsumerServiceIndex = strconv.Itoa(*m.ACSIndex)
	}
	if m.AttributesIndex != nil {
		r.AttributeConsumingServiceIndex = strconv.Itoa(*m.AttributesIndex)
	}
	if m.Subject != (NameID{}) {
		r.Subject = &saml.Subject{NameID: m.Subject.element()}
	}
	e := r.Element()
	if len(m.Extensions) > 0 {
		e.InsertChildAt(1, extensions(m.Extensions...)) // after Issuer
	}
	if len(m.Contexts) > 0 {
		e.AddChild(m.contexts())
	}
	if scoping := m.scoping(); len(scoping.Attr) > 0 || len(scoping.Child) > 0 {
		e.AddChild(scoping)
	}
	return e
}

// scoping is the Scoping, of which crewjam's type holds no count of none.
func (m AuthnRequest) scoping() *etree.Element {
	e := etree.NewElement("samlp:Scoping")
	if m.ProxyCount != nil {
		e.CreateAttr("ProxyCount", strconv.Itoa(*m.ProxyCount))
	}
	if len(m.ProviderIDs) > 0 {
		list := e.CreateElement("samlp:IDPList")
		for _, id := range m.ProviderIDs {
			list.CreateElement("samlp:IDPEntry").CreateAttr("ProviderID", id)
		}
	}
	addTexts(e, "samlp:RequesterID", m.RequesterIDs)
	return e
}

// policy is the NameIDPolicy, nil where nothing is wished.
func (m AuthnRequest) policy() *saml.NameIDPolicy {
	if m.NameIDFormat == "" && !m.AllowCreate && m.SPNameQualifier == "" {
		return nil
	}
	p := &saml.NameIDPolicy{Format: &m.NameIDFormat, AllowCreate: truth(m.AllowCreate)}
	if m.SPNameQualifier != "" {
		p.SPNameQualifier = &m.SPNameQualifier
	}
	return p
}

// contexts is the RequestedAuthnContext, of which crewjam's type holds one class.
func (m AuthnRequest) contexts() *etree.Element {
	e := etree.NewElement("samlp:RequestedAuthnContext")
	if m.Comparison != "" {
		e.CreateAttr("Comparison", m.Comparison)
	}
	addTexts(e, "saml:AuthnContextClassRef", m.Contexts)
	return e
}

// extensions holds copies: an element belongs to one message.
func extensions(in ...*etree.Element) *etree.Element {
	e := etree.NewElement("samlp:Extensions")
	for _, x := range in {
		e.AddChild(x.Copy())
	}
	return e
}

func addTexts(e *etree.Element, tag string, texts []string) {
	for _, t := range texts {
		e.CreateElement(tag).SetText(t)
	}
}

// truth is an optional xs:boolean that is false by default.
func truth(b bool) *bool {
	if !b {
		return nil
	}
	return &b
}

// ParseAuthnRequest reads a request that need not be signed. Version, ID,
// Issuer and IssueInstant are required.
func ParseAuthnRequest(e xmlgate.Element) (AuthnRequest, error) {
	h, err := readRequest(e, "AuthnRequest")
	if err != nil {
		return AuthnRequest{}, err
	}
	m := AuthnRequest{
		Header:          h,
		ACSURL:          e.Attr("AssertionConsumerServiceURL"),
		ProtocolBinding: e.Attr("ProtocolBinding"),
	}
	for _, read := range []func(*AuthnRequest, xmlgate.Element) error{
		(*AuthnRequest).readACS, (*AuthnRequest).readWishes, (*AuthnRequest).readPolicy,
		(*AuthnRequest).readContexts, (*AuthnRequest).readSubject, (*AuthnRequest).readScoping,
	} {
		if err := read(&m, e); err != nil {
			return AuthnRequest{}, err
		}
	}
	return m, nil
}

func (m *AuthnRequest) readACS(e xmlgate.Element) error {
	index, err := number(e, "AssertionConsumerServiceIndex", 16)
	if err != nil {
		return err
	}
	// Core §3.4.1: the index excludes the URL and the binding.
	if index != nil && (m.ACSURL != "" || m.ProtocolBinding != "") {
		return errors.New("AssertionConsumerServiceIndex beside what it excludes")
	}
	m.ACSIndex = index
	return nil
}

func (m *AuthnRequest) readWishes(e xmlgate.Element) (err error) {
	if m.ForceAuthn, err = boolean(e, "ForceAuthn"); err != nil {
		return err
	}
	m.IsPassive, err = boolean(e, "IsPassive")
	return err
}

func (m *AuthnRequest) readPolicy(e xmlgate.Element) error {
	p, err := only(e, Protocol, "NameIDPolicy")
	if err != nil || !p.Exists() {
		return err
	}
	m.NameIDFormat = p.Attr("Format")
	m.SPNameQualifier = p.Attr("SPNameQualifier")
	m.AllowCreate, err = boolean(p, "AllowCreate")
	return err
}

// readContexts reads declarations, too: they are names that we know as little
// as a foreign class, and must not be taken for no wish at all.
func (m *AuthnRequest) readContexts(e xmlgate.Element) error {
	r, err := only(e, Protocol, "RequestedAuthnContext")
	if err != nil || !r.Exists() {
		return err
	}
	for _, name := range []string{"AuthnContextClassRef", "AuthnContextDeclRef"} {
		for _, c := range r.Children(Assertion, name) {
			m.Contexts = append(m.Contexts, c.Text())
		}
	}
	if len(m.Contexts) == 0 {
		return errors.New("empty RequestedAuthnContext")
	}
	m.Comparison = r.Attr("Comparison")
	if m.Comparison == "" {
		m.Comparison = "exact" // Core §3.3.2.2.1
	}
	if !slices.Contains([]string{"exact", "minimum", "maximum", "better"}, m.Comparison) {
		return errors.New("unknown Comparison")
	}
	return nil
}

// readSubject reads whom the request is about. Nobody encrypts that to us.
func (m *AuthnRequest) readSubject(e xmlgate.Element) error {
	subject, err := only(e, Assertion, "Subject")
	if err != nil || !subject.Exists() {
		return err
	}
	m.Subject, err = readNameID(subject, nil, xmlenc.Policy{})
	return err
}

// readScoping reads by whom else the person may be authenticated, and for whom
// the request is made (Core §3.4.1.2).
func (m *AuthnRequest) readScoping(e xmlgate.Element) error {
	scoping, err := only(e, Protocol, "Scoping")
	if err != nil {
		return err
	}
	if m.ProxyCount, err = number(scoping, "ProxyCount", 31); err != nil {
		return err
	}
	list, err := only(scoping, Protocol, "IDPList")
	if err != nil {
		return err
	}
	for _, entry := range list.Children(Protocol, "IDPEntry") {
		m.ProviderIDs = append(m.ProviderIDs, entry.Attr("ProviderID"))
	}
	m.RequesterIDs = texts(scoping.Children(Protocol, "RequesterID"))
	return nil
}

// number reads an attribute that counts, of so many bits; nil where it is not
// there.
func number(e xmlgate.Element, name string, bits int) (*int, error) {
	text := e.Attr(name)
	if text == "" {
		return nil, nil
	}
	u, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return nil, errors.New("malformed " + name)
	}
	n := int(u)
	return &n, nil
}

// boolean reads an attribute of type xs:boolean that is false by default.
func boolean(e xmlgate.Element, name string) (bool, error) {
	switch e.Attr(name) {
	case "true", "1":
		return true, nil
	case "false", "0", "":
		return false, nil
	}
	return false, errors.New("malformed " + name)
}
