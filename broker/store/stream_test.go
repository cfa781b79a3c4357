package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/store"
)

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// book collects what a stream hands out.
type book struct {
	mu    sync.Mutex
	names []string
	ids   map[string]int
}

func (k *book) write(_ context.Context, entries []store.Entry[record]) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ids == nil {
		k.ids = map[string]int{}
	}
	for _, e := range entries {
		k.names = append(k.names, e.Value.Name)
		k.ids[e.ID]++
	}
	return nil
}

func (k *book) read() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return sorted(slices.Clone(k.names))
}

// consume consumes until the test ends.
func consume(t *testing.T, s *harness, st store.Stream[record], patience time.Duration, handle func(context.Context, []store.Entry[record]) error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- st.ConsumeEvery(ctx, 10*time.Millisecond, patience, s.Store, handle) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Consume returned %v", err)
		}
	})
}

func streamOnce(t *testing.T, s *harness) {
	st, b := store.Stream[record]{Name: name(t)}, s.Batch()
	var want []string
	write := func(from int) { // before and after the consumers begin
		for i := range 700 {
			n := fmt.Sprintf("%04d", from+i)
			st.Append(b, record{n, i})
			want = append(want, n)
		}
		exec(t, b)
	}
	var k book
	write(0)
	consume(t, s, st, time.Minute, k.write)
	consume(t, s, st, time.Minute, k.write)
	write(700)
	eventually(t, "all is handled", func() bool { return len(k.read()) >= len(want) })
	if diff := cmp.Diff(want, k.read()); diff != "" {
		t.Error(diff)
	}
	if len(k.ids) != len(want) {
		t.Errorf("%d ids for %d entries", len(k.ids), len(want))
	}
	eventually(t, "the stream is empty", func() bool { return s.Redis().XLen(t.Context(), st.Name).Val() == 0 })
}

func streamAgain(t *testing.T, s *harness) {
	st, b := store.Stream[record]{Name: name(t)}, s.Batch()
	st.Append(b, record{"Ceri", 1})
	exec(t, b)
	refused := make(chan struct{})
	var once sync.Once
	consume(t, s, st, time.Hour, func(context.Context, []store.Entry[record]) error {
		once.Do(func() { close(refused) })
		return errors.New("not now")
	})
	<-refused

	var k book
	consume(t, s, st, 20*time.Millisecond, k.write) // takes over from who did not settle it
	eventually(t, "it is handed out again", func() bool { return len(k.read()) > 0 })
	if diff := cmp.Diff([]string{"Ceri"}, k.read()); diff != "" {
		t.Error(diff)
	}
}

func streamWaiting(t *testing.T, s *harness) {
	st := store.Stream[record]{Name: name(t)}
	if waiting, err := st.Waiting(t.Context(), s.Store); err != nil || len(waiting) > 0 {
		t.Errorf("in no stream: %v, %v", waiting, err)
	}
	b := s.Batch()
	for n := range 1100 {
		st.Append(b, record{"Ceri", n})
	}
	exec(t, b)
	for range 2 { // reading takes nothing away
		waiting, err := st.Waiting(t.Context(), s.Store)
		if err != nil || len(waiting) != 1100 {
			t.Fatalf("%d wait, %v", len(waiting), err)
		}
		for n, e := range waiting {
			if e.Value != (record{"Ceri", n}) || e.ID == "" {
				t.Fatalf("%d: %+v", n, e)
			}
		}
	}
	var k book
	consume(t, s, st, time.Minute, k.write)
	eventually(t, "the stream is empty", func() bool { return s.Redis().XLen(t.Context(), st.Name).Val() == 0 })
	if waiting, err := st.Waiting(t.Context(), s.Store); err != nil || len(waiting) > 0 {
		t.Errorf("handled: %v, %v", waiting, err)
	}
}

func streamDrops(t *testing.T, s *harness) {
	st, b := store.Stream[record]{Name: name(t)}, s.Batch()
	for _, values := range []any{[]string{"v", "not JSON"}, []string{"other", "{}"}} {
		if err := s.Redis().XAdd(t.Context(), &redis.XAddArgs{Stream: st.Name, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	st.Append(b, record{"Ceri", 1})
	exec(t, b)
	var k book
	consume(t, s, st, time.Minute, k.write)
	eventually(t, "the stream is empty", func() bool { return s.Redis().XLen(t.Context(), st.Name).Val() == 0 })
	if diff := cmp.Diff([]string{"Ceri"}, k.read()); diff != "" {
		t.Error(diff)
	}
}
