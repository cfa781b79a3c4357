package db

import (
	"context"
	"math/rand/v2"
	"time"
)

// Tx is a transaction with the same three verbs.
type Tx struct{ Verbs }

// attempts is how often InTx tries a transaction that collides with others.
const attempts = 5

// InTx runs do in a transaction and commits it, unless do returns an error.
//
// When the database ends the transaction because it collided with another one
// (a deadlock, a serialization failure, a busy file), InTx begins again: do
// may run several times and must not have effects outside the transaction.
// Inside do, use tx only.
//
// PostgreSQL runs it as READ COMMITTED: what do has read may have changed by
// the time it writes, unless the write's own WHERE says what must still hold.
func (d *DB) InTx(ctx context.Context, do func(tx *Tx) error) error {
	for n := 1; ; n++ {
		err := d.once(ctx, do)
		if n == attempts || !collided(err) {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// once runs do in one transaction.
func (d *DB) once(ctx context.Context, do func(tx *Tx) error) error {
	start := time.Now()
	tx, err := d.pool.BeginTx(ctx, nil)
	if err := d.ended(err, start); err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := do(&Tx{Verbs{d.Elements, tx, d.observe}}); err != nil {
		return err
	}
	start = time.Now()
	return d.ended(tx.Commit(), start)
}

// pause waits before the next attempt, a little longer each time and never
// in step with whoever it collided with.
func pause(ctx context.Context, n int) error {
	longest := 10 * time.Millisecond << n
	t := time.NewTimer(rand.N(longest))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
