package simulator

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// Event is something that a provider tells its client of: a session that ended
// there, or what happened to somebody's account.
type Event struct {
	// Kind is what happened, in the words of the connector's events.actions:
	// sessions-revoked, account-disabled/hijacking or a whole URI (risc),
	// consent-revoked (apple), deauthorise and deletion (facebook). By OpenID
	// Connect it is BackChannelLogout or FrontChannelLogout.
	Kind string

	// Persona is to whom, by id.
	Persona string

	// Fault is what is wrong with the message, "" for nothing. EventFaults has
	// them all.
	Fault string
}

// The kinds of [Event] by which OpenID Connect providers end sessions.
const (
	BackChannelLogout  = "backchannel-logout"  // every session of the persona, or the last one where the provider names it
	FrontChannelLogout = "frontchannel-logout" // that one, in the browser
)

// Send tells the client of an event, at the address that goes with its callback:
// ISSUER/callback/ID is answered, so events go to ISSUER/events/ID. Whoever calls
// closes the answer's body.
func (p *Provider) Send(ctx context.Context, e Event) (*http.Response, error) {
	r, err := p.request(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("simulator: %s: %w", e.Kind, err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	return client.Do(r)
}

// request is what tells of an event.
func (p *Provider) request(ctx context.Context, e Event) (*http.Request, error) {
	to, mediaType, body, err := p.message(e)
	if err != nil {
		return nil, err
	}
	if e.Kind == FrontChannelLogout {
		return http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", mediaType)
		r.Header.Set("Accept", "application/json")
	}
	return r, err
}

// message is what is posted where. A message that is replayed is the last one of
// its kind about the same person, to the letter.
func (p *Provider) message(e Event) (to, mediaType, body string, err error) {
	b, err := p.tellingOf(e)
	if err != nil {
		return "", "", "", err
	}
	about := e.Kind + " " + e.Persona
	last, told := p.told.get(about)
	switch {
	case e.Fault != replayed:
		last, err = b.write(p)
	case !told:
		err = fmt.Errorf("there is nothing to send again")
	}
	p.told.put(about, last, p.now())
	return p.inbox(e.Kind, last), b.mediaType(), last, err
}

const replayed = "replayed"

// inbox is the client's address for a kind of event.
func (p *Provider) inbox(kind, message string) string {
	at := func(room string) string { return strings.Replace(p.redirects[0], "/callback/", "/"+room+"/", 1) }
	switch kind {
	case BackChannelLogout:
		return at("logout") + "/backchannel"
	case FrontChannelLogout:
		return at("logout") + "?" + message
	case "deletion":
		return at("events") + "/deletion"
	}
	return at("events")
}

// LogoutAddress is where the provider has a browser ask the client to end the
// persona's last session (Front-Channel Logout 1.0 §3).
func (p *Provider) LogoutAddress(persona string) (string, error) {
	to, _, _, err := p.message(Event{Kind: FrontChannelLogout, Persona: persona})
	return to, err
}

// telling is a message before it is written out: faults change it.
type telling struct {
	protocol string // that of config.Events, backchannel or frontchannel
	claims   mapping.Claims
	word     string         // of the event
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
	t := &telling{protocol: p.protocolOf(e.Kind), sign: (*ring).signTyped, secret: p.secret}
	if t.protocol == "" {
		return nil, fmt.Errorf("the connector has no inbox for it")
	}
	said := p.speakOf(someone)
	t.word = e.Kind
	t.claims = mapping.Claims{
		"iss": p.issuerFor(said), "aud": p.cfg.ClientID, "sub": said.Text("sub"), "jti": rand.Text(), "iat": p.now().Unix(),
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

// speakOf is what the client knows somebody by.
func (p *Provider) speakOf(someone Persona) mapping.Claims {
	if !p.terms.openID {
		return someone.Person
	}
	return p.idTokenSays(&grant{persona: someone, fault: sound})
}

// namesSessions reports whether the provider tells of sessions that ended, which
// it has names for.
func (p *Provider) namesSessions() bool {
	return p.cfg.OIDC.Logout.BackChannel || p.cfg.OIDC.Logout.FrontChannel
}

// begin makes the message an honest one of its protocol.
func (t *telling) begin(p *Provider, someone Persona) {
	sid, _ := p.sessions.get(someone.ID)
	switch t.protocol {
	case "backchannel":
		t.typ = "logout+jwt"
		t.claims["exp"] = p.now().Add(2 * time.Minute).Unix()
		t.word, t.payload = "http://schemas.openid.net/event/backchannel-logout", mapping.Claims{}
		if sid != "" {
			t.claims["sid"] = sid
		}
	case "frontchannel":
		t.claims["sid"] = sid
	case "risc":
		word, reason, _ := strings.Cut(t.word, "/")
		if strings.Contains(t.word, "://") {
			word, reason = t.word, ""
		}
		t.typ, t.word = "secevent+jwt", riscURI(word)
		t.payload = mapping.Claims{"subject": mapping.Claims{"subject_type": "iss-sub", "iss": t.claims["iss"], "sub": t.claims["sub"]}}
		if reason != "" {
			t.payload["reason"] = reason
		}
		t.claims["aud"] = []string{"another-client", p.cfg.ClientID} // as Google, of all clients of a project
		t.claims["iss"] = p.cfg.Events.Issuer
		delete(t.claims, "sub")
	case "apple":
		t.text = true
		t.payload = mapping.Claims{"type": t.word, "sub": t.claims["sub"], "event_time": p.now().UnixMilli()}
		t.claims["iss"] = p.cfg.Events.Issuer
		delete(t.claims, "sub")
	case "facebook":
		t.claims = mapping.Claims{"algorithm": "HMAC-SHA256", "issued_at": p.now().Unix(), "user_id": t.claims["sub"]}
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

func (t *telling) mediaType() string {
	return cmp.Or(map[string]string{"risc": "application/secevent+jwt", "apple": "application/json"}[t.protocol], "application/x-www-form-urlencoded")
}

// query is the front-channel question of one session.
func (t *telling) query() string {
	return url.Values{"iss": {t.claims.Text("iss")}, "sid": {t.claims.Text("sid")}}.Encode()
}
