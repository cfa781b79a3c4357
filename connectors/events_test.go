package connectors_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

const (
	riscType    = "https://schemas.openid.net/secevent/risc/event-type/"
	eventIssuer = "https://events.example/" // as with Google, not that of ID tokens
)

// listening is p's connector with events by a protocol.
func (p *provider) listening(protocol string) connectors.Connector {
	cfg := p.connector()
	cfg.Events = &config.Events{
		Protocol: protocol, Issuer: eventIssuer, Algorithms: []string{"ES256"}, Audience: []string{clientID, "council-app"},
		Actions: map[string]string{
			"sessions-revoked":           "end_sessions",
			"account-disabled":           "end_sessions",
			"account-disabled/hijacking": "freeze",
			riscType + "account-enabled": "thaw",
			"consent-revoked":            "unlink",
			"account-delete":             "unlink",
			"email-disabled":             "undeliverable",
		},
	}
	return p.open(cfg)
}

// eventToken signs an honest event token of p that differs by d.
func (p *provider) eventToken(d claims, typ string) string {
	p.t.Helper()
	return signTyped(p.t, jose.ES256, p.key, p.keyID, typ, with(claims{
		"iss": eventIssuer, "aud": []string{"another-app", clientID}, "jti": "event-1", "iat": p.clock.Now().Unix(),
		"events": claims{riscType + "sessions-revoked": p.subject("24400320")},
	}, d))
}

// subject is the payload of an event about sub.
func (p *provider) subject(sub string) claims {
	return claims{"subject": claims{"subject_type": "iss-sub", "iss": p.url, "sub": sub}}
}

func signTyped(t testing.TB, algorithm jose.SignatureAlgorithm, key any, keyID, typ string, payload claims) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", keyID)
	if typ != "" {
		options = options.WithHeader("typ", typ)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(marshal(t, payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func unsigned(t testing.TB, payload claims) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(marshal(t, payload)) + "."
}

// tell posts body to an inbox.
func tell(t testing.TB, c connectors.Connector, at connectors.Inbox, mediaType, body string) (connectors.Notice, connectors.Reply) {
	t.Helper()
	receiver := c.(connectors.Listener).Receiver(at)
	if receiver == nil {
		t.Fatalf("the connector has no inbox for %s", at)
	}
	r := httptest.NewRequest(http.MethodPost, "https://login.example.gov.uk/inbox", strings.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	n, err := receiver.Receive(t.Context(), r)
	if err != nil {
		return n, receiver.Refuse(err)
	}
	return n, receiver.Acknowledge(n, "https://login.example.gov.uk/deletion-status/"+n.Code)
}

func tellRISC(t testing.TB, c connectors.Connector, token string) (connectors.Notice, connectors.Reply) {
	t.Helper()
	return tell(t, c, connectors.EventsInbox, "application/secevent+jwt", token)
}

func TestEvent(t *testing.T) {
	p := newProvider(t)
	n, reply := tellRISC(t, p.listening("risc"), p.eventToken(nil, "secevent+jwt")+"\n")
	want := connectors.Notice{
		Once: connectors.Once{ID: "event-1", Until: p.clock.Now().Add(7*24*time.Hour + time.Minute)},
		Events: []connectors.Event{{
			Action: connectors.EndSessions, Type: "sessions-revoked", Issuer: p.url, Subject: "24400320",
			Keys: []string{"sub:" + p.url + " 24400320"}, At: p.clock.Now(),
		}},
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(connectors.Reply{Status: http.StatusAccepted}, reply); diff != "" {
		t.Error(diff)
	}
}

// What an event is about, and what follows.
func TestEvents(t *testing.T) {
	p := newProvider(t)
	c := p.listening("risc")
	about := func(subject claims, more ...string) claims {
		payload := claims{"subject": subject}
		if len(more) > 0 {
			payload["reason"] = more[0]
		}
		return payload
	}
	ours := claims{"subject_type": "iss-sub", "iss": p.url, "sub": "24400320"}
	for name, test := range map[string]struct {
		events  claims
		subID   any
		action  connectors.Action
		word    string
		subject string
	}{
		"a reason of its own":        {claims{riscType + "account-disabled": about(ours, "hijacking")}, nil, "freeze", "account-disabled/hijacking", "24400320"},
		"another reason":             {claims{riscType + "account-disabled": about(ours, "bulk-account")}, nil, "end_sessions", "account-disabled/bulk-account", "24400320"},
		"no reason":                  {claims{riscType + "account-disabled": about(ours)}, nil, "end_sessions", "account-disabled", "24400320"},
		"named by its URI":           {claims{riscType + "account-enabled": about(ours)}, nil, "thaw", "account-enabled", "24400320"},
		"the last word of another":   {claims{"https://example.org/account-enabled": about(ours)}, nil, "none", "account-enabled", "24400320"},
		"nobody has listed it":       {claims{riscType + "identifier-changed": about(ours)}, nil, "none", "identifier-changed", "24400320"},
		"not a word for the log":     {claims{"https://example.org/a b\n": about(ours)}, nil, "none", "unknown", "24400320"},
		"the subject of the token":   {claims{riscType + "sessions-revoked": claims{}}, claims{"format": "iss_sub", "iss": p.url, "sub": "7"}, "end_sessions", "sessions-revoked", "7"},
		"the issuer of the events":   {claims{riscType + "sessions-revoked": about(claims{"subject_type": "iss_sub", "iss": eventIssuer, "sub": "7"})}, nil, "end_sessions", "sessions-revoked", "7"},
		"claims of the ID token":     {claims{riscType + "sessions-revoked": about(claims{"subject_type": "id_token_claims", "iss": p.url, "sub": "7", "email": "resident@example.com"})}, nil, "end_sessions", "sessions-revoked", "7"},
		"an e-mail address":          {claims{riscType + "sessions-revoked": about(claims{"subject_type": "email", "email": "resident@example.com"})}, nil, "none", "sessions-revoked", ""},
		"claims without sub":         {claims{riscType + "sessions-revoked": about(claims{"subject_type": "id_token_claims", "iss": p.url, "email": "resident@example.com"})}, nil, "none", "sessions-revoked", ""},
		"somebody else's account":    {claims{riscType + "sessions-revoked": about(claims{"subject_type": "iss-sub", "iss": "https://other.example", "sub": "24400320"})}, nil, "none", "sessions-revoked", ""},
		"an account without issuer":  {claims{riscType + "sessions-revoked": about(claims{"subject_type": "iss-sub", "sub": "24400320"})}, nil, "none", "sessions-revoked", ""},
		"a test of the transmission": {claims{riscType + "verification": claims{"state": "some state"}}, nil, "none", "verification", ""},
	} {
		t.Run(name, func(t *testing.T) {
			n, reply := tellRISC(t, c, p.eventToken(claims{"events": test.events, "sub_id": test.subID}, ""))
			if reply.Status != http.StatusAccepted || len(n.Events) != 1 {
				t.Fatalf("status %d %s, %d events", reply.Status, reply.Body, len(n.Events))
			}
			e := n.Events[0]
			if e.Action != test.action || e.Type != test.word || e.Subject != test.subject {
				t.Errorf("got %+v", e)
			}
			if test.subject == "" && e.Keys != nil {
				t.Errorf("sessions %v are named", e.Keys)
			}
		})
	}
}

func TestEventTokensRefused(t *testing.T) {
	p := newProvider(t)
	now := p.clock.Now()
	stranger := newKey(t)
	payload := func(d claims) claims {
		return with(claims{
			"iss": eventIssuer, "aud": clientID, "jti": "event-1", "iat": now.Unix(),
			"events": claims{riscType + "sessions-revoked": p.subject("24400320")},
		}, d)
	}
	for name, test := range map[string]struct {
		token string
		code  string // RFC 8935 §2.4
	}{
		"nothing":                  {"", "invalid_request"},
		"no token":                 {"a.b.c", "invalid_request"},
		"too large":                {strings.Repeat("A", 70_000), "invalid_request"},
		"a logout token":           {p.eventToken(nil, "logout+jwt"), "invalid_request"},
		"an access token":          {p.eventToken(nil, "application/at+jwt"), "invalid_request"},
		"no signature":             {unsigned(t, payload(nil)), "invalid_request"},
		"an HMAC":                  {sign(t, jose.HS256, []byte(strings.Repeat("s", 32)), "first", payload(nil)), "invalid_request"},
		"a stranger's signature":   {sign(t, jose.ES256, stranger, "first", payload(nil)), "invalid_key"},
		"a stranger's key":         {sign(t, jose.ES256, stranger, "theirs", payload(nil)), "invalid_key"},
		"of another issuer":        {p.eventToken(claims{"iss": p.url}, ""), "invalid_issuer"},
		"of nearly this issuer":    {p.eventToken(claims{"iss": strings.TrimSuffix(eventIssuer, "/")}, ""), "invalid_issuer"},
		"for others":               {p.eventToken(claims{"aud": []string{"another-app"}}, ""), "invalid_audience"},
		"for nobody":               {p.eventToken(claims{"aud": nil}, ""), "invalid_audience"},
		"of the future":            {p.eventToken(claims{"iat": now.Add(2 * time.Minute).Unix()}, ""), "invalid_request"},
		"of long ago":              {p.eventToken(claims{"iat": now.Add(-8 * 24 * time.Hour).Unix()}, ""), "invalid_request"},
		"of no time":               {p.eventToken(claims{"iat": nil}, ""), "invalid_request"},
		"expired":                  {p.eventToken(claims{"exp": now.Add(-2 * time.Minute).Unix()}, ""), "invalid_request"},
		"never to be told again":   {p.eventToken(claims{"jti": nil}, ""), "invalid_request"},
		"an ID token":              {p.eventToken(claims{"events": nil, "sub": "24400320"}, ""), "invalid_request"},
		"events in a text":         {p.eventToken(claims{"events": `{"` + riscType + `sessions-revoked": {}}`}, ""), "invalid_request"},
		"no events":                {p.eventToken(claims{"events": claims{}}, ""), "invalid_request"},
		"an event that is nothing": {p.eventToken(claims{"events": claims{riscType + "sessions-revoked": true}}, ""), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			_, reply := tellRISC(t, p.listening("risc"), test.token)
			if reply.Status != http.StatusBadRequest || reply.MediaType != "application/json" ||
				!strings.Contains(string(reply.Body), `"err":"`+test.code+`"`) {
				t.Errorf("got %d %s %s", reply.Status, reply.MediaType, reply.Body)
			}
		})
	}
}

// Within its bounds a clock may differ, and an event may be days old, and expire.
func TestEventTokensInTime(t *testing.T) {
	p := newProvider(t)
	now := p.clock.Now()
	for name, d := range map[string]claims{
		"a clock ahead":    {"iat": now.Add(50 * time.Second).Unix()},
		"days ago":         {"iat": now.Add(-6 * 24 * time.Hour).Unix()},
		"expires later":    {"exp": now.Add(time.Hour).Unix()},
		"expired just now": {"exp": now.Add(-30 * time.Second).Unix()},
	} {
		if _, reply := tellRISC(t, p.listening("risc"), p.eventToken(d, "")); reply.Status != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
}

func TestWhenAnEventHappened(t *testing.T) {
	p := newProvider(t)
	c := p.listening("risc")
	at := time.Date(2026, 8, 31, 23, 0, 0, 0, time.UTC)
	payload := p.subject("24400320")
	for name, d := range map[string]claims{
		"by the event":        {"events": claims{riscType + "sessions-revoked": with(payload, claims{"event_timestamp": at.Unix()})}, "toe": 1},
		"in milliseconds":     {"events": claims{riscType + "sessions-revoked": with(payload, claims{"event_timestamp": at.UnixMilli()})}},
		"by the token":        {"toe": at.Unix()},
		"when it was told of": {"iat": at.Unix()},
		"ahead of its time": {
			"iat": at.Unix(), "events": claims{riscType + "sessions-revoked": with(payload, claims{"event_timestamp": at.AddDate(1, 0, 0).Unix()})},
		},
	} {
		if n, _ := tellRISC(t, c, p.eventToken(d, "")); len(n.Events) != 1 || !n.Events[0].At.Equal(at) {
			t.Errorf("%s: %+v", name, n.Events)
		}
	}
}

// The keys of events may be others than those of ID tokens.
func TestKeysOfEvents(t *testing.T) {
	p := newProvider(t)
	own := newKey(t)
	p.on("/event-keys", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, claims{"keys": []any{jose.JSONWebKey{Key: own.Public(), KeyID: "own"}}})
	})
	cfg := p.connector()
	cfg.Events = &config.Events{
		Protocol: "risc", Issuer: eventIssuer, JWKS: p.url + "/event-keys", Algorithms: []string{"ES256"}, Audience: []string{clientID},
	}
	c := p.open(cfg)
	if _, reply := tellRISC(t, c, p.eventToken(nil, "")); reply.Status != http.StatusBadRequest {
		t.Errorf("a key of ID tokens: %d", reply.Status)
	}
	p.key, p.keyID = own, "own"
	if _, reply := tellRISC(t, c, p.eventToken(nil, "")); reply.Status != http.StatusAccepted {
		t.Errorf("a key of events: %d %s", reply.Status, reply.Body)
	}
}

// A key that nobody knows has the keys fetched again, once a minute: until then
// it cannot be said whether it is the sender's.
func TestUnknownKeysOfEvents(t *testing.T) {
	p := newProvider(t)
	c := p.listening("risc")
	forged := sign(t, jose.ES256, newKey(t), "theirs", claims{"iss": eventIssuer})
	for range 5 {
		tellRISC(t, c, forged)
	}
	if _, reply := tellRISC(t, c, forged); reply.Status != http.StatusServiceUnavailable || p.called("/keys") != 2 {
		t.Errorf("status %d after fetching the keys %d times", reply.Status, p.called("/keys"))
	}
	p.key, p.keyID = newKey(t), "second"
	if _, reply := tellRISC(t, c, p.eventToken(nil, "")); reply.Status != http.StatusServiceUnavailable {
		t.Errorf("a new key: %d", reply.Status)
	}
	p.clock.advance(time.Minute)
	if _, reply := tellRISC(t, c, p.eventToken(nil, "")); reply.Status != http.StatusAccepted {
		t.Errorf("a new key, later: %d %s", reply.Status, reply.Body)
	}
	forged = sign(t, jose.ES256, newKey(t), "second", claims{"iss": eventIssuer})
	if _, reply := tellRISC(t, c, forged); reply.Status != http.StatusBadRequest || p.called("/keys") != 3 {
		t.Errorf("a key in the name of another: %d after fetching the keys %d times", reply.Status, p.called("/keys"))
	}
}

// While the keys cannot be had nothing is refused for good.
func TestEventsWithoutKeys(t *testing.T) {
	p := newProvider(t)
	p.on("/keys", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if _, reply := tellRISC(t, p.listening("risc"), p.eventToken(nil, "")); reply.Status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s", reply.Status, reply.Body)
	}
}

func TestInboxes(t *testing.T) {
	p := newProvider(t)
	for protocol, want := range map[string][]connectors.Inbox{
		"":         nil,
		"risc":     {connectors.EventsInbox},
		"apple":    {connectors.EventsInbox},
		"facebook": {connectors.EventsInbox, connectors.DeletionInbox},
	} {
		var got []connectors.Inbox
		for _, at := range []connectors.Inbox{connectors.EventsInbox, connectors.DeletionInbox, connectors.BackChannelInbox} {
			if p.listening(protocol).(connectors.Listener).Receiver(at) != nil {
				got = append(got, at)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", protocol, diff)
		}
	}
}
