package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Delegations end without anybody ending them: where the principal stops sharing with
// an app, for that app, and in time.

// lapseAt ends for an app what the account has delegated: a delegation that is for no
// other app is over. What the principal has stopped does not begin again by somebody
// else's doing; they may name them anew. It says what is to be audited, which is
// nothing where there was none.
func lapseAt(ctx context.Context, tx *db.Tx, account, app string, now time.Time) (lapsed []entry, err error) {
	given, err := delegations(ctx, tx.Verbs, `account_id IN (`+mine+`SELECT id FROM mine) AND ended_at IS NULL AND valid_until > $2`,
		account, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	for _, d := range given {
		if !slices.Contains(d.Apps, app) {
			continue
		}
		d, err := d.without(ctx, tx, app, now)
		if errors.Is(err, sql.ErrNoRows) {
			continue // the delegate has ended it meanwhile
		}
		if err != nil {
			return nil, err
		}
		d.Apps = []string{app}
		ended, err := d.tellEnded(ctx, tx, resident, now)
		if err != nil {
			return nil, err
		}
		lapsed = append(lapsed, ended...)
	}
	return lapsed, nil
}

// without takes an app out of d, and ends d where it is the last.
func (d Delegation) without(ctx context.Context, tx *db.Tx, app string, now time.Time) (Delegation, error) {
	rest := slices.DeleteFunc(slices.Clone(d.Apps), func(other string) bool { return other == app })
	if len(rest) == 0 {
		return scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = $2, code_hash = NULL, ended_by = 'principal'
			WHERE id = $1 AND ended_at IS NULL RETURNING `+delegationColumns, d.ID, now.UnixMicro()))
	}
	apps, err := json.Marshal(rest)
	if err != nil {
		return d, err
	}
	return scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET apps = $2
		WHERE id = $1 AND ended_at IS NULL RETURNING `+delegationColumns, d.ID, string(apps)))
}

// Expire ends the delegations whose time is over, as Revoke does: whoever acts may do
// nothing any more by then, but their apps do not know it.
func (a *Accounts) Expire(ctx context.Context) error {
	ids, err := column(a.db.Query(ctx, `SELECT id FROM delegations
		WHERE accepted_at IS NOT NULL AND ended_at IS NULL AND valid_until <= $1`, a.now().UnixMicro()))
	if err != nil {
		return fmt.Errorf("delegations that are over: %w", err)
	}
	for _, id := range ids {
		if err := a.db.InTx(ctx, func(tx *db.Tx) error { return expire(ctx, tx, id, a.now()) }); err != nil {
			return fmt.Errorf("delegation %s is over: %w", id, err)
		}
	}
	return nil
}

func expire(ctx context.Context, tx *db.Tx, id string, now time.Time) error {
	d, err := scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = valid_until, ended_by = 'time'
		WHERE id = $1 AND ended_at IS NULL RETURNING `+delegationColumns, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil // another node was faster
	}
	if err != nil {
		return err
	}
	ended, err := d.tellEnded(ctx, tx, janitor, now)
	if err != nil {
		return err
	}
	return chain(ctx, tx, now, ended...)
}
