package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Table keeps values of one type for a time, as JSON.
type Table[T any] struct {
	// Name is the first part of the table's keys. It is no other table's.
	Name string
}

// Reply is the answer to a read, once the batch has been executed.
type Reply[T any] struct {
	value T
	found bool
}

// Value returns what was found; ok is false where nothing was.
func (r *Reply[T]) Value() (value T, ok bool) { return r.value, r.found }

// Put keeps v under h for ttl, in place of what was there. With no time to
// live left, it deletes.
//
// A handle without a tag is a mistake that makes the batch fail: everybody who
// made it would share one record.
func (t Table[T]) Put(b *Batch, h Handle, v T, ttl time.Duration) {
	value, ok := t.encode(b, h, v)
	if !ok {
		return
	}
	if ttl < time.Millisecond {
		t.Delete(b, h)
		return
	}
	b.add(redis.NewStatusCmd(background, "set", h.key(t.Name), value, "px", ttl.Milliseconds()))
}

// Swap is Put that tells what was there before: of many who swap, each gets what the
// one before it put. Where it was asked twice, because the first answer was lost, that
// is v itself.
func (t Table[T]) Swap(b *Batch, h Handle, v T, ttl time.Duration) *Reply[T] {
	value, ok := t.encode(b, h, v)
	if !ok {
		return new(Reply[T])
	}
	cmd := redis.NewStringCmd(background, "set", h.key(t.Name), value, "px", max(1, ttl.Milliseconds()), "get")
	b.add(cmd)
	return t.reply(b, cmd)
}

// Add keeps v under h for ttl, a millisecond at least, where nothing is kept
// yet. The reply has a value if it did: of many who add, one does.
func (t Table[T]) Add(b *Batch, h Handle, v T, ttl time.Duration) *Reply[T] {
	r := new(Reply[T])
	value, ok := t.encode(b, h, v)
	if !ok {
		return r
	}
	cmd := redis.NewStatusCmd(background, "set", h.key(t.Name), value, "px", max(1, ttl.Milliseconds()), "nx")
	b.add(once{cmd})
	b.afterwards(func() error {
		if cmd.Err() == nil {
			r.value, r.found = v, true
		}
		return nil
	})
	return r
}

// encode returns v as it is kept. Where it cannot be, the batch will fail.
func (t Table[T]) encode(b *Batch, h Handle, v T) (value []byte, ok bool) {
	if h.Tag == "" {
		b.refuse(fmt.Errorf("put into %s: the handle is empty", t.Name))
		return nil, false
	}
	value, err := json.Marshal(v)
	if err != nil {
		b.refuse(fmt.Errorf("put into %s: %w", t.Name, err))
	}
	return value, err == nil
}

// Get reads what is kept under h.
func (t Table[T]) Get(b *Batch, h Handle) *Reply[T] {
	cmd := redis.NewStringCmd(background, "get", h.key(t.Name))
	b.add(cmd)
	return t.reply(b, cmd)
}

// Take reads what is kept under h and deletes it, in one step: of many who
// take, one finds it.
//
// If Redis fails half way, Exec fails and the record may be gone. It is never
// found twice.
func (t Table[T]) Take(b *Batch, h Handle) *Reply[T] {
	cmd := redis.NewStringCmd(background, "getdel", h.key(t.Name))
	b.add(once{cmd})
	return t.reply(b, cmd)
}

// Touch keeps what is kept under h for ttl from now, and makes nothing where
// nothing is: of one who touches and one who takes, the one who takes wins. The
// reply has a value, always true, where something was.
func (t Table[T]) Touch(b *Batch, h Handle, ttl time.Duration) *Reply[bool] {
	cmd := redis.NewBoolCmd(background, "pexpire", h.key(t.Name), ttl.Milliseconds())
	b.add(cmd)
	r := new(Reply[bool])
	b.afterwards(func() error {
		r.value, r.found = cmd.Val(), cmd.Val()
		return nil
	})
	return r
}

// Delete ends what is kept under h.
func (t Table[T]) Delete(b *Batch, h Handle) {
	b.add(redis.NewIntCmd(background, "del", h.key(t.Name)))
}

// reply has the answer of cmd decoded when it is there.
func (t Table[T]) reply(b *Batch, cmd *redis.StringCmd) *Reply[T] {
	r := new(Reply[T])
	b.afterwards(func() error {
		value, err := cmd.Bytes()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		if err := json.Unmarshal(value, &r.value); err != nil {
			return fmt.Errorf("read from %s: %w", t.Name, err)
		}
		r.found = true
		return nil
	})
	return r
}

// background is the context that commands are made with. The one that counts
// is Exec's.
var background = context.Background()
