package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/test/servers"
)

func TestRedisStopsAndComesBack(t *testing.T) {
	server := servers.StartRedis(t)
	s := open(t, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}})
	table, stream := fresh(t), store.Stream[record]{Name: name(t) + "-stream"}
	put := func() error {
		b := s.Batch()
		table.Put(b, store.NewHandle(), record{"Ceri", 1}, time.Hour)
		stream.Append(b, record{"Ceri", 1})
		return b.Exec(t.Context())
	}
	var k book
	consume(t, s, stream, time.Minute, k.write)
	if err := put(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the entry is handled", func() bool { return len(k.read()) == 1 })

	server.Stop(t)
	for range 3 {
		if err := put(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without Redis: %v", err)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
	b := s.Batch()
	table.Get(b, store.NewHandle())
	if _, _, err := counted(t, b, "key", store.Limit{PerMinute: 1}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a counted batch: %v", err)
	}

	server.Start(t) // it has forgotten everything, the stream's group as well
	eventually(t, "Redis is used again", func() bool { return put() == nil })
	eventually(t, "the stream is read again", func() bool { return len(k.read()) > 1 })
}

func TestSentinelFailsOver(t *testing.T) {
	sentinel, master := servers.RedisSentinel(t)
	s := open(t, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{sentinel}, MasterName: "councilid"}})
	table, h := fresh(t), store.NewHandle()
	put := func() error {
		b := s.Batch()
		table.Put(b, h, record{"Ceri", 1}, time.Hour)
		return b.Exec(t.Context())
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	master.Stop(t)
	if err := put(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a master: %v", err)
	}
	eventually(t, "the replica is used", func() bool { return put() == nil })
}

// lossy loses answers when told to: what was asked is carried out, and the
// connection breaks before the answer comes.
type lossy struct {
	net.Conn
	lose *atomic.Bool
}

func (l lossy) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.lose.CompareAndSwap(true, false) {
		l.Close()
		return 0, io.EOF
	}
	return n, err
}

func TestLostAnswers(t *testing.T) {
	var lose atomic.Bool
	s := open(t, store.Options{Redis: &redis.UniversalOptions{
		Addrs: []string{servers.Redis(t)},
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return lossy{c, &lose}, err
		},
	}})
	table, stream, h := fresh(t), store.Stream[record]{Name: name(t) + "-stream"}, store.NewHandle()

	b := s.Batch()
	table.Put(b, h, record{"Ceri", 1}, time.Hour)
	r := table.Get(b, h)
	lose.Store(true)
	exec(t, b) // asked again: nobody notices
	if _, ok := r.Value(); !ok {
		t.Error("Get found nothing")
	}

	// Asking again would find nothing and say that the code is used up, while
	// nobody has used it.
	taken := table.Take(b, h)
	lose.Store(true)
	if err := b.Exec(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		_, ok := taken.Value()
		t.Errorf("Take: %v, %v", ok, err)
	}

	// Nor may an Add, which would find its own.
	if err := s.Ping(t.Context()); err != nil { // on a connection that stays
		t.Fatal(err)
	}
	table.Add(b, h.Sibling(), record{"Ceri", 1}, time.Hour)
	lose.Store(true)
	if err := b.Exec(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Add: %v", err)
	}

	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	stream.Append(b, record{"Ceri", 1})
	lose.Store(true)
	if err := b.Exec(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Append: %v", err)
	}
	if n := s.Redis().XLen(t.Context(), stream.Name).Val(); n != 1 {
		t.Errorf("appended %d times", n)
	}
}

func TestRedisThatNeverAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := store.Open(store.Options{Redis: &redis.UniversalOptions{
		Addrs: []string{l.Addr().String()}, ReadTimeout: 20 * time.Millisecond,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := s.Batch()
	fresh(t).Get(b, store.NewHandle())
	if err := b.Exec(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyWaits(t *testing.T) {
	s := open(t, store.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := s.Batch()
	fresh(t).Get(b, store.NewHandle())
	if err := b.Exec(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
