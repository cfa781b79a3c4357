package connectors

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/councilid/councilid/connectors/saml2/message"
)

// declined turns the status of a response into a Failure: first by what the
// configuration says of a word of its message and of its codes, then by the
// standard. A code is named by its last part, the second-level code where there
// is one.
func (c *samlConnector) declined(s message.Status) error {
	code, second := lastPart(s.Code), lastPart(s.Second)
	outcome, ok := c.worded(cmp.Or(second, code), s.Message)
	if !ok {
		outcome, ok = c.outcomes[cmp.Or(second, code)]
	}
	if !ok {
		outcome = statusOutcome(code, second)
	}
	return fail(outcome, "provider answered %s", printable(code, second))
}

// worded is the outcome of the first word of a provider's message for which the
// configuration has one.
func (w words) worded(code, message string) (Outcome, bool) {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for word := range strings.FieldsFuncSeq(message, apart) {
		if o, ok := w.outcomes[code+"~"+word]; ok {
			return o, true
		}
	}
	return "", false
}

// lastPart is the name at the end of a status code's URI.
func lastPart(uri string) string { return uri[strings.LastIndexAny(uri, ":/#")+1:] }

// statusOutcome is the outcome of the status codes of Core §3.2.2.2.
func statusOutcome(code, second string) Outcome {
	switch second {
	case "AuthnFailed": // what ADFS, Entra ID and SimpleSAMLphp say when somebody gives up, too
		return Cancelled
	case "NoAuthnContext":
		return Unmet
	case "NoPassive", "RequestDenied":
		return Declined
	case "UnknownPrincipal":
		return NotAllowed
	case "NoAvailableIDP", "NoSupportedIDP":
		return Unavailable
	case "":
		if code == "Responder" {
			return Unavailable
		}
	}
	// The provider cannot do what our request, or our registration, asks for:
	// InvalidNameIDPolicy, ProxyCountExceeded, RequestUnsupported,
	// UnsupportedBinding …
	return Misconfigured
}
