package connectors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loads, failures int
		var down error
		c := &cached[int]{
			fresh:  time.Hour,
			now:    time.Now,
			failed: func(error) { failures++ },
			load: func(context.Context) (int, error) {
				loads++
				return loads, down
			},
		}
		want := func(value int, err error) {
			t.Helper()
			got, gotErr := c.get(t.Context())
			if got != value || !errors.Is(gotErr, err) {
				t.Errorf("got %d, %v; want %d, %v", got, gotErr, value, err)
			}
			synctest.Wait() // for a refresh, if that began one
		}

		down = errors.New("down")
		want(0, down)
		want(0, down) // not asked again so soon
		time.Sleep(pause)
		down = nil
		want(2, nil)
		time.Sleep(time.Hour - time.Nanosecond)
		want(2, nil)
		time.Sleep(time.Nanosecond)
		want(2, nil) // stale, and refreshed behind our back
		want(3, nil)
		time.Sleep(time.Hour)
		down = errors.New("down again")
		want(3, nil)
		want(3, nil) // the last good one is kept
		if loads != 4 || failures != 1 {
			t.Errorf("loaded %d times and told of %d failures, want 4 and 1", loads, failures)
		}
		if _, err := c.renew(t.Context(), c.last.loaded); !errors.Is(err, down) || loads != 4 {
			t.Errorf("renewed too soon: %v, %d loads", err, loads)
		}
		time.Sleep(time.Hour)
		down = nil
		seen, _ := c.hold(t.Context()) // stale, and refreshed behind our back
		synctest.Wait()
		if now, err := c.renew(t.Context(), seen.loaded); now.value != 5 || err != nil {
			t.Errorf("somebody had it renewed: got %d, %v; want 5", now.value, err)
		}
	})
}

// Whoever began a load may leave; those who wait for it as well still get it.
func TestCachedSurvivesTheFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cached[string]{
			fresh: time.Hour,
			now:   time.Now,
			load: func(ctx context.Context) (string, error) {
				select {
				case <-time.After(time.Second):
					return "document", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			},
		}
		first, leave := context.WithCancel(t.Context())
		go func() {
			if _, err := c.get(first); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v", err)
			}
		}()
		synctest.Wait()
		go leave()
		if got, err := c.get(t.Context()); got != "document" || err != nil {
			t.Errorf("the second caller got %q, %v", got, err)
		}
	})
}
