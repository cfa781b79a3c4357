package onetime_test

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/onetime"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/test/servers"
)

// bed is codes on two nodes that share a Redis.
type bed struct {
	*testing.T
	nodes [2]onetime.Codes
	clock time.Time
}

// onEach runs a test with the embedded Redis and with a real one.
func onEach(t *testing.T, test func(b *bed)) {
	t.Run("embedded", func(t *testing.T) { test(open(t, store.Options{})) })
	t.Run("redis", func(t *testing.T) {
		test(open(t, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{servers.Redis(t)}}}))
	})
}

func open(t *testing.T, o store.Options) *bed {
	t.Helper()
	b := &bed{T: t, clock: time.Now()}
	for i := range b.nodes {
		if i > 0 && o.Redis == nil { // one process has one embedded Redis
			b.nodes[i] = b.nodes[0]
			break
		}
		s, err := store.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		b.nodes[i] = onetime.Codes{Store: s, Now: func() time.Time { return b.clock }}
	}
	return b
}

// jo asks on the page for e-mail addresses.
var jo = onetime.Use{For: "email", Who: "jo", Browser: "b1"}

// asks gets a code for jo, from a network and an account of its own, so that no limit
// is met.
func (b *bed) asks() (store.Handle, string) {
	b.Helper()
	h := store.NewHandle()
	code, err := b.nodes[0].New(b.Context(), h, onetime.Ask{To: h.Tag + "@example.org", Use: jo, Network: h.Tag, Known: h.Tag})
	if err != nil {
		b.Fatal(err)
	}
	return h, code
}

func (b *bed) redeems(h store.Handle, u onetime.Use, typed string, want error) {
	b.Helper()
	to, err := b.nodes[1].Redeem(b.Context(), h, u, typed)
	if !errors.Is(err, want) || (err == nil) != (to == h.Tag+"@example.org") {
		b.Errorf("%q: %s, %v, want %v", typed, to, err, want)
	}
}

// wrong is not the code.
func wrong(code string) string {
	if code == "0000 0000" {
		return "0000 0001"
	}
	return "0000 0000"
}

func TestCode(t *testing.T) {
	onEach(t, func(b *bed) {
		for _, as := range []func(string) string{
			func(code string) string { return code },
			func(code string) string { return strings.ReplaceAll(code, " ", "") },
			func(code string) string { return " " + strings.ReplaceAll(code, " ", "-") + "\u00a0" },
		} {
			h, code := b.asks()
			if !regexp.MustCompile(`^\d{4} \d{4}$`).MatchString(code) {
				b.Fatalf("the code is %q", code)
			}
			if to, err := b.nodes[1].Waiting(b.Context(), h, jo); err != nil || to != h.Tag+"@example.org" {
				b.Errorf("waiting: %s, %v", to, err)
			}
			b.redeems(h, jo, as(code), nil)
			b.redeems(h, jo, code, onetime.ErrSpent)
			if _, err := b.nodes[1].Waiting(b.Context(), h, jo); !errors.Is(err, onetime.ErrSpent) {
				b.Errorf("used, and waiting: %v", err)
			}
		}
	})
}

func TestWrongGuesses(t *testing.T) {
	onEach(t, func(b *bed) {
		h, code := b.asks()
		for range 4 {
			b.redeems(h, jo, wrong(code), onetime.ErrWrong)
		}
		b.redeems(h, jo, code, nil)

		h, code = b.asks()
		for range 4 {
			b.redeems(h, jo, wrong(code), onetime.ErrWrong)
		}
		b.redeems(h, jo, wrong(code), onetime.ErrSpent)
		b.redeems(h, jo, code, onetime.ErrSpent)
	})
}

// Guesses do not prolong what a code has left.
func TestCodeExpires(t *testing.T) {
	onEach(t, func(b *bed) {
		h, code := b.asks()
		b.clock = b.clock.Add(onetime.Lifetime - time.Second)
		b.redeems(h, jo, wrong(code), onetime.ErrWrong)
		b.clock = b.clock.Add(time.Second)
		if _, err := b.nodes[0].Waiting(b.Context(), h, jo); !errors.Is(err, onetime.ErrSpent) {
			b.Errorf("too old, and waiting: %v", err)
		}
		b.redeems(h, jo, code, onetime.ErrSpent)
	})
}

// A code serves for nothing else, nobody else, in no other browser and under no other
// handle; and whoever tries has spent it.
func TestCodeIsBound(t *testing.T) {
	onEach(t, func(b *bed) {
		for name, u := range map[string]onetime.Use{
			"another purpose": {For: "sign-in", Who: jo.Who, Browser: jo.Browser},
			"another person":  {For: jo.For, Who: "thief", Browser: jo.Browser},
			"nobody":          {For: jo.For, Browser: jo.Browser},
			"another browser": {For: jo.For, Who: jo.Who, Browser: "b2"},
		} {
			h, code := b.asks()
			if _, err := b.nodes[0].Waiting(b.Context(), h, u); !errors.Is(err, onetime.ErrSpent) {
				b.Errorf("%s sees where it went: %v", name, err)
			}
			b.redeems(h, u, code, onetime.ErrSpent)
			b.redeems(h, jo, code, onetime.ErrSpent)
		}
		h, _ := b.asks()
		_, other := b.asks()
		b.redeems(h, jo, other, onetime.ErrWrong)
		b.redeems(store.Handle{}, jo, other, onetime.ErrSpent)
	})
}

// The last code counts.
func TestAnotherCode(t *testing.T) {
	onEach(t, func(b *bed) {
		h, first := b.asks()
		second, err := b.nodes[1].New(b.Context(), h, onetime.Ask{To: h.Tag + "@example.org", Use: jo, Known: h.Tag})
		if err != nil || second == first {
			b.Fatalf("another code: %v", err)
		}
		b.redeems(h, jo, first, onetime.ErrWrong)
		b.redeems(h, jo, second, nil)
	})
}

// Of many who bring the code at once, on two nodes, one finds it: so do guesses.
func TestCodeOnce(t *testing.T) {
	onEach(t, func(b *bed) {
		h, code := b.asks()
		var wins atomic.Int64
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				if _, err := b.nodes[i%2].Redeem(b.Context(), h, jo, code); err == nil {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			b.Errorf("%d of ten win", wins.Load())
		}
	})
}

// Redis does not know the code, nor what would let somebody find it out.
func TestCodeIsNotKept(t *testing.T) {
	server := servers.Redis(t)
	b := open(t, store.Options{Redis: &redis.UniversalOptions{Addrs: []string{server}}})
	h, code := b.asks()
	client := redis.NewClient(&redis.Options{Addr: server})
	t.Cleanup(func() { client.Close() })
	kept, err := client.Keys(t.Context(), "code:*").Result()
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept are %d, %v", len(kept), err)
	}
	said := kept[0] + client.Get(t.Context(), kept[0]).Val()
	for _, secret := range []string{strings.ReplaceAll(code, " ", ""), h.Secret} {
		if strings.Contains(said, secret) {
			t.Errorf("Redis has %s", said)
		}
	}
}

// many asks until there have been too many, and returns how many codes there were.
func (b *bed) many(ask func(i int) onetime.Ask) int {
	b.Helper()
	for i := range 1000 {
		_, err := b.nodes[i%2].New(b.Context(), store.NewHandle(), ask(i))
		if _, often := errors.AsType[*store.Exceeded](err); often {
			return i
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return 1000
}

func TestLimits(t *testing.T) {
	nr := func(what string, i int) string { return fmt.Sprintf("%s-%d", what, i) }
	for name, tt := range map[string]struct {
		ask  func(i int) onetime.Ask
		most int
	}{
		"a person": {func(i int) onetime.Ask {
			return onetime.Ask{To: nr("p", i) + "@example.org", Use: jo, Network: nr("net", i)}
		}, 6},
		"a person in known browsers": {func(i int) onetime.Ask {
			return onetime.Ask{To: nr("p", i) + "@example.org", Use: jo, Known: nr("known", i)}
		}, 6},
		"a known browser": {func(i int) onetime.Ask {
			return onetime.Ask{To: "jo@example.org", Network: nr("net", i), Known: "known"}
		}, 6},
		"a network for one address": {func(i int) onetime.Ask {
			return onetime.Ask{To: "jo@example.org", Use: onetime.Use{Who: nr("who", i)}, Network: "net"}
		}, 6},
		"a network": {func(i int) onetime.Ask { return onetime.Ask{To: nr("p", i) + "@example.org", Network: "net"} }, 200},
		"an address": {func(i int) onetime.Ask {
			return onetime.Ask{To: "jo@example.org", Use: onetime.Use{Who: nr("who", i)}, Network: nr("net", i)}
		}, 20},
		"a mailbox": {func(i int) onetime.Ask {
			to := []string{"jo@example.org", "JO@Example.org", nr("jo+bins", i) + "@example.org", nr("Jo+a+b", i) + "@EXAMPLE.ORG"}
			return onetime.Ask{To: to[i%4], Network: nr("net", i)}
		}, 20},
		"a mailbox of a domain in two forms": {func(i int) onetime.Ask {
			return onetime.Ask{To: "jo@" + []string{"bücher.example", "xn--bcher-kva.example"}[i%2], Network: nr("net", i)}
		}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(b *bed) {
				begun := time.Now()
				got := b.many(tt.ask)
				free := int(time.Since(begun) / (time.Hour / time.Duration(tt.most))) // meanwhile
				if got < tt.most || got > tt.most+free {
					t.Errorf("%d codes, want %d", got, tt.most)
				}
			})
		})
	}
}

// What one network is refused is not counted against the address, whose owner asks
// from another; and one who has been there before gets in whatever strangers do.
func TestStrangersLockNobodyOut(t *testing.T) {
	onEach(t, func(b *bed) {
		stranger := func(network string) func(int) onetime.Ask {
			return func(int) onetime.Ask { return onetime.Ask{To: "jo@example.org", Network: network} }
		}
		for range 20 {
			b.many(stranger("one"))
		}
		if got := b.many(stranger("other")); got != 6 {
			b.Errorf("another network gets %d codes", got)
		}
		for i := range 4 {
			b.many(stranger(fmt.Sprint(i)))
		}
		if got := b.many(func(int) onetime.Ask { return onetime.Ask{To: "jo@example.org", Known: "own"} }); got != 6 {
			b.Errorf("a known browser gets %d codes", got)
		}
	})
}

// A day has fewer codes than so many hours, and the first one no more than twice as
// many as others.
func TestLimitOfADay(t *testing.T) {
	for name, tt := range map[string]struct {
		ask  onetime.Ask
		most int
	}{
		"person":          {onetime.Ask{To: "jo@example.org", Use: jo, Known: "known"}, 20},
		"known browser":   {onetime.Ask{To: "jo@example.org", Known: "known"}, 20},
		"network and jo":  {onetime.Ask{To: "jo@example.org", Network: "net"}, 20},
		"jo, from around": {onetime.Ask{To: "jo@example.org"}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := store.Open(store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				codes := onetime.Codes{Store: s, Now: time.Now}
				day := func() (n int) {
					for range 24 * 4 {
						time.Sleep(15 * time.Minute)
						for err := error(nil); err == nil; n++ {
							ask := tt.ask
							ask.Network = cmp.Or(ask.Network, rand.Text())
							_, err = codes.New(t.Context(), store.NewHandle(), ask)
						}
						n-- // the last was refused
					}
					return n
				}
				first, second := day(), day()
				if first < tt.most || first > 2*tt.most || second > tt.most+1 {
					t.Errorf("%d codes on the first day, %d on the second, want %d a day", first, second, tt.most)
				}
			})
		})
	}
}
