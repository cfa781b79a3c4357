package council

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// address is an e-mail address.
type address struct {
	Text string // where mail is sent
	Key  string // what it is compared by
}

// parseAddress reads what somebody typed.
//
// Mail goes to the local part as it was typed, for that is its host's to
// interpret (RFC 5321 §2.4). It is compared without regard to case all the
// same: hosts that tell Jo from jo have died out, and a resident whose
// telephone writes a capital is not two people. Only ASCII letters are folded,
// and others are refused: letters that look alike, or fold into one another,
// must not lead to somebody else's account. The domain is compared and used in
// its ASCII form (RFC 5891 §4). Nothing else is taken to be the same: dots and
// tags count.
func parseAddress(typed string) (address, error) {
	typed = strings.TrimSpace(typed)
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Address != typed || len(typed) > longestAddress {
		return address{}, errNoAddress
	}
	at := strings.LastIndexByte(typed, '@')
	local, domain := typed[:at], typed[at+1:]
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") || len(local) > 64 || !plain(local) {
		return address{}, errNoAddress
	}
	text := local + "@" + ascii
	return address{Text: text, Key: strings.ToLower(text)}, nil
}

// longestAddress is what fits a path (RFC 5321 §4.5.3.1.3).
const longestAddress = 254

var errNoAddress = errors.New("not an e-mail address")

// plain reports whether a local part is an atom of ASCII, as all but a few
// curiosities are (RFC 5322 §3.2.3).
func plain(local string) bool {
	const more = "!#$%&'*+-/=?^_`{|}~."
	return strings.IndexFunc(local, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(more, r)
	}) < 0
}
