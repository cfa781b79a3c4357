package store_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/test/servers"
)

func BenchmarkPutAndGet(b *testing.B) {
	b.Run("embedded", func(b *testing.B) { putAndGet(b, store.Options{}) })
	b.Run("redis", func(b *testing.B) {
		putAndGet(b, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{servers.Redis(b)}}})
	})
}

func putAndGet(b *testing.B, o store.Options) {
	s, err := store.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	table := store.Table[record]{Name: "bench"}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		batch, h := s.Batch(), store.NewHandle()
		for p.Next() {
			table.Put(batch, h, record{"Ceri", 1}, time.Hour)
			r := table.Get(batch, h)
			if err := batch.Exec(b.Context()); err != nil {
				b.Error(err)
			}
			if _, ok := r.Value(); !ok {
				b.Error("lost")
			}
		}
	})
}
