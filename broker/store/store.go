// Package store keeps session state in Redis: requests, attempts, sessions,
// codes, tokens. All of it may be lost without losing anybody's identity, and
// all of it ends by itself: nothing is kept without a time to live.
//
// Values of one type live in a [Table] with a few verbs: Put, Add, Get, Take, Delete and
// their kin. The verbs collect in a [Batch] and travel together, in one round
// trip, when the batch is executed; only then do replies have values:
//
//	b := s.Batch()
//	code := codes.Take(b, handle)
//	sessions.Put(b, other, session, time.Hour)
//	if err := b.Exec(ctx); err != nil { … }
//	c, ok := code.Value()
//
// A batch is not a transaction: when Exec fails, some of it may have happened.
//
// Secrets never reach Redis. A record is found by what a [Handle] hashes to,
// so whoever reads Redis can use none of the cookies, codes and tokens.
//
// Without a Redis the store runs one inside the process, with the same client
// and the same code. It serves one node and forgets everything when it ends.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrUnavailable says that Redis could not be reached or could not do its work
// for now. The cause is wrapped beside it.
var ErrUnavailable = errors.New("the session store is unavailable")

// Options of a Store.
type Options struct {
	// Redis says where Redis is: one server, Sentinel or Cluster. Timeouts
	// that are not set are a second to connect and two for an answer.
	// Default: a Redis inside the process.
	Redis *redis.UniversalOptions
	// Observe is told of every round trip that a batch made: how it ended and
	// how long it took. Default: nobody is told.
	Observe func(err error, took time.Duration)
	// Log gets what Consume has to put up with. Default: nothing is logged.
	Log *slog.Logger
}

// Store is a connection to Redis.
type Store struct {
	client   redis.UniversalClient
	embedded *embedded // nil with a real Redis
	observe  func(err error, took time.Duration)
	log      *slog.Logger
}

// Open returns a store. It does not connect: a Redis that is down now may be
// up when it is needed.
func Open(o Options) (*Store, error) {
	s := &Store{observe: o.Observe, log: o.Log}
	if s.observe == nil {
		s.observe = func(error, time.Duration) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Redis == nil {
		s.embedded = startEmbedded()
		o.Redis = s.embedded.options()
	}
	s.client = redis.NewUniversalClient(bounded(o.Redis))
	return s, nil
}

// bounded returns o with an end to all waiting.
//
// Lost answers are asked for once more, except where asking twice would not do
// the same as asking once: see once.
func bounded(o *redis.UniversalOptions) *redis.UniversalOptions {
	b := *o
	b.DialTimeout = cmp.Or(o.DialTimeout, time.Second)
	b.ReadTimeout = cmp.Or(o.ReadTimeout, 2*time.Second)
	b.WriteTimeout = cmp.Or(o.WriteTimeout, 2*time.Second)
	b.PoolTimeout = cmp.Or(o.PoolTimeout, 2*time.Second)
	b.DialerRetries = cmp.Or(o.DialerRetries, 1)
	b.MaxRetries = cmp.Or(o.MaxRetries, 1)
	b.ContextTimeoutEnabled = true
	// Everything is a pipeline here: a second pool for pipelines would leave
	// the first one idle.
	b.PipelinePoolSize = -1
	b.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &b
}

// Close ends all connections, and the Redis inside the process if there is
// one.
func (s *Store) Close() error {
	err := s.client.Close()
	if s.embedded != nil {
		s.embedded.stop()
	}
	return err
}

// Ping reports whether Redis answers.
func (s *Store) Ping(ctx context.Context) error {
	return unavailable(s.client.Ping(ctx).Err())
}

// unavailable adds ErrUnavailable to an error of Redis or of the way there.
// That nobody waits for the answer any more is not Redis' fault.
func unavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
