package connectors

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// risc takes security event tokens (RFC 8417) that are pushed (RFC 8935), with
// the events of RISC, CAEP and whatever else the configuration lists.
type risc struct{ teller }

// maxEvents is how many events one token may carry. The Shared Signals Framework
// allows one, RFC 8417 several that have one cause.
const maxEvents = 16

// Receive implements [Receiver].
func (c *risc) Receive(ctx context.Context, r *http.Request) (Notice, error) {
	body, err := readEvent(r)
	if err != nil {
		return Notice{}, err
	}
	claims, err := c.verify(ctx, strings.TrimSpace(string(body)), "secevent+jwt")
	if err != nil {
		return Notice{}, err
	}
	events, ok := claims["events"].(map[string]any) // RFC 8417 §2.2: never a text
	if !ok || len(events) == 0 || len(events) > maxEvents {
		return Notice{}, reject(invalidRequest, "events is not an object of some events")
	}
	iat, _ := numericDate(claims["iat"])
	n := Notice{Once: once(claims.Text("jti"), iat)}
	for _, uri := range slices.Sorted(maps.Keys(events)) {
		payload, ok := events[uri].(map[string]any)
		if !ok {
			return Notice{}, reject(invalidRequest, "the payload of an event is not an object")
		}
		n.Events = append(n.Events, c.read(uri, payload, claims))
	}
	return n, nil
}

func (c *risc) read(uri string, payload, claims mapping.Claims) Event {
	// The subject is a claim of the token, or of the event by the drafts.
	id, ok := claims["sub_id"].(map[string]any)
	if !ok {
		id, _ = payload["subject"].(map[string]any)
	}
	iss, sub := accountNamed(id)
	return c.event(uri, payload.Text("reason"), iss, sub, happened(payload, claims))
}

// accountNamed is the account that a subject identifier names by its issuer and
// subject (RFC 9493 §3.2.3), in the spelling of the drafts as well. There are
// others, which name nobody here.
func accountNamed(id mapping.Claims) (iss, sub string) {
	switch cmp.Or(id.Text("format"), id.Text("subject_type")) {
	case "iss_sub", "iss-sub", "id_token_claims", "id-token-claims":
		return id.Text("iss"), id.Text("sub")
	}
	return "", ""
}

// happened is when the event happened: by its own time (CAEP §2), by that of the
// token (RFC 8417 §2.2, toe), or when the token was issued.
func happened(payload, claims mapping.Claims) time.Time {
	iat, _ := numericDate(claims["iat"])
	for _, said := range []any{payload["event_timestamp"], claims["toe"]} {
		if at, ok := instant(said); ok {
			return earlier(at, iat)
		}
	}
	return iat
}

// Acknowledge implements [Receiver] (RFC 8935 §2.2).
func (c *risc) Acknowledge(Notice, string) Reply { return Reply{Status: http.StatusAccepted} }

// Refuse implements [Receiver] (RFC 8935 §2.3).
func (c *risc) Refuse(err error) Reply { return refuse(err, "err", "description") }
