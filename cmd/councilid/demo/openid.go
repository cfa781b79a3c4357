package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// openID is a client of OpenID Connect: the code flow with PKCE.
type openID struct {
	issuer string
	secret string
	scopes []string

	mu       sync.Mutex
	provider *oidc.Provider
}

// openIDAsked is what a client remembers until the code comes.
type openIDAsked struct{ state, nonce, verifier string }

// openIDSession is what it remembers of the broker's session.
type openIDSession struct {
	idToken string // the hint for signing out
	sid     string // what the broker calls the session when it is over
}

func (c *openID) mount(mux *http.ServeMux, a *App) {
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) { c.callback(w, r, a) })
	mux.HandleFunc("POST /backchannel-logout", func(w http.ResponseWriter, r *http.Request) { c.backchannelLogout(w, r, a) })
}

// signIn passes on what the page's address asks for: connector_hint and the
// like. Without a hint the broker lets the resident choose.
func (c *openID) signIn(w http.ResponseWriter, r *http.Request, a *App, v *visit) error {
	conf, err := c.config(r.Context(), a)
	if err != nil {
		return fmt.Errorf("reach the sign-in service: %w", err)
	}
	asked := openIDAsked{rand.Text(), rand.Text(), oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(asked.nonce), oauth2.S256ChallengeOption(asked.verifier)}
	for _, name := range []string{"connector_hint", "prompt", "login_hint", "ui_locales", "acr_values", "vtr"} {
		if value := r.URL.Query().Get(name); value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	a.ask(v, asked)
	http.Redirect(w, r, conf.AuthCodeURL(asked.state, options...), http.StatusSeeOther)
	return nil
}

func (c *openID) callback(w http.ResponseWriter, r *http.Request, a *App) {
	v := a.visit(w, r)
	asked, _ := a.askedBy(v).(openIDAsked)
	person, session, err := c.exchange(r, a, asked)
	if err != nil {
		a.problem(w, r, v, err)
		return
	}
	a.welcome(w, r, v, person, session)
}

// exchange checks the broker's answer and fetches who signed in.
func (c *openID) exchange(r *http.Request, a *App, asked openIDAsked) (*Person, openIDSession, error) {
	q := r.URL.Query()
	if asked.state == "" || q.Get("state") != asked.state {
		return nil, openIDSession{}, errors.New("this answer belongs to another sign-in")
	}
	if code := q.Get("error"); code != "" {
		return nil, openIDSession{}, fmt.Errorf("%s: %s", code, q.Get("error_description"))
	}
	conf, err := c.config(r.Context(), a)
	if err != nil {
		return nil, openIDSession{}, err
	}
	token, err := conf.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(asked.verifier))
	if err != nil {
		return nil, openIDSession{}, fmt.Errorf("exchange code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := c.verifier(a).Verify(r.Context(), raw)
	if err != nil {
		return nil, openIDSession{}, fmt.Errorf("verify ID token: %w", err)
	}
	if idToken.Nonce != asked.nonce {
		return nil, openIDSession{}, errors.New("verify ID token: foreign nonce")
	}
	var said struct {
		SID string `json:"sid"`
		ACR string `json:"acr"`
		VOT string `json:"vot"`
	}
	if err := idToken.Claims(&said); err != nil {
		return nil, openIDSession{}, fmt.Errorf("read ID token: %w", err)
	}
	info, err := c.provider.UserInfo(r.Context(), conf.TokenSource(r.Context(), token))
	if err != nil {
		return nil, openIDSession{}, fmt.Errorf("fetch user info: %w", err)
	}
	person := &Person{Subject: idToken.Subject, Level: cmp.Or(said.VOT, said.ACR)}
	if err := info.Claims(&person.Claims); err != nil {
		return nil, openIDSession{}, fmt.Errorf("read user info: %w", err)
	}
	delete(person.Claims, "sub")
	return person, openIDSession{raw, said.SID}, nil
}

// signOut is OpenID Connect RP-Initiated Logout 1.0.
func (c *openID) signOut(w http.ResponseWriter, r *http.Request, a *App, was visit) error {
	session, _ := was.session.(openIDSession)
	q := url.Values{"id_token_hint": {session.idToken}, "post_logout_redirect_uri": {a.Base + "/"}}
	http.Redirect(w, r, c.issuer+"/end_session?"+q.Encode(), http.StatusSeeOther)
	return nil
}

// backchannelLogout is told by the broker that a session is over (OpenID
// Connect Back-Channel Logout 1.0 §2.5).
func (c *openID) backchannelLogout(w http.ResponseWriter, r *http.Request, a *App) {
	w.Header().Set("Cache-Control", "no-store")
	if _, err := c.config(r.Context(), a); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	token, err := c.verifier(a).Verify(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var said struct {
		SID    string         `json:"sid"`
		Events map[string]any `json:"events"`
	}
	if err := token.Claims(&said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, ok := said.Events["http://schemas.openid.net/event/backchannel-logout"]; !ok || said.SID == "" {
		http.Error(w, "not a logout token", http.StatusBadRequest)
		return
	}
	a.forget(func(session any) bool { s, ok := session.(openIDSession); return ok && s.sid == said.SID })
}

// config is the client's configuration; the first call discovers the broker.
func (c *openID) config(ctx context.Context, a *App) (*oauth2.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider == nil {
		p, err := oidc.NewProvider(context.WithoutCancel(ctx), c.issuer)
		if err != nil {
			return nil, err
		}
		c.provider = p
	}
	return &oauth2.Config{
		ClientID: a.ID, ClientSecret: c.secret, Endpoint: c.provider.Endpoint(),
		RedirectURL: a.Base + "/callback", Scopes: append([]string{oidc.ScopeOpenID}, c.scopes...),
	}, nil
}

// verifier checks ID tokens and logout tokens. The provider has been
// discovered.
func (c *openID) verifier(a *App) *oidc.IDTokenVerifier {
	return c.provider.Verifier(&oidc.Config{ClientID: a.ID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}})
}
