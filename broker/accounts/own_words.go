package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Say keeps what a resident says of themselves, in place of what they said before of
// the same. The council vouches for what is Verified: an e-mail address that they
// have shown to read. Of a new address they are told at the old one, too.
func (a *Accounts) Say(ctx context.Context, account string, said mapping.Statement) error {
	now := a.now()
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		claims, err := claimsOf(account, "", said, now)
		if err != nil {
			return err
		}
		names := slices.Sorted(maps.Keys(said.Claims))
		if err := a.tellOfAddress(ctx, tx, account, names); err != nil {
			return err
		}
		if err := insertClaims(ctx, tx, claims); err != nil {
			return err
		}
		return chain(ctx, tx, now, entry{Kind: "claims.said", Account: account, Actor: resident, Detail: map[string]any{"claims": names}})
	})
	if err != nil {
		return fmt.Errorf("say: %w", err)
	}
	return nil
}

// Unsay forgets what a resident said of themselves.
func (a *Accounts) Unsay(ctx context.Context, account string, names ...string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		if err := a.tellOfAddress(ctx, tx, account, names); err != nil {
			return err
		}
		forgotten := 0
		for _, name := range names {
			changed, err := changes(tx.Exec(ctx, `DELETE FROM claims WHERE account_id = $1 AND link_id = '' AND name = $2`, account, name))
			if err != nil {
				return err
			}
			if changed {
				forgotten++
			}
		}
		if forgotten == 0 {
			return nil
		}
		if slices.Contains(names, "email") {
			if _, err := tx.Exec(ctx, `DELETE FROM likeness WHERE account_id = $1 AND link_id = '' AND kind = $2`, account, byEmail); err != nil {
				return err
			}
		}
		return chain(ctx, tx, a.now(), entry{Kind: "claims.unsaid", Account: account, Actor: resident, Detail: map[string]any{"claims": names}})
	})
	if err != nil {
		return fmt.Errorf("unsay: %w", err)
	}
	return nil
}

// tellOfAddress leaves word, at the address that the resident gave, that they give
// another, where that is among what changes: whoever changes it may not be them.
func (a *Accounts) tellOfAddress(ctx context.Context, tx *db.Tx, account string, names []string) error {
	if !slices.Contains(names, "email") {
		return nil
	}
	var value, address string
	err := tx.QueryRow(ctx, `SELECT value FROM claims
		WHERE account_id = $1 AND link_id = '' AND name = 'email' AND verified`, account).Scan(&value)
	if err == nil {
		err = json.Unmarshal([]byte(value), &address)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return tellAlso(ctx, tx, "notice", "", address, map[string]any{"account": account, "what": "email-changed"}, a.now())
}
