package config

import (
	"crypto/tls"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// RuleSource returns what the connector says about its provider's claims.
func (c Connector) RuleSource() mapping.RuleSource {
	return mapping.RuleSource{
		Claims:   c.Claims,
		Verified: c.Trust.Verified,
		Email:    mapping.EmailPolicy{Policy: c.Trust.Email.Policy, When: c.Trust.Email.When},
		Levels:   c.Levels.source(),
		Cap:      c.Cap.Vector(),
	}
}

var plainID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// id checks the name of a file, which is the id of what it describes.
func (r report) id(id string) {
	if !plainID.MatchString(id) {
		r.add("", Problem{Message: "a file here is named with lower-case letters, digits and hyphens, then .yaml"})
	}
	if id == mapping.Resident {
		r.add("", Problem{Message: "resident is what residents say themselves, in claims of broker.yaml: another name, please"})
	}
}

// connector checks a connector with its preset merged in.
func (r report) connector(c *Connector) {
	r.id(c.ID)
	r.protocol(c)
	r.require("label", len(c.Label) > 0, "")
	r.require("client_id", c.ClientID != "" || c.SAML != nil || c.Council != nil, "")
	for i, d := range c.Domains {
		r.address(indexed("domains", i), d, domain)
	}
	r.reachable(c)
	r.mapped(c)
	r.assured(c)
	r.asked(c)
	if c.Patience <= 0 || c.Patience > 720*time.Hour {
		r.wrong("patience", "must be more than 0 and at most 720h: what was asked is kept meanwhile")
	}
	r.events(c)
	r.codes(c.Errors)
	r.network(c.Network)
	for _, key := range []string{"simulator", "setup", "verified"} {
		if r.own.has(key) {
			r.wrong(key, "is for presets only")
		}
	}
}

// protocols lists the protocol blocks that c has.
func (c *Connector) protocols() []string {
	var all []string
	if c.OIDC != nil {
		all = append(all, "oidc")
	}
	if c.OAuth2 != nil {
		all = append(all, "oauth2")
	}
	if c.SAML != nil {
		all = append(all, "saml")
	}
	if c.Council != nil {
		all = append(all, "council")
	}
	return all
}

// protocol checks that there is exactly one, and its block.
func (r report) protocol(c *Connector) {
	all := c.protocols()
	switch {
	case len(all) > 1 && c.Preset != "":
		r.wrong("preset", "speaks another protocol than the block written here")
	case len(all) > 1:
		r.wrong(all[1], "and %s cannot both be given: a connector speaks one protocol", all[0])
	case c.OIDC != nil:
		r.oidc(c, c.OIDC)
	case c.OAuth2 != nil:
		r.oauth2(c, c.OAuth2)
	case c.SAML != nil:
		r.saml(c, c.SAML)
	case c.Council != nil:
		r.council(c.Council)
	case !r.own.has("preset"):
		r.add("", Problem{Message: "a preset or a protocol (oidc, oauth2, saml or council) is required"})
	}
}

// reachable checks the provider's addresses, those that follow from others
// left out.
func (r report) reachable(c *Connector) {
	check := secure
	if base := c.InsecureBaseURL; base != "" {
		if wrong := web(base); wrong != "" {
			r.wrong("insecure_base_url", "%s", wrong)
			return
		}
		check = web
		r.risky("insecure_base_url", "leads every call to %s instead of the provider: whoever answers there decides who residents are", base)
	}
	c.addresses(func(path, s string) string {
		bare := strings.HasPrefix(path, "oidc.issuer_aliases") && !strings.Contains(s, "://") // Google's second spelling
		if r.holder(path).has(path) && !bare {
			r.address(path, s, check)
		}
		return s
	})
}

// mapped checks what is made of the provider's claims.
func (r report) mapped(c *Connector) {
	if _, mistake := mapping.CompileExpression("claims", c.Subject); mistake != nil {
		mistake.Path = "subject"
		r.inside(*mistake)
	}
	if _, mistakes := mapping.CompileRules(c.RuleSource()); len(mistakes) > 0 {
		r.inside(mistakes...)
	}
	email := c.Trust.Email
	if r.own.has("trust.email.when") && email.Policy != "conditional" {
		r.wrong("trust.email.when", "is for policy conditional")
	}
	if email.Policy == "trust" && r.own.has("trust.email") {
		r.risky("trust.email.policy", "believes every address: are you sure that this provider lets nobody sign up with an address of somebody else?")
	}
}

func (r report) network(n Network) {
	r.positive("network.timeout", n.Timeout)
	r.address("network.proxy", n.Proxy, web)
	r.authorities("network.ca", n.CA)
	r.mutual(n)
	if n.Attempts < 1 {
		r.wrong("network.attempts", "must be at least 1")
	}
	if n.AllowPrivate {
		r.risky("network.allow_private", "lets this provider's answers lead the broker to machines inside your network")
	}
}

// mutual checks the broker's own certificate towards the provider.
func (r report) mutual(n Network) {
	r.require("network.cert", n.Cert != "" || !n.Key.Set(), " with key")
	r.require("network.key", n.Key.Set() || n.Cert == "", " with cert")
	if n.Cert == "" || n.Key.Reveal() == "" {
		return
	}
	text, ok := r.file("network.cert", n.Cert)
	if !ok {
		return
	}
	if _, err := tls.X509KeyPair(text, []byte(n.Key.Reveal())); err != nil {
		r.wrong("network.cert", "needs to be a certificate, and key its key: %v", err)
	}
}

// bounded checks how long people stay signed in on the provider's word.
func (r report) bounded(c *Connector) {
	for _, limit := range []struct {
		path       string
		own, every time.Duration
	}{
		{"session.idle", c.Session.Idle, r.settings.Session.Idle},
		{"session.lifetime", c.Session.Lifetime, r.settings.Session.Lifetime},
	} {
		if r.own.has(limit.path) && (limit.own <= 0 || limit.own > limit.every) {
			r.wrong(limit.path, "must be more than 0 and at most %v, as in broker.yaml", limit.every)
		}
	}
}

// errorKey is a code, and a subcode or a word that the description has.
var errorKey = regexp.MustCompile(`^[^\s/~]+([/~][^\s/~]+)?$`)

// codes checks the provider's errors; the decoder has seen to what they mean.
func (r report) codes(meant map[string]string) {
	for _, code := range slices.Sorted(maps.Keys(meant)) {
		if !errorKey.MatchString(code) {
			r.add(join("errors", code), Problem{Message: fmt.Sprintf("%q is no error: write CODE, CODE/SUBCODE or CODE~WORD", code)})
		}
	}
}

// registrations remembers which file has said something that only one may.
type registrations map[string]string

// claim reports which other file has claimed the thing before, if one has.
func (s registrations) claim(file string, thing ...string) string {
	key := strings.Join(thing, "\n")
	if other, taken := s[key]; taken {
		return other
	}
	s[key] = file
	return ""
}

// alone checks that no two connectors are one: neither the same registration
// nor the same e-mail domain.
func (r report) alone(c *Connector, seen registrations) {
	for i, d := range c.Domains {
		if other := seen.claim(r.own.name, "domain", d); other != "" {
			r.wrong(indexed("domains", i), "sends %s here, and %s has it too", d, other)
		}
	}
	if c.SAML != nil {
		if other := seen.claim(r.own.name, "entity", c.SAML.EntityID); other != "" {
			r.wrong("saml.entity_id", "is the broker's name in %s already: an answer to one must not pass for an answer to the other", other)
		}
		return
	}
	if c.Council != nil {
		if other := seen.claim(r.own.name, "council"); other != "" {
			r.wrong("council", "is in %s already: the council has one way in of its own", other)
		}
		return
	}
	if c.ClientID == "" || c.issuer() == "" {
		return
	}
	if other := seen.claim(r.own.name, "client", c.issuer(), c.ClientID); other != "" {
		r.wrong("client_id", "is registered with this provider in %s already", other)
	}
}

func (c *Connector) issuer() string {
	switch {
	case c.OIDC != nil:
		return c.OIDC.Issuer
	case c.OAuth2 != nil:
		return c.OAuth2.Issuer
	case c.SAML != nil:
		return c.SAML.Metadata.EntityID
	}
	return ""
}

// Stale returns a warning for each connector whose preset was last checked
// against the provider's documentation more than a year ago.
func (c *Config) Stale(now time.Time) Problems {
	var stale Problems
	for _, connector := range c.Connectors {
		verified, err := time.Parse(time.DateOnly, connector.Verified)
		if err != nil || now.Before(verified.AddDate(1, 0, 0)) {
			continue
		}
		stale = append(stale, Problem{
			File: "connectors/" + connector.ID + ".yaml", Path: "preset", Warning: true,
			Message: fmt.Sprintf("what preset %s says was last checked on %s: see whether the provider has changed", connector.Preset, connector.Verified),
		})
	}
	return stale
}
