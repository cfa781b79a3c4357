package connectors

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// pause is how long after a load that failed the next one waits: a provider
// that is down is not hammered.
const pause = 5 * time.Second

// cached is a value that can be fetched again: a discovery document, a key
// set. It is loaded when first needed, refreshed in the background once it is
// older than fresh, and kept when a refresh fails.
type cached[T any] struct {
	load   func(context.Context) (T, error)
	fresh  time.Duration
	rest   time.Duration // the least time between two renewals
	now    func() time.Time
	failed func(error) // told of refreshes that failed, which no caller sees

	flight  singleflight.Group
	mu      sync.Mutex
	last    held[T]
	tried   time.Time // when a load last ended
	err     error     // how it ended
	renewed time.Time // when a renewal last succeeded
}

// held is what was loaded, and when; the zero time before the first time.
type held[T any] struct {
	value  T
	loaded time.Time
}

// get returns the value, loading it if there is none yet.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	h, err := c.hold(ctx)
	return h.value, err
}

// hold is get that says when the value was loaded.
func (c *cached[T]) hold(ctx context.Context) (held[T], error) {
	c.mu.Lock()
	last, err := c.last, c.err
	stale, resting := c.now().Sub(last.loaded) >= c.fresh, c.resting()
	c.mu.Unlock()

	switch {
	case !last.loaded.IsZero() && stale && !resting:
		c.start(ctx, last.loaded)
		return last, nil
	case !last.loaded.IsZero():
		return last, nil
	case resting:
		return last, err
	}
	return c.wait(ctx, last.loaded)
}

// renew returns a value that is newer than the one loaded at seen, which will not do.
// It is loaded anew unless somebody else has had it loaded since; and the last one is
// returned, with its error, where that has just failed or a renewal is not due yet.
func (c *cached[T]) renew(ctx context.Context, seen time.Time) (held[T], error) {
	c.mu.Lock()
	last, err := c.last, c.err
	wait := c.resting() || c.now().Sub(c.renewed) < c.rest
	c.mu.Unlock()

	switch {
	case last.loaded.After(seen):
		return last, nil
	case wait:
		return last, err
	}
	last, err = c.wait(ctx, seen)
	if err == nil {
		c.mu.Lock()
		c.renewed = c.now()
		c.mu.Unlock()
	}
	return last, err
}

func (c *cached[T]) resting() bool {
	return c.err != nil && c.now().Sub(c.tried) < pause
}

func (c *cached[T]) wait(ctx context.Context, seen time.Time) (held[T], error) {
	select {
	case r := <-c.start(ctx, seen):
		return r.Val.(held[T]), r.Err
	case <-ctx.Done():
		return held[T]{}, fail(Unavailable, "wait for the provider: %w", ctx.Err())
	}
}

// start loads in the background, once for all who ask meanwhile, and not for one
// who has only seen what was loaded before (at seen) and comes just after another
// load has ended. The load goes on when the caller that began it leaves, as others
// may wait for it.
func (c *cached[T]) start(ctx context.Context, seen time.Time) <-chan singleflight.Result {
	return c.flight.DoChan("", func() (any, error) {
		c.mu.Lock()
		last := c.last
		c.mu.Unlock()
		if last.loaded.After(seen) {
			return last, nil
		}
		value, err := c.load(context.WithoutCancel(ctx))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tried, c.err = c.now(), err
		if err != nil {
			if !c.last.loaded.IsZero() {
				c.failed(err)
			}
			return c.last, err
		}
		c.last = held[T]{value, c.now()}
		return c.last, nil
	})
}
