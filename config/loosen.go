package config

import (
	"maps"
	"net/url"
	"regexp"
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
	return slices.Concat(all, looseClaims(base, c), looseNames(base, c), looseLevels(base, c), looseSession(base, c), looseEvents(base.Events, c.Events))
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
		further := was[path] == "" && (strings.HasPrefix(path, "oidc.nested.") || base.Events == nil && strings.HasPrefix(path, "events."))
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
	for _, name := range c.Trust.Verified {
		flag := name + "_verified"
		if was := denial(base, flag); was != "" && denial(c, flag) != was {
			all = append(all, loosening{"claims." + flag, "it believes what the provider says is not verified"})
		}
	}
	return all
}

// denial is the rule by which a provider may deny that it has verified a claim,
// "" where there is none. Of telephone numbers there always is one.
func denial(c *Connector, flag string) string {
	rule := c.Claims[flag]
	if rule == "" && flag == "phone_number_verified" {
		return "claims." + flag
	}
	return rule
}

// looseNames finds further calls and nested tokens whose answer would take the
// place of a claim that the preset's rules read.
func looseNames(base, c *Connector) []loosening {
	rules, known := base.rules(), base.documented()
	var all findings
	for _, path := range c.documented() {
		name := regexp.MustCompile(`\b` + regexp.QuoteMeta(leaf(path)) + `\b`)
		all.note(!slices.Contains(known, path) && name.MatchString(rules), path, "it takes the place of a claim that the preset reads")
	}
	return all
}

// rules are all expressions over the provider's claims.
func (c *Connector) rules() string {
	all := []string{c.Subject, c.Trust.Email.When, "claims.email_verified", "claims.phone_number_verified"}
	all = slices.AppendSeq(all, maps.Values(c.Claims))
	if c.OIDC != nil {
		for token := range maps.Values(c.OIDC.Nested) {
			all = append(all, token.In)
		}
	}
	return strings.Join(all, "\n")
}

// documented are the calls and nested tokens, which become claims of their
// names.
func (c *Connector) documented() []string {
	switch {
	case c.OIDC != nil:
		return append(under("oidc.calls", c.OIDC.Calls), under("oidc.nested", c.OIDC.Nested)...)
	case c.OAuth2 != nil:
		return under("oauth2.calls", c.OAuth2.Calls)
	}
	return nil
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
	for _, event := range slices.Sorted(maps.Keys(e.Actions)) {
		all.note(gravity(e.Actions[event]) < followed(base.Actions, event), join("events.actions", event), "less follows from what the provider tells")
	}
	return all
}

// followed is the gravity of what follows from an event by a preset, which may
// write it shorter: without the path of its URI, or without a reason.
func followed(actions map[string]string, event string) int {
	var all []int
	for known, action := range actions {
		if slices.Contains(strings.Split(event, "/"), known[strings.LastIndex(known, "/")+1:]) {
			all = append(all, gravity(action))
		}
	}
	if len(all) == 0 {
		return gravity("none")
	}
	return slices.Max(all)
}

// gravity orders actions by what they keep from somebody who has taken over an
// account at the provider.
func gravity(action string) int {
	switch action {
	case "thaw":
		return -1
	case "end_sessions":
		return 1
	case "freeze":
		return 2
	case "unlink":
		return 3
	}
	return 0
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
