package op

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
)

// Protocol names this front end in login.Request.Protocol.
const Protocol = "oidc"

// Options are what a Server works with. All but Observe are required.
type Options struct {
	Issuer    string       // the broker's address, without a slash at the end
	Apps      []config.App // those without oidc are not ours and are passed over
	Languages []string     // that the pages speak
	Contexts  []config.Context
	Flow      *login.Flow
	Store     *store.Store
	DB        *db.DB
	Keys      *keys.Ring
	Accounts  *accounts.Accounts
	Site      *web.Site
	Limit     store.Limit // token, revocation and introspection calls of one app
	Now       func() time.Time
	Log       *slog.Logger
	// Observe is told of every call to an app: which app, which call (logout),
	// how it ended and how long it took. Default: nobody is told.
	Observe func(app, call, outcome string, took time.Duration)
}

// Server is the OpenID Provider.
type Server struct {
	Options
	clients   map[string]*client // by client_id
	apps      map[string]*client // by config.App.ID
	contexts  contexts
	discovery json.RawMessage
}

var _ login.FrontEnd = (*Server)(nil)

// New compiles the apps' registrations.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, clients: map[string]*client{}, apps: map[string]*client{}, contexts: o.Contexts}
	for _, app := range o.Apps {
		if app.OIDC == nil {
			continue
		}
		c, err := newClient(app)
		if err == nil {
			c.outbound, err = s.outbound(app)
		}
		if err != nil {
			return nil, fmt.Errorf("app %s: %w", app.ID, err)
		}
		if other, taken := s.clients[c.id]; taken {
			return nil, fmt.Errorf("app %s: client_id %q belongs to app %s", app.ID, c.id, other.app.ID)
		}
		s.clients[c.id], s.apps[app.ID] = c, c
	}
	discovery, err := json.Marshal(s.metadata())
	if err != nil {
		return nil, fmt.Errorf("discovery document: %w", err)
	}
	s.discovery = discovery
	return s, nil
}

// Mount adds the endpoints.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.Handle("GET /authorize", s.Site.Handle(s.handleAuthorize))
	mux.Handle("POST /authorize", s.Site.Handle(getInstead))
	mux.Handle("POST /token", s.endpoint(basic, s.handleToken))
	mux.Handle("GET /userinfo", s.endpoint(bearer, s.handleUserinfo))
	mux.Handle("POST /userinfo", s.endpoint(bearer, s.handleUserinfo))
	mux.Handle("POST /revoke", s.endpoint(basic, s.handleRevoke))
	mux.Handle("POST /introspect", s.endpoint(basic, s.handleIntrospect))
	mux.Handle("GET /end_session", s.Site.Handle(s.handleEndSession))
	mux.Handle("POST /end_session", s.Site.Handle(getInstead))
	mux.Handle("POST /end_session/confirm", s.Site.Handle(s.handleConfirmEndSession))
	mux.Handle("GET /.well-known/openid-configuration", s.Site.Handle(s.handleDiscovery))
	mux.Handle("GET /.well-known/oauth-authorization-server", s.Site.Handle(s.handleDiscovery))
	mux.Handle("GET /jwks", s.Site.Handle(s.handleKeys))
	mux.Handle("GET "+trustmarkPath, s.Site.Handle(s.handleTrustmark))
}

// getInstead answers an app's POST through the browser with a redirect to a
// GET that says the same. The session's cookie is SameSite=Lax: it does not
// come with a POST from the app's site, and does come with the GET.
func getInstead(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return cannotBeCompleted(web.RequestInvalid, err)
	}
	http.Redirect(w, r, r.URL.Path+"?"+r.Form.Encode(), http.StatusSeeOther)
	return nil
}

// cannotBeCompleted is the page for a request that must not be answered at the
// app's address: RFC 6749 §4.1.2.1, tell the person, do not redirect.
func cannotBeCompleted(message string, err error) error {
	return &web.Error{Status: http.StatusBadRequest, Message: message, Err: err}
}

// counted is a batch that counts against the app at the address that it calls
// from: anybody can call in the name of a public app, but not from its address.
func (s *Server) counted(r *http.Request, clientID string) *store.Batch {
	b := s.Store.Batch()
	b.Count("app:"+web.Network(s.Site.Address(r)).String()+" "+clientID, s.Limit)
	return b
}

// writeJSON writes v with a status.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}
