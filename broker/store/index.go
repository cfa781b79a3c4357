package store

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// Index keeps sets of short texts, each text for a time: what belongs to one
// key, such as the uses of one session.
//
// Keys are hashed, members are kept as they are: they must not be secrets. A
// key's set lies in a Cluster slot of its own; a batch that crosses slots still
// is one round trip.
type Index struct {
	// Name is the first part of the index's keys. It is no table's.
	Name string
}

// Add puts member into key's set, for ttl from now, and takes out those whose
// time is over. The times are this node's.
func (i Index) Add(b *Batch, key, member string, ttl time.Duration) {
	k, ms, now := i.key(key), ttl.Milliseconds(), time.Now()
	b.add(redis.NewIntCmd(background, "zadd", k, "gt", now.Add(ttl).UnixMilli(), member))
	b.add(redis.NewIntCmd(background, "zremrangebyscore", k, "-inf", now.UnixMilli()))
	b.add(redis.NewBoolCmd(background, "pexpire", k, ms, "nx")) // a new set
	b.add(redis.NewBoolCmd(background, "pexpire", k, ms, "gt")) // a set that would end earlier
}

// Members reads key's set, in no order.
func (i Index) Members(b *Batch, key string) *Reply[[]string] {
	cmd := redis.NewStringSliceCmd(background, "zrangebyscore", i.key(key), time.Now().UnixMilli(), "+inf")
	b.add(cmd)
	r := new(Reply[[]string])
	b.afterwards(func() error {
		r.value, r.found = cmd.Val(), len(cmd.Val()) > 0
		return nil
	})
	return r
}

// Remove takes members out of key's set.
func (i Index) Remove(b *Batch, key string, members ...string) {
	for _, member := range members {
		b.add(redis.NewIntCmd(background, "zrem", i.key(key), member))
	}
}

// Delete ends key's set.
func (i Index) Delete(b *Batch, key string) {
	b.add(redis.NewIntCmd(background, "del", i.key(key)))
}

func (i Index) key(key string) string { return i.Name + ":{" + digest(key) + "}" }
