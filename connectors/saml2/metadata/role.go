package metadata

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// read makes an entity of its element and of the descriptor of one role.
func read(entity, role xmlgate.Element) (*Entity, error) {
	e := &Entity{
		ID:                      entity.Attr("entityID"),
		DisplayName:             displayName(entity, role),
		NameIDFormats:           texts(role.Children(md, "NameIDFormat")),
		WantAuthnRequestsSigned: isTrue(role.Attr("WantAuthnRequestsSigned")),
		AuthnRequestsSigned:     isTrue(role.Attr("AuthnRequestsSigned")),
		WantAssertionsSigned:    isTrue(role.Attr("WantAssertionsSigned")),
		Attributes:              attributes(role),
		Scopes:                  slices.Concat(scopes(role), scopes(entity)),
	}
	if e.ID == "" {
		return nil, errors.New("the EntityDescriptor has no entityID")
	}
	for _, k := range role.Children(md, "KeyDescriptor") {
		e.addKey(k)
	}
	if err := e.keyed(role); err != nil {
		return nil, err
	}
	if err := e.addEndpoints(role); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Entity) addEndpoints(role xmlgate.Element) error {
	for _, service := range []struct {
		name string
		to   *[]Endpoint
	}{
		{"SingleSignOnService", &e.SSO},
		{"ArtifactResolutionService", &e.Artifact},
		{"AssertionConsumerService", &e.ACS},
		{"SingleLogoutService", &e.SLO},
	} {
		var err error
		if *service.to, err = endpoints(role.Children(md, service.name)); err != nil {
			return fmt.Errorf("%s: %w", service.name, err)
		}
	}
	return nil
}

// endpoints reads those of the bindings that this module speaks. Others, such
// as PAOS and those of SAML 1.1, are passed over.
func endpoints(elements []xmlgate.Element) ([]Endpoint, error) {
	var all []Endpoint
	first := -1 // of those with an index that does not say it is not the default
	for _, e := range elements {
		spoken := []string{binding.Redirect, binding.POST, binding.SOAP, binding.Artifact}
		if !slices.Contains(spoken, e.Attr("Binding")) {
			continue
		}
		p, err := endpoint(e)
		if err != nil {
			return nil, err
		}
		if first < 0 && e.Attr("index") != "" && e.Attr("isDefault") == "" {
			first = len(all)
		}
		all = append(all, p)
	}
	// Metadata §2.2.3: without an isDefault of true the first that has none is
	// the default.
	if first >= 0 && !slices.ContainsFunc(all, func(p Endpoint) bool { return p.Default }) {
		all[first].Default = true
	}
	return all, nil
}

func endpoint(e xmlgate.Element) (Endpoint, error) {
	p := Endpoint{
		Binding:          e.Attr("Binding"),
		Location:         e.Attr("Location"),
		ResponseLocation: e.Attr("ResponseLocation"),
		Default:          isTrue(e.Attr("isDefault")),
	}
	if err := checkLocation("Location", p.Location); err != nil {
		return p, err
	}
	if p.ResponseLocation != "" {
		if err := checkLocation("ResponseLocation", p.ResponseLocation); err != nil {
			return p, err
		}
	}
	if index := e.Attr("index"); index != "" {
		var err error
		if p.Index, err = strconv.Atoi(index); err != nil || p.Index < 0 {
			return p, errors.New("index is not a number")
		}
	}
	return p, nil
}

// checkLocation refuses what a browser would run and not visit: a form that is
// posted to javascript: is a script in our pages. By http it is anybody's to
// read and to change, but on this machine.
func checkLocation(attribute, location string) error {
	u, err := url.Parse(location)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("its %s is not an http or https address", attribute)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("its %s is not https, and not on loopback", attribute)
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// addKey takes the certificates of a KeyDescriptor for the use that it names,
// or for both. A key that cannot be used must not disable the others.
func (e *Entity) addKey(k xmlgate.Element) {
	use := k.Attr("use")
	ignore := func(why string) {
		e.Ignored = append(e.Ignored, cmp.Or(use, "general")+" key: "+why)
	}
	all := certificates(k)
	if len(all) == 0 {
		ignore("no X509Certificate (a KeyValue or KeyName alone is not enough)")
	}
	for _, c := range all {
		certificate, err := parseCertificate(c.Text())
		if err != nil {
			ignore(err.Error())
			continue
		}
		if use != "encryption" {
			e.Signing = append(e.Signing, certificate)
		}
		if _, ok := certificate.PublicKey.(*rsa.PublicKey); ok && use != "signing" {
			e.Encryption = append(e.Encryption, certificate)
		}
	}
	if use != "signing" {
		for _, m := range k.Children(md, "EncryptionMethod") {
			e.DataMethods = append(e.DataMethods, m.Attr("Algorithm"))
		}
	}
}

func certificates(k xmlgate.Element) []xmlgate.Element {
	var all []xmlgate.Element
	for _, data := range k.Child(dsig, "KeyInfo").Children(dsig, "X509Data") {
		all = append(all, data.Children(dsig, "X509Certificate")...)
	}
	return all
}

func parseCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("X509Certificate is not base64")
	}
	return x509.ParseCertificate(der)
}

// keyed refuses a role none of whose keys can be used, and an identity
// provider without one that signs: nothing that it says could be believed.
func (e *Entity) keyed(role xmlgate.Element) error {
	switch {
	case len(e.Signing) > 0:
		return nil
	case len(e.Ignored) > 0 && len(e.Encryption) == 0:
		return fmt.Errorf("no key can be used: %s", strings.Join(e.Ignored, "; "))
	case role.Is(md, IdentityProvider.descriptor()):
		return errors.New("there is no signing key")
	}
	return nil
}

// displayName is what people know the entity as, by language: from mdui
// (Metadata UI §2.1.2), else from the organisation.
func displayName(entity, role xmlgate.Element) map[string]string {
	info := role.Child(md, "Extensions").Child(mdui, "UIInfo")
	if names := byLanguage(info.Children(mdui, "DisplayName")); names != nil {
		return names
	}
	for _, e := range []xmlgate.Element{role, entity} {
		organisation := e.Child(md, "Organization")
		for _, name := range []string{"OrganizationDisplayName", "OrganizationName"} {
			if names := byLanguage(organisation.Children(md, name)); names != nil {
				return names
			}
		}
	}
	return nil
}

func byLanguage(elements []xmlgate.Element) map[string]string {
	var names map[string]string
	for _, e := range elements {
		if text := e.Text(); text != "" {
			if names == nil {
				names = map[string]string{}
			}
			names[e.Tree().SelectAttrValue("xml:lang", "")] = text
		}
	}
	return names
}

// scopes are the domains for which scoped attributes may speak. Those that are
// regular expressions are left out: they grant less that way, not more.
func scopes(e xmlgate.Element) []string {
	literal := slices.DeleteFunc(e.Child(md, "Extensions").Children(shibmd, "Scope"), func(s xmlgate.Element) bool {
		return isTrue(s.Attr("regexp"))
	})
	return texts(literal)
}

// attributes are those that the default AttributeConsumingService asks for.
func attributes(role xmlgate.Element) []RequestedAttribute {
	services := role.Children(md, "AttributeConsumingService")
	if len(services) == 0 {
		return nil
	}
	i := slices.IndexFunc(services, func(s xmlgate.Element) bool { return isTrue(s.Attr("isDefault")) })
	var all []RequestedAttribute
	for _, a := range services[max(i, 0)].Children(md, "RequestedAttribute") {
		all = append(all, RequestedAttribute{
			Name:         a.Attr("Name"),
			NameFormat:   a.Attr("NameFormat"),
			FriendlyName: a.Attr("FriendlyName"),
			Required:     isTrue(a.Attr("isRequired")),
		})
	}
	return all
}

func texts(elements []xmlgate.Element) []string {
	var all []string
	for _, e := range elements {
		all = append(all, e.Text())
	}
	return all
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { return s == "true" || s == "1" }
