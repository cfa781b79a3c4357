package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stream is a log of records that are handled at least once, by any node.
type Stream[T any] struct {
	// Name is the stream's key.
	Name string
}

// longest is how many entries a stream keeps, about. While nobody can handle
// them, the oldest are lost first.
const longest = 100_000

// Append adds v to the stream.
func (st Stream[T]) Append(b *Batch, v T) {
	value, err := json.Marshal(v)
	if err != nil {
		b.refuse(fmt.Errorf("append to %s: %w", st.Name, err))
		return
	}
	b.add(once{redis.NewStringCmd(background, "xadd", st.Name, "maxlen", "~", longest, "*", field, value)})
}

// Entry is one record of a Stream.
type Entry[T any] struct {
	ID    string
	Value T
}

// Waiting returns the entries that nobody has handled yet, or whose handling has not
// ended, the oldest first. They are handled all the same.
func (st Stream[T]) Waiting(ctx context.Context, s *Store) ([]Entry[T], error) {
	c := consumer[T]{stream: st.Name, store: s}
	var waiting []Entry[T]
	for from := "-"; ; {
		messages, err := s.client.XRangeN(ctx, st.Name, from, "+", most).Result()
		if err != nil {
			return nil, unavailable(err)
		}
		waiting = append(waiting, c.decode(messages)...)
		if len(messages) < most {
			return waiting, nil
		}
		from = "(" + messages[len(messages)-1].ID
	}
}

// Consume hands entries to handle in batches until ctx ends, and returns why
// ctx ended. Entries are gone when handle returns nil, and handed out again
// otherwise, to whichever node asks next. It waits for a Redis that is down.
func (st Stream[T]) Consume(ctx context.Context, s *Store, handle func(context.Context, []Entry[T]) error) error {
	c := consumer[T]{stream: st.Name, store: s, handle: handle, poll: time.Second, patience: time.Minute}
	return c.run(ctx)
}
