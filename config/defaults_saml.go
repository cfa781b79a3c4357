package config

import (
	"cmp"
	"net/url"
	"slices"
	"time"
)

// contextUnspecified says nothing of how somebody signed in (SAML Authentication
// Context §3.4.25).
const contextUnspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"

func (s *SAML) setDefaults() {
	s.Metadata.setDefaults()
	s.Request = SAMLRequest{
		Binding: "redirect", Sign: new(true), Algorithm: "rsa-sha256", Force: "passthrough", Comparison: "exact",
	}
	s.Response = SAMLResponse{
		Binding: "post", Signed: "assertion", Encrypted: "optional",
		Algorithms: []string{
			"rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512",
			"rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512",
		},
		Encryption: []string{"aes128-gcm", "aes256-gcm", "aes256-cbc"},
		ClockSkew:  time.Minute, MaxAge: 5 * time.Minute, MaxValues: 2000,
	}
	s.Logout = SAMLLogout{Send: new(true), Accept: new(true)}
}

func (m *Metadata) setDefaults() {
	m.Refresh = 6 * time.Hour
	m.KeepLastGood = 72 * time.Hour
}

func (e *EIDAS) setDefaults() { e.SPType = "public" }

func (s *AppSAML) setDefaults() {
	s.Metadata.setDefaults()
	s.Requests = "auto"
	s.NameID = AppNameID{Formats: []string{"persistent", "transient"}, Qualifiers: new(true)}
	s.Attributes = "basic"
	s.Sign, s.Algorithm = "assertion", "rsa-sha256"
	s.Encrypt, s.Encryption, s.KeyTransport = "never", "auto", "rsa-oaep-mgf1p"
	s.Lifetime = 5 * time.Minute
	s.Logout.Timeout = 5 * time.Second
}

func (b *Broker) derive() {
	for i := range b.Contexts {
		b.Contexts[i].SAML = cmp.Or(b.Contexts[i].SAML, b.Contexts[i].ACR)
	}
	if b.SAML.EntityID == "" {
		b.SAML.EntityID = b.Issuer + "/saml/metadata"
	}
	if u, err := url.Parse(b.Issuer); err == nil && len(b.SAML.Scopes) == 0 {
		b.SAML.Scopes = []string{u.Hostname()}
	}
}

// derive names the connector issuer, id and the provider p, where it is known.
func (s *SAML) derive(issuer, id string, p *party) {
	if s.EntityID == "" {
		s.EntityID = issuer + "/connectors/" + id + "/metadata"
	}
	if p != nil {
		s.Metadata.EntityID = p.id
	}
}

// derive fills in what follows from the app p, where it is known, and from what
// levels of assurance are called in broker.yaml.
func (s *AppSAML) derive(p *party, names []Context) {
	if p != nil && s.Manual == nil {
		s.Metadata.EntityID = p.id
	}
	if s.Contexts == nil {
		s.Contexts = []AppContext{{Class: contextUnspecified}}
		for _, c := range names {
			a := c.Assurance
			s.Contexts = append(s.Contexts, AppContext{
				Class: c.SAML, Identity: a.Identity, Authenticator: a.Authenticator, Phishing: a.Phishing, Residency: a.Residency,
			})
		}
	}
	for i := range s.Contexts {
		if s.Contexts[i].Identity == "" {
			s.Contexts[i].Identity = "P0"
		}
	}
}

// EntityID is the app's name.
func (s *AppSAML) EntityID() string {
	if s.Manual != nil {
		return s.Manual.EntityID
	}
	return s.Metadata.EntityID
}

// deriveSAML fills in what follows from the app's SAML registration. Of all
// that an app's metadata holds its entityID changes least, so the sector hangs
// on that, and an app that one day speaks OpenID Connect on the same host
// keeps the identifiers of its residents.
func (a *App) deriveSAML(b *Broker, p *party) {
	a.SAML.derive(p, b.Contexts)
	if acs := p.defaultACS(); a.Home == "" && acs != "" {
		a.Home = originOf(acs)
	}
	if a.Sector == "" {
		a.Sector = cmp.Or(entityHost(a.SAML.EntityID()), a.ID)
	}
}

// entityHost is the host that an entityID names; "" where it is no web address,
// or on loopback.
func entityHost(id string) string {
	u, err := url.Parse(id)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || loopback(u.Hostname()) {
		return ""
	}
	return u.Hostname()
}

// StraysFrom reports whether an entityID names a host, and addresses of the same
// entity are elsewhere. The name then proves nothing about whose it is.
func StraysFrom(entityID string, addresses ...string) bool {
	host := entityHost(entityID)
	return host != "" && slices.ContainsFunc(addresses, func(address string) bool {
		u, err := url.Parse(address)
		return err == nil && u.Hostname() != "" && u.Hostname() != host
	})
}

// originOf returns the address of an address's host, or "".
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}
