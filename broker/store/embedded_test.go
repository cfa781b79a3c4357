package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/councilid/councilid/broker/store"
)

// The embedded Redis keeps time, and nothing of it is left when it is closed:
// synctest would complain.
func TestEmbeddedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		table, h, b := fresh(t), store.NewHandle(), s.Batch()
		minute := store.Limit{PerMinute: 1}
		found := func() bool {
			r := table.Get(b, h)
			exec(t, b)
			_, ok := r.Value()
			return ok
		}
		allowed := func() bool {
			ok, _, err := counted(t, b, "key", minute)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}

		table.Put(b, h, record{"Ceri", 1}, time.Minute)
		if !allowed() || allowed() {
			t.Error("one a minute is not what was allowed")
		}
		time.Sleep(59 * time.Second)
		if !found() {
			t.Error("the record ended early")
		}
		time.Sleep(time.Second)
		synctest.Wait() // the clock ticks at this very moment
		if found() {
			t.Error("the record has not ended")
		}
		if !allowed() {
			t.Error("nothing is allowed after a minute")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEmbeddedStoresAreApart(t *testing.T) {
	one, other := open(t, store.Options{}), open(t, store.Options{})
	table, h, b := fresh(t), store.NewHandle(), one.Batch()
	table.Put(b, h, record{"Ceri", 1}, time.Hour)
	exec(t, b)
	b = other.Batch()
	r := table.Get(b, h)
	exec(t, b)
	if got, ok := r.Value(); ok {
		t.Errorf("found %v in another store", got)
	}
}
