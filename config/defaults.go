package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Defaults come in two kinds. Fixed ones are set before a file is read, so
// that an explicit zero stays a zero. Those that follow from other keys are
// derived after the file, and its preset, have been read.

// languages are those that the pages speak, the default first.
func languages() []string { return []string{"en", "cy", "gd"} }

func (b *Broker) setDefaults() {
	b.Listen = ":8443"
	b.Admin = "127.0.0.1:9443"
	b.DataDir = "data"
	b.Look = Look{Council: "Council sign-in", Colour: "#1d4f7c", Languages: languages()}
	b.Session = Session{Idle: time.Hour, Lifetime: 12 * time.Hour}
	b.Limits = Limits{Address: 600, App: 6000}
	b.Keys = Keys{Rotate: 90 * day, SAMLLead: 14 * day}
	b.Log = Log{Level: "info"}
	b.Contexts = contexts()
	b.Residents = Residents{CoolingOff: 14 * day, Undo: 30 * day, Delegation: 365 * day}
	b.Retention = Retention{SignIns: 397 * day, Inactive: 3 * 365 * day, Unfinished: 30 * day, Delivered: 30 * day, Lookups: 6 * 365 * day}
}

const day = 24 * time.Hour

// contexts name the levels that apps ask for most. With each goes the SAML
// class that is commonly taken to mean it.
func contexts() []Context {
	const acr = "urn:x-council:acr:"
	return []Context{
		{ACR: acr + "cl", SAML: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", Assurance: Assurance{Authenticator: "Cl"}},
		{ACR: acr + "cm", SAML: "https://refeds.org/profile/mfa", AMR: []string{"mfa"}, Assurance: Assurance{Authenticator: "Cm"}},
		{ACR: acr + "cm-phr", AMR: []string{"mfa", "pop"}, Assurance: Assurance{Authenticator: "Cm", Phishing: "F1"}},
		{ACR: acr + "ch", AMR: []string{"mfa", "hwk"}, Assurance: Assurance{Authenticator: "Ch"}},
		{ACR: acr + "p1.cm", AMR: []string{"mfa"}, Assurance: Assurance{Identity: "P1", Authenticator: "Cm"}},
		{ACR: acr + "p2.cm", AMR: []string{"mfa"}, Assurance: Assurance{Identity: "P2", Authenticator: "Cm"}},
		{ACR: acr + "p3.cm", AMR: []string{"mfa"}, Assurance: Assurance{Identity: "P3", Authenticator: "Cm"}},
	}
}

func (r *Redis) setDefaults() { r.Mode = "single" }

func (t *Telemetry) setDefaults() { t.Sample = 0.01 }

func (c *Connector) setDefaults() {
	c.Order = 100
	c.Subject = "claims.sub"
	c.Trust.Email.Policy = "never"
	c.Network = Network{Timeout: 10 * time.Second, Attempts: 3}
	c.Cap = Assurance{Identity: "P0", Authenticator: "Cl"}
	c.Patience = time.Hour
	c.WebViews = "allowed"
}

func (o *OIDC) setDefaults() {
	o.ClientAuth = "client_secret_basic"
	o.AssertionAudience = "token_endpoint"
	o.Algorithms = []string{"RS256", "ES256"}
	o.Scopes = []string{"openid", "profile", "email"}
	o.LoginHint = new(true)
	o.PKCE = "required"
	o.Nonce = "required"
	o.Force = "prompt"
	o.Userinfo = "merge"
	o.GrantedScopes = "any"
	o.ResponseMode = "query"
	o.PAR, o.DPoP = "never", "never"
	o.Logout.Send = "never"
	o.ClockSkew = 30 * time.Second
}

func (n *Nested) setDefaults() {
	n.Expires, n.Audience = new(true), new(true)
}

func (o *OAuth2) setDefaults() {
	o.ClientAuth = "client_secret_post"
	o.PKCE = "required"
}

func (e *Encryption) setDefaults() {
	e.KeyAlgorithms = []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"}
	e.ContentAlgorithms = []string{"A256GCM", "A256CBC-HS512"}
}

func (l *Level) setDefaults() { l.Fresh = 365 * day }

func (e *Events) setDefaults() { e.Algorithms = []string{"RS256"} }

func (c *Council) setDefaults() {
	c.Passkeys, c.EmailCodes = new(true), new(true)
}

func (m *Mail) setDefaults() { m.TLS = "starttls" }

func (s *Setup) setDefaults() { s.Status = "stable" }

func (s *Simulator) setDefaults() {
	s.Cancel = "error=access_denied"
	s.Algorithm = "RS256"
}

func (a *App) setDefaults() {
	a.Release = []Release{{As: "sub"}}
	a.Consent = "implied"
	a.Tile.setDefaults()
	a.Assurance = Assurance{Identity: "P0", Authenticator: "Cl"}
}

func (s *Service) setDefaults() { s.Tile.setDefaults() }

func (t *Tile) setDefaults() { t.Icon = "form" }

func (o *AppOIDC) setDefaults() {
	o.IDTokenAlg = "RS256"
	o.AccessTokenLifetime = 10 * time.Minute
	o.RefreshTokenLifetime = 720 * time.Hour
}

func (c *Connector) derive(b *Broker, p *party) {
	c.Session.derive(b.Session)
	if c.Council != nil {
		c.Council.derive(b.Issuer)
	}
	if c.Events != nil && len(c.Events.Audience) == 0 {
		c.Events.Audience = []string{c.ClientID}
	}
	if c.OIDC != nil {
		c.OIDC.derive()
	}
	if c.SAML != nil {
		c.SAML.derive(b.Issuer, c.ID, p)
	}
}

// derive says of a sign-in that at least it was one.
func (l *Levels) derive() {
	if l.Authenticator == nil {
		l.Authenticator = &Level{Always: "Cl"}
	}
}

// derive bounds l by every session's limits, which a preset does not know.
func (l *SessionLimit) derive(every Session) {
	l.Idle = min(cmp.Or(l.Idle, every.Idle), every.Idle)
	l.Lifetime = min(cmp.Or(l.Lifetime, every.Lifetime), every.Lifetime)
}

func (o *OIDC) derive() {
	// OpenID Connect Core §3.1.2.1: the scope openid makes it OpenID Connect.
	if !slices.Contains(o.Scopes, "openid") {
		o.Scopes = append([]string{"openid"}, o.Scopes...)
	}
	if o.IssParameter == "" {
		o.IssParameter = o.Issuer
	}
	// OpenID Connect Discovery 1.0 §4. A templated issuer has no one document.
	if o.Discovery == "" && o.Issuer != "" && !o.templated() && !o.Endpoints.complete() {
		o.Discovery = strings.TrimSuffix(o.Issuer, "/") + "/.well-known/openid-configuration"
	}
}

// templated reports whether the issuer has a part in braces.
func (o *OIDC) templated() bool { return strings.Contains(o.Issuer, "{") }

// complete reports whether no discovery is needed.
func (e Endpoints) complete() bool {
	return e.Authorization != "" && e.Token != "" && e.JWKS != ""
}

func (a *App) derive(b *Broker, p *party) {
	if a.OIDC != nil {
		a.deriveOIDC()
	}
	if a.SAML != nil {
		a.deriveSAML(b, p)
	}
}

func (a *App) deriveOIDC() {
	a.OIDC.derive(a.ID)
	if len(a.OIDC.RedirectURIs) == 0 {
		a.Sector = cmp.Or(a.Sector, a.ID)
		return
	}
	first := a.OIDC.RedirectURIs[0]
	a.Home = cmp.Or(a.Home, originOf(first))
	// Apps on loopback or with a scheme of their own are not one sector for
	// having the same host, or none.
	if u, err := url.Parse(first); err == nil && u.Scheme == "https" {
		a.Sector = cmp.Or(a.Sector, u.Hostname())
	}
	a.Sector = cmp.Or(a.Sector, a.ID)
}

func (o *AppOIDC) derive(id string) {
	if o.ClientID == "" {
		o.ClientID = id
	}
	if o.ClientAuth == "" {
		o.ClientAuth = "none"
		switch {
		case o.ClientSecret.Set():
			o.ClientAuth = "client_secret_basic"
		case o.JWKS != "":
			o.ClientAuth = "private_key_jwt"
		}
	}
	if o.PKCE == "" {
		o.PKCE = "optional"
		if o.ClientAuth == "none" {
			o.PKCE = "required"
		}
	}
}
