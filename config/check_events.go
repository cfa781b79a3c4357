package config

import "slices"

// events checks how a provider tells of what happens to accounts there.
func (r report) events(c *Connector) {
	e := c.Events
	if e == nil || e.Protocol == "" {
		return
	}
	if e.Protocol == "facebook" {
		r.signedRequests(c)
		return
	}
	r.require("events.issuer", e.Issuer != "", " by protocol "+e.Protocol)
	// Keys of ID tokens are the provider's; a client secret is none.
	keys := c.OIDC != nil && !slices.Contains(c.OIDC.Algorithms, "HS256")
	r.require("events.jwks", e.JWKS != "" || keys, ", as there are no keys of ID tokens")
	for i, name := range e.Audience {
		if slices.Contains(e.Audience[:i], name) {
			r.wrong(indexed("events.audience", i), "is there twice")
		}
	}
}

// signedRequests checks events that are signed with the client secret.
func (r report) signedRequests(c *Connector) {
	r.require("client_secret", c.ClientSecret.Set(), " by events.protocol facebook")
	for _, key := range []string{"issuer", "jwks", "algorithms", "audience"} {
		if path := join("events", key); r.own.has(path) {
			r.wrong(path, "is not used by protocol facebook, which signs with the client secret")
		}
	}
}
