package config

import "time"

// Connector is connectors/ID.yaml: one upstream identity provider. It names a
// preset, or has exactly one protocol block (oidc, oauth2, saml or council).
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

	// Preset names the provider; councilid preset list has them all.
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
	// through it. Links made through it are kept, and what it proved of people
	// counts again when it is enabled. Default: false.
	Disabled bool `yaml:"disabled,omitempty"`

	// ClientID is the council's registration at the provider. Required by oidc
	// and oauth2.
	ClientID string `yaml:"client_id,omitempty"`

	// ClientSecret belongs to client_id. Required by the client
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

	// Council is the council's own way in, for people who have none of the
	// others: passkeys, codes by e-mail, passwords.
	Council *Council `yaml:"council,omitempty"`

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

	// Levels translates what the provider says about a sign-in into levels of
	// assurance.
	Levels Levels `yaml:"levels,omitempty"`

	// Cap bounds what this provider is believed to prove, whatever it says.
	// Default: {identity: P0, authenticator: Cl}.
	// Example: {identity: P2, authenticator: Cm, residency: R1}
	Cap Assurance `yaml:"cap,omitempty"`

	// Ask lists the ways in which the provider can be asked, the least first: one
	// step for each level that it can reach. Default: one way, for everything.
	Ask []Ask `yaml:"ask,omitempty"`

	// Session limits how long somebody stays signed in on this provider's word.
	Session SessionLimit `yaml:"session,omitempty"`

	// Events is how the provider tells of what happens to accounts there, at
	// ISSUER/events/ID. Default: it does not.
	Events *Events `yaml:"events,omitempty"`

	// Landing says that the provider sends people back days later to
	// ISSUER/landing/ID, without an answer: after they proved who they are at a
	// Post Office, say. Default: false.
	Landing bool `yaml:"landing,omitempty"`

	// Patience is how long an answer of the provider is waited for. Default: 1h.
	// Example: 168h
	Patience time.Duration `yaml:"patience,omitempty"`

	// WebViews is allowed, or refused by a provider that does not let people sign
	// in within another app's window: they are told how to go on before it
	// refuses them. Default: allowed.
	WebViews string `yaml:"web_views,omitempty" jsonschema:"enum=allowed,enum=refused"`

	// Errors maps the provider's own error codes to outcomes: cancelled,
	// declined, no_consent, unmet, try_later, unavailable, misconfigured,
	// not_allowed, too_young, gone. A key is an error code, or code/subcode where
	// the provider adds an error_subcode or error_reason. In place of the subcode
	// there may be ~ and a word that the error's description has. Codes of the
	// standards are known.
	// Example: {user_cancelled_login: cancelled, access_denied~ConsentNotGiven: no_consent}
	Errors map[string]string `yaml:"errors,omitempty" jsonschema:"enum=cancelled,enum=declined,enum=no_consent,enum=unmet,enum=try_later,enum=unavailable,enum=misconfigured,enum=not_allowed,enum=too_young,enum=gone"`

	// Network is how the broker calls the provider.
	Network Network `yaml:"network,omitempty"`

	// InsecureBaseURL replaces the scheme and host of every address of the
	// preset: https://host/path becomes BASE/host/path. For simulators and
	// tests only. Example: http://127.0.0.1:8101
	InsecureBaseURL string `yaml:"insecure_base_url,omitempty"`

	// InsecureLoosenPreset names the keys in which this connector is less
	// strict than its preset, and so accepts the risk. Without it such a key
	// is a mistake: another issuer or subject, an address on another host,
	// more algorithms or tenants, no PKCE, nonce, PAR or DPoP, weaker
	// client_auth, fewer checks of nested tokens, more trust, another expression
	// for a claim that is trusted or for a flag that denies it, another call in the
	// place of a claim, a higher cap, other levels, longer sessions, less that
	// follows from events.
	// Default: none. Example: [oidc.nonce]
	InsecureLoosenPreset []string `yaml:"insecure_loosen_preset,omitempty"`

	// Simulator is how the simulated provider behaves. Only presets have it.
	Simulator *Simulator `yaml:"simulator,omitempty"`

	// Setup is what an operator has to know and to do before this provider can be
	// used. Only presets have it.
	Setup *Setup `yaml:"setup,omitempty"`

	// Verified is the day on which the preset's facts were last checked
	// against the provider's documentation. Only presets have it.
	// Example: 2026-08-21
	Verified string `yaml:"verified,omitempty"`
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

// SessionLimit bounds sessions that a provider's word opened.
type SessionLimit struct {
	// Idle ends a session that has not been used for so long. Default: as in
	// broker.yaml; never longer. Example: 30m
	Idle time.Duration `yaml:"idle,omitempty"`
	// Lifetime ends it after so long. Default: as in broker.yaml; never longer.
	Lifetime time.Duration `yaml:"lifetime,omitempty"`
}

// Setup is what presets say to operators.
type Setup struct {
	// Eligibility is who may use the provider, and the agreement that it needs.
	Eligibility string `yaml:"eligibility,omitempty"`
	// Steps are what to do at the provider, in order.
	Steps []string `yaml:"steps,omitempty"`
	// Status is stable, beta (not tried with the real provider), or reference
	// (the provider's facts are not public: ask it first). Default: stable.
	Status string `yaml:"status,omitempty" jsonschema:"enum=stable,enum=beta,enum=reference"`
	// Sources are where the facts are from.
	Sources []string `yaml:"sources,omitempty"`
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
	// Cert is a PEM file with a client certificate (mutual TLS). Default: none.
	Cert string `yaml:"cert,omitempty"`
	// Key is the PEM key of Cert. Example: file:keys/digid-tls.pem
	Key Secret `yaml:"key,omitempty"`
	// AllowPrivate lets redirects and discovered addresses lead to private and
	// loopback addresses. Hosts written in this file may always be private.
	// Link-local addresses and the metadata services of clouds are called only
	// where this file has the IP address itself. Default: false.
	AllowPrivate bool `yaml:"allow_private,omitempty"`
	// Attempts is how often an idempotent call is tried before it counts as
	// failed. Default: 3.
	Attempts int `yaml:"attempts,omitempty"`
}
