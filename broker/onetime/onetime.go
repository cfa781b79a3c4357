// Package onetime has the codes that show that somebody reads an e-mail address.
//
// A code is eight digits, each as likely as any other. It serves once, for what it
// was asked for, to who asked, in the browser in which they did, and for ten minutes
// (NIST SP 800-63A-4 has six digits and a day for this); at the fifth wrong guess it is spent.
// Nothing here says whether anybody is known by an address: one gets a code as
// another does.
//
// # What guessing comes to
//
// Whoever guesses at a code has 5 tries of 100,000,000. More tries take more codes,
// of which an address gets 60 a day, from wherever they are asked for: 300 tries a
// day, 3 in a million, and about 1 in 1,000 for somebody who keeps at it for a year,
// while their victim gets a letter every 24 minutes. Limits fill up again as time
// goes by, so that a first hour or day may have twice as much. Who tries one address
// after the other from one network gets 1,000 codes a day: 5,000 tries, one hit in
// 55 years.
package onetime

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/store"
)

// Lifetime is how long a code serves.
const Lifetime = 10 * time.Minute

// guesses is how many wrong ones spend a code.
const guesses = 5

var (
	// ErrWrong says that the code is another one, and that there is another try.
	ErrWrong = errors.New("the code is not the one that was sent")

	// ErrSpent says that the code serves no more, or never did for this.
	ErrSpent = errors.New("the code is spent")
)

// Codes are the codes on their way, on all nodes together.
type Codes struct {
	Store *store.Store
	Now   func() time.Time
}

// Use is what a code is good for. Who redeems it says the same as who asked for it.
type Use struct {
	For     string `json:"for"`           // the purpose, a fixed word
	Who     string `json:"who,omitempty"` // the account or user that asks, by its id; "" before somebody has signed in
	Browser string `json:"browser"`       // where they ask, by what no other browser can say of itself
}

// sent is a code on its way. What the code was, only the mail tells.
type sent struct {
	Use
	Digest  string    `json:"digest"`
	To      string    `json:"to"` // what it shows to be read
	Guesses int       `json:"guesses,omitempty"`
	Until   time.Time `json:"until"`
}

var table = store.Table[sent]{Name: "code"}

// New makes a code for a letter to an address, in place of the one that was kept under
// h before. The error is a *store.Exceeded where there have been too many.
func (c Codes) New(ctx context.Context, h store.Handle, a Ask) (code string, err error) {
	if err := c.within(ctx, a); err != nil {
		return "", err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", err
	}
	code = fmt.Sprintf("%08d", n)
	b := c.Store.Batch()
	table.Put(b, h, sent{Use: a.Use, Digest: digest(h, code), To: a.To, Until: c.Now().Add(Lifetime)}, Lifetime)
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	return code[:4] + " " + code[4:], nil
}

// digest stands for a code in Redis. It is keyed with the handle's secret, which Redis
// does not know: of eight digits alone, a hash hides nothing.
func digest(h store.Handle, code string) string {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(code))
	return hex.EncodeToString(mac.Sum(nil))
}

// Waiting returns where the code under h was sent that serves for u. The error is
// ErrSpent where there is none.
func (c Codes) Waiting(ctx context.Context, h store.Handle, u Use) (to string, err error) {
	b := c.Store.Batch()
	found := table.Get(b, h)
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	code, ok := found.Value()
	if !ok || !code.serves(u, c.Now()) {
		return "", ErrSpent
	}
	return code.To, nil
}

// Redeem returns the address that the code under h shows to be read. The code is taken
// before it is looked at: of many guesses at once, on any node, one counts, and so of
// many who bring the right one. Who brings it from elsewhere has spent it. The error is
// ErrWrong or ErrSpent.
func (c Codes) Redeem(ctx context.Context, h store.Handle, u Use, typed string) (to string, err error) {
	b := c.Store.Batch()
	taken := table.Take(b, h)
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	code, ok := taken.Value()
	if !ok || !code.serves(u, c.Now()) {
		return "", ErrSpent
	}
	if hmac.Equal([]byte(digest(h, digits(typed))), []byte(code.Digest)) {
		return code.To, nil
	}
	if code.Guesses++; code.Guesses >= guesses {
		return "", ErrSpent
	}
	table.Put(b, h, code, code.Until.Sub(c.Now()))
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	return "", ErrWrong
}

func (s sent) serves(u Use, now time.Time) bool { return s.Use == u && now.Before(s.Until) }

// digits is what somebody typed without what they may have put between.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, typed)
}
