package store

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// tick is how often the clock of the Redis inside the process is moved, and so
// how much too early a record may end there.
const tick = 500 * time.Millisecond

// embedded is a Redis inside the process.
type embedded struct {
	redis   *miniredis.Miniredis
	ending  chan struct{}
	clock   sync.WaitGroup
	stopped sync.Once
}

func startEmbedded() *embedded {
	e := &embedded{redis: miniredis.NewMiniRedis(), ending: make(chan struct{})}
	e.clock.Go(e.run)
	return e
}

// run moves the clock: miniredis has none of its own that would not look at
// every key whenever one is asked for.
func (e *embedded) run() {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-e.ending:
			return
		case <-t.C:
			now := time.Now()
			e.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// options lead a client to e.
func (e *embedded) options() *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs:           []string{"embedded"},
		DisableIdentity: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			c, err := e.redis.Dial()
			if err != nil {
				return nil, err
			}
			return newSender(c), nil
		},
	}
}

func (e *embedded) stop() {
	e.stopped.Do(func() { close(e.ending) })
	e.clock.Wait()
	e.redis.Close()
}

// sender is a connection whose writes do not wait for the other side to read.
//
// A pipe has no buffer. A client that writes a whole batch before it reads
// would wait for a server that waits for the client to take its first reply.
type sender struct {
	net.Conn
	wake chan struct{} // holds one when there may be something to send
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	queue []byte
}

func newSender(c net.Conn) *sender {
	s := &sender{Conn: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *sender) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.queue = append(s.queue, p...)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *sender) run() {
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		p := s.queue
		s.queue = nil
		s.mu.Unlock()
		if _, err := s.Conn.Write(p); err != nil {
			s.Close() // the reader finds out
			return
		}
	}
}

func (s *sender) Close() error {
	s.once.Do(func() { close(s.done) })
	return s.Conn.Close()
}
