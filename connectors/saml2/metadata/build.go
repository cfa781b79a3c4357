package metadata

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"slices"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Publication is what we say about ourselves in one role.
type Publication struct {
	Role                          Role
	ID                            string
	ValidFor                      time.Duration       // validUntil; default 7 days
	Name                          map[string]string   // mdui:DisplayName by language
	Organisation, OrganisationURL string              // both or neither
	Contact                       string              // e-mail address for technical matters
	Certificates                  []*x509.Certificate // all that sign or decrypt, now or soon
	Encrypt                       bool                // also publish them for encryption
	Encryption                    xmlenc.Policy       // what may be encrypted with
	Signatures                    xmlsig.Policy       // what others may sign with
	NameIDFormats                 []string
	SLO                           []Endpoint

	SSO                     []Endpoint // identity provider
	WantAuthnRequestsSigned bool
	Scopes                  []string

	ACS                  []Endpoint // service provider
	AuthnRequestsSigned  bool
	WantAssertionsSigned bool
	Attributes           []RequestedAttribute
	AttributesIndex      int // of the set of them
}

// Build returns the EntityDescriptor, signed where c has a Signer, which is an
// RSA key.
func Build(p Publication, now time.Time, c xmlsig.Credential) (*etree.Element, error) {
	raw, err := xml.Marshal(p.entity(now))
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, err
	}
	entity := doc.Root()
	tidy(entity, "")
	entity.FindElement("./"+p.Role.descriptor()).InsertChildAt(0, p.extensions())
	if p.Contact != "" {
		entity.AddChild(p.contact())
	}
	if c.Signer == nil {
		return entity, nil
	}
	return xmlsig.Sign(entity, c, xmlsig.RSASHA256)
}

// tidy removes what crewjam/saml need not have written: attributes that have no
// value, and namespaces that are declared already.
func tidy(e *etree.Element, declared string) {
	e.Attr = slices.DeleteFunc(e.Attr, func(a etree.Attr) bool {
		return a.Value == "" || a.FullKey() == "xmlns" && a.Value == declared
	})
	for _, child := range e.ChildElements() {
		tidy(child, e.NamespaceURI())
	}
}

func (p Publication) entity(now time.Time) saml.EntityDescriptor {
	id := sha256.Sum256([]byte(p.ID))
	e := saml.EntityDescriptor{
		EntityID:     p.ID,
		ID:           "_" + hex.EncodeToString(id[:16]),
		ValidUntil:   now.Add(cmp.Or(p.ValidFor, 7*24*time.Hour)),
		Organization: p.organisation(),
	}
	if p.Role == ServiceProvider {
		e.SPSSODescriptors = []saml.SPSSODescriptor{p.serviceProvider()}
	} else {
		e.IDPSSODescriptors = []saml.IDPSSODescriptor{p.identityProvider()}
	}
	return e
}

func (p Publication) identityProvider() saml.IDPSSODescriptor {
	return saml.IDPSSODescriptor{
		SSODescriptor:           p.descriptor(),
		WantAuthnRequestsSigned: &p.WantAuthnRequestsSigned,
		SingleSignOnServices:    plain(p.SSO),
	}
}

func (p Publication) serviceProvider() saml.SPSSODescriptor {
	return saml.SPSSODescriptor{
		SSODescriptor:              p.descriptor(),
		AuthnRequestsSigned:        &p.AuthnRequestsSigned,
		WantAssertionsSigned:       &p.WantAssertionsSigned,
		AssertionConsumerServices:  indexed(p.ACS),
		AttributeConsumingServices: p.attributes(),
	}
}

// descriptor is what both roles have.
func (p Publication) descriptor() saml.SSODescriptor {
	d := saml.SSODescriptor{
		RoleDescriptor:       saml.RoleDescriptor{ProtocolSupportEnumeration: protocol},
		SingleLogoutServices: plain(p.SLO),
	}
	for _, c := range p.Certificates {
		d.KeyDescriptors = append(d.KeyDescriptors, keyDescriptor("signing", c))
	}
	for _, c := range p.Certificates {
		if p.Encrypt {
			k := keyDescriptor("encryption", c)
			k.EncryptionMethods = methods(p.Encryption.Accepted())
			d.KeyDescriptors = append(d.KeyDescriptors, k)
		}
	}
	for _, f := range p.NameIDFormats {
		d.NameIDFormats = append(d.NameIDFormats, saml.NameIDFormat(f))
	}
	return d
}

func keyDescriptor(use string, c *x509.Certificate) saml.KeyDescriptor {
	certificate := saml.X509Certificate{Data: base64.StdEncoding.EncodeToString(c.Raw)}
	return saml.KeyDescriptor{
		Use:     use,
		KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{certificate}}},
	}
}

func methods(p xmlenc.Policy) []saml.EncryptionMethod {
	var all []saml.EncryptionMethod
	for _, d := range p.Data {
		all = append(all, saml.EncryptionMethod{Algorithm: d.URI()})
	}
	for _, k := range p.Key {
		all = append(all, saml.EncryptionMethod{Algorithm: k.URI()})
	}
	return all
}

func plain(endpoints []Endpoint) []saml.Endpoint {
	var all []saml.Endpoint
	for _, e := range endpoints {
		all = append(all, saml.Endpoint{
			Binding: e.Binding, Location: e.Location, ResponseLocation: e.ResponseLocation,
		})
	}
	return all
}

func indexed(endpoints []Endpoint) []saml.IndexedEndpoint {
	var all []saml.IndexedEndpoint
	for _, e := range endpoints {
		i := saml.IndexedEndpoint{Binding: e.Binding, Location: e.Location, Index: e.Index}
		if e.Default {
			i.IsDefault = &e.Default
		}
		all = append(all, i)
	}
	return all
}

// attributes asks for the attributes under the service's name, which must not
// be missing (Metadata §2.4.4.1).
func (p Publication) attributes() []saml.AttributeConsumingService {
	if len(p.Attributes) == 0 {
		return nil
	}
	s := saml.AttributeConsumingService{Index: p.AttributesIndex, ServiceNames: localised(p.Name)}
	if s.ServiceNames == nil {
		s.ServiceNames = []saml.LocalizedName{{Lang: "en", Value: p.ID}}
	}
	for _, a := range p.Attributes {
		s.RequestedAttributes = append(s.RequestedAttributes, saml.RequestedAttribute{
			Attribute:  saml.Attribute{Name: a.Name, NameFormat: a.NameFormat, FriendlyName: a.FriendlyName},
			IsRequired: &a.Required,
		})
	}
	return []saml.AttributeConsumingService{s}
}

func localised(names map[string]string) []saml.LocalizedName {
	var all []saml.LocalizedName
	for _, lang := range slices.Sorted(maps.Keys(names)) {
		all = append(all, saml.LocalizedName{Lang: lang, Value: names[lang]})
	}
	return all
}

// organisation needs a name and an address, or is left out (Metadata §2.3.2.1).
func (p Publication) organisation() *saml.Organization {
	if p.Organisation == "" || p.OrganisationURL == "" {
		return nil
	}
	name := []saml.LocalizedName{{Lang: "en", Value: p.Organisation}}
	return &saml.Organization{
		OrganizationNames:        name,
		OrganizationDisplayNames: name,
		OrganizationURLs:         []saml.LocalizedURI{{Lang: "en", Value: p.OrganisationURL}},
	}
}

// extensions are what the types of crewjam/saml have no room for.
func (p Publication) extensions() *etree.Element {
	e := etree.NewElement("Extensions")
	digests, signatures := p.Signatures.Accepted()
	algorithms(e, "alg:DigestMethod", digests)
	algorithms(e, "alg:SigningMethod", signatures)
	for _, s := range p.Scopes {
		scope := e.CreateElement("shibmd:Scope")
		scope.CreateAttr("xmlns:shibmd", shibmd)
		scope.CreateAttr("regexp", "false")
		scope.SetText(s)
	}
	if len(p.Name) == 0 {
		return e
	}
	info := e.CreateElement("mdui:UIInfo")
	info.CreateAttr("xmlns:mdui", mdui)
	for _, n := range localised(p.Name) {
		name := info.CreateElement("mdui:DisplayName")
		name.CreateAttr("xml:lang", n.Lang)
		name.SetText(n.Value)
	}
	return e
}

// algorithms says what others may sign with (SAML Metadata Profile for Algorithm
// Support 1.0 §2.4). Shibboleth falls back on SHA-1 towards whoever does not.
func algorithms(e *etree.Element, name string, uris []string) {
	for _, uri := range uris {
		method := e.CreateElement(name)
		method.CreateAttr("xmlns:alg", algsupport)
		method.CreateAttr("Algorithm", uri)
	}
}

// contact is written here, as crewjam/saml writes empty names into it.
func (p Publication) contact() *etree.Element {
	e := etree.NewElement("ContactPerson")
	e.CreateAttr("contactType", "technical")
	if p.Organisation != "" {
		e.CreateElement("Company").SetText(p.Organisation)
	}
	e.CreateElement("EmailAddress").SetText("mailto:" + p.Contact)
	return e
}
