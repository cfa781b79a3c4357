package login

import (
	"net/http"
	"time"
)

// At a library, say, the next person sits down where the last one got up. A
// resident who says so is signed in for one service alone: whoever comes for
// another, or for the same again, has to sign in, and the provider is told to ask
// who they are. Nothing of theirs stays in the browser, and little time passes
// until the session is over.

// sharedIdle is how long a session may go unused in a browser that others use.
const sharedIdle = 10 * time.Minute

// share makes s one of a browser that others use, too.
func (s *Session) share() {
	s.Shared, s.Idle = true, shorter(s.Idle, sharedIdle)
}

// handleShared notes whether others use the browser.
func (f *Flow) handleShared(w http.ResponseWriter, r *http.Request) error {
	l, _, err := f.claim(r, f.visitor(r))
	if err != nil {
		return err
	}
	l.Shared = r.PostFormValue("shared") == "yes"
	return f.offer(w, r, l, f.Store.Batch())
}
