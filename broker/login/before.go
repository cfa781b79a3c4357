package login

import (
	"net/http"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// A newcomer who resembles somebody that the council knows may be that person, who
// comes by another way than before, or somebody else: e-mail addresses change
// hands. If it is them, they can sign in as before, and then both ways are put
// together, as with any stranger. The page that asks is the same for every
// newcomer, whomever they resemble, and says nothing of anybody.

// newcomer reports whether p came for the first time, to a session of nobody.
func (p *stranger) newcomer() bool { return p != nil && p.Standing == standing{} }

// askBefore asks whoever came by in whether they have signed in before.
func (f *Flow) askBefore(w http.ResponseWriter, r *http.Request, l ongoing, in arrival, b *store.Batch) error {
	l.Stranger = &stranger{In: in}
	return f.lead(w, r, l, "/before", b)
}

// handleBefore is the page that asks.
func (f *Flow) handleBefore(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.resume(r, f.visitor(r), f.counted(r))
	if err != nil {
		return err
	}
	p := l.Stranger
	if !f.asks(p) || !p.newcomer() {
		http.Redirect(w, r, l.link("/choose"), http.StatusSeeOther)
		return nil
	}
	page := web.Before{
		App: f.appLabel(r, l.Request.App), Provider: f.label(r, p.In.SignIn.Connector), Cancel: l.link("/cancel"),
		Action: "/before", Fields: map[string]string{"request": l.tag},
	}
	for _, way := range f.Ways {
		if id := way.Config.ID; id != p.In.SignIn.Connector || len(f.Ways) == 1 {
			page.Ways = append(page.Ways, web.Way{
				ID: id, Label: f.label(r, id), Hint: way.Config.Hint.In(f.Site.Language(r)), URL: l.link("/before/" + id),
			})
		}
	}
	return f.Site.Page(w, r, http.StatusOK, "before", page)
}

// handleEarlier goes to the connector by which the newcomer says that they signed
// in before, whether or not that will do for the app.
func (f *Flow) handleEarlier(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.resume(r, f.visitor(r), f.counted(r))
	if err != nil {
		return err
	}
	way, ok := f.way(r.PathValue("connector"))
	if !ok || !f.asks(l.Stranger) || !l.Stranger.newcomer() {
		return f.offer(w, r, l, f.Store.Batch())
	}
	l.Stranger.In.SignIn.Alone = true // they have been asked
	return f.start(w, r, l, nil, trip{way: way, ask: way.asks()[0], anew: way.canForce()}, f.Store.Batch())
}

// answerBefore goes on with a newcomer who has come for the first time. Of two
// answers one counts.
func (f *Flow) answerBefore(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, old, err := f.claim(r, v)
	if err != nil {
		return err
	}
	b, p := f.Store.Batch(), l.Stranger
	if !f.asks(p) || !p.newcomer() {
		return f.offer(w, r, l, b)
	}
	if r.PostFormValue("answer") != "never" {
		return f.lead(w, r, l, "/before", b)
	}
	l.Stranger, p.In.SignIn.Alone = nil, true
	return f.enterAnew(w, r, v, l, old, p.In, b)
}
