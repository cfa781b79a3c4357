package config

import (
	"time"

	"github.com/councilid/councilid/mapping"
)

// SAML is a connector's SAML 2.0 settings: the broker is the service provider.
type SAML struct {
	// EntityID is the broker's own name towards this provider. Default:
	// ISSUER/connectors/ID/metadata, where its metadata is.
	EntityID string `yaml:"entity_id,omitempty"`

	// Metadata is where the provider's metadata is. Required.
	Metadata Metadata `yaml:"metadata,omitempty"`

	// Request is how sign-ins are asked for.
	Request SAMLRequest `yaml:"request,omitempty"`

	// Response is what answers are accepted.
	Response SAMLResponse `yaml:"response,omitempty"`

	// Logout says how sessions are ended at the provider and by it.
	Logout SAMLLogout `yaml:"logout,omitempty"`

	// Lists are the attributes that are lists in claims even with one value.
	// Default: an attribute is a text with one value and a list with several.
	// Example: ["http://schemas.xmlsoap.org/claims/Group"]
	Lists []string `yaml:"lists,omitempty"`
}

// Metadata is a SAML metadata document. Exactly one of url, file and inline is
// given.
type Metadata struct {
	// URL is where the document is published and fetched from again.
	// Example: https://adfs.example.gov.uk/FederationMetadata/2007-06/FederationMetadata.xml
	URL string `yaml:"url,omitempty"`
	// File holds the document. Example: adfs.xml
	File string `yaml:"file,omitempty"`
	// Inline is the document itself.
	Inline string `yaml:"inline,omitempty"`
	// EntityID says whose metadata it is. Required where the document describes
	// several entities, and for url. Default: the one entity that is described.
	// Example: http://adfs.example.gov.uk/adfs/services/trust
	EntityID string `yaml:"entity_id,omitempty"`
	// Signer is a PEM file with the certificates of whoever must have signed
	// the document. Default: none; then a url rests on TLS alone, which a
	// warning says. Example: federation-signer.pem
	Signer string `yaml:"signer,omitempty"`
	// Refresh is how often a url is fetched again. Default: 6h.
	Refresh time.Duration `yaml:"refresh,omitempty"`
	// KeepLastGood is how long the last good document is used while fetching
	// it fails. Default: 72h.
	KeepLastGood time.Duration `yaml:"keep_last_good,omitempty"`
}

// SAMLRequest is how a connector asks for sign-ins.
type SAMLRequest struct {
	// Binding is redirect or post. Default: redirect.
	Binding string `yaml:"binding,omitempty" jsonschema:"enum=redirect,enum=post"`
	// Sign signs requests. Default: true.
	Sign *bool `yaml:"sign,omitempty"`
	// Algorithm signs. Default: rsa-sha256.
	Algorithm string `yaml:"algorithm,omitempty" jsonschema:"enum=rsa-sha256,enum=rsa-sha384,enum=rsa-sha512"`
	// NameIDFormat to ask for: persistent, transient, email, unspecified, or a
	// URI. An identifier of another format is refused, unless unspecified
	// leaves the choice to the provider. Default: none is asked for.
	NameIDFormat string `yaml:"nameid_format,omitempty"`
	// Force is passthrough (an app that insists on a new sign-in makes the
	// request say ForceAuthn), always, or never: then the connector is not
	// offered to such an app. Default: passthrough.
	Force string `yaml:"force,omitempty" jsonschema:"enum=passthrough,enum=always,enum=never"`
	// Contexts are the authentication context classes to ask for, in order of
	// preference. Default: none is asked for.
	// Example: [http://eidas.europa.eu/LoA/substantial]
	Contexts []string `yaml:"contexts,omitempty"`
	// Comparison of contexts: exact, minimum, maximum or better. Default: exact.
	Comparison string `yaml:"comparison,omitempty" jsonschema:"enum=exact,enum=minimum,enum=maximum,enum=better"`
	// Attributes are those that the broker's metadata asks for. Default: none;
	// the provider sends what was agreed with it.
	// Example: [fiscalNumber, name, familyName]
	Attributes []string `yaml:"attributes,omitempty"`
	// AttributeIndex is the number of that set of attributes in the broker's
	// metadata, and requests name it (AttributeConsumingServiceIndex).
	// Default: they do not. Example: 0
	AttributeIndex *int `yaml:"attribute_index,omitempty"`
	// QualifiedIssuer writes the broker's name with its format and, as its
	// NameQualifier, itself (SPID). Default: false.
	QualifiedIssuer bool `yaml:"qualified_issuer,omitempty"`
	// EIDAS adds the extensions that an eIDAS node wants.
	EIDAS *EIDAS `yaml:"eidas,omitempty"`
}

// EIDAS are the extensions of an eIDAS request.
type EIDAS struct {
	// SPType is public or private. Default: public.
	SPType string `yaml:"sp_type,omitempty" jsonschema:"enum=public,enum=private"`
	// Attributes are the attributes asked for, all of them required.
	// Example: [http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier]
	Attributes []string `yaml:"attributes"`
}

// SAMLResponse is what answers a connector accepts.
type SAMLResponse struct {
	// Binding is post or artifact. Default: post.
	Binding string `yaml:"binding,omitempty" jsonschema:"enum=post,enum=artifact"`
	// Signed is what must carry a signature: assertion, response, either or
	// both. Default: assertion.
	Signed string `yaml:"signed,omitempty" jsonschema:"enum=assertion,enum=response,enum=either,enum=both"`
	// Encrypted says whether assertions are encrypted: optional, required or
	// refused. Default: optional.
	Encrypted string `yaml:"encrypted,omitempty" jsonschema:"enum=optional,enum=required,enum=refused"`
	// Algorithms are the signature algorithms accepted.
	// Default: [rsa-sha256, rsa-sha384, rsa-sha512, ecdsa-sha256, ecdsa-sha384, ecdsa-sha512, rsa-pss-sha256, rsa-pss-sha384, rsa-pss-sha512].
	Algorithms []string `yaml:"algorithms,omitempty" jsonschema:"enum=rsa-sha256,enum=rsa-sha384,enum=rsa-sha512,enum=ecdsa-sha256,enum=ecdsa-sha384,enum=ecdsa-sha512,enum=rsa-pss-sha256,enum=rsa-pss-sha384,enum=rsa-pss-sha512"`
	// Encryption are the content encryption algorithms accepted.
	// Default: [aes128-gcm, aes256-gcm, aes256-cbc].
	Encryption []string `yaml:"encryption,omitempty" jsonschema:"enum=aes128-gcm,enum=aes256-gcm,enum=aes128-cbc,enum=aes192-cbc,enum=aes256-cbc"`
	// InsecureAllowSHA1 accepts RSA-SHA1 signatures as well. Default: false.
	InsecureAllowSHA1 bool `yaml:"insecure_allow_sha1,omitempty"`
	// EnforceExpiry refuses keys whose certificate has expired. Metadata is
	// what is trusted, so by default it does not matter. Default: false.
	EnforceExpiry bool `yaml:"enforce_expiry,omitempty"`
	// UnsolicitedApp is the app that residents are led to when the provider
	// sends them without having been asked (IdP-initiated). Such an answer can
	// come from anybody's browser: leave it out where nobody needs it.
	// Default: unsolicited answers are refused. Example: planning
	UnsolicitedApp string `yaml:"unsolicited_app,omitempty"`
	// ClockSkew is how far the provider's clock may differ. Default: 60s,
	// which is the most.
	ClockSkew time.Duration `yaml:"clock_skew,omitempty"`
	// MaxAge is how old an assertion may be. Default: 5m; at most 15m.
	MaxAge time.Duration `yaml:"max_age,omitempty"`
	// MaxValues bounds the values of one attribute, and with it the size of an
	// answer, of which the broker takes 4 MiB. Default: 2000; at most 8000.
	MaxValues int `yaml:"max_values,omitempty"`
}

// SAMLLogout is how a connector ends sessions.
type SAMLLogout struct {
	// Send asks the provider to end its session when a resident signs out.
	// Default: true, where the provider's metadata has an address for it.
	Send *bool `yaml:"send,omitempty"`
	// Accept ends sessions when the provider says so. Its messages must be
	// signed. Default: true.
	Accept *bool `yaml:"accept,omitempty"`
	// Page is where residents are sent in place of such messages, for a provider
	// whose sessions end on a page of its own. Default: none.
	// Example: https://provider.example/logout
	Page string `yaml:"page,omitempty"`
	// PageReturn is the page's parameter for the address to come back to.
	// Required by page. Example: SPRedirectUrl
	PageReturn string `yaml:"page_return,omitempty"`
}

// AppSAML is an app's SAML 2.0 registration: the broker is its identity
// provider.
type AppSAML struct {
	// Metadata is where the app's metadata is. Either it or manual is given.
	Metadata Metadata `yaml:"metadata,omitempty"`

	// Manual describes an app that has no metadata.
	Manual *ManualSP `yaml:"manual,omitempty"`

	// Requests says whether requests must be signed: auto (they must where the
	// metadata says that the app signs; a signature that is there is always
	// checked), required, or never_signed for an app whose metadata claims
	// signatures that it does not make. Default: auto.
	Requests string `yaml:"requests,omitempty" jsonschema:"enum=auto,enum=required,enum=never_signed"`

	// Start lets residents be sent to the app from the broker's own address
	// ISSUER/saml/start/ID, without a request of the app (IdP-initiated).
	// Default: false.
	Start bool `yaml:"start,omitempty"`

	// Targets are the RelayState values that the start address may be given
	// as target. The first one is the default. Default: none, and no
	// RelayState. Example: [https://planning.example.gov.uk/applications]
	Targets []string `yaml:"targets,omitempty"`

	// NameID is what the app knows residents by.
	NameID AppNameID `yaml:"nameid,omitempty"`

	// Attributes names what is released: basic (the claim's own name), oid
	// (X.500 and eduPerson object identifiers), adfs (the claim types of
	// Microsoft), or eduperson (OIDs and eduPerson). An entry of release may
	// name its attribute itself. Default: basic.
	Attributes string `yaml:"attributes,omitempty" jsonschema:"enum=basic,enum=oid,enum=adfs,enum=eduperson"`

	// InsecureUnverifiedEmail tells the app e-mail addresses that no provider
	// vouches for, which anybody may have written as theirs: SAML has no word
	// that marks them. Without it they are left out. Default: false.
	InsecureUnverifiedEmail bool `yaml:"insecure_unverified_email,omitempty"`

	// Sign is what is signed: assertion, response or both. Default: assertion.
	Sign string `yaml:"sign,omitempty" jsonschema:"enum=assertion,enum=response,enum=both"`

	// Algorithm signs. Default: rsa-sha256.
	Algorithm string `yaml:"algorithm,omitempty" jsonschema:"enum=rsa-sha256,enum=rsa-sha384,enum=rsa-sha512"`

	// InsecureAllowSHA1 accepts RSA-SHA1 signatures of the app. Default: false.
	InsecureAllowSHA1 bool `yaml:"insecure_allow_sha1,omitempty"`

	// Encrypt encrypts assertions: never, auto (where the metadata has a key
	// for it) or always. Default: never.
	Encrypt string `yaml:"encrypt,omitempty" jsonschema:"enum=never,enum=auto,enum=always"`

	// Encryption is the content encryption: auto (AES-256-GCM where the
	// metadata lists it, else AES-256-CBC), or one of them. Default: auto.
	Encryption string `yaml:"encryption,omitempty" jsonschema:"enum=auto,enum=aes128-gcm,enum=aes256-gcm,enum=aes128-cbc,enum=aes256-cbc"`

	// KeyTransport is rsa-oaep-mgf1p, which all understand, or rsa-oaep with
	// SHA-256. Default: rsa-oaep-mgf1p.
	KeyTransport string `yaml:"key_transport,omitempty" jsonschema:"enum=rsa-oaep-mgf1p,enum=rsa-oaep"`

	// Contexts say what the app may be told of how the resident signed in, and
	// may ask for, weakest first. A sign-in is told by the last one that it
	// fulfils. Default: unspecified for any, and the contexts of broker.yaml.
	Contexts []AppContext `yaml:"contexts,omitempty"`

	// MaxAuthnAge is the oldest sign-in that the app takes; an older one makes
	// the resident sign in again. Old Spring apps refuse after 2h.
	// Default: any. Example: 2h
	MaxAuthnAge time.Duration `yaml:"max_authn_age,omitempty"`

	// Lifetime of an assertion. Default: 5m.
	Lifetime time.Duration `yaml:"lifetime,omitempty"`

	// Logout says how the app takes part in signing out.
	Logout AppSAMLLogout `yaml:"logout,omitempty"`
}

// ManualSP is what metadata would say of an app.
type ManualSP struct {
	// EntityID is the app's name. Required. Example: https://planning.example.gov.uk/saml
	EntityID string `yaml:"entity_id"`
	// ACS are the addresses that take responses by POST, first the default.
	// Required. Example: [https://planning.example.gov.uk/saml/acs]
	ACS []string `yaml:"acs"`
	// SLO is the address that takes logout messages by redirect.
	// Default: the app takes none.
	SLO string `yaml:"slo,omitempty"`
	// SLOSOAP is the address that takes logout requests by SOAP.
	// Default: the app takes none.
	SLOSOAP string `yaml:"slo_soap,omitempty"`
	// Certificate is a PEM file of the app's certificates, for its signatures
	// and for encryption to it. Default: none.
	Certificate string `yaml:"certificate,omitempty"`
}

// AppNameID is what an app knows residents by.
type AppNameID struct {
	// Formats that the app may get: persistent, transient, email or
	// unspecified; the first is the default. Default: [persistent, transient].
	Formats []string `yaml:"formats,omitempty" jsonschema:"enum=persistent,enum=transient,enum=email,enum=unspecified"`
	// Value is a CEL expression over the claims that the provider vouches for.
	// It gives the identifier of the formats persistent and unspecified in
	// place of the pairwise one. It follows the way in that is used: where accounts
	// are merged or taken apart, the app sees by each way what it saw before.
	// Identifiers that a legacy system gave out can be pinned to accounts, too.
	// Default: the app's own pairwise subject. Example: claims.employee_number
	Value string `yaml:"value,omitempty"`
	// Qualifiers adds NameQualifier and SPNameQualifier to persistent and
	// transient identifiers. Default: true.
	Qualifiers *bool `yaml:"qualifiers,omitempty"`
}

// AppContext is one authentication context class and the least that it means.
// Some level is given, but for the class unspecified. A class that is known to be
// strong, as https://refeds.org/profile/mfa, cannot mean less.
type AppContext struct {
	// Class is the AuthnContextClassRef.
	Class string `yaml:"class"`
	// Identity is the least identity level. Default: P0.
	Identity string `yaml:"identity,omitempty" jsonschema:"enum=P0,enum=P1,enum=P2,enum=P3,enum=P4"`
	// Authenticator is the least authenticator level. Default: none is needed.
	Authenticator string `yaml:"authenticator,omitempty" jsonschema:"enum=Cl,enum=Cm,enum=Ch"`
	// Phishing is F1 for a class that only a sign-in fulfils which cannot be
	// phished. Default: F0.
	Phishing string `yaml:"phishing,omitempty" jsonschema:"enum=F0,enum=F1"`
	// Residency is the least residency level. Default: R0.
	Residency string `yaml:"residency,omitempty" jsonschema:"enum=R0,enum=R1,enum=R2,enum=R3"`
}

// Vector is the least that the class means, as the broker reckons with it.
func (c AppContext) Vector() mapping.Assurance {
	return Assurance{Identity: c.Identity, Authenticator: c.Authenticator, Phishing: c.Phishing, Residency: c.Residency}.Vector()
}

// AppSAMLLogout is an app's part in signing out.
type AppSAMLLogout struct {
	// InsecureUnsigned accepts logout messages that are not signed, as
	// SimpleSAMLphp sends them by default: anybody who makes a resident follow
	// a link can then sign them out. Default: false.
	InsecureUnsigned bool `yaml:"insecure_unsigned,omitempty"`
	// Timeout of a call to the app. Default: 5s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}
