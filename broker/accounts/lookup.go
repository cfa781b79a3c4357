package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// ErrNoReason says that an officer did not say who they are or why they look.
var ErrNoReason = errors.New("say who looks and why")

// Lookup is an officer's look at an account, or what they did to it.
type Lookup struct {
	Officer string
	Reason  string
	What    string // account.show …
	At      time.Time
}

// Look writes down that an officer looks at an account, before they do. The error
// is ErrNotFound where there was never such an account, and ErrNoReason where the
// officer does not say who they are or why.
func (a *Accounts) Look(ctx context.Context, account string, l Lookup) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error { return look(ctx, tx, account, l, a.now()) })
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	return nil
}

func look(ctx context.Context, tx *db.Tx, account string, l Lookup, now time.Time) error {
	officer, reason, err := because(l.Officer, l.Reason)
	if err != nil {
		return err
	}
	written, err := changes(tx.Exec(ctx, `INSERT INTO lookups (id, account_id, officer, reason, what, at)
		SELECT $1, id, $3, $4, $5, $6 FROM accounts WHERE id = $2`,
		newID(), account, officer, reason, l.What, now.UnixMicro()))
	if err == nil && !written {
		return ErrNotFound
	}
	return err
}

// LookAtMerge is Look at both accounts of a merge, or of what is to be one. The error
// is ErrDecided where there is none.
func (a *Accounts) LookAtMerge(ctx context.Context, id string, l Lookup) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		var both [2]string
		err := tx.QueryRow(ctx, `SELECT kept, absorbed FROM merges WHERE id = $1`, id).Scan(&both[0], &both[1])
		if err != nil {
			return decided(err)
		}
		now := a.now() // it is one look
		for _, account := range both {
			if err := look(ctx, tx, account, l, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	return nil
}

// lookBy is look by an officer, if it is one.
func (a *Accounts) lookBy(ctx context.Context, tx *db.Tx, account string, officer *Lookup) error {
	if officer == nil {
		return nil
	}
	return look(ctx, tx, account, *officer, a.now())
}

// entry is what an officer did, or the resident where it was none.
func (l *Lookup) entry(kind, account string) entry {
	if l == nil {
		return entry{Kind: kind, Account: account, Actor: resident, Detail: map[string]any{}}
	}
	return entry{Kind: kind, Account: account, Actor: operator, Detail: map[string]any{"officer": l.Officer}}
}

// Lookups returns the officers' looks at the account, and at those that were merged into
// it, the latest first.
func (a *Accounts) Lookups(ctx context.Context, account string) ([]Lookup, error) {
	rows, err := a.db.Query(ctx, mine+`SELECT DISTINCT officer, reason, what, at FROM lookups WHERE `+theirs+`
		ORDER BY at DESC, officer, what, reason`, account)
	if err != nil {
		return nil, fmt.Errorf("look-ups: %w", err)
	}
	defer rows.Close()

	var all []Lookup
	for rows.Next() {
		var l Lookup
		var at int64
		if err := rows.Scan(&l.Officer, &l.Reason, &l.What, &at); err != nil {
			return nil, fmt.Errorf("look-ups: %w", err)
		}
		l.At = time.UnixMicro(at)
		all = append(all, l)
	}
	return all, rows.Err()
}
