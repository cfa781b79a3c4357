package resident

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

// An e-mail address that a resident gives is kept when they have typed a code that
// was sent to it. It has six digits, serves once, in the session that asked for it,
// and for ten minutes (NIST SP 800-63A-4 has a day for this); at the fifth wrong
// guess it is spent. How many are sent is limited, for a person and for an address:
// nobody fills a stranger's mailbox in the council's name.
const (
	codeTime    = 10 * time.Minute
	codeGuesses = 5
)

// sent is a code on its way. What the code was, only the mail tells.
type sent struct {
	Digest  string    `json:"digest"`
	Session string    `json:"session"` // the SID of the session that asked
	Address string    `json:"address"` // what it shows to be read
	Guesses int       `json:"guesses,omitempty"`
	Until   time.Time `json:"until"`
}

var codeTable = store.Table[sent]{Name: "resident-code"}

// newCode is six digits, each as likely as any other.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06d", n), nil
}

// digest stands for a code in Redis. It is keyed with what only the browser knows:
// of six digits alone, a hash hides nothing.
func digest(h store.Handle, code string) string {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(code))
	return hex.EncodeToString(mac.Sum(nil))
}

var (
	errWrong = errors.New("the code is not the one that was sent")
	errSpent = errors.New("the code is spent")
)

// redeem returns the address that the code under h shows to be read. The code is
// taken before it is looked at: of many guesses at once, on any node, one counts.
func (p *Pages) redeem(ctx context.Context, v *visit, h store.Handle, typed string) (address string, err error) {
	if h.Tag == "" {
		return "", errSpent
	}
	b := p.Flow.Store.Batch()
	taken := codeTable.Take(b, h)
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	code, ok := taken.Value()
	if !ok || code.Session != v.SID || !p.Now().Before(code.Until) {
		return "", errSpent
	}
	if hmac.Equal([]byte(digest(h, digits(typed))), []byte(code.Digest)) {
		return code.Address, nil
	}
	if code.Guesses++; code.Guesses >= codeGuesses {
		return "", errSpent
	}
	codeTable.Put(b, h, code, code.Until.Sub(p.Now()))
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	return "", errWrong
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
