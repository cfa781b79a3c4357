// Package metadata reads and writes SAML metadata (SAML Metadata 2.0), keeps
// what was fetched fresh, and trusts nothing that is not signed, pinned or
// local.
//
// Documents are written with the types of crewjam/saml. They are read from
// their elements, as those types have no room for extensions, for the index of
// an identity provider's artifact resolution, or for the namespaces that
// entities of an aggregate share.
package metadata

import (
	"crypto/x509"
	"slices"
	"time"
)

// Endpoint is one address of an entity.
type Endpoint struct {
	Binding          string
	Location         string
	ResponseLocation string // "" for Location
	Index            int
	Default          bool
}

// Response is where answers go to, as opposed to requests (Metadata §2.2.2).
func (e Endpoint) Response() string {
	if e.ResponseLocation != "" {
		return e.ResponseLocation
	}
	return e.Location
}

// Find returns the endpoint for the first of the bindings that has one: its
// default, else its first.
func Find(endpoints []Endpoint, bindings ...string) (Endpoint, bool) {
	for _, b := range bindings {
		of := func(e Endpoint) bool { return e.Binding == b }
		if i := slices.IndexFunc(endpoints, func(e Endpoint) bool { return of(e) && e.Default }); i >= 0 {
			return endpoints[i], true
		}
		if i := slices.IndexFunc(endpoints, of); i >= 0 {
			return endpoints[i], true
		}
	}
	return Endpoint{}, false
}

// Entity is what one entity's metadata says about one role. It is shared by
// all who use it and must not be changed.
type Entity struct {
	ID            string
	ValidUntil    time.Time         // zero: no end
	CacheDuration time.Duration     // zero: nothing is said
	DisplayName   map[string]string // mdui, or the organisation's name, by language

	Signing     []*x509.Certificate // keys whose use is not encryption
	Encryption  []*x509.Certificate // RSA keys whose use is not signing
	DataMethods []string            // EncryptionMethod URIs of the encryption keys
	Ignored     []string            // keys that could not be read, and why

	NameIDFormats []string

	// Of an identity provider.
	SSO                     []Endpoint
	Artifact                []Endpoint // artifact resolution
	WantAuthnRequestsSigned bool
	Scopes                  []string

	// Of a service provider.
	ACS                  []Endpoint
	AuthnRequestsSigned  bool
	WantAssertionsSigned bool
	Attributes           []RequestedAttribute

	SLO []Endpoint
}

// RequestedAttribute is what a service provider would like to be told.
type RequestedAttribute struct {
	Name, NameFormat, FriendlyName string
	Required                       bool
}

// Role is what an entity is read as.
type Role int

// Roles.
const (
	IdentityProvider Role = iota
	ServiceProvider
)

// String is the role in words.
func (r Role) String() string {
	if r == ServiceProvider {
		return "service provider"
	}
	return "identity provider"
}

// descriptor is the local name of the role's element.
func (r Role) descriptor() string {
	if r == ServiceProvider {
		return "SPSSODescriptor"
	}
	return "IDPSSODescriptor"
}

// Namespaces.
const (
	md       = "urn:oasis:names:tc:SAML:2.0:metadata"
	protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
	dsig     = "http://www.w3.org/2000/09/xmldsig#"
	mdui     = "urn:oasis:names:tc:SAML:metadata:ui"
	shibmd   = "urn:mace:shibboleth:metadata:1.0"

	algsupport = "urn:oasis:names:tc:SAML:metadata:algsupport"
)
