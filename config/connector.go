package config

import "time"

// Connector is connectors/ID.yaml: one upstream identity provider. It names a
// preset, or has exactly one protocol block (oidc, oauth2 or saml).
//
// Presets are written in the same schema and give what is true of a provider
// for everybody. What the operator writes replaces the preset's value of that
// key: within blocks and maps key by key, while a list is replaced as a whole.
// A connector may be stricter than its preset; see insecure_loosen_preset.
type Connector struct {
	// ID is the file's name without .yaml: lower-case letters, digits and
	// hyphens. It is part of the callback address that is registered with the
	// provider, ISSUER/callback/ID, so it does not change lightly.
	ID string `yaml:"-"`

	// Preset names the provider: facebook, github, google or microsoft; by SAML
	// adfs, eidas, entra-saml or shibboleth.
	// Example: google
	Preset string `yaml:"preset,omitempty"`

	// Label is what residents read on the button, in the council's first
	// language or by language. Required without a preset.
	// Example: Google
	Label Text `yaml:"label,omitempty"`

	// Hint is a line below the label. Example: For council staff
	Hint Text `yaml:"hint,omitempty"`

	// Order places the connector on the choice page, lowest first.
	// Default: 100.
	Order int `yaml:"order,omitempty"`

	// Disabled takes the connector off the choice page and refuses sign-ins
	// through it. Links made through it are kept. Default: false.
	Disabled bool `yaml:"disabled,omitempty"`

	// ClientID is the council's registration at the provider. Required but by
	// saml.
	ClientID string `yaml:"client_id,omitempty"`

	// ClientSecret belongs to ClientID. Required by the client
	// authentications that use one. Example: env:GOOGLE_CLIENT_SECRET
	ClientSecret Secret `yaml:"client_secret,omitempty"`

	// Domains are the e-mail domains whose people sign in here: a login_hint
	// in one of them skips the choice page. Default: none.
	// Example: [example.gov.uk]
	Domains []string `yaml:"domains,omitempty"`

	// OIDC is the OpenID Connect protocol.
	OIDC *OIDC `yaml:"oidc,omitempty"`

	// OAuth2 is OAuth 2.0 with a profile API, for providers that have no ID
	// token.
	OAuth2 *OAuth2 `yaml:"oauth2,omitempty"`

	// SAML is the SAML 2.0 protocol. Of what it says, claims has the attributes
	// by their names, and of the NameID sub, nameid_format, nameid_qualifier
	// and nameid_sp_qualifier. sub is the value of a persistent NameID. One of
	// another format, with qualifiers other than the provider and the broker,
	// or with an exclamation mark in it, is
	// FORMAT!NAMEQUALIFIER!SPNAMEQUALIFIER!VALUE, the first three with % and !
	// percent-encoded: the same value is somebody else in another name space.
	SAML *SAML `yaml:"saml,omitempty"`

	// Subject is a CEL expression over claims that gives the person's
	// identifier, unique within the issuer and never reused. Text or a whole
	// number. Default: claims.sub.
	// Example: claims.oid
	Subject string `yaml:"subject,omitempty"`

	// Claims maps OpenID Connect's standard claims (and names of the
	// council's own) to CEL expressions over claims, what the provider said.
	// An expression that meets a missing claim leaves its target out.
	// Example: {email: claims.mail, given_name: claims.first_name}
	Claims map[string]string `yaml:"claims,omitempty"`

	// Trust says what the provider is believed to have checked.
	Trust Trust `yaml:"trust,omitempty"`

	// Errors maps the provider's own error codes to outcomes: cancelled,
	// declined, try_later, unavailable, misconfigured, not_allowed. A key is
	// an error code, or code/subcode where the provider adds an
	// error_subcode or error_reason. Codes of the standards are known.
	// Example: {user_cancelled_login: cancelled}
	Errors map[string]string `yaml:"errors,omitempty"`

	// Network is how the broker calls the provider.
	Network Network `yaml:"network,omitempty"`

	// InsecureBaseURL replaces the scheme and host of every address of the
	// preset: https://host/path becomes BASE/host/path. For simulators and
	// tests only. Example: http://127.0.0.1:8101
	InsecureBaseURL string `yaml:"insecure_base_url,omitempty"`

	// InsecureLoosenPreset names the keys in which this connector is less
	// strict than its preset, and so accepts the risk. Without it such a key
	// is a mistake: another issuer or subject, an address on another host,
	// more algorithms or tenants, no PKCE or nonce, weaker client_auth, more
	// trust, or another expression for a claim that is trusted.
	// Default: none. Example: [oidc.nonce]
	InsecureLoosenPreset []string `yaml:"insecure_loosen_preset,omitempty"`

	// Simulator is how the simulated provider behaves. Only presets have it.
	Simulator *Simulator `yaml:"simulator,omitempty"`

	// Verified is the day on which the preset's facts were last checked
	// against the provider's documentation. Only presets have it.
	// Example: 2026-08-21
	Verified string `yaml:"verified,omitempty"`
}

// OIDC is a connector's OpenID Connect settings.
type OIDC struct {
	// Issuer is the provider's issuer, exactly as in its ID tokens. Required.
	// A part in braces, as in https://login.example.com/{tid}/v2.0, is
	// replaced by the ID token's claim of that name before comparing, and
	// Tenants must then be set.
	// Example: https://accounts.google.com
	Issuer string `yaml:"issuer,omitempty"`

	// IssuerAliases are other spellings of the issuer that its ID tokens may
	// carry. Links are always kept under Issuer.
	// Example: [accounts.google.com]
	IssuerAliases []string `yaml:"issuer_aliases,omitempty"`

	// Tenants are the values allowed for the claim in the issuer's braces.
	// Required with a templated issuer. Example: [9188040d-6c67-4c5b-b112-36a304b66dad]
	Tenants []string `yaml:"tenants,omitempty"`

	// Discovery is the address of the discovery document. Default:
	// ISSUER/.well-known/openid-configuration.
	Discovery string `yaml:"discovery,omitempty"`

	// Endpoints replace addresses of the discovery document. With
	// authorization, token and jwks all given, no discovery is done.
	Endpoints Endpoints `yaml:"endpoints,omitempty"`

	// ClientAuth is client_secret_basic, client_secret_post, private_key_jwt
	// or none (OpenID Connect Core §9). Default: client_secret_basic.
	ClientAuth string `yaml:"client_auth,omitempty" jsonschema:"enum=client_secret_basic,enum=client_secret_post,enum=private_key_jwt,enum=none"`

	// PrivateKey is the PEM key that signs client assertions: RSA (RS256) or
	// P-256 (ES256). Required by private_key_jwt. Example: file:keys/one-login.pem
	PrivateKey Secret `yaml:"private_key,omitempty"`

	// KeyID is the kid of client assertions, where the provider wants one.
	KeyID string `yaml:"key_id,omitempty"`

	// AssertionAudience is the aud of client assertions: token_endpoint or
	// issuer. Default: token_endpoint.
	AssertionAudience string `yaml:"assertion_audience,omitempty" jsonschema:"enum=token_endpoint,enum=issuer"`

	// Algorithms are the ID token signature algorithms accepted, of RS256,
	// RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.
	// Default: [RS256, ES256].
	Algorithms []string `yaml:"algorithms,omitempty" jsonschema:"enum=RS256,enum=RS384,enum=RS512,enum=PS256,enum=PS384,enum=PS512,enum=ES256,enum=ES384,enum=ES512,enum=EdDSA"`

	// Scopes to ask for; openid is always among them.
	// Default: [openid, profile, email].
	Scopes []string `yaml:"scopes,omitempty"`

	// Params are further parameters of the authorization request.
	// Example: {hd: example.gov.uk}
	Params map[string]string `yaml:"params,omitempty"`

	// LoginHint says whether the resident's login_hint is passed on.
	// Default: true.
	LoginHint *bool `yaml:"login_hint,omitempty"`

	// PKCE is required (S256, RFC 7636) or, for the few providers that refuse
	// it, forbidden. Default: required.
	PKCE string `yaml:"pkce,omitempty" jsonschema:"enum=required,enum=forbidden"`

	// Nonce is required or, for providers that never return it, unreturned:
	// then it is sent, and checked only when it comes back. Default: required.
	Nonce string `yaml:"nonce,omitempty" jsonschema:"enum=required,enum=unreturned"`

	// Force is how the provider is made to ask for a new sign-in where an app
	// insists on one: prompt (prompt=login and max_age=0, and it has to prove
	// by auth_time that it did) or never, for providers that cannot be made
	// to: they are not offered then. Default: prompt.
	Force string `yaml:"force,omitempty" jsonschema:"enum=prompt,enum=never"`

	// IssParameter is the value that the callback's iss parameter must have
	// (RFC 9207). When it is absent from the callback it is required only if
	// the provider's discovery document announces it. Default: Issuer.
	IssParameter string `yaml:"iss_parameter,omitempty"`

	// Userinfo is merge (its claims are added to the ID token's) or never.
	// Default: merge, where the provider has the endpoint.
	Userinfo string `yaml:"userinfo,omitempty" jsonschema:"enum=merge,enum=never"`

	// ClockSkew is how far the provider's clock may differ. Default: 30s; at
	// most 60s.
	ClockSkew time.Duration `yaml:"clock_skew,omitempty"`
}

// OAuth2 is a connector's OAuth 2.0 settings.
type OAuth2 struct {
	// Issuer is our name for the provider: links are kept under it.
	// Example: https://www.facebook.com
	Issuer string `yaml:"issuer,omitempty"`

	// Endpoints are the provider's authorization and token endpoints.
	Endpoints Endpoints `yaml:"endpoints,omitempty"`

	// ClientAuth is client_secret_basic or client_secret_post.
	// Default: client_secret_post.
	ClientAuth string `yaml:"client_auth,omitempty" jsonschema:"enum=client_secret_basic,enum=client_secret_post"`

	// Scopes to ask for.
	Scopes []string `yaml:"scopes,omitempty"`

	// Params are further parameters of the authorization request.
	Params map[string]string `yaml:"params,omitempty"`

	// PKCE is required or forbidden. Default: required.
	PKCE string `yaml:"pkce,omitempty" jsonschema:"enum=required,enum=forbidden"`

	// IssParameter is the value of the callback's iss parameter (RFC 9207),
	// for providers that send one. Default: none is expected; one that comes
	// all the same is refused unless it equals Issuer.
	IssParameter string `yaml:"iss_parameter,omitempty"`

	// Profile is the API call that says who signed in; its answer is claims.
	Profile Call `yaml:"profile,omitempty"`

	// Calls are further API calls; the answer of each is a claim of its name.
	// Example: {emails: {url: "https://api.github.com/user/emails"}}
	Calls map[string]Call `yaml:"calls,omitempty"`
}

// Endpoints are addresses of a provider.
type Endpoints struct {
	// Authorization is where residents are sent to sign in.
	Authorization string `yaml:"authorization,omitempty"`
	// Token is where codes are exchanged.
	Token string `yaml:"token,omitempty"`
	// Userinfo is where further claims come from. OpenID Connect only.
	Userinfo string `yaml:"userinfo,omitempty"`
	// JWKS is where the provider's keys are. OpenID Connect only.
	JWKS string `yaml:"jwks,omitempty"`
}

// Call is a GET of a provider's API with the access token as bearer.
type Call struct {
	// URL to get. Example: https://graph.facebook.com/v23.0/me?fields=id,name
	URL string `yaml:"url,omitempty"`
	// Proof is appsecret_proof for Facebook's per-request proof that the
	// caller holds the app secret. Default: none.
	Proof string `yaml:"proof,omitempty" jsonschema:"enum=appsecret_proof"`
	// Unwrap is the member of the answer that holds the profile, where the
	// provider wraps it. Example: data
	Unwrap string `yaml:"unwrap,omitempty"`
}

// Trust says which of a provider's claims count as verified. Nothing does
// unless it is named here.
type Trust struct {
	// Verified are the claims that this provider checks against evidence.
	// E-mail has its own policy below. Example: [given_name, birthdate]
	Verified []string `yaml:"verified,omitempty"`
	// Email is the e-mail policy.
	Email EmailTrust `yaml:"email,omitempty"`
}

// EmailTrust says when an e-mail address counts as verified.
type EmailTrust struct {
	// Policy is never, conditional (an address counts when When is true),
	// claim (it counts when the provider's email_verified says so) or trust
	// (every address counts). Under all of them an address does not count
	// when email_verified says no. Default: never.
	Policy string `yaml:"policy,omitempty" jsonschema:"enum=never,enum=conditional,enum=claim,enum=trust"`
	// When is a CEL expression over claims, for policy conditional.
	// Example: claims.email.endsWith("@gmail.com") || has(claims.hd)
	When string `yaml:"when,omitempty"`
}

// Network is how one provider is called.
type Network struct {
	// Timeout of one call, the answer included. Default: 10s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
	// Proxy for the calls. Default: none, whatever the environment says.
	// Example: http://proxy.internal:3128
	Proxy string `yaml:"proxy,omitempty"`
	// CA is a PEM file of authorities to trust besides the system's.
	CA string `yaml:"ca,omitempty"`
	// AllowPrivate lets redirects and discovered addresses lead to private and
	// loopback addresses. Hosts written in this file may always be private.
	// Link-local addresses and the metadata services of clouds are called only
	// where this file has the IP address itself. Default: false.
	AllowPrivate bool `yaml:"allow_private,omitempty"`
	// Attempts is how often an idempotent call is tried before it counts as
	// failed. Default: 3.
	Attempts int `yaml:"attempts,omitempty"`
}

// Simulator is how the simulated provider of a preset behaves.
type Simulator struct {
	// Claims maps the provider's own claims to CEL expressions over person, a
	// persona in standard claims: the connector's mapping in reverse.
	// Example: {first_name: person.given_name}
	Claims map[string]string `yaml:"claims,omitempty"`
	// Calls are the answers of the API calls of the same names, CEL over person.
	Calls map[string]string `yaml:"calls,omitempty"`
	// Cancel is the query that the provider sends when the person cancels.
	// Default: error=access_denied.
	Cancel string `yaml:"cancel,omitempty"`
	// Algorithm signs the simulated ID tokens. Default: RS256.
	Algorithm string `yaml:"algorithm,omitempty" jsonschema:"enum=RS256,enum=ES256"`
}
