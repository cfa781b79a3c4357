package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Retention is how long records are kept.
type Retention struct {
	SignIns   time.Duration // the history of sign-ins
	Inactive  time.Duration // accounts that nobody signs in to
	Delivered time.Duration // messages after they were delivered
	Lookups   time.Duration // who looked at whose account
}

// Nobody loses an account for not having used it before they were told twice, where
// mail reaches them: so long before.
const (
	firstReminder = 30 * 24 * time.Hour
	lastReminder  = 7 * 24 * time.Hour
)

// Sweep does what has become due: it deletes what was kept for long enough, reminds
// those who have not signed in for long, and erases the accounts that leave, whose
// sessions leave ends. All nodes call it every hour; one does it.
func (a *Accounts) Sweep(ctx context.Context, keep Retention, leave func(ctx context.Context, account string) error) error {
	due, err := a.due(ctx, "retention", 50*time.Minute) // less than an hour, or a node would come too early every other time
	if err != nil || !due {
		return err
	}
	err = errors.Join(a.expire(ctx, keep), a.remind(ctx, keep.Inactive), a.eraseLeavers(ctx, leave))
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// due reports whether a chore falls to whoever asks, who is the only one for a while.
func (a *Accounts) due(ctx context.Context, chore string, every time.Duration) (bool, error) {
	now := a.now()
	return changes(a.db.Exec(ctx, `UPDATE chores SET due_at = $3 WHERE name = $1 AND due_at <= $2`,
		chore, now.UnixMicro(), now.Add(every).UnixMicro()))
}

// expire deletes what was kept for long enough.
func (a *Accounts) expire(ctx context.Context, keep Retention) error {
	now := a.now()
	before := func(kept time.Duration) int64 { return now.Add(-kept).UnixMicro() }
	for _, old := range []struct {
		table, which string
		before       int64
	}{
		{"sign_ins", `at < $1`, before(keep.SignIns)},
		{"lookups", `at < $1`, before(keep.Lookups)},
		{"wishes", `valid_until < $1`, before(0)},
		{"outbox", `delivered_at < $1`, before(keep.Delivered)},
		// It says by which subject an app knew somebody.
		{"outbox", `kind = '` + purged + `' AND delivered_at <= $1`, before(0)},
		// Nobody needs to hear of what was done so long ago.
		{"outbox", `kind IN ('notice', 'letter') AND created_at < $1`, before(keep.Delivered)},
	} {
		if err := a.deleteSome(ctx, old.table, old.which, old.before); err != nil {
			return fmt.Errorf("%s: %w", old.table, err)
		}
	}
	// What it takes to undo a merge are records as they were.
	if _, err := a.db.Exec(ctx, `UPDATE merges SET undo = NULL WHERE undo IS NOT NULL AND merged_at < $1`, before(a.UndoTime)); err != nil {
		return fmt.Errorf("merges: %w", err)
	}
	return nil
}

// atOnce is how many rows a transaction of the janitor changes: others wait for it.
const atOnce = 500

// deleteSome deletes the rows of a table, not too many at a time.
func (a *Accounts) deleteSome(ctx context.Context, table, which string, before int64) error {
	for {
		result, err := a.db.Exec(ctx, fmt.Sprintf(`DELETE FROM %s WHERE id IN (SELECT id FROM %[1]s WHERE %s LIMIT %d)`, table, which, atOnce), before)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n < atOnce {
			return err
		}
	}
}

// remind reminds the owners of accounts that nobody uses. However late it comes, they
// get both reminders in time.
func (a *Accounts) remind(ctx context.Context, unused time.Duration) error {
	if err := a.revive(ctx, unused); err != nil {
		return fmt.Errorf("revive: %w", err)
	}
	if err := a.remindAgain(ctx); err != nil {
		return fmt.Errorf("remind again: %w", err)
	}
	if err := a.remindFirst(ctx, unused); err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	return nil
}

// revive keeps the accounts that somebody has used since their owners were reminded.
func (a *Accounts) revive(ctx context.Context, unused time.Duration) error {
	_, err := a.mark(ctx, `UPDATE accounts SET leaves_at = NULL, leaves_why = '', reminded_at = NULL
		WHERE leaves_why = '`+inactive+`' AND status IN ('active', 'frozen') AND `+usedSince(`accounts.leaves_at - $1`)+`
		RETURNING id, 0`, unused.Microseconds())
	return err
}

func (a *Accounts) remindFirst(ctx context.Context, unused time.Duration) error {
	now := a.now()
	for {
		n, err := a.mark(ctx, `UPDATE accounts SET leaves_at = $1, leaves_why = '`+inactive+`', reminded_at = $2
			WHERE leaves_at IS NULL AND id IN (SELECT id FROM accounts
				WHERE status IN ('active', 'frozen') AND leaves_at IS NULL AND created_at < $3 AND NOT `+usedSince(`$3`)+` LIMIT $4)
			RETURNING id, leaves_at`,
			now.Add(firstReminder).UnixMicro(), now.UnixMicro(), now.Add(firstReminder-unused).UnixMicro(), atOnce)
		if err != nil || n < atOnce {
			return err
		}
	}
}

func (a *Accounts) remindAgain(ctx context.Context) error {
	now := a.now()
	_, err := a.mark(ctx, `UPDATE accounts SET reminded_at = $1, leaves_at = CASE WHEN leaves_at < $2 THEN $2 ELSE leaves_at END
		WHERE leaves_why = '`+inactive+`' AND status IN ('active', 'frozen') AND leaves_at <= $2 AND reminded_at < leaves_at - $3
		RETURNING id, leaves_at`,
		now.UnixMicro(), now.Add(lastReminder).UnixMicro(), lastReminder.Microseconds())
	return err
}

// usedSince says that an account was used, by its owner or by somebody who acts for
// them.
func usedSince(since string) string {
	return `(EXISTS (SELECT 1 FROM links u WHERE u.account_id = accounts.id AND u.last_used_at >= ` + since + `)
		OR EXISTS (SELECT 1 FROM services s WHERE s.account_id = accounts.id AND s.last_used_at >= ` + since + `))`
}

// mark carries out a change of when unused accounts are erased, which returns their
// ids and when that is now, and tells their owners if it is at all.
func (a *Accounts) mark(ctx context.Context, change string, args ...any) (int, error) {
	var marked int
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		accounts, err := numbers(tx.Query(ctx, change, args...))
		if err != nil || len(accounts) == 0 {
			return err
		}
		marked = len(accounts)
		var done []entry
		for account, leaves := range inOrder(accounts, strings.Compare) {
			if leaves == 0 {
				done = append(done, entry{Kind: "account.kept", Account: account, Actor: resident})
				continue
			}
			until := map[string]any{"until": time.UnixMicro(leaves).UTC().Format(time.RFC3339)}
			done = append(done, entry{Kind: "account.inactive", Account: account, Actor: janitor, Detail: until})
			if err := tellLeaving(ctx, tx, account, "account-inactive", time.UnixMicro(leaves), a.now()); err != nil {
				return err
			}
		}
		return chain(ctx, tx, a.now(), done...)
	})
	return marked, err
}

// numbers reads rows of a text and a number.
func numbers(rows *sql.Rows, err error) (map[string]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	all := map[string]int64{}
	for rows.Next() {
		var key string
		var value int64
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}

// eraseLeavers erases the accounts whose time has come; those that it could not erase
// wholly; and, for what somebody was just writing then, those of the last days again.
// One that cannot be erased does not keep the others.
func (a *Accounts) eraseLeavers(ctx context.Context, leave func(ctx context.Context, account string) error) error {
	now := a.now()
	leavers, err := texts(a.db.Query(ctx, `SELECT id, status FROM accounts WHERE leaves_at <= $1
		AND (status IN ('active', 'frozen') OR status = 'erased' AND (length(subject_key) > 0 OR leaves_at > $2))`,
		now.UnixMicro(), now.Add(-2*24*time.Hour).UnixMicro()))
	if err != nil {
		return err
	}
	var errs []error
	for account := range inOrder(leavers, strings.Compare) {
		errs = append(errs, a.erase(ctx, account, leave))
	}
	return errors.Join(errs...)
}
