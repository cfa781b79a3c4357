package config

import (
	"net/url"
	"slices"
	"strings"
)

// A preset says how a provider is used safely. A connector may be stricter.
// Where it is less strict, or where we cannot tell, the operator has to name
// the key in insecure_loosen_preset.

// tightens reports where c is less strict than its preset.
func (r report) tightens(base, c *Connector) {
	var found []string
	for _, l := range loosenings(r, base, c) {
		found = append(found, l.path)
		if slices.Contains(c.InsecureLoosenPreset, l.path) {
			r.risky(l.path, "is less strict than the preset: %s", l.why)
			continue
		}
		r.wrong(l.path, "is less strict than the preset: %s. To accept the risk, write insecure_loosen_preset: [%s]", l.why, l.path)
	}
	for i, path := range c.InsecureLoosenPreset {
		if !slices.Contains(found, path) {
			r.unknown(indexed("insecure_loosen_preset", i), "nothing to accept: "+path+" is as strict as the preset", path, found)
		}
	}
}

// loosening is one key in which a connector is less strict.
type loosening struct{ path, why string }

func loosenings(r report, base, c *Connector) []loosening {
	if r.preset == nil || len(c.protocols()) > 1 {
		return nil // no preset, or another protocol: a mistake of its own
	}
	all := looseAddresses(r, base, c)
	if base.OIDC != nil && c.OIDC != nil {
		all = append(all, looseOIDC(base.OIDC, c.OIDC)...)
	}
	if base.OAuth2 != nil && c.OAuth2 != nil && base.OAuth2.PKCE == "required" && c.OAuth2.PKCE != "required" {
		all = append(all, loosening{"oauth2.pkce", "a stolen code could be used"})
	}
	if base.SAML != nil && c.SAML != nil {
		all = append(all, looseSAML(base.SAML, c.SAML)...)
	}
	return append(all, looseClaims(base, c)...)
}

// looseAddresses finds what says who the provider is: the issuer, and
// addresses on another host than the preset's.
func looseAddresses(r report, base, c *Connector) []loosening {
	was := map[string]string{}
	base.addresses(func(path, s string) string { was[path] = s; return s })
	var all []loosening
	c.addresses(func(path, s string) string {
		known := was[path]
		if known == "" {
			known = base.issuer()
		}
		names := strings.Contains(path, ".iss") // issuer, issuer_aliases, iss_parameter
		// What a further issuer says counts for nothing that the preset vouches for.
		further := was[path] == "" && (strings.HasPrefix(path, "oidc.nested.") || strings.HasPrefix(path, "events."))
		if r.own.has(path) && s != was[path] && known != "" && !further && (names || host(s) != host(known)) {
			all = append(all, loosening{path, "it lets somebody else say who residents are"})
		}
		return s
	})
	return all
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func looseOIDC(base, o *OIDC) []loosening {
	var all []loosening
	note := func(loose bool, path, why string) {
		if loose {
			all = append(all, loosening{path, why})
		}
	}
	note(!subset(o.Algorithms, base.Algorithms), "oidc.algorithms", "the provider does not sign with all of these")
	note(base.PKCE == "required" && o.PKCE != "required", "oidc.pkce", "a stolen code could be used")
	note(base.Nonce == "required" && o.Nonce != "required", "oidc.nonce", "an old ID token could be used again")
	note(authStrength(o.ClientAuth) < authStrength(base.ClientAuth), "oidc.client_auth", "the broker would prove less about itself")
	note(len(base.Tenants) > 0 && !subset(o.Tenants, base.Tenants), "oidc.tenants", "it lets in more tenants")
	return all
}

// authStrength orders client authentications by what a thief would need.
func authStrength(method string) int {
	switch method {
	case "private_key_jwt":
		return 2
	case "none":
		return 0
	}
	return 1
}

// looseClaims finds what makes more of a provider's words than the preset.
func looseClaims(base, c *Connector) []loosening {
	var all []loosening
	if c.Subject != base.Subject {
		all = append(all, loosening{"subject", "another identifier may not be unique, or may pass to another person"})
	}
	if !subset(c.Trust.Verified, base.Trust.Verified) {
		all = append(all, loosening{"trust.verified", "it believes more claims"})
	}
	if looseEmail(base.Trust.Email, c.Trust.Email) {
		all = append(all, loosening{"trust.email", "it believes more addresses"})
	}
	vouched := slices.Clone(c.Trust.Verified)
	if c.Trust.Email.Policy != "never" {
		vouched = append(vouched, "email", "email_verified")
	}
	for _, name := range vouched {
		if c.Claims[name] != base.Claims[name] {
			all = append(all, loosening{"claims." + name, "what the preset vouches for is another claim"})
		}
	}
	return all
}

// looseEmail reports whether policy c may believe an address that base does
// not. Conditions cannot be compared, so another condition counts as looser,
// and so does one in place of the provider's own word.
func looseEmail(base, c EmailTrust) bool {
	return c != base && c.Policy != "never" && base.Policy != "trust"
}

func subset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(of, s) })
}
