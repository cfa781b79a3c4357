package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Reader is where a resident reads what the council writes, and in what language.
type Reader struct {
	Addresses []string // e-mail addresses that somebody vouches for, the resident's own first
	Locale    string   // their own choice, or what a provider says; "" where nobody knows
}

// Reader returns where the person behind an account reads mail. Mail goes to each
// address: whoever has got hold of one way in is not the only one to hear of what is
// done by it. There is none where mail does not arrive, or where the way in that
// brought it leads in no more.
func (a *Accounts) Reader(ctx context.Context, account string) (Reader, error) {
	rows, err := a.db.Query(ctx, `SELECT c.name, c.value FROM claims c LEFT JOIN links k ON k.id = c.link_id
		WHERE c.account_id = $1 AND (c.name = 'email' AND c.verified AND k.undeliverable_at IS NULL OR c.name = 'locale')
			AND k.frozen_at IS NULL AND k.unlinked_at IS NULL
		ORDER BY c.link_id`, account) // the resident's is ''
	if err != nil {
		return Reader{}, fmt.Errorf("reader: %w", err)
	}
	defer rows.Close()

	var r Reader
	for rows.Next() {
		var name, value, said string
		if err := rows.Scan(&name, &value); err != nil {
			return Reader{}, fmt.Errorf("reader: %w", err)
		}
		if err := json.Unmarshal([]byte(value), &said); err != nil {
			continue // it is no text
		}
		switch {
		case name == "locale" && r.Locale == "":
			r.Locale = said
		case name == "email" && !slices.Contains(r.Addresses, said):
			r.Addresses = append(r.Addresses, said)
		}
	}
	return r, rows.Err()
}
