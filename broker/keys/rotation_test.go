package keys_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
)

// TestRotation follows a line through a rotation, on two nodes.
func TestRotation(t *testing.T) {
	onEach(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		one, two := open(t, d, c.now), open(t, d, c.now)
		old := signer(t, one, "RS256")
		jws := sign(t, one, "RS256")
		check := func(when, signs string, shown ...string) {
			t.Helper()
			slices.Sort(shown)
			for _, r := range []*keys.Ring{one, two} {
				renew(t, r)
				if got := signer(t, r, "RS256"); got != signs {
					t.Errorf("%s: %s signs, want %s", when, got, signs)
				}
				if got := published(r, "RS256"); !slices.Equal(got, shown) {
					t.Errorf("%s: %v published, want %v", when, got, shown)
				}
			}
		}
		check("at first", old, old)

		rotate(t, one, "RS256")
		if len(published(one, "RS256")) != 2 {
			t.Fatal("the new key is not published at once")
		}
		fresh := published(one, "RS256")[0]
		if fresh == old {
			fresh = published(one, "RS256")[1]
		}
		check("rotated", old, old, fresh)
		c.pass(day - time.Second)
		check("a day less a second later", old, old, fresh)
		c.pass(time.Second)
		check("a day later", fresh, old, fresh)
		c.pass(day - time.Second)
		check("two days less a second later", fresh, old, fresh)
		c.pass(time.Second)
		check("two days later", fresh, fresh)

		for _, r := range []*keys.Ring{one, two, open(t, d, c.now)} {
			if _, err := r.Verify(jws); err != nil {
				t.Errorf("the ID token of a retired key: %v", err)
			}
		}
		if got := len(published(two, "ES256")); got != 1 {
			t.Errorf("%d ES256 keys published, want 1: only RS256 was rotated", got)
		}
	})
}

// TestRun has one node rotate, and another follow by itself.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sqlite(t)
		one, two := open(t, d, time.Now), open(t, d, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		var g sync.WaitGroup
		g.Go(func() { two.Run(ctx) })

		rotate(t, one, "ES256")
		if len(published(two, "ES256")) != 1 {
			t.Error("the other node knows before it looked")
		}
		time.Sleep(75 * time.Second) // of the bubble's time
		synctest.Wait()
		if got, want := published(two, "ES256"), published(one, "ES256"); !slices.Equal(got, want) {
			t.Errorf("published %v, want %v", got, want)
		}
		cancel()
		g.Wait()
	})
}

func TestRotateUnknownLine(t *testing.T) {
	if err := open(t, sqlite(t), time.Now).Rotate(t.Context(), "HS256"); err == nil {
		t.Error("rotated HS256")
	}
}

// TestRotateTogether has nodes find at once that a key is due.
func TestRotateTogether(t *testing.T) {
	onEach(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		var rings []*keys.Ring
		for range 5 {
			rings = append(rings, open(t, d, c.now))
		}
		c.pass(89 * day)
		var g sync.WaitGroup
		for _, r := range rings {
			g.Go(func() {
				if err := r.Renew(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		for _, r := range rings {
			if got, want := published(r, "ES256"), published(rings[0], "ES256"); len(want) != 2 || !slices.Equal(got, want) {
				t.Errorf("published %v and %v, want the same two", got, want)
			}
		}
	})
}

// TestAge lets a broker run for a year: each key signs for 90 days.
func TestAge(t *testing.T) {
	c := newClock()
	r := open(t, sqlite(t), c.now)
	changes, last := []int{}, signer(t, r, "ES256")
	for d := range 365 {
		renew(t, r)
		now := signer(t, r, "ES256")
		if now != last {
			changes, last = append(changes, d), now
		}
		if n := len(published(r, "ES256")); n > 2 {
			t.Fatalf("day %d: %d keys published", d, n)
		}
		c.pass(day)
	}
	if want := []int{90, 180, 270, 360}; !slices.Equal(changes, want) {
		t.Errorf("another key signs from day %v, want %v", changes, want)
	}
}

// TestForgotten finds the row of a key gone when nothing it signed is of use.
func TestForgotten(t *testing.T) {
	c, d := newClock(), sqlite(t)
	r := open(t, d, c.now)
	jws := sign(t, r, "ES256")
	rotate(t, r, "ES256")
	count := func() (n int) {
		t.Helper()
		if err := d.QueryRow(t.Context(), `SELECT count(*) FROM signing_keys WHERE line = 'ES256'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.pass(32 * day) // a day until it stops, a day published, thirty remembered
	renew(t, r)
	if _, err := r.Verify(jws); err != nil || count() != 2 {
		t.Errorf("%d keys, %v; want both still known", count(), err)
	}
	c.pass(time.Second)
	renew(t, r)
	if count() != 1 {
		t.Errorf("%d keys, want 1", count())
	}
	renew(t, r)
	if _, err := r.Verify(jws); err == nil {
		t.Error("a forgotten key still verifies")
	}
}

// TestLeaked deletes the row of a key: another of its line signs at once, and
// nothing that the leaked key signed is accepted any more.
func TestLeaked(t *testing.T) {
	d := sqlite(t)
	one, two := open(t, d, time.Now), open(t, d, time.Now)
	jws, leaked := sign(t, one, "RS256"), signer(t, one, "RS256")
	exec(t, d, `DELETE FROM signing_keys WHERE kid = $1`, leaked)
	for _, r := range []*keys.Ring{one, two} {
		renew(t, r)
		if signer(t, r, "RS256") == leaked || slices.Contains(published(r, "RS256"), leaked) {
			t.Error("the leaked key is still in use")
		}
		if _, err := r.Verify(jws); err == nil {
			t.Error("the leaked key still verifies")
		}
	}
	if got, want := signer(t, two, "RS256"), signer(t, one, "RS256"); got != want {
		t.Errorf("one node signs with %s, another with %s", want, got)
	}

	// A key that was waiting for its day steps in.
	rotate(t, one, "RS256")
	exec(t, d, `DELETE FROM signing_keys WHERE kid = $1`, signer(t, one, "RS256"))
	renew(t, one)
	if got, want := []string{signer(t, one, "RS256")}, published(one, "RS256"); !slices.Equal(got, want) {
		t.Errorf("%v signs, want %v", got, want)
	}
}

// TestDatabaseAway keeps signing with the keys at hand.
func TestDatabaseAway(t *testing.T) {
	d := sqlite(t)
	r := open(t, d, time.Now)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(t.Context()); err == nil {
		t.Error("renewed without a database")
	}
	if _, err := r.Verify(sign(t, r, "ES256")); err != nil {
		t.Error(err)
	}
}

// TestSignDuringRenewal is for the race detector.
func TestSignDuringRenewal(t *testing.T) {
	r := open(t, sqlite(t), time.Now)
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for range 20 {
				if _, err := r.Verify(sign(t, r, "ES256")); err != nil {
					t.Error(err)
				}
				r.Public()
			}
		})
	}
	for range 10 {
		rotate(t, r, "ES256")
	}
	g.Wait()
}
