package web

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Error is an error with what people are told of it.
type Error struct {
	Status  int           // of the answer; 500 when it is 0
	Message string        // one of the messages below
	App     string        // name of the service that Back leads to, as in "Return to Council tax"; "" reads "Start again"
	Back    string        // where the page's button leads; "" leaves the button out
	Retry   time.Duration // when to come again, as Retry-After says; 0 leaves it out
	Err     error         // for the log; never holds claims, tokens, codes or e-mail addresses
}

// Error returns what the log says.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Messages of an Error. The catalogues hold error.MESSAGE.title and
// error.MESSAGE.text for each.
const (
	RequestInvalid     = "request_invalid"      // the app sent something that cannot be understood
	AppUnknown         = "app_unknown"          // no app has the client_id
	RedirectURIUnknown = "redirect_uri_unknown" // the redirect_uri is not one of the app's
	SignInExpired      = "sign_in_expired"      // a stale tab, the back button
	SignInElsewhere    = "sign_in_elsewhere"    // the answer came to another browser than the question
	SignInLate         = "sign_in_late"         // an answer that nobody waits for any more, though people may take days
	SignInFinished     = "sign_in_finished"     // done already, perhaps in another tab
	CookiesOff         = "cookies_off"          // the browser brings no cookies back
	TooMany            = "too_many"             // a rate limit
	Unavailable        = "unavailable"          // a store of ours cannot be reached
	Internal           = "internal"             // our fault
	NotFound           = "not_found"            // no such page
	Method             = "method"               // a page asked for in a way it is not for
	LinkFrozen         = "link_frozen"          // a provider told us that the account there is not safe
	AccountFrozen      = "account_frozen"       // the council has paused the account
)

// clientGone is the status in the log of a request whose client did not wait
// for the answer, as nginx has it. It keeps impatience out of the error rate.
const clientGone = 499

// fail writes err as a page and keeps it for the request's log line.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	x.err = errors.Join(x.err, err)
	if x.status != 0 {
		return // part of an answer is out already: only the log can tell
	}
	told := s.told(r, err)
	if told.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(told.Retry.Seconds()))))
	}
	data := errorPage{Message: told.Message, App: told.App, Back: told.Back, Reference: x.reference}
	err = s.Page(w, r, told.Status, "error", data)
	x.err = errors.Join(x.err, err)
	if err != nil && x.status == 0 {
		text := "Sorry, there is a problem with the service. Reference: " + x.reference
		http.Error(w, text, http.StatusInternalServerError)
	}
}

// told is what people are told of err.
func (s *Site) told(r *http.Request, err error) Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return Error{Status: cmp.Or(e.Status, http.StatusInternalServerError), Message: e.Message, App: e.App, Back: e.Back, Retry: e.Retry}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Error{Status: http.StatusRequestEntityTooLarge, Message: RequestInvalid}
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return Error{Status: clientGone, Message: Internal}
	}
	if s.translate != nil {
		if e := s.translate(err); e != nil {
			return *e
		}
	}
	return Error{Status: http.StatusInternalServerError, Message: Internal}
}

// unrouted is the error of a request that no route takes: status is what the
// mux answered.
func unrouted(status int) error {
	message := NotFound
	if status == http.StatusMethodNotAllowed {
		message = Method
	}
	return &Error{Status: status, Message: message, Err: errors.New("no route takes it")}
}
