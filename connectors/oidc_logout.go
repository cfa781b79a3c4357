package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// How an OpenID connector ends sessions at its provider (RP-Initiated Logout
// 1.0) and is told by it in the browser (Front-Channel Logout 1.0). What the
// provider tells from server to server is in oidc_logout_token.go.

// openInboxes are where the provider tells of accounts and sessions.
func (c *oidcConnector) openInboxes(cfg config.Connector, o Options) inboxes {
	all := openInboxes(cfg, teller{
		issuer: c.settings.Issuer, accounts: c.accounts, subject: c.subjectOf,
		keys: eventKeys(cfg.Events, c.keys, c.Outbound, o), address: o.Events, now: c.now,
	})
	if c.settings.Logout.BackChannel {
		all[BackChannelInbox] = backChannel{c, &postedKeys{keySet: c.keys, now: c.now}}
	}
	return all
}

// oidcSession is what the provider wants to know of the session that is to end.
type oidcSession struct {
	IDToken string `json:"id_token"`
}

// sessionOf is the person's session at the provider, nil where nobody will ever
// end it: said is what the ID token says, and raw is the token itself, decrypted.
func (c *oidcConnector) sessionOf(said mapping.Claims, raw string) *ProviderSession {
	var s ProviderSession
	settings, issuer := c.settings.Logout, c.accounts[said.Text("iss")]
	if sub := said.Text("sub"); (c.tellsOfPeople() || settings.BackChannel) && plain(sub) {
		s.Keys = append(s.Keys, sessionKey("sub", issuer, sub))
	}
	if sid := said.Text("sid"); (settings.FrontChannel || settings.BackChannel) && plain(sid) {
		s.Keys = append(s.Keys, sessionKey("sid", issuer, sid))
	}
	if settings.Send == "with_hint" {
		s.Detail, _ = json.Marshal(oidcSession{raw}) // a text
	}
	if len(s.Keys) == 0 && !c.sendsLogout() {
		return nil
	}
	return &s
}

// sendsLogout reports whether the provider is asked to end its sessions.
func (c *oidcConnector) sendsLogout() bool {
	send := c.settings.Logout.Send
	return send == "with_hint" || send == "without_hint"
}

// Logout implements [Logouter]: RP-Initiated Logout §2.
func (c *oidcConnector) Logout(ctx context.Context, s ProviderSession, id string) (Redirect, error) {
	if !c.sendsLogout() {
		return Redirect{}, nil
	}
	d, err := c.discovery.get(ctx)
	if err != nil || d.EndSessionEndpoint == "" {
		return Redirect{}, err
	}
	params := url.Values{"post_logout_redirect_uri": {c.slo}, "state": {id}}
	if c.settings.Logout.Send == "without_hint" {
		params.Set("client_id", c.clientID)
		return Redirect{URL: withParams(d.EndSessionEndpoint, params)}, nil
	}
	var session oidcSession
	if err := json.Unmarshal(s.Detail, &session); err != nil {
		return Redirect{}, fail(Misconfigured, "logout: the session was opened by another connector: %w", err)
	}
	params.Set("id_token_hint", session.IDToken)
	return Redirect{URL: withParams(d.EndSessionEndpoint, params)}, nil
}

// ReadLogout implements [Logouter]. Nothing here is signed: an answer is believed
// because its state is the question's, which waits in this browser, and a
// question because only the provider and this browser know the sid.
func (c *oidcConnector) ReadLogout(_ context.Context, r *http.Request) (LogoutMessage, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodGet {
		return LogoutMessage{}, fail(Refused, "logout: the message is malformed")
	}
	for _, values := range query {
		if len(values) != 1 {
			return LogoutMessage{}, fail(Refused, "logout: a parameter is repeated")
		}
	}
	switch {
	case query.Has("sid"):
		return c.frontChannel(query.Get("iss"), query.Get("sid"))
	case query.Has("state") && c.sendsLogout():
		return LogoutMessage{Answers: query.Get("state"), OK: true}, nil // RP-Initiated Logout §3
	}
	return LogoutMessage{}, fail(Refused, "logout: it is neither an answer nor a question")
}

// frontChannel ends the one session that sid names (Front-Channel Logout §3).
// Anybody may send a browser here with a person's sub, so that it ends nothing.
func (c *oidcConnector) frontChannel(iss, sid string) (LogoutMessage, error) {
	issuer, known := c.accounts[iss]
	switch {
	case !c.settings.Logout.FrontChannel:
		return LogoutMessage{}, fail(NotAllowed, "logout: the connector takes no questions in the browser")
	case !known:
		return LogoutMessage{}, fail(Refused, "logout: iss is another issuer")
	case !plain(sid):
		return LogoutMessage{}, fail(Refused, "logout: sid is malformed")
	}
	return LogoutMessage{Keys: []string{sessionKey("sid", issuer, sid)}, Silent: true}, nil
}

// AnswerLogout implements [Logouter]: providers want no answer.
func (c *oidcConnector) AnswerLogout(context.Context, LogoutMessage, bool) (Redirect, error) {
	return Redirect{}, nil
}

// AnswerSOAP implements [Logouter].
func (c *oidcConnector) AnswerSOAP(context.Context, LogoutMessage, bool) ([]byte, error) {
	return nil, errors.New("OpenID Connect has no SOAP")
}
