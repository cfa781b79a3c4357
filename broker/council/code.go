package council

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// A code that is sent by e-mail shows that somebody reads the address. It has
// eight digits, serves once, in the visit that asked for it, and for ten
// minutes (NIST SP 800-63A-4 has six digits and a day for this); at the fifth
// wrong guess it is spent. How many are sent is limited, so that strangers get no
// more than a hundred guesses an hour out of a hundred million, nor fill anybody's
// mailbox; and one network, which many people may share, does not write to all of
// the world in the council's name.
const (
	codeTime    = 10 * time.Minute
	codeGuesses = 5
)

var codes = limits{
	kind: "council-code", fromHere: store.Limit{PerHour: 6}, inAll: store.Limit{PerHour: 20}, toAnybody: store.Limit{PerHour: 200},
}

// sent is a code on its way. What the code was, only the mail tells.
type sent struct {
	Digest  string    `json:"digest"`
	Address address   `json:"address"` // what it shows to be read
	Guesses int       `json:"guesses,omitempty"`
	Until   time.Time `json:"until"`
}

var codeTable = store.Table[sent]{Name: "council-code"}

// newCode is eight digits, each as likely as any other.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%08d", n), nil
}

// digest stands for a code in Redis. It is keyed with the visit's secret, which
// Redis does not know: of eight digits alone, a hash hides nothing.
func digest(h store.Handle, code string) string {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(code))
	return hex.EncodeToString(mac.Sum(nil))
}

// sendCode sends a code to the address, in place of the one that was sent under h
// before. name is the letter's.
func (c *Council) sendCode(r *http.Request, h store.Handle, to address, name string) error {
	if err := c.within(r, codes, to); err != nil {
		return err
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	b := c.Store.Batch()
	codeTable.Put(b, h, sent{Digest: digest(h, code), Address: to, Until: c.Now().Add(codeTime)}, codeTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	l, err := c.write(r, to, name, contents{Code: code[:4] + " " + code[4:], Minutes: int(codeTime.Minutes())})
	if err != nil {
		return err
	}
	return c.Post.Send(r.Context(), l)
}

// codeProblem is why a code does not count, one of web.Problem….
type codeProblem string

func (p codeProblem) Error() string { return string(p) }

const (
	codeWrong codeProblem = web.ProblemCodeWrong
	codeSpent codeProblem = web.ProblemCodeSpent
)

// redeem returns the address that the code under h shows to be read. The code is
// taken before it is looked at: of many guesses at once, on any node, one counts.
func (c *Council) redeem(ctx context.Context, h store.Handle, typed string) (address, error) {
	b := c.Store.Batch()
	taken := codeTable.Take(b, h)
	if err := b.Exec(ctx); err != nil {
		return address{}, err
	}
	code, ok := taken.Value()
	if !ok || !c.Now().Before(code.Until) {
		return address{}, codeSpent
	}
	if hmac.Equal([]byte(digest(h, digits(typed))), []byte(code.Digest)) {
		return code.Address, nil
	}
	code.Guesses++
	if code.Guesses >= codeGuesses {
		return address{}, codeSpent
	}
	codeTable.Put(b, h, code, code.Until.Sub(c.Now()))
	if err := b.Exec(ctx); err != nil {
		return address{}, err
	}
	return address{}, codeWrong
}

// digits is what somebody typed without what they may have put between.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, typed)
}
