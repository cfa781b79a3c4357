package connectors_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// graph is a connector to Facebook.
func (p *provider) graph() connectors.Connector {
	cfg := p.connector()
	cfg.OIDC, cfg.Subject = nil, "claims.id"
	cfg.OAuth2 = &config.OAuth2{
		Issuer: "https://www.facebook.com", ClientAuth: "client_secret_post",
		Endpoints: config.Endpoints{Authorization: p.url + "/authorize", Token: p.url + "/token"},
		Profile:   config.Call{URL: p.url + "/me"},
	}
	cfg.Events = &config.Events{Protocol: "facebook", Actions: map[string]string{"deauthorise": "end_sessions", "deletion": "none"}}
	return p.open(cfg)
}

// signedRequest is what Facebook posts, signed with secret.
func signedRequest(t testing.TB, secret string, payload claims) string {
	t.Helper()
	return signedText(secret, string(marshal(t, payload)))
}

func signedText(secret, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return encode(mac.Sum(nil)) + "." + text
}

func tellFacebook(t testing.TB, c connectors.Connector, at connectors.Inbox, request string) (connectors.Notice, connectors.Reply) {
	t.Helper()
	return tell(t, c, at, "application/x-www-form-urlencoded", url.Values{"signed_request": {request}}.Encode())
}

func TestSignedRequest(t *testing.T) {
	p := newProvider(t)
	issued := p.clock.Now().Add(-time.Minute)
	request := signedRequest(t, clientSecret, claims{"algorithm": "HMAC-SHA256", "issued_at": issued.Unix(), "user_id": "218471"})
	want := connectors.Event{
		Type: "deauthorise", Action: connectors.EndSessions, Issuer: "https://www.facebook.com", Subject: "218471",
		Keys: []string{"sub:https://www.facebook.com 218471"}, At: issued,
	}
	n, reply := tellFacebook(t, p.graph(), connectors.EventsInbox, request)
	if diff := cmp.Diff([]connectors.Event{want}, n.Events); diff != "" || reply.Status != http.StatusOK || n.Code != "" {
		t.Error(diff, reply.Status, n.Code)
	}
	if !n.Once.Until.After(p.clock.Now().Add(6 * 24 * time.Hour)) {
		t.Errorf("it is forgotten at %s", n.Once.Until)
	}
	if again, _ := tellFacebook(t, p.graph(), connectors.EventsInbox, request); again.Once != n.Once {
		t.Error("the same request is another")
	}
}

// A request to delete is met, whatever the configuration says, and answered with
// where to read of it.
func TestDeletion(t *testing.T) {
	p := newProvider(t)
	request := signedRequest(t, clientSecret, claims{
		"algorithm": "HMAC-SHA256", "issued_at": p.clock.Now().Unix(), "user_id": "218471", "expires": p.clock.Now().Add(time.Hour).Unix(),
	})
	n, reply := tellFacebook(t, p.graph(), connectors.DeletionInbox, request)
	if len(n.Events) != 1 || n.Events[0].Action != connectors.Unlink || n.Events[0].Subject != "218471" || len(n.Code) != 26 {
		t.Fatalf("got %+v", n)
	}
	body := `{"confirmation_code":"` + n.Code + `","url":"https://login.example.gov.uk/deletion-status/` + n.Code + `"}`
	if reply.Status != http.StatusOK || reply.MediaType != "application/json" || string(reply.Body) != body {
		t.Errorf("got %d %s", reply.Status, reply.Body)
	}
}

func TestSignedRequestsRefused(t *testing.T) {
	p := newProvider(t)
	now := p.clock.Now()
	honest := claims{"algorithm": "HMAC-SHA256", "issued_at": now.Unix(), "user_id": "218471"}
	signed := signedRequest(t, clientSecret, honest)
	signature, text, _ := strings.Cut(signed, ".")
	for name, request := range map[string]string{
		"nothing":              "",
		"no payload":           signature,
		"no signature":         "." + text,
		"half a signature":     signature[:20] + "." + text,
		"no base64":            "!." + text,
		"another secret":       signedRequest(t, "another secret", honest),
		"no secret":            signedRequest(t, "", honest),
		"another person":       signature + "." + base64.RawURLEncoding.EncodeToString(marshal(t, with(honest, claims{"user_id": "1"}))),
		"another algorithm":    signedRequest(t, clientSecret, with(honest, claims{"algorithm": "none"})),
		"no algorithm":         signedRequest(t, clientSecret, with(honest, claims{"algorithm": nil})),
		"of long ago":          signedRequest(t, clientSecret, with(honest, claims{"issued_at": now.Add(-8 * 24 * time.Hour).Unix()})),
		"of the future":        signedRequest(t, clientSecret, with(honest, claims{"issued_at": now.Add(time.Hour).Unix()})),
		"of no time":           signedRequest(t, clientSecret, with(honest, claims{"issued_at": nil})),
		"of nobody":            signedRequest(t, clientSecret, with(honest, claims{"user_id": nil})),
		"of a sign-in":         signedRequest(t, clientSecret, with(honest, claims{"code": "AQB"})),
		"with a token":         signedRequest(t, clientSecret, with(honest, claims{"oauth_token": "EAAB", "expires": now.Unix()})),
		"of a page":            signedRequest(t, clientSecret, with(honest, claims{"page": claims{"id": "1"}})),
		"of a page's link":     signedRequest(t, clientSecret, with(honest, claims{"app_data": "x"})),
		"of an empty person":   signedRequest(t, clientSecret, with(honest, claims{"user_id": ""})),
		"of a rounded number":  signedRequest(t, clientSecret, with(honest, claims{"user_id": 9007199254740993})),
		"larger than they are": signedRequest(t, clientSecret, with(honest, claims{"more": strings.Repeat("x", 70_000)})),
	} {
		for _, at := range []connectors.Inbox{connectors.EventsInbox, connectors.DeletionInbox} {
			if n, reply := tellFacebook(t, p.graph(), at, request); reply.Status != http.StatusBadRequest || n.Events != nil {
				t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
			}
		}
	}
}

// Sessions are found by what the provider tells of people, and by nothing where
// it tells nothing.
func TestSessionsThatEventsEnd(t *testing.T) {
	p := newProvider(t)
	p.on("/me", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, claims{"id": "218471"}) })
	p.client = func(*http.Request) bool { return true }
	said, err := p.signIn(p.graph(), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&connectors.ProviderSession{Keys: []string{"sub:https://www.facebook.com 218471"}}, said.Session); diff != "" {
		t.Error(diff)
	}
	if said, err := p.signIn(p.open(p.connector()), newAttempt()); err != nil || said.Session != nil {
		t.Errorf("a connector without events: %v, %+v", err, said)
	}
}
