package connectors

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/councilid/councilid/mapping"
)

// apple takes the server-to-server notifications of Sign in with Apple: a
// signed token in a JSON object, with one event that is an object of its own
// kind, or the text of one.
type apple struct{ teller }

// Receive implements [Receiver].
func (c *apple) Receive(ctx context.Context, r *http.Request) (Notice, error) {
	body, err := readEvent(r)
	if err != nil {
		return Notice{}, err
	}
	var posted struct{ Payload string }
	if json.Unmarshal(body, &posted) != nil {
		return Notice{}, reject(invalidRequest, "the body is not a JSON object with a payload")
	}
	claims, err := c.verify(ctx, posted.Payload, "secevent+jwt")
	if err != nil {
		return Notice{}, err
	}
	event, ok := appleEvent(claims["events"])
	if !ok {
		return Notice{}, reject(invalidRequest, "events is not an event")
	}
	iat, _ := numericDate(claims["iat"])
	at, ok := instant(event["event_time"])
	if !ok {
		at = iat
	}
	at = earlier(at, iat)
	return Notice{
		Once:   once(claims.Text("jti"), iat),
		Events: []Event{c.event(appleWord(event.Text("type")), "", c.issuer, event.Text("sub"), at)},
	}, nil
}

// appleEvent is the event in an object, or in the text of one.
func appleEvent(value any) (mapping.Claims, bool) {
	if text, ok := value.(string); ok {
		var event mapping.Claims
		err := json.Unmarshal([]byte(text), &event)
		return event, err == nil && event.Text("type") != ""
	}
	event, _ := value.(map[string]any)
	return event, mapping.Claims(event).Text("type") != ""
}

// appleWord is the type of an event in one spelling of the two that Apple uses.
func appleWord(word string) string {
	if word == "account-deleted" {
		return "account-delete"
	}
	return word
}

// Acknowledge implements [Receiver]. Apple sends again whatever else is answered.
func (c *apple) Acknowledge(Notice, string) Reply { return Reply{Status: http.StatusOK} }

// Refuse implements [Receiver].
func (c *apple) Refuse(err error) Reply { return refuse(err, "error", "error_description") }
