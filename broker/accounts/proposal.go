package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// What officers do to the accounts of others they do by two: one proposes, for a reason,
// and another one approves, who looks at it with their own eyes. Until then anybody of
// them may withdraw it.

// proposalTime is how long another officer may approve what one has proposed: as long as
// the case is on both desks, through a holiday. Later the accounts may be others than
// those that the first one looked at.
const proposalTime = 14 * 24 * time.Hour

// Propose has an officer propose to merge two accounts, for a reason. Nothing is
// merged before another one approves.
func (a *Accounts) Propose(ctx context.Context, kept, absorbed, officer, reason string) (id string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		officer, reason, err := because(officer, reason)
		if err != nil {
			return err
		}
		if err := holdBoth(ctx, tx, kept, absorbed); err != nil {
			return err
		}
		id, err = a.insertMerge(ctx, tx, kept, absorbed, officer, reason)
		if err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), ofBoth("merge.proposed", kept, absorbed, operator, id, map[string]any{"officer": officer})...)
	})
	if err != nil {
		return "", fmt.Errorf("propose a merge: %w", err)
	}
	return id, nil
}

// Approve merges the accounts of a proposal. The error is ErrSameOfficer for who
// proposed it, ErrDecided where it is not to be decided any more, and ErrFrozen,
// ErrNotFound or ErrLeaving where one of the accounts is not to be used.
func (a *Accounts) Approve(ctx context.Context, id, officer string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		var kept, absorbed, proposer string
		err := tx.QueryRow(ctx, `UPDATE merges SET approved_by = approved_by WHERE id = $1 AND proposed_at > $2
				AND merged_at IS NULL AND withdrawn_at IS NULL
			RETURNING kept, absorbed, proposed_by`, id, a.now().Add(-proposalTime).UnixMicro()).Scan(&kept, &absorbed, &proposer)
		if err != nil {
			return decided(err)
		}
		officer, err := another(officer, proposer)
		if err != nil {
			return err
		}
		return a.merge(ctx, tx, id, kept, absorbed, officer, operator)
	})
	if err != nil {
		return fmt.Errorf("approve a merge: %w", err)
	}
	return nil
}

// WithdrawMerge has an officer, who proposed it or not, withdraw a proposal to merge two
// accounts. The error is ErrDecided where it is not to be decided any more.
func (a *Accounts) WithdrawMerge(ctx context.Context, id, officer string) error {
	err := a.withdraw(ctx, "merge.withdrawn", id, officer, `UPDATE merges SET withdrawn_at = $2, withdrawn_by = $3
		WHERE id = $1 AND merged_at IS NULL AND withdrawn_at IS NULL RETURNING kept, absorbed`, a.now().UnixMicro(), strings.TrimSpace(officer))
	if err != nil {
		return fmt.Errorf("withdraw a merge: %w", err)
	}
	return nil
}

// ProposeUndo has an officer propose to undo a merge, for a reason. Nothing is
// undone before another one approves. The error is ErrDecided where the merge can
// be undone no more.
func (a *Accounts) ProposeUndo(ctx context.Context, id, officer, reason string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		officer, reason, err := because(officer, reason)
		if err != nil {
			return err
		}
		m, err := a.undoable(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE merges SET undo_proposed_by = $2, undo_reason = $3, undo_proposed_at = $4 WHERE id = $1`,
			id, officer, reason, m.now.UnixMicro()); err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), ofBoth("split.proposed", m.Kept, m.Absorbed, operator, id, byOfficer(officer, operator))...)
	})
	if err != nil {
		return fmt.Errorf("propose to undo a merge: %w", err)
	}
	return nil
}

// ApproveUndo undoes a merge, and says what did not go back since it has been
// changed: tables, with an app, a claim or an id; and which ways in, delegations and
// consents that were added since are over, because nobody knows whose they are. The
// error is ErrSameOfficer for who proposed it, ErrLaterMerge where another merge comes
// first, ErrLast where nobody could get in to one of the accounts, and else as for
// ProposeUndo.
func (a *Accounts) ApproveUndo(ctx context.Context, id, officer string) (left []string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		m, err := a.undoable(ctx, tx, id)
		if err != nil {
			return err
		}
		if m.UndoProposedBy == "" || m.now.Sub(m.UndoProposed) >= proposalTime {
			return ErrDecided
		}
		officer, err := another(officer, m.UndoProposedBy)
		if err != nil {
			return err
		}
		left, err = a.undo(ctx, tx, m, officer, operator)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("undo a merge: %w", err)
	}
	return left, nil
}

// WithdrawUndo is WithdrawMerge of a proposal to undo one.
func (a *Accounts) WithdrawUndo(ctx context.Context, id, officer string) error {
	err := a.withdraw(ctx, "split.withdrawn", id, officer, `UPDATE merges SET undo_proposed_by = '', undo_reason = '', undo_proposed_at = NULL
		WHERE id = $1 AND undo_proposed_at IS NOT NULL AND undone_at IS NULL RETURNING kept, absorbed`)
	if err != nil {
		return fmt.Errorf("withdraw the undoing of a merge: %w", err)
	}
	return nil
}

// withdraw runs a statement that ends a proposal; args are what it takes besides the id.
func (a *Accounts) withdraw(ctx context.Context, kind, id, officer, end string, args ...any) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		officer, _, err := because(officer, "to withdraw")
		if err != nil {
			return err
		}
		var kept, absorbed string
		if err := tx.QueryRow(ctx, end, append([]any{id}, args...)...).Scan(&kept, &absorbed); err != nil {
			return decided(err)
		}
		return chain(ctx, tx, a.now(), ofBoth(kind, kept, absorbed, operator, id, byOfficer(officer, operator))...)
	})
}

// because makes sure that an officer gives a name and a reason.
func because(officer, reason string) (name, why string, err error) {
	name, why = strings.TrimSpace(officer), strings.TrimSpace(reason)
	if name == "" || why == "" {
		return "", "", ErrNoReason
	}
	return name, why, nil
}

// another makes sure that an officer is not who proposed.
func another(officer, proposer string) (name string, err error) {
	name, _, err = because(officer, "to approve")
	if err == nil && strings.EqualFold(name, proposer) {
		return "", ErrSameOfficer
	}
	return name, err
}
