package council

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Somebody who shows to read an address is a user before they are anybody's account:
// they may turn back, or have nothing that the app needs. Nobody ever signs in to what
// is left of them then, and no account's erasure finds it.

// atOnce is how many users are looked for at a time.
const atOnce = 500

// Sweep forgets the users who came for the first time so long ago, and from whom the
// broker has had no sign-in yet. All nodes may call it at once.
func (c *Council) Sweep(ctx context.Context, unfinished time.Duration) error {
	before := c.Now().Add(-unfinished).UnixMicro()
	for {
		users, err := c.users.unknown(ctx, before)
		if err != nil {
			return fmt.Errorf("find unfinished users: %w", err)
		}
		for _, id := range users {
			if err := c.users.forget(ctx, id, issuer(c.Issuer)); err != nil {
				return fmt.Errorf("forget an unfinished user: %w", err)
			}
		}
		if len(users) < atOnce {
			return nil
		}
	}
}

// unknown are some of the users of before a time whom no way in to an account names,
// of whichever issuer: that may have had another name when they last signed in.
func (u users) unknown(ctx context.Context, before int64) ([]string, error) {
	rows, err := u.db.Query(ctx, `SELECT u.id FROM council_users u LEFT JOIN links l ON l.subject = u.id
		WHERE u.created_at < $1 AND l.subject IS NULL LIMIT $2`, before, atOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// forget deletes a user, unless they are just signing in for the first time.
func (u users) forget(ctx context.Context, id, issuer string) error {
	err := u.db.InTx(ctx, func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE council_users SET changes = changes + 1
			WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM links WHERE issuer = $2 AND subject = $1)`, id, issuer)
		if err := changed(res, err, errNoUser); err != nil {
			return err
		}
		return erase(ctx, tx, id)
	})
	if errors.Is(err, errNoUser) {
		return nil
	}
	return err
}
