package connectors_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
)

// Whatever a provider signs: nothing panics, and nothing follows for anybody but
// people of the provider's own issuer.
func FuzzEvent(f *testing.F) {
	p := newProvider(f)
	honest := func(d claims) string {
		return string(marshal(f, with(claims{
			"iss": eventIssuer, "aud": clientID, "jti": "1", "iat": p.clock.Now().Unix(), "exp": p.clock.Now().Unix() + 60,
			"algorithm": "HMAC-SHA256", "issued_at": p.clock.Now().Unix(), "user_id": "7",
		}, d)))
	}
	f.Add(honest(claims{"events": claims{riscType + "sessions-revoked": p.subject("7")}}))
	f.Add(honest(claims{"events": claims{"type": "consent-revoked", "sub": "7"}}))
	f.Add(honest(claims{"events": `{"type": "account-deleted", "sub": "7", "event_time": 1}`}))
	f.Add(honest(claims{"iss": p.url, "sub": "7", "events": claims{logoutEvent: claims{}}}))
	f.Add(`{"iss": "` + eventIssuer + `", "aud": ["` + clientID + `", 7], "jti": "1", "iat": 1e300, "events": {"x": {"subject": {"format": [], "sub": {}}}}}`)
	f.Add(`null`)
	open := map[string]connectors.Connector{}
	for _, protocol := range []string{"risc", "apple", "facebook"} {
		open[protocol] = p.listening(protocol)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		token := signText(t, p, payload)
		body, err := json.Marshal(map[string]string{"payload": token})
		if err != nil {
			t.Fatal(err)
		}
		var all []connectors.Event
		for _, post := range []func() (connectors.Notice, connectors.Reply){
			func() (connectors.Notice, connectors.Reply) { return tellRISC(t, open["risc"], token) },
			func() (connectors.Notice, connectors.Reply) {
				return tell(t, open["apple"], connectors.EventsInbox, "application/json", string(body))
			},
			func() (connectors.Notice, connectors.Reply) {
				return tellFacebook(t, open["facebook"], connectors.DeletionInbox, signedText(clientSecret, payload))
			},
		} {
			n, reply := post()
			if (reply.Status < http.StatusBadRequest) != (len(n.Events) > 0) {
				t.Errorf("%d events, and status %d", len(n.Events), reply.Status)
			}
			all = append(all, n.Events...)
		}
		for _, e := range all {
			if e.Action != connectors.NoAction && (e.Issuer != p.url || len(e.Keys) != 1 || !strings.HasPrefix(e.Keys[0], "sub:"+p.url+" ")) {
				t.Errorf("%+v follows", e)
			}
		}
	})
}

func signText(t testing.TB, p *provider, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, (&jose.SignerOptions{}).WithHeader("kid", p.keyID))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
