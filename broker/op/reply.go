package op

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// replyTo is an address of an app that the browser may be sent to, with the
// state that the app wants back. Only client.replyTo and client.leaveTo make
// one, from the addresses that the app registered: so that there is no way to
// write an open redirect. The zero replyTo leads nowhere.
type replyTo struct{ uri, state string }

func (to replyTo) known() bool { return to.uri != "" }

// with is the address with params and the state added to its query. A query
// that was registered stays as it is (RFC 6749 §3.1.2).
func (to replyTo) with(params url.Values) string {
	if to.state != "" {
		params.Set("state", to.state)
	}
	switch {
	case len(params) == 0:
		return to.uri
	case strings.Contains(to.uri, "?"):
		return to.uri + "&" + params.Encode()
	}
	return to.uri + "?" + params.Encode()
}

// send answers with a redirect, which must be a GET whatever the request was
// (RFC 9700 §4.12).
func (to replyTo) send(w http.ResponseWriter, params url.Values) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to.with(params))
	w.WriteHeader(http.StatusSeeOther)
}

// replyTo is where answers to an authorization request with that redirect_uri
// go, if the app registered it.
func (c *client) replyTo(redirectURI, state string) (replyTo, bool) {
	registered := func(uri string) bool { return matches(uri, redirectURI, c.public()) }
	if !slices.ContainsFunc(c.oidc.RedirectURIs, registered) {
		return replyTo{}, false
	}
	return replyTo{uri: redirectURI, state: state}, true
}

// leaveTo is where the browser may go after signing out, if the app
// registered it (OpenID Connect RP-Initiated Logout §3).
func (c *client) leaveTo(postLogoutRedirectURI, state string) (replyTo, bool) {
	if !slices.Contains(c.oidc.PostLogoutRedirectURIs, postLogoutRedirectURI) {
		return replyTo{}, false
	}
	return replyTo{uri: postLogoutRedirectURI, state: state}, true
}

// matches reports whether a requested redirect URI is the registered one,
// character by character (RFC 9700 §2.1). The one exception is the port of a
// native app on loopback, which the system hands out (RFC 8252 §7.3).
func matches(registered, requested string, native bool) bool {
	if registered == requested {
		return registered != ""
	}
	if !native {
		return false
	}
	host, path, ok := splitLoopback(registered)
	if !ok {
		return false
	}
	requestedHost, requestedPath, ok := splitLoopback(requested)
	return ok && requestedHost == host && requestedPath == path
}

// splitLoopback cuts the port out of an http URI on a loopback address. It
// works on the text alone: two readings of one URI cannot differ.
func splitLoopback(uri string) (host, path string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		if port, found := strings.CutPrefix(rest, ":"); found {
			rest = strings.TrimLeft(port, "0123456789")
			if digits := len(port) - len(rest); digits == 0 || digits > 5 {
				return "", "", false
			}
		}
		return host, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", false
}
