package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/store"
)

func indexVerbs(t *testing.T, s *harness) {
	index, b := store.Index{Name: name(t)}, s.Batch()
	for _, m := range []string{"a", "b", "b"} {
		index.Add(b, "ceri", m, time.Hour)
	}
	index.Add(b, "other", "x", time.Hour)
	members, nobody := index.Members(b, "ceri"), index.Members(b, "nobody")
	exec(t, b)
	got, ok := members.Value()
	if diff := cmp.Diff([]string{"a", "b"}, sorted(got)); diff != "" || !ok {
		t.Error(diff, ok)
	}
	if got, ok := nobody.Value(); ok {
		t.Errorf("nobody has %v", got)
	}

	index.Delete(b, "ceri")
	members = index.Members(b, "ceri")
	exec(t, b)
	if got, ok := members.Value(); ok {
		t.Errorf("found %v after Delete", got)
	}
}

func indexLives(t *testing.T, s *harness) {
	index, b := store.Index{Name: name(t)}, s.Batch()
	index.Add(b, "short", "a", 30*time.Millisecond)
	index.Add(b, "long", "a", time.Hour)
	index.Add(b, "long", "b", 30*time.Millisecond) // must not end the set
	index.Add(b, "grows", "b", 30*time.Millisecond)
	index.Add(b, "grows", "a", time.Hour)
	index.Add(b, "again", "a", time.Hour)
	index.Add(b, "again", "a", 30*time.Millisecond) // must not shorten it
	exec(t, b)
	eventually(t, "the set ends", func() bool {
		r := index.Members(b, "short")
		exec(t, b)
		_, ok := r.Value()
		return !ok
	})
	for _, key := range []string{"long", "grows", "again"} {
		r := index.Members(b, key)
		exec(t, b)
		if got, _ := r.Value(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: %v, want a alone", key, got)
		}
	}
}
