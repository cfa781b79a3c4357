package op

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// Codes of errors, as the standards name them.
const (
	// RFC 6749 §4.1.2.1 and §5.2.
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	unauthorizedClient      = "unauthorized_client"
	unsupportedGrantType    = "unsupported_grant_type"
	unsupportedResponseType = "unsupported_response_type"
	serverError             = "server_error"
	temporarilyUnavailable  = "temporarily_unavailable"

	// OpenID Connect Core §3.1.2.6.
	loginRequired            = "login_required"
	requestNotSupported      = "request_not_supported"
	requestURINotSupported   = "request_uri_not_supported"
	registrationNotSupported = "registration_not_supported"
	interactionRequired      = "interaction_required"

	// OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
	unmetAuthenticationRequirements = "unmet_authentication_requirements"

	// RFC 6750 §3.1.
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

// Error is what an app is told of a request that did not succeed. It is
// redirected by the authorization endpoint and written as JSON by the others.
type Error struct {
	Code        string        // empty only where RFC 6750 §3.1 wants none
	Description string        // for the app's developer: printable ASCII without " and \ (RFC 6749 §5.2)
	Status      int           // of the JSON answer
	RetryAfter  time.Duration // when to come back, where that helps
	Err         error         // for the log; nil where the description says it all
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Description
}

func (e *Error) Unwrap() error { return e.Err }

// refused is an error of the request itself.
func refused(code, description string) *Error {
	return &Error{Code: code, Description: description, Status: http.StatusBadRequest}
}

// because adds a cause for the log.
func (e *Error) because(err error) *Error {
	e.Err = err
	return e
}

// known is err as apps may see it: of what is not an Error they learn only
// whether to come again.
func known(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*store.Exceeded](err); ok {
		return &Error{
			Code: temporarilyUnavailable, Description: "too many requests from this client",
			Status: http.StatusTooManyRequests, RetryAfter: e.RetryAfter, Err: err,
		}
	}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, db.ErrUnavailable) {
		return &Error{
			Code: temporarilyUnavailable, Description: "try again shortly",
			Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Err: err,
		}
	}
	return &Error{Code: serverError, Description: "the request could not be completed", Status: http.StatusInternalServerError, Err: err}
}

// Authentication schemes of the endpoints that apps call.
const (
	basic  = "Basic"
	bearer = "Bearer"
)

// endpoint makes a handler for apps rather than people: nothing of it is
// cached, and its errors are JSON. scheme is how callers may authenticate.
func (s *Server) endpoint(scheme string, handle web.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// RFC 6749 §5.1.
		w.Header().Set("Cache-Control", "no-store")
		if err := handle(w, r); err != nil {
			s.writeError(w, r, scheme, known(err))
		}
	})
}

// writeError is the one place that writes an error as JSON.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, scheme string, e *Error) {
	web.Annotate(r, slog.String("error", e.Code), slog.String("cause", e.Error()))
	if challenge := e.challenge(scheme); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Code == "" {
		w.WriteHeader(e.Status)
		return
	}
	if err := writeJSON(w, e.Status, errorResponse{Error: e.Code, Description: e.Description}); err != nil {
		web.Annotate(r, slog.String("write", err.Error()))
	}
}

// errorResponse is RFC 6749 §5.2.
type errorResponse struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// challenge is the WWW-Authenticate header that goes with the error. Every 401
// has one (RFC 9110 §15.5.2), also for a client that sent its secret in the
// form, and every refusal of a token has one (RFC 6750 §3).
func (e *Error) challenge(scheme string) string {
	switch {
	case scheme == basic && e.Status == http.StatusUnauthorized:
		return `Basic realm="apps", charset="UTF-8"`
	case scheme == bearer && e.Code == "":
		return `Bearer realm="apps"`
	case scheme == bearer && e.Status < http.StatusInternalServerError:
		return fmt.Sprintf(`Bearer realm="apps", error=%q, error_description=%q`, e.Code, e.Description)
	}
	return ""
}
