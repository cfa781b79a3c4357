// Package metadata reads and writes SAML metadata (SAML Metadata 2.0), keeps
// what was fetched fresh, and trusts nothing that is not signed, pinned or
// local.
package metadata

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Endpoint is one address of an entity.
type Endpoint struct {
	Binding          string
	Location         string
	ResponseLocation string // "" for Location
	Index            int
	Default          bool
}

// Entity is what one entity's metadata says about one role.
type Entity struct {
	ID          string
	ValidUntil  time.Time         // zero: no end
	DisplayName map[string]string // mdui, or the organisation's name, by language

	Signing     []*x509.Certificate // keys whose use is not encryption
	Encryption  []*x509.Certificate // keys whose use is not signing
	DataMethods []string            // EncryptionMethod URIs of the encryption keys

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

// Source is where an entity's metadata comes from. Exactly one of Inline and
// Fetch is set.
type Source struct {
	Role     Role
	EntityID string // needed where the document has several
	Inline   []byte
	// Fetch gets the document from where it is published.
	Fetch func(ctx context.Context) ([]byte, error)
	// Signer, where set, must have signed the document.
	Signer []*x509.Certificate
	// Refresh is how old a fetched document may be before it is fetched again;
	// KeepLastGood how long the last good one is used while fetching fails.
	Refresh, KeepLastGood time.Duration
	Now                   func() time.Time
	Log                   *slog.Logger
}

// Parse reads one entity from a document, checking its signature where signer
// is given, and its validUntil.
func Parse(raw []byte, role Role, entityID string, signer []*x509.Certificate, now time.Time) (*Entity, error) {
	panic("stub")
}

// Watched is an entity that is kept fresh.
type Watched struct{}

// Watch makes a Watched. An inline document is parsed at once; one to be
// fetched is fetched when first needed.
func Watch(s Source) (*Watched, error) { panic("stub") }

// Get returns the entity as last read. It fetches only where there is none yet;
// later refreshes are made in the background.
func (w *Watched) Get(ctx context.Context) (*Entity, error) { panic("stub") }

// Publication is what we say about ourselves in one role.
type Publication struct {
	Role                          Role
	ID                            string
	ValidFor                      time.Duration     // validUntil; default 7 days
	Name                          map[string]string // mdui:DisplayName by language
	Organisation, OrganisationURL string
	Certificates                  []*x509.Certificate // all that sign or decrypt, now or soon
	Encrypt                       bool                // also publish them for encryption
	NameIDFormats                 []string
	SLO                           []Endpoint

	SSO                     []Endpoint // identity provider
	WantAuthnRequestsSigned bool
	Scopes                  []string

	ACS                  []Endpoint // service provider
	AuthnRequestsSigned  bool
	WantAssertionsSigned bool
	Attributes           []RequestedAttribute
}

// Build returns the EntityDescriptor, signed where c has a Signer.
func Build(p Publication, now time.Time, c xmlsig.Credential) (*etree.Element, error) { panic("stub") }
