package mapping

import (
	"net/url"
	"regexp"
	"slices"
)

// A standardClaim is a row of OpenID Connect Core §5.1, with the scope that
// asks for it (§5.4).
type standardClaim struct {
	name  string
	scope string
	kind  kind
}

// standard is the table of OpenID Connect Core §5.1, less sub.
var standard = [...]standardClaim{
	{"name", "profile", text},
	{"family_name", "profile", text},
	{"given_name", "profile", text},
	{"middle_name", "profile", text},
	{"nickname", "profile", text},
	{"preferred_username", "profile", text},
	{"profile", "profile", link},
	{"picture", "profile", link},
	{"website", "profile", link},
	{"gender", "profile", text},
	{"birthdate", "profile", birthdate},
	{"zoneinfo", "profile", text},
	{"locale", "profile", text},
	{"updated_at", "profile", number},
	{"email", "email", email},
	{"email_verified", "email", boolean},
	{"address", "address", address},
	{"phone_number", "phone", text},
	{"phone_number_verified", "phone", boolean},
}

// StandardClaims returns the names of the claims of OpenID Connect Core §5.1,
// without sub.
func StandardClaims() []string {
	var names []string
	for _, c := range standard {
		names = append(names, c.name)
	}
	return names
}

// ScopeClaims returns the claims that a scope asks for: those of OpenID
// Connect Core §5.4 for profile, email, address and phone, none for others.
func ScopeClaims(scope string) []string {
	var names []string
	for _, c := range standard {
		if c.scope == scope {
			names = append(names, c.name)
		}
	}
	return names
}

// lookup returns the claim of that name. Claims of the council's own hold
// anything and come with every sign-in, so their scope is openid.
func lookup(name string) (claim standardClaim, found bool) {
	for _, c := range standard {
		if c.name == name {
			return c, true
		}
	}
	return standardClaim{name, "openid", anything}, false
}

// protocolClaims carry the protocol itself (RFC 7519 §4.1, OpenID Connect Core
// §2, RFC 8693 §4.1, OpenID Connect Front-Channel Logout §3, RFC 8485 §4). An
// expression that could set one could forge a token.
var protocolClaims = [...]string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "acr", "amr",
	"azp", "auth_time", "at_hash", "c_hash", "sid", "act", "vot", "vtm",
}

var ownName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// checkName refuses what cannot be the name of a claim, and what is very
// likely a slip of the pen for a standard one. The mistake has no Path.
func checkName(name string) *Mistake {
	if _, ok := lookup(name); ok || isURL(name) {
		return nil
	}
	if slices.Contains(protocolClaims[:], name) {
		return &Mistake{Message: name + " is set by the broker itself"}
	}
	if near := nearest(name, StandardClaims()); near != "" {
		return &Mistake{Message: name + " is not a standard claim, and too like one to be a name of your own", Suggest: near}
	}
	if !ownName.MatchString(name) {
		return &Mistake{Message: "a claim's name is a URL, or lower-case letters, digits and underscores starting with a letter"}
	}
	return nil
}

// isURL reports whether s is an absolute https or http URL.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
