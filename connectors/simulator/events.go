package simulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
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
	t, err := p.tellingOf(e)
	if err != nil {
		return "", "", "", err
	}
	about := e.Kind + " " + e.Persona
	last, told := p.told.get(about)
	switch {
	case e.Fault != replayed:
		last, err = t.write(p)
	case !told:
		err = errors.New("there is nothing to send again")
	}
	p.told.put(about, last, p.now())
	return p.inbox(e.Kind, last), t.mediaType(), last, err
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
