package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// Residents add ways in by themselves. Whoever comes back from the provider is
// asked about as a stranger: it may be somebody else's account there that the
// browser is signed in with. Nothing is joined without the resident's own press of
// a button, in the browser and in a session of the account that they started in.

// Add has the resident of s sign in at a connector, in order to add that way in to
// their account, and leads to path in the end. Where they have not shown for some
// time that the account is theirs, they do that first.
func (f *Flow) Add(w http.ResponseWriter, r *http.Request, s *Session, connector, path string) error {
	if _, ok := f.way(connector); !ok {
		return &web.Error{Status: http.StatusNotFound, Message: web.NotFound, Err: errors.New("no connector is called that")}
	}
	return f.run(w, r, s, errand{Account: s.Account.ID, Adds: connector}, path)
}

// merge puts the account that the stranger's way in leads to together with that of
// s. Both have just been shown to be the person's. By what name an app goes on knowing
// them depends on which it knew, which includes what has happened just now.
func (f *Flow) merge(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, s Session, b *store.Batch) error {
	in := l.Stranger.In
	p, err := f.meet(r, in, l.Stranger.Standing)
	switch {
	case err != nil:
		return f.inadmissible(w, r, v, l, in, b, err)
	case p.known(): // in another tab
		return f.added(w, r, l, s, b)
	case p.Account != l.Stranger.Account || !p.joinable() || !s.Shows():
		l.Stranger, p.Unproven = p, !s.Shows()
		return f.lead(w, r, l, "/who", b)
	}
	if err = f.catchUp(r.Context(), s.Account.ID, p.Account); err == nil {
		_, err = f.Accounts.MergeProved(r.Context(), s.Account.ID, p.Account)
	}
	if err != nil {
		return f.inadmissible(w, r, v, l, in, b, err)
	}
	// Nobody can use the sessions of that account any more, or find them to end them.
	if _, err := f.EndAll(context.WithoutCancel(r.Context()), p.Account, ""); err != nil {
		web.Note(r.Context(), slog.String("unended", err.Error()))
	}
	return f.added(w, r, l, s, b)
}

// added ends the errand that s was on.
func (f *Flow) added(w http.ResponseWriter, r *http.Request, l ongoing, s Session, b *store.Batch) error {
	l.Errand, l.Stranger = nil, nil
	return f.do(w, r, l, &s, next(f.situation(l, &s)), b)
}
