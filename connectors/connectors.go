// Package connectors signs residents in at upstream identity providers.
//
// A [Connector] is one configured provider: [Open] makes it from what the
// operator wrote, which may start from one of the [Presets]. It does two
// things: say where to send the browser, and check the answer that the browser
// brings back. What happens before, between and after (choosing, remembering,
// cookies, accounts) belongs to broker/login; what a provider's words mean
// belongs to mapping.
//
// A connector never trusts what the browser carried: it returns an
// [Assertion] only when every check of its protocol has passed, and a
// [*Failure] otherwise.
package connectors

import (
	"context"
	"net/http"
	"time"

	"github.com/councilid/councilid/mapping"
)

// Connector is one configured upstream identity provider. Its methods may be
// called by many logins at once.
type Connector interface {
	// Start returns where to send the browser. It may call the provider (to
	// fetch its discovery document) and fails with a *Failure when the
	// provider cannot be reached.
	Start(ctx context.Context, a Attempt) (Redirect, error)

	// Finish checks the provider's answer r to attempt a and says who signed
	// in. The caller has already matched the answer's state with a and with
	// the browser. Errors are *Failure.
	Finish(ctx context.Context, a Attempt, r *http.Request) (*Assertion, error)
}

// Attempt is one trip of one browser to one connector. It is kept on the
// server between Start and Finish and is used once.
type Attempt struct {
	Started   time.Time      `json:"started"`           // when the browser was sent off
	State     string         `json:"state"`             // RFC 6749 §4.1.1; SAML RelayState
	Nonce     string         `json:"nonce"`             // OpenID Connect Core §3.1.2.1
	Verifier  string         `json:"verifier"`          // RFC 7636 §4.1, the PKCE code verifier
	MaxAge    *time.Duration `json:"max_age,omitempty"` // the oldest authentication that will do; nil for any
	ACR       []string       `json:"acr,omitempty"`     // authentication contexts to ask for, in order of preference
	Force     bool           `json:"force,omitempty"`   // the resident must prove presence again: prompt=login, ForceAuthn
	Locales   []string       `json:"locales,omitempty"`
	LoginHint string         `json:"login_hint,omitempty"`
}

// Redirect is where to send the browser.
type Redirect struct {
	URL string
}

// Assertion is what a provider said about the person who signed in, checked
// but still in the provider's own words.
type Assertion struct {
	Issuer   string         // who said it, in one spelling however many the provider uses
	Subject  string         // the person, unique within Issuer
	Claims   mapping.Claims // everything the provider said
	ACR      string         // authentication context, as asserted
	AMR      []string       // authentication methods, as asserted
	AuthTime time.Time      // when the person authenticated; the zero time if the provider does not say
}

// Outcome is how a sign-in that did not succeed ended, in words that lead to
// a page. Each provider's own errors become one of these.
type Outcome string

const (
	Cancelled     Outcome = "cancelled"     // the person pressed Cancel
	Declined      Outcome = "declined"      // the provider or the person refused to share
	TryLater      Outcome = "try_later"     // the provider asks us to come back
	Unavailable   Outcome = "unavailable"   // the provider cannot be reached or answers nonsense
	Refused       Outcome = "refused"       // a check failed: the answer cannot be trusted
	Misconfigured Outcome = "misconfigured" // the provider refuses our registration: an operator must act
	NotAllowed    Outcome = "not_allowed"   // a genuine person from an organisation that may not sign in here
)

// Failure is the error of a sign-in that did not succeed. Outcome chooses the
// page; Err is for the log and never carries claims, tokens or codes.
type Failure struct {
	Outcome Outcome
	Err     error
}

func (f *Failure) Error() string { return string(f.Outcome) + ": " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }
