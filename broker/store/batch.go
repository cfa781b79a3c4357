package store

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Batch collects operations that travel in one round trip. It is for one
// goroutine.
type Batch struct {
	store   *Store
	cmds    []redis.Cmder
	reads   []func() error // fill the replies
	counted func() error   // says, last of all, whether the limit was exceeded
	err     error          // why the batch must not be sent
}

// Batch returns an empty batch.
func (s *Store) Batch() *Batch { return &Batch{store: s} }

// Exec carries out what was collected, in one round trip, and fills the
// replies; the batch is empty afterwards. An empty batch makes no round trip.
//
// What is not found is not an error. Errors are ErrUnavailable, *Exceeded, those
// of a Check, or a value that could not be written or read as JSON.
func (b *Batch) Exec(ctx context.Context) error {
	err := b.err
	if err == nil && len(b.cmds) > 0 {
		err = b.send(ctx)
	}
	for _, read := range b.reads {
		if err == nil {
			err = read()
		}
	}
	if err == nil && b.counted != nil {
		err = b.counted()
	}
	*b = Batch{store: b.store}
	return err
}

// send makes the round trip.
func (b *Batch) send(ctx context.Context) error {
	p := b.store.client.Pipeline()
	if err := p.BatchProcess(ctx, b.cmds...); err != nil {
		return err
	}
	start := time.Now()
	cmds, _ := p.Exec(ctx) // the commands know better which of them failed
	err := unavailable(firstError(cmds))
	b.store.observe(err, time.Since(start))
	return err
}

// firstError returns the first error that is one: a missing key is an answer.
func firstError(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		err := cmd.Err()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

// Check makes Exec fail with what f returns, which it calls when the batch has
// been carried out. Replies that were asked for before have their values then.
func (b *Batch) Check(f func() error) { b.afterwards(f) }

// add appends a command.
func (b *Batch) add(cmd redis.Cmder) { b.cmds = append(b.cmds, cmd) }

// afterwards has f called once the batch was carried out.
func (b *Batch) afterwards(f func() error) { b.reads = append(b.reads, f) }

// refuse makes the batch fail without being sent.
func (b *Batch) refuse(err error) { b.err = errors.Join(b.err, err) }

// once marks a command that must not be sent again when its answer was lost:
// a Take that was carried out finds nothing the second time, and would say so,
// as would an Add.
// A batch that contains one fails instead.
type once struct{ redis.Cmder }

// NoRetry tells the client.
func (once) NoRetry() bool { return true }
