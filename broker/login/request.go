package login

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Request is what an app asked for, whichever protocol it spoke.
type Request struct {
	Protocol string         `json:"protocol"`          // names the FrontEnd that asked
	App      string         `json:"app"`               // config.App.ID
	Passive  bool           `json:"passive,omitempty"` // no page may be shown: prompt=none, IsPassive
	Force    bool           `json:"force,omitempty"`   // the resident must sign in again: prompt=login, ForceAuthn
	Choose   bool           `json:"choose,omitempty"`  // the resident must be asked which account: prompt=select_account
	MaxAge   *time.Duration `json:"max_age,omitempty"` // the oldest sign-in that will do; nil for any
	// Levels are what the app would like to know for sure, in order of
	// preference: one of them will do. The app's registered minimum holds besides.
	// nil: that is enough.
	Levels    []mapping.Assurance `json:"levels,omitempty"`
	Essential bool                `json:"essential,omitempty"`  // less than one of Levels is of no use to the app
	Consent   bool                `json:"consent,omitempty"`    // the resident is asked again what the app may be told: prompt=consent
	LoginHint string              `json:"login_hint,omitempty"` // who the app thinks is there; never believed
	Connector string              `json:"connector,omitempty"`  // the connector that the app would like: connector_hint
	Locales   []string            `json:"locales,omitempty"`    // ui_locales
	// Return is the path of the broker's own page that asked, where no app did.
	Return string `json:"return,omitempty"`
	// Reply is how the app wants its answer, in the front end's own words.
	// This package carries it and never looks inside.
	Reply json.RawMessage `json:"reply"`
}

// own reports whether no app asked: the broker did itself, for somebody who came
// to it.
func (r Request) own() bool { return r.Protocol == "" }

// What a request may carry besides its Reply. Anybody may send one, and all of
// it waits in Redis while the resident signs in.
const (
	maxHint  = 256      // bytes of a hint or a locale; longer ones are no use and are dropped
	maxList  = 10       // levels, and locales
	maxReply = 16 << 10 // bytes
)

// bounded is r without what is too much.
func (r Request) bounded() Request {
	r.LoginHint, r.Connector = hint(r.LoginHint), hint(r.Connector)
	r.Locales = few(r.Locales)
	r.Levels = r.Levels[:min(len(r.Levels), maxList)]
	return r
}

func hint(s string) string {
	if len(s) > maxHint || !utf8.ValidString(s) {
		return ""
	}
	return s
}

func few(words []string) []string {
	var some []string
	for _, word := range words {
		if hint(word) != "" && len(some) < maxList {
			some = append(some, word)
		}
	}
	return some
}

// promptAge is the max_age below which the provider is told at once to ask for
// a new sign-in: what its own session would give is too old almost surely.
const promptAge = 5 * time.Minute

// insists reports whether the app wants the resident to sign in now.
func (r Request) insists() bool {
	return r.Force || r.MaxAge != nil && *r.MaxAge < promptAge
}

// FrontEnd answers apps in one protocol. op and idp each are one; they never
// meet.
type FrontEnd interface {
	// Issue answers req with the session s, which satisfies it. b already
	// holds what the flow has to write for this step; Issue adds its own
	// writes, runs b once and answers the browser.
	Issue(w http.ResponseWriter, r *http.Request, req Request, s Session, b *store.Batch) error

	// Shares is what Issue would tell the app.
	Shares(req Request, s Session) (Sharing, error)

	// Refuse answers req with a reason in place of a session.
	Refuse(w http.ResponseWriter, r *http.Request, req Request, why Refusal) error

	// End revokes what was issued to an app in a session that has ended. It
	// adds its writes to b.
	End(b *store.Batch, u Use)

	// Withdraw ends what the front end keeps apart from sessions: what apps may do
	// while the resident is away.
	Withdraw(ctx context.Context, what Withdrawal) error

	// Tell tells the app of u, from server to server, that its session is over.
	// told is false where the app has no such way.
	Tell(ctx context.Context, u Use) (told bool, err error)

	// Ask is where to send the browser so that the app of u ends its session:
	// the app's answer, which the front end hands to Flow.Answered, carries id.
	// The zero Redirect: the app has no such way.
	Ask(ctx context.Context, u Use, id string) (connectors.Redirect, error)

	// Left answers the app that started a sign-out, when all is done that can
	// be.
	Left(w http.ResponseWriter, r *http.Request, l Leaving, done Receipt) error
}

// Sharing is what an app would be told of a resident, besides who they are to it.
type Sharing struct {
	Claims  mapping.Claims
	Lasting bool // the app may go on while the resident is away
}

// Withdrawal is what may not be used any more: all that was given as it says, where ""
// is any.
type Withdrawal struct {
	Account    string // about which it tells
	App        string // to which it was given, by id
	Delegation string // under which, by id
	Link       string // the way in by which somebody came for it, by id
	// ForNow says that it may be used again some day: what is live ends, and what lasts
	// is kept, of which the front end asks at every use whether it may be used.
	ForNow bool
}

// Refusal is why a request ends without a session.
type Refusal string

const (
	LoginRequired Refusal = "login_required" // a passive request, and nobody is signed in well enough
	AccessDenied  Refusal = "access_denied"  // the resident gave up
	NoWay         Refusal = "no_way"         // no connector that the app allows can do what it asks
	Unmet         Refusal = "unmet"          // the level that is essential to the app was not reached
	Interaction   Refusal = "interaction"    // a passive request, and somebody is signed in, but not well enough
	Unavailable   Refusal = "unavailable"    // the resident gave up because a provider was in trouble
	Declined      Refusal = "declined"       // the resident does not share what the app would get
	Consent       Refusal = "consent"        // a passive request, and the resident would have to agree to share
	WhoseAccount  Refusal = "whose_account"  // a passive request, and the resident would have to say for whom they act
)
