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
	names := slices.Sorted(maps.Keys(said.Claims))
	err := a.changeWords(ctx, account, "claims.said", names, func(tx *db.Tx, _ bool) (bool, error) {
		words, err := claimsOf(account, "", said, a.now())
		if err != nil {
			return false, err
		}
		return true, insertClaims(ctx, tx, words)
	})
	if err != nil {
		return fmt.Errorf("say: %w", err)
	}
	return nil
}

// Unsay forgets what a resident said of themselves.
func (a *Accounts) Unsay(ctx context.Context, account string, names ...string) error {
	err := a.changeWords(ctx, account, "claims.unsaid", names, func(_ *db.Tx, before bool) (bool, error) { return before, nil })
	if err != nil {
		return fmt.Errorf("unsay: %w", err)
	}
	return nil
}

// changeWords puts something in the place of what the resident said before of the
// same, if they did. Whatever clock that was said by, it goes: the resident sees
// which is the last.
func (a *Accounts) changeWords(
	ctx context.Context, account, kind string, names []string, put func(tx *db.Tx, before bool) (bool, error),
) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		address, err := ownAddress(ctx, tx, account)
		if err != nil {
			return err
		}
		before, err := forgetWords(ctx, tx, account, names)
		if err != nil {
			return err
		}
		changed, err := put(tx, before)
		if err != nil || !changed {
			return err
		}
		if slices.Contains(names, "email") {
			about := map[string]any{"account": account, "what": "email-changed"}
			if err := tellAlso(ctx, tx, "notice", "", address, about, a.now()); err != nil {
				return err
			}
		}
		return chain(ctx, tx, a.now(), entry{Kind: kind, Account: account, Actor: resident, Detail: map[string]any{"claims": names}})
	})
}

// forgetWords reports whether there was something to forget.
func forgetWords(ctx context.Context, tx *db.Tx, account string, names []string) (bool, error) {
	before := false
	for _, name := range names {
		forgot, err := changes(tx.Exec(ctx, `DELETE FROM claims WHERE account_id = $1 AND link_id = '' AND name = $2`, account, name))
		if err != nil {
			return false, err
		}
		before = before || forgot
	}
	if !slices.Contains(names, "email") {
		return before, nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM likeness WHERE account_id = $1 AND link_id = '' AND kind = $2`, account, byEmail)
	return before, err
}

// ownAddress is the e-mail address that the resident gave and has shown to read, or
// "". Whoever changes it may not be them, so it hears of that.
func ownAddress(ctx context.Context, tx *db.Tx, account string) (string, error) {
	var value, address string
	err := tx.QueryRow(ctx, `SELECT value FROM claims
		WHERE account_id = $1 AND link_id = '' AND name = 'email' AND verified`, account).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	err = json.Unmarshal([]byte(value), &address)
	return address, err
}
