package simulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// parting is a logout message before it is written out: faults change it.
type parting struct {
	status   message.Status // of an answer
	signer   xmlsig.Credential
	unsigned bool
}

// parting is the message of a provider at which nothing goes wrong, then what
// the fault makes of it.
func (p *Provider) parting(r *http.Request) parting {
	m := parting{status: message.Status{Code: message.Success}, signer: p.saml.keys.current()}
	f := p.imposed.Load()
	if id := asked(r, "fault"); id != "" {
		f = find(p.faults, id)
	}
	if f != nil && f.parting != nil {
		f.parting(p, &m)
	}
	return m
}

// sign signs a message that carries its own signature.
func (m parting) sign(e *etree.Element) (*etree.Element, error) {
	if m.unsigned {
		return e, nil
	}
	return xmlsig.Sign(e, m.signer, algorithm(m.signer))
}

// slo is the single logout service in the browser (Profiles §4.4): a question
// of the service provider, or its answer to ours.
func (p *Provider) slo(w http.ResponseWriter, r *http.Request) {
	m, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		p.errorPage(w, "The message cannot be read.")
		return
	}
	e, sp, err := p.accept(r.Context(), m, true)
	if err != nil {
		p.errorPage(w, "The message is refused: "+err.Error()+".")
		return
	}
	if m.Parameter == binding.Response {
		p.answered(w, e)
		return
	}
	answer, err := p.end(e, sp)
	if err != nil {
		p.errorPage(w, "The message is refused: "+err.Error()+".")
		return
	}
	p.forget(w)
	p.answerLogout(w, r, sp, answer, m.RelayState)
}

// end ends the session that a LogoutRequest names, and answers it. Like AD FS
// it wants the NameID as it was issued, in every part.
func (p *Provider) end(e xmlgate.Element, sp *metadata.Entity) (message.LogoutResponse, error) {
	q, err := message.ParseLogoutRequest(e, nil, xmlenc.Policy{})
	if err != nil {
		return message.LogoutResponse{}, err
	}
	if q.Issuer != sp.ID {
		return message.LogoutResponse{}, errors.New("it is of another service provider")
	}
	answer := message.LogoutResponse{
		Header: message.Header{ID: "_" + rand.Text(), InResponseTo: q.ID, IssueInstant: p.now(), Issuer: p.saml.entityID},
		Status: message.Status{Code: message.Success},
	}
	for _, index := range q.SessionIndexes {
		if issued, ok := p.saml.sessions.get(index); ok && issued != q.NameID {
			answer.Status = message.Status{Code: message.Requester, Second: message.UnknownPrincipal}
			return answer, nil
		}
		p.saml.ended.put(index, struct{}{}, p.now())
	}
	return answer, nil
}

// answerLogout answers through the browser.
func (p *Provider) answerLogout(w http.ResponseWriter, r *http.Request, sp *metadata.Entity, answer message.LogoutResponse, relayState string) {
	to, ok := metadata.Find(sp.SLO, binding.Redirect, binding.POST)
	if !ok {
		p.errorPage(w, "The service provider takes no answers.")
		return
	}
	m := p.parting(r)
	if m.status.Code != message.Success {
		answer.Status = m.status
	}
	answer.Destination = to.Response()
	p.sendParting(w, r, m, to.Binding, to.Response(), binding.Response, answer.Element(), relayState)
}

// sendParting sends a logout message through the browser.
func (p *Provider) sendParting(w http.ResponseWriter, r *http.Request, m parting, by, to, parameter string, e *etree.Element, relayState string) {
	if by == binding.POST {
		signed, err := m.sign(e)
		if err != nil {
			p.broken(w, err)
			return
		}
		p.post(w, to, binding.Form(parameter, signed, relayState))
		return
	}
	if m.unsigned {
		m.signer = xmlsig.Credential{}
	}
	address, err := binding.RedirectURL(to, parameter, e, relayState, m.signer, algorithm(m.signer))
	if err != nil {
		p.broken(w, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// sloBySOAP is the single logout service from server to server.
func (p *Provider) sloBySOAP(w http.ResponseWriter, r *http.Request) {
	answer, err := p.endBySOAP(w, r)
	if err != nil {
		p.log.Info("refused", "provider", p.name, "at", "logout", "error", err)
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	m := p.parting(r)
	if m.status.Code != message.Success {
		answer.Status = m.status
	}
	e, err := m.sign(answer.Element())
	p.answerSOAP(w, e, err)
}

func (p *Provider) endBySOAP(w http.ResponseWriter, r *http.Request) (message.LogoutResponse, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return message.LogoutResponse{}, err
	}
	m, err := binding.ReadSOAP(body, xmlgate.Limits{})
	if err != nil {
		return message.LogoutResponse{}, err
	}
	e, sp, err := p.accept(r.Context(), m, true)
	if err != nil {
		return message.LogoutResponse{}, err
	}
	return p.end(e, sp)
}

// signOut is the provider's own page to sign out: it ends the session here, and
// at the service provider, by SOAP where the form says so.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	v := p.visitOf(r)
	switch {
	case v.persona.ID == "":
		p.say(w, notice{Title: "Nobody is signed in", Text: "There is no session to end in this browser."})
	case r.Method != http.MethodPost:
		p.say(w, notice{
			Title: "Sign out", Text: v.persona.Title + " is signed in.", Action: p.saml.base + "sign-out",
			Buttons: []button{{"by", "redirect", "Sign out in this browser"}, {"by", "soap", "Sign out from server to server"}},
		})
	default:
		p.forget(w)
		p.saml.ended.put(v.index, struct{}{}, p.now())
		p.tell(w, r, v)
	}
}

// tell tells the service provider that the session of a visit is over.
func (p *Provider) tell(w http.ResponseWriter, r *http.Request, v visit) {
	id, known := p.saml.sessions.get(v.index)
	sp, err := p.serviceProvider(r.Context(), false)
	if err != nil || !known {
		p.say(w, notice{Title: "Signed out", Text: "No service provider was told."})
		return
	}
	by := binding.Redirect
	if r.Form.Get("by") == "soap" {
		by = binding.SOAP
	}
	to, ok := metadata.Find(sp.SLO, by)
	if !ok {
		p.errorPage(w, "The service provider has no address for it.")
		return
	}
	m := p.parting(r)
	request := message.LogoutRequest{
		Header: message.Header{ID: "_" + rand.Text(), IssueInstant: p.now(), Destination: to.Location, Issuer: p.saml.entityID},
		NameID: id, SessionIndexes: []string{v.index}, NotOnOrAfter: p.now().Add(5 * time.Minute),
	}
	p.saml.partings.put(request.ID, struct{}{}, p.now())
	if by == binding.Redirect {
		p.sendParting(w, r, m, by, to.Location, binding.Request, request.Element(), "")
		return
	}
	p.tellBySOAP(w, r, m, to.Location, request.Element())
}

func (p *Provider) tellBySOAP(w http.ResponseWriter, r *http.Request, m parting, to string, e *etree.Element) {
	e, err := m.sign(e)
	if err != nil {
		p.broken(w, err)
		return
	}
	received, err := binding.Call(r.Context(), callSOAP, to, e, xmlgate.Limits{})
	var answer xmlgate.Element
	if err == nil {
		answer, _, err = p.accept(r.Context(), received, true)
	}
	if err != nil {
		p.log.Info("refused", "provider", p.name, "at", "logout", "error", err)
		p.say(w, notice{Title: "Signed out here", Text: "The service provider did not say that it ended its session."})
		return
	}
	p.answered(w, answer)
}

// callSOAP implements [binding.Poster].
func callSOAP(ctx context.Context, to, action string, envelope []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(envelope))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", action)
	return call(r)
}

// answered reads the service provider's answer to a LogoutRequest of ours.
func (p *Provider) answered(w http.ResponseWriter, e xmlgate.Element) {
	answer, err := message.ParseLogoutResponse(e)
	if err != nil {
		p.errorPage(w, "The answer cannot be read.")
		return
	}
	if _, ours := p.saml.partings.take(answer.InResponseTo); !ours {
		p.errorPage(w, "The answer is to no question of ours.")
		return
	}
	text := "The service provider ended its session, and all of its own."
	switch {
	case answer.Status.Code != message.Success:
		text = "The service provider did not end its session."
	case answer.Status.Second == message.PartialLogout:
		text = "The service provider ended its session, but not all of its own."
	}
	p.say(w, notice{Title: "Signed out", Text: text})
}
