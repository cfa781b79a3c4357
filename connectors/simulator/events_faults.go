package simulator

import (
	"maps"
	"slices"
	"time"

	"github.com/councilid/councilid/mapping"
)

// EventFaults are what can be wrong with an [Event], by id. Some change nothing
// in some protocols.
func EventFaults() []string {
	return append(slices.Sorted(maps.Keys(eventFaults())), replayed)
}

// eventFaults bend a message.
func eventFaults() map[string]func(*Provider, *telling) {
	return map[string]func(*Provider, *telling){
		"expired":       func(p *Provider, t *telling) { t.claims["exp"] = p.now().Add(-5 * time.Minute).Unix() },
		"old":           func(p *Provider, t *telling) { t.issued(p.now().AddDate(0, 0, -8)) },
		"future":        func(p *Provider, t *telling) { t.issued(p.now().Add(time.Hour)) },
		"no-sid":        func(_ *Provider, t *telling) { delete(t.claims, "sid") },
		"no-sub":        func(_ *Provider, t *telling) { delete(t.claims, "sub"); delete(t.claims, "sid") },
		"unknown-sub":   func(_ *Provider, t *telling) { t.name("sub", "nobody-of-this-name"); delete(t.claims, "sid") },
		"other-issuer":  func(_ *Provider, t *telling) { t.name("iss", "https://other.example") },
		"email":         func(_ *Provider, t *telling) { t.byMail() },
		"no-events":     func(_ *Provider, t *telling) { t.payload = nil },
		"stringified":   func(_ *Provider, t *telling) { t.text = true },
		"object":        func(_ *Provider, t *telling) { t.text = false },
		"nonce":         func(_ *Provider, t *telling) { t.claims["nonce"] = "n-0S6_WzA2Mj" },
		"no-jti":        func(_ *Provider, t *telling) { delete(t.claims, "jti") },
		"wrong-aud":     func(_ *Provider, t *telling) { t.claims["aud"] = []string{"another-client"} },
		"wrong-iss":     func(_ *Provider, t *telling) { t.claims["iss"] = "https://other.example" },
		"wrong-typ":     func(_ *Provider, t *telling) { t.typ = "at+jwt" },
		"no-typ":        func(_ *Provider, t *telling) { t.typ = "" },
		"bad-signature": func(_ *Provider, t *telling) { t.secret, t.sign = "another secret", signBadly },
		"unknown-key":   func(_ *Provider, t *telling) { t.secret, t.sign = "another secret", signAstray },
		"no-signature":  func(_ *Provider, t *telling) { t.secret, t.sign = "", signNot },
		"wrong-algorithm": func(_ *Provider, t *telling) {
			t.claims["algorithm"], t.sign = "none", signByHMAC
		},
	}
}

func signBadly(r *ring, _ string, payload []byte) (string, error)  { return r.signBadly(payload) }
func signAstray(r *ring, _ string, payload []byte) (string, error) { return r.signAstray(payload) }
func signByHMAC(r *ring, _ string, payload []byte) (string, error) { return r.signByHMAC(payload) }
func signNot(r *ring, _ string, payload []byte) (string, error)    { return r.unsigned(payload) }

// issued dates the message.
func (t *telling) issued(at time.Time) {
	if t.protocol == "facebook" {
		t.claims["issued_at"] = at.Unix()
		return
	}
	t.claims["iat"] = at.Unix()
}

// name names another subject, or another issuer, wherever the message does.
func (t *telling) name(member, value string) {
	switch subject, _ := t.payload["subject"].(mapping.Claims); {
	case subject != nil:
		subject[member] = value
	case member == "iss":
		t.claims["iss"] = value
	case t.protocol == "apple":
		t.payload["sub"] = value
	case t.protocol == "facebook":
		t.claims["user_id"] = value
	default:
		t.claims[member] = value
	}
}

// byMail names the person by an e-mail address alone.
func (t *telling) byMail() {
	if t.payload != nil {
		t.payload["subject"] = mapping.Claims{"subject_type": "email", "email": "alice.morgan@example.org"}
	}
}
