package config

import "time"

// App is apps/ID.yaml: one council application.
type App struct {
	// ID is the file's name without .yaml.
	ID string `yaml:"-"`

	// Label is the service's name as residents know it. Required.
	// Example: Council tax
	Label Text `yaml:"label"`

	// Home is where a resident who got lost is sent back to. Default: the
	// origin of the first redirect URI, or of the address that takes a SAML
	// app's responses. Required where SAML metadata comes from a url.
	// Example: https://tax.example.gov.uk/
	Home string `yaml:"home,omitempty"`

	// Connectors are the ids of the connectors that residents may use for
	// this app. Default: all.
	Connectors []string `yaml:"connectors,omitempty"`

	// Sector groups apps that know a resident under one subject identifier
	// (OpenID Connect Core §8.1), which for SAML apps is the persistent NameID.
	// It does not change lightly: another sector means other subjects. Default:
	// the host of the first redirect URI, or of a SAML app's entityID, so that
	// an app which moves from SAML to OpenID Connect keeps its subjects; the
	// app's id where that is on loopback or no web address. Required with
	// redirect URIs of several hosts, and where a SAML app's entityID names
	// another host than the addresses that take its responses or than the url
	// of its metadata.
	// Example: tax.example.gov.uk
	Sector string `yaml:"sector,omitempty"`

	// Tile is how the app looks on residents' home page.
	Tile Tile `yaml:"tile,omitempty"`

	// Purpose says to residents what the app needs their details for.
	// Default: left out; required with consent: ask.
	// Example: To send you reminders of your bin collections
	Purpose Text `yaml:"purpose,omitempty"`

	// Consent is implied for the council's own services, which residents use to
	// have something done; or ask for those of third parties: residents see what
	// they would share before it is shared for the first time, and may decline.
	// Default: implied.
	Consent string `yaml:"consent,omitempty" jsonschema:"enum=implied,enum=ask"`

	// Delegates lets residents name somebody to use the app for them. It is told
	// by the claim act (RFC 8693 §4.1), a SAML app by the attribute act.
	// Default: false.
	Delegates bool `yaml:"delegates,omitempty"`

	// OIDC makes the app an OpenID Connect client.
	OIDC *AppOIDC `yaml:"oidc,omitempty"`

	// SAML makes the app a SAML 2.0 service provider.
	SAML *AppSAML `yaml:"saml,omitempty"`

	// Release lists the claims that the app may see, by standard name or as
	// {as: name, value: CEL over claims}. An OpenID Connect app still has to ask
	// for them by scope; a SAML app gets them all. Default: [sub].
	// Example: [sub, name, email, email_verified]
	Release []Release `yaml:"release,omitempty"`

	// Assurance is the least that the app needs to know for sure about who
	// signed in, which some connector has to reach. A request of the app can ask
	// for more, never for less.
	// Default: {identity: P0, authenticator: Cl}.
	// Example: {identity: P2, authenticator: Cm}
	Assurance Assurance `yaml:"assurance,omitempty"`
}

// AppOIDC is an app's OpenID Connect registration (OpenID Connect Dynamic
// Client Registration 1.0 §2 has the same words).
type AppOIDC struct {
	// ClientID of the app. Default: the file's name without .yaml.
	ClientID string `yaml:"client_id,omitempty"`

	// ClientSecret of the app. Required by client_secret_basic and
	// client_secret_post. Example: env:TAX_SECRET
	ClientSecret Secret `yaml:"client_secret,omitempty"`

	// ClientAuth is client_secret_basic, client_secret_post, private_key_jwt,
	// or none for a public client. Default: client_secret_basic with a
	// secret, private_key_jwt with jwks, else none.
	ClientAuth string `yaml:"client_auth,omitempty" jsonschema:"enum=client_secret_basic,enum=client_secret_post,enum=private_key_jwt,enum=none"`

	// JWKS is a file with the app's public keys, for private_key_jwt.
	// Example: tax-keys.json
	JWKS string `yaml:"jwks,omitempty"`

	// RedirectURIs are compared character by character (RFC 9700 §2.1).
	// Required. https, or http on loopback, or a private-use scheme of a
	// native app (RFC 8252 §7.1).
	// Example: [https://tax.example.gov.uk/callback]
	RedirectURIs []string `yaml:"redirect_uris"`

	// PostLogoutRedirectURIs are where a resident may be sent after signing
	// out. Default: none.
	PostLogoutRedirectURIs []string `yaml:"post_logout_redirect_uris,omitempty"`

	// InitiateLoginURI is where the app starts a sign-in when somebody else asks
	// for it (OpenID Connect Core §4): a resident is led there who has proved at
	// last, days later, what the app had asked for. Default: the app's home.
	InitiateLoginURI string `yaml:"initiate_login_uri,omitempty"`

	// BackchannelLogoutURI is told when a session that the app takes part in
	// ends (OpenID Connect Back-Channel Logout 1.0 §2.2). Default: the app is
	// not told. Example: https://tax.example.gov.uk/backchannel-logout
	BackchannelLogoutURI string `yaml:"backchannel_logout_uri,omitempty"`

	// PKCE is required or optional. Default: required for public clients,
	// else optional.
	PKCE string `yaml:"pkce,omitempty" jsonschema:"enum=required,enum=optional"`

	// IDTokenAlg signs the app's ID tokens: RS256 or ES256, which costs a
	// fraction. Default: RS256 (OpenID Connect Registration §2).
	IDTokenAlg string `yaml:"id_token_signed_response_alg,omitempty" jsonschema:"enum=RS256,enum=ES256"`

	// Refresh lets the app ask for refresh tokens with the scope
	// offline_access. Default: false.
	Refresh bool `yaml:"refresh,omitempty"`

	// AccessTokenLifetime of access tokens. Default: 10m.
	AccessTokenLifetime time.Duration `yaml:"access_token_lifetime,omitempty"`

	// RefreshTokenLifetime of refresh tokens that are not used. Default: 720h.
	RefreshTokenLifetime time.Duration `yaml:"refresh_token_lifetime,omitempty"`
}

// Release is one claim that an app may see: a standard name, or a name with
// an expression.
type Release struct {
	// As is the name that the app sees.
	As string `yaml:"as"`
	// Value is a CEL expression over claims. Default: the claim named As.
	Value string `yaml:"value,omitempty"`
	// Attribute is the name of the SAML attribute. Default: as saml.attributes
	// says. SAML apps only. Example: urn:oid:0.9.2342.19200300.100.1.3
	Attribute string `yaml:"attribute,omitempty"`
	// Friendly is the SAML attribute's FriendlyName. SAML apps only.
	Friendly string `yaml:"friendly,omitempty"`
	// NameFormat is the SAML attribute's NameFormat: uri, basic or
	// unspecified. Default: uri for names that are URIs, else basic. SAML apps
	// only.
	NameFormat string `yaml:"name_format,omitempty" jsonschema:"enum=uri,enum=basic,enum=unspecified"`
}
