package connectors_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors"
)

// notification is a notification of Apple's about an event.
func (p *provider) notification(event any) string {
	return string(marshal(p.t, claims{"payload": p.eventToken(claims{"aud": clientID, "events": event}, "")}))
}

func TestAppleNotification(t *testing.T) {
	p := newProvider(t)
	at := p.clock.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		event  any
		action connectors.Action
		word   string
		at     time.Time
	}{
		"an object":            {claims{"type": "consent-revoked", "sub": "7", "event_time": at.UnixMilli()}, "unlink", "consent-revoked", at},
		"a text":               {string(marshal(t, claims{"type": "consent-revoked", "sub": "7", "event_time": at.UnixMilli()})), "unlink", "consent-revoked", at},
		"seconds":              {claims{"type": "consent-revoked", "sub": "7", "event_time": at.Unix()}, "unlink", "consent-revoked", at},
		"no time":              {claims{"type": "consent-revoked", "sub": "7"}, "unlink", "consent-revoked", p.clock.Now()},
		"ahead of its time":    {claims{"type": "consent-revoked", "sub": "7", "event_time": at.AddDate(1, 0, 0).Unix()}, "unlink", "consent-revoked", p.clock.Now()},
		"one spelling":         {claims{"type": "account-delete", "sub": "7"}, "unlink", "account-delete", p.clock.Now()},
		"and the other":        {claims{"type": "account-deleted", "sub": "7"}, "unlink", "account-delete", p.clock.Now()},
		"an address":           {claims{"type": "email-disabled", "sub": "7", "email": "resident@example.com"}, "undeliverable", "email-disabled", p.clock.Now()},
		"of which nobody said": {claims{"type": "email-enabled", "sub": "7"}, "none", "email-enabled", p.clock.Now()},
	} {
		t.Run(name, func(t *testing.T) {
			n, reply := tell(t, p.listening("apple"), connectors.EventsInbox, "application/json", p.notification(test.event))
			if reply.Status != http.StatusOK {
				t.Fatalf("got %d %s", reply.Status, reply.Body)
			}
			want := []connectors.Event{{
				Action: test.action, Type: test.word, Issuer: p.url, Subject: "7", Keys: []string{"sub:" + p.url + " 7"}, At: test.at,
			}}
			if diff := cmp.Diff(want, n.Events); diff != "" || n.Once.ID != "event-1" {
				t.Error(diff, n.Once)
			}
		})
	}
}

func TestAppleNotificationsRefused(t *testing.T) {
	p := newProvider(t)
	honest := claims{"type": "consent-revoked", "sub": "7"}
	for name, body := range map[string]string{
		"no JSON":           p.eventToken(nil, ""),
		"no payload":        `{"token": "x"}`,
		"nothing":           "",
		"too large":         `{"payload": "` + strings.Repeat("A", 70_000) + `"}`,
		"no event":          p.notification(nil),
		"no type":           p.notification(claims{"sub": "7"}),
		"a text of nothing": p.notification("consent-revoked"),
		"an event of RISC":  p.notification(claims{riscType + "sessions-revoked": p.subject("7")}),
		"for another app":   string(marshal(t, claims{"payload": p.eventToken(claims{"aud": "another", "events": honest}, "")})),
		"of another issuer": string(marshal(t, claims{"payload": p.eventToken(claims{"iss": "https://other.example", "events": honest}, "")})),
	} {
		if _, reply := tell(t, p.listening("apple"), connectors.EventsInbox, "application/json", body); reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
}
