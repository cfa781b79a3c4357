package op

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// reply is how an app wants its answer, kept by the login flow from the
// request to the session (login.Request.Reply).
type reply struct {
	RedirectURI   string   `json:"redirect_uri"`
	State         []byte   `json:"state,omitempty"` // bytes, as JSON's text would not return any
	Scopes        []string `json:"scopes"`
	Nonce         string   `json:"nonce,omitempty"`
	CodeChallenge string   `json:"code_challenge,omitempty"`
	Subject       string   `json:"subject,omitempty"` // who must sign in: the sub of the id_token_hint, or of the claims parameter

	ACR        []string            `json:"acr,omitempty"`       // names of levels that were asked for
	Vectors    []mapping.Assurance `json:"vectors,omitempty"`   // levels that were asked for by vtr
	Trustmark  bool                `json:"trustmark,omitempty"` // with components of our own
	InUserInfo []string            `json:"userinfo,omitempty"`  // claims that were asked for by name
	InIDToken  []string            `json:"id_token,omitempty"`  // of these, in the ID token
}

// handleAuthorize is the authorization endpoint (OpenID Connect Core §3.1.2).
func (s *Server) handleAuthorize(w http.ResponseWriter, r *http.Request) error {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return cannotBeCompleted(web.RequestInvalid, errors.New("the query cannot be read"))
	}
	a, to, err := parseAuthorization(form, s.clients, s.contexts)
	if err != nil && !to.known() {
		return err
	}
	var req login.Request
	if err == nil {
		req, err = s.request(a, to)
	}
	if err != nil {
		web.Annotate(r, slog.String("app", a.client.app.ID))
		s.redirectError(w, r, to, known(err))
		return nil
	}
	return s.Flow.Begin(w, r, req)
}

// request is the authorization request in the words of every protocol.
func (s *Server) request(a authorization, to replyTo) (login.Request, error) {
	subject, err := s.hintedSubject(a)
	if err != nil {
		return login.Request{}, err
	}
	answer, err := json.Marshal(reply{
		RedirectURI: to.uri, State: []byte(to.state), Scopes: a.scopes,
		Nonce: a.nonce, CodeChallenge: a.codeChallenge, Subject: subject,
		ACR: a.wanted.acr, Vectors: a.wanted.asked(), Trustmark: a.wanted.trustmark,
		InUserInfo: names(a.claims.UserInfo), InIDToken: names(a.claims.IDToken),
	})
	if err != nil {
		return login.Request{}, fmt.Errorf("keep the reply: %w", err)
	}
	return login.Request{
		Protocol: Protocol, App: a.client.app.ID,
		Passive: a.passive, Force: a.force, Choose: a.choose || a.client.unassured(to.uri), MaxAge: a.maxAge, Consent: a.consent,
		Levels: a.wanted.levels, Essential: a.wanted.essential,
		LoginHint: a.loginHint, Connector: a.connector, Locales: a.locales,
		Reply: answer,
	}, nil
}

// hintedSubject is the subject that the request's claims parameter or its
// id_token_hint names, or "" without. Whether it is the resident who signed in
// shows when there is a session.
func (s *Server) hintedSubject(a authorization) (string, error) {
	named, err := a.claims.subject()
	if err != nil || a.idTokenHint == "" {
		return named, err
	}
	hinted, err := s.verifyHint(a.idTokenHint)
	if err != nil {
		return "", refused(invalidRequest, "id_token_hint is not an ID token of this issuer").because(err)
	}
	if hinted.Audience != a.client.id {
		return "", refused(invalidRequest, "id_token_hint was issued to another client")
	}
	if named != "" && named != hinted.Subject {
		return "", refused(invalidRequest, "claims and id_token_hint name different people")
	}
	return hinted.Subject, nil
}

// Issue answers an authorization request with a code (OpenID Connect Core
// §3.1.2.5). Claims are released now, as the session knows them.
func (s *Server) Issue(w http.ResponseWriter, r *http.Request, req login.Request, session login.Session, b *store.Batch) error {
	c, to, answer, err := s.replyOf(req)
	if err != nil {
		return err
	}
	g := s.grant(c, session, answer)
	if answer.Subject != "" && answer.Subject != g.Subject {
		// OpenID Connect Core §3.1.2.1: not the person that id_token_hint means.
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		return s.Refuse(w, r, req, login.LoginRequired)
	}
	if req.Essential && !slices.ContainsFunc(req.Levels, session.Level.AtLeast) {
		// The flow sees to it. An app that was promised a level must not get less
		// by a mistake there.
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		return s.Refuse(w, r, req, login.Unmet)
	}
	h := store.NewHandle()
	s.putCode(b, h, c, g, answer)
	use, err := c.use(g, h.Tag)
	if err != nil {
		return err
	}
	s.Flow.Used(b, session, use, g.claimNames(), s.useTime(c))
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	to.send(w, url.Values{"code": {h.String()}, "iss": {s.Issuer}}) // iss: RFC 9207
	return nil
}

// Shares implements [login.FrontEnd].
func (s *Server) Shares(req login.Request, session login.Session) (login.Sharing, error) {
	c, _, answer, err := s.replyOf(req)
	if err != nil {
		return login.Sharing{}, err
	}
	g := s.grant(c, session, answer)
	return login.Sharing{Claims: g.Claims, Lasting: g.refreshable()}, nil
}

// Refuse answers an authorization request with an error.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, req login.Request, why login.Refusal) error {
	_, to, _, err := s.replyOf(req)
	if err != nil {
		return err
	}
	answers := map[login.Refusal]*Error{
		login.LoginRequired: refused("login_required", "the resident has to sign in"), // OpenID Connect Core §3.1.2.6
		login.AccessDenied:  refused("access_denied", "the resident did not sign in"), // RFC 6749 §4.1.2.1
		login.NoWay:         refused("access_denied", "no connector can do what the request asks"),
		login.Unmet:         refused(unmetAuthenticationRequirements, "the level of assurance that is essential was not reached"),
		login.Interaction:   refused(interactionRequired, "the resident has to prove more"),
		login.Declined:      refused("access_denied", "the resident did not agree to share"),
		login.Consent:       refused("consent_required", "the resident has to agree to share"),                 // OpenID Connect Core §3.1.2.6
		login.WhoseAccount:  refused("account_selection_required", "the resident has to say who they act for"), // the same
		login.Unavailable:   refused(temporarilyUnavailable, "the provider that the resident uses is in trouble"),
	}
	s.redirectError(w, r, to, answers[why])
	return nil
}

// replyOf finds the app again that a request came from. The registration may
// have changed while the resident signed in, so the address is looked up anew.
func (s *Server) replyOf(req login.Request) (*client, replyTo, reply, error) {
	var answer reply
	if err := json.Unmarshal(req.Reply, &answer); err != nil {
		return nil, replyTo{}, reply{}, fmt.Errorf("read the kept reply: %w", err)
	}
	c, ok := s.apps[req.App]
	if !ok {
		return nil, replyTo{}, reply{}, cannotBeCompleted(web.AppUnknown, errors.New("the app is not registered any more"))
	}
	to, ok := c.replyTo(answer.RedirectURI, string(answer.State))
	if !ok {
		return nil, replyTo{}, reply{}, cannotBeCompleted(web.RedirectURIUnknown, errors.New("the redirect_uri is not registered any more"))
	}
	return c, to, answer, nil
}

// redirectError tells an app of an error (RFC 6749 §4.1.2.1).
func (s *Server) redirectError(w http.ResponseWriter, r *http.Request, to replyTo, e *Error) {
	web.Annotate(r, slog.String("error", e.Code), slog.String("cause", e.Error()))
	to.send(w, url.Values{
		"error": {e.Code}, "error_description": {e.Description}, "iss": {s.Issuer},
	})
}
