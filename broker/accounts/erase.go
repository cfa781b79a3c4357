package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Why an account leaves.
const (
	deleted  = "deleted"  // the resident wants it, or an officer
	inactive = "inactive" // nobody has signed in for long: a sign-in keeps it
)

// Keeper keeps records of its own of the people who sign in by it: the council's
// own way in does.
type Keeper interface {
	// Export returns what is kept of the subject; ok is false where nothing is.
	Export(ctx context.Context, subject string) (record any, ok bool, err error)
	// Erase forgets the subject, for good. A second time it does nothing.
	Erase(ctx context.Context, subject string) error
}

// Delete has the account erased when the resident has had time to think again:
// until then it is used as before, and Undelete keeps it. A second time it changes
// nothing.
func (a *Accounts) Delete(ctx context.Context, account string) (until time.Time, err error) {
	until, err = a.leave(ctx, account, resident)
	if err != nil {
		return time.Time{}, fmt.Errorf("delete: %w", err)
	}
	return until, nil
}

// Undelete keeps an account that was to be erased. Of one that was not it does
// nothing.
func (a *Accounts) Undelete(ctx context.Context, account string) error {
	if err := a.keep(ctx, account, resident); err != nil {
		return fmt.Errorf("undelete: %w", err)
	}
	return nil
}

// leave sets when an account is erased that its owner, or an officer, wants to be.
func (a *Accounts) leave(ctx context.Context, account, actor string) (until time.Time, err error) {
	now := a.now()
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		until = now.Add(a.CoolingOff)
		changed, err := changes(tx.Exec(ctx, `UPDATE accounts SET leaves_at = $2, leaves_why = '`+deleted+`'
			WHERE id = $1 AND status IN ('active', 'frozen') AND leaves_why <> '`+deleted+`'`, account, until.UnixMicro()))
		if err != nil {
			return err
		}
		if !changed {
			until, err = leaves(ctx, tx, account)
			return err
		}
		if err := notify(ctx, tx, account, "account.deleted", now); err != nil {
			return err
		}
		return chain(ctx, tx, now, entry{Kind: "account.deleted", Account: account, Actor: actor, Detail: map[string]any{
			"until": until.UTC().Format(time.RFC3339),
		}})
	})
	return until, err
}

// leaves is when a usable account is erased.
func leaves(ctx context.Context, tx *db.Tx, account string) (time.Time, error) {
	var at sql.NullInt64
	err := tx.QueryRow(ctx, `SELECT leaves_at FROM accounts WHERE id = $1 AND status IN ('active', 'frozen')`, account).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, ErrNotFound
	}
	return moment(at), err
}

// keep undoes leave.
func (a *Accounts) keep(ctx context.Context, account, actor string) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		changed, err := changes(tx.Exec(ctx, `UPDATE accounts SET leaves_at = NULL, leaves_why = ''
			WHERE id = $1 AND status IN ('active', 'frozen') AND leaves_why = '`+deleted+`'`, account))
		if err != nil {
			return err
		}
		if !changed {
			_, err := leaves(ctx, tx, account)
			return err
		}
		if err := notify(ctx, tx, account, "account.undeleted", a.now()); err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), entry{Kind: "account.undeleted", Account: account, Actor: actor})
	})
}

// stay keeps an account that was to be erased because nobody used it, as somebody
// does. It is errRaced where somebody was faster, who may have erased it.
func (a *Accounts) stay(ctx context.Context, account string) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		kept, err := changes(tx.Exec(ctx, `UPDATE accounts SET leaves_at = NULL, leaves_why = '', reminded_at = NULL
			WHERE id = $1 AND status = 'active' AND leaves_why = '`+inactive+`'`, account))
		if err != nil {
			return err
		}
		if !kept {
			return errRaced
		}
		return chain(ctx, tx, a.now(), entry{Kind: "account.kept", Account: account, Actor: resident})
	})
}
