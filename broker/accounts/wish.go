package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/councilid/councilid/mapping"
)

// Wish is what an app asked of a person who is about to prove it, which may take
// days: at a Post Office, say. It is kept by person, not by browser.
type Wish struct {
	ID        string
	App       string
	Connector string            // where the person went to prove it
	Level     mapping.Assurance // what the app asked for
	Asked     time.Time
	Until     time.Time // when nobody waits for it any more
}

// Await keeps a wish of the account. A second one of the same app replaces the
// first.
func (a *Accounts) Await(ctx context.Context, account string, w Wish) error {
	return errors.New("not yet")
}

// Awaited returns the account's wishes that are not over, the oldest first.
func (a *Accounts) Awaited(ctx context.Context, account string) ([]Wish, error) {
	return nil, errors.New("not yet")
}

// Grant ends wishes that have come true, and leaves a message in the outbox for
// each app.
func (a *Accounts) Grant(ctx context.Context, account string, ids ...string) error {
	return errors.New("not yet")
}
