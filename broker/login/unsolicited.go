package login

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// A SAML provider may send residents who start from its own portal, with an
// answer that nobody asked for. It can come from anybody's browser, so it is
// taken only where the operator names the app that such residents are led to.

// unsolicitedApp is the app that residents are led to, or "".
func (w Way) unsolicitedApp() string {
	if w.Config.SAML == nil {
		return ""
	}
	return w.Config.SAML.Response.UnsolicitedApp
}

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
	if err := f.keep(r.Context(), answer, examine(r, way, connectors.Attempt{})); err != nil {
		return err
	}
	getInstead(w, r, url.Values{"unsolicited": {answer.String()}})
	return nil
}

// enterUnsolicited opens a session from the answer kept under h.
func (f *Flow) enterUnsolicited(w http.ResponseWriter, r *http.Request, h store.Handle) error {
	v := f.visitor(r)
	b := f.Store.Batch()
	taken, current := keptTable.Take(b, h), v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	old := f.live(v, current)
	k, found := taken.Value()
	way, ok := f.way(r.PathValue("connector"))
	if !found || !ok || k.Attempt != "" || k.Connector != way.Config.ID {
		return f.stale(r, v, old != nil)
	}
	v.browser.App = way.unsolicitedApp()
	s, err := f.welcome(r, v, way, k)
	if err != nil {
		return err
	}
	if _, err := f.open(w, r, b, v, old, s); err != nil {
		return err
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	f.Observe(way.Config.ID, "success")
	http.Redirect(w, r, cmp.Or(f.Apps[v.browser.App].Home, "/"), http.StatusSeeOther)
	return nil
}

// welcome is the session of whoever an unsolicited answer is about. There is no
// request to offer another way for: what goes wrong ends on a page.
func (f *Flow) welcome(r *http.Request, v visitor, way Way, k kept) (Session, error) {
	said, err := k.result()
	if err != nil {
		f.fell(r, way.Config.ID, err)
		return Session{}, f.lost(r, v, web.SignInExpired, err)
	}
	s, err := f.admit(r, way, said)
	if errors.Is(err, accounts.ErrFrozen) {
		return s, f.lost(r, v, web.AccountFrozen, err)
	}
	return s, err
}
