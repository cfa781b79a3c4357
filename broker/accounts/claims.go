package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// saidOf selects, of the account a, what every source last said about the person,
// in one text: that costs a returning resident less than a row for each word. A
// source that stops saying something does not unsay it: said_at tells how old the
// word is. What came by a link that is frozen or dead does not count. No column
// holds a tab or a newline, JSON's own least of all.
//
// Most people have one way in, which says everything anew each time: $1 lists the
// claims that the link l said just now, as saidNow writes them, and where nobody ever
// said another, nothing is read.
const saidOf = `CASE WHEN EXISTS (SELECT 1 FROM claims c WHERE c.account_id = a.id
			AND (c.link_id <> l.id OR $1 NOT LIKE '%,' || c.name || ',%'))
		THEN (SELECT string_agg(c.link_id || '` + "\t" + `' || COALESCE(k.connector, '` + mapping.Resident + `') || '` + "\t" + `' || c.name
				|| '` + "\t" + `' || CASE WHEN c.verified THEN '1' ELSE '0' END || '` + "\t" + `' || c.said_at || '` + "\t" + `' || c.value, '` + "\n" + `')
			FROM claims c
			LEFT JOIN links k ON k.id = c.link_id
			WHERE c.account_id = a.id AND k.frozen_at IS NULL AND k.unlinked_at IS NULL) END`

// nothing is the list of who said nothing just now.
const nothing = ","

// saidNow lists the claims of a sign-in for saidOf.
func (in SignIn) saidNow() string {
	var list strings.Builder
	for name := range in.Said.Claims {
		list.WriteString("," + name)
	}
	return list.String() + nothing
}

// parseWords reads what saidOf selected.
func parseWords(text string) ([]mapping.Word, error) {
	if text == "" {
		return nil, nil
	}
	words := make([]mapping.Word, 0, strings.Count(text, "\n")+1)
	for line := range strings.SplitSeq(text, "\n") {
		w, err := parseWord(strings.SplitN(line, "\t", 6))
		if err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		words = append(words, w)
	}
	inOrderOfClaims(words)
	return words, nil
}

func inOrderOfClaims(words []mapping.Word) {
	slices.SortFunc(words, func(a, b mapping.Word) int {
		return cmp.Or(strings.Compare(a.Claim, b.Claim), strings.Compare(a.Link, b.Link))
	})
}

func parseWord(columns []string) (mapping.Word, error) {
	if len(columns) != 6 {
		return mapping.Word{}, errors.New("a word has too few columns")
	}
	w := mapping.Word{Link: columns[0], Source: columns[1], Claim: columns[2], Verified: columns[3] == "1"}
	said, err := strconv.ParseInt(columns[4], 10, 64)
	if err != nil {
		return w, fmt.Errorf("%s: %w", w.Claim, err)
	}
	w.Said = time.UnixMicro(said)
	if err := json.Unmarshal([]byte(columns[5]), &w.Value); err != nil {
		return w, fmt.Errorf("%s: %w", w.Claim, err)
	}
	return w, nil
}

// claimKey is where a word is kept.
type claimKey struct{ account, link, name string }

func (k claimKey) compare(other claimKey) int {
	return cmp.Or(strings.Compare(k.account, other.account), strings.Compare(k.link, other.link), strings.Compare(k.name, other.name))
}

// claimRow is the rest of a row of claims.
type claimRow struct {
	value    string
	verified bool
	said     int64
}

// sayings is what sources said, as it is stored: what they said, and by which of it
// the person may be recognised.
type sayings struct {
	claims   map[claimKey]claimRow
	likeness map[likenessKey]likenessRow
}

// claimsOf returns what one source said at one time.
func claimsOf(account, link string, said mapping.Statement, at time.Time) (sayings, error) {
	s := newSayings()
	return s, s.add(account, link, said, at)
}

func newSayings() sayings {
	return sayings{map[claimKey]claimRow{}, map[likenessKey]likenessRow{}}
}

// add adds what one source said at one time. Of each thing the latest word counts.
func (s sayings) add(account, link string, said mapping.Statement, at time.Time) error {
	micro := at.UnixMicro()
	for name, v := range said.Claims {
		value, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
		if k := (claimKey{account, link, name}); micro > s.claims[k].said {
			s.claims[k] = claimRow{string(value), slices.Contains(said.Verified, name), micro}
		}
	}
	for kind, key := range likeness(said) {
		if k := (likenessKey{account, link, kind}); micro > s.likeness[k].said {
			s.likeness[k] = likenessRow{key, micro}
		}
	}
	return nil
}

// insertClaims stores what was said; a newer word of the same source stays.
func insertClaims(ctx context.Context, tx *db.Tx, s sayings) error {
	var rows [][]any
	for k, c := range inOrder(s.claims, claimKey.compare) {
		rows = append(rows, []any{k.account, k.link, k.name, c.value, c.verified, c.said})
	}
	err := insert(ctx, tx, `INSERT INTO claims (account_id, link_id, name, value, verified, said_at)`, rows,
		`ON CONFLICT (account_id, link_id, name) DO UPDATE
			SET value = excluded.value, verified = excluded.verified, said_at = excluded.said_at
			WHERE excluded.said_at > claims.said_at`)
	if err != nil {
		return err
	}
	return insertLikeness(ctx, tx, s.likeness)
}
