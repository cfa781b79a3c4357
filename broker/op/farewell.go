package op

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// tellTime is how long a client may take to end its session.
const tellTime = 5 * time.Second

// logoutTime is how long a client may take to read a logout token (OpenID
// Connect Back-Channel Logout 1.0 §2.4 recommends two minutes at most).
const logoutTime = 2 * time.Minute

// backchannelEvent is what a logout token says has happened.
const backchannelEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutToken is Back-Channel Logout §2.4. It has no nonce, which would let it
// pass for an ID token.
type logoutToken struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience string              `json:"aud"`
	Issued   int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Session  string              `json:"sid"`
	Events   map[string]struct{} `json:"events"`
}

// party is what the ledger remembers of a client that wants to be told
// (login.Use.Detail): the session, in the client's words.
type party struct {
	Subject string `json:"sub"`
	Session string `json:"sid"`
}

// outbound calls the app at its back-channel logout URI, if it has one.
func (s *Server) outbound(app config.App) (*connectors.Outbound, error) {
	uri := app.OIDC.BackchannelLogoutURI
	if uri == "" {
		return nil, nil
	}
	return connectors.OpenOutbound(app.ID, config.Network{Timeout: tellTime}, []string{uri}, connectors.Options{
		Log: s.Log.With("app", app.ID), Now: s.Now, Observe: s.Observe,
	})
}

// use is the ledger's entry for what is issued to c under tag.
func (c *client) use(g grant, tag string) (login.Use, error) {
	u := login.Use{Protocol: Protocol, App: c.app.ID, Tag: tag}
	if c.oidc.BackchannelLogoutURI == "" {
		return u, nil
	}
	detail, err := json.Marshal(party{Subject: g.Subject, Session: g.Session})
	u.Detail = detail
	return u, err
}

// useTime is how long the ledger remembers what is issued to c: as long as
// there may be something to revoke, or a session to tell c of.
func (s *Server) useTime(c *client) time.Duration {
	if c.outbound == nil {
		return c.grantTime()
	}
	return max(c.grantTime(), s.Flow.Session.Lifetime)
}

// Tell implements [login.FrontEnd]: it sends a logout token (Back-Channel Logout
// §2.5).
func (s *Server) Tell(ctx context.Context, u login.Use) (bool, error) {
	c, ok := s.apps[u.App]
	if !ok || c.outbound == nil || u.Detail == nil {
		return false, nil
	}
	var p party
	if err := json.Unmarshal(u.Detail, &p); err != nil {
		return true, fmt.Errorf("read the ledger's detail: %w", err)
	}
	token, err := s.signLogoutToken(c, p)
	if err != nil {
		return true, err
	}
	form := url.Values{"logout_token": {token}}
	_, err = c.outbound.Post(ctx, "logout", c.oidc.BackchannelLogoutURI,
		"application/x-www-form-urlencoded", nil, []byte(form.Encode()), 64<<10)
	return true, err
}

func (s *Server) signLogoutToken(c *client, p party) (string, error) {
	now := s.Now()
	return s.Keys.Sign(c.oidc.IDTokenAlg, "logout+jwt", logoutToken{
		Issuer: s.Issuer, Subject: p.Subject, Audience: c.id, Session: p.Session,
		Issued: now.Unix(), Expires: now.Add(logoutTime).Unix(), ID: rand.Text(),
		Events: map[string]struct{}{backchannelEvent: {}},
	})
}

// Ask implements [login.FrontEnd]: no client is asked through the browser.
func (s *Server) Ask(context.Context, login.Use, string) (connectors.Redirect, error) {
	return connectors.Redirect{}, nil
}

// farewell is where a client that signed its resident out wants the browser
// (login.Leaving.Reply).
type farewell struct {
	URI   string `json:"uri"`
	State []byte `json:"state,omitempty"` // bytes, as JSON's text would not return any
}

// Left implements [login.FrontEnd]: OpenID Connect RP-Initiated Logout §3. The
// registration may have changed meanwhile, so the address is looked up anew.
func (s *Server) Left(w http.ResponseWriter, r *http.Request, l login.Leaving, _ login.Receipt) error {
	var answer farewell
	if err := json.Unmarshal(l.Reply, &answer); err != nil {
		return fmt.Errorf("read the kept reply: %w", err)
	}
	c, ok := s.apps[l.App]
	if !ok {
		return cannotBeCompleted(web.AppUnknown, errors.New("the app is not registered any more"))
	}
	to, ok := c.leaveTo(answer.URI, string(answer.State))
	if !ok {
		return cannotBeCompleted(web.RedirectURIUnknown, errors.New("the post_logout_redirect_uri is not registered any more"))
	}
	to.send(w, url.Values{})
	return nil
}
