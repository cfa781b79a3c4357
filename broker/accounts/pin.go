package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// ErrTaken says that the apps of the sector know somebody else by the subject, or
// knew somebody by it who is no more.
var ErrTaken = errors.New("the subject is another account's")

// Pin makes subject what the apps of a sector know an account by, in place of
// the derived one: an identifier that a legacy system gave out before. Those
// by which they knew it before stay its own. The error is ErrTaken where the
// subject is somebody else's, and ErrNotFound or ErrFrozen where the account is
// not to be used.
func (a *Accounts) Pin(ctx context.Context, account, sector, subject string) error {
	if sector == "" || subject == "" || strings.HasPrefix(subject, retiredPrefix) {
		return errors.New("pin: no sector or no subject")
	}
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		if err := a.pinDerived(ctx, tx, account, sector); err != nil {
			return err
		}
		if err := pin(ctx, tx, account, sector, subject); err != nil {
			return err
		}
		// The subject is personal: it is what another system knows a person by.
		return chain(ctx, tx, a.now(), entry{
			Kind: "subject.pinned", Account: account, Actor: operator, Detail: map[string]any{"sector": sector},
		})
	})
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	return nil
}

// pinDerived keeps the derived subject of an account where an app of the sector may
// have been told it: nobody else gets it, whatever comes in its place.
func (a *Accounts) pinDerived(ctx context.Context, tx *db.Tx, account, sector string) error {
	sectors, err := a.sectorsOf(ctx, tx, account)
	if err != nil || !slices.Contains(slices.Collect(maps.Values(sectors)), sector) {
		return err
	}
	var key []byte
	if err := tx.QueryRow(ctx, `SELECT subject_key FROM accounts WHERE id = $1`, account).Scan(&key); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		account, sector, mapping.Pairwise(key, sector), false)
	return err
}

// hold keeps others from changing an account until tx ends, and reports
// whether it may be used.
func hold(ctx context.Context, tx *db.Tx, account string) error {
	var status string
	err := tx.QueryRow(ctx, `UPDATE accounts SET status = status WHERE id = $1 RETURNING status`, account).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return usable(status)
}

// holdBy is hold for somebody who came in by a link, or by "" where nobody knows: where
// that leads to the account no more it is not theirs to change.
func holdBy(ctx context.Context, tx *db.Tx, account, link string) error {
	err := hold(ctx, tx, account)
	if err != nil || link == "" {
		return err
	}
	return gone(tx.QueryRow(ctx, `SELECT id FROM links WHERE id = $1 AND account_id = $2`, link, account).Scan(new(string)))
}

func pin(ctx context.Context, tx *db.Tx, account, sector, subject string) error {
	_, err := tx.Exec(ctx, `UPDATE subjects SET current = $1 WHERE account_id = $2 AND sector = $3 AND current`, false, account, sector)
	if err != nil {
		return err
	}
	pinned, err := changes(tx.Exec(ctx, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, $2, $3, $4)
		ON CONFLICT (sector, subject) DO UPDATE SET current = excluded.current WHERE subjects.account_id = excluded.account_id`,
		account, sector, subject, true))
	if err != nil {
		return err
	}
	// Read once the subject is there: whoever erases its account, and leaves the hash
	// instead, was before us or finds it taken.
	was, err := reissued(ctx, tx, sector, subject)
	if err == nil && (!pinned || was) {
		return ErrTaken
	}
	return err
}
