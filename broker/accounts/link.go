package accounts

import (
	"context"
	"errors"

	"github.com/councilid/councilid/mapping"
)

var (
	// ErrAnother says that the upstream subject leads in to another account.
	ErrAnother = errors.New("the way in belongs to another account")

	// ErrUnknownLink says that nobody signs in with that upstream subject.
	ErrUnknownLink = errors.New("no such link")
)

// Join adds a way in to an account, for a person who has shown both: a session
// of the account, worth inherit with the new sign-in, and the sign-in in. A way
// in that leads there already is that link. The error is ErrAnother where it leads
// to another account, and ErrFrozen as for Enter.
func (a *Accounts) Join(ctx context.Context, account string, in SignIn, inherit mapping.Assurance) (Account, Link, error) {
	return Account{}, Link{}, errors.New("not yet")
}

// Freeze lets the upstream subject not lead in any more, because of what, the
// provider's own word for what happened. It tells whose the link is, and is
// ErrUnknownLink where there is none. A second time it changes nothing.
func (a *Accounts) Freeze(ctx context.Context, issuer, subject, what string) (Link, error) {
	return Link{}, errors.New("not yet")
}

// Thaw lets it lead in again.
func (a *Accounts) Thaw(ctx context.Context, issuer, subject, what string) (Link, error) {
	return Link{}, errors.New("not yet")
}

// Unlink deletes what the provider said of the person and the evidence that it
// brought. The link is dead: it comes to life again, with nothing, when the
// person signs in by it once more. The account stays.
func (a *Accounts) Unlink(ctx context.Context, issuer, subject, what string) (Link, error) {
	return Link{}, errors.New("not yet")
}
