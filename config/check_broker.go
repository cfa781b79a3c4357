package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProxyPrefixes returns the networks whose X-Forwarded-For is believed.
func (b Broker) ProxyPrefixes() []netip.Prefix {
	var networks []netip.Prefix
	for _, s := range b.Proxies {
		if p, err := prefix(s); err == nil { // Load has refused the others
			networks = append(networks, p.Masked())
		}
	}
	return networks
}

// MasterKeyBytes returns the 32 bytes that the master key stands for.
func (b Broker) MasterKeyBytes() ([]byte, error) {
	text := b.MasterKey.Reveal()
	if key, err := hex.DecodeString(text); err == nil && len(key) == 32 {
		return key, nil
	}
	if key, err := base64.StdEncoding.DecodeString(text); err == nil && len(key) == 32 {
		return key, nil
	}
	return nil, errors.New("must be 32 bytes, as 64 hexadecimal digits or in base64: make one with openssl rand -hex 32")
}

// broker checks broker.yaml.
func (r report) broker(b *Broker) {
	r.listens(b)
	r.reached(b)
	r.redis(b.Redis)
	r.durable(b)
	r.look(b.Look)
	r.times(b)
	r.contexts(b.Contexts)
	r.mail(b.Mail)
	r.residents(b)
	r.identityProvider(b.SAML)
	if t := b.Telemetry; t != nil {
		r.address("telemetry.otlp", t.OTLP, web)
		if t.Sample < 0 || t.Sample > 1 {
			r.wrong("telemetry.sample", "must be from 0 to 1")
		}
	}
}

func (r report) identityProvider(p IdentityProvider) {
	if r.own.has("saml.entity_id") {
		r.address("saml.entity_id", p.EntityID, ownName)
	}
	for i, scope := range p.Scopes {
		path := indexed("saml.scopes", i)
		if r.own.has(path) {
			r.address(path, scope, domain)
		}
		if slices.Contains(p.Scopes[:i], scope) {
			r.wrong(path, "is there twice")
		}
	}
	if a, err := mail.ParseAddress(p.Contact); p.Contact != "" && (err != nil || a.Address != p.Contact) {
		r.wrong("saml.contact", "must be an e-mail address, as identity@example.gov.uk")
	}
}

func (r report) listens(b *Broker) {
	r.address("listen", b.Listen, listener)
	r.address("admin", b.Admin, listener)
	if b.Listen == b.Admin {
		r.wrong("admin", "must not be the address of listen: it is for operators only")
	}
	if host, _, err := net.SplitHostPort(b.Admin); err == nil && listener(b.Admin) == "" && !loopback(host) {
		r.risky("admin", "is not on loopback and has no authentication: keep everybody but operators from it")
	}
	if b.TLS != nil && b.TLS.Cert != "" && b.TLS.Key != "" {
		r.pair("tls", b.TLS.Cert, b.TLS.Key)
	}
}

// reached checks how browsers reach the broker.
func (r report) reached(b *Broker) {
	r.address("issuer", b.Issuer, issuer)
	for i, s := range b.Proxies {
		path := indexed("proxies", i)
		p, err := prefix(s)
		switch {
		case err != nil:
			r.wrong(path, "must be an IP address or a network, as 10.1.0.0/16")
		case p.Bits() == 0:
			r.wrong(path, "believes everybody: name the proxies' own addresses")
		}
	}
	switch https := strings.HasPrefix(b.Issuer, "https:"); {
	case https && b.TLS == nil && len(b.Proxies) == 0:
		r.risky("issuer", "is https, but there is neither tls nor a proxy that could end TLS: name it in proxies, or its visitors all count as one")
	case !https && b.TLS != nil:
		r.wrong("tls", "is given, so issuer must be https")
	}
}

func (r report) redis(c *Redis) {
	if c == nil {
		return
	}
	for i, s := range c.Addresses {
		r.address(indexed("redis.addresses", i), s, server)
	}
	sentinel := c.Mode == "sentinel"
	r.require("redis.master", !sentinel || c.Master != "", " in mode sentinel")
	if c.Master != "" && !sentinel {
		r.wrong("redis.master", "is for mode sentinel")
	}
	if c.SentinelPassword.Set() && !sentinel {
		r.wrong("redis.sentinel_password", "is for mode sentinel")
	}
	if c.Mode == "single" && len(c.Addresses) > 1 {
		r.wrong("redis.addresses", "must be one in mode single: is it mode sentinel or cluster?")
	}
	switch {
	case c.Database < 0:
		r.wrong("redis.database", "must not be negative")
	case c.Database > 0 && c.Mode == "cluster":
		r.wrong("redis.database", "must be 0 in mode cluster")
	}
	if t := c.TLS; t != nil {
		r.authorities("redis.tls.ca", t.CA)
		r.require("redis.tls.cert", t.Cert != "" || t.Key == "", " with key")
		r.require("redis.tls.key", t.Key != "" || t.Cert == "", " with cert")
		if t.Cert != "" && t.Key != "" {
			r.pair("redis.tls", t.Cert, t.Key)
		}
	}
}

// durable checks where accounts and keys are kept.
func (r report) durable(b *Broker) {
	if b.MasterKey.Reveal() != "" {
		if _, err := b.MasterKeyBytes(); err != nil {
			r.wrong("master_key", "%v", err)
		}
	}
	if b.Database == nil {
		return
	}
	postgres, sqlite := b.Database.Postgres.Set(), b.Database.SQLite != ""
	if postgres == sqlite && !r.own.has("database.postgres") {
		r.wrong("database", "must have postgres or sqlite")
	}
	if postgres && sqlite {
		r.wrong("database", "must have postgres or sqlite, not both")
	}
	if postgres {
		r.require("master_key", b.MasterKey.Set(), " with database.postgres, and is the same on every node")
	}
	if postgres && b.Redis == nil {
		r.risky("database.postgres", "lets many nodes share accounts, but without redis each keeps its own sign-ins: one node serves")
	}
}

func (r report) look(l Look) {
	if contrast, err := contrastWithWhite(l.Colour); err != nil {
		r.wrong("look.colour", "must be written as #rrggbb")
	} else if contrast < 4.5 {
		// WCAG 2.2 success criterion 1.4.3.
		r.wrong("look.colour", "must be darker: white text on it has a contrast of %.1f to 1 and needs 4.5 to 1", contrast)
	}
	for i, lang := range l.Languages {
		if slices.Contains(l.Languages[:i], lang) {
			r.wrong(indexed("look.languages", i), "is there twice")
		}
	}
	if l.Logo != "" {
		r.logo(l.Logo)
	}
	r.address("look.help", l.Help, web)
	r.address("look.privacy", l.Privacy, web)
	r.address("look.accessibility", l.Accessibility, web)
}

// contrastWithWhite is WCAG 2.2's contrast ratio of white on a colour.
func contrastWithWhite(colour string) (float64, error) {
	digits, ok := strings.CutPrefix(colour, "#")
	rgb, err := strconv.ParseUint(digits, 16, 24)
	if err != nil || !ok || len(digits) != 6 {
		return 0, errors.New("not a colour")
	}
	linear := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	luminance := 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
	return 1.05 / (luminance + 0.05), nil
}

func (r report) times(b *Broker) {
	r.positive("session.idle", b.Session.Idle)
	r.positive("session.lifetime", b.Session.Lifetime)
	if b.Session.Idle > b.Session.Lifetime {
		r.wrong("session.idle", "must not be longer than lifetime, %v", b.Session.Lifetime)
	}
	if b.Keys.Rotate < 72*time.Hour {
		r.wrong("keys.rotate", "must be at least 72h: a key is published for a day before it signs and for a day after")
	}
	if b.Keys.SAMLLead < 24*time.Hour {
		r.wrong("keys.saml_lead", "must be at least 24h: the other side has to take the new certificate from our metadata")
	}
	if b.Limits.Address < 1 {
		r.wrong("limits.address", "must be at least 1")
	}
	if b.Limits.App < 1 {
		r.wrong("limits.app", "must be at least 1")
	}
}
