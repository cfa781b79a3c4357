package login

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/store"
)

// Leaving is who started a sign-out, and how they want to be answered. The zero
// Leaving is the resident, at the broker's own page.
type Leaving struct {
	Protocol  string          `json:"protocol,omitempty"`  // the front end of the app that started,
	App       string          `json:"app,omitempty"`       // and that app, which need not be told,
	Unproven  bool            `json:"unproven,omitempty"`  // unless it may have been anybody who spoke for it
	Connector string          `json:"connector,omitempty"` // or the connector whose provider started
	Reply     json.RawMessage `json:"reply,omitempty"`     // how, in the front end's or connector's own words
	Silent    bool            `json:"silent,omitempty"`    // they want no answer
	Certain   bool            `json:"-"`                   // it is the resident's own button, or a signed message: no other site's doing
	Back      string          `json:"back,omitempty"`      // where the broker's own page leads on; default: home of App
}

// Party is who can be asked to end a session: an app, or the provider behind a
// connector.
type Party struct {
	Protocol  string `json:"protocol,omitempty"`
	App       string `json:"app,omitempty"`
	Connector string `json:"connector,omitempty"`
}

// own reports whether the sign-out ends on the broker's own page.
func (l Leaving) own() bool { return l.Silent || l.Protocol == "" && l.Connector == "" }

// Receipt is what became of a sign-out: apps by id.
type Receipt struct {
	Ended     []string `json:"ended,omitempty"`     // that ended their sessions
	Failed    []string `json:"failed,omitempty"`    // that were told and did not do it
	Unable    []string `json:"unable,omitempty"`    // that cannot be told
	Providers []string `json:"providers,omitempty"` // the connectors where the resident may still be signed in, by id: one for each session there
	UnderWay  bool     `json:"under_way,omitempty"` // another request ends the session, and it is not known how that will go
}

// Whole reports whether every app of the session was told and ended its own.
func (r Receipt) Whole() bool { return len(r.Failed) == 0 && len(r.Unable) == 0 && !r.UnderWay }

// fate is what became of one app.
type fate string

const (
	ended  fate = "ended"
	failed fate = "failed"
	unable fate = "unable"
)

// enter enters an app. It has ended its session only where nothing else is
// known of it.
func (r *Receipt) enter(app string, what fate) {
	switch what {
	case ended:
		if !slices.Contains(slices.Concat(r.Failed, r.Unable), app) {
			r.Ended = with(r.Ended, app)
		}
	case failed:
		r.Ended, r.Failed = without(r.Ended, app), with(r.Failed, app)
	case unable:
		r.Ended, r.Unable = without(r.Ended, app), with(r.Unable, app)
	}
}

// left notes that one session at a connector's provider is over.
func (r *Receipt) left(connector string) {
	if i := slices.Index(r.Providers, connector); i >= 0 {
		r.Providers = slices.Delete(slices.Clone(r.Providers), i, i+1)
	}
}

func with(ids []string, id string) []string { return append(without(ids, id), id) }

func without(ids []string, id string) []string {
	return slices.DeleteFunc(ids, func(other string) bool { return other == id })
}

// add enters the apps of another session.
func (r *Receipt) add(other Receipt) {
	for what, apps := range map[fate][]string{ended: other.Ended, failed: other.Failed, unable: other.Unable} {
		for _, app := range apps {
			r.enter(app, what)
		}
	}
}

// Leave ends the browser's session, and tells every app of it and its provider:
// first from server to server, then one after the other through the browser.
// It always answers the browser: whoever started, unless an app failed, which
// the resident is told first. Without a session it answers at once.
//
// A browser whose sign-out has got stuck at an app that does not answer is led
// on, past that app, if it is certain that the resident wants to sign out.
func (f *Flow) Leave(w http.ResponseWriter, r *http.Request, l Leaving) error {
	return f.signOut(w, r, l, Receipt{})
}

// signOut is Leave after other sessions have been ended, with that receipt.
func (f *Flow) signOut(w http.ResponseWriter, r *http.Request, l Leaving, others Receipt) error {
	v := f.visitor(r)
	b := f.Store.Batch()
	asked := askedTable.Get(b, v.browser.handle())
	if v.session == (store.Handle{}) {
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
	} else {
		first, taken := leavingTable.Add(b, v.session, true, farewellTime), sessionTable.Take(b, v.session)
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		if s, ok := taken.Value(); ok {
			s.handle = v.session
			return f.part(w, r, v, s, l, others)
		}
		_, nobody := first.Value()
		others.UnderWay = !nobody
		if err := f.exit(w, r); err != nil {
			return err
		}
	}
	q, stuck := asked.Value()
	if stuck && l.Certain {
		return f.leadOn(w, r, v, q, l)
	}
	others.UnderWay = others.UnderWay || stuck
	return f.answer(w, r, farewell{Leaving: l, Receipt: others})
}

// part ends the session s, which has been taken from this browser's. Where the
// store fails half way, the session goes on, so that the next try does it all.
func (f *Flow) part(w http.ResponseWriter, r *http.Request, v visitor, s Session, l Leaving, others Receipt) error {
	bye, err := f.end(r.Context(), s, l)
	if err != nil {
		return errors.Join(err, f.stay(r.Context(), s, nil))
	}
	bye.Receipt.add(others)
	if err := f.exit(w, r); err != nil {
		return err
	}
	if s.Shared {
		v.browser.Last, v.browser.App = "", ""
	}
	browser, err := f.forget(w, r, v.browser)
	if err != nil {
		return err
	}
	err = f.goOn(w, r, browser, bye)
	if errors.Is(err, store.ErrUnavailable) {
		return errors.Join(err, f.stay(r.Context(), s, bye.Rest), f.enter(w, r, v.session), f.remember(w, r, v.browser))
	}
	return err
}

// stay undoes that s was taken. rest are the uses that its ledger lacks since.
func (f *Flow) stay(ctx context.Context, s Session, rest []Use) error {
	b := f.Store.Batch()
	f.put(b, s.handle, s)
	leavingTable.Delete(b, s.handle)
	for _, u := range rest {
		u.enter(b, s, f.Over(s).Sub(f.Now()))
	}
	return b.Exec(context.WithoutCancel(ctx))
}

// Answered goes on with the browser's sign-out when who was asked has answered
// question id. done says whether they ended their session. Whatever is not the
// answer that is waited for changes nothing.
func (f *Flow) Answered(w http.ResponseWriter, r *http.Request, who Party, id string, done bool) error {
	v := f.visitor(r)
	bye, ok, err := f.takeFarewell(r.Context(), v.browser, question{who, id})
	if err != nil {
		return err
	}
	if !ok { // a page here would send the answer again when it is loaded again
		http.Redirect(w, r, "/sign-out/continue", http.StatusSeeOther)
		return nil
	}
	f.hear(&bye, done)
	bye.answered = true
	return f.goOn(w, r, v.browser, bye)
}

// EndSession ends the session called sid, which an app named from server to
// server: no browser is there, so that apps which can only be told through one
// are Unable.
func (f *Flow) EndSession(ctx context.Context, sid string, l Leaving) (Receipt, error) {
	done, _, err := f.endSession(ctx, sid, l)
	return done, err
}

// endSession is EndSession, and tells which session it was: nil where it had
// ended before.
func (f *Flow) endSession(ctx context.Context, sid string, l Leaving) (Receipt, *Session, error) {
	s, ok, err := f.takeSession(ctx, sid)
	if !ok || err != nil {
		return Receipt{}, nil, err
	}
	done, err := f.endUnasked(ctx, s, l)
	if err != nil {
		return done, nil, errors.Join(err, f.stay(ctx, s, nil))
	}
	return done, &s, nil
}

// takeSession takes the session called sid, wherever it has moved, though it move
// meanwhile.
func (f *Flow) takeSession(ctx context.Context, sid string) (Session, bool, error) {
	for last := ""; ; {
		b := f.Store.Batch()
		found := placeTable.Get(b, place(sid))
		if err := b.Exec(ctx); err != nil {
			return Session{}, false, err
		}
		ref, _ := found.Value()
		h, ok := store.ParseRef(ref)
		if !ok || ref == last {
			return Session{}, false, nil
		}
		taken := sessionTable.Take(b, h)
		if err := b.Exec(ctx); err != nil {
			return Session{}, false, err
		}
		if s, ok := taken.Value(); ok {
			s.handle = h
			return s, true, nil
		}
		last = ref
	}
}
