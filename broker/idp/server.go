package idp

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Protocol names this front end in login.Request.Protocol.
const Protocol = "saml"

// Where the endpoints are, under the issuer.
const (
	metadataPath = "/saml/metadata"
	ssoPath      = "/saml/sso"
	sloPath      = "/saml/slo"
	soapPath     = "/saml/soap"
)

// Options are what a Server works with. All but Observe are required.
type Options struct {
	Issuer  string                  // the broker's address, without a slash at the end
	Config  config.IdentityProvider // the broker's name and scopes
	Council string                  // whose identity provider it is
	Apps    []config.App            // those without saml are not ours and are passed over
	Flow    *login.Flow
	Store   *store.Store
	// Credentials are the keys: the first signs, all are published and decrypt.
	Credentials func() []xmlsig.Credential
	Site        *web.Site
	Now         func() time.Time
	Log         *slog.Logger
	// Observe is told of every call to an app: which app, which call (metadata
	// or logout), how it ended and how long it took. Default: nobody is told.
	Observe func(app, call, outcome string, took time.Duration)
}

// Server is the identity provider.
type Server struct {
	Options
	apps      map[string]*app // by entityID
	ids       map[string]*app // by config.App.ID
	published atomic.Pointer[publication]
}

var _ login.FrontEnd = (*Server)(nil)

// New compiles the apps' registrations. It calls nobody: metadata that is to be
// fetched is fetched when an app first asks.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, apps: map[string]*app{}, ids: map[string]*app{}}
	for _, registered := range o.Apps {
		if registered.SAML == nil {
			continue
		}
		a, err := s.newApp(registered)
		if err != nil {
			return nil, fmt.Errorf("app %s: %w", registered.ID, err)
		}
		if other, taken := s.apps[a.entityID]; taken {
			return nil, fmt.Errorf("app %s: the entityID %q belongs to app %s", a.ID, a.entityID, other.ID)
		}
		s.apps[a.entityID], s.ids[a.ID] = a, a
	}
	return s, nil
}

// Mount adds the endpoints.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.Handle("GET "+metadataPath, s.Site.Handle(s.handleMetadata))
	mux.Handle("GET "+ssoPath, s.Site.Handle(s.handleSSO))
	mux.Handle("POST "+ssoPath, s.Site.Handle(s.handleSSO))
	mux.Handle("GET /saml/start/{app}", s.Site.Handle(s.handleStart))
	mux.Handle("GET "+sloPath, s.Site.Handle(s.handleSLO))
	mux.Handle("POST "+sloPath, s.Site.Handle(s.handleSLO))
	mux.Handle("POST "+soapPath, s.Site.Handle(s.handleSOAP))
}

// entityID is the broker's own name.
func (s *Server) entityID() string { return s.Config.EntityID }

// signer is the key that signs now.
func (s *Server) signer() xmlsig.Credential { return s.Credentials()[0] }

// page is what the person is told where the app cannot be, or must not be: no
// address to answer to is trusted yet.
func page(message string, format string, args ...any) error {
	return &web.Error{Status: http.StatusBadRequest, Message: message, Err: fmt.Errorf(format, args...)}
}
