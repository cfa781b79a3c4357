package login

import (
	"cmp"
	"context"
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
	"github.com/councilid/councilid/mapping"
)

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
	// Precedence says whose word wins where several ways in say different things
	// of one person.
	Precedence mapping.Precedence
	// Delegation is the longest that somebody may act for somebody else without being
	// named anew.
	Delegation time.Duration
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
	mux.Handle("GET /later", f.Site.Handle(f.handleLater))
	mux.Handle("GET /cancel", f.Site.Handle(f.handleCancel))
	mux.Handle("POST /shared", f.Site.Handle(f.handleShared))
	mux.Handle("GET /before", f.Site.Handle(f.handleBefore))
	mux.Handle("POST /before", f.Site.Handle(f.answerBefore))
	mux.Handle("GET /before/{connector}", f.Site.Handle(f.handleEarlier))
	mux.Handle("GET /who", f.Site.Handle(f.handleWho))
	mux.Handle("POST /who", f.Site.Handle(f.answerWho))
	mux.Handle("GET /apart", f.Site.Handle(f.handleApart))
	mux.Handle("POST /apart", f.Site.Handle(f.answerApart))
	mux.Handle("GET /acting", f.Site.Handle(f.handleActing))
	mux.Handle("POST /acting", f.Site.Handle(f.answerActing))
	mux.Handle("GET /consent", f.Site.Handle(f.handleConsent))
	mux.Handle("POST /consent", f.Site.Handle(f.answerConsent))
	mux.Handle("GET /callback/{connector}", f.Site.Handle(f.handleCallback))
	mux.Handle("POST /callback/{connector}", f.Site.Handle(f.handlePostedCallback))
	mux.Handle("GET /landing/{connector}", f.Site.Handle(f.handleLanding))
	mux.Handle("GET /landed", f.Site.Handle(f.handleLanded))
	mux.Handle("POST /unsolicited/{connector}", f.Site.Handle(f.enterUnsolicited))
	mux.Handle("GET /connectors/{connector}/metadata", f.Site.Handle(f.handleMetadata))
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
	v := f.visitor(r)
	l := ongoing{tag: store.NewHandle().Tag, pending: pending{Request: req.bounded(), Browser: v.browser.mark()}}
	b := f.counted(r)
	found := v.ask(b)
	if found == nil {
		// Nothing to look up: what the next step has to remember is written
		// in the trip that counts this one.
		return f.begin(w, r, v, l, nil, b)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	s := f.live(v, found)
	l.Shared = s != nil && s.Shared
	if f.situation(l, s).standing() != nil {
		return f.signOn(w, r, v, l, s)
	}
	return f.begin(w, r, v, l, nil, f.Store.Batch())
}

// signOn answers from the session s, or goes on from it. Its account is read
// anew, for what the session remembers of it may be hours old; and where it may
// not be used any more, the session is over. Where the session has ended
// meanwhile, nobody gets what was issued in it, and the login goes on as without
// one.
func (f *Flow) signOn(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, s *Session) error {
	b := f.Store.Batch()
	s, err := f.renewed(r.Context(), s, b)
	if err != nil {
		return l.interrupted(errors.Join(err, f.restore(r.Context(), l, b)))
	}
	if s != nil {
		if err := f.begin(w, r, v, l, s, b); !errors.Is(err, errOver) {
			return err
		}
	}
	return f.begin(w, r, v, l, nil, b)
}

// renewed is s (nil for none) by what is known now, or nil where its account or a
// way in that it rests on may not be used any more: then it is over, and b forgets it.
func (f *Flow) renewed(ctx context.Context, s *Session, b *store.Batch) (*Session, error) {
	if s == nil {
		return nil, nil
	}
	err := f.renew(ctx, s)
	if errors.Is(err, accounts.ErrFrozen) || errors.Is(err, accounts.ErrNotFound) {
		_, err = f.endUnasked(ctx, *s, Leaving{})
		sessionTable.Delete(b, s.handle)
		return nil, err
	}
	return s, err
}

// renew weighs s by what is known now. Each way in that it rests on must lead in
// still.
func (f *Flow) renew(ctx context.Context, s *Session) error {
	s.Inherit = mapping.Assurance{}
	for _, e := range s.Earlier {
		if !e.rests() {
			continue
		}
		account, link, err := f.Accounts.Reenter(ctx, s.Account.ID, e.Link)
		if err != nil {
			return err
		}
		worth := mapping.Effective(f.believed(e.Connector, e.Proved), link.Own, account.Level, link.Inherit)
		s.Inherit = s.Inherit.Join(worth)
	}
	account, link, err := f.Accounts.Reenter(ctx, s.Account.ID, s.Link)
	if err == nil {
		f.weigh(s, account, link)
	}
	return err
}

// begin takes the first step of a login, in the session s that it may build on
// (nil for none).
func (f *Flow) begin(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, s *Session, b *store.Batch) error {
	st := next(f.situation(l, s))
	if st.kind == start || st.kind == choose {
		if !l.Request.own() {
			f.Site.SetLocales(w, r, l.Request.Locales)
		}
		v.browser.App = cmp.Or(l.Request.App, v.browser.App)
		if err := f.remember(w, r, v.browser); err != nil {
			return err
		}
	}
	return f.do(w, r, l, s, st, b)
}

// do carries out a step of a login that builds on the session s (nil for none).
// b is executed with what the step has to remember.
func (f *Flow) do(w http.ResponseWriter, r *http.Request, l ongoing, s *Session, st step, b *store.Batch) error {
	switch st.kind {
	case issue:
		return f.release(w, r, l, *s, b)
	case start:
		return f.start(w, r, l, s.standing(), st.trip, b)
	case choose:
		return f.offer(w, r, l, b)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return f.refuse(w, r, l.Request, st.refusal)
}

// situation is what next decides about l by, in a browser whose session is s.
func (f *Flow) situation(l ongoing, s *Session) situation {
	req := l.Request
	if l.Settled && !req.Essential {
		req.Levels = nil
	}
	app := f.Apps[req.App]
	if req.own() { // whoever comes for the app can be told that it is too early
		app.Assurance = config.Assurance{}
	}
	return situation{pending: l.pending, needs: requires(req, app), session: s, ways: f.ways(req), now: f.Now()}
}

// ways are the connectors that the request's app allows and that can do what
// the request asks. With max_age that is to prove when the resident signed in,
// however long ago: where no connector of the app can, the app is refused, as
// it would get an auth_time that nobody vouches for.
func (f *Flow) ways(req Request) []*Way {
	app := f.Apps[req.App]
	var ways []*Way
	for i := range f.Ways {
		way := &f.Ways[i]
		if allows(app, way.Config.ID) && (!req.Force && req.MaxAge == nil || way.canForce()) {
			ways = append(ways, way)
		}
	}
	return ways
}

// way is the connector called id, or the zero Way where there is none.
func (f *Flow) way(id string) (*Way, bool) {
	for i := range f.Ways {
		if f.Ways[i].Config.ID == id {
			return &f.Ways[i], true
		}
	}
	return &Way{}, false
}

// allows reports whether the app's residents may use the connector.
func allows(app config.App, connector string) bool {
	return len(app.Connectors) == 0 || slices.Contains(app.Connectors, connector)
}

func (f *Flow) issue(w http.ResponseWriter, r *http.Request, req Request, s Session, b *store.Batch) error {
	if req.own() {
		return f.landed(w, r, req, s, b)
	}
	front, err := f.front(req.Protocol)
	if err != nil {
		return err
	}
	web.Annotate(r, slog.String("app", req.App), slog.String("connector", s.Connector),
		slog.String("account", s.Account.ID), slog.Bool("sso", s.sso()), slog.String("level", s.Level.String()))
	if s.Acting != nil {
		web.Annotate(r, slog.String("delegate", s.Acting.Delegate.ID))
	}
	return front.Issue(w, r, req, s, b)
}

func (f *Flow) refuse(w http.ResponseWriter, r *http.Request, req Request, why Refusal) error {
	if req.own() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
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
