package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Wish is what an app asked of a person who is about to prove it, which may take
// days: at a Post Office, say. It is kept by person, not by browser.
type Wish struct {
	ID        string
	App       string
	Connector string            // where the person went to prove it
	Level     mapping.Assurance // what the app asked for
	Asked     time.Time
	Until     time.Time // when nobody waits for it any more; the zero time: never
}

// Await keeps a wish of the account. A second one of the same app replaces the
// first. ID may be left to it.
func (a *Accounts) Await(ctx context.Context, account string, w Wish) error {
	w.ID = cmp.Or(w.ID, newID())
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		kept, err := changes(tx.Exec(ctx, `INSERT INTO wishes (id, account_id, app, connector, level, asked_at, valid_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (account_id, app) DO UPDATE SET id = excluded.id, connector = excluded.connector,
					level = excluded.level, asked_at = excluded.asked_at, valid_until = excluded.valid_until
				WHERE wishes.id <> excluded.id`,
			w.ID, account, w.App, w.Connector, w.Level.String(), w.Asked.UnixMicro(), micros(w.Until)))
		if err != nil || !kept {
			return err
		}
		return chain(ctx, tx, a.now(), entry{Kind: "wish.kept", Account: account, Actor: resident, Detail: map[string]any{
			"app": w.App, "connector": w.Connector, "level": w.Level.String(),
		}})
	})
	if err != nil {
		return fmt.Errorf("await: %w", err)
	}
	return nil
}

// Awaited returns the account's wishes that are not over, the oldest first.
func (a *Accounts) Awaited(ctx context.Context, account string) ([]Wish, error) {
	rows, err := a.db.Query(ctx, `SELECT id, app, connector, level, asked_at, valid_until FROM wishes
		WHERE account_id = $1 AND (valid_until IS NULL OR valid_until > $2) ORDER BY asked_at, id`, account, a.now().UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("awaited: %w", err)
	}
	defer rows.Close()

	var wishes []Wish
	for rows.Next() {
		w, err := scanWish(rows)
		if err != nil {
			return nil, fmt.Errorf("awaited: %w", err)
		}
		wishes = append(wishes, w)
	}
	return wishes, rows.Err()
}

func scanWish(rows *sql.Rows) (Wish, error) {
	var w Wish
	var level string
	var asked int64
	var until sql.NullInt64
	if err := rows.Scan(&w.ID, &w.App, &w.Connector, &level, &asked, &until); err != nil {
		return Wish{}, err
	}
	w.Asked, w.Until = time.UnixMicro(asked), moment(until)
	var err error
	w.Level, err = mapping.ParseAssurance(level)
	return w, err
}

// Grant ends wishes that have come true, and leaves a message in the outbox for
// each app. Of several that grant a wish one does; a wish that is over is not
// granted any more.
func (a *Accounts) Grant(ctx context.Context, account string, ids ...string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		now := a.now()
		var granted []entry
		for _, id := range slices.Sorted(slices.Values(ids)) {
			var app, level string
			err := tx.QueryRow(ctx, `DELETE FROM wishes WHERE id = $1 AND account_id = $2 AND (valid_until IS NULL OR valid_until > $3)
				RETURNING app, level`, id, account, now.UnixMicro()).Scan(&app, &level)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			reached := map[string]any{"account": account, "app": app, "level": level}
			if err := tell(ctx, tx, "assurance-level-change", app, reached, now); err != nil {
				return err
			}
			granted = append(granted, entry{
				Kind: "wish.granted", Account: account, Actor: resident, Detail: map[string]any{"app": app, "level": level},
			})
		}
		if len(granted) == 0 {
			return nil
		}
		return chain(ctx, tx, now, granted...)
	})
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}
