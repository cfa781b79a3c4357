package login

import (
	"log/slog"
	"net/http"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// A sign-in that proves another date of birth than was proved of the account's person
// is somebody else's: it is not added to the account, and does not lead in to it. The
// page says so, without the dates. If it is one person all the same, then one of the
// two providers has the date wrong, and only the council can sort that out.

// apart is who has proved to be another person than the account's.
type apart struct {
	In  arrival `json:"in"`
	New bool    `json:"new,omitempty"` // their way in leads nowhere yet: it was to be added
}

// askApart asks what is to become of in.
func (f *Flow) askApart(w http.ResponseWriter, r *http.Request, l ongoing, in arrival, b *store.Batch) error {
	f.Observe(in.SignIn.Connector, "apart")
	web.Annotate(r, slog.String("app", l.Request.App), slog.String("connector", in.SignIn.Connector),
		slog.String("cause", accounts.ErrTwoPeople.Error()))
	l.Apart = &apart{In: in, New: l.Stranger.brings(in)}
	l.Stranger, l.Errand = nil, nil
	return f.lead(w, r, l, "/apart", b)
}

// handleApart is the page that asks.
func (f *Flow) handleApart(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.resume(r, f.visitor(r), f.counted(r))
	if err != nil {
		return err
	}
	if !f.parts(l.Apart) {
		http.Redirect(w, r, l.link("/choose"), http.StatusSeeOther)
		return nil
	}
	return f.Site.Page(w, r, http.StatusOK, "apart", web.Apart{
		Provider: f.label(r, l.Apart.In.SignIn.Connector), New: l.Apart.New,
		Action: "/apart", Fields: map[string]string{"request": l.tag},
	})
}

// parts reports whether it is to be asked about p, who came a moment ago.
func (f *Flow) parts(p *apart) bool { return p != nil && f.Now().Sub(p.In.SignIn.At) <= recently }

// answerApart does what the resident says. Of two answers one counts.
func (f *Flow) answerApart(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, old, err := f.claim(r, v)
	if err != nil {
		return err
	}
	b, p := f.Store.Batch(), l.Apart
	l.Apart = nil
	if f.parts(p) && p.New && r.PostFormValue("answer") == "alone" {
		return f.enterAlone(w, r, v, l, old, p.In, b)
	}
	if p != nil {
		f.Observe(p.In.SignIn.Connector, string(connectors.Cancelled))
	}
	return f.offer(w, r, l, b)
}
