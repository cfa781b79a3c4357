package accounts

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/councilid/councilid/broker/db"
)

// Who has come by one way in may look after another one, which is more than to use the
// account: what is done to a way in, a passkey that is added to it, say, stays there
// when two accounts that were merged are taken apart. So it takes that both ways in go
// the same way then. Once a merge can be undone no more, those whose ways in they were
// are one person for good, here as everywhere.

// Together reports whether a link and an upstream subject lead in to the account, and
// would lead in to the same one whichever merges were undone that still can be. Where
// nobody knows whose one of them is they are not together. The error is ErrNotFound or
// ErrFrozen where the account may not be used.
func (a *Accounts) Together(ctx context.Context, account, link string, other Name) (together bool, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil { // nobody merges it, or takes it apart, meanwhile
			return err
		}
		lines, err := column(tx.Query(ctx, `SELECT `+itsLine+` FROM links
			WHERE account_id = $1 AND (id = $2 OR issuer = $3 AND subject = $4)`, account, link, other.Issuer, other.Subject))
		if err != nil || len(lines) != 2 {
			return err
		}
		together, err = a.stayTogether(ctx, tx, account, lines[0], lines[1])
		return err
	})
	if err != nil {
		return false, fmt.Errorf("together: %w", err)
	}
	return together, nil
}

// spareOwner makes sure that, whichever merges of an account were undone that still can
// be, whoever owns a link would get in by another one that is usable. Of a link that
// nobody knows whose it is there is no such owner.
func (a *Accounts) spareOwner(ctx context.Context, tx *db.Tx, account, link string, usable []string) error {
	lines, err := texts(tx.Query(ctx, `SELECT id, `+itsLine+` FROM links WHERE account_id = $1`, account))
	if err != nil {
		return err
	}
	line := lines[link]
	if owned, err := a.stayTogether(ctx, tx, account, line, line); err != nil || !owned {
		return err
	}
	for _, other := range usable {
		if together, err := a.stayTogether(ctx, tx, account, line, lines[other]); err != nil || together {
			return err
		}
	}
	return ErrLastOfOther
}

// stayTogether goes through the merges of an account as they would be undone, the last
// one first, and on to the account with which both lines would go.
func (a *Accounts) stayTogether(ctx context.Context, tx *db.Tx, account, line, other string) (bool, error) {
	standing, err := a.standing(ctx, tx, account)
	if err != nil {
		return false, err
	}
	for _, m := range standing {
		s := sides{mine: m.trail.Kept, theirs: m.trail.Links}
		mine, theirs := s.of(line)
		otherMine, otherTheirs := s.of(other)
		switch {
		case mine == theirs || mine != otherMine || theirs != otherTheirs:
			return false, nil
		case theirs:
			return a.stayTogether(ctx, tx, m.Absorbed, line, other)
		}
	}
	return true, nil
}

// standing are the merges into an account that can be undone still, the last one first.
// What one wrote down may be gone: whose the ways in are, nobody knows then.
func (a *Accounts) standing(ctx context.Context, tx *db.Tx, account string) ([]merged, error) {
	rows, err := tx.Query(ctx, `SELECT absorbed, COALESCE(undo, '{}') FROM merges
		WHERE kept = $1 AND merged_at > $2 AND undone_at IS NULL ORDER BY place DESC`, account, a.now().Add(-a.UndoTime).UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []merged
	for rows.Next() {
		var m merged
		var undo string
		if err := rows.Scan(&m.Absorbed, &undo); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(undo), &m.trail); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}
