package login

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Leaving is who started a sign-out, and how they want to be answered. The zero
// Leaving is the resident, at the broker's own page.
type Leaving struct {
	Protocol  string          `json:"protocol,omitempty"`  // the front end of the app that started
	App       string          `json:"app,omitempty"`       // that app, which need not be told
	Connector string          `json:"connector,omitempty"` // or the connector whose provider started
	Reply     json.RawMessage `json:"reply,omitempty"`     // how, in the front end's or connector's own words
}

// Receipt is what became of a sign-out.
type Receipt struct {
	Failed   []string `json:"failed,omitempty"`   // apps that were told and did not do it, by id
	Unable   []string `json:"unable,omitempty"`   // apps that cannot be told, by id
	Provider string   `json:"provider,omitempty"` // the connector where the resident may still be signed in, by id
}

// Whole reports whether every app of the session was told and ended its own.
func (r Receipt) Whole() bool { return len(r.Failed) == 0 && len(r.Unable) == 0 }

// Leave ends the browser's session, and tells every app of it and its provider:
// first from server to server, then one after the other through the browser.
// It always answers the browser. Without a session it answers at once.
func (f *Flow) Leave(w http.ResponseWriter, r *http.Request, l Leaving) error {
	return errors.New("leave: stub")
}

// Answered goes on with the browser's sign-out when the app or provider that
// was asked has answered question id. done says whether it ended its session.
// Whatever is not the answer that is waited for changes nothing.
func (f *Flow) Answered(w http.ResponseWriter, r *http.Request, id string, done bool) error {
	return errors.New("answered: stub")
}

// EndSession ends a session that an app named from server to server: no browser
// is there, so that apps which can only be told through one are Unable.
func (f *Flow) EndSession(ctx context.Context, ref string, l Leaving) (Receipt, error) {
	return Receipt{}, errors.New("end session: stub")
}
