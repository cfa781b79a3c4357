package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// Providers tell of accounts in four protocols: security event tokens (risc.go),
// Apple's notifications (apple.go), Facebook's signed requests (facebook.go) and
// OpenID Connect's logout tokens (oidc_logout_token.go). All of them are checked
// in one order: size, shape, type, algorithm, signature, issuer, audience, time,
// and the message's own identifier. What it means comes last.

// inboxes are where a connector is told of accounts. It implements [Listener].
type inboxes map[Inbox]Receiver

// Receiver implements [Listener].
func (i inboxes) Receiver(at Inbox) Receiver { return i[at] }

// tellsOfPeople reports whether the provider tells what happens to accounts.
func (i inboxes) tellsOfPeople() bool { return i[EventsInbox] != nil }

// sessionsOf is a session that ends with what the provider tells of sub: nil where
// it tells nothing.
func (i inboxes) sessionsOf(issuer, sub string) *ProviderSession {
	if !i.tellsOfPeople() {
		return nil
	}
	return &ProviderSession{Keys: []string{sessionKey("sub", issuer, sub)}}
}

// sessionKey names the sessions of a subject (kind sub) or one session (sid) of
// an issuer: those of two tenants may be called the same.
func sessionKey(kind, issuer, name string) string { return kind + ":" + issuer + " " + name }

// teller is a provider as it tells of accounts.
type teller struct {
	issuer   string                               // under which links are kept; that of a tenant is not known here
	accounts accountIssuers                       // and the spellings of it
	subject  func(mapping.Claims) (string, error) // of a link, from what it says of the person
	keys     *postedKeys                          // of its tokens; nil where it signs with the client secret
	events   config.Events
	address  string // that events are sent to
	now      func() time.Time
}

// accountIssuers leads from each spelling in which a provider names the issuer
// of its accounts to the one that links are kept under.
type accountIssuers map[string]string

// issuersOf are the spellings of a connector's issuer, or of its tenants'.
func issuersOf(issuer string, aliases, tenants []string, events *config.Events) accountIssuers {
	all := accountIssuers{}
	for _, tenant := range tenants {
		filled := strings.Replace(issuer, braces.FindString(issuer), tenant, 1)
		all[filled] = filled
	}
	if len(tenants) > 0 {
		return all
	}
	if events != nil && events.Issuer != "" {
		aliases = append(slices.Clone(aliases), events.Issuer)
	}
	for _, spelling := range append(aliases, issuer) {
		all[spelling] = issuer
	}
	return all
}

// openInboxes are those that the configuration's events come to.
func openInboxes(cfg config.Connector, t teller) inboxes {
	if cfg.Events == nil {
		return inboxes{}
	}
	t.events = *cfg.Events
	switch t.events.Protocol {
	case "risc":
		return inboxes{EventsInbox: &risc{t}}
	case "apple":
		return inboxes{EventsInbox: &apple{t}}
	case "facebook":
		f := facebook{t, []byte(cfg.ClientSecret.Reveal())}
		return inboxes{EventsInbox: &deauthorisation{f}, DeletionInbox: &deletion{f}}
	}
	return inboxes{}
}

// eventKeys are the keys of event tokens: the provider's own for them, else
// those of its ID tokens.
func eventKeys(e *config.Events, idTokens *keySet, client *Outbound, o Options) *postedKeys {
	if e == nil {
		return nil
	}
	own := newKeySet(e.Algorithms, o, func(ctx context.Context) ([]jose.JSONWebKey, error) {
		return fetchKeys(ctx, client, e.JWKS)
	})
	if e.JWKS == "" && idTokens != nil {
		own.keys = idTokens.keys
	}
	return &postedKeys{keySet: own, now: o.Now}
}

const (
	// eventWindow is how old an event may be. Each is remembered for as long, so
	// that none is acted on twice.
	eventWindow = 7 * 24 * time.Hour

	eventSkew = time.Minute // how far a sender's clock may differ

	maxEvent = 64 << 10 // bytes of a message
)

// rejection is why a message is not taken, with the error code of RFC 8935 §2.4.
type rejection struct{ code, why string }

func (r *rejection) Error() string { return r.why }

// The codes of rejections.
const (
	invalidRequest  = "invalid_request"
	invalidKey      = "invalid_key"
	invalidIssuer   = "invalid_issuer"
	invalidAudience = "invalid_audience"
)

func reject(code, why string) error {
	return fail(Refused, "event: %w", &rejection{code, why})
}

// readEvent reads the body of r.
func readEvent(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent+1))
	switch {
	case err != nil:
		return nil, reject(invalidRequest, "the body cannot be read")
	case len(body) > maxEvent:
		return nil, reject(invalidRequest, "the body is too large")
	}
	return body, nil
}

// verify returns what a token of the provider's says, if it is of one of the
// types, for us, and of now. RFC 8417 §4.1 leaves it to the receiver to tell
// event tokens from other tokens: by typ where the provider sets it, and by the
// events that no ID token has.
func (t teller) verify(ctx context.Context, token, typ string) (mapping.Claims, error) {
	payload, err := t.keys.verify(ctx, token, typ)
	if err != nil {
		return nil, err
	}
	var claims mapping.Claims
	if json.Unmarshal(payload, &claims) != nil {
		return nil, reject(invalidRequest, "the token's claims are malformed")
	}
	switch {
	case claims.Text("iss") != t.events.Issuer:
		return nil, reject(invalidIssuer, "iss is another issuer")
	case !slices.ContainsFunc(audienceOf(claims), t.ours):
		return nil, reject(invalidAudience, "aud is another receiver")
	case claims.Text("jti") == "":
		return nil, reject(invalidRequest, "jti is missing")
	}
	return claims, t.timely(claims)
}

// ours reports whether an audience is us: by a name that we are known by there, or,
// as Login.gov writes it, by the address that the event was to go to.
func (t teller) ours(aud string) bool {
	return slices.Contains(t.events.Audience, aud) || aud != "" && aud == t.address
}

// audienceOf is aud, a text or a list (RFC 7519 §4.1.3).
func audienceOf(claims mapping.Claims) []string {
	if one := claims.Text("aud"); one != "" {
		return []string{one}
	}
	return texts(claims["aud"])
}

// timely wants an event of the last days. Event tokens need not expire (RFC
// 8417 §2.2); one that does has not.
func (t teller) timely(claims mapping.Claims) error {
	iat, ok := numericDate(claims["iat"])
	if !ok {
		return reject(invalidRequest, "iat is missing")
	}
	if err := t.recent(iat); err != nil {
		return err
	}
	if value, expires := claims["exp"]; expires {
		if exp, ok := numericDate(value); !ok || !t.now().Before(exp.Add(eventSkew)) {
			return reject(invalidRequest, "exp has passed")
		}
	}
	return nil
}

func (t teller) recent(issued time.Time) error {
	switch now := t.now(); {
	case issued.After(now.Add(eventSkew)):
		return reject(invalidRequest, "it was issued in the future")
	case issued.Before(now.Add(-eventWindow)):
		return reject(invalidRequest, "it is too old")
	}
	return nil
}

// once is remembered until the message would be refused as too old.
func once(id string, issued time.Time) Once {
	return Once{ID: id, Until: issued.Add(eventWindow + eventSkew)}
}

// event is what happened to an account of sub at the issuer iss, by the
// provider's own word and the reason that it gives, if any.
func (t teller) event(word, reason, iss, sub string, at time.Time) Event {
	e := Event{Action: t.action(word, reason), Type: printableType(word, reason), At: at}
	issuer, known := t.accounts[iss]
	if !known || !plain(sub) {
		// Somebody else's account, or none that is named by its subject: by an
		// e-mail address nobody is ever found.
		e.Action = NoAction
		return e
	}
	e.Issuer, e.Keys = issuer, []string{sessionKey("sub", issuer, sub)}
	if subject, err := t.subject(mapping.Claims{"iss": issuer, "sub": sub}); err == nil {
		e.Subject = subject
	}
	return e
}

// action is what the configuration makes of an event: of word/reason, or else of
// the word. A URI may be written as its last segment.
func (t teller) action(word, reason string) Action {
	for _, key := range []string{word + "/" + reason, lastSegment(word) + "/" + reason, word, lastSegment(word)} {
		if action, ok := t.events.Actions[key]; ok {
			return Action(action)
		}
	}
	return NoAction
}

func lastSegment(uri string) string { return uri[strings.LastIndex(uri, "/")+1:] }

// printableType is what an event is called. What does not look as names do in
// practice is not repeated: it goes to the log.
func printableType(word, reason string) string {
	name := lastSegment(word)
	switch {
	case !isCode(name) || reason != "" && !isCode(reason):
		return "unknown"
	case reason != "":
		return name + "/" + reason
	}
	return name
}

// instant reads seconds since 1970, or milliseconds, which some write: as seconds
// they would lie thousands of years ahead.
func instant(value any) (time.Time, bool) {
	n, ok := value.(float64)
	if !ok {
		return time.Time{}, false
	}
	if n > 1<<36 {
		n /= 1000
	}
	return numericDate(n)
}

// earlier is at, or when that was told where it lies after: an event that was
// dated ahead would outdo all that happens until then.
func earlier(at, told time.Time) time.Time {
	if at.After(told) {
		return told
	}
	return at
}

// jsonReply answers in JSON.
func jsonReply(status int, answer map[string]string) Reply {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // texts
	}
	return Reply{Status: status, MediaType: "application/json", Body: body}
}

// refuse answers that a message was not taken: what cannot be judged for now may
// come again, the rest is the sender's mistake. code and text are the members of
// the answer that say which.
func refuse(err error, code, text string) Reply {
	if f, ok := errors.AsType[*Failure](err); ok && f.Outcome != Refused {
		return Reply{Status: http.StatusServiceUnavailable}
	}
	why := rejection{invalidRequest, "it did not pass the checks"}
	if r, ok := errors.AsType[*rejection](err); ok {
		why = *r
	}
	return jsonReply(http.StatusBadRequest, map[string]string{code: why.code, text: why.why})
}
