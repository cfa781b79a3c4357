package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Two accounts turn out to be one person's: the person has proved both, or two
// officers say so. One of them is kept and the other absorbed, with all that is
// its own; see absorb. Apps go on knowing the person by the subjects that they know.
//
// A merge can be undone for a time: what it moved goes back, and what came
// afterwards stays; see restore. Merges of one account are undone in reverse order.

var (
	// ErrSameOfficer says that it takes another officer to approve.
	ErrSameOfficer = errors.New("somebody else than who proposed it must approve it")

	// ErrDecided says that there is nothing to decide of a merge: it is unknown, was
	// made or undone before, can be undone no more, or was proposed too long ago.
	ErrDecided = errors.New("it was decided before, or is over")

	// ErrLaterMerge says that another merge of the account must be undone first.
	ErrLaterMerge = errors.New("a later merge of the account must be undone first")

	// ErrLeaving says that an account is to be erased: it must be kept first.
	ErrLeaving = errors.New("the account is to be erased")
)

// Merge is two accounts that are merged, or were, or are to be.
type Merge struct {
	ID             string
	Kept, Absorbed string // accounts
	Reason         string
	Proposed       time.Time
	ProposedBy     string    // an officer, or resident for the person, who has proved both sides
	Merged         time.Time // the zero time: not yet
	ApprovedBy     string
	Until          time.Time // until when it can be undone
	Withdrawn      time.Time // before anybody approved; the zero time: it was not
	WithdrawnBy    string
	UndoReason     string
	UndoProposed   time.Time
	UndoProposedBy string    // "": nobody wants that
	Undone         time.Time // the zero time: it was not
	UndoneBy       string
}

// Merges returns the merges that the account has a part in, the latest first.
func (a *Accounts) Merges(ctx context.Context, account string) ([]Merge, error) {
	return a.merges(ctx, `kept = $1 OR absorbed = $1`, account)
}

// Merge returns the merge of an id. The error is ErrDecided where there is none.
func (a *Accounts) Merge(ctx context.Context, id string) (Merge, error) {
	found, err := a.merges(ctx, `id = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("merge %q: %w", id, ErrDecided)
	}
	if err != nil {
		return Merge{}, err
	}
	return found[0], nil
}

func (a *Accounts) merges(ctx context.Context, where string, args ...any) ([]Merge, error) {
	rows, err := a.db.Query(ctx, `SELECT id, kept, absorbed, reason, proposed_at, proposed_by, merged_at, COALESCE(approved_by, ''),
			withdrawn_at, withdrawn_by, undo_reason, undo_proposed_at, undo_proposed_by, undone_at, undone_by
		FROM merges WHERE `+where+` ORDER BY proposed_at DESC, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("merges: %w", err)
	}
	defer rows.Close()

	var all []Merge
	for rows.Next() {
		var m Merge
		var proposed int64
		var merged, withdrawn, undoProposed, undone sql.NullInt64
		if err := rows.Scan(&m.ID, &m.Kept, &m.Absorbed, &m.Reason, &proposed, &m.ProposedBy, &merged, &m.ApprovedBy,
			&withdrawn, &m.WithdrawnBy, &m.UndoReason, &undoProposed, &m.UndoProposedBy, &undone, &m.UndoneBy); err != nil {
			return nil, fmt.Errorf("merges: %w", err)
		}
		m.Proposed, m.Merged, m.Withdrawn = time.UnixMicro(proposed), moment(merged), moment(withdrawn)
		m.UndoProposed, m.Undone = moment(undoProposed), moment(undone)
		if merged.Valid {
			m.Until = m.Merged.Add(a.UndoTime)
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// MergeProved merges two accounts for a person who has just proved both to be
// theirs. The error is ErrTwoPeople where two dates of birth are proved of them, and
// else as for Approve.
func (a *Accounts) MergeProved(ctx context.Context, kept, absorbed string) (id string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBoth(ctx, tx, kept, absorbed); err != nil {
			return err
		}
		if err := onePersons(ctx, tx, kept, absorbed); err != nil {
			return err
		}
		if id, err = a.insertMerge(ctx, tx, kept, absorbed, resident, "proved"); err != nil {
			return err
		}
		return a.merge(ctx, tx, id, kept, absorbed, resident, resident)
	})
	if err != nil {
		return "", fmt.Errorf("merge: %w", err)
	}
	return id, nil
}

// merge merges two accounts, approved by somebody, who is an actor of the audit chain.
func (a *Accounts) merge(ctx context.Context, tx *db.Tx, id, kept, absorbed, by, actor string) error {
	if err := holdBoth(ctx, tx, kept, absorbed); err != nil {
		return err
	}
	t, err := a.absorb(ctx, tx, kept, absorbed)
	if err != nil {
		return err
	}
	now := a.now()
	undo, err := t.pack()
	if err != nil {
		return err
	}
	// Merges of one account wait for each other, and have a place in line.
	if _, err := tx.Exec(ctx, `UPDATE merges SET approved_by = $2, merged_at = $3, undo = $4,
			place = (SELECT COALESCE(MAX(place), 0) + 1 FROM merges WHERE merged_at IS NOT NULL) WHERE id = $1`,
		id, by, now.UnixMicro(), undo); err != nil {
		return err
	}
	m := Merge{ID: id, Kept: kept, Absorbed: absorbed}
	if err := m.tell(ctx, tx, Merged, t.Told, now); err != nil {
		return err
	}
	if err := notify(ctx, tx, kept, "accounts-merged", now); err != nil {
		return err
	}
	return chain(ctx, tx, now, ofBoth("accounts.merged", kept, absorbed, actor, id, byOfficer(by, actor))...)
}

// tell leaves word of the merge, or of its end, to apps; and to the broker itself, as
// app "", whose nodes have both accounts' sessions.
func (m Merge) tell(ctx context.Context, tx *db.Tx, kind string, apps []string, now time.Time) error {
	for _, app := range append([]string{""}, apps...) {
		about := map[string]any{"account": m.Kept, "absorbed": m.Absorbed, "merge": m.ID}
		if err := tell(ctx, tx, kind, app, about, now); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) insertMerge(ctx context.Context, tx *db.Tx, kept, absorbed, by, reason string) (id string, err error) {
	id = newID()
	_, err = tx.Exec(ctx, `INSERT INTO merges (id, kept, absorbed, proposed_by, reason, proposed_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, kept, absorbed, by, reason, a.now().UnixMicro())
	return id, err
}

// holdBoth holds two accounts, in an order that all keep to, and makes sure that
// both may be used.
func holdBoth(ctx context.Context, tx *db.Tx, one, other string) error {
	if one == other {
		return errors.New("an account is not merged with itself")
	}
	for _, account := range []string{min(one, other), max(one, other)} {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		at, err := leaves(ctx, tx, account)
		if err != nil {
			return err
		}
		if !at.IsZero() {
			return ErrLeaving
		}
	}
	return nil
}

// decided is err, or ErrDecided where there was no row.
func decided(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrDecided
	}
	return err
}

// ofBoth is what was done to two accounts, as each has it in the audit chain.
func ofBoth(kind, kept, absorbed, actor, merge string, besides map[string]any) []entry {
	detail := map[string]any{"merge": merge, "kept": kept, "absorbed": absorbed}
	maps.Copy(detail, besides)
	return []entry{
		{Kind: kind, Account: kept, Actor: actor, Detail: detail},
		{Kind: kind, Account: absorbed, Actor: actor, Detail: detail},
	}
}

// byOfficer names the officer who acted, if one did.
func byOfficer(by, actor string) map[string]any {
	if actor != operator {
		return nil
	}
	return map[string]any{"officer": by}
}
