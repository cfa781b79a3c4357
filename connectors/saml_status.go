package connectors

import (
	"cmp"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/message"
)

// declined turns the status of a response into a Failure: first by what the
// configuration says of its codes, then by the standard. A code is named by
// its last part, the second-level code where there is one.
func (c *samlConnector) declined(s message.Status) error {
	code, second := lastPart(s.Code), lastPart(s.Second)
	outcome, ok := c.outcomes[cmp.Or(second, code)]
	if !ok {
		outcome = statusOutcome(code, second)
	}
	return fail(outcome, "provider answered %s", printable(code, second))
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
			return TryLater
		}
	}
	// The provider cannot do what our request, or our registration, asks for:
	// InvalidNameIDPolicy, ProxyCountExceeded, RequestUnsupported,
	// UnsupportedBinding …
	return Misconfigured
}
