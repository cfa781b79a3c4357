package config

import "time"

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
	// or none (OpenID Connect Core §9), or signed_secret: the client secret is a
	// token that the broker signs with private_key for team (Apple).
	// Default: client_secret_basic.
	ClientAuth string `yaml:"client_auth,omitempty" jsonschema:"enum=client_secret_basic,enum=client_secret_post,enum=private_key_jwt,enum=signed_secret,enum=none"`

	// PrivateKey is the PEM key that signs client assertions: RSA of at least
	// 2048 bits, or P-256. Required by private_key_jwt and signed_secret. Its
	// public part is published at ISSUER/connectors/ID/metadata.
	// Example: file:keys/one-login.pem
	PrivateKey Secret `yaml:"private_key,omitempty"`

	// NextPrivateKey is the key that private_key is to give way to, of the same kind:
	// it is published beside it and signs nothing yet. Once the provider has fetched
	// it, after a day say, write it as private_key and take this away, and key_id:
	// it is published under its thumbprint (RFC 7638). For private_key_jwt, with
	// providers that fetch keys. Default: none.
	// Example: file:keys/one-login-2027.pem
	NextPrivateKey Secret `yaml:"next_private_key,omitempty"`

	// AssertionAlgorithm signs client assertions. Default: RS256 with an RSA key,
	// ES256 with one of P-256.
	AssertionAlgorithm string `yaml:"assertion_algorithm,omitempty" jsonschema:"enum=RS256,enum=RS384,enum=RS512,enum=PS256,enum=PS384,enum=PS512,enum=ES256"`

	// Team is in whose name signed_secret is made. Example: A1B2C3D4E5
	Team string `yaml:"team,omitempty"`

	// KeyID is the kid of client assertions, where the provider wants one.
	KeyID string `yaml:"key_id,omitempty"`

	// AssertionAudience is the aud of client assertions: token_endpoint or
	// issuer. Default: token_endpoint.
	AssertionAudience string `yaml:"assertion_audience,omitempty" jsonschema:"enum=token_endpoint,enum=issuer"`

	// Algorithms are the ID token signature algorithms accepted, of RS256,
	// RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, and HS256,
	// alone, for a provider that signs with the client secret.
	// Default: [RS256, ES256].
	Algorithms []string `yaml:"algorithms,omitempty" jsonschema:"enum=RS256,enum=RS384,enum=RS512,enum=PS256,enum=PS384,enum=PS512,enum=ES256,enum=ES384,enum=ES512,enum=EdDSA,enum=HS256"`

	// Encryption is how ID tokens and userinfo come encrypted (JWE, RFC 7516):
	// with it, those that are not are refused. Default: they are not.
	Encryption *Encryption `yaml:"encryption,omitempty"`

	// Scopes to ask for; openid is always among them.
	// Default: [openid, profile, email].
	Scopes []string `yaml:"scopes,omitempty"`

	// GrantedScopes is all, where an answer that grants fewer scopes than were
	// asked for is refused, or any. Default: any.
	GrantedScopes string `yaml:"granted_scopes,omitempty" jsonschema:"enum=all,enum=any"`

	// ResponseMode is query or form_post (OAuth 2.0 Form Post Response Mode 1.0).
	// Default: query.
	ResponseMode string `yaml:"response_mode,omitempty" jsonschema:"enum=query,enum=form_post"`

	// FormClaims are fields of a posted answer that hold JSON and become claims
	// of their names. Nobody has signed them. Example: [user]
	FormClaims []string `yaml:"form_claims,omitempty"`

	// PAR is required where the authorization request is pushed from server to
	// server (RFC 9126), or never. Default: never.
	PAR string `yaml:"par,omitempty" jsonschema:"enum=required,enum=never"`

	// DPoP is required where tokens are bound to a key of the broker's (RFC
	// 9449), or never. Default: never.
	DPoP string `yaml:"dpop,omitempty" jsonschema:"enum=required,enum=never"`

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

	// Userinfo is merge (its claims are added to the ID token's), signed (the
	// same, and it is a token signed with the keys of ID tokens) or never. What
	// the ID token alone says is in claims.id_token, too.
	// Default: merge, where the provider has the endpoint.
	Userinfo string `yaml:"userinfo,omitempty" jsonschema:"enum=merge,enum=signed,enum=never"`

	// Calls are further API calls with the access token; the answer of each is a
	// claim of its name.
	Calls map[string]Call `yaml:"calls,omitempty"`

	// Nested are signed tokens within what the provider says. Each is checked,
	// and what it says is a claim of its name.
	Nested map[string]Nested `yaml:"nested,omitempty"`

	// Logout says how sessions are ended at the provider and by it.
	Logout OIDCLogout `yaml:"logout,omitempty"`

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
	// PAR is where authorization requests are pushed. OpenID Connect only.
	PAR string `yaml:"par,omitempty"`
	// EndSession is where residents are sent to sign out. OpenID Connect only.
	EndSession string `yaml:"end_session,omitempty"`
}

// Encryption is how a provider encrypts to the broker.
type Encryption struct {
	// Key is the PEM key that decrypts: RSA of at least 2048 bits, or P-256. Its
	// public part is published at ISSUER/connectors/ID/metadata.
	// Required. Example: file:keys/singpass-encryption.pem
	Key Secret `yaml:"key,omitempty"`
	// KeyID is the kid of the key. Default: its thumbprint (RFC 7638).
	KeyID string `yaml:"key_id,omitempty"`
	// KeyAlgorithms are the key management algorithms accepted.
	// Default: [RSA-OAEP-256, ECDH-ES, ECDH-ES+A256KW].
	KeyAlgorithms []string `yaml:"key_algorithms,omitempty" jsonschema:"enum=RSA-OAEP,enum=RSA-OAEP-256,enum=ECDH-ES,enum=ECDH-ES+A128KW,enum=ECDH-ES+A192KW,enum=ECDH-ES+A256KW"`
	// ContentAlgorithms are the content encryption algorithms accepted.
	// Default: [A256GCM, A256CBC-HS512].
	ContentAlgorithms []string `yaml:"content_algorithms,omitempty" jsonschema:"enum=A128GCM,enum=A256GCM,enum=A128CBC-HS256,enum=A256CBC-HS512"`
}

// Nested is a signed token within what a provider says.
type Nested struct {
	// In is a CEL expression over claims that gives the token.
	// Example: claims["https://vocab.account.gov.uk/v1/coreIdentityJWT"]
	In string `yaml:"in"`
	// Issuer is the token's own issuer. Required.
	Issuer string `yaml:"issuer"`
	// JWKS is where the keys of that issuer are. Either it or did is given.
	JWKS string `yaml:"jwks,omitempty"`
	// DID is where the DID document with the keys of that issuer is: those that
	// it lists under assertionMethod.
	DID string `yaml:"did,omitempty"`
	// Algorithms are the signature algorithms accepted. Required.
	Algorithms []string `yaml:"algorithms" jsonschema:"enum=RS256,enum=RS384,enum=RS512,enum=PS256,enum=PS384,enum=PS512,enum=ES256,enum=ES384,enum=ES512"`
	// Expires says whether the token must expire. Default: true.
	Expires *bool `yaml:"expires,omitempty"`
	// Audience says whether the broker must be its audience. Default: true.
	Audience *bool `yaml:"audience,omitempty"`
}

// OIDCLogout is how a connector ends sessions.
type OIDCLogout struct {
	// Send is how the provider is asked to end its session when a resident signs
	// out (OpenID Connect RP-Initiated Logout 1.0): with_hint (the ID token is
	// kept for it), without_hint, or never. Default: never.
	Send string `yaml:"send,omitempty" jsonschema:"enum=with_hint,enum=without_hint,enum=never"`
	// BackChannel takes logout tokens at ISSUER/logout/ID/backchannel (OpenID
	// Connect Back-Channel Logout 1.0). Default: false.
	BackChannel bool `yaml:"back_channel,omitempty"`
	// FrontChannel ends the session that the provider names in the browser, at
	// ISSUER/logout/ID (OpenID Connect Front-Channel Logout 1.0). Default: false.
	FrontChannel bool `yaml:"front_channel,omitempty"`
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
	// Assertion is a header that carries a fresh client assertion for this
	// address (ScotAccount). Default: none. Example: DIS-Client-Assertion
	Assertion string `yaml:"assertion,omitempty"`
	// Audience is the member of the answer that must be our client_id: the token
	// was issued to us. Example: aud
	Audience string `yaml:"audience,omitempty"`
	// Query is the parameter that carries the access token, for the few APIs that
	// do not take it in a header. Default: none. Example: access_token
	Query string `yaml:"query,omitempty"`
	// Absent says that the answer 404 means that there is nothing to say.
	// Default: false.
	Absent bool `yaml:"absent,omitempty"`
}
