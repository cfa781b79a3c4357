package accounts

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrSameOfficer says that it takes another officer to approve.
	ErrSameOfficer = errors.New("somebody else than who proposed it must approve it")

	// ErrDecided says that a merge is not to be decided any more: it was made, or
	// undone, or its time is over.
	ErrDecided = errors.New("it was decided before, or is over")

	// ErrContradicts says that what providers vouch for speaks against it that two
	// accounts are one person's.
	ErrContradicts = errors.New("the accounts are of two people")

	// ErrLaterMerge says that another merge of the account must be undone first.
	ErrLaterMerge = errors.New("a later merge must be undone first")
)

// Merge is two accounts that turned out to be one person's, or are to be merged.
type Merge struct {
	ID             string
	Kept, Absorbed string // accounts
	Proposed       time.Time
	ProposedBy     string // an officer, or resident where the person proved both sides
	ApprovedBy     string // "": nobody has
	Reason         string
	Merged         time.Time // the zero time: not yet
	Until          time.Time // until when it can be undone
	UndoProposedBy string
	UndoReason     string
	Undone         time.Time // the zero time: it was not
	UndoneBy       string
}

// Merges returns the merges that the account has a part in, the latest first.
func (a *Accounts) Merges(ctx context.Context, account string) ([]Merge, error) { return nil, errSoon }

// Propose has an officer propose to merge two accounts, for a reason.
func (a *Accounts) Propose(ctx context.Context, kept, absorbed, officer, reason string) (id string, err error) {
	return "", errSoon
}

// Approve merges the accounts of a proposal. The error is ErrSameOfficer for who
// proposed it.
func (a *Accounts) Approve(ctx context.Context, id, officer string) error { return errSoon }

// MergeProved merges two accounts for a person who has just proved both to be
// theirs.
func (a *Accounts) MergeProved(ctx context.Context, kept, absorbed string) (id string, err error) {
	return "", errSoon
}

var errSoon = errors.New("accounts are not merged yet")
