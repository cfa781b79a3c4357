package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is the client below the verbs.
func (s *Store) Redis() redis.UniversalClient { return s.client }

// ConsumeEvery is Consume with other times than a test could wait for.
func (st Stream[T]) ConsumeEvery(ctx context.Context, poll, patience time.Duration, s *Store, handle func(context.Context, []Entry[T]) error) error {
	return consumer[T]{stream: st.Name, store: s, handle: handle, poll: poll, patience: patience}.run(ctx)
}

// LimitKey is where Redis counts key.
func LimitKey(key string) string { return limitKey(key) }
