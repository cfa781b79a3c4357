package simulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// listener is the broker's side of events: a connector behind its addresses.
type listener struct {
	provider  *simulator.Provider
	connector connectors.Connector
	said      []connectors.Notice
}

// hear puts up the provider of a connector and a broker that it tells.
func hear(t *testing.T, describe func(*config.Connector)) *listener {
	t.Helper()
	l := &listener{}
	broker := httptest.NewServer(l)
	t.Cleanup(broker.Close)
	upstream := httptest.NewUnstartedServer(nil)
	base := "http://" + upstream.Listener.Addr().String()
	cfg := config.Connector{
		ID: "test", ClientID: clientID, ClientSecret: config.NewSecret(secret), Subject: "claims.sub",
		Network: config.Network{Timeout: 10e9, Attempts: 1},
		OIDC: &config.OIDC{
			Issuer: base + "/op", Discovery: base + "/op/.well-known/openid-configuration", ClientAuth: "client_secret_basic",
			Algorithms: []string{"ES256"}, Logout: config.OIDCLogout{BackChannel: true, FrontChannel: true, Send: "with_hint"}, ClockSkew: 30e9,
		},
		Simulator: &config.Simulator{Algorithm: "ES256"},
	}
	describe(&cfg)
	var err error
	if l.provider, err = simulator.New(cfg, simulator.Options{Redirect: []string{broker.URL + "/callback/test"}}); err != nil {
		t.Fatal(err)
	}
	upstream.Config.Handler = l.provider
	upstream.Start()
	t.Cleanup(upstream.Close)
	if l.connector, err = connectors.Open(cfg, connectors.Options{
		Redirect: broker.URL + "/callback/test", Logout: broker.URL + "/logout/test", Events: broker.URL + "/events/test",
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inboxes := map[string]connectors.Inbox{
		"/events/test": connectors.EventsInbox, "/events/test/deletion": connectors.DeletionInbox, "/logout/test/backchannel": connectors.BackChannelInbox,
	}
	if r.Method == http.MethodGet {
		m, err := l.connector.(connectors.Logouter).ReadLogout(r.Context(), r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		l.said = append(l.said, connectors.Notice{Events: []connectors.Event{{Keys: m.Keys}}})
		return
	}
	receiver := l.connector.(connectors.Listener).Receiver(inboxes[r.URL.Path])
	n, err := receiver.Receive(r.Context(), r)
	answer := receiver.Acknowledge(n, "https://broker.example/deletion-status/"+n.Code)
	if err != nil {
		answer = receiver.Refuse(err)
	}
	l.said = append(l.said, n)
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

// send sends an event and returns the answer's status, and the notice that the
// connector took it for.
func (l *listener) send(t *testing.T, e simulator.Event) (int, connectors.Notice) {
	t.Helper()
	answer, err := l.provider.Send(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, l.said[len(l.said)-1]
}

func (l *listener) subject(t *testing.T, persona string) string {
	t.Helper()
	all := l.provider.Personas()
	i := slices.IndexFunc(all, func(p simulator.Persona) bool { return p.ID == persona })
	return all[i].Person.Text("sub")
}

func events(protocol string) func(*config.Connector) {
	return func(c *config.Connector) {
		c.Events = &config.Events{
			Protocol: protocol, Issuer: "https://events.example/", Algorithms: []string{"ES256"}, Audience: []string{clientID},
			Actions: map[string]string{"account-disabled/hijacking": "freeze", "tokens-revoked": "end_sessions", "consent-revoked": "unlink", "deauthorise": "unlink"},
		}
	}
}

func TestEvents(t *testing.T) {
	for _, test := range []struct {
		protocol, kind, word string
		action               connectors.Action
		status               int
	}{
		{"risc", "account-disabled/hijacking", "account-disabled/hijacking", connectors.Freeze, http.StatusAccepted},
		{"risc", "https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked", "tokens-revoked", connectors.EndSessions, http.StatusAccepted},
		{"apple", "consent-revoked", "consent-revoked", connectors.Unlink, http.StatusOK},
		{"facebook", "deauthorise", "deauthorise", connectors.Unlink, http.StatusOK},
		{"facebook", "deletion", "deletion", connectors.Unlink, http.StatusOK},
		{"", simulator.BackChannelLogout, "backchannel-logout", connectors.EndSessions, http.StatusOK},
	} {
		t.Run(test.protocol+" "+test.kind, func(t *testing.T) {
			l := hear(t, events(test.protocol))
			status, n := l.send(t, simulator.Event{Kind: test.kind, Persona: "welsh-speaker"})
			if status != test.status || len(n.Events) != 1 {
				t.Fatalf("status %d, %d events", status, len(n.Events))
			}
			e := n.Events[0]
			if e.Type != test.word || e.Action != test.action || len(e.Keys) != 1 || !strings.HasSuffix(e.Keys[0], " "+l.subject(t, "welsh-speaker")) {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// Login.gov names the address as the audience, and its own issuer with a slash.
func TestLoginGovEvents(t *testing.T) {
	l := hear(t, func(c *config.Connector) { *c = preset(t, "login-gov")(strings.TrimSuffix(c.OIDC.Issuer, "/op")) })
	status, n := l.send(t, simulator.Event{Kind: "account-purged", Persona: "full-record"})
	if status != http.StatusAccepted || len(n.Events) != 1 || n.Events[0].Action != connectors.Unlink || n.Events[0].Subject != l.subject(t, "full-record") {
		t.Errorf("status %d, %+v", status, n)
	}
	if status, _ := l.send(t, simulator.Event{Kind: "account-purged", Persona: "full-record", Fault: "wrong-aud"}); status != http.StatusBadRequest {
		t.Errorf("an event for another address: status %d", status)
	}
}

// Every fault is refused where it is one.
func TestEventFaults(t *testing.T) {
	// harmless are those that leave a message in order, of which nothing follows
	// where the person is named wrongly.
	harmless := map[string][]string{
		"risc":     {"no-sid", "no-sub", "no-typ", "unknown-sub", "other-issuer", "email", "object", "nonce"},
		"apple":    {"no-sid", "no-sub", "no-typ", "unknown-sub", "stringified", "object", "nonce", "email"},
		"facebook": {"expired", "no-sid", "no-sub", "unknown-sub", "email", "no-events", "stringified", "object", "nonce", "no-jti", "wrong-aud", "wrong-iss", "other-issuer", "wrong-typ", "no-typ"},
		"":         {"no-sid", "no-typ", "unknown-sub", "object", "email"},
	}
	kinds := map[string]string{"risc": "tokens-revoked", "apple": "consent-revoked", "facebook": "deletion", "": simulator.BackChannelLogout}
	for protocol, kind := range kinds {
		l := hear(t, events(protocol))
		for _, fault := range simulator.EventFaults() {
			if fault == "replayed" {
				continue
			}
			status, n := l.send(t, simulator.Event{Kind: kind, Persona: "full-record", Fault: fault})
			if want := slices.Contains(harmless[protocol], fault); want != (status < http.StatusBadRequest) {
				t.Errorf("%s %s: %d %+v", protocol, fault, status, n)
			}
		}
	}
}

func TestReplayedEvent(t *testing.T) {
	l := hear(t, events("risc"))
	e := simulator.Event{Kind: "tokens-revoked", Persona: "full-record", Fault: "replayed"}
	if _, err := l.provider.Send(t.Context(), e); err == nil {
		t.Error("what was never sent was sent again")
	}
	_, one := l.send(t, simulator.Event{Kind: e.Kind, Persona: e.Persona})
	_, two := l.send(t, e)
	_, three := l.send(t, simulator.Event{Kind: e.Kind, Persona: e.Persona})
	if one.Once != two.Once || one.Once.ID == three.Once.ID {
		t.Errorf("%v, %v, %v", one.Once, two.Once, three.Once)
	}
}

func TestEventsThatCannotBe(t *testing.T) {
	l := hear(t, func(c *config.Connector) { c.OIDC.Logout = config.OIDCLogout{} })
	for _, e := range []simulator.Event{
		{Kind: "tokens-revoked", Persona: "full-record"},
		{Kind: simulator.BackChannelLogout, Persona: "full-record"},
		{Kind: simulator.FrontChannelLogout, Persona: "full-record"},
	} {
		if _, err := l.provider.Send(t.Context(), e); err == nil {
			t.Errorf("%s was sent", e.Kind)
		}
	}
	l = hear(t, events("risc"))
	for _, e := range []simulator.Event{
		{Kind: "tokens-revoked", Persona: "nobody"}, {Kind: "tokens-revoked", Persona: "full-record", Fault: "nonsense"},
	} {
		if _, err := l.provider.Send(t.Context(), e); err == nil {
			t.Errorf("%+v was sent", e)
		}
	}
}

// The session that a logout names is the one that the ID token named.
func TestSessionsEnd(t *testing.T) {
	l := hear(t, func(*config.Connector) {})
	a := connectors.Attempt{State: state, Nonce: nonce, Verifier: verifier}
	to, err := l.connector.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t)
	answer, err := browser.Get(to.URL + "&persona=full-record")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := l.connector.Finish(t.Context(), a, httptest.NewRequest(http.MethodGet, answer.Header.Get("Location"), nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{simulator.BackChannelLogout, simulator.FrontChannelLogout} {
		if status, n := l.send(t, simulator.Event{Kind: kind, Persona: "full-record"}); status != http.StatusOK ||
			!strings.HasPrefix(n.Events[0].Keys[0], "sid:") || !slices.Contains(said.Session.Keys, n.Events[0].Keys[0]) {
			t.Errorf("%s: %d, %+v of %v", kind, status, n.Events, said.Session.Keys)
		}
	}
	if _, n := l.send(t, simulator.Event{Kind: simulator.BackChannelLogout, Persona: "full-record", Fault: "no-sid"}); !strings.HasPrefix(n.Events[0].Keys[0], "sub:") {
		t.Errorf("without sid: %v", n.Events)
	}
	l.endSession(t, browser, said)
}

// endSession has the provider asked to end its session, as the connector does.
func (l *listener) endSession(t *testing.T, browser *http.Client, said *connectors.Assertion) {
	t.Helper()
	to, err := l.connector.(connectors.Logouter).Logout(t.Context(), *said.Session, "question-1")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.Get(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil || filepath.Base(back.Path) != "test" || back.Query().Get("state") != "question-1" || l.provider.Calls("end_session") != 1 {
		t.Errorf("the browser was sent to %v", back)
	}
	for name, value := range map[string]string{"id_token_hint": "a.b.c", "post_logout_redirect_uri": "https://elsewhere.example/", "state": ""} {
		other, err := url.Parse(to.URL)
		if err != nil {
			t.Fatal(err)
		}
		query := other.Query()
		query.Set(name, value)
		other.RawQuery = query.Encode()
		answer, err := browser.Get(other.String())
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.Header.Get("Location") != "" {
			t.Errorf("%s %q is accepted", name, value)
		}
	}
}
