package connectors_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// parting is p's connector with ways of signing out. bend may change it.
func (p *provider) parting(logout config.OIDCLogout, bend ...func(*config.Connector)) connectors.Connector {
	p.t.Helper()
	cfg := p.connector()
	cfg.OIDC.Logout = logout
	for _, b := range bend {
		b(&cfg)
	}
	c, err := connectors.Open(cfg, connectors.Options{Redirect: callbackURL, Logout: logoutURL, Now: p.clock.Now})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// logoutToken signs an honest logout token of p that differs by d.
func (p *provider) logoutToken(d claims, typ string) string {
	p.t.Helper()
	return signTyped(p.t, jose.ES256, p.key, p.keyID, typ, with(claims{
		"iss": p.url, "aud": clientID, "sub": "24400320", "jti": "logout-1",
		"iat": p.clock.Now().Unix(), "exp": p.clock.Now().Add(2 * time.Minute).Unix(),
		"events": claims{logoutEvent: claims{}},
	}, d))
}

func tellLogout(t testing.TB, c connectors.Connector, token string) (connectors.Notice, connectors.Reply) {
	t.Helper()
	return tell(t, c, connectors.BackChannelInbox, "application/x-www-form-urlencoded", url.Values{"logout_token": {token}}.Encode())
}

func TestLogoutToken(t *testing.T) {
	p := newProvider(t)
	c := p.parting(config.OIDCLogout{BackChannel: true})
	now := p.clock.Now()
	for name, test := range map[string]struct {
		d     claims
		typ   string
		key   string
		until time.Time
	}{
		"of a person":             {nil, "logout+jwt", "sub:" + p.url + " 24400320", now.Add(3 * time.Minute)},
		"without a type":          {nil, "", "sub:" + p.url + " 24400320", now.Add(3 * time.Minute)},
		"a JWT":                   {nil, "JWT", "sub:" + p.url + " 24400320", now.Add(3 * time.Minute)},
		"of one session":          {claims{"sid": "s1"}, "", "sid:" + p.url + " s1", now.Add(3 * time.Minute)},
		"of a session of nobody":  {claims{"sid": "s1", "sub": nil}, "", "sid:" + p.url + " s1", now.Add(3 * time.Minute)},
		"of an endless session":   {claims{"sid": strings.Repeat("s", 300)}, "", "sub:" + p.url + " 24400320", now.Add(3 * time.Minute)},
		"that lives long":         {claims{"exp": now.Add(time.Hour).Unix()}, "", "sub:" + p.url + " 24400320", now.Add(time.Hour + 30*time.Second)},
		"that lives for ever":     {claims{"exp": now.AddDate(10, 0, 0).Unix()}, "", "sub:" + p.url + " 24400320", now.Add(7 * 24 * time.Hour)},
		"with more that happened": {claims{"events": claims{logoutEvent: claims{}, "https://example.org/other": claims{}}}, "", "sub:" + p.url + " 24400320", now.Add(3 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			n, reply := tellLogout(t, c, p.logoutToken(test.d, test.typ))
			if reply.Status != http.StatusOK {
				t.Fatalf("got %d %s", reply.Status, reply.Body)
			}
			want := connectors.Notice{
				Once:   connectors.Once{ID: p.url + " logout-1", Until: test.until},
				Events: []connectors.Event{{Action: connectors.EndSessions, Type: "backchannel-logout", Issuer: p.url, Keys: []string{test.key}, At: now}},
			}
			if diff := cmp.Diff(want, n); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Back-Channel Logout 1.0 §2.6.
func TestLogoutTokensRefused(t *testing.T) {
	p := newProvider(t)
	c := p.parting(config.OIDCLogout{BackChannel: true})
	now := p.clock.Now()
	for name, token := range map[string]string{
		"nothing":                 "",
		"no token":                "a.b.c",
		"an encrypted one":        "a.b.c.d.e",
		"another type":            p.logoutToken(nil, "secevent+jwt"),
		"an ID token's type":      p.logoutToken(nil, "at+jwt"),
		"no signature":            unsigned(t, claims{"iss": p.url}),
		"a stranger's signature":  signTyped(t, jose.ES256, newKey(t), "first", "", claims{"iss": p.url}),
		"another issuer":          p.logoutToken(claims{"iss": "https://other.example"}, ""),
		"another audience":        p.logoutToken(claims{"aud": "another"}, ""),
		"more than one audience":  p.logoutToken(claims{"aud": []string{clientID, "another"}}, ""),
		"expired":                 p.logoutToken(claims{"exp": now.Add(-time.Minute).Unix()}, ""),
		"never expires":           p.logoutToken(claims{"exp": nil}, ""),
		"of the future":           p.logoutToken(claims{"iat": now.Add(time.Minute).Unix()}, ""),
		"of no time":              p.logoutToken(claims{"iat": nil}, ""),
		"of long ago":             p.logoutToken(claims{"iat": now.Add(-8 * 24 * time.Hour).Unix()}, ""),
		"neither sub nor sid":     p.logoutToken(claims{"sub": nil}, ""),
		"no jti":                  p.logoutToken(claims{"jti": nil}, ""),
		"no events":               p.logoutToken(claims{"events": nil}, ""),
		"another event":           p.logoutToken(claims{"events": claims{"https://example.org/other": claims{}}}, ""),
		"an event that is a text": p.logoutToken(claims{"events": claims{logoutEvent: "yes"}}, ""),
		"events in a text":        p.logoutToken(claims{"events": `{"` + logoutEvent + `": {}}`}, ""),
		"a nonce":                 p.logoutToken(claims{"nonce": "n"}, ""),
		"an empty nonce":          p.logoutToken(claims{"nonce": ""}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			n, reply := tellLogout(t, c, token)
			if reply.Status != http.StatusBadRequest || n.Events != nil || !strings.Contains(string(reply.Body), `"error":"invalid_`) {
				t.Errorf("got %d %s", reply.Status, reply.Body)
			}
		})
	}
}

// What is kept of the provider's session is what somebody will need to end it.
func TestProviderSession(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"sid": "s1"}
	risc := func(c *config.Connector) { c.Events = &config.Events{Protocol: "risc", Issuer: eventIssuer} }
	sub, sid := "sub:"+p.url+" 24400320", "sid:"+p.url+" s1"
	for name, test := range map[string]struct {
		c    connectors.Connector
		keys []string
		none bool
	}{
		"nothing":        {p.parting(config.OIDCLogout{}), nil, true},
		"never sent":     {p.parting(config.OIDCLogout{Send: "never"}), nil, true},
		"events":         {p.parting(config.OIDCLogout{}, risc), []string{sub}, false},
		"back-channel":   {p.parting(config.OIDCLogout{BackChannel: true}), []string{sub, sid}, false},
		"front-channel":  {p.parting(config.OIDCLogout{FrontChannel: true}), []string{sid}, false},
		"sent":           {p.parting(config.OIDCLogout{Send: "without_hint"}), nil, false},
		"everything":     {p.parting(config.OIDCLogout{Send: "without_hint", BackChannel: true, FrontChannel: true}, risc), []string{sub, sid}, false},
		"another's word": {p.parting(config.OIDCLogout{}, func(c *config.Connector) { risc(c); c.OIDC.IssuerAliases = []string{"alias"} }), []string{sub}, false},
	} {
		t.Run(name, func(t *testing.T) {
			said, err := p.signIn(test.c, newAttempt())
			if err != nil {
				t.Fatal(err)
			}
			if (said.Session == nil) != test.none {
				t.Fatalf("got %+v", said.Session)
			}
			if said.Session != nil && (!cmp.Equal(said.Session.Keys, test.keys) || said.Session.Detail != nil) {
				t.Errorf("got %+v", said.Session)
			}
		})
	}
}

// RP-Initiated Logout 1.0 §2, §3.
func TestLogoutAtTheProvider(t *testing.T) {
	for name, test := range map[string]struct {
		send     string
		endpoint string
		want     url.Values // but for the hint
	}{
		"with a hint":    {"with_hint", "https://provider.example/logout", url.Values{"post_logout_redirect_uri": {logoutURL}, "state": {"question-1"}}},
		"without":        {"without_hint", "https://provider.example/logout?a=b", url.Values{"a": {"b"}, "client_id": {clientID}, "post_logout_redirect_uri": {logoutURL}, "state": {"question-1"}}},
		"never":          {"never", "https://provider.example/logout", nil},
		"no such way":    {"with_hint", "", nil},
		"nobody said so": {"", "https://provider.example/logout", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.parting(config.OIDCLogout{Send: test.send, BackChannel: true}, func(c *config.Connector) { c.OIDC.Endpoints.EndSession = test.endpoint })
			said, err := p.signIn(c, newAttempt())
			if err != nil {
				t.Fatal(err)
			}
			to, err := c.(connectors.Logouter).Logout(t.Context(), *said.Session, "question-1")
			if err != nil || to.Form != nil {
				t.Fatal(to, err)
			}
			if test.want == nil {
				if to.URL != "" {
					t.Errorf("the browser is sent to %s", to.URL)
				}
				return
			}
			at, err := url.Parse(to.URL)
			if err != nil {
				t.Fatal(err)
			}
			query := at.Query()
			if hint := query.Get("id_token_hint"); (strings.Count(hint, ".") == 2) != (test.send == "with_hint") {
				t.Errorf("hint %q", hint)
			}
			query.Del("id_token_hint")
			if diff := cmp.Diff(test.want, query); diff != "" || !strings.HasPrefix(to.URL, "https://provider.example/logout?") {
				t.Error(to.URL, diff)
			}
		})
	}
}

// A session of another connector that had the same name is not shown to this
// provider.
func TestLogoutOfAnotherConnectorsSession(t *testing.T) {
	p := newProvider(t)
	c := p.parting(config.OIDCLogout{Send: "with_hint"}, func(c *config.Connector) { c.OIDC.Endpoints.EndSession = p.url + "/logout" })
	to, err := c.(connectors.Logouter).Logout(t.Context(), connectors.ProviderSession{}, "question-1")
	if err == nil {
		t.Errorf("the browser is sent to %s", to.URL)
	}
}

func TestReadLogout(t *testing.T) {
	p := newProvider(t)
	all := config.OIDCLogout{Send: "without_hint", FrontChannel: true}
	front := url.Values{"iss": {p.url}, "sid": {"s1"}}.Encode()
	question := connectors.LogoutMessage{Silent: true, Keys: []string{"sid:" + p.url + " s1"}}
	for name, test := range map[string]struct {
		logout  config.OIDCLogout
		method  string
		query   string
		want    connectors.LogoutMessage
		outcome connectors.Outcome
	}{
		"an answer":              {all, "GET", "state=question-1", connectors.LogoutMessage{Answers: "question-1", OK: true}, ""},
		"nobody asked":           {config.OIDCLogout{FrontChannel: true}, "GET", "state=question-1", connectors.LogoutMessage{}, connectors.Refused},
		"a question":             {all, "GET", front, question, ""},
		"a question with state":  {all, "GET", front + "&state=question-1", question, ""},
		"no questions are taken": {config.OIDCLogout{Send: "without_hint"}, "GET", front, connectors.LogoutMessage{}, connectors.NotAllowed},
		"of another issuer":      {all, "GET", "iss=https%3A%2F%2Fother.example&sid=s1", connectors.LogoutMessage{}, connectors.Refused},
		"of no issuer":           {all, "GET", "sid=s1", connectors.LogoutMessage{}, connectors.Refused},
		"of no session":          {all, "GET", "iss=" + url.QueryEscape(p.url) + "&sid=", connectors.LogoutMessage{}, connectors.Refused},
		"of a person":            {all, "GET", "iss=" + url.QueryEscape(p.url) + "&sub=24400320", connectors.LogoutMessage{}, connectors.Refused},
		"twice":                  {all, "GET", front + "&sid=s2", connectors.LogoutMessage{}, connectors.Refused},
		"malformed":              {all, "GET", "state=%zz", connectors.LogoutMessage{}, connectors.Refused},
		"posted":                 {all, "POST", front, connectors.LogoutMessage{}, connectors.Refused},
		"nothing":                {all, "GET", "", connectors.LogoutMessage{}, connectors.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			c := p.parting(test.logout).(connectors.Logouter)
			got, err := c.ReadLogout(t.Context(), httptest.NewRequest(test.method, logoutURL+"?"+test.query, nil))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if test.outcome == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantOutcome(t, nil, err, test.outcome)
		})
	}
}

// What each tenant of a provider says is of its own people.
func TestTenantsOfLogout(t *testing.T) {
	p := newProvider(t)
	c := p.parting(config.OIDCLogout{FrontChannel: true, BackChannel: true}, func(c *config.Connector) {
		c.OIDC.Issuer, c.OIDC.Tenants = p.url+"/{tid}", []string{"one", "two"}
	})
	p.discovery = claims{"issuer": p.url + "/{tenantid}"}
	read := func(iss string) ([]string, error) {
		query := url.Values{"iss": {iss}, "sid": {"s1"}}.Encode()
		m, err := c.(connectors.Logouter).ReadLogout(t.Context(), httptest.NewRequest(http.MethodGet, logoutURL+"?"+query, nil))
		return m.Keys, err
	}
	if keys, err := read(p.url + "/two"); err != nil || !cmp.Equal(keys, []string{"sid:" + p.url + "/two s1"}) {
		t.Error(keys, err)
	}
	for _, iss := range []string{p.url + "/three", p.url + "/{tid}", p.url} {
		if keys, err := read(iss); err == nil {
			t.Errorf("%s: %v", iss, keys)
		}
	}
	n, reply := tellLogout(t, c, p.logoutToken(claims{"iss": p.url + "/one", "tid": "one"}, ""))
	if reply.Status != http.StatusOK || !cmp.Equal(n.Events[0].Keys, []string{"sub:" + p.url + "/one 24400320"}) {
		t.Errorf("%+v %d %s", n, reply.Status, reply.Body)
	}
	if other, _ := tellLogout(t, c, p.logoutToken(claims{"iss": p.url + "/two", "tid": "two"}, "")); other.Once.ID == n.Once.ID {
		t.Error("what one tenant says passes for what another has said before")
	}
	if _, reply := tellLogout(t, c, p.logoutToken(claims{"iss": p.url + "/three", "tid": "three"}, "")); reply.Status == http.StatusOK {
		t.Error("a tenant that may not sign in")
	}
}
