package login

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// A session may be all that an app needs, and yet the resident has something to say
// before the app is answered: for whom they act, and whether they agree to what the
// app is to be told. Nothing is issued before. What they say counts for what they
// were shown and in the session in which they were, and once.

// doubt is something that only the resident can settle.
type doubt struct {
	page    string  // that asks
	passive Refusal // of a request for which no page may be shown
}

// release answers the app in s, unless there is a doubt. b has what the step must
// remember.
func (f *Flow) release(w http.ResponseWriter, r *http.Request, l ongoing, s Session, b *store.Batch) error {
	if l.Request.own() {
		return f.issue(w, r, l.Request, s, b)
	}
	d, err := f.settle(r.Context(), l, &s, b)
	if err != nil {
		return l.interrupted(errors.Join(err, f.restore(r.Context(), l, b)))
	}
	if d != nil {
		return f.raise(w, r, l, *d, b)
	}
	err = f.issue(w, r, l.Request, s, b)
	if !errors.Is(err, accounts.ErrWithdrawn) { // while this went on
		return err
	}
	d = &doubt{"/choose", Interaction}
	if s.Acting != nil {
		d = &doubt{"/acting", WhoseAccount}
	}
	return f.raise(w, r, l, *d, f.Store.Batch())
}

// settle finds the first doubt, or makes s what the app is answered with.
func (f *Flow) settle(ctx context.Context, l ongoing, s *Session, b *store.Batch) (*doubt, error) {
	d, err := f.settleActing(ctx, l, s, b)
	if d != nil || err != nil {
		return d, err
	}
	return f.settleConsent(ctx, l, s)
}

// raise has the resident settle a doubt, if a page may be shown.
func (f *Flow) raise(w http.ResponseWriter, r *http.Request, l ongoing, d doubt, b *store.Batch) error {
	if !l.Request.Passive {
		return f.lead(w, r, l, d.page, b)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return f.refuse(w, r, l.Request, d.passive)
}

// settleConsent makes sure that the app gets no more than was agreed to. Nobody can
// agree for a principal.
func (f *Flow) settleConsent(ctx context.Context, l ongoing, s *Session) (*doubt, error) {
	if f.Apps[l.Request.App].Consent != "ask" {
		return nil, nil
	}
	shares, err := f.shares(l.Request, *s)
	if err != nil {
		return nil, err
	}
	given, ok, err := f.Accounts.Agreed(ctx, s.Account.ID, l.Request.App, shares.names())
	now := l.agreed != "" && l.agreed == l.mark(*s, shares)
	switch {
	case err != nil:
		return nil, err
	case ok && (now || s.Acting != nil || !l.Request.Consent):
	case s.Acting != nil:
		return &doubt{"/acting", Consent}, nil
	case !now:
		return &doubt{"/consent", Consent}, nil
	default:
		given, err = f.Accounts.Agree(ctx, s.Account.ID, s.Link, l.Request.App, shares.names())
	}
	s.Basis.Consent = given.ID
	return nil, err
}

// shares is what the app would be told.
func (f *Flow) shares(req Request, s Session) (Sharing, error) {
	front, err := f.front(req.Protocol)
	if err != nil {
		return Sharing{}, err
	}
	return front.Shares(req, s)
}

// lasting stands among the names of claims for leave to go on while the resident is
// away. It is the scope by which apps ask for that (OpenID Connect Core §11).
const lasting = "offline_access"

// names are what consent to the sharing is remembered by.
func (s Sharing) names() []string {
	names := slices.Sorted(maps.Keys(s.Claims))
	if s.Lasting {
		names = append(names, lasting)
	}
	return names
}

// mark stands for what a resident is shown, to the last letter, for which request and
// in which session, which is one person's.
func (l ongoing) mark(s Session, shares Sharing) string {
	shown, err := json.Marshal(shares)
	if err != nil {
		panic(err) // what came as JSON
	}
	return fingerprint("sharing", l.tag, l.Request.App, s.SID, string(shown))
}

// handleConsent shows what the app would be told, in the words in which it would be.
func (f *Flow) handleConsent(w http.ResponseWriter, r *http.Request) error {
	l, s, err := f.due(r)
	if err != nil {
		return err
	}
	app := f.Apps[l.Request.App]
	if s == nil || app.Consent != "ask" {
		http.Redirect(w, r, l.link("/choose"), http.StatusSeeOther)
		return nil
	}
	shares, err := f.shares(l.Request, *s)
	if err != nil {
		return err
	}
	return f.Site.Page(w, r, http.StatusOK, "consent", web.Consent{
		App: f.appLabel(r, app.ID), Purpose: app.Purpose.In(f.Site.Language(r)),
		Claims: web.Shown(shares.Claims), Lasting: shares.Lasting,
		Action: "/consent", Fields: map[string]string{"request": l.tag, "shown": l.mark(*s, shares)},
	})
}

// due is a request that waits for what the resident says, in their session as it is
// now: nil where something else comes first.
func (f *Flow) due(r *http.Request) (ongoing, *Session, error) {
	l, s, err := f.resume(r, f.visitor(r), f.counted(r))
	if err != nil || l.Request.own() || f.situation(l, s).standing() == nil {
		return l, nil, err
	}
	err = f.renew(r.Context(), s)
	if errors.Is(err, accounts.ErrFrozen) || errors.Is(err, accounts.ErrNotFound) {
		return l, nil, nil
	}
	if err != nil || next(f.situation(l, s)).kind != issue {
		return l, nil, err
	}
	return l, s, nil
}

// answerConsent does what the resident says. Whoever declines stays signed in.
func (f *Flow) answerConsent(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, s, err := f.claim(r, v)
	if err != nil {
		return err
	}
	switch r.PostFormValue("answer") {
	case "decline":
		return f.refuse(w, r, l.Request, Declined)
	case "agree":
		l.agreed = r.PostFormValue("shown")
	}
	return f.carryOn(w, r, v, l, s)
}

// endedTable keeps, for as long as something may be under way that rests on it, that
// a consent has ended, or a delegation at an app.
var endedTable = store.Table[bool]{Name: "ended"}

const (
	endedTime = 10 * time.Minute
	// suspendedTime is as long as any request takes: what ended for now may begin again.
	suspendedTime = time.Minute
)

func endedHandle(basis string) store.Handle { return store.Handle{Tag: fingerprint("ended", basis)} }

// delegated names a delegation at an app as a basis.
func delegated(id, app string) string { return id + " " + app }

// mustHold makes b fail with accounts.ErrWithdrawn where that has ended on which
// something for an app rests. It comes after the ledger's entry, as whoever ends it
// says so and then reads the ledger: either that finds the entry, or this fails.
func mustHold(b *store.Batch, on accounts.Basis, app string) {
	var bases []string
	if on.Consent != "" {
		bases = append(bases, on.Consent)
	}
	if on.Delegation != "" {
		bases = append(bases, delegated(on.Delegation, app))
	}
	for _, basis := range bases {
		over := endedTable.Get(b, endedHandle(basis))
		b.Check(func() error {
			if _, ended := over.Value(); ended {
				return accounts.ErrWithdrawn
			}
			return nil
		})
	}
}
