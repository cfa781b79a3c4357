package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/store"
)

// counted carries out a batch that is counted against key.
func counted(t *testing.T, b *store.Batch, key string, limit store.Limit) (allowed bool, retryAfter time.Duration, err error) {
	t.Helper()
	b.Count(key, limit)
	err = b.Exec(t.Context())
	if e, ok := errors.AsType[*store.Exceeded](err); ok {
		return false, e.RetryAfter, nil
	}
	return err == nil, 0, err
}

func limitLimits(t *testing.T, s *harness) {
	b, limit := s.Batch(), store.Limit{PerMinute: 3}
	key, other := store.NewHandle().Tag, store.NewHandle().Tag
	for i := range 5 {
		allowed, retryAfter, err := counted(t, b, key, limit)
		if err != nil {
			t.Fatal(err)
		}
		if want := i < 3; allowed != want {
			t.Errorf("call %d: allowed is %v", i, allowed)
		}
		if !allowed && (retryAfter <= 0 || retryAfter > time.Minute) {
			t.Errorf("call %d: retry after %v", i, retryAfter)
		}
	}
	if allowed, _, err := counted(t, b, other, limit); !allowed || err != nil {
		t.Errorf("another key: %v, %v", allowed, err)
	}
	hourly := store.NewHandle().Tag
	for i := range 3 {
		allowed, retryAfter, err := counted(t, b, hourly, store.Limit{PerHour: 2})
		if err != nil {
			t.Fatal(err)
		}
		if want := i < 2; allowed != want || !allowed && (retryAfter < 59*time.Minute || retryAfter > time.Hour) {
			t.Errorf("two an hour, call %d: allowed is %v, retry after %v", i, allowed, retryAfter)
		}
	}
	daily := store.NewHandle().Tag
	for i := range 3 {
		allowed, retryAfter, err := counted(t, b, daily, store.Limit{PerDay: 2})
		if err != nil {
			t.Fatal(err)
		}
		if want := i < 2; allowed != want || !allowed && (retryAfter < 23*time.Hour || retryAfter > 24*time.Hour) {
			t.Errorf("two a day, call %d: allowed is %v, retry after %v", i, allowed, retryAfter)
		}
	}
	for range 10 {
		if allowed, _, err := counted(t, b, key, store.Limit{}); !allowed || err != nil {
			t.Errorf("no limit: %v, %v", allowed, err)
		}
	}
}

func limitRides(t *testing.T, s *harness) {
	table, h, limit := fresh(t), store.NewHandle(), store.Limit{PerMinute: 2}
	key := store.NewHandle().Tag
	warm := s.Batch()
	if _, _, err := counted(t, warm, key, limit); err != nil {
		t.Fatal(err)
	}
	s.observed.Store(0)
	s.seen.Store(0)

	for i, want := range []bool{true, false} {
		b := s.Batch()
		table.Put(b, h, record{"Ceri", i}, time.Hour)
		r := table.Get(b, h)
		allowed, _, err := counted(t, b, key, limit)
		if err != nil || allowed != want {
			t.Errorf("call %d: %v, %v", i, allowed, err)
		}
		if got, _ := r.Value(); got.N != i {
			t.Errorf("call %d: the batch was not carried out: %v", i, got)
		}
		s.tripsAre(t, 1)
	}
}

// A batch that cannot be read was counted all the same, and says what is wrong with it.
func limitHidesNothing(t *testing.T, s *harness) {
	table, h, b := fresh(t), store.NewHandle(), s.Batch()
	store.Table[string](table).Put(b, h, "a text", time.Hour)
	exec(t, b)
	for range 2 {
		table.Get(b, h)
		if _, _, err := counted(t, b, t.Name(), store.Limit{PerMinute: 1}); err == nil {
			t.Error("a text was read as a record")
		}
	}
}

// Redis may end between a count and the command that says when it ends.
func limitEnds(t *testing.T, s *harness) {
	b, key := s.Batch(), store.NewHandle().Tag
	if _, _, err := counted(t, b, key, store.Limit{PerMinute: 1}); err != nil {
		t.Fatal(err)
	}
	if !s.Redis().Persist(t.Context(), store.LimitKey(key)).Val() {
		t.Fatal("the count has no end")
	}
	allowed, retryAfter, err := counted(t, b, key, store.Limit{PerMinute: 1})
	if allowed || err != nil || retryAfter <= 0 {
		t.Errorf("allowed is %v, retry after %v, %v", allowed, retryAfter, err)
	}
}
