package idp

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// refusal is why an app gets no assertion, as a signed Response tells it.
type refusal struct{ message.Status }

func (e *refusal) Error() string { return e.Message }

// refused is a refusal by the app's doing (message.Requester) or by ours
// (message.Responder). text is for the app's developer.
func refused(code, second, text string) error {
	return &refusal{message.Status{Code: code, Second: second, Message: text}}
}

// answer says in the log how a message was answered: the last part of the URN
// that says it best.
func answer(status message.Status) slog.Attr {
	code := cmp.Or(status.Second, status.Code)
	return slog.String("answer", code[strings.LastIndexByte(code, ':')+1:])
}

// Refuse answers a request with an error.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, req login.Request, why login.Refusal) error {
	q, err := s.questionOf(r.Context(), req)
	if err != nil {
		return err
	}
	status := message.Status{Code: message.Responder, Second: message.AuthnFailed, Message: "the resident did not sign in"}
	switch {
	case why == login.Declined:
		status.Second, status.Message = message.RequestDenied, "the resident did not agree to share"
	case req.Passive && asksResident(why):
		status.Second, status.Message = message.NoPassive, "the resident has to sign in, or to say something"
	case why == login.Unmet:
		status.Second, status.Message = message.NoAuthnContext, "no requested authentication context was reached"
	case why == login.Unavailable:
		status.Second, status.Message = "", "the provider that the resident uses is in trouble"
	case why == login.NoWay:
		status.Second, status.Message = message.RequestDenied, "no connector can do what the request asks"
	}
	return s.refuse(w, r, q, status)
}

// asksResident reports whether a request would not have been refused that had let the
// resident be asked something (Core §3.4.1, IsPassive).
func asksResident(why login.Refusal) bool {
	return slices.Contains([]login.Refusal{login.LoginRequired, login.Interaction, login.Consent, login.WhoseAccount}, why)
}

// refuse sends the app a signed Response without an assertion (Core §3.2.2). An
// app that asked nothing is told nothing: its resident is led to its front
// page.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, q question, status message.Status) error {
	web.Annotate(r, answer(status), slog.String("cause", status.Message))
	if q.reply.ID == "" {
		http.Redirect(w, r, q.home(), http.StatusSeeOther)
		return nil
	}
	response, err := xmlsig.Sign(message.Response(s.header(q.to.location, q.reply.ID), status, nil), s.signer(), q.algorithm())
	if err != nil {
		return err
	}
	return s.respond(w, r, q.to, response)
}
