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
	"encoding/json"
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
	Step      string         `json:"step,omitempty"`    // which of config.Connector.Ask is asked; "" for the first
	Force     bool           `json:"force,omitempty"`   // the resident must prove presence again: prompt=login, ForceAuthn
	Locales   []string       `json:"locales,omitempty"`
	LoginHint string         `json:"login_hint,omitempty"`
}

// Redirect is where to send the browser: there, or there with a form that it
// posts. The zero Redirect is nowhere.
type Redirect struct {
	URL  string            `json:"url"`
	Form map[string]string `json:"form,omitempty"` // nil for a GET
}

// Assertion is what a provider said about the person who signed in, checked
// but still in the provider's own words.
type Assertion struct {
	Issuer   string           // who said it, in one spelling however many the provider uses
	Subject  string           // the person, unique within Issuer
	Claims   mapping.Claims   // everything the provider said, whether it signed that or not
	Signed   mapping.Signed   // what it signed, for levels of assurance
	ACR      string           // authentication context, as asserted
	AMR      []string         // authentication methods, as asserted
	AuthTime time.Time        // when the person authenticated; the zero time if the provider does not say
	Once     Once             // the answer may be used once on any node; the zero Once where the code has seen to it
	Session  *ProviderSession // the person's session there, where the provider can be asked to end it

	// SessionEnds is when nobody may be signed in on the strength of this any
	// more; the zero time if the provider does not say.
	SessionEnds time.Time
}

// Once names a message of which no second use is accepted until it would be
// refused as too old anyway.
type Once struct {
	ID    string    `json:"id"` // unique within the connector
	Until time.Time `json:"until"`
}

// ProviderSession is what ends somebody's session at a provider, or is said by
// the provider when it ends there. It is kept with the broker's session.
type ProviderSession struct {
	Keys   []string        `json:"keys"`   // what a provider may later name it by; compared within the connector
	Detail json.RawMessage `json:"detail"` // what Logouter.Logout needs, in the connector's own words
}

// Publisher is a connector that publishes what its provider needs to know of
// the broker: SAML metadata, or the keys of an OpenID Connect client.
type Publisher interface {
	// Metadata returns the document and its media type.
	Metadata(ctx context.Context) (body []byte, mediaType string, err error)
}

// Logouter is a connector whose provider can be asked to end a session, and
// that is told by it of sessions that ended there.
type Logouter interface {
	// Logout is where to send the browser so that the provider ends s. The
	// provider's answer carries id. The zero Redirect: there is no such way.
	Logout(ctx context.Context, s ProviderSession, id string) (Redirect, error)

	// ReadLogout checks what came to the connector's logout address, by GET,
	// form or SOAP. Errors are *Failure.
	ReadLogout(ctx context.Context, r *http.Request) (LogoutMessage, error)

	// AnswerLogout answers a question that the provider asked through the
	// browser; whole says whether every session was ended.
	AnswerLogout(ctx context.Context, m LogoutMessage, whole bool) (Redirect, error)

	// AnswerSOAP answers a question that the provider asked from server to server.
	AnswerSOAP(ctx context.Context, m LogoutMessage, whole bool) ([]byte, error)
}

// LogoutMessage is what a provider said at the connector's logout address: its
// answer to our question, or a question of its own.
type LogoutMessage struct {
	Answers    string   `json:"answers,omitempty"`     // of an answer: the id of our question
	OK         bool     `json:"ok,omitempty"`          // of an answer: the session was ended
	ID         string   `json:"id,omitempty"`          // of a question
	Keys       []string `json:"keys,omitempty"`        // of a question: the sessions that are over, one of each session's ProviderSession.Keys
	RelayState string   `json:"relay_state,omitempty"` // of a question: to be sent back
	Silent     bool     `json:"silent,omitempty"`      // of a question: no answer is wanted
	Once       Once     `json:"once,omitzero"`         // of a question: it may be asked once on any node
}

// Listener is a connector whose provider tells, from server to server, of what
// happens to accounts and sessions there.
type Listener interface {
	// Receiver takes what comes to one of the connector's addresses: nil where
	// the connector has no such address.
	Receiver(at Inbox) Receiver
}

// Inbox is one of the addresses at which a connector is told of accounts.
type Inbox string

// The inboxes.
const (
	EventsInbox      Inbox = "events"      // ISSUER/events/ID
	DeletionInbox    Inbox = "deletion"    // ISSUER/events/ID/deletion, where people ask for their data to be deleted
	BackChannelInbox Inbox = "backchannel" // ISSUER/logout/ID/backchannel
)

// Receiver speaks the protocol of one inbox.
type Receiver interface {
	// Receive checks what was posted. Errors are *Failure; what they mean to the
	// sender is said by Refuse.
	Receive(ctx context.Context, r *http.Request) (Notice, error)

	// Acknowledge answers the sender that n was taken. status is the address of a
	// page that tells a person what became of it, for notices with a Code.
	Acknowledge(n Notice, status string) Reply

	// Refuse answers the sender that nothing was taken, and why.
	Refuse(err error) Reply
}

// Notice is one message of a provider about its accounts.
type Notice struct {
	Events []Event
	Once   Once   // it is acted on once on any node, and acknowledged however often it comes
	Code   string // by which a person can ask what became of it; "" for none
}

// Event is something that happened to one account at a provider.
type Event struct {
	Action  Action
	Type    string    // the provider's own word; no personal data
	Issuer  string    // whose account: of this issuer
	Subject string    // this subject; "" where it is not known, and nothing follows for a link
	Keys    []string  // what the sessions are called that it is about (ProviderSession.Keys)
	At      time.Time // when it happened, or else when the provider said so
}

// Action is what follows from an event.
type Action string

// What config.Events.Actions may name.
const (
	EndSessions   Action = "end_sessions"  // whoever is signed in by that account is not any more
	Freeze        Action = "freeze"        // sessions end, and the link does not lead in any more
	Thaw          Action = "thaw"          // the link leads in again
	Unlink        Action = "unlink"        // sessions end, the link is dead, and what the provider said is deleted
	Undeliverable Action = "undeliverable" // the e-mail address is no use any more
	Deliverable   Action = "deliverable"   // it is again
	NoAction      Action = "none"          // for the record alone
)

// Reply is an answer to another server.
type Reply struct {
	Status    int
	MediaType string // "" for no body
	Body      []byte
}

// Outcome is how a sign-in that did not succeed ended, in words that lead to
// a page. Each provider's own errors become one of these.
type Outcome string

const (
	Cancelled     Outcome = "cancelled"     // the person pressed Cancel
	Declined      Outcome = "declined"      // the provider or the person refused to share
	TryLater      Outcome = "try_later"     // the provider asks us to come back, or it took too long
	Unavailable   Outcome = "unavailable"   // the provider has a problem, cannot be reached or answers nonsense
	Refused       Outcome = "refused"       // a check failed: the answer cannot be trusted
	Misconfigured Outcome = "misconfigured" // the provider refuses our registration: an operator must act
	NotAllowed    Outcome = "not_allowed"   // a genuine person from an organisation that may not sign in here
	Unmet         Outcome = "unmet"         // the provider cannot, or the person could not, prove as much as was asked
	NoConsent     Outcome = "no_consent"    // the person did not agree to share what the council needs
	TooYoung      Outcome = "too_young"     // the provider does not serve people of that age
	Gone          Outcome = "gone"          // the person's account at the provider is closed
)

// Failure is the error of a sign-in that did not succeed. Outcome chooses the
// page; Err is for the log and never carries claims, tokens or codes.
type Failure struct {
	Outcome Outcome
	Err     error
}

func (f *Failure) Error() string { return string(f.Outcome) + ": " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }
