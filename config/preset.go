package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// connector reads an operator's file on top of the preset that it names. It
// reports whether the preset, if one is named, could be read: without it the
// rest of the file cannot be judged.
func (l *loader) connector(c *Connector, r *report, b *Broker) bool {
	var base Connector
	name := r.own.word("preset")
	if name != "" {
		base.setDefaults()
		l.preset(name, &base, r)
		l.preset(name, c, r)
	}
	l.decode(r.own, c)
	base.Levels.derive()
	c.Levels.derive()
	if name != "" && r.preset == nil {
		if known := PresetNames(l.presets); !slices.Contains(known, name) {
			r.unknown("preset", fmt.Sprintf("there is no preset %q", name), name, known)
		}
		return false
	}
	r.tightens(&base, c)
	r.bounded(c)
	if c.InsecureBaseURL != "" {
		c.moveTo(c.InsecureBaseURL)
	}
	if c.SAML != nil {
		r.party = r.metadata("saml.metadata", c.SAML.Metadata, identityProvider())
	}
	c.derive(b, r.party)
	return true
}

// preset decodes a preset into c.
func (l *loader) preset(name string, c *Connector, r *report) {
	text, err := fs.ReadFile(l.presets, name+".yaml")
	if err != nil {
		return
	}
	doc, ok := l.parse("presets/"+name+".yaml", text)
	if !ok {
		return
	}
	l.decode(doc, c)
	r.preset = doc
}

// word returns the text under a key of the first level, before anything is
// decoded.
func (d *document) word(key string) string {
	if d.body == nil {
		return ""
	}
	for _, pair := range d.body.Values {
		if name, _ := keyText(pair.Key); name == key {
			text, _ := scalarText(pair.Value)
			return text
		}
	}
	return ""
}

// moveTo makes every web address of the provider one below base:
// https://host/path becomes BASE/host/path.
func (c *Connector) moveTo(base string) {
	base = strings.TrimSuffix(base, "/")
	c.addresses(func(_, address string) string {
		if _, rest, ok := strings.Cut(address, "://"); ok {
			return base + "/" + rest
		}
		return address // an issuer alias without a scheme
	})
}

// addresses replaces every address of the provider, the empty ones left out,
// by what visit makes of it.
func (c *Connector) addresses(visit func(path, address string) string) {
	at := func(path string, to *string) {
		if *to != "" {
			*to = visit(path, *to)
		}
	}
	if o := c.OIDC; o != nil {
		at("oidc.issuer", &o.Issuer)
		for i := range o.IssuerAliases {
			at(indexed("oidc.issuer_aliases", i), &o.IssuerAliases[i])
		}
		at("oidc.discovery", &o.Discovery)
		at("oidc.iss_parameter", &o.IssParameter)
		o.Endpoints.addresses("oidc.endpoints.", at)
		moveCalls("oidc.calls.", o.Calls, at)
		for name, token := range o.Nested {
			at("oidc.nested."+name+".issuer", &token.Issuer)
			at("oidc.nested."+name+".jwks", &token.JWKS)
			at("oidc.nested."+name+".did", &token.DID)
			o.Nested[name] = token
		}
	}
	if o := c.OAuth2; o != nil {
		at("oauth2.issuer", &o.Issuer)
		at("oauth2.iss_parameter", &o.IssParameter)
		o.Endpoints.addresses("oauth2.endpoints.", at)
		at("oauth2.profile.url", &o.Profile.URL)
		moveCalls("oauth2.calls.", o.Calls, at)
	}
	if s := c.SAML; s != nil {
		at("saml.metadata.url", &s.Metadata.URL)
		at("saml.logout.page", &s.Logout.Page)
	}
	if e := c.Events; e != nil {
		at("events.issuer", &e.Issuer)
		at("events.jwks", &e.JWKS)
	}
}

func moveCalls(path string, calls map[string]Call, at func(path string, to *string)) {
	for name, call := range calls {
		at(path+name+".url", &call.URL)
		calls[name] = call
	}
}

func (e *Endpoints) addresses(path string, at func(path string, to *string)) {
	at(path+"authorization", &e.Authorization)
	at(path+"token", &e.Token)
	at(path+"userinfo", &e.Userinfo)
	at(path+"jwks", &e.JWKS)
	at(path+"par", &e.PAR)
	at(path+"end_session", &e.EndSession)
}
