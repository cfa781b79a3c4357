package login

import (
	"errors"
	"net/http"

	"github.com/councilid/councilid/broker/accounts"
)

// Present is Current for pages that show what is known of the resident: the session
// is weighed by what is known now, and used by it. It is nil, too, where the account,
// or a way in on which the session rests, may not be used any more; and in a browser
// that others use, where it is for an app.
func (f *Flow) Present(r *http.Request) (*Session, error) {
	s, err := f.Current(r)
	if s == nil || err != nil {
		return nil, err
	}
	if s.Shared && !s.Own { // who signed in to an app may have left since
		return nil, nil
	}
	err = f.renew(r.Context(), s)
	if errors.Is(err, accounts.ErrFrozen) || errors.Is(err, accounts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := f.Store.Batch()
	f.keepAlive(b, *s)
	err = b.Exec(r.Context())
	if errors.Is(err, errOver) {
		return nil, nil
	}
	return s, err
}
