package idp

import (
	"fmt"
	"io"
	"net/http"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// handleSOAP is the single logout service by SOAP: an app ends a session
// without its browser.
func (s *Server) handleSOAP(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body) // bounded by the site
	if err != nil {
		return err
	}
	m, err := binding.ReadSOAP(body, limits)
	if err != nil {
		return page(web.RequestInvalid, "read message: %w", err)
	}
	// Unsigned ones are never believed here: with no browser, whoever knows a
	// name could end its sessions from anywhere.
	in, err := s.identify(r, m, func(received) bool { return true })
	if err != nil {
		return err
	}
	l, id, err := s.readLogout(in, soapPath)
	if err != nil {
		return err
	}
	if l.Request == nil {
		return in.wrong("a response where a request belongs")
	}
	status, err := s.endNamed(r, in, id, l)
	if err != nil {
		return err
	}
	web.Annotate(r, answer(status))
	return s.writeSOAP(w, in, message.LogoutResponse{Header: s.header("", id), Status: status})
}

// endNamed ends the sessions that a request means, once.
func (s *Server) endNamed(r *http.Request, in received, id string, l logout) (message.Status, error) {
	b := s.Store.Batch()
	first := seen.Add(b, in.mark(id), true, seenTime)
	if err := b.Exec(r.Context()); err != nil {
		return message.Status{}, err
	}
	if _, ok := first.Value(); !ok {
		return message.Status{}, s.replayed(r, in)
	}
	meant, err := s.find(r.Context(), in.app, *l.Request)
	if err != nil {
		return message.Status{}, err
	}
	if len(meant) == 0 {
		return unknownPrincipal, nil
	}
	leaving, err := l.leaving()
	if err != nil {
		return message.Status{}, err
	}
	receipt, err := s.endAll(r.Context(), meant, leaving)
	return ended(receipt), err
}

// writeSOAP answers with a signed message in an envelope.
func (s *Server) writeSOAP(w http.ResponseWriter, in received, m message.LogoutResponse) error {
	signed, err := xmlsig.Sign(m.Element(), s.signer(), in.algorithm())
	if err != nil {
		return err
	}
	envelope, err := binding.Envelope(signed)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, err = w.Write(envelope)
	return err
}
