package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Somebody who comes by a new way in may have an account already, to which another
// way in leads. They are asked, where what their provider vouches for is what
// another vouched for of somebody whom the broker knows: the e-mail address; or name,
// date of birth and postcode. That is all that a likeness does. It joins nothing,
// for it proves nothing: an address changes hands, and a household shares one.
//
// What is compared are hashes of facts, written so that two spellings of one are the
// same. Of each source and kind the latest word counts, also where it is that the
// source vouches for the fact no more.
//
// By one fact people are told apart, see onePerson: a date of birth that the source
// vouched for stays until it vouches for another one, whatever it says meanwhile. It is
// kept as it is, for it is compared in parts, and of a date a hash would hide nothing.

// ErrResembles says that somebody who comes by a new way in may have an account
// already.
var ErrResembles = errors.New("the person may have an account already")

// makeUnlike makes an account, unless one that may be used resembles it. Whose way in
// was linked a moment ago resembles themselves: they are found at the next attempt.
const makeUnlike = `INSERT INTO accounts (id, subject_key, status, created_at)
	SELECT $1, $2, 'active', $3
	WHERE NOT EXISTS (SELECT 1 FROM likeness l JOIN accounts a ON a.id = l.account_id WHERE l.key IN ($4, $5) AND a.status = 'active')
		OR EXISTS (SELECT 1 FROM links WHERE issuer = $6 AND subject = $7)`

// The kinds of likeness.
const (
	byEmail  = "email"
	byPerson = "person"

	unlikeness = "birthdate"
)

// likeness is what the statement says by which a person may be recognised, as keys
// by kind. A key is "" where the provider does not vouch for what it says.
func likeness(said mapping.Statement) map[string]string {
	keys := map[string]string{}
	if email, ok := said.Claims["email"].(string); ok {
		keys[byEmail] = keyOf(byEmail, vouched(said, "email"), spelled(email))
	}
	name, claims := nameIn(said.Claims)
	born, code := said.Claims.Text("birthdate"), postcodeIn(said.Claims)
	if name != "" && born != "" && code != "" {
		claims = append(claims, "birthdate", "address")
		keys[byPerson] = keyOf(byPerson, vouched(said, claims...), letters(name), day(born), letters(code))
	}
	if vouched(said, "birthdate") && born != "" {
		keys[unlikeness] = born
	}
	return keys
}

func vouched(said mapping.Statement, claims ...string) bool {
	return !slices.ContainsFunc(claims, func(c string) bool { return !slices.Contains(said.Verified, c) })
}

// nameIn is the name that claims say, and which of them say it.
func nameIn(c mapping.Claims) (name string, claims []string) {
	if given, family := c.Text("given_name"), c.Text("family_name"); given != "" && family != "" {
		return given + " " + family, []string{"given_name", "family_name"}
	}
	return c.Text("name"), []string{"name"}
}

func postcodeIn(c mapping.Claims) string {
	address, _ := c["address"].(map[string]any)
	return mapping.Claims(address).Text("postal_code")
}

// keyOf is the hash of facts of a kind, or "" where one is missing or not vouched for.
func keyOf(kind string, vouched bool, facts ...string) string {
	if !vouched || slices.Contains(facts, "") {
		return ""
	}
	var b strings.Builder
	for _, fact := range append([]string{"councilid likeness " + kind}, facts...) {
		fmt.Fprintf(&b, "%d:%s,", len(fact), fact)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// spelled is an e-mail address without regard to case. Dots and tags count: what
// they mean is for the mail's host to say (RFC 5321 §2.4).
func spelled(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if !strings.Contains(address, "@") {
		return ""
	}
	return address
}

// letters are the letters and digits of a text without regard to case, accents, and
// what stands between them: O’Brien is OBRIEN, Siân is Sian, and EH1 1AA is eh11aa.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// day is a date (OpenID Connect Core §5.1, birthdate), or "" where its year or day
// is not known.
func day(date string) string {
	if t, err := time.Parse(time.DateOnly, date); err != nil || t.Year() == 0 {
		return ""
	}
	return date
}

// resembling are the keys by which the sign-in may resemble an account: two, of
// which "" matches none.
func (in SignIn) resembling() [2]any {
	if in.Alone {
		return [2]any{"", ""}
	}
	keys := likeness(in.Said)
	return [2]any{keys[byEmail], keys[byPerson]}
}

// likenessKey is where a likeness is kept, and likenessRow the rest of its row.
type likenessKey struct{ account, link, kind string }

func (k likenessKey) compare(other likenessKey) int {
	return slices.Compare([]string{k.account, k.link, k.kind}, []string{other.account, other.link, other.kind})
}

type likenessRow struct {
	key  string
	said int64
}

// insertLikeness stores likenesses; a newer one of the same source stays.
func insertLikeness(ctx context.Context, tx *db.Tx, likeness map[likenessKey]likenessRow) error {
	var rows [][]any
	for k, l := range inOrder(likeness, likenessKey.compare) {
		rows = append(rows, []any{k.account, k.link, k.kind, orNull(l.key), l.said})
	}
	return insert(ctx, tx, `INSERT INTO likeness (account_id, link_id, kind, key, said_at)`, rows,
		`ON CONFLICT (account_id, link_id, kind) DO UPDATE SET key = excluded.key, said_at = excluded.said_at
			WHERE excluded.said_at > likeness.said_at`)
}
