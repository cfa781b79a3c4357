package store

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit is how often something may happen: so many times in a minute, an hour or a
// day, all at once if need be. That time begins with the first of them. The zero Limit
// does not limit.
type Limit struct {
	PerMinute int
	PerHour   int // where PerMinute is 0
	PerDay    int // where both are 0
}

// window is how often something may happen in what time.
func (l Limit) window() (most int, length time.Duration) {
	switch {
	case l.PerMinute > 0:
		return l.PerMinute, time.Minute
	case l.PerHour > 0:
		return l.PerHour, time.Hour
	}
	return l.PerDay, 24 * time.Hour
}

// Exceeded is the error of a batch that was counted too often. The batch has
// been carried out all the same, and its replies are there: the caller must not
// act on them, and undo what must not stay.
type Exceeded struct {
	RetryAfter time.Duration // when the next may come
}

func (*Exceeded) Error() string { return "rate limit exceeded" }

// Count has the batch counted against key, in the round trip that carries it
// out. What comes when the limit is reached is counted, too, and puts nothing off.
func (b *Batch) Count(key string, l Limit) {
	most, length := l.window()
	if most == 0 {
		return
	}
	k := limitKey(key)
	count, left := redis.NewIntCmd(background, "incr", k), redis.NewIntCmd(background, "pttl", k)
	b.add(count)
	b.add(redis.NewBoolCmd(background, "pexpire", k, length.Milliseconds(), "nx")) // by the first, or whoever comes after one that was cut off
	b.add(left)
	b.counted = func() error {
		if count.Val() <= int64(most) {
			return nil
		}
		return &Exceeded{RetryAfter: time.Duration(max(0, left.Val())) * time.Millisecond}
	}
}

func limitKey(key string) string { return "limit:{" + digest(key) + "}" }
