package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Whose is the account that an upstream subject leads in to, usable or not. It
// makes none: the error is ErrUnknownLink where nobody signs in with it.
func (a *Accounts) Whose(ctx context.Context, issuer, subject string) (account string, err error) {
	err = a.db.QueryRow(ctx, `SELECT account_id FROM links WHERE issuer = $1 AND subject = $2`, issuer, subject).Scan(&account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", ErrUnknownLink
	case err != nil:
		return "", fmt.Errorf("whose: %w", err)
	}
	return account, nil
}
