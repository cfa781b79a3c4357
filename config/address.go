package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Checks of addresses. Each returns what is wrong, to follow the key's name,
// or "".

// web checks an absolute http or https address.
func web(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsAny(s, " \t\n"):
		return "is not an address"
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return "must be an absolute address, as https://host/path"
	case u.User != nil:
		return "must not hold a user name or password"
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		return "must not have a fragment"
	}
	return ""
}

// secure checks a web address that is https or on loopback.
func secure(s string) string {
	if wrong := web(s); wrong != "" {
		return wrong
	}
	if u, _ := url.Parse(s); u.Scheme == "http" && !loopback(u.Hostname()) {
		return "must be https: http is for loopback addresses only"
	}
	return ""
}

// redirect checks a redirect URI of an app.
func redirect(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || !u.IsAbs():
		return "must be an absolute address, as https://app.example.gov.uk/callback"
	case strings.Contains(s, "*"):
		return "must be one address: patterns are not matched (RFC 9700 §2.1)"
	case u.Scheme == "https" || u.Scheme == "http":
		return secure(s)
	case strings.Contains(s, "#"):
		return "must not have a fragment (RFC 6749 §3.1.2)"
	case !strings.Contains(u.Scheme, "."):
		return "must be https, http on loopback, or a private-use scheme with a dot, as uk.gov.example.app:/callback (RFC 8252 §7.1)"
	}
	return ""
}

// absolute checks a name that is a URI.
func absolute(s string) string {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.ContainsAny(s, " \t\n") {
		return "must be a URI, as urn:example:name or https://host/name"
	}
	return ""
}

// entityName checks the name of another party. It should be a URI, and of
// legacy software it often is not (SAML Core §8.3.6).
func entityName(s string) string {
	switch {
	case strings.ContainsAny(s, " \t\n"):
		return "must not hold blanks"
	case len(s) > 1024:
		return "must have at most 1024 characters (SAML Core §8.3.6)"
	}
	return ""
}

// ownName checks a name of the broker's own.
func ownName(s string) string {
	if wrong := entityName(s); wrong != "" {
		return wrong
	}
	return absolute(s)
}

// issuer checks the broker's own issuer.
func issuer(s string) string {
	if wrong := secure(s); wrong != "" {
		return wrong
	}
	u, _ := url.Parse(s)
	switch {
	case strings.Trim(u.Path, "/") != "" || strings.Contains(s, "?"):
		return "must have no path and no query: the broker is the whole of its host"
	case u.Path != "":
		return "must not end in a slash: ID tokens carry it letter by letter"
	case u.Host != strings.ToLower(u.Host):
		return "must be written in lower case, as browsers send it"
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return "must not name the default port: browsers leave it out"
	}
	return ""
}

// loopback reports whether host, without a port, is this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// listener checks an address to listen on.
func listener(s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "must be host:port or :port"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && port != "0" {
		return "must end in a port from 0 to 65535"
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return "must begin with an IP address of this machine"
		}
	}
	return ""
}

// server checks host:port of a server to call.
func server(s string) string {
	host, port, err := net.SplitHostPort(s)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
		return "must be host:port"
	}
	return ""
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$`)

// domain checks an e-mail domain.
func domain(s string) string {
	if domainName.MatchString(s) {
		return ""
	}
	return "must be a domain in lower case, as example.gov.uk"
}

// prefix reads a network, or an address as a network of one.
func prefix(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
