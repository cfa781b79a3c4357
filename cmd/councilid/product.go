package main

import (
	"strings"

	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// product is software that many service providers run on.
type product struct {
	name       string
	path       string // what one of its addresses holds
	refusesOld bool   // it refuses sign-ins of a while ago
	advice     string // what its people set; text/template over handover
}

// products are told apart by their addresses, which few people change.
func products() []product {
	return []product{
		{name: "Shibboleth SP", path: "/Shibboleth.sso/", advice: `In shibboleth2.xml:

  <SSO entityID="{{.EntityID}}">SAML2</SSO>
  <MetadataProvider type="XML" url="{{.Metadata}}" backingFilePath="councilid.xml"/>

attribute-map.xml knows names of the style oid. One of the style basic needs
nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" there.`},
		{name: "mod_auth_mellon", path: "/postResponse", advice: `In Apache's configuration, with the broker's metadata saved as councilid.xml:

  MellonIdPMetadataFile /etc/apache2/mellon/councilid.xml

MellonUser says what becomes REMOTE_USER: NAME_ID, or the name of an attribute.`},
		{name: "SimpleSAMLphp", path: "/module.php/saml/sp/", advice: `In config/authsources.php; logout messages that are not signed are refused:

  'idp' => '{{.EntityID}}',
  'sign.logout' => true,

In metadata/saml20-idp-remote.php: what SimpleSAMLphp's own converter makes of the
broker's metadata.`},
		{name: "Sustainsys.Saml2", path: "/Saml2/Acs", advice: `In the options of AddSaml2:

  options.IdentityProviders.Add(
    new IdentityProvider(new EntityId("{{.EntityID}}"), options.SPOptions)
    { MetadataLocation = "{{.Metadata}}", LoadMetadata = true });`},
		{name: "ITfoxtec", path: "/Auth/AssertionConsumerService", advice: `In appsettings.json. The broker's certificate is signed by itself, and believed
because it is in the metadata:

  "Saml2": {
    "IdPMetadata": "{{.Metadata}}",
    "Issuer": "{{.App}}",
    "SignatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "CertificateValidationMode": "None",
    "RevocationMode": "NoCheck"
  }`},
		{name: "Spring Security", path: "/login/saml2/sso/", advice: `In application.yml:

  spring.security.saml2.relyingparty.registration:
    councilid:
      entity-id: {{.App}}
      assertingparty.metadata-uri: {{.Metadata}}`},
		{name: "Spring Security SAML Extension", path: "/saml/SSO", refusesOld: true, advice: `Give the broker's metadata to its CachingMetadataManager. It refuses sign-ins of
more than two hours ago, so the app's file says max_authn_age.`},
	}
}

// guess tells what software the app runs on, or returns nil.
func guess(sp *metadata.Entity) *product {
	for _, p := range products() {
		for _, address := range append(locations(sp.ACS), locations(sp.SLO)...) {
			if strings.Contains(address, p.path) {
				return &p
			}
		}
	}
	return nil
}
