package connectors

import (
	"errors"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/message"
)

const statusCodes = "urn:oasis:names:tc:SAML:2.0:status:"

func TestStatusOutcome(t *testing.T) {
	c := &samlConnector{words: words{outcomes: map[string]Outcome{
		"NoPassive": TryLater, "VersionMismatch": Refused, "AuthnFailed~nr22": NoConsent, "RequestDenied~nr22": Gone,
	}}}
	for _, test := range []struct {
		code, second, message string
		want                  Outcome
	}{
		{"Responder", "AuthnFailed", "", Cancelled},
		{"Requester", "AuthnFailed", "", Cancelled},
		{"Responder", "NoAuthnContext", "", Unmet},
		{"Responder", "RequestDenied", "", Declined},
		{"Responder", "UnknownPrincipal", "", NotAllowed},
		{"Responder", "NoAvailableIDP", "", Unavailable},
		{"Responder", "NoSupportedIDP", "", Unavailable},
		{"Responder", "", "", Unavailable},
		{"Requester", "", "", Misconfigured},
		{"Requester", "InvalidNameIDPolicy", "", Misconfigured},
		{"Responder", "ProxyCountExceeded", "", Misconfigured},
		{"Responder", "UnsupportedBinding", "", Misconfigured},
		{"Responder", "SomethingNew", "", Misconfigured},

		{"Responder", "NoPassive", "", TryLater}, // as the operator says
		{"VersionMismatch", "", "", Refused},
		{"Responder", "AuthnFailed", "ErrorCode nr22", NoConsent},
		{"Responder", "AuthnFailed", "(nr22).", NoConsent},
		{"Responder", "AuthnFailed", "ErrorCode nr221", Cancelled},
		{"Responder", "RequestDenied", "ErrorCode nr22", Gone},
		{"Responder", "NoPassive", "ErrorCode nr22", TryLater},
	} {
		s := message.Status{Code: statusCodes + test.code, Message: test.message}
		if test.second != "" {
			s.Second = statusCodes + test.second
		}
		err := c.declined(s)
		if f, _ := errors.AsType[*Failure](err); f.Outcome != test.want {
			t.Errorf("%s/%s is %v, want %s", test.code, test.second, err, test.want)
		}
	}
}

// A status need not be signed: anybody may have written it into the log.
func TestStatusInTheLog(t *testing.T) {
	c := &samlConnector{}
	for _, s := range []message.Status{
		{Code: statusCodes + "Responder\nforged", Second: statusCodes + "AuthnFailed", Message: "secret"},
		{Code: statusCodes + "Responder", Second: "a b\n", Message: "secret"},
		{Code: strings.Repeat("a", 1000)},
		{},
	} {
		if text := c.declined(s).Error(); strings.ContainsAny(text, "\n") || len(text) > 100 || strings.Contains(text, "secret") {
			t.Errorf("the log says %q", text)
		}
	}
}
