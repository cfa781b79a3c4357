package connectors

import (
	"fmt"
	"strings"
)

// fail makes a *Failure. The text must not carry claims, tokens or codes.
func fail(outcome Outcome, format string, args ...any) error {
	return &Failure{Outcome: outcome, Err: fmt.Errorf(format, args...)}
}

// denial is an error in a provider's own words (RFC 6749 §4.1.2.1, §5.2).
type denial struct {
	code        string
	subcode     string // error_subcode or error_reason, where a provider adds one
	description string // error_description: for people, so that it may hold anything and goes nowhere
}

// standardOutcome is the outcome of the error codes of RFC 6749 §4.1.2.1 and
// §5.2, RFC 6750 §3.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2, RFC 9449 §5
// and OpenID Connect Core Error Code unmet_authentication_requirements 1.0. A
// code that nobody knows is nonsense.
func standardOutcome(code string) Outcome {
	switch code {
	case "access_denied":
		return Cancelled
	case "consent_required":
		return NoConsent
	case "unmet_authentication_requirements":
		return Unmet
	case "interaction_required", "login_required", "account_selection_required", "insufficient_scope":
		return Declined
	case "temporarily_unavailable":
		return TryLater
	case "server_error":
		return Unavailable
	case "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "invalid_target",
		"unsupported_response_type", "unsupported_grant_type",
		"invalid_request_uri", "invalid_request_object", "invalid_dpop_proof",
		"request_not_supported", "request_uri_not_supported", "registration_not_supported":
		return Misconfigured
	case "invalid_grant": // the code is spent, too old, or somebody else's
		return Refused
	}
	return Unavailable
}

// refusal turns a provider's error into a Failure.
func (w words) refusal(e denial) error {
	return fail(w.outcome(e), "provider answered %s", printable(e.code, e.subcode))
}

// outcome goes first by what the configuration says of code/subcode, of
// code~word and of code, then by the standards.
func (w words) outcome(e denial) Outcome {
	if o, ok := w.outcomes[e.code+"/"+e.subcode]; ok {
		return o
	}
	if o, ok := w.worded(e.code, e.description); ok {
		return o
	}
	if o, ok := w.outcomes[e.code]; ok {
		return o
	}
	return standardOutcome(e.code)
}

// isCode reports whether a text looks as codes do in practice. RFC 6749 §4.1.2.1
// allows more, but a code may come from anybody's hand and goes to the log.
func isCode(text string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	}
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, odd)
}

func printable(code, subcode string) string {
	switch {
	case !isCode(code):
		return "an error without a proper code"
	case !isCode(subcode):
		return "error " + code
	}
	return "error " + code + "/" + subcode
}
