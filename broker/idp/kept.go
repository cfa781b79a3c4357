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

// accept adds to b that the message with that ID is accepted, for as long as it
// would be again. The reply has a value for one of many who bring it.
func (in received) accept(b *store.Batch, id string) *store.Reply[bool] {
	sum := sha256.Sum256([]byte(in.ID + "\x00" + id))
	h := store.Handle{Tag: base64.RawURLEncoding.EncodeToString(sum[:])}
	return seen.Add(b, h, true, maxMessageAge+2*clockSkew)
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
	b, h, posted := s.Store.Batch(), store.NewHandle(), in.Binding == binding.POST
	first := in.accept(b, id)
	if posted {
		table.Put(b, h, what, keptTime)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	if _, ok := first.Value(); !ok {
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
