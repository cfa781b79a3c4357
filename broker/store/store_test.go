package store_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/test/servers"
)

func TestEmbedded(t *testing.T) { contract(t, store.Options{}) }

func TestRedis(t *testing.T) {
	contract(t, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{servers.Redis(t)}}})
}

func TestCluster(t *testing.T) {
	contract(t, store.Options{Redis: &redis.UniversalOptions{Addrs: servers.RedisCluster(t)}})
}

// contract is what every kind of Redis is held to.
func contract(t *testing.T, o store.Options) {
	for name, test := range map[string]func(*testing.T, *harness){
		"a table keeps, gives and deletes":        tableVerbs,
		"a ref opens the record":                  refOpens,
		"one of many takes":                       oneTakes,
		"one of many adds":                        oneAdds,
		"many swap one after the other":           manySwap,
		"what was added ends":                     addedEnds,
		"records end":                             recordsEnd,
		"no time to live is no record":            noTimeToLive,
		"secrets are not kept":                    secretsAreNotKept,
		"a value of another type is an error":     otherType,
		"an empty handle is refused":              emptyHandle,
		"a batch is one round trip":               oneRoundTrip,
		"an empty batch makes none":               noRoundTrip,
		"large batches arrive":                    largeBatch,
		"an index adds, removes and lists":        indexVerbs,
		"an index lives as long as its last need": indexLives,
		"a limit limits":                          limitLimits,
		"a limit rides with the batch":            limitRides,
		"a limit hides nothing":                   limitHidesNothing,
		"a limit ends":                            limitEnds,
		"a stream is read once by many":           streamOnce,
		"a stream hands out again":                streamAgain,
		"a stream drops what it cannot read":      streamDrops,
		"a stream tells what waits":               streamWaiting,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, o))
		})
	}
}

// harness is a store with counters.
type harness struct {
	*store.Store
	observed atomic.Int64 // round trips as Options.Observe saw them
	seen     atomic.Int64 // the same, as the client saw them
}

func open(t *testing.T, o store.Options) *harness {
	t.Helper()
	h := new(harness)
	o.Observe = func(error, time.Duration) { h.observed.Add(1) }
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Redis().AddHook(counter{&h.seen})
	h.Store = s
	return h
}

// counter counts a client's round trips.
type counter struct{ n *atomic.Int64 }

func (c counter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "hello" { // a new connection
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

func exec(t *testing.T, b *store.Batch) {
	t.Helper()
	if err := b.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

type record struct {
	Name string
	N    int
}

// fresh is a table that no other test writes to.
func fresh(t *testing.T) store.Table[record] { return store.Table[record]{Name: name(t)} }

func name(t *testing.T) string { return strings.ReplaceAll(t.Name(), "/", "-") }

func tableVerbs(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	want := record{"Ceri", 7}

	before := table.Get(b, h)
	table.Put(b, h, record{"nobody", 1}, time.Hour)
	table.Put(b, h, want, time.Hour)
	after := table.Get(b, h)
	sibling := table.Get(b, h.Sibling())
	stranger := table.Get(b, store.Handle{Tag: store.NewHandle().Tag, Secret: h.Secret})
	if _, ok := after.Value(); ok {
		t.Error("a reply has a value before Exec")
	}
	exec(t, b)

	if got, ok := after.Value(); !ok || got != want {
		t.Errorf("Get: got %v, %v, want %v", got, ok, want)
	}
	for name, r := range map[string]*store.Reply[record]{"before Put": before, "of a sibling": sibling, "of another tag": stranger} {
		if got, ok := r.Value(); ok {
			t.Errorf("Get %s found %v", name, got)
		}
	}

	taken, again := table.Take(b, h), table.Take(b, h)
	table.Put(b, h, want, time.Hour)
	table.Delete(b, h)
	deleted := table.Get(b, h)
	exec(t, b)
	if got, ok := taken.Value(); !ok || got != want {
		t.Errorf("Take: got %v, %v, want %v", got, ok, want)
	}
	if got, ok := again.Value(); ok {
		t.Errorf("Take found %v twice", got)
	}
	if got, ok := deleted.Value(); ok {
		t.Errorf("Get found %v after Delete", got)
	}
}

// Of many redemptions of a one-time thing exactly one wins.
func refOpens(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	ref, ok := store.ParseRef(h.Ref())
	if !ok {
		t.Fatalf("%s is not read", h.Ref())
	}
	want := record{"Ceri", 7}
	table.Put(b, h, want, time.Hour)
	there, gone := table.Touch(b, ref, time.Hour), table.Touch(b, store.NewHandle(), time.Hour)
	found := table.Get(b, ref)
	taken := table.Take(b, ref)
	after := table.Get(b, h)
	exec(t, b)
	if got, ok := found.Value(); !ok || got != want {
		t.Errorf("Get by ref: %v, %v", got, ok)
	}
	if got, ok := taken.Value(); !ok || got != want {
		t.Errorf("Take by ref: %v, %v", got, ok)
	}
	if _, ok := after.Value(); ok {
		t.Error("the record survives its Take by ref")
	}
	if _, ok := there.Value(); !ok {
		t.Error("Touch does not find the record")
	}
	if _, ok := gone.Value(); ok {
		t.Error("Touch finds a record that is not there")
	}
}

func oneTakes(t *testing.T, s *harness) {
	table, h := fresh(t), store.NewHandle()
	for range 20 {
		b := s.Batch()
		table.Put(b, h, record{"Ceri", 1}, time.Hour)
		exec(t, b)

		var won atomic.Int64
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				b := s.Batch()
				r := table.Take(b, h)
				if err := b.Exec(t.Context()); err != nil {
					t.Error(err)
				}
				if _, ok := r.Value(); ok {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of 10 took it", won.Load())
		}
	}
}

// Of many who come with a thing that is good for one use exactly one is first.
func oneAdds(t *testing.T, s *harness) {
	table := fresh(t)
	for range 20 {
		h := store.NewHandle()
		var first atomic.Int64
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				b := s.Batch()
				r := table.Add(b, h, record{"Ceri", n}, time.Hour)
				if err := b.Exec(t.Context()); err != nil {
					t.Error(err)
				}
				if got, ok := r.Value(); ok {
					first.Add(1)
					if kept := s.get(t, table, h); kept != got {
						t.Errorf("%v was added, %v is kept", got, kept)
					}
				}
			})
		}
		all.Wait()
		if first.Load() != 1 {
			t.Fatalf("%d of 10 were first", first.Load())
		}
	}
}

// Of many who put something in one place each learns of one other, whose it replaced:
// nobody's is overlooked.
func manySwap(t *testing.T, s *harness) {
	table, h := fresh(t), store.NewHandle()
	const many = 10
	var replaced [many + 1]atomic.Int64 // by number; the first is nothing
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			b := s.Batch()
			r := table.Swap(b, h, record{"Ceri", n + 1}, time.Hour)
			if err := b.Exec(t.Context()); err != nil {
				t.Error(err)
			}
			last, _ := r.Value()
			replaced[last.N].Add(1)
		})
	}
	all.Wait()
	kept := s.get(t, table, h).N
	for n := range replaced {
		if got, want := replaced[n].Load(), int64(1); n != kept && got != want || n == kept && got != 0 {
			t.Errorf("%d was replaced %d times; %d is kept", n, got, kept)
		}
	}
}

// What was added ends too, however short the time.
func addedEnds(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	table.Add(b, h, record{"short", 1}, 0)
	exec(t, b)
	eventually(t, "another may add", func() bool {
		b := s.Batch()
		r := table.Add(b, h, record{"next", 1}, time.Hour)
		exec(t, b)
		_, ok := r.Value()
		return ok
	})
}

func (s *harness) get(t *testing.T, table store.Table[record], h store.Handle) record {
	b := s.Batch()
	r := table.Get(b, h)
	if err := b.Exec(t.Context()); err != nil {
		t.Error(err)
	}
	got, _ := r.Value()
	return got
}

// eventually tries until done, for some seconds: nothing tells a client that
// a record has ended.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func recordsEnd(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	table.Put(b, h, record{"short", 1}, 30*time.Millisecond)
	table.Put(b, h.Sibling(), record{"long", 1}, time.Hour)
	exec(t, b)
	eventually(t, "the record ends", func() bool {
		r := table.Get(b, h)
		exec(t, b)
		_, ok := r.Value()
		return !ok
	})
}

func noTimeToLive(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	for _, ttl := range []time.Duration{0, -time.Second, time.Microsecond} {
		table.Put(b, h, record{"there", 1}, time.Hour)
		table.Put(b, h, record{"late", 1}, ttl)
		r := table.Get(b, h)
		exec(t, b)
		if got, ok := r.Value(); ok {
			t.Errorf("time to live %v: found %v", ttl, got)
		}
	}
}

func secretsAreNotKept(t *testing.T, s *harness) {
	table, b, h := fresh(t), s.Batch(), store.NewHandle()
	table.Put(b, h, record{"Ceri", 1}, time.Hour)
	table.Take(b, h.Sibling())
	store.Index{Name: name(t) + "-index"}.Add(b, h.Secret, "member", time.Hour)
	spy := new(spy)
	s.Redis().AddHook(spy)
	if _, _, err := counted(t, b, h.Secret, store.Limit{PerMinute: 100}); err != nil {
		t.Fatal(err)
	}
	sent := spy.String()
	if strings.Contains(sent, h.Secret) {
		t.Error("the secret was sent to Redis")
	}
	if !strings.Contains(sent, name(t)+":{"+h.Tag+"}:") {
		t.Errorf("no key carries the tag in braces:\n%s", sent)
	}
}

// spy writes down what is sent.
type spy struct {
	strings.Builder
	counter
}

func (s *spy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			s.WriteString(cmd.String() + "\n")
		}
		return next(ctx, cmds)
	}
}

func otherType(t *testing.T, s *harness) {
	b, h := s.Batch(), store.NewHandle()
	store.Table[string]{Name: name(t)}.Put(b, h, "a text", time.Hour)
	exec(t, b)
	r := fresh(t).Get(b, h)
	if err := b.Exec(t.Context()); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec: %v", err)
	}
	if got, ok := r.Value(); ok {
		t.Errorf("found %v", got)
	}

	store.Table[func()]{Name: name(t)}.Put(b, h, func() {}, time.Hour)
	if err := b.Exec(t.Context()); err == nil {
		t.Error("a function was kept")
	}
}

func emptyHandle(t *testing.T, s *harness) {
	table, b := fresh(t), s.Batch()
	table.Put(b, store.Handle{}, record{"everybody's", 1}, time.Hour)
	table.Put(b, store.NewHandle(), record{"innocent", 1}, time.Hour)
	if err := b.Exec(t.Context()); err == nil {
		t.Error("Put with an empty handle succeeded")
	}
	table.Add(b, store.Handle{}, record{"everybody's", 1}, time.Hour)
	if err := b.Exec(t.Context()); err == nil {
		t.Error("Add with an empty handle succeeded")
	}
	if n := s.observed.Load(); n != 0 {
		t.Errorf("%d round trips for a batch that was refused", n)
	}
	r := table.Get(b, store.Handle{})
	exec(t, b)
	if got, ok := r.Value(); ok {
		t.Errorf("Get with an empty handle found %v", got)
	}
}

func (s *harness) tripsAre(t *testing.T, want int64) {
	t.Helper()
	if observed, seen := s.observed.Swap(0), s.seen.Swap(0); observed != want || seen != want {
		t.Errorf("%d round trips were observed and %d seen, want %d", observed, seen, want)
	}
}

func oneRoundTrip(t *testing.T, s *harness) {
	table, index, stream := fresh(t), store.Index{Name: name(t) + "-index"}, store.Stream[record]{Name: name(t) + "-stream"}
	b := s.Batch()
	for range 20 { // of many tags: in Cluster they go to all nodes at once
		h := store.NewHandle()
		table.Put(b, h, record{"Ceri", 1}, time.Hour)
		table.Add(b, h, record{"Ceri", 1}, time.Hour)
		table.Get(b, h)
		table.Take(b, h)
		table.Delete(b, h)
		index.Add(b, h.Tag, "member", time.Hour)
		index.Members(b, h.Tag)
		index.Delete(b, h.Tag)
	}
	stream.Append(b, record{"Ceri", 2})
	exec(t, b)
	s.tripsAre(t, 1)
}

func noRoundTrip(t *testing.T, s *harness) {
	exec(t, s.Batch())
	s.tripsAre(t, 0)
	b := s.Batch()
	fresh(t).Get(b, store.NewHandle())
	exec(t, b)
	exec(t, b) // empty again
	s.tripsAre(t, 1)
}

// A batch is written whole before the first reply is read: neither side may
// wait for the other.
func largeBatch(t *testing.T, s *harness) {
	table, b := fresh(t), s.Batch()
	want := record{strings.Repeat("Ceri", 10_000), 1}
	var replies []*store.Reply[record]
	for range 50 {
		h := store.NewHandle()
		table.Put(b, h, want, time.Minute)
		replies = append(replies, table.Take(b, h))
	}
	exec(t, b)
	for i, r := range replies {
		if got, _ := r.Value(); got != want {
			t.Fatalf("reply %d has %d bytes", i, len(got.Name))
		}
	}
}
