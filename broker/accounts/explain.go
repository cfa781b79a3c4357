package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/councilid/councilid/mapping"
)

// Known returns an account with all that is known of the person, whichever way in
// leads to it: for who looks at it without coming in by one. The error is
// ErrNotFound where the account is no more.
func (a *Accounts) Known(ctx context.Context, account string) (Account, error) {
	e, err := a.find(ctx, entering+` WHERE a.id = $2`, nothing, account)
	if errors.Is(err, ErrFrozen) || errors.Is(err, errDead) { // of one way in, or all of it: it is known all the same
		err = nil
	}
	if err != nil {
		return Account{}, fmt.Errorf("known: %w", err)
	}
	return e.account, nil
}

// Explain weighs what is known of the person as it would be in a session in which
// they have shown all that is proved of them: what every source says, and why that
// is told or is not. What apps would be told is mapping.Told of it.
func (a *Accounts) Explain(ctx context.Context, account string, p mapping.Precedence) ([]mapping.Finding, error) {
	acc, err := a.Known(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	best := mapping.Assurance{Authenticator: mapping.Ch, Phishing: mapping.F1}.Join(acc.Level)
	return p.Weigh(acc.Words, mapping.Sitting{Worth: best, Now: a.now()}), nil
}
