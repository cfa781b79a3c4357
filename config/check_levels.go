package config

import (
	"maps"
	"slices"

	"github.com/councilid/councilid/mapping"
)

// documents are those in which a connector's provider can say levels of
// assurance: what it signs.
func (c *Connector) documents() []string {
	switch {
	case c.OIDC != nil:
		signed := []string{"id_token"}
		if c.OIDC.Userinfo == "signed" {
			signed = append(signed, "userinfo")
		}
		return append(signed, slices.Sorted(maps.Keys(c.OIDC.Nested))...)
	case c.SAML != nil:
		return []string{"assertion", "context"}
	case c.Council != nil:
		return []string{"council"}
	}
	return nil
}

// assured checks how levels of assurance are made of a provider's words. What
// is wrong with an expression or a letter mapping finds, with the other rules.
func (r report) assured(c *Connector) {
	for component, level := range c.Levels.all() {
		path := join("levels", component)
		r.from(path+".from", level.From, c)
		r.fresh(path+".fresh", component, *level)
		most, capped := letter(level.most(), component), letter(level.most().Meet(c.Cap.Vector()), component)
		if r.own.has(path) && most != capped {
			r.risky(path, "comes to %s, and cap.%s lets no more than %s count", most, component, capped)
		}
	}
	r.believed(c)
}

// fresh checks how long a level counts that a sign-in proved.
func (r report) fresh(path, component string, level Level) {
	person := component == "identity" || component == "residency"
	switch {
	case !person && r.own.has(path):
		r.wrong(path, "is for identity and residency: %s belongs to the sign-in", component)
	case person && level.Fresh <= 0:
		r.wrong(path, "must be more than 0")
	}
}

// from checks the document that says a level.
func (r report) from(path, document string, c *Connector) {
	known := c.documents()
	switch {
	case document == "" || slices.Contains(known, document):
	case len(known) == 0:
		r.wrong(path, "cannot be given: this provider signs nothing, so a level is always the same")
	case document == "userinfo" && c.OIDC != nil:
		r.wrong(path, "cannot be userinfo unless oidc.userinfo is signed: levels are read from what the provider signed")
	default:
		r.unknown(path, "from must be "+or(known)+", which this provider signs", document, known)
	}
}

// believed warns of an operator who believes a provider more than anybody does.
func (r report) believed(c *Connector) {
	least := mapping.Assurance{Authenticator: mapping.Cl}
	if most := c.Cap.Vector(); c.Preset == "" && c.Council == nil && !least.AtLeast(most) {
		r.risky("cap", "believes this provider as far as %s: whoever runs it decides who is sure to be whom", words(most))
	}
}

// asked checks the ways of asking a provider.
func (r report) asked(c *Connector) {
	if len(c.Ask) > 0 && c.OAuth2 != nil {
		r.wrong("ask", "is not for oauth2, which can be asked in one way alone")
		return
	}
	var earlier []string
	for i, ask := range c.Ask {
		at, most := indexed("ask", i), ask.Reaches.Vector()
		if slices.Contains(earlier, ask.Step) {
			r.wrong(at+".step", "is there twice")
		}
		if ask.After != "" && !slices.Contains(earlier, ask.After) {
			r.unknown(at+".after", "after must be a step that comes before this one, and "+ask.After+" is none", ask.After, earlier)
		}
		earlier = append(earlier, ask.Step)
		if most.Authenticator < mapping.Cl {
			r.wrong(at, "must say what it reaches, of which authenticator is at least Cl")
		}
		if r.own.has(at) && !c.Cap.Vector().AtLeast(most) {
			r.risky(at, "reaches %s, and cap lets no more than %s count", words(most), words(most.Meet(c.Cap.Vector())))
		}
		r.inProtocol(c, at, ask)
	}
}

// inProtocol checks that a step asks in the connector's own protocol.
func (r report) inProtocol(c *Connector, at string, ask Ask) {
	for _, key := range []struct{ name, protocol string }{
		{"scopes", "oidc"}, {"params", "oidc"}, {"calls", "oidc"}, {"contexts", "saml"},
	} {
		if path := join(at, key.name); r.own.has(path) && !slices.Contains(c.protocols(), key.protocol) {
			r.wrong(path, "are for %s", key.protocol)
		}
	}
	r.uris(at+".contexts", ask.Contexts)
	r.params(at+".params", ask.Params)
	if c.OIDC == nil {
		return
	}
	for i, name := range ask.Calls {
		if _, ok := c.OIDC.Calls[name]; !ok {
			known := slices.Sorted(maps.Keys(c.OIDC.Calls))
			r.unknown(indexed(at+".calls", i), "there is no call "+name+" in oidc.calls", name, known)
		}
	}
}
