package login

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Way is one connector as the flow uses it.
type Way struct {
	Config    config.Connector
	Connector connectors.Connector
	Rules     *mapping.Rules
}

// Flow brings residents from an app's request to a session. All fields are
// set before the first request and do not change.
type Flow struct {
	Ways      []Way                // in the order of the choice page
	Apps      map[string]config.App // by id
	FrontEnds map[string]FrontEnd  // by Request.Protocol
	Accounts  *accounts.Accounts
	Store     *store.Store
	Site      *web.Site
	Session   config.Session
	Limit     store.Limit // sign-in steps of one address
	Secure    bool        // the issuer is https
	Log       *slog.Logger
	Now       func() time.Time
	// Observe counts sign-ins by connector and outcome.
	Observe func(connector, outcome string)
}

// Begin starts to answer an app's request: with what the app asked for where
// the browser's session will do, else with a redirect or a page.
func (f *Flow) Begin(w http.ResponseWriter, r *http.Request, req Request) error { panic("stub") }

// Current returns the session of the browser, or nil.
func (f *Flow) Current(r *http.Request) (*Session, error) { panic("stub") }

// SignOut ends the browser's session and revokes what apps were issued in it.
func (f *Flow) SignOut(w http.ResponseWriter, r *http.Request) error { panic("stub") }

// Handle for records of a login that are named by its tag alone.
func Named(tag string) store.Handle { return store.Handle{Tag: tag} }

// Limited answers 429 …
func (f *Flow) exec(r *http.Request, b *store.Batch) error { panic("stub") }
