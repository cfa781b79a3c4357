package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// The ledger of a session says what was issued to which app in it. There is one
// road on which a session ends, whoever started: end reads the ledger, revokes,
// and tells the apps.

var useIndex = store.Index{Name: "uses"}

// Use is one thing issued to one app in a session: the ledger's entry for
// logout.
type Use struct {
	Protocol string `json:"protocol"`
	App      string `json:"app"`
	Tag      string `json:"tag"` // where the front end keeps what it issued
	// Delegation is that under which it was issued to somebody who acts for
	// somebody else, by id.
	Delegation string `json:"delegation,omitempty"`
	// Detail is what the front end needs to tell the app that the session is
	// over, in its own words.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// Used notes in b what a front end issues in s, which lives for ttl: for
// logout, and as a visit that is folded into the account's history. released
// are the names of the claims that the app gets.
//
// b fails where s has ended since it was found, or what it rests on: nobody would
// ever tell the app.
func (f *Flow) Used(b *store.Batch, s Session, u Use, released []string, ttl time.Duration) {
	u.Delegation = s.Basis.Delegation
	u.enter(b, s, ttl)
	for _, visit := range s.visits(u.App, released, f.Now()) {
		visitStream.Append(b, visit)
	}
	if u.Delegation != "" {
		actingIndex.Add(b, u.Delegation, s.SID, ttl)
	}
	if !s.fresh {
		f.keepAlive(b, s)
	}
	mustHold(b, s.Basis, u.App)
}

// visits are what the account's history gets of something issued in s; where the
// resident acts for somebody else, both histories do. What the provider said is of
// the resident, whoever they act for.
func (s Session) visits(app string, released []string, now time.Time) []accounts.Visit {
	visit := accounts.Visit{Account: s.Account.ID, Link: s.Link, App: app, At: now, Released: released, SSO: s.sso()}
	if !visit.SSO {
		visit.Said = s.Said
	}
	if s.Acting == nil {
		return []accounts.Visit{visit}
	}
	theirs := accounts.Visit{Account: s.Account.ID, Delegation: s.Basis.Delegation, App: app, At: now, Released: released, SSO: visit.SSO}
	visit.Account, visit.Delegation, visit.Released = s.Acting.Delegate.ID, s.Basis.Delegation, []string{"act"}
	if !visit.SSO {
		visit.Said = s.Acting.said
	}
	return []accounts.Visit{theirs, visit}
}

// sso reports whether the app is answered without a visit to a provider.
func (s Session) sso() bool { return !s.fresh && !s.opened }

// enter enters u in the ledger of s.
func (u Use) enter(b *store.Batch, s Session, ttl time.Duration) {
	entry, err := json.Marshal(u)
	if err != nil {
		panic(err) // strings, and what is JSON already
	}
	useIndex.Add(b, s.SID, string(entry), ttl)
}

// errOver says that a session has ended while something was issued in it.
var errOver = errors.New("the session has ended meanwhile")

// keepAlive starts the idle time of s again. It comes after the ledger's entry,
// as the end of a session is to take the session and then read its ledger:
// either that sees the entry, or this finds no session.
func (f *Flow) keepAlive(b *store.Batch, s Session) {
	touched := sessionTable.Touch(b, s.handle, f.Left(s))
	seenTable.Put(b, place(s.SID), f.Now(), f.Left(s))
	b.Check(func() error {
		if _, alive := touched.Value(); !alive {
			return errOver
		}
		return nil
	})
}

// Apps are told at once, some at a time, and are not waited for longer than
// a resident waits for a page.
const (
	tellTime   = 10 * time.Second
	tellAtOnce = 16
)

// end ends s, which nobody can use any more: front ends revoke what they
// issued, and apps are told from server to server. What is left to do needs the
// browser. It is done to the end even when the resident has gone.
func (f *Flow) end(ctx context.Context, s Session, l Leaving) (farewell, error) {
	ctx = context.WithoutCancel(ctx)
	uses, err := f.revoke(ctx, s)
	if err != nil {
		return farewell{}, err
	}
	bye := farewell{Leaving: l, Known: true}
	for _, e := range s.signIns() {
		if e.Connector != l.Connector {
			bye.Providers = append(bye.Providers, e)
			bye.Receipt.Providers = append(bye.Receipt.Providers, e.Connector)
		}
	}
	var others []Use
	for _, u := range uses {
		if u.Protocol == l.Protocol && u.App == l.App && !l.Unproven {
			bye.Receipt.enter(u.App, ended)
		} else {
			others = append(others, u)
		}
	}
	f.tell(ctx, &bye, others)
	return bye, nil
}

// endUnasked is end where no browser is there that apps could be asked through:
// those are told by nobody.
func (f *Flow) endUnasked(ctx context.Context, s Session, l Leaving) (Receipt, error) {
	bye, err := f.end(ctx, s, l)
	f.giveUp(ctx, &bye)
	return bye.Receipt, err
}

// giveUp leaves apps untold that can be told through the browser alone.
func (f *Flow) giveUp(ctx context.Context, bye *farewell) {
	for _, u := range bye.Rest {
		missed(ctx, u.App, errNoBrowser)
		f.outcome(bye, u.App, unable)
	}
	bye.Rest = nil
}

var errNoBrowser = errors.New("it can be told through the resident's browser alone")

// revoke ends the ledger of s and everything in it, and returns each of its
// uses that an app can tell from another.
func (f *Flow) revoke(ctx context.Context, s Session) ([]Use, error) {
	b := f.Store.Batch()
	members := useIndex.Members(b, s.SID)
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	entries, _ := members.Value()
	ledger, err := readLedger(entries)
	if err != nil {
		return nil, err
	}
	var uses []Use
	for _, u := range ledger {
		front, ok := f.FrontEnds[u.Protocol]
		if !ok {
			continue // of a broker with another configuration
		}
		front.End(b, u)
		if !slices.ContainsFunc(uses, u.same) {
			uses = append(uses, u)
		}
	}
	useIndex.Delete(b, s.SID)
	placeTable.Delete(b, place(s.SID))
	return uses, b.Exec(ctx)
}

// readLedger reads the entries of a session's ledger.
func readLedger(entries []string) ([]Use, error) {
	uses := make([]Use, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal([]byte(entry), &uses[i]); err != nil {
			return nil, fmt.Errorf("read the session's ledger: %w", err)
		}
	}
	return uses, nil
}

// same reports whether the app has to be told of u or of other, not of both.
func (u Use) same(other Use) bool {
	return u.Protocol == other.Protocol && u.App == other.App && string(u.Detail) == string(other.Detail)
}

// tell tells apps from server to server, and enters what became of it.
func (f *Flow) tell(ctx context.Context, bye *farewell, uses []Use) {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	told, errs := make([]bool, len(uses)), make([]error, len(uses))
	var g errgroup.Group
	g.SetLimit(tellAtOnce)
	for i, u := range uses {
		g.Go(func() error {
			told[i], errs[i] = f.FrontEnds[u.Protocol].Tell(ctx, u)
			return nil
		})
	}
	_ = g.Wait() // of no errors
	for i, u := range uses {
		switch {
		case errs[i] != nil:
			missed(ctx, u.App, errs[i])
			f.outcome(bye, u.App, failed)
		case told[i]:
			f.outcome(bye, u.App, ended)
		default:
			bye.Rest = append(bye.Rest, u)
		}
	}
}

// outcome enters in bye what became of an app that was to be told, and counts it.
func (f *Flow) outcome(bye *farewell, app string, what fate) {
	if f.ObserveEnd != nil {
		f.ObserveEnd(app, string(what))
	}
	bye.Receipt.enter(app, what)
}

// missed logs why an app or provider could not be told.
func missed(ctx context.Context, who string, err error) {
	web.Note(ctx, slog.String("missed."+who, err.Error()))
}
