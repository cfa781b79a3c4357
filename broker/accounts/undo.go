package accounts

import "context"

// ProposeUndo has an officer propose to undo a merge, for a reason.
func (a *Accounts) ProposeUndo(ctx context.Context, id, officer, reason string) error { return errSoon }

// ApproveUndo undoes a merge. The error is ErrSameOfficer for who proposed it.
func (a *Accounts) ApproveUndo(ctx context.Context, id, officer string) error { return errSoon }

// UndoProved undoes a merge that a person had made of their own accounts, for the
// one that was kept.
func (a *Accounts) UndoProved(ctx context.Context, account, id string) error { return errSoon }
