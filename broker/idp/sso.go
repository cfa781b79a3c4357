package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// keptRequests are requests that were posted, until the browser comes back
// with its cookies.
var keptRequests = store.Table[login.Request]{Name: "saml_request"}

// handleSSO is the single sign-on service, by Redirect and by POST, and where a
// browser comes back to after a POST.
func (s *Server) handleSSO(w http.ResponseWriter, r *http.Request) error {
	if isKept(r) {
		return resume(s, w, r, keptRequests, s.Flow.Begin)
	}
	in, m, err := s.authnRequest(r)
	if err != nil {
		return err
	}
	to, err := in.address(m, in.RelayState)
	if err != nil {
		return err
	}
	req, err := in.request(m, to)
	if e, ok := errors.AsType[*refusal](err); ok {
		if err := s.counted(r).Exec(r.Context()); err != nil {
			return err // to sign an answer costs too much for a flood
		}
		return s.refuse(w, r, question{in.party, to, reply{ID: m.ID}}, e.Status)
	}
	if err != nil {
		return err
	}
	req.Connector = s.connector(in.app, m.ProviderIDs)
	return goOn(s, w, r, in, m.ID, keptRequests, req, s.Flow.Begin)
}

// authnRequest reads a request of a known app.
func (s *Server) authnRequest(r *http.Request) (received, message.AuthnRequest, error) {
	in, err := s.receive(r, received.mustSign)
	if err != nil {
		return in, message.AuthnRequest{}, err
	}
	m, err := message.ParseAuthnRequest(in.element)
	if err != nil {
		return in, m, in.wrong("%w", err)
	}
	return in, m, s.check(in, m.Header, ssoPath, time.Time{})
}

// handleStart sends a resident to an app that did not ask (Profiles §4.1.5).
// What the app is told as RelayState is one of the targets that the operator
// wrote: many apps redirect to it.
func (s *Server) handleStart(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.ids[r.PathValue("app")]
	if !ok || !a.saml.Start {
		return &web.Error{Status: http.StatusNotFound, Message: web.NotFound, Err: errors.New("no such app, or it may not be started here")}
	}
	target := r.URL.Query().Get("target")
	switch {
	case target == "" && len(a.saml.Targets) > 0:
		target = a.saml.Targets[0]
	case target != "" && !slices.Contains(a.saml.Targets, target):
		return page(web.RequestInvalid, "app %s: the target is not one of the app's", a.ID)
	}
	p, err := a.now(r.Context())
	if err != nil {
		return err
	}
	to, err := p.address(message.AuthnRequest{}, target)
	if err != nil {
		return err
	}
	req, err := p.request(message.AuthnRequest{}, to)
	if err != nil {
		return err
	}
	return s.Flow.Begin(w, r, req)
}

// question is a request that waits for its answer.
type question struct {
	party
	to replyTo
	reply
}

// questionOf finds the app again that a request came from. Its registration may
// have changed while the resident signed in, so the address is looked up anew.
func (s *Server) questionOf(ctx context.Context, req login.Request) (question, error) {
	var q question
	if err := json.Unmarshal(req.Reply, &q.reply); err != nil {
		return q, fmt.Errorf("read the kept reply: %w", err)
	}
	a, ok := s.ids[req.App]
	if !ok {
		return q, page(web.AppUnknown, "the app is not registered any more")
	}
	var err error
	if q.party, err = a.now(ctx); err != nil {
		return q, err
	}
	q.to, err = q.address(message.AuthnRequest{ACSURL: q.ACS}, string(q.RelayState))
	return q, err
}
