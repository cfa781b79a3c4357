package login

import (
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// handleChoose shows the connectors that the app allows, the one used last in
// this browser first.
func (f *Flow) handleChoose(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, err := f.resume(w, r, v)
	if err != nil {
		return err
	}
	lang := f.Site.Language(r)
	page := web.Choose{App: f.Apps[l.Request.App].Label.In(lang), Cancel: l.link("/cancel")}
	for _, way := range f.ways(l.Request) {
		page.Ways = append(page.Ways, web.Way{
			ID: way.Config.ID, Label: way.Config.Label.In(lang), Hint: way.Config.Hint.In(lang),
			URL: l.link("/start/" + way.Config.ID), Last: way.Config.ID == v.browser.Last,
		})
	}
	slices.SortStableFunc(page.Ways, func(a, b web.Way) int { return order(a) - order(b) })
	if n := l.Notice; n != nil {
		page.Notice = string(n.Outcome)
		if i := index(f.Ways, n.Connector); i >= 0 {
			page.NoticeArg = f.Ways[i].Config.Label.In(lang)
		}
	}
	return f.Site.Page(w, r, http.StatusOK, "choose", page)
}

func order(w web.Way) int {
	if w.Last {
		return 0
	}
	return 1
}

// handleStart goes to the connector that the resident chose.
func (f *Flow) handleStart(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, err := f.resume(w, r, v)
	if err != nil {
		return err
	}
	ways := f.ways(l.Request)
	i := index(ways, r.PathValue("connector"))
	if i < 0 {
		return f.offer(w, r, l, f.Store.Batch(), f.plain)
	}
	return f.start(w, r, l, ways[i], f.Store.Batch(), f.plain)
}

// handleCancel answers the app that the resident gave up.
func (f *Flow) handleCancel(w http.ResponseWriter, r *http.Request) error {
	l, err := f.resume(w, r, f.visitor(r))
	if err != nil {
		return err
	}
	b := f.Store.Batch()
	pendingTable.Delete(b, l.handle())
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	f.Observe("", string(connectors.Cancelled))
	return f.refuse(w, r, l.Request, AccessDenied)
}

// handleHome is the broker's own front page.
func (f *Flow) handleHome(w http.ResponseWriter, r *http.Request) error {
	s, err := f.Current(r)
	if err != nil {
		return err
	}
	return f.Site.Page(w, r, http.StatusOK, "home", web.Home{SignedIn: s != nil})
}

func (f *Flow) handleAskSignOut(w http.ResponseWriter, r *http.Request) error {
	return f.Site.Page(w, r, http.StatusOK, "sign_out", web.SignOut{Action: "/sign-out"})
}

func (f *Flow) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	if err := f.SignOut(w, r); err != nil {
		return err
	}
	return f.Site.Page(w, r, http.StatusOK, "signed_out", web.SignedOut{})
}
