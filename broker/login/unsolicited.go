package login

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// A SAML provider may send residents who start from its own portal, with an
// answer that nobody asked for. It can come from anybody's browser, so it is
// taken only where the operator names the app that such residents are led to.

// unsolicitedApp is the app that residents are led to, or "".
func (w *Way) unsolicitedApp() string {
	if w.Config.SAML == nil {
		return ""
	}
	return w.Config.SAML.Response.UnsolicitedApp
}

// decideTime is how long a resident may take to agree to it.
const decideTime = 10 * time.Minute

// takeUnsolicited examines an answer that names no attempt, and has the browser
// come for the rest as after an answer that was posted.
func (f *Flow) takeUnsolicited(w http.ResponseWriter, r *http.Request) error {
	way, ok := f.way(r.PathValue("connector"))
	if !ok || way.unsolicitedApp() == "" {
		return f.stale(r, f.visitor(r), false)
	}
	if err := f.counted(r).Exec(r.Context()); err != nil {
		return err
	}
	answer := store.NewHandle()
	if err := f.keep(r.Context(), answer, f.examine(r, way, connectors.Attempt{}), decideTime); err != nil {
		return err
	}
	getInstead(w, r, url.Values{"unsolicited": {answer.String()}})
	return nil
}

// askUnsolicited asks the resident whether the answer kept under h is to sign
// them in. Whoever has an answer of their own can send it to anybody's browser,
// and would like to be who is signed in there.
func (f *Flow) askUnsolicited(w http.ResponseWriter, r *http.Request, h store.Handle) error {
	v := f.visitor(r)
	b := f.Store.Batch()
	k, way, old, err := f.unsolicited(r, v, b, keptTable.Get(b, h))
	if err != nil {
		return err
	}
	if k.Said == nil {
		v.browser.App = way.unsolicitedApp()
		return f.unwelcome(r, v, way, k)
	}
	return f.Site.Page(w, r, http.StatusOK, "unsolicited", web.Unsolicited{
		Provider: f.label(r, way.Config.ID), SignedIn: old != nil,
		Action: "/unsolicited/" + way.Config.ID, Fields: map[string]string{"answer": h.String()}, Cancel: "/",
	})
}

// enterUnsolicited opens a session from an answer that the resident agreed to.
func (f *Flow) enterUnsolicited(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	h, _ := store.ParseHandle(r.PostForm.Get("answer"))
	v := f.visitor(r)
	b := f.Store.Batch()
	k, way, old, err := f.unsolicited(r, v, b, keptTable.Take(b, h))
	if err != nil {
		return err
	}
	v.browser.App = way.unsolicitedApp()
	s, err := f.welcome(r, v, way, k)
	v.browser.ID = rand.Text() // what was begun here before is not this person's to finish
	if errors.Is(err, accounts.ErrResembles) || errors.Is(err, accounts.ErrTwoPeople) {
		return f.askWelcome(w, r, v, way, k, b, err)
	}
	if err != nil {
		return err
	}
	if _, err := f.open(w, r, b, &v, old, s); err != nil {
		return err
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	f.Observe(way.Config.ID, "success")
	http.Redirect(w, r, cmp.Or(f.Apps[v.browser.App].Home, "/"), http.StatusSeeOther)
	return nil
}

// unsolicited executes b, which looks for an answer that nobody asked for, and
// returns the answer, whose it is, and the browser's session.
func (f *Flow) unsolicited(r *http.Request, v visitor, b *store.Batch, found *store.Reply[kept]) (kept, *Way, *Session, error) {
	current := v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return kept{}, nil, nil, err
	}
	old := f.live(v, current)
	k, ok := found.Value()
	way, open := f.way(r.PathValue("connector"))
	if !ok || !open || k.Attempt != "" || k.Connector != way.Config.ID {
		return kept{}, nil, old, f.stale(r, v, old != nil)
	}
	return k, way, old, nil
}

// welcome is the session of whoever an unsolicited answer is about. There is no
// request to offer another way for: what goes wrong ends on a page.
func (f *Flow) welcome(r *http.Request, v visitor, way *Way, k kept) (Session, error) {
	said, err := k.result()
	if err != nil {
		return Session{}, f.unwelcome(r, v, way, k)
	}
	s, err := f.admit(r, f.arrival(way, attempt{}, said), nil)
	if _, ok := errors.AsType[*accounts.FrozenError](err); ok {
		return s, f.lost(r, v, web.LinkFrozen, err)
	}
	if errors.Is(err, accounts.ErrFrozen) {
		return s, f.lost(r, v, web.AccountFrozen, err)
	}
	return s, err
}

func (f *Flow) unwelcome(r *http.Request, v visitor, way *Way, k kept) error {
	_, err := k.result()
	f.fell(r, way.Config.ID, err)
	return f.lost(r, v, web.SignInExpired, err)
}

// askWelcome begins a login of the broker's own for somebody who has to be asked
// something, because of why.
func (f *Flow) askWelcome(w http.ResponseWriter, r *http.Request, v visitor, way *Way, k kept, b *store.Batch, why error) error {
	said, err := k.result()
	if err != nil {
		return err
	}
	if err := f.remember(w, r, v.browser); err != nil {
		return err
	}
	l := ongoing{tag: store.NewHandle().Tag, pending: pending{Request: Request{App: way.unsolicitedApp()}, Browser: v.browser.mark()}}
	return f.inadmissible(w, r, v, l, f.arrival(way, attempt{}, said), b, why)
}
