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
	value   T
	loaded  time.Time // when value was loaded; zero before the first time
	tried   time.Time // when a load last ended
	err     error     // how it ended
	renewed time.Time // when a renewal last succeeded
}

// get returns the value, loading it if there is none yet.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	value, loaded, err := c.value, c.loaded, c.err
	stale, resting := c.now().Sub(c.loaded) >= c.fresh, c.resting()
	c.mu.Unlock()

	switch {
	case !loaded.IsZero() && stale && !resting:
		c.start(ctx, loaded)
		return value, nil
	case !loaded.IsZero():
		return value, nil
	case resting:
		return value, err
	}
	return c.wait(ctx, loaded)
}

// renew returns the value after loading it anew, unless that has just failed or
// a renewal is not due yet.
func (c *cached[T]) renew(ctx context.Context) (T, error) {
	c.mu.Lock()
	value, loaded, err := c.value, c.loaded, c.err
	wait := c.resting() || c.now().Sub(c.renewed) < c.rest
	c.mu.Unlock()

	if wait {
		return value, err
	}
	value, err = c.wait(ctx, loaded)
	if err == nil {
		c.mu.Lock()
		c.renewed = c.now()
		c.mu.Unlock()
	}
	return value, err
}

func (c *cached[T]) resting() bool {
	return c.err != nil && c.now().Sub(c.tried) < pause
}

func (c *cached[T]) wait(ctx context.Context, seen time.Time) (T, error) {
	select {
	case r := <-c.start(ctx, seen):
		return r.Val.(T), r.Err
	case <-ctx.Done():
		var none T
		return none, fail(Unavailable, "wait for the provider: %w", ctx.Err())
	}
}

// start loads in the background, once for all who ask meanwhile, and not for one
// who has only seen what was loaded before (at seen) and comes just after another
// load has ended. The load goes on when the caller that began it leaves, as others
// may wait for it.
func (c *cached[T]) start(ctx context.Context, seen time.Time) <-chan singleflight.Result {
	return c.flight.DoChan("", func() (any, error) {
		c.mu.Lock()
		value, newer := c.value, c.loaded.After(seen)
		c.mu.Unlock()
		if newer {
			return value, nil
		}
		value, err := c.load(context.WithoutCancel(ctx))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tried, c.err = c.now(), err
		if err != nil {
			if !c.loaded.IsZero() {
				c.failed(err)
			}
			return c.value, err
		}
		c.value, c.loaded = value, c.now()
		return value, nil
	})
}
