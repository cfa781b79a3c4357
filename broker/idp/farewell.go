package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// logoutRequestTime is how long an app may act on a request of ours.
const logoutRequestTime = 5 * time.Minute

// End implements [login.FrontEnd]. Nothing is left to revoke: an assertion is
// spent in minutes, and what was noted of it leads to a session that is over.
func (s *Server) End(*store.Batch, login.Use) {}

// Withdraw implements [login.FrontEnd]. Nothing is kept apart from sessions.
func (s *Server) Withdraw(context.Context, login.Withdrawal) error { return nil }

// Tell implements [login.FrontEnd]: by SOAP, where the app's metadata has it.
func (s *Server) Tell(ctx context.Context, u login.Use) (told bool, err error) {
	p, used, err := s.used(ctx, u)
	if err != nil {
		return false, err
	}
	slo, ok := metadata.Find(p.metadata.SLO, binding.SOAP)
	if !ok {
		return false, nil
	}
	request := s.logoutRequest(slo.Location, newID(), used)
	signed, err := xmlsig.Sign(request.Element(), s.signer(), p.algorithm())
	if err != nil {
		return false, err
	}
	answer, err := binding.Call(ctx, p.post, slo.Location, signed, limits)
	if err != nil {
		return true, fmt.Errorf("app %s: %w", p.ID, err)
	}
	return true, p.confirms(answer, slo.Location, request.ID)
}

// post sends a SOAP message to the app.
func (a *app) post(ctx context.Context, to, action string, envelope []byte) ([]byte, error) {
	header := http.Header{"Soapaction": {`"` + action + `"`}} // SOAP 1.1 §6.1.1
	return a.outbound.Post(ctx, "logout", to, "text/xml; charset=utf-8", header, envelope, int64(limits.Bytes))
}

// confirms checks that the app says, in answer to our request, that it ended
// its session. Over https the connection says who answers; elsewhere the answer
// must be signed.
func (p party) confirms(answer binding.Received, location, id string) error {
	e := answer.Message.Element
	verified, err := answer.Verify(p.metadata.Signing, p.policy)
	switch {
	case err == nil:
		e = verified.Element()
	case errors.Is(err, xmlsig.ErrUnsigned) && (strings.HasPrefix(location, "https:") || !p.mustSignLogout()):
	default:
		return fmt.Errorf("app %s: the answer's signature: %w", p.ID, err)
	}
	m, err := message.ParseLogoutResponse(e)
	switch {
	case err != nil:
		return fmt.Errorf("app %s: %w", p.ID, err)
	case m.InResponseTo != id || m.Issuer != p.entityID:
		return fmt.Errorf("app %s: the answer is another's, or to another question", p.ID)
	case m.Status.Code != message.Success:
		return fmt.Errorf("app %s: %w", p.ID, &message.StatusError{Status: m.Status})
	}
	return nil
}

// Ask implements [login.FrontEnd]: by Redirect or POST, where the app's
// metadata has one.
func (s *Server) Ask(ctx context.Context, u login.Use, id string) (connectors.Redirect, error) {
	p, used, err := s.used(ctx, u)
	if err != nil {
		return connectors.Redirect{}, err
	}
	to := singleLogout(p.metadata, binding.Request, "")
	if !to.known() {
		return connectors.Redirect{}, nil
	}
	return to.carry(binding.Request, s.logoutRequest(to.location, requestID(id), used).Element(), s.signer(), p.algorithm())
}

// used reads an entry of the ledger.
func (s *Server) used(ctx context.Context, u login.Use) (party, use, error) {
	var used use
	if err := json.Unmarshal(u.Detail, &used); err != nil {
		return party{}, used, fmt.Errorf("read the ledger: %w", err)
	}
	a, ok := s.ids[u.App]
	if !ok {
		return party{}, used, fmt.Errorf("app %s is not registered any more", u.App)
	}
	p, err := a.now(ctx)
	return p, used, err
}

// logoutRequest asks an app to end a session, by the name that it was told
// (Core §3.7.1).
func (s *Server) logoutRequest(destination, id string, used use) message.LogoutRequest {
	h := s.header(destination, "")
	h.ID = id
	return message.LogoutRequest{
		Header: h, NotOnOrAfter: h.IssueInstant.Add(logoutRequestTime), NameID: used.NameID, SessionIndexes: []string{used.Index},
	}
}

// A question of the flow has the same id in SAML, behind letters: an ID of XML
// must not begin with a digit.
const idPrefix = "id-"

func requestID(question string) string { return idPrefix + question }

func questionID(inResponseTo string) string {
	question, ok := strings.CutPrefix(inResponseTo, idPrefix)
	if !ok {
		return ""
	}
	return question
}
