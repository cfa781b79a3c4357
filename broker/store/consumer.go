package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	field = "v" // the field of an entry that holds its value

	// All nodes read as one consumer of one group. Redis hands an entry to
	// whoever asks first, and what was not acknowledged to whoever asks after
	// its patience; a name for each process would only pile up dead ones.
	group, reader = "councilid", "node"

	most = 200 // entries at a time: few enough to be small beside all else in memory
)

// consumer reads a stream.
type consumer[T any] struct {
	stream   string
	store    *Store
	handle   func(context.Context, []Entry[T]) error
	poll     time.Duration // between two looks at an empty stream
	patience time.Duration // for an entry that was handed out and not acknowledged
}

// run reads until ctx ends, less and less often while it fails.
func (c consumer[T]) run(ctx context.Context) error {
	wait := c.poll
	for {
		n, err := c.step(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case err != nil:
			c.store.log.WarnContext(ctx, "stream entries wait", slog.String("stream", c.stream), slog.Any("err", err))
			wait = min(2*wait, 30*c.poll)
		case n < most:
			wait = c.poll
		default:
			continue // there are more
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// step handles what there is to handle and returns how much it was.
func (c consumer[T]) step(ctx context.Context) (int, error) {
	messages, err := c.read(ctx)
	if redis.HasErrorPrefix(err, "NOGROUP") {
		return 0, c.create(ctx)
	}
	if err != nil || len(messages) == 0 {
		return 0, unavailable(err)
	}
	if entries := c.decode(messages); len(entries) > 0 {
		if err := c.handle(ctx, entries); err != nil {
			return 0, fmt.Errorf("handle: %w", err)
		}
	}
	return len(messages), unavailable(c.settle(ctx, messages))
}

// read asks for entries that nobody settled and for new ones, in one round
// trip. It does not block: Redis keeps the new ones well enough, and a batch
// that gathers for a moment is cheaper to handle.
//
// New ones come first: where there is no group yet, another node may make it between
// the two, and what was handed out with an error would wait for its patience to end.
func (c consumer[T]) read(ctx context.Context) ([]redis.XMessage, error) {
	p := c.store.client.Pipeline()
	fresh := p.XReadGroup(ctx, &redis.XReadGroupArgs{
		Streams: []string{c.stream, ">"}, Group: group, Consumer: reader, Count: most, Block: -1,
	})
	stale := p.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: c.stream, Group: group, Consumer: reader, MinIdle: c.patience, Start: "0-0", Count: most,
	})
	cmds, _ := p.Exec(ctx)
	if err := firstError(cmds); err != nil {
		return nil, err
	}
	messages, _ := stale.Val()
	for _, s := range fresh.Val() {
		messages = append(messages, s.Messages...)
	}
	return messages, nil
}

// create makes the group, from the stream's beginning, unless another node
// has just made it.
func (c consumer[T]) create(ctx context.Context) error {
	err := c.store.client.XGroupCreateMkStream(ctx, c.stream, group, "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil
	}
	return unavailable(err)
}

// decode leaves out what is no T: it would be none the next time either.
func (c consumer[T]) decode(messages []redis.XMessage) []Entry[T] {
	entries := make([]Entry[T], 0, len(messages))
	for _, m := range messages {
		e := Entry[T]{ID: m.ID}
		value, _ := m.Values[field].(string)
		if err := json.Unmarshal([]byte(value), &e.Value); err != nil {
			c.store.log.Error("stream entry dropped", slog.String("stream", c.stream), slog.String("id", m.ID))
			continue
		}
		entries = append(entries, e)
	}
	return entries
}

// settle ends entries that were handled.
func (c consumer[T]) settle(ctx context.Context, messages []redis.XMessage) error {
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	p := c.store.client.Pipeline()
	p.XAck(ctx, c.stream, group, ids...)
	p.XDel(ctx, c.stream, ids...)
	cmds, _ := p.Exec(ctx)
	return firstError(cmds)
}
