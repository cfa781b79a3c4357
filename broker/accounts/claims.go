package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Claim is one thing that is known about the person, and who said it. Several
// links may say it differently: choosing is up to the reader.
type Claim struct {
	Name      string // OpenID Connect's standard name
	Value     any    // what encoding/json makes of JSON
	Verified  bool   // the provider vouches for it
	Link      string // who said it
	Connector string // its connector
	Said      time.Time
}

// Claims returns what every link last said about the person, in the order of
// the claims' names. A provider that stops saying something does not unsay it:
// Said tells how old the word is.
func (a *Accounts) Claims(ctx context.Context, accountID string) ([]Claim, error) {
	rows, err := a.db.Query(ctx, `SELECT c.name, c.value, c.verified, c.link_id, l.connector, c.said_at
		FROM claims c
		JOIN links l ON l.id = c.link_id
		WHERE c.account_id = $1
		ORDER BY c.name, c.said_at, c.link_id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("claims of an account: %w", err)
	}
	defer rows.Close()

	var claims []Claim
	for rows.Next() {
		var c Claim
		var value string
		var said int64
		if err := rows.Scan(&c.Name, &value, &c.Verified, &c.Link, &c.Connector, &said); err != nil {
			return nil, fmt.Errorf("claims of an account: %w", err)
		}
		if err := json.Unmarshal([]byte(value), &c.Value); err != nil {
			return nil, fmt.Errorf("claims of an account: %s: %w", c.Name, err)
		}
		c.Said = time.UnixMicro(said)
		claims = append(claims, c)
	}
	return claims, rows.Err()
}

// claimRow is a row of claims but for its key, the link and the name.
type claimRow struct {
	account, value string
	verified       bool
	said           int64
}

// claimsOf returns the rows of what one provider said at one time.
func claimsOf(account, link string, said mapping.Statement, at time.Time) (map[pair]claimRow, error) {
	claims := map[pair]claimRow{}
	for name, v := range said.Claims {
		value, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("claim %s: %w", name, err)
		}
		claims[pair{link, name}] = claimRow{account, string(value), slices.Contains(said.Verified, name), at.UnixMicro()}
	}
	return claims, nil
}

// insertClaims stores claims; a newer word of the same link stays.
func insertClaims(ctx context.Context, tx *db.Tx, claims map[pair]claimRow) error {
	var rows [][]any
	for k, c := range inOrder(claims) {
		rows = append(rows, []any{k[0], k[1], c.account, c.value, c.verified, c.said})
	}
	return insert(ctx, tx, `INSERT INTO claims (link_id, name, account_id, value, verified, said_at)`, rows,
		`ON CONFLICT (link_id, name) DO UPDATE
			SET value = excluded.value, verified = excluded.verified, said_at = excluded.said_at
			WHERE excluded.said_at > claims.said_at`)
}
