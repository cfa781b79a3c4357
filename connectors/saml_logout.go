package connectors

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// samlSession is what a LogoutRequest says of the session that is to end.
type samlSession struct {
	NameID       message.NameID `json:"name_id"` // verbatim: ADFS compares every part of it
	SessionIndex string         `json:"session_index,omitempty"`
}

// session is the provider's session that a response opened, nil where nobody
// will ever end it.
func (c *samlConnector) session(e *metadata.Entity, f *message.Facts) (*ProviderSession, error) {
	if c.settings.Logout.Page != "" {
		return &ProviderSession{Detail: json.RawMessage("{}")}, nil // the browser's, whose ever it is
	}
	send, accept := enabled(c.settings.Logout.Send), enabled(c.settings.Logout.Accept)
	if f.NameID.Value == "" || !send && !accept {
		return nil, nil
	}
	detail, err := json.Marshal(samlSession{f.NameID, f.SessionIndex})
	if err != nil {
		return nil, err
	}
	keys := []string{c.sessionKey(e, f.NameID, "")}
	if f.SessionIndex != "" {
		keys = append(keys, c.sessionKey(e, f.NameID, f.SessionIndex))
	}
	return &ProviderSession{Keys: keys, Detail: detail}, nil
}

// sessionKey names the session of a NameID with this index, or all of its
// sessions.
func (c *samlConnector) sessionKey(e *metadata.Entity, id message.NameID, index string) string {
	id = c.nameOf(e, id)
	h := sha256.New()
	for _, part := range []string{id.Format, id.NameQualifier, id.SPNameQualifier, id.Value, index} {
		h.Write([]byte(part))
		h.Write([]byte{0}) // which XML cannot hold
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Logout implements [Logouter]: a LogoutRequest (Core §3.7.1), or the
// provider's page.
func (c *samlConnector) Logout(ctx context.Context, s ProviderSession, id string) (Redirect, error) {
	if c.settings.Logout.Page != "" {
		return Redirect{URL: c.logoutPage(id)}, nil
	}
	if !enabled(c.settings.Logout.Send) {
		return Redirect{}, nil
	}
	e, err := c.entity(ctx)
	if err != nil {
		return Redirect{}, err
	}
	to, ok := metadata.Find(e.SLO, binding.Redirect, binding.POST)
	if !ok {
		return Redirect{}, nil
	}
	var session samlSession
	if err := json.Unmarshal(s.Detail, &session); err != nil {
		return Redirect{}, fail(Misconfigured, "logout: the session was opened by another connector: %w", err)
	}
	request := message.LogoutRequest{
		Header: c.header(messageID(id), to.Location), NameID: session.NameID,
		NotOnOrAfter: c.now().Add(5 * time.Minute),
	}
	if session.SessionIndex != "" {
		request.SessionIndexes = []string{session.SessionIndex}
	}
	return c.send(to.Location, to.Binding, binding.Request, request.Element(), "", true)
}

// ReadLogout implements [Logouter]. A question that is not signed is refused:
// anybody could make a resident's browser bring it.
func (c *samlConnector) ReadLogout(ctx context.Context, r *http.Request) (LogoutMessage, error) {
	if id, ok := c.fromPage(r); ok {
		return LogoutMessage{Answers: id, OK: true}, nil
	}
	e, err := c.entity(ctx)
	if err != nil {
		return LogoutMessage{}, err
	}
	m, err := c.readLogout(r)
	if err != nil {
		return LogoutMessage{}, fail(Refused, "logout: %w", err)
	}
	said, err := verified(ctx, c, e, func(e *metadata.Entity) (xmlsig.Verified, error) {
		return m.Verify(e.Signing, c.trust())
	})
	if errors.Is(err, xmlsig.ErrUnsigned) && m.Parameter == binding.Response {
		return c.unsignedAnswer(e, r)
	}
	if err != nil {
		return LogoutMessage{}, fail(Refused, "logout: %w", err)
	}
	if said.Element().Is(message.Protocol, "LogoutResponse") {
		return c.logoutAnswer(e, said.Element(), m.Binding)
	}
	question, err := c.logoutQuestion(e, said.Element(), m.Binding)
	question.RelayState = m.RelayState
	return question, err
}

// soap is where the provider sends logout messages from server to server.
func (c *samlConnector) soap() string { return c.slo + "/soap" }

func (c *samlConnector) readLogout(r *http.Request) (binding.Received, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || mediaType == "application/x-www-form-urlencoded" {
		return binding.Receive(r, c.limits)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(c.limits.Bytes)+1))
	if err != nil {
		return binding.Received{}, err
	}
	return binding.ReadSOAP(body, c.limits)
}

// unsignedAnswer is an answer that nobody signed, as SimpleSAMLphp makes them by
// default. The sign-out goes on after it, and nothing is believed of it.
func (c *samlConnector) unsignedAnswer(e *metadata.Entity, r *http.Request) (LogoutMessage, error) {
	m, err := binding.Read(r, c.limits)
	if err != nil {
		return LogoutMessage{}, fail(Refused, "logout: %w", err)
	}
	answer, err := c.logoutAnswer(e, m.Message.Element, m.Binding)
	answer.OK = false
	return answer, err
}

func (c *samlConnector) logoutAnswer(e *metadata.Entity, said xmlgate.Element, by string) (LogoutMessage, error) {
	m, err := message.ParseLogoutResponse(said)
	if err != nil {
		return LogoutMessage{}, fail(Refused, "logout response: %w", err)
	}
	if err := c.fromProvider(e, m.Header, time.Time{}, by); err != nil {
		return LogoutMessage{}, err
	}
	id, ours := strings.CutPrefix(m.InResponseTo, idPrefix)
	if !ours {
		return LogoutMessage{}, fail(Refused, "logout response: it answers no request of ours")
	}
	return LogoutMessage{Answers: id, OK: m.Status.Code == message.Success}, nil
}

func (c *samlConnector) logoutQuestion(e *metadata.Entity, said xmlgate.Element, by string) (LogoutMessage, error) {
	m, err := message.ParseLogoutRequest(said, c.decrypters(), c.encryption())
	if err != nil {
		return LogoutMessage{}, fail(Refused, "logout request: %w", err)
	}
	if err := c.fromProvider(e, m.Header, m.NotOnOrAfter, by); err != nil {
		return LogoutMessage{}, err
	}
	if !enabled(c.settings.Logout.Accept) {
		return LogoutMessage{}, fail(NotAllowed, "logout request: the connector accepts none")
	}
	r := c.settings.Response
	question := LogoutMessage{
		ID: m.ID, Silent: m.Asynchronous,
		Once: Once{ID: m.ID, Until: c.forgotten(m.IssueInstant.Add(r.MaxAge + r.ClockSkew))},
	}
	for _, index := range m.SessionIndexes {
		question.Keys = append(question.Keys, c.sessionKey(e, m.NameID, index))
	}
	if len(m.SessionIndexes) == 0 {
		question.Keys = []string{c.sessionKey(e, m.NameID, "")}
	}
	return question, nil
}

// fromProvider checks that a logout message is the provider's, for us, and of
// now.
func (c *samlConnector) fromProvider(e *metadata.Entity, h message.Header, notOnOrAfter time.Time, by string) error {
	at := c.slo
	if by == binding.SOAP {
		at = c.soap()
	}
	switch {
	case h.Issuer != e.ID:
		return fail(Refused, "logout: the message is of another issuer")
	case h.Destination == "" && by != binding.SOAP: // Bindings §3.4.5.2, §3.5.5.2
		return fail(Refused, "logout: Destination is missing")
	}
	r := c.settings.Response
	if err := h.Timely(at, notOnOrAfter, c.now(), r.ClockSkew, r.MaxAge); err != nil {
		return fail(Refused, "logout: %w", err)
	}
	return nil
}

// AnswerLogout implements [Logouter]: a LogoutResponse (Core §3.7.2).
func (c *samlConnector) AnswerLogout(ctx context.Context, m LogoutMessage, whole bool) (Redirect, error) {
	e, err := c.entity(ctx)
	if err != nil {
		return Redirect{}, err
	}
	to, ok := metadata.Find(e.SLO, binding.Redirect, binding.POST)
	if !ok {
		return Redirect{}, nil
	}
	answer := c.logoutResponse(m, to.Response(), whole)
	return c.send(to.Response(), to.Binding, binding.Response, answer.Element(), m.RelayState, true)
}

// AnswerSOAP implements [Logouter].
func (c *samlConnector) AnswerSOAP(_ context.Context, m LogoutMessage, whole bool) ([]byte, error) {
	answer, err := c.sign(c.logoutResponse(m, "", whole).Element())
	if err != nil {
		return nil, err
	}
	return binding.Envelope(answer)
}

func (c *samlConnector) logoutResponse(m LogoutMessage, to string, whole bool) message.LogoutResponse {
	answer := message.LogoutResponse{Header: c.header(messageID(rand.Text()), to), Status: message.Status{Code: message.Success}}
	answer.InResponseTo = m.ID
	if !whole {
		answer.Status.Second = message.PartialLogout // Core §3.7.3.2
	}
	return answer
}
