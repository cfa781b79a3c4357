package store

// STUB: signatures agreed; implementation follows.

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

type Store struct{}

// Options of a Store.
type Options struct {
	Redis   *redis.UniversalOptions // nil: embedded
	Observe func(err error, took time.Duration)
	Log     *slog.Logger
}

func Open(o Options) (*Store, error)            { panic("stub") }
func (s *Store) Close() error                   { panic("stub") }
func (s *Store) Ping(ctx context.Context) error { panic("stub") }
func (s *Store) Batch() *Batch                  { panic("stub") }
func (s *Store) Redis() redis.UniversalClient   { panic("stub") }

// Batch collects operations that travel in one round trip.
type Batch struct{}

func (b *Batch) Exec(ctx context.Context) error { panic("stub") }

// Limit is a rate; Allow runs with the batch, in the same round trip.
type Limit struct{ PerMinute int }

// ExecLimited runs the batch together with a rate limit check on key.
func (b *Batch) ExecLimited(ctx context.Context, key string, l Limit) (allowed bool, retryAfter time.Duration, err error) {
	panic("stub")
}

// Handle names one record: Tag keeps the records of one login in one Cluster
// slot, Secret is what only its holder knows.
type Handle struct{ Tag, Secret string }

func NewHandle() Handle                   { panic("stub") } // new tag, new secret
func (h Handle) Sibling() Handle          { panic("stub") } // same tag, new secret
func ParseHandle(s string) (Handle, bool) { panic("stub") }
func (h Handle) String() string           { panic("stub") } // TAG.SECRET

// Table keeps values of one type for a time.
type Table[T any] struct{ Name string }

// Reply is the answer to a read, once the batch has run.
type Reply[T any] struct{}

// Value returns what was found; ok is false where nothing was.
func (r *Reply[T]) Value() (value T, ok bool) { panic("stub") }

func (t Table[T]) Put(b *Batch, h Handle, v T, ttl time.Duration) { panic("stub") }
func (t Table[T]) Get(b *Batch, h Handle) *Reply[T]               { panic("stub") }
func (t Table[T]) Take(b *Batch, h Handle) *Reply[T]              { panic("stub") }
func (t Table[T]) Delete(b *Batch, h Handle)                      { panic("stub") }

// Index keeps sets of short texts for a time.
type Index struct{ Name string }

func (i Index) Add(b *Batch, key, member string, ttl time.Duration) { panic("stub") }
func (i Index) Remove(b *Batch, key, member string)                 { panic("stub") }
func (i Index) Members(b *Batch, key string) *Reply[[]string]       { panic("stub") }
func (i Index) Delete(b *Batch, key string)                         { panic("stub") }

// Stream is a log of records that are handled at least once.
type Stream[T any] struct{ Name string }

func (st Stream[T]) Append(b *Batch, v T) { panic("stub") }

// Entry is one record of a Stream.
type Entry[T any] struct {
	ID    string
	Value T
}

// Consume hands entries to handle in batches until ctx ends; entries are
// acknowledged when handle returns nil, and handed out again otherwise, to
// whichever node asks next.
func (st Stream[T]) Consume(ctx context.Context, s *Store, handle func(context.Context, []Entry[T]) error) error {
	panic("stub")
}
