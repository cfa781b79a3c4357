package login

import (
	"net/http"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// handleChoose shows the ways that lead on; the page puts the one used last in
// this browser first. After a visit that did not work it says why.
func (f *Flow) handleChoose(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	b := f.counted(r)
	told := f.told(b, r, v)
	l, s, err := f.resume(r, v, b)
	if err != nil {
		return err
	}
	q := f.situation(l, s)
	if q.done(q.standing()) { // by what was done in another tab
		http.Redirect(w, r, l.link("/later"), http.StatusSeeOther)
		return nil
	}
	c := f.choice(r, v, l, q)
	if l.Notice != nil {
		return f.trouble(w, r, l, c)
	}
	c.Notice, c.NoticeArg = told()
	return f.Site.Page(w, r, http.StatusOK, "choose", c)
}

// choice is what the resident can choose from.
func (f *Flow) choice(r *http.Request, v visitor, l ongoing, q situation) web.Choose {
	s := q.standing()
	trips := q.trips(s)
	c := web.Choose{App: f.appLabel(r, l.Request.App), Cancel: l.link("/cancel")}
	for _, t := range trips {
		way := t.way.Config
		c.Ways = append(c.Ways, web.Way{
			ID: way.ID, Label: f.label(r, way.ID), Hint: way.Hint.In(f.Site.Language(r)),
			URL: l.link("/start/" + way.ID), Last: way.ID == v.browser.Last,
		})
	}
	if s == nil {
		c.Share, c.Shared, c.Fields = "/shared", l.Shared, map[string]string{"request": l.tag}
	}
	if len(trips) == 0 {
		return c
	}
	if goal := trips[0].goal; !q.needs.essential && goal != q.needs.least {
		c.Later = l.link("/later")
	}
	if s != nil {
		c.More = more(s.Level, trips[0].goal)
	}
	return c
}

// more is what level lacks of goal, as web.Choose.More has it.
func more(level, goal mapping.Assurance) string {
	if level.Person().AtLeast(goal.Person()) {
		return web.MoreSafe
	}
	return web.MoreSure
}

// trouble says why the last visit did not work, and what can be done.
func (f *Flow) trouble(w http.ResponseWriter, r *http.Request, l ongoing, c web.Choose) error {
	n := *l.Notice
	c.Notice, c.NoticeArg = string(n.Outcome), f.label(r, n.Connector)
	page := web.Trouble{Choose: c, Reference: n.Reference}
	if i := slices.IndexFunc(c.Ways, func(w web.Way) bool { return w.ID == n.Connector }); i >= 0 {
		if !n.shut() {
			page.Again = c.Ways[i].URL
		}
		page.Ways = slices.Delete(c.Ways, i, i+1)
	}
	if n.Outcome != inApp {
		return f.Site.Page(w, r, http.StatusOK, "trouble", page)
	}
	if page.Again != "" {
		page.Again += "&anyway=yes"
	}
	page.Ways = slices.DeleteFunc(page.Ways, func(other web.Way) bool {
		way, _ := f.way(other.ID)
		return way.refuses(r.UserAgent())
	})
	page.Address = f.Apps[l.Request.App].Home
	return f.Site.Page(w, r, http.StatusOK, "in_app", page)
}

// shut reports whether the way in is frozen (see shutOut): trying again is no use
// before its provider has told us otherwise.
func (n notice) shut() bool { return strings.HasPrefix(string(n.Outcome), "frozen_") }

// label is what residents call a connector, or "" for one that is gone.
func (f *Flow) label(r *http.Request, connector string) string {
	way, _ := f.way(connector)
	return way.Config.Label.In(f.Site.Language(r))
}

// labels are those of several, each once.
func (f *Flow) labels(r *http.Request, connectors []string) []string {
	var labels []string
	for _, id := range connectors {
		if label := f.label(r, id); label != "" {
			labels = with(labels, label)
		}
	}
	return labels
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
	l, s, err := f.resume(r, f.visitor(r), f.counted(r))
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
	l.Anyway = l.Anyway || r.URL.Query().Has("anyway")
	return f.start(w, r, l, s.standing(), trips[i], f.Store.Batch())
}

// handleLater goes on with what there is, without what the app would only like
// to know.
func (f *Flow) handleLater(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, s, err := f.claim(r, v)
	if err != nil {
		return err
	}
	l.Settled, l.Notice, l.Stranger = true, nil, nil
	return f.carryOn(w, r, v, l, s)
}

// carryOn goes on with a request about which the resident has said something, in
// the browser whose session is s (nil for none).
func (f *Flow) carryOn(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, s *Session) error {
	if f.situation(l, s).standing() == nil {
		return f.begin(w, r, v, l, nil, f.Store.Batch())
	}
	s.opened = s.SID == l.SID
	return f.signOn(w, r, v, l, s)
}

// handleCancel answers the app that the resident gave up, and why.
func (f *Flow) handleCancel(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.claim(r, f.visitor(r))
	if err != nil {
		return err
	}
	f.Observe("", string(connectors.Cancelled))
	if l.Errand != nil {
		http.Redirect(w, r, l.Request.Return, http.StatusSeeOther)
		return nil
	}
	return f.refuse(w, r, l.Request, l.Notice.refusal())
}

// refusal is what the app is told where the resident gives up after n, nil where
// nothing had gone wrong.
func (n *notice) refusal() Refusal {
	if n == nil {
		return AccessDenied
	}
	switch n.Outcome {
	case connectors.TryLater, connectors.Unavailable, connectors.Misconfigured:
		return Unavailable
	case connectors.Unmet:
		return Unmet
	}
	return AccessDenied
}

func (f *Flow) handleAskSignOut(w http.ResponseWriter, r *http.Request) error {
	return f.Site.Page(w, r, http.StatusOK, "sign_out", web.SignOut{Action: "/sign-out", Stay: "/"})
}

func (f *Flow) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	return f.Leave(w, r, Leaving{Certain: true})
}
