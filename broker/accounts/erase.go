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
	return a.leave(ctx, account, nil)
}

// DeleteBy is Delete by an officer.
func (a *Accounts) DeleteBy(ctx context.Context, account string, officer Lookup) (until time.Time, err error) {
	return a.leave(ctx, account, &officer)
}

// Undelete keeps an account that was to be erased. Of one that was not it does
// nothing.
func (a *Accounts) Undelete(ctx context.Context, account string) error {
	return a.keep(ctx, account, nil)
}

// UndeleteBy is Undelete by an officer.
func (a *Accounts) UndeleteBy(ctx context.Context, account string, officer Lookup) error {
	return a.keep(ctx, account, &officer)
}

// leave sets when an account is erased that its owner wants to be, or an officer.
func (a *Accounts) leave(ctx context.Context, account string, officer *Lookup) (until time.Time, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := a.lookBy(ctx, tx, account, officer); err != nil {
			return err
		}
		now := a.now()
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
		if err := tellLeaving(ctx, tx, account, "account-deleted", until, now); err != nil {
			return err
		}
		done := officer.entry("account.deleted", account)
		done.Detail["until"] = until.UTC().Format(time.RFC3339)
		return chain(ctx, tx, now, done)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("delete: %w", err)
	}
	return until, nil
}

// keep undoes leave.
func (a *Accounts) keep(ctx context.Context, account string, officer *Lookup) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := a.lookBy(ctx, tx, account, officer); err != nil {
			return err
		}
		changed, err := changes(tx.Exec(ctx, `UPDATE accounts SET leaves_at = NULL, leaves_why = ''
			WHERE id = $1 AND status IN ('active', 'frozen') AND leaves_why = '`+deleted+`'`, account))
		if err != nil {
			return err
		}
		if !changed {
			_, err := leaves(ctx, tx, account)
			return err
		}
		if err := notify(ctx, tx, account, "account-undeleted", a.now()); err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), officer.entry("account.undeleted", account))
	})
	if err != nil {
		return fmt.Errorf("undelete: %w", err)
	}
	return nil
}

// tellLeaving leaves word to a resident that, and when, their account is erased.
func tellLeaving(ctx context.Context, tx *db.Tx, account, what string, until, now time.Time) error {
	return tell(ctx, tx, "notice", "", map[string]any{
		"account": account, "what": what, "until": until.UTC().Format(time.RFC3339),
	}, now)
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

// purged is what apps are told of an account that was erased: by which subjects they
// know it. Nobody could look those up any more when the message is sent.
const purged = "account-purged"

// erase erases an account whose time has come, with those that were merged into it.
// First nobody gets in any more, then what is elsewhere goes, then the records here;
// whoever is interrupted does it again. leave ends the sessions of an account.
//
// What stays is the account's id and, by their hashes, the subjects that apps know
// it by, so that nobody ever gets one of them. The key that others were derived from
// is destroyed. A person who comes again is somebody new.
func (a *Accounts) erase(ctx context.Context, account string, leave func(ctx context.Context, account string) error) error {
	closed, err := a.close(ctx, account)
	if err == nil && closed {
		err = leave(ctx, account)
	}
	if err == nil && closed {
		err = a.eraseElsewhere(ctx, account)
	}
	if err == nil && closed {
		err = a.db.InTx(ctx, func(tx *db.Tx) error { return a.wipe(ctx, tx, account) })
	}
	if err != nil {
		return fmt.Errorf("erase account %s: %w", account, err)
	}
	return nil
}

// close decides that an account ends, unless it is kept meanwhile, and leaves word to
// the apps. It reports whether the account has ended, now or before.
func (a *Accounts) close(ctx context.Context, account string) (closed bool, err error) {
	now := a.now()
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		closed, err = changes(tx.Exec(ctx, `UPDATE accounts SET status = 'erased', leaves_at = $2
			WHERE id = $1 AND status IN ('active', 'frozen') AND leaves_at <= $2
				AND (leaves_why <> '`+inactive+`' OR reminded_at >= leaves_at - $3)`,
			account, now.UnixMicro(), lastReminder.Microseconds()))
		if err != nil {
			return err
		}
		if !closed {
			return tx.QueryRow(ctx, `SELECT status = 'erased' FROM accounts WHERE id = $1`, account).Scan(&closed)
		}
		if err := a.purge(ctx, tx, account, now); err != nil {
			return err
		}
		return chain(ctx, tx, now, entry{Kind: "account.erased", Account: account, Actor: janitor})
	})
	return closed, err
}

// purge leaves word to each app that the account signed in to.
func (a *Accounts) purge(ctx context.Context, tx *db.Tx, account string, now time.Time) error {
	n, err := namesOf(ctx, tx, account)
	if err != nil {
		return err
	}
	sectors, err := a.sectorsOf(ctx, tx, account)
	if err != nil {
		return err
	}
	for app, sector := range inOrder(sectors, strings.Compare) {
		if err := tell(ctx, tx, purged, app, map[string]any{"account": account, "subjects": n.in(sector)}, now); err != nil {
			return err
		}
	}
	return nil
}

// eraseElsewhere has ways in forget what they keep of their own.
func (a *Accounts) eraseElsewhere(ctx context.Context, account string) error {
	for issuer, keeper := range a.Keepers {
		subjects, err := texts(a.db.Query(ctx, mine+`SELECT subject, issuer FROM links WHERE issuer = $2 AND `+theirs, account, issuer))
		if err != nil {
			return err
		}
		for subject := range subjects {
			if err := keeper.Erase(ctx, subject); err != nil {
				return err
			}
		}
	}
	return nil
}

// wipe erases the records of an account that has ended. Once more, it erases what
// somebody was just writing the first time.
func (a *Accounts) wipe(ctx context.Context, tx *db.Tx, account string) error {
	if _, err := tx.Exec(ctx, mine+`UPDATE accounts SET status = status WHERE id IN (SELECT id FROM mine)`, account); err != nil {
		return err // nobody changes them meanwhile
	}
	if err := a.retire(ctx, tx, account); err != nil {
		return err
	}
	for _, k := range ofPeople {
		if err := k.erase(ctx, tx, account, a.now()); err != nil {
			return err
		}
	}
	return nil
}
