package simulator

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// telling is a message before it is written out: faults change it.
type telling struct {
	protocol string         // that of config.Events, backchannel or frontchannel
	claims   mapping.Claims // of the token, or the signed request
	word     string         // for the event
	payload  mapping.Claims // and what it says
	text     bool           // the events are written as a text
	typ      string
	sign     func(r *ring, typ string, payload []byte) (string, error)
	secret   string // of signed requests
}

// tellingOf is the message of a provider at which nothing goes wrong, then what
// the fault makes of it.
func (p *Provider) tellingOf(e Event) (*telling, error) {
	someone, ok := p.persona(e.Persona)
	if !ok {
		return nil, fmt.Errorf("there is no persona %q", e.Persona)
	}
	t := &telling{protocol: p.protocolOf(e.Kind), word: e.Kind, sign: (*ring).signTyped, secret: p.secret}
	if t.protocol == "" {
		return nil, fmt.Errorf("the connector has no inbox for it")
	}
	t.begin(p, someone)
	if e.Fault == "" || e.Fault == replayed {
		return t, nil
	}
	fault, ok := eventFaults()[e.Fault]
	if !ok {
		return nil, fmt.Errorf("there is no fault %q", e.Fault)
	}
	fault(p, t)
	return t, nil
}

// protocolOf is how the connector is told of a kind of event, "" where it is not.
func (p *Provider) protocolOf(kind string) string {
	oidc := p.cfg.OIDC
	switch {
	case kind == BackChannelLogout && oidc != nil && oidc.Logout.BackChannel,
		kind == FrontChannelLogout && oidc != nil && oidc.Logout.FrontChannel:
		return strings.TrimSuffix(kind, "-logout")
	case kind == BackChannelLogout, kind == FrontChannelLogout, p.cfg.Events == nil:
		return ""
	}
	return p.cfg.Events.Protocol
}

// namesSessions reports whether ID tokens name the session that they open.
func (p *Provider) namesSessions() bool {
	return p.cfg.OIDC.Logout.BackChannel || p.cfg.OIDC.Logout.FrontChannel
}

// begin makes the message an honest one of its protocol.
func (t *telling) begin(p *Provider, someone Persona) {
	said := someone.Person
	if p.terms.openID {
		said = p.idTokenSays(&grant{persona: someone, fault: sound})
	}
	iss, sub := p.issuerFor(said), said.Text("sub")
	sid, _ := p.sessions.get(someone.ID)
	t.claims = mapping.Claims{"iss": iss, "aud": p.cfg.ClientID, "jti": rand.Text(), "iat": p.now().Unix()}
	switch t.protocol {
	case "backchannel":
		t.logoutToken(p, sub, sid)
	case "frontchannel":
		t.claims["sid"] = sid
	case "risc":
		t.securityEvent(p, iss, sub)
	case "apple":
		t.notification(p, sub)
	case "facebook":
		t.claims = mapping.Claims{"algorithm": "HMAC-SHA256", "issued_at": p.now().Unix(), "user_id": sub}
	}
}

// logoutToken is that of Back-Channel Logout 1.0 §2.4.
func (t *telling) logoutToken(p *Provider, sub, sid string) {
	t.typ = "logout+jwt"
	t.claims["sub"], t.claims["exp"] = sub, p.now().Add(2*time.Minute).Unix()
	t.word, t.payload = "http://schemas.openid.net/event/backchannel-logout", mapping.Claims{}
	if sid != "" && !p.manner.noSID {
		t.claims["sid"] = sid
	}
}

// securityEvent is a security event token (RFC 8417), as Google writes them: for
// all clients of a project, with the subject in the event.
func (t *telling) securityEvent(p *Provider, iss, sub string) {
	word, reason := t.word, ""
	if !strings.Contains(word, "://") {
		word, reason, _ = strings.Cut(word, "/")
	}
	t.typ, t.word = "secevent+jwt", riscURI(word)
	t.claims["iss"], t.claims["aud"] = p.cfg.Events.Issuer, []string{"another-client", p.cfg.ClientID}
	if p.manner.addressed {
		t.claims["aud"] = p.inbox(t.word, "")
	}
	t.payload = mapping.Claims{"subject": mapping.Claims{"subject_type": "iss-sub", "iss": iss, "sub": sub}}
	if reason != "" {
		t.payload["reason"] = reason
	}
}

// riscURI is the type of an event (RISC Profile 1.0 §2; tokens are OAuth's).
func riscURI(word string) string {
	family := "risc"
	switch {
	case strings.Contains(word, "://"):
		return word
	case strings.HasPrefix(word, "token"):
		family = "oauth"
	}
	return "https://schemas.openid.net/secevent/" + family + "/event-type/" + word
}

// notification is one of Apple's: the event is a text.
func (t *telling) notification(p *Provider, sub string) {
	t.text = true
	t.claims["iss"] = p.cfg.Events.Issuer
	t.payload = mapping.Claims{"type": t.word, "sub": sub, "event_time": p.now().UnixMilli()}
}

func (t *telling) mediaType() string {
	return cmp.Or(map[string]string{"risc": "application/secevent+jwt", "apple": "application/json"}[t.protocol], "application/x-www-form-urlencoded")
}

// query is the front-channel question of one session.
func (t *telling) query() string {
	return url.Values{"iss": {t.claims.Text("iss")}, "sid": {t.claims.Text("sid")}}.Encode()
}
