package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
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

// findings are loosenings that are found one by one.
type findings []loosening

func (f *findings) note(loose bool, path, why string) {
	if loose {
		*f = append(*f, loosening{path, why})
	}
}

func loosenings(r report, base, c *Connector) []loosening {
	if r.preset == nil || len(c.protocols()) > 1 {
		return nil // no preset, or another protocol: a mistake of its own
	}
	all := looseAddresses(r, base, c)
	if base.OIDC != nil && c.OIDC != nil {
		all = append(all, looseOIDC(base.OIDC, c.OIDC)...)
	}
	if base.OAuth2 != nil && c.OAuth2 != nil {
		all = append(all, looseOAuth2(base.OAuth2, c.OAuth2)...)
	}
	if base.SAML != nil && c.SAML != nil {
		all = append(all, looseSAML(base.SAML, c.SAML)...)
	}
	return slices.Concat(all, looseClaims(base, c), looseLevels(base, c), looseSession(base, c), looseEvents(base.Events, c.Events))
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

// looseSession finds what leaves people signed in, or let in, for longer.
func looseSession(base, c *Connector) []loosening {
	var all findings
	longer := func(was, is time.Duration) bool { return was > 0 && is > was }
	all.note(longer(base.Session.Idle, c.Session.Idle), "session.idle", "a browser that was left open stays signed in for longer")
	all.note(longer(base.Session.Lifetime, c.Session.Lifetime), "session.lifetime", "people stay signed in for longer")
	all.note(c.Landing && !base.Landing, "landing", "the provider sends nobody there")
	return all
}

// looseEvents finds who else may say what happens to accounts, its issuer left
// out, as looseAddresses finds that.
func looseEvents(base, e *Events) []loosening {
	var all findings
	if base == nil || e == nil {
		return nil
	}
	all.note(e.Protocol != base.Protocol, "events.protocol", "the provider does not tell in this way")
	all.note(!subset(e.Algorithms, base.Algorithms), "events.algorithms", "the provider does not sign with all of these")
	all.note(!subset(e.Audience, base.Audience), "events.audience", "events that are for others would do")
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
