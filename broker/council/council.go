package council

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/onetime"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Options are what the council's way in is made of.
type Options struct {
	Connector config.Connector // with a Council block
	Post      *mail.Post
	Issuer    string // of the broker
	Name      string // the council's, as residents know it
	Store     *store.Store
	DB        *db.DB
	Site      *web.Site
	Limit     store.Limit // steps of one address
	Now       func() time.Time
	Log       *slog.Logger

	// Proven reports whether there is evidence of the person behind an upstream
	// subject, whichever way in to the account brought it.
	Proven func(ctx context.Context, issuer, subject string) (bool, error)

	// Same reports whether somebody has just signed in, in this browser, by another
	// way in of the person whose an upstream subject is, that is worth two factors
	// and all that is proven of them. A way in to the same account is that person's
	// unless the account may come to be two again. strong says that it was added by
	// somebody who had shown two factors then, too.
	Same func(r *http.Request, issuer, subject string) (same, strong bool, err error)

	// Changed is told what was changed about how somebody signs in who is an upstream
	// subject, as in web.DonePasskeyAdded. It enters that in the history of their
	// account, and ends the sessions that somebody has opened there by this connector,
	// but for the one of r's browser.
	Changed func(r *http.Request, issuer, subject, what string) error
}

// Council is the council's own way in, one connector of the broker. It keeps
// nothing in the process: any node may take any step.
type Council struct {
	Options
	rules *mapping.Rules
	users users
	codes onetime.Codes
	site  string      // the host at which people are signing in
	keys  *ceremonies // nil where there are no passkeys
	hash  hasher
}

var _ connectors.Connector = (*Council)(nil)

// Open returns the way in that o describes. It sends no mail.
func Open(o Options) (*Council, error) {
	rules, mistakes := mapping.CompileRules(o.Connector.RuleSource())
	if len(mistakes) > 0 {
		return nil, &mistakes[0]
	}
	if o.Post == nil {
		return nil, errors.New("mail: no server is configured")
	}
	at, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	keys, err := openCeremonies(o)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return &Council{
		Options: o,
		rules:   rules, users: users{o.DB, o.Now}, codes: onetime.Codes{Store: o.Store, Now: o.Now},
		site: at.Host, keys: keys, hash: newHasher(),
	}, nil
}

// Mount adds the pages: those of a visit, and those of the account.
func (c *Council) Mount(mux *http.ServeMux) {
	for pattern, handler := range map[string]web.Handler{
		"GET sign-in":      c.visited(c.showSignIn),
		"POST passkey":     c.visited(c.takePasskey),
		"POST address":     c.visited(c.takeAddress),
		"GET code":         c.visited(c.showCode),
		"POST code":        c.visited(c.takeCode),
		"GET password":     c.visited(c.showPassword),
		"POST password":    c.visited(c.takePassword),
		"GET passkey/new":  c.visited(c.showNewPasskey),
		"POST passkey/new": c.visited(c.takeNewPasskey),
		"POST later":       c.visited(c.later),
		"GET help":         c.visited(c.showHelp),
		"GET cancel":       c.visited(c.cancel),

		"GET account":                  c.atDesk(c.showAccount),
		"POST account/passkeys":        c.changing(c.takeAccountPasskey),
		"POST account/passkeys/rename": c.changing(c.renamePasskey),
		"POST account/passkeys/remove": c.changing(c.removePasskey),
		"GET account/password":         c.atDesk(c.showNewPassword),
		"POST account/password":        c.changing(c.takeNewPassword),
		"POST account/password/remove": c.changing(c.removePassword),
		"GET account/address":          c.atDesk(c.showMove),
		"POST account/address":         c.changing(c.takeMove),
		"GET account/address/code":     c.atDesk(c.showMoveCode),
		"POST account/address/code":    c.changing(c.takeMoveCode),
		"POST account/leave":           c.atDesk(c.leave),
		"GET recover":                  c.showRecover,
		"POST recover":                 c.takeRecover,
	} {
		verb, page, _ := strings.Cut(pattern, " ")
		mux.Handle(verb+" "+c.path(page), c.Site.Handle(handler))
	}
}

// path is where a page of this connector is.
func (c *Council) path(page string) string { return "/council/" + c.Connector.ID + "/" + page }

// Start remembers the attempt and leads to the sign-in page.
func (c *Council) Start(ctx context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	h, ok := store.ParseHandle(a.State)
	if !ok {
		return connectors.Redirect{}, errors.New("the attempt's state is not one of the broker's")
	}
	b := c.Store.Batch()
	visitTable.Put(b, h, visit{Need: c.need(a.Step), Typed: a.LoginHint}, visitTime)
	if err := b.Exec(ctx); err != nil {
		return connectors.Redirect{}, &connectors.Failure{Outcome: connectors.Unavailable, Err: err}
	}
	return connectors.Redirect{URL: c.Issuer + c.link("sign-in", h)}, nil
}

// need is what the step must prove, the first where none is named.
func (c *Council) need(step string) mapping.Assurance {
	for _, ask := range c.Connector.Ask {
		if ask.Step == cmp.Or(step, ask.Step) {
			return ask.Reaches.Vector()
		}
	}
	return mapping.Assurance{}
}

// answer is what these pages found out, until the broker's callback fetches it.
type answer struct {
	Visit   string    `json:"visit"` // the Ref of the visit, which is the attempt's
	User    string    `json:"user"`
	Address string    `json:"address"`
	Method  method    `json:"method"`
	At      time.Time `json:"at"`
}

var answerTable = store.Table[answer]{Name: "council-answer"}

// answerTime is how long the browser may take for a redirect.
const answerTime = time.Minute

// reply leads back to the broker with the answer, or with an outcome in its
// place.
func (c *Council) reply(w http.ResponseWriter, r *http.Request, s *stay, params url.Values) error {
	params.Set("state", s.handle.String())
	http.Redirect(w, r, "/callback/"+c.Connector.ID+"?"+params.Encode(), http.StatusSeeOther)
	return nil
}

// answer ends the visit with who it is.
func (c *Council) answer(w http.ResponseWriter, r *http.Request, s *stay, who holder, m method) error {
	h, b := s.handle.Sibling(), c.Store.Batch()
	visitTable.Delete(b, s.handle)
	c.recognise(w, r, b, who.Address)
	if s.Account {
		return c.openDesk(w, r, who, m, b)
	}
	answerTable.Put(b, h, answer{Visit: s.handle.Ref(), User: who.ID, Address: who.Address.Text, Method: m, At: c.Now()}, answerTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return c.reply(w, r, s, url.Values{"code": {h.String()}})
}

// Finish takes the answer that r brings: once, and for the attempt that it is
// to.
func (c *Council) Finish(ctx context.Context, a connectors.Attempt, r *http.Request) (*connectors.Assertion, error) {
	query := r.URL.Query()
	switch query.Get("error") {
	case "":
	case "access_denied":
		return nil, failure(connectors.Cancelled, "the resident gave up")
	default:
		return nil, failure(connectors.Unmet, "the resident could not prove as much as was asked")
	}
	h, ok := store.ParseHandle(query.Get("code"))
	if !ok {
		return nil, failure(connectors.Refused, "the answer has no code")
	}
	b := c.Store.Batch()
	taken := answerTable.Take(b, h)
	if err := b.Exec(ctx); err != nil {
		return nil, &connectors.Failure{Outcome: connectors.Unavailable, Err: err}
	}
	said, ok := taken.Value()
	asked, _ := store.ParseHandle(a.State)
	if !ok || said.Visit != asked.Ref() {
		return nil, failure(connectors.Refused, "there is no such answer, or it is to another attempt")
	}
	_, err := c.users.byID(ctx, said.User)
	if errors.Is(err, errNoUser) { // who was erased meanwhile: the next one at that address is somebody else
		return nil, failure(connectors.Refused, "the user is no more")
	}
	if err != nil {
		return nil, &connectors.Failure{Outcome: connectors.Unavailable, Err: err}
	}
	return c.assertion(said), nil
}

func (c *Council) assertion(said answer) *connectors.Assertion {
	claims := mapping.Claims{"sub": said.User, "email": said.Address, "email_verified": true}
	return &connectors.Assertion{
		Issuer: issuer(c.Issuer), Subject: said.User, Claims: claims, AuthTime: said.At,
		Signed: mapping.Signed{"council": {"method": string(said.Method)}},
	}
}

// issuer is who vouches for the council's users: the broker's own accounts,
// whichever connector leads to them.
func issuer(broker string) string { return broker + "/council" }

func failure(outcome connectors.Outcome, text string) error {
	return &connectors.Failure{Outcome: outcome, Err: errors.New(text)}
}
