package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/councilid/councilid/mapping"
)

// app checks an app against the connectors there are.
func (r report) app(a *App, connectors []Connector) {
	r.id(a.ID)
	r.address("home", a.Home, web)
	r.choices(a, connectors)
	r.release(a.Release, connectors)
	r.sharing(a)
	r.attainable(a, connectors)
	r.appProtocol(a)
	r.unsolicited(a, connectors)
	r.vouched(a, connectors)
}

// appProtocol checks that there is exactly one, and its block.
func (r report) appProtocol(a *App) {
	switch {
	case a.OIDC != nil && a.SAML != nil:
		r.wrong("saml", "and oidc cannot both be given: an app speaks one protocol")
	case a.OIDC != nil:
		r.oidcApp(a, a.OIDC)
	case a.SAML != nil:
		r.samlApp(a, a.SAML)
	case !r.own.has("oidc") && !r.own.has("saml"):
		r.add("", Problem{Message: "a protocol (oidc or saml) is required"})
	}
}

// unsolicited checks an app that a connector leads residents to unasked.
func (r report) unsolicited(a *App, connectors []Connector) {
	for _, c := range connectors {
		if c.SAML == nil || c.SAML.Response.UnsolicitedApp != a.ID {
			continue
		}
		r.require("home", a.Home != "", ": connector "+c.ID+" leads residents there")
		if len(a.Connectors) > 0 && !slices.Contains(a.Connectors, c.ID) {
			r.wrong("connectors", "must name %s, which leads residents here", c.ID)
		}
	}
}

// opens reports whether residents may use a connector for the app.
func (a *App) opens(c Connector) bool {
	return !c.Disabled && (len(a.Connectors) == 0 || slices.Contains(a.Connectors, c.ID))
}

// choices checks which connectors residents may use.
func (r report) choices(a *App, connectors []Connector) {
	var ids []string
	open := false
	for _, c := range connectors {
		ids = append(ids, c.ID)
		open = open || a.opens(c)
	}
	for i, id := range a.Connectors {
		path := indexed("connectors", i)
		if !slices.Contains(ids, id) {
			r.unknown(path, fmt.Sprintf("there is no connector %q", id), id, ids)
			open = true // one mistake is enough
		}
		if slices.Contains(a.Connectors[:i], id) {
			r.wrong(path, "is there twice")
		}
	}
	if !open {
		r.risky("connectors", "leave no way in: all are disabled, or there are none")
	}
}

// release checks what the app may see.
func (r report) release(release []Release, connectors []Connector) {
	known := claimNames(connectors)
	for i, claim := range release {
		path := indexed("release", i)
		as := func(other Release) bool { return other.As == claim.As }
		switch {
		case claim.As == "":
			continue // reported as missing
		case slices.IndexFunc(release, as) < i:
			r.add(path, Problem{Message: fmt.Sprintf("%s is released twice", claim.As)})
		case claim.As == "sub" && claim.Value != "":
			r.wrong(join(path, "value"), "must be left out: sub is the subject identifier that the broker makes")
		case claim.As == "sub":
		case claim.Value == "" && !slices.Contains(known, claim.As):
			r.unknown(path, fmt.Sprintf("no connector gives a claim %q, and it is not a standard one", claim.As), claim.As, known)
		default:
			r.rule(path, claim)
		}
	}
}

// rule compiles one released claim.
func (r report) rule(path string, claim Release) {
	_, mistakes := mapping.CompileRelease([]mapping.ReleaseRule{{As: claim.As, Value: claim.Value}})
	for _, m := range mistakes {
		m.Path = strings.Replace(m.Path, "release[0]", path, 1)
		r.inside(m)
	}
}

// claimNames lists the claims that there can be: the standard ones and those
// that connectors map.
func claimNames(connectors []Connector) []string {
	names := mapping.StandardClaims()
	for _, c := range connectors {
		for name := range c.Claims {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (r report) oidcApp(a *App, o *AppOIDC) {
	r.redirects("oidc.redirect_uris", o.RedirectURIs)
	r.redirects("oidc.post_logout_redirect_uris", o.PostLogoutRedirectURIs)
	r.address("oidc.backchannel_logout_uri", o.BackchannelLogoutURI, secure)
	r.address("oidc.initiate_login_uri", o.InitiateLoginURI, secure) // OpenID Connect Core §4: https
	r.sector(o)
	r.appAuthenticates(o)
	r.noAttributes(a.Release)
	r.positive("oidc.access_token_lifetime", o.AccessTokenLifetime)
	r.positive("oidc.refresh_token_lifetime", o.RefreshTokenLifetime)
}

func (r report) redirects(path string, uris []string) {
	for i, uri := range uris {
		at := indexed(path, i)
		r.address(at, uri, redirect)
		if slices.Contains(uris[:i], uri) {
			r.wrong(at, "is there twice")
		}
	}
}

// sector makes sure that the order of a list does not decide who residents
// are (OpenID Connect Core §8.1: with several hosts a sector must be named).
func (r report) sector(o *AppOIDC) {
	var hosts []string
	for _, uri := range o.RedirectURIs {
		if u, err := url.Parse(uri); err == nil && u.Scheme == "https" && !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
	}
	r.require("sector", len(hosts) < 2 || r.own.has("sector"), ", as the redirect URIs have several hosts")
}

// shared warns of a sector that nobody chose and that another app has: what the
// two are told of a resident can be put together.
func (r report) shared(a *App, all []App) {
	if r.own.has("sector") {
		return
	}
	for _, other := range all {
		if other.ID != a.ID && other.Sector == a.Sector {
			r.risky("sector", "is %s by default, which is also that of app %s: both know a resident by one identifier. Write what it is to be", a.Sector, other.ID)
			return
		}
	}
}

// byClaims makes sure that an app which knows residents by their claims shares its
// sector with none that knows them by their subject: where accounts are merged, a
// sector's apps go on with the subject that they know, and it with what the claims say.
func (r report) byClaims(a *App, all []App) {
	named := func(a App) bool { return a.SAML != nil && a.SAML.NameID.Value != "" }
	for _, other := range all {
		if other.Sector == a.Sector && named(*a) && !named(other) {
			r.wrong("sector", "is also that of app %s, which knows residents by their subject: with saml.nameid.value it must be another", other.ID)
			return
		}
	}
}

// appAuthenticates checks that the credentials are those that the client
// authentication uses.
func (r report) appAuthenticates(o *AppOIDC) {
	secret := strings.HasPrefix(o.ClientAuth, "client_secret_")
	r.require("oidc.client_secret", !secret || o.ClientSecret.Set(), " by client_auth "+o.ClientAuth)
	if !secret && o.ClientSecret.Set() {
		r.wrong("oidc.client_secret", "is not used by client_auth %s", o.ClientAuth)
	}
	signs := o.ClientAuth == "private_key_jwt"
	r.require("oidc.jwks", !signs || o.JWKS != "", " by client_auth private_key_jwt")
	if !signs && o.JWKS != "" {
		r.wrong("oidc.jwks", "is not used by client_auth %s", o.ClientAuth)
	}
	if signs && o.JWKS != "" {
		r.jwks("oidc.jwks", o.JWKS)
	}
	// RFC 9700 §2.1.1: public clients must use PKCE.
	if o.ClientAuth == "none" && o.PKCE == "optional" {
		r.wrong("oidc.pkce", "must be required for a public client, one without client authentication")
	}
}

// onlyOne checks that no other app goes by the same name.
func (r report) onlyOne(a *App, seen registrations) {
	path, what, name := "", "", ""
	switch {
	case a.OIDC != nil:
		path, what, name = "oidc.client_id", "client_id", a.OIDC.ClientID
	case a.SAML != nil && a.SAML.Manual != nil:
		path, what, name = "saml.manual.entity_id", "entity_id", a.SAML.Manual.EntityID
	case a.SAML != nil:
		path, what, name = "saml.metadata", "entity_id", a.SAML.Metadata.EntityID
	}
	if name == "" {
		return
	}
	if other := seen.claim(r.own.name, what, name); other != "" {
		r.add(path, Problem{Message: fmt.Sprintf("%s %q is taken by %s", what, name, other)})
	}
}
