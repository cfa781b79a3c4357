package resident

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
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

var (
	codesOfPerson  = store.Limit{PerHour: 6}
	codesToAddress = store.Limit{PerHour: 6}
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

//go:embed letters/*.txt
var letters embed.FS

// contents are what the letters are about.
type contents struct {
	Code          string
	Minutes       int
	Council, Site string // who writes
}

func (p *Pages) showEmail(w http.ResponseWriter, r *http.Request, v *visit) error {
	return p.edit(w, r, v, "email")
}

// takeEmail sends a code to the address that was typed.
func (p *Pages) takeEmail(w http.ResponseWriter, r *http.Request, v *visit) error {
	if r.PostFormValue("unsay") != "" {
		return p.unsay(w, r, v, "email")
	}
	address, ok := parseAddress(r.PostFormValue("said"))
	if !ok {
		return p.wrong(w, r, v, "said", web.WrongAddress)
	}
	h, err := p.sendCode(r, v, address)
	if _, often := errors.AsType[*store.Exceeded](err); often {
		return p.wrong(w, r, v, "said", web.WrongTooManyCodes)
	}
	if errors.Is(err, mail.ErrNotSent) {
		return p.wrong(w, r, v, "said", web.WrongNoMail)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/my/details/email/code?sent="+url.QueryEscape(h.String()), http.StatusSeeOther)
	return nil
}

// parseAddress reads an e-mail address and nothing besides.
func parseAddress(typed string) (address string, ok bool) {
	typed = strings.TrimSpace(typed)
	a, err := netmail.ParseAddress(typed)
	if err != nil || a.Address != typed || len(typed) > 254 || !strings.Contains(typed[strings.LastIndex(typed, "@")+1:], ".") {
		return "", false
	}
	return typed, true
}

// sendCode sends a code to the address.
func (p *Pages) sendCode(r *http.Request, v *visit, address string) (store.Handle, error) {
	if p.Post == nil {
		return store.Handle{}, mail.ErrNotSent
	}
	if err := p.within(r.Context(), "resident-code:"+v.Account.ID, codesOfPerson); err != nil {
		return store.Handle{}, err
	}
	if err := p.within(r.Context(), "resident-code:to "+strings.ToLower(address), codesToAddress); err != nil {
		return store.Handle{}, err
	}
	code, err := newCode()
	if err != nil {
		return store.Handle{}, err
	}
	h, b := store.NewHandle(), p.Flow.Store.Batch()
	codeTable.Put(b, h, sent{Digest: digest(h, code), Session: v.SID, Address: address, Until: p.Now().Add(codeTime)}, codeTime)
	if err := b.Exec(r.Context()); err != nil {
		return store.Handle{}, err
	}
	l, err := mail.Write(letters, address, v.lang, "email", contents{
		Code: code, Minutes: int(codeTime.Minutes()), Council: p.Council, Site: p.Site,
	})
	if err != nil {
		return store.Handle{}, err
	}
	return h, p.Post.Send(r.Context(), l)
}

// within counts. The error is a store.Exceeded where it is too often.
func (p *Pages) within(ctx context.Context, key string, limit store.Limit) error {
	b := p.Flow.Store.Batch()
	b.Count(key, limit)
	return b.Exec(ctx)
}

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

// showCode asks for the code.
func (p *Pages) showCode(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, _ := store.ParseHandle(r.URL.Query().Get("sent"))
	b := p.Flow.Store.Batch()
	found := codeTable.Get(b, h)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	code, ok := found.Value()
	if !ok || h.Tag == "" || code.Session != v.SID {
		return p.wrongOn(w, r, v, "/my/details/email", "said", web.WrongCodeSpent)
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_code", web.ResidentEmail{
		Own: v.page(web.HereDetails), Address: code.Address, Minutes: int(codeTime.Minutes()),
	})
}

// takeCode keeps the address once the code has shown that the resident reads it.
func (p *Pages) takeCode(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, _ := store.ParseHandle(r.URL.Query().Get("sent"))
	address, err := p.redeem(r.Context(), v, h, r.PostFormValue("code"))
	switch {
	case errors.Is(err, errWrong):
		return p.wrong(w, r, v, "code", web.WrongCode)
	case errors.Is(err, errSpent):
		return p.wrongOn(w, r, v, "/my/details/email", "said", web.WrongCodeSpent)
	case err != nil:
		return err
	}
	said := mapping.Statement{Claims: mapping.Claims{"email": address, "email_verified": true}, Verified: []string{"email"}}
	if err := p.Flow.Accounts.Say(r.Context(), v.Account.ID, said); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/details", web.DidSayEmail)
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
