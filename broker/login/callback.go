package login

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// handleCallback takes a provider's answer, or the GET that follows one that
// was posted.
func (f *Flow) handleCallback(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	if h, ok := store.ParseHandle(query.Get("unsolicited")); ok {
		return f.askUnsolicited(w, r, h)
	}
	if state, ok := stateOf(query); ok {
		return f.astray(r, f.conclude(w, r, state))
	}
	return f.astray(r, f.takeUnsolicited(w, r))
}

// conclude ends the attempt that state names. Two round trips: one takes the
// request, one ends the attempt and writes what follows.
func (f *Flow) conclude(w http.ResponseWriter, r *http.Request, state store.Handle) error {
	v := f.visitor(r)
	l, a, old, err := f.take(r, v, state)
	if err != nil {
		return err
	}
	// The attempt ends first: whoever finds the request again finds no attempt
	// that was used.
	b := f.Store.Batch()
	attemptTable.Delete(b, state)
	way, err := f.match(r, v, a)
	if err != nil {
		return errors.Join(err, f.restore(r.Context(), l, b))
	}
	said, err := f.said(r, way, a)
	if err != nil {
		return f.failed(w, r, l, way.Config.ID, err, b)
	}
	in := f.arrival(way, a, said)
	if a.Standing != nil {
		return f.prove(w, r, v, l, old, *a.Standing, in, b)
	}
	return f.enterAnew(w, r, v, l, old, in, b)
}

// enterAnew goes on with a sign-in of its own, in place of old. Where it is older
// than the app allows, the provider is asked once more.
func (f *Flow) enterAnew(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, old *Session, in arrival, b *store.Batch) error {
	s, err := f.admit(r, in, nil)
	if err != nil {
		return f.inadmissible(w, r, v, l, in, b, err)
	}
	if !in.Forced && !s.freshEnough(l.Request.MaxAge, f.Now()) {
		way, _ := f.way(in.SignIn.Connector)
		return f.again(w, r, l, trip{way: way, ask: config.Ask{Step: in.Step}}, b)
	}
	return f.proceed(w, r, v, l, old, s, b)
}

// inadmissible is the answer to a person whose account cannot be entered. Where
// there is another way, or that is for now, the request goes on.
func (f *Flow) inadmissible(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, in arrival, b *store.Batch, err error) error {
	if why, ok := errors.AsType[*accounts.FrozenError](err); ok {
		l.Stranger = nil
		return f.shutOut(w, r, l, in.SignIn.Connector, why, b)
	}
	switch {
	case errors.Is(err, accounts.ErrResembles):
		return f.askBefore(w, r, l, in, b)
	case errors.Is(err, accounts.ErrTwoPeople):
		return f.askApart(w, r, l, in, b)
	case errors.Is(err, accounts.ErrFrozen):
		return f.lost(r, v, web.AccountFrozen, err)
	}
	return l.interrupted(errors.Join(err, f.restore(r.Context(), l, b)))
}

// stateOf is the handle of the attempt that an answer is to: OAuth's state
// (RFC 6749 §4.1.2), SAML's RelayState (SAML Bindings §3.4.3).
func stateOf(params url.Values) (store.Handle, bool) {
	return store.ParseHandle(cmp.Or(params.Get("state"), params.Get("RelayState")))
}

// take fetches everything that the answer's state names, for one only: of two
// answers to one attempt, or to two attempts of one request, one finds the
// request. It is looked for first, and the attempt after it, so that nobody
// spends an attempt without the request.
//
// The step is not counted against the client's address. It was when it began,
// and a refusal here would lose what has been taken.
func (f *Flow) take(r *http.Request, v visitor, state store.Handle) (ongoing, attempt, *Session, error) {
	l := ongoing{tag: state.Tag}
	b := f.Store.Batch()
	taken, found, current := pendingTable.Take(b, l.handle()), attemptTable.Get(b, state), v.ask(b)
	var posted *store.Reply[kept]
	if h, ok := store.ParseHandle(r.URL.Query().Get("answer")); ok {
		posted = keptTable.Take(b, h)
	}
	if err := b.Exec(r.Context()); err != nil {
		return l, attempt{}, nil, err
	}
	old := f.live(v, current)
	a, started := found.Value()
	var waiting bool
	l.pending, waiting = taken.Value()
	if started && waiting {
		a.handle, a.State, a.posted = state, state.String(), posted
		return l, a, old, nil
	}
	if waiting {
		// A state that was made up or used before: the request itself goes on.
		if err := f.restore(r.Context(), l, f.Store.Batch()); err != nil {
			return l, a, nil, err
		}
	}
	return l, a, nil, f.stale(r, v, old != nil)
}

// said is what the provider said: in r, or in what it had posted before.
func (f *Flow) said(r *http.Request, way *Way, a attempt) (*connectors.Assertion, error) {
	if a.posted != nil {
		k, found := a.posted.Value()
		if !found || k.Attempt != a.handle.Ref() {
			return nil, refused("the answer that was posted is gone, or was to another attempt")
		}
		return k.result()
	}
	said, err := f.check(r, way, a.Attempt)
	if err != nil {
		return nil, err
	}
	b := f.Store.Batch()
	first := f.firstAnswer(b, way.Config.ID, said, a.handle.Ref()) // nothing, for most: the round trip is a SAML artifact's
	if err := b.Exec(r.Context()); err != nil {
		return nil, err
	}
	return said, first()
}

// match makes sure that the answer came to the browser that asked and from the
// connector that was asked: the callback path is the connector's own (RFC 9700
// §4.4.2, the mix-up defence beside the iss parameter).
func (f *Flow) match(r *http.Request, v visitor, a attempt) (*Way, error) {
	if err := f.sameBrowser(r, v, a.Browser); err != nil {
		return nil, err
	}
	way, ok := f.way(a.Connector)
	if !ok || r.PathValue("connector") != a.Connector {
		return nil, f.lost(r, v, web.SignInExpired,
			fmt.Errorf("answer at the callback of %q to an attempt at %q", r.PathValue("connector"), a.Connector))
	}
	return way, nil
}

// again asks the provider once more, this time insisting on a new sign-in,
// since the one that it reported is older than the app allows.
func (f *Flow) again(w http.ResponseWriter, r *http.Request, l ongoing, t trip, b *store.Batch) error {
	if !t.way.canForce() { // the configuration has changed since it was offered
		return f.refuse(w, r, l.Request, LoginRequired)
	}
	l.Request.Force = true
	return f.start(w, r, l, nil, t, b)
}

// proceed opens the session s in place of old, and goes on to the app or, where
// s is not enough for it, to what leads further.
func (f *Flow) proceed(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, old *Session, s Session, b *store.Batch) error {
	if s.Own = l.Request.own(); l.Shared {
		s.share()
	}
	s, err := f.open(w, r, b, &v, old, s)
	if err != nil {
		return err
	}
	f.Observe(s.Connector, "success")
	l.SID, l.AuthTime, l.Browser = s.SID, s.AuthTime, v.browser.mark()
	l.Done = append(l.Done, stop{s.Connector, s.Step})
	if s.wished {
		f.grant(r.Context(), s)
	}
	if l.Request.own() {
		l.Request = f.recall(r.Context(), l.Request, s)
	}
	if l.Stranger.newcomer() {
		l.Stranger.Standing = *s.standing()
	}
	if f.asks(l.Stranger) {
		return f.lead(w, r, l, "/who", b)
	}
	l.Stranger = nil
	return f.do(w, r, l, &s, next(f.situation(l, &s)), b)
}
