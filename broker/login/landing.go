package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// People who went to prove who they are come back days later, by a link in an
// e-mail of the provider, perhaps in another browser. No answer comes with them
// and no app waits: they sign in once more, and the broker remembers by their
// account what an app had asked.

// handleLanding takes people whom the connector's provider sends back without an
// answer, and those whose answer came too late.
func (f *Flow) handleLanding(w http.ResponseWriter, r *http.Request) error {
	way, ok := f.way(r.PathValue("connector"))
	if !ok || !way.patient() {
		return known(false)
	}
	s, err := f.Current(r)
	if err != nil {
		return err
	}
	req := Request{Connector: way.Config.ID}
	if s != nil && s.Connector == way.Config.ID {
		req = f.recall(r.Context(), req, *s)
	}
	return f.Begin(w, r, req)
}

// recall makes the broker's own request that of an app which waits for what the
// person was to prove at its connector, the latest one.
func (f *Flow) recall(ctx context.Context, req Request, s Session) Request {
	for _, wish := range slices.Backward(f.awaited(ctx, s.Account.ID)) {
		if _, ok := f.Apps[wish.App]; ok && wish.Connector == req.Connector && req.App == "" {
			req.App, req.Levels = wish.App, []mapping.Assurance{wish.Level}
		}
	}
	return req
}

// landed answers the broker's own request: it leads to the page that asked; or it
// tells the apps that wait, and leads to a page that leads on.
func (f *Flow) landed(w http.ResponseWriter, r *http.Request, req Request, s Session, b *store.Batch) error {
	if s.fresh {
		visitStream.Append(b, accounts.Visit{Account: s.Account.ID, Link: s.Link, At: f.Now(), Said: s.Said})
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	if req.Return != "" {
		http.Redirect(w, r, req.Return, http.StatusSeeOther)
		return nil
	}
	f.grant(r.Context(), s)
	http.Redirect(w, r, "/landed?app="+url.QueryEscape(req.App), http.StatusSeeOther)
	return nil
}

// handleLanded leads residents on to the app that waited for them, or that they
// used last here.
func (f *Flow) handleLanded(w http.ResponseWriter, r *http.Request) error {
	s, err := f.Current(r)
	if err != nil {
		return err
	}
	app, ok := f.Apps[r.FormValue("app")]
	if !ok {
		app, ok = f.Apps[f.visitor(r).browser.App]
	}
	if s == nil || !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return f.Site.Page(w, r, http.StatusOK, "landed", web.Landed{
		App: f.appLabel(r, app.ID), To: f.Entrance(app.ID), Proved: s.Level.Person() != mapping.Assurance{},
	})
}

// Entrance is where an app starts a sign-in when somebody else asks for it
// (OpenID Connect Core §4), or its home.
func (f *Flow) Entrance(id string) string {
	app := f.Apps[id]
	if app.OIDC == nil || app.OIDC.InitiateLoginURI == "" {
		return app.Home
	}
	to, err := url.Parse(app.OIDC.InitiateLoginURI)
	if err != nil {
		return app.Home
	}
	query := to.Query()
	query.Set("iss", f.Issuer)
	query.Set("target_link_uri", app.Home)
	to.RawQuery = query.Encode()
	return to.String()
}

// astray is err, or for people whose answer came to where nobody waits for it, a
// way to sign in at that provider once more, where it takes so long that this is
// no wonder. What came with them is not looked at.
func (f *Flow) astray(r *http.Request, err error) error {
	way, ok := f.way(r.PathValue("connector"))
	told, lost := errors.AsType[*web.Error](err)
	late := lost && slices.Contains([]string{web.SignInExpired, web.SignInElsewhere, web.CookiesOff}, told.Message)
	if !ok || !late || !way.patient() {
		return err
	}
	return &web.Error{Status: told.Status, Message: web.SignInLate, Back: "/landing/" + way.Config.ID, Err: err}
}
