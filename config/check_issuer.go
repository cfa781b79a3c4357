package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Accounts are found by issuer and subject alone, so whoever may speak for an
// issuer may sign in as everybody there. No two parties may speak for one.

// voice is what makes two connectors speak alike for an issuer.
type voice struct {
	file     string
	protocol string // "" of the broker itself
	source   string // what the provider's word is known by
	subject  string // what of it is the person
}

// voices are those that have spoken, by issuer.
type voices map[string]voice

// hear begins with the broker, which must not be mistaken for a provider of its
// own.
func hear(b *Broker) voices {
	own := voice{file: "broker.yaml"}
	return voices{b.Issuer: own, b.SAML.EntityID: own}
}

// speaker checks that the connector's issuers are nobody else's, and of those
// that others have as well that they mean the same people.
func (r report) speaker(c *Connector, heard voices) {
	r.preset = nil // a preset is not at fault for what else there is
	own := c.voice()
	own.file = r.own.name
	for _, issuer := range c.issuers() {
		other, taken := heard[issuer.name]
		switch {
		case issuer.name == "":
		case !taken:
			heard[issuer.name] = own
		case other.protocol == "":
			r.wrong(issuer.path, "names the broker itself: nobody may sign in by what it said to others")
		case other.protocol != own.protocol:
			r.wrong(issuer.path, "is %s, which %s has by another protocol: one could sign in as the other's residents", issuer.name, other.file)
		case other.source != own.source:
			r.wrong(issuer.path, "is %s, which %s has by other addresses or metadata: one could sign in as the other's residents", issuer.name, other.file)
		case other.subject != own.subject:
			r.wrong("subject", "must be as in %s, which has the same provider: one resident's identifier could be another's there", other.file)
		}
	}
}

// spokenFor is a name that residents are kept under, and where it is written.
type spokenFor struct{ path, name string }

// issuers are all names that the connector's provider may sign as.
func (c *Connector) issuers() []spokenFor {
	switch {
	case c.OIDC != nil:
		return c.OIDC.issuers()
	case c.OAuth2 != nil:
		return []spokenFor{{"oauth2.issuer", c.OAuth2.Issuer}}
	case c.SAML != nil:
		return []spokenFor{{"saml.metadata.entity_id", c.SAML.Metadata.EntityID}}
	}
	return nil
}

var braces = regexp.MustCompile(`\{[^}]*\}`)

// issuers are the issuer, of each tenant where it has many, and its aliases.
func (o *OIDC) issuers() []spokenFor {
	all := []spokenFor{{"oidc.issuer", o.Issuer}}
	if part := braces.FindString(o.Issuer); part != "" {
		all = nil
		for i, tenant := range o.Tenants {
			all = append(all, spokenFor{indexed("oidc.tenants", i), strings.Replace(o.Issuer, part, tenant, 1)})
		}
	}
	for i, alias := range o.IssuerAliases {
		all = append(all, spokenFor{indexed("oidc.issuer_aliases", i), alias})
	}
	return all
}

// voice is how the connector speaks for its issuers.
func (c *Connector) voice() voice {
	v := voice{subject: c.Subject}
	switch {
	case c.OIDC != nil:
		o := c.OIDC
		v.protocol, v.source = "oidc", fmt.Sprintf("%q", []string{o.Discovery, o.Endpoints.Token, o.Endpoints.Userinfo, o.Endpoints.JWKS})
	case c.OAuth2 != nil:
		o := c.OAuth2
		v.protocol, v.source = "oauth2", fmt.Sprintf("%q %+v %+v", o.Endpoints.Token, o.Profile, o.Calls)
	case c.SAML != nil:
		m := c.SAML.Metadata
		v.protocol, v.source = "saml", fmt.Sprintf("%q", []string{m.URL, m.File, m.Inline, m.Signer})
	}
	return v
}
