package store

import (
	"context"
	"errors"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Limit is how often something may happen: so many times a minute, an hour or a
// day, all at once if need be. The zero Limit does not limit.
type Limit struct {
	PerMinute int
	PerHour   int // where PerMinute is 0
	PerDay    int // where both are 0
}

// rate is l as the limiter has it.
func (l Limit) rate() redis_rate.Limit {
	switch {
	case l.PerMinute > 0:
		return redis_rate.PerMinute(l.PerMinute)
	case l.PerHour > 0:
		return redis_rate.PerHour(l.PerHour)
	}
	return redis_rate.Limit{Rate: l.PerDay, Burst: l.PerDay, Period: 24 * time.Hour}
}

// Exceeded is the error of a batch that was counted too often. The batch has
// been carried out all the same, and its replies are there: the caller must not
// act on them, and undo what must not stay.
type Exceeded struct {
	RetryAfter time.Duration // when the next may come
}

func (*Exceeded) Error() string { return "rate limit exceeded" }

// Count has the batch counted against key, in the round trip that carries it
// out.
func (b *Batch) Count(key string, l Limit) { b.key, b.limit = key, l }

func (b *Batch) execCounted(ctx context.Context) error {
	key, limit := "{"+digest(b.key)+"}", b.limit.rate()
	r := &rider{UniversalClient: b.store.client, batch: b}
	res, err := redis_rate.NewLimiter(r).Allow(ctx, key, limit)
	switch {
	case r.err != nil:
		return r.err
	case err != nil:
		return unavailable(err)
	case res.Allowed == 0:
		return &Exceeded{RetryAfter: max(0, res.RetryAfter)}
	}
	return nil
}

// rider lets the limiter's script ride with a batch: the limiter believes to
// run it, and the batch is executed with it.
type rider struct {
	redis.UniversalClient
	batch *Batch
	err   error // of the batch
}

// EvalSha executes the batch with the script.
func (r *rider) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return r.run(ctx, "evalsha", sha, keys, args)
}

// Eval is what the limiter calls when Redis does not know the script: once
// after each start of Redis. The batch has been executed by then, so the
// script goes alone.
func (r *rider) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return r.run(ctx, "eval", script, keys, args)
}

func (r *rider) run(ctx context.Context, verb, script string, keys []string, args []any) *redis.Cmd {
	line := []any{verb, script, len(keys)}
	for _, k := range keys {
		line = append(line, k)
	}
	cmd := redis.NewCmd(ctx, append(line, args...)...)
	cmd.SetFirstKeyPos(3)
	r.batch.add(once{cmd})
	r.err = errors.Join(r.err, r.batch.exec(ctx))
	return cmd
}
