package accounts

import (
	"context"
	"time"
)

// Retention is how long records are kept. A zero is for good.
type Retention struct {
	SignIns   time.Duration // the history of sign-ins
	Inactive  time.Duration // accounts that nobody signs in to
	Delivered time.Duration // messages after they were delivered
	Lookups   time.Duration // who looked at whose account
}

// Sweep does what has become due on any one node: it deletes what was kept for long
// enough, reminds those who have not signed in for long, and erases the accounts
// that leave. leave ends the sessions of an account before it is erased. Whoever
// calls it on another node within the hour has nothing to do.
func (a *Accounts) Sweep(ctx context.Context, keep Retention, leave func(ctx context.Context, account string) error) error {
	return nil
}
