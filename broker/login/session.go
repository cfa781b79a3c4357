package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Session is one browser signed in at the broker.
type Session struct {
	SID       string            `json:"sid"`       // names the session towards apps; says nothing about the cookie
	Account   accounts.Account  `json:"account"`   // whose it is
	Link      string            `json:"link"`      // the way in that was used
	Connector string            `json:"connector"` // its connector
	Said      mapping.Statement `json:"said"`      // what the provider said, in standard names
	AuthTime  time.Time         `json:"auth_time"` // when the resident authenticated at the provider
	Started   time.Time         `json:"started"`   // when the session began; its lifetime counts from here

	// Provider is the session that the provider opened, where it can be asked
	// to end it.
	Provider *connectors.ProviderSession `json:"provider,omitempty"`

	// Ref names the session to the broker itself: a front end may keep it, to
	// end the session when an app says so without a browser.
	Ref string `json:"-"`

	fresh bool // made by this very request, not found in the store
}

var (
	sessionTable = store.Table[Session]{Name: "session"}
	useIndex     = store.Index{Name: "uses"}
)

// Use is one thing issued to one app in a session: the ledger's entry for
// logout.
type Use struct {
	Protocol string `json:"protocol"`
	App      string `json:"app"`
	Tag      string `json:"tag"` // where the front end keeps what it issued
	// Detail is what the front end needs to tell the app that the session is
	// over, in its own words.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// Used notes in b what a front end issues in s, which lives for ttl: for
// logout, and as a visit that is folded into the account's history. released
// are the names of the claims that the app gets.
func (f *Flow) Used(b *store.Batch, s Session, u Use, released []string, ttl time.Duration) {
	entry, err := json.Marshal(u)
	if err != nil {
		panic(err) // three strings
	}
	useIndex.Add(b, s.SID, string(entry), ttl)
	visit := accounts.Visit{Account: s.Account.ID, Link: s.Link, App: u.App, At: f.Now(), Released: released, SSO: !s.fresh}
	if s.fresh {
		visit.Said = s.Said
	}
	visitStream.Append(b, visit)
}

// left is how long s may still live unused, or 0 when its lifetime is over.
func (f *Flow) left(s Session) time.Duration {
	return max(0, min(f.Session.Idle, f.Session.Lifetime-f.Now().Sub(s.Started)))
}

// Current returns the session of the browser, or nil.
func (f *Flow) Current(r *http.Request) (*Session, error) {
	v, b := f.visitor(r), f.Store.Batch()
	found := v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return nil, err
	}
	return f.live(v, found), nil
}

// ask looks up the session of the visitor's cookie, or nothing (nil) without
// one.
func (v visitor) ask(b *store.Batch) *store.Reply[Session] {
	if v.session == (store.Handle{}) {
		return nil
	}
	return sessionTable.Get(b, v.session)
}

// live returns what ask found, if it may still be used.
func (f *Flow) live(v visitor, found *store.Reply[Session]) *Session {
	if found == nil {
		return nil
	}
	s, ok := found.Value()
	if !ok || f.left(s) == 0 {
		return nil
	}
	s.Ref = v.session.Ref()
	return &s
}

// open writes a new session to b in place of old (nil for none) and sends the
// cookies. Whoever signs in again as the same person keeps the session's SID,
// so that apps know it as one session; its cookie changes all the same.
func (f *Flow) open(w http.ResponseWriter, r *http.Request, b *store.Batch, v visitor, old *Session, s Session) (Session, error) {
	s.SID, s.Started, s.fresh = rand.Text(), f.Now(), true
	if old != nil {
		if old.Account.ID == s.Account.ID {
			s.SID = old.SID
		} else if err := f.end(r.Context(), *old); err != nil {
			return s, err
		} else {
			v.browser.ID = rand.Text() // somebody else sits there now
		}
		sessionTable.Delete(b, v.session)
	}
	h := store.NewHandle()
	s.Ref = h.Ref()
	sessionTable.Put(b, h, s, f.left(s))
	v.browser.Last = s.Connector
	return s, errors.Join(f.enter(w, r, h), f.remember(w, r, v.browser))
}

// SignOut ends the browser's session, revokes what apps were issued in it, and
// returns the label of the connector that it came from: the resident may still
// be signed in there. Without a session it does nothing and returns "".
func (f *Flow) SignOut(w http.ResponseWriter, r *http.Request) (provider string, err error) {
	v := f.visitor(r)
	if v.session == (store.Handle{}) {
		return "", nil
	}
	b := f.Store.Batch()
	taken := sessionTable.Take(b, v.session)
	if err := b.Exec(r.Context()); err != nil {
		return "", err
	}
	if s, ok := taken.Value(); ok {
		if err := f.end(r.Context(), s); err != nil {
			return "", err
		}
		provider = f.label(r, s.Connector)
	}
	return provider, errors.Join(f.leave(w, r), f.forget(w, r, v.browser))
}

// end tells the front ends that s is over: the ledger's one road, whoever
// started.
func (f *Flow) end(ctx context.Context, s Session) error {
	b := f.Store.Batch()
	members := useIndex.Members(b, s.SID)
	if err := b.Exec(ctx); err != nil {
		return err
	}
	entries, _ := members.Value()
	b = f.Store.Batch()
	for _, entry := range entries {
		var u Use
		if err := json.Unmarshal([]byte(entry), &u); err != nil {
			return fmt.Errorf("read the session's ledger: %w", err)
		}
		if front, ok := f.FrontEnds[u.Protocol]; ok {
			front.End(b, u)
		}
	}
	useIndex.Delete(b, s.SID)
	return b.Exec(ctx)
}
