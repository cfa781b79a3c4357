package idp

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/binding"
)

// What the broker has to remember of a message, and for how long.

// seen are the messages that were accepted.
var seen = store.Table[bool]{Name: "saml_seen"}

// seenTime is how long a message would be accepted again.
const seenTime = maxMessageAge + 2*clockSkew

// mark names the message of that ID among those that were accepted.
func (in received) mark(id string) store.Handle {
	sum := sha256.Sum256([]byte(in.ID + "\x00" + id))
	return store.Handle{Tag: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// counted is a batch that counts the request against the client's address, as a
// step of a sign-in.
func (s *Server) counted(r *http.Request) *store.Batch {
	b := s.Store.Batch()
	b.Count("address:"+web.Network(s.Site.Address(r)).String(), s.Flow.Limit)
	return b
}

// replayed is what the person is told of a message that was accepted before:
// they went back, or opened an old address.
func (s *Server) replayed(r *http.Request, in received) error {
	return &web.Error{
		Status: http.StatusBadRequest, Message: web.SignInExpired, App: in.Label.In(s.Site.Language(r)), Back: in.home(),
		Err: errors.New("app " + in.ID + ": the message was accepted before"),
	}
}

// keptTime is how long a browser may take from the answer to a POST to the GET
// that follows.
const keptTime = time.Minute

// keptParameter names what is kept in the address of that GET.
const keptParameter = "kept"

// goOn goes on with a message that was not accepted before: at once after a
// GET. A POST is answered with a redirect to a GET that goes on with what is
// kept in table: our cookies, which are SameSite=Lax, come with that.
func goOn[T any](s *Server, w http.ResponseWriter, r *http.Request, in received, id string,
	table store.Table[T], what T, carryOut func(http.ResponseWriter, *http.Request, T) error,
) error {
	b, h, mark, posted := s.counted(r), store.NewHandle(), in.mark(id), in.Binding == binding.POST
	first := seen.Add(b, mark, true, seenTime)
	if posted {
		table.Put(b, h, what, keptTime)
	}
	err := b.Exec(r.Context())
	_, accepted := first.Value()
	if _, exceeded := errors.AsType[*store.Exceeded](err); exceeded && accepted {
		// The count and the writing share a round trip, and a flood of requests
		// must not fill Redis.
		seen.Delete(b, mark)
		table.Delete(b, h)
		return errors.Join(err, b.Exec(r.Context()))
	}
	switch {
	case err != nil:
		return err
	case !accepted:
		return s.replayed(r, in)
	}
	if posted {
		http.Redirect(w, r, r.URL.Path+"?"+url.Values{keptParameter: {h.String()}}.Encode(), http.StatusSeeOther)
		return nil
	}
	return carryOut(w, r, what)
}

// isKept reports whether a request is the GET after a POST.
func isKept(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Query().Has(keptParameter)
}

// resume goes on with what is kept under the handle that the address names.
func resume[T any](s *Server, w http.ResponseWriter, r *http.Request,
	table store.Table[T], carryOut func(http.ResponseWriter, *http.Request, T) error,
) error {
	h, ok := store.ParseHandle(r.URL.Query().Get(keptParameter))
	if !ok {
		return page(web.RequestInvalid, "the handle is not one of ours")
	}
	b := s.Store.Batch()
	taken := table.Take(b, h)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	what, ok := taken.Value()
	if !ok {
		return page(web.SignInExpired, "nothing is kept under the handle any more")
	}
	return carryOut(w, r, what)
}
