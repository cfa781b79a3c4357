package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/councilid/councilid/broker/db"
)

// Whoever has the code of an invitation sees who asks them, for what and until when,
// before they say yes or no.

// open is true of invitations that a code, by its hash, can be used for.
const open = `code_hash = $1 AND code_expires_at > $2 AND ended_at IS NULL
	AND account_id IN (SELECT id FROM accounts WHERE status = 'active')`

// Invited returns to what a code invites the account, and the principal's account as it
// is now. The errors are those of Accept; it is ErrInvitation, too, where the principal
// is kept out.
func (a *Accounts) Invited(ctx context.Context, account, code string) (Delegation, Account, error) {
	found, err := a.delegations(ctx, open, hashOfCode(code), a.now().UnixMicro())
	switch {
	case err != nil:
		return Delegation{}, Account{}, err
	case len(found) == 0:
		return Delegation{}, Account{}, ErrInvitation
	case found[0].Principal == account:
		return Delegation{}, Account{}, ErrOneself
	}
	principal, err := a.principal(ctx, found[0])
	if errors.Is(err, ErrWithdrawn) {
		return Delegation{}, Account{}, errors.Join(ErrInvitation, err)
	}
	return found[0], principal, err
}

// Decline refuses an invitation for good, and tells the principal. The errors are those
// of Accept.
func (a *Accounts) Decline(ctx context.Context, account, code string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		now := a.now()
		d, err := scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = $2, ended_by = 'delegate', code_hash = NULL
			WHERE account_id <> $3 AND `+open+` RETURNING `+delegationColumns, hashOfCode(code), now.UnixMicro(), account))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrInvitation
		}
		if err != nil {
			return err
		}
		declined, err := d.tellBoth(ctx, tx, "delegation.declined", "delegation-declined", resident, now)
		if err != nil {
			return err
		}
		return chain(ctx, tx, now, declined...)
	})
	if err != nil {
		return fmt.Errorf("decline: %w", err)
	}
	return nil
}
