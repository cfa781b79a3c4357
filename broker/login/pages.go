package login

import (
	"net/http"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// handleChoose shows the ways that lead on; the page puts the one used last in
// this browser first.
func (f *Flow) handleChoose(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, s, err := f.resume(r, v)
	if err != nil {
		return err
	}
	q := f.situation(l, s)
	s = q.standing()
	page := web.Choose{App: f.appLabel(r, l.Request.App), More: s != nil, Cancel: l.link("/cancel")}
	for _, t := range q.trips(s) {
		c := t.way.Config
		page.Ways = append(page.Ways, web.Way{
			ID: c.ID, Label: f.label(r, c.ID), Hint: c.Hint.In(f.Site.Language(r)),
			URL: l.link("/start/" + c.ID), Last: c.ID == v.browser.Last,
		})
	}
	if n := l.Notice; n != nil {
		page.Notice, page.NoticeArg = string(n.Outcome), f.label(r, n.Connector)
	}
	return f.Site.Page(w, r, http.StatusOK, "choose", page)
}

// label is what residents call a connector, or "" for one that is gone.
func (f *Flow) label(r *http.Request, connector string) string {
	way, _ := f.way(connector)
	return way.Config.Label.In(f.Site.Language(r))
}

// appLabel is what residents call an app, or "" for one that is gone.
func (f *Flow) appLabel(r *http.Request, app string) string {
	return f.Apps[app].Label.In(f.Site.Language(r))
}

func (f *Flow) appLabels(r *http.Request, apps []string) []string {
	var labels []string
	for _, app := range apps {
		if label := f.appLabel(r, app); label != "" {
			labels = append(labels, label)
		}
	}
	return labels
}

// handleStart goes to the connector that the resident chose, if that leads on.
func (f *Flow) handleStart(w http.ResponseWriter, r *http.Request) error {
	l, s, err := f.resume(r, f.visitor(r))
	if err != nil {
		return err
	}
	q := f.situation(l, s)
	s = q.standing()
	trips := q.trips(s)
	i := indexOf(trips, r.PathValue("connector"))
	if i < 0 {
		return f.offer(w, r, l, f.Store.Batch())
	}
	return f.start(w, r, l, s.standing(), trips[i], f.Store.Batch())
}

// handleCancel answers the app that the resident gave up.
func (f *Flow) handleCancel(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.resume(r, f.visitor(r))
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
	var page web.Home
	if s != nil {
		page.SignOut = "/sign-out"
	}
	return f.Site.Page(w, r, http.StatusOK, "home", page)
}

func (f *Flow) handleAskSignOut(w http.ResponseWriter, r *http.Request) error {
	return f.Site.Page(w, r, http.StatusOK, "sign_out", web.SignOut{Action: "/sign-out", Stay: "/"})
}

func (f *Flow) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	return f.Leave(w, r, Leaving{Certain: true})
}
