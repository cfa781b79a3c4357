package login

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// Some providers have the browser post their answer: SAML ones, and OpenID
// ones in the response mode form_post. The browser's cookie is SameSite=Lax
// and does not come with another site's post. So the answer is checked and kept
// under a one-time handle, and the post is answered with a redirect to a GET
// that brings the handle and the cookie.

// keptTime is how long the browser may take from the post to the GET.
const keptTime = 2 * time.Minute

// kept is what an answer amounted to.
type kept struct {
	Connector string                `json:"connector"`
	Attempt   string                `json:"attempt,omitempty"` // the Ref of the attempt; "" where nobody had asked
	Said      *connectors.Assertion `json:"said,omitempty"`
	Outcome   connectors.Outcome    `json:"outcome,omitempty"` // why nothing is said,
	Cause     string                `json:"cause,omitempty"`   // and why for the log
}

var (
	keptTable = store.Table[kept]{Name: "kept"}

	// refusedTable keeps, by the state, what was wrong with the first answer to
	// an attempt that was refused. No other is looked at: whoever knows a state
	// has one try, not an oracle.
	refusedTable = store.Table[kept]{Name: "refused"}

	// usedTable says, by the Once of an answer or question, whose it is: the Ref
	// of the attempt, or of where it was kept.
	usedTable = store.Table[string]{Name: "used"}
)

// check has the connector check the answer r to a.
func (f *Flow) check(r *http.Request, way *Way, a connectors.Attempt) (*connectors.Assertion, error) {
	said, err := way.Connector.Finish(r.Context(), a, r)
	if err == nil && !said.SessionEnds.IsZero() && !f.Now().Before(said.SessionEnds) {
		return nil, refused("the provider's session is over")
	}
	return said, err
}

// examine is check for an answer that is to be kept.
func (f *Flow) examine(r *http.Request, way *Way, a connectors.Attempt) kept {
	said, err := f.check(r, way, a)
	k := kept{Connector: way.Config.ID, Said: said}
	if err != nil {
		k.refuse(err)
	}
	return k
}

func (k *kept) refuse(err error) {
	k.Said, k.Outcome, k.Cause = nil, outcomeOf(err), err.Error()
	if failure, ok := errors.AsType[*connectors.Failure](err); ok {
		k.Cause = failure.Err.Error()
	}
}

// result is what the connector's Finish returned.
func (k kept) result() (*connectors.Assertion, error) {
	if k.Said == nil {
		return nil, &connectors.Failure{Outcome: k.Outcome, Err: errors.New(k.Cause)}
	}
	return k.Said, nil
}

// keep keeps k under h for ttl, where the browser's GET finds it.
func (f *Flow) keep(ctx context.Context, h store.Handle, k kept, ttl time.Duration) error {
	b := f.Store.Batch()
	f.putKept(b, h, k, ttl)
	first := f.firstAnswer(b, k.Connector, k.Said, cmp.Or(k.Attempt, h.Ref()))
	if err := b.Exec(ctx); err != nil {
		return err
	}
	if err := first(); err != nil {
		k.refuse(err)
		f.putKept(b, h, k, ttl) // in time: nobody knows the handle yet
	}
	return b.Exec(ctx)
}

func (f *Flow) putKept(b *store.Batch, h store.Handle, k kept, ttl time.Duration) {
	keptTable.Put(b, h, k, ttl)
	way, _ := f.way(k.Connector)
	if state, asked := store.ParseRef(k.Attempt); asked && k.Said == nil {
		refusedTable.Put(b, state, k, way.patience())
	}
}

// firstAnswer is first for the answer that said this, if any was made.
func (f *Flow) firstAnswer(b *store.Batch, connector string, said *connectors.Assertion, user string) func() error {
	if said == nil {
		return func() error { return nil }
	}
	return f.first(b, "answer", connector, said.Once, user)
}

// first enters in b that user uses a message. When b has been executed, it
// returns a failure if another has used it before, on any node. The same may:
// browsers post twice where people press twice.
func (f *Flow) first(b *store.Batch, kind, connector string, once connectors.Once, user string) func() error {
	if once.ID == "" {
		return func() error { return nil }
	}
	h := store.Handle{Tag: fingerprint(kind, connector, once.ID)}
	usedTable.Add(b, h, user, once.Until.Sub(f.Now()))
	by := usedTable.Get(b, h)
	return func() error {
		if by, _ := by.Value(); by != user {
			return refused("the message was used before")
		}
		return nil
	}
}

func refused(cause string) error {
	return &connectors.Failure{Outcome: connectors.Refused, Err: errors.New(cause)}
}

// handlePostedCallback takes an answer that a provider has the browser post.
func (f *Flow) handlePostedCallback(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	state, ok := stateOf(r.PostForm)
	if !ok {
		return f.astray(r, f.takeUnsolicited(w, r))
	}
	b := f.counted(r)
	found, before := attemptTable.Get(b, state), refusedTable.Get(b, state)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	query := url.Values{"state": {state.String()}}
	way, ok := f.way(r.PathValue("connector"))
	// An answer to no attempt is kept nowhere: the GET finds out as well, and
	// knows the browser that it has to tell.
	if a, waiting := found.Value(); ok && waiting && a.Connector == way.Config.ID {
		k, spent := before.Value()
		if !spent {
			a.State = state.String()
			k = f.examine(r, way, a.Attempt)
			k.Attempt = state.Ref()
		}
		answer := state.Sibling()
		if err := f.keep(r.Context(), answer, k, keptTime); err != nil {
			return err
		}
		query.Set("answer", answer.String())
	}
	getInstead(w, r, query)
	return nil
}

// getInstead answers a post with a redirect to a GET of the same address.
func getInstead(w http.ResponseWriter, r *http.Request, query url.Values) {
	http.Redirect(w, r, r.URL.EscapedPath()+"?"+query.Encode(), http.StatusSeeOther)
}

// unreadable is the error of a form that cannot be read.
func unreadable(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return err
	}
	return &web.Error{Status: http.StatusBadRequest, Message: web.RequestInvalid, Err: err}
}
