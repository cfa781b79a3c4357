package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// oauth2 checks an OAuth 2.0 connector.
func (r report) oauth2(c *Connector, o *OAuth2) {
	r.require("oauth2.issuer", o.Issuer != "", "")
	r.require("oauth2.endpoints.authorization", o.Endpoints.Authorization != "", "")
	r.require("oauth2.endpoints.token", o.Endpoints.Token != "", "")
	for _, key := range []string{"userinfo", "jwks", "par", "end_session"} {
		if path := "oauth2.endpoints." + key; r.own.has(path) {
			r.wrong(path, "is for oidc")
		}
	}
	r.require("oauth2.profile.url", o.Profile.URL != "", "")
	if o.Profile.Absent {
		r.wrong("oauth2.profile.absent", "is not for the profile: without it nobody has signed in")
	}
	r.calls("oauth2.calls", o.Calls)
	for _, path := range append([]string{"oauth2.profile"}, under("oauth2.calls", o.Calls)...) {
		if r.own.has(path + ".assertion") {
			r.wrong(path+".assertion", "is for oidc: this connector has no key")
		}
	}
	r.authenticates(c, o.ClientAuth)
	r.params("oauth2.params", o.Params)
}

// headerName is a field name (RFC 9110 §5.1) as anybody uses them.
var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// calls checks API calls.
func (r report) calls(path string, calls map[string]Call) {
	for _, at := range under(path, calls) {
		call := calls[leaf(at)]
		r.require(at+".url", call.URL != "", "")
		header := call.Assertion
		if header != "" && (!headerName.MatchString(header) || strings.EqualFold(header, "Authorization")) {
			r.wrong(at+".assertion", "must be a header of its own, as DIS-Client-Assertion")
		}
		if call.Audience != "" && call.Absent {
			r.wrong(at+".absent", "is not for a call with audience: without an answer nobody knows whose token it is")
		}
	}
}

// under are the paths of what has names under path.
func under[T any](path string, all map[string]T) []string {
	paths := slices.Sorted(maps.Keys(all))
	for i, name := range paths {
		paths[i] = join(path, name)
	}
	return paths
}
