package store

import (
	"context"
	"errors"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Limit is how often something may happen. The zero Limit does not limit.
type Limit struct {
	// PerMinute is the rate, and the size of a burst.
	PerMinute int
}

// ExecLimited executes the batch and counts it against key, in the same round
// trip. What is not allowed has been carried out all the same: the caller must
// not act on it, and retryAfter says when the next may be.
func (b *Batch) ExecLimited(ctx context.Context, key string, l Limit) (allowed bool, retryAfter time.Duration, err error) {
	if l.PerMinute == 0 || b.err != nil {
		err := b.Exec(ctx)
		return err == nil, 0, err
	}
	r := &rider{UniversalClient: b.store.client, batch: b}
	res, err := redis_rate.NewLimiter(r).Allow(ctx, "{"+digest(key)+"}", redis_rate.PerMinute(l.PerMinute))
	if r.err != nil {
		return false, 0, r.err
	}
	if err != nil {
		return false, 0, unavailable(err)
	}
	return res.Allowed > 0, max(0, res.RetryAfter), nil
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
	r.err = errors.Join(r.err, r.batch.Exec(ctx))
	return cmd
}
