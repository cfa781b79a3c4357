package mapping

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
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
// §2, RFC 8693 §4.1, OpenID Connect Front-Channel Logout §3). An expression
// that could set one could forge a token.
var protocolClaims = [...]string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "acr", "amr",
	"azp", "auth_time", "at_hash", "c_hash", "sid", "act",
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

// nearest returns the one of known that name is a misspelling of, or "". Case
// and separators do not count; beyond them one slip is allowed, two in a long
// name. A name that ends in a number (email_2) is no misspelling.
func nearest(name string, known []string) string {
	if strings.ContainsAny(name, "0123456789") {
		return ""
	}
	best, least := "", 3
	for _, k := range known {
		want, got := letters(k), letters(name)
		slips := distance(got, want)
		if slips < least && (slips <= 1 || slips == 2 && len(want) >= 12) {
			best, least = k, slips
		}
	}
	return best
}

func letters(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

// distance counts the slips between two words: a letter too many, too few,
// another one, or two swapped (the optimal string alignment distance).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range len(b) + 1 {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
