package login

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// What residents read of the events that concern them.

// wordTable keeps, by where a session was, why its provider had it ended: the
// browser still holds the cookie.
var wordTable = store.Table[word]{Name: "word"}

type word struct {
	Connector string `json:"connector"`
	Reason    reason `json:"reason"`
}

// wordTime is how long somebody may stay away and be told all the same.
const wordTime = 24 * time.Hour

// reason is what happened to an account at a provider, as residents are told of
// it: notice.ended_REASON and notice.frozen_REASON of the catalogues.
type reason string

const (
	hijacked   reason = "hijacked"   // somebody else may have used it
	disabled   reason = "disabled"   // the provider has switched it off
	gone       reason = "gone"       // it is closed, or the person does not want to use it here
	credential reason = "credential" // its password or another credential is not safe
	unsaid     reason = "unsaid"     // something else
)

// reasonOf reads a provider's word for what happened, event or event/reason.
func reasonOf(what string) reason {
	event, because, _ := strings.Cut(what, "/")
	if because == "hijacking" {
		return hijacked
	}
	switch event {
	case "account-disabled", "account-locked", "mfa-limit-account-locked":
		return disabled
	case "account-purged", "account-delete", "consent-revoked", "deauthorise", "deletion":
		return gone
	case "account-credential-change-required", "credential-compromise", "credential-change", "password-reset":
		return credential
	}
	return unsaid
}

// reasonOfEnd is why an event ended sessions.
func reasonOfEnd(e connectors.Event) reason {
	why := reasonOf(e.Type)
	switch {
	case e.Action == connectors.Unlink:
		return gone
	case why == gone: // but nothing was deleted
		return unsaid
	}
	return why
}

// told looks up in b why the visitor's last session is over, where its provider
// had it ended. When b has been executed it returns that as a notice of the choice
// page, and the label of the provider that it is about: once, "" afterwards.
func (f *Flow) told(b *store.Batch, r *http.Request, v visitor) func() (notice, provider string) {
	if v.session == (store.Handle{}) {
		return func() (string, string) { return "", "" }
	}
	found := wordTable.Get(b, v.session)
	wordTable.Delete(b, v.session)
	return func() (string, string) {
		left, ok := found.Value()
		if !ok {
			return "", ""
		}
		return "ended_" + string(left.Reason), f.label(r, left.Connector)
	}
}

// shutOut leads back to the choice page somebody whose way in is frozen: it says
// what the provider told of the account, and that there are other ways.
func (f *Flow) shutOut(w http.ResponseWriter, r *http.Request, l ongoing, connector string, why *accounts.FrozenError, b *store.Batch) error {
	f.Observe(connector, "frozen")
	web.Annotate(r, slog.String("app", l.Request.App), slog.String("connector", connector), slog.String("cause", why.Error()))
	l.Notice = &notice{Connector: connector, Outcome: connectors.Outcome("frozen_" + reasonOf(why.What))}
	return f.offer(w, r, l, b)
}
