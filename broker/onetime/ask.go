package onetime

import (
	"cmp"
	"context"
	"strings"

	"golang.org/x/net/idna"

	"github.com/councilid/councilid/broker/store"
)

// Ask is somebody's wish for a code.
type Ask struct {
	To string // the address to which it is to be sent
	Use
	Network string // from where they ask
	Known   string // a browser in which somebody has signed in by that address before, by what it is called; "" for another
}

// rate is how many codes there are in an hour, and in a day.
type rate struct{ hour, day int }

// No one is to get more, so that neither codes are guessed nor mailboxes are filled:
// nobody's, and not all of the world's in the council's name. Many people may share a
// network.
var (
	ofPerson  = rate{6, 20} // or of one network for one address
	ofNetwork = rate{200, 1000}
	ofAddress = rate{20, 60}
)

// count is what a code counts against.
type count struct {
	key  string
	most rate
}

// counts are what the code counts against, the narrowest first: what is refused to one
// network does not use up an address's. A browser that is known for the address is
// limited by itself, so that its owner gets in whatever strangers have asked for.
func (a Ask) counts() []count {
	var all []count
	if a.Who != "" {
		all = append(all, count{"by " + a.Who, ofPerson})
	}
	if a.Known != "" {
		return append(all, count{"known " + a.Known, ofPerson})
	}
	to := mailbox(a.To)
	return append(all,
		count{"from " + a.Network + " to " + to, ofPerson},
		count{"from " + a.Network, ofNetwork},
		count{"to " + to, ofAddress},
	)
}

// mailbox is what addresses that lead to one mailbox have in common: letters to
// jo+bins@example.org and to Jo@example.org all come to jo (RFC 5233 §1). They are
// other addresses all the same, and only counted together.
func mailbox(address string) string {
	at := strings.LastIndexByte(address, '@')
	local, _, _ := strings.Cut(address[:max(at, 0)], "+")
	domain := address[at+1:]
	ascii, _ := idna.Lookup.ToASCII(domain) // RFC 5891 §4; "" where it is none
	return strings.ToLower(local + "@" + cmp.Or(ascii, domain))
}

// within counts. One count follows another: nothing is counted of what an earlier one
// refuses.
func (c Codes) within(ctx context.Context, a Ask) error {
	for _, n := range a.counts() {
		if err := c.count(ctx, "code an hour "+n.key, store.Limit{PerHour: n.most.hour}); err != nil {
			return err
		}
		if err := c.count(ctx, "code a day "+n.key, store.Limit{PerDay: n.most.day}); err != nil {
			return err
		}
	}
	return nil
}

func (c Codes) count(ctx context.Context, key string, most store.Limit) error {
	b := c.Store.Batch()
	b.Count(key, most)
	return b.Exec(ctx)
}
