package connectors

import (
	"fmt"
	"regexp"
)

// fail makes a *Failure. The text must not carry claims, tokens or codes.
func fail(outcome Outcome, format string, args ...any) error {
	return &Failure{Outcome: outcome, Err: fmt.Errorf(format, args...)}
}

// standardOutcome is the outcome of the error codes of RFC 6749 §4.1.2.1 and
// §5.2, OpenID Connect Core §3.1.2.6, RFC 8707 §2 and OpenID Connect Core
// Error Code unmet_authentication_requirements 1.0. A code that nobody knows
// is nonsense.
func standardOutcome(code string) Outcome {
	switch code {
	case "access_denied":
		return Cancelled
	case "consent_required", "interaction_required", "login_required",
		"account_selection_required", "unmet_authentication_requirements":
		return Declined
	case "temporarily_unavailable", "server_error":
		return TryLater
	case "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "invalid_target",
		"unsupported_response_type", "unsupported_grant_type",
		"invalid_request_uri", "invalid_request_object",
		"request_not_supported", "request_uri_not_supported", "registration_not_supported":
		return Misconfigured
	case "invalid_grant": // the code is spent, too old, or somebody else's
		return Refused
	}
	return Unavailable
}

// refusal turns a provider's error into a Failure: first by what the
// configuration says of code/subcode and of code, then by the standards.
func (p *provider) refusal(code, subcode string) error {
	return fail(p.outcome(code, subcode), "provider answered %s", printable(code, subcode))
}

func (p *provider) outcome(code, subcode string) Outcome {
	if o, ok := p.outcomes[code+"/"+subcode]; ok {
		return o
	}
	if o, ok := p.outcomes[code]; ok {
		return o
	}
	return standardOutcome(code)
}

// errorCode is what error codes look like in practice. RFC 6749 §4.1.2.1
// allows more, but a code may come from anybody's hand and goes to the log.
var errorCode = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func printable(code, subcode string) string {
	switch {
	case !errorCode.MatchString(code):
		return "an error without a proper code"
	case !errorCode.MatchString(subcode):
		return "error " + code
	}
	return "error " + code + "/" + subcode
}
