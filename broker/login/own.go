package login

import (
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/store"
)

// Pages of the broker's own ask residents to sign in as apps do, with a Request
// that ends where it says to Return. What else they may want of somebody who is
// signed in is an errand.

// errand is what a page of the broker's own wants of a resident who is signed in:
// that they show again who they are, and then perhaps that another way in is
// theirs, too.
type errand struct {
	Account string `json:"account"`        // whose it is: in a session of nobody else is it gone about
	Adds    string `json:"adds,omitempty"` // the connector of the other way in
}

// SignIn leads whoever is signed in to path, a page of the broker's own, and has
// everybody else sign in first.
func (f *Flow) SignIn(w http.ResponseWriter, r *http.Request, path string) error {
	return f.Begin(w, r, Request{Return: path})
}

// Refresh is SignIn that has somebody who is signed in do so once more, by the
// same way, where that is not Recent.
func (f *Flow) Refresh(w http.ResponseWriter, r *http.Request, path string) error {
	s, err := f.Current(r)
	if err != nil {
		return err
	}
	if s == nil {
		return f.SignIn(w, r, path)
	}
	return f.run(w, r, s, errand{Account: s.Account.ID}, path)
}

// Recent reports whether the person of s, nil for nobody, has shown who they are a
// moment ago: only then may they change how they sign in. What a session must be
// worth for that is said by [Session.Shows].
func (f *Flow) Recent(s *Session) bool {
	if s == nil {
		return false
	}
	way, _ := f.way(s.Connector)
	return s.recent(way, f.Now())
}

// recent is Recent of a session by way. A provider that cannot be made to ask
// again, and says when it last did, could never prove more than that it sent the
// resident back just now.
func (s *Session) recent(way *Way, now time.Time) bool {
	age := recently
	return s.freshEnough(&age, now) || !way.canForce() && now.Sub(s.Shown) <= recently
}

// run begins an errand in s that ends at path.
func (f *Flow) run(w http.ResponseWriter, r *http.Request, s *Session, e errand, path string) error {
	v := f.visitor(r)
	if err := f.remember(w, r, v.browser); err != nil {
		return err
	}
	l := ongoing{tag: store.NewHandle().Tag, pending: pending{Request: Request{Return: path}, Browser: v.browser.mark(), Shared: s.Shared, Errand: &e}}
	return f.do(w, r, l, s, next(f.situation(l, s)), f.counted(r))
}

// ahead is where s has still to go on the errand: ok is false where that is
// nowhere. Each provider is asked once.
func (q situation) ahead(s *Session) (t trip, ok bool) {
	e := q.Errand
	if e == nil || s == nil || s.Account.ID != e.Account {
		return trip{}, false
	}
	if way := q.way(s.Connector); !s.recent(way, q.now) {
		t = trip{way: way, ask: way.asks()[0], anew: way.canForce()}
		if !slices.Contains(q.Done, stop{way.Config.ID, t.ask.Step}) {
			return t, true
		}
	}
	way := q.way(e.Adds)
	if way == nil {
		return trip{}, false
	}
	return trip{way: way, ask: way.asks()[0], anew: way.canForce(), adds: true}, true
}

// way is the connector called id, nil where it is none of those that will do.
func (q situation) way(id string) *Way {
	for _, way := range q.ways {
		if way.Config.ID == id {
			return way
		}
	}
	return nil
}
