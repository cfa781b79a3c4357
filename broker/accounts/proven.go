package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/councilid/councilid/mapping"
)

// Proven is what valid evidence proves of the person whom an upstream subject
// leads in to, whichever way in brought it and whether or not this one may be
// used, and what this one may borrow from evidence that comes, or comes back: of
// a frozen way in, or proved anew. Where nobody signs in with it, it is nothing.
func (a *Accounts) Proven(ctx context.Context, issuer, subject string) (mapping.Assurance, error) {
	e, err := a.find(ctx, enter, nothing, issuer, subject)
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrFrozen) {
		return mapping.Assurance{}, fmt.Errorf("proven: %w", err)
	}
	return e.account.Level.Join(e.link.Inherit.Person()), nil
}
