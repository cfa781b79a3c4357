package login

import (
	"errors"
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

// added ends the errand on which s was.
func (f *Flow) added(w http.ResponseWriter, r *http.Request, l ongoing, s Session, b *store.Batch) error {
	l.Errand, l.Stranger = nil, nil
	return f.do(w, r, l, &s, next(f.situation(l, &s)), b)
}
