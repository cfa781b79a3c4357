package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// UndoProved undoes a merge that a person had made of their own accounts; account is
// the one that was kept. It answers as ApproveUndo does.
func (a *Accounts) UndoProved(ctx context.Context, account, id string) (left []string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		m, err := a.undoable(ctx, tx, id)
		if err != nil {
			return err
		}
		if m.Kept != account || m.ApprovedBy != resident {
			return ErrDecided
		}
		left, err = a.undo(ctx, tx, m, resident, resident)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("undo a merge: %w", err)
	}
	return left, nil
}

// undoable is a merge that can be undone still, with what it wrote down. Others wait
// until tx ends.
func (a *Accounts) undoable(ctx context.Context, tx *db.Tx, id string) (m merged, err error) {
	var undo sql.NullString
	var proposed sql.NullInt64
	var at int64
	m.now = a.now()
	err = tx.QueryRow(ctx, `UPDATE merges SET undone_by = undone_by WHERE id = $1 AND merged_at > $2 AND undone_at IS NULL
		RETURNING kept, absorbed, approved_by, undo_proposed_by, undo_proposed_at, merged_at, place, undo`, id, m.now.Add(-a.UndoTime).UnixMicro()).
		Scan(&m.Kept, &m.Absorbed, &m.ApprovedBy, &m.UndoProposedBy, &proposed, &at, &m.place, &undo)
	if err != nil {
		return m, decided(err)
	}
	if !undo.Valid {
		return m, ErrDecided
	}
	m.ID, m.Merged, m.UndoProposed = id, time.UnixMicro(at), moment(proposed)
	err = json.Unmarshal([]byte(undo.String), &m.trail)
	return m, err
}

// merged is a merge with what it takes to undo it.
type merged struct {
	Merge
	place int64 // in line
	trail trail
	now   time.Time

	// What is known while it is undone.
	actor  string                  // of the audit chain
	sector func(app string) string // see Accounts
	sides  sides                   // whose the ways in are
	left   []string                // see ApproveUndo
	done   []entry                 // what is to be audited besides
}

// undo takes two accounts apart, as approved by somebody, who is an actor of the
// audit chain.
func (a *Accounts) undo(ctx context.Context, tx *db.Tx, m merged, by, actor string) (left []string, err error) {
	unusable := hold(ctx, tx, m.Kept) // it may be merged itself
	var later int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM merges WHERE (kept = $1 OR absorbed = $1) AND place > $2
		AND merged_at IS NOT NULL AND undone_at IS NULL`, m.Kept, m.place).Scan(&later); err != nil {
		return nil, err
	}
	switch {
	case later > 0:
		return nil, ErrLaterMerge
	case unusable != nil:
		return nil, unusable
	}
	m.actor, m.sector = actor, a.Sector
	if err := m.restore(ctx, tx); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `UPDATE merges SET undone_at = $2, undone_by = $3, undo = NULL WHERE id = $1`, m.ID, m.now.UnixMicro(), by); err != nil {
		return nil, err
	}
	if err := m.tell(ctx, tx, Split, m.trail.Told, m.now); err != nil {
		return nil, err
	}
	for _, account := range []string{m.Kept, m.Absorbed} {
		if err := notify(ctx, tx, account, "accounts-split", m.now); err != nil {
			return nil, err
		}
	}
	detail := map[string]any{"left": m.left}
	maps.Copy(detail, byOfficer(by, actor))
	split := ofBoth("accounts.split", m.Kept, m.Absorbed, actor, m.ID, detail)
	return m.left, chain(ctx, tx, m.now, append(split, m.done...)...)
}
