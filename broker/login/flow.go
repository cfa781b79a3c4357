package login

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
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
	Ways      []Way                 // in the order of the choice page
	Apps      map[string]config.App // by id
	FrontEnds map[string]FrontEnd   // by Request.Protocol
	Accounts  *accounts.Accounts
	Store     *store.Store
	Site      *web.Site
	Session   config.Session
	Limit     store.Limit // sign-in steps of one address
	Secure    bool        // the issuer is https
	Issuer    string      // the broker's own address
	Now       func() time.Time
	// Observe counts finished attempts by connector and outcome, "success" or
	// a connectors.Outcome.
	Observe func(connector, outcome string)
	// ObserveEnd counts apps of sessions that ended, by id and outcome: ended,
	// failed or unable, as in Receipt. Optional.
	ObserveEnd func(app, outcome string)
	// ObserveEvent counts what providers tell of accounts, by connector and what
	// followed: a connectors.Action, or why nothing did. Optional.
	ObserveEvent func(connector, outcome string)
}

// Mount adds the pages of a login.
func (f *Flow) Mount(mux *http.ServeMux) {
	mux.Handle("GET /choose", f.Site.Handle(f.handleChoose))
	mux.Handle("GET /start/{connector}", f.Site.Handle(f.handleStart))
	mux.Handle("GET /cancel", f.Site.Handle(f.handleCancel))
	mux.Handle("GET /callback/{connector}", f.Site.Handle(f.handleCallback))
	mux.Handle("POST /callback/{connector}", f.Site.Handle(f.handlePostedCallback))
	mux.Handle("POST /unsolicited/{connector}", f.Site.Handle(f.enterUnsolicited))
	mux.Handle("GET /connectors/{connector}/metadata", f.Site.Handle(f.handleMetadata))
	mux.Handle("GET /{$}", f.Site.Handle(f.handleHome))
	mux.Handle("GET /sign-out", f.Site.Handle(f.handleAskSignOut))
	mux.Handle("POST /sign-out", f.Site.Handle(f.handleSignOut))
	mux.Handle("GET /sign-out/continue", f.Site.Handle(f.handleContinue))
	mux.Handle("GET /logout/{connector}", f.Site.Handle(f.handleLogout))
	mux.Handle("POST /logout/{connector}", f.Site.Handle(f.handlePostedLogout))
	mux.Handle("POST /logout/{connector}/soap", f.Site.Handle(f.handleLogoutSOAP))
	f.mountEvents(mux)
}

// counted is a batch that counts the step against the client's address, in the
// round trip that carries it out. The first batch of a request is one.
func (f *Flow) counted(r *http.Request) *store.Batch {
	b := f.Store.Batch()
	b.Count("address:"+web.Network(f.Site.Address(r)).String(), f.Limit)
	return b
}

// Begin starts to answer an app's request: with what the app asked for where
// the browser's session will do, else with a redirect or a page.
func (f *Flow) Begin(w http.ResponseWriter, r *http.Request, req Request) error {
	if len(req.Reply) > maxReply {
		return &web.Error{Status: http.StatusBadRequest, Message: web.RequestInvalid, Err: errors.New("the request is too large to keep")}
	}
	req = req.bounded()
	v := f.visitor(r)
	ways := f.ways(req)
	b := f.counted(r)
	found := v.ask(b)
	if found == nil {
		// Nothing to look up: what the next step has to remember is written
		// in the trip that counts this one.
		return f.do(w, r, v, req, next(req, nil, ways, f.Now()), b)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	s := f.live(v, found)
	st := next(req, s, ways, f.Now())
	if st.kind == issue {
		return f.signOn(w, r, v, req, *s, ways)
	}
	return f.do(w, r, v, req, st, f.Store.Batch())
}

// signOn answers from the session s. Its account is read anew, for what the
// session remembers of it may be hours old; and where it may not be used any
// more, the session is over. Where the session has ended meanwhile, nobody gets
// what was issued in it, and the login goes on as without one.
func (f *Flow) signOn(w http.ResponseWriter, r *http.Request, v visitor, req Request, s Session, ways []Way) error {
	b := f.Store.Batch()
	account, _, err := f.Accounts.Reenter(r.Context(), s.Account.ID, s.Link)
	switch {
	case err == nil:
		s.Account = account
		if err := f.issue(w, r, req, s, b); !errors.Is(err, errOver) {
			return err
		}
	case errors.Is(err, accounts.ErrFrozen) || errors.Is(err, accounts.ErrNotFound):
		if _, err := f.endUnasked(r.Context(), s, Leaving{}); err != nil {
			return err
		}
		sessionTable.Delete(b, v.session)
	default:
		return err
	}
	return f.do(w, r, v, req, next(req, nil, ways, f.Now()), b)
}

// do carries out a step that is not issue. b is executed with what the step has
// to remember.
func (f *Flow) do(w http.ResponseWriter, r *http.Request, v visitor, req Request, st step, b *store.Batch) error {
	if st.kind == refuse {
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		return f.refuse(w, r, req, st.refusal)
	}
	f.Site.SetLocales(w, r, req.Locales)
	v.browser.App = req.App
	if err := f.remember(w, r, v.browser); err != nil {
		return err
	}
	l := ongoing{tag: store.NewHandle().Tag, pending: pending{Request: req, Browser: v.browser.mark()}}
	if st.kind == start {
		return f.start(w, r, l, st.way, b)
	}
	return f.offer(w, r, l, b)
}

// ways are the connectors that the request's app allows and that can do what
// the request asks. With max_age that is to prove when the resident signed in,
// however long ago: where no connector of the app can, the app is refused, as
// it would get an auth_time that nobody vouches for.
func (f *Flow) ways(req Request) []Way {
	app := f.Apps[req.App]
	var ways []Way
	for _, way := range f.Ways {
		if allows(app, way.Config.ID) && (!req.Force && req.MaxAge == nil || way.canForce()) {
			ways = append(ways, way)
		}
	}
	return ways
}

// way is the connector called id, if there is one.
func (f *Flow) way(id string) (Way, bool) {
	i := index(f.Ways, id)
	if i < 0 {
		return Way{}, false
	}
	return f.Ways[i], true
}

// allows reports whether the app's residents may use the connector.
func allows(app config.App, connector string) bool {
	return len(app.Connectors) == 0 || slices.Contains(app.Connectors, connector)
}

// canForce reports whether the provider can be told to ask for a new sign-in
// and proves when the resident signed in. OAuth 2.0 has no such proof. A
// connector that cannot is not offered where an app insists: the broker must
// not claim a re-authentication that did not happen.
func (w Way) canForce() bool {
	switch c := w.Config; {
	case c.OIDC != nil:
		return c.OIDC.Force != "never"
	case c.SAML != nil:
		return c.SAML.Request.Force != "never"
	}
	return false
}

func (f *Flow) issue(w http.ResponseWriter, r *http.Request, req Request, s Session, b *store.Batch) error {
	front, err := f.front(req.Protocol)
	if err != nil {
		return err
	}
	web.Annotate(r, slog.String("app", req.App), slog.String("connector", s.Connector),
		slog.String("account", s.Account.ID), slog.Bool("sso", !s.fresh))
	return front.Issue(w, r, req, s, b)
}

func (f *Flow) refuse(w http.ResponseWriter, r *http.Request, req Request, why Refusal) error {
	front, err := f.front(req.Protocol)
	if err != nil {
		return err
	}
	web.Annotate(r, slog.String("app", req.App), slog.String("refusal", string(why)))
	return front.Refuse(w, r, req, why)
}

// front is the front end that asked. It is missing only when the question was
// kept by a broker with another configuration.
func (f *Flow) front(protocol string) (FrontEnd, error) {
	front, ok := f.FrontEnds[protocol]
	if !ok {
		return nil, fmt.Errorf("no front end for protocol %q", protocol)
	}
	return front, nil
}
