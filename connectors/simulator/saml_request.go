package simulator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// question is an AuthnRequest that has been checked. One without an ID was
// never asked: the sign-in begins here.
type question struct {
	id         string
	sp         *metadata.Entity
	acs        metadata.Endpoint
	relayState string
	force      bool
	format     string // of the NameID
	contexts   []string
}

// sso is the single sign-on service (Profiles §4.1.4.1), and where the choice
// page posts to.
func (p *Provider) sso(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	q, err := p.question(r)
	if err != nil {
		p.errorPage(w, "The request is refused: "+err.Error()+".")
		return
	}
	p.askWho(w, r, q)
}

// startUnasked begins a sign-in that the service provider has not asked for
// (Profiles §4.1.5).
func (p *Provider) startUnasked(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	sp, err := p.serviceProvider(r.Context(), false)
	if err != nil {
		p.errorPage(w, err.Error())
		return
	}
	acs, ok := metadata.Find(sp.ACS, binding.POST)
	if !ok || !slices.Contains(p.redirects, acs.Location) {
		p.errorPage(w, "The service provider takes no responses.")
		return
	}
	p.askWho(w, r, question{sp: sp, acs: acs})
}

// askWho goes on by the page, or past it where a program has chosen.
func (p *Provider) askWho(w http.ResponseWriter, r *http.Request, q question) {
	chosen, problem := p.choiceOf(r)
	if problem != "" {
		p.errorPage(w, problem)
		return
	}
	visit, wanted := p.visitOf(r), authorization{maxAge: -1}
	if q.force {
		wanted.prompt = "login"
	}
	if chosen.persona.ID == "" {
		handle := rand.Text()
		p.saml.questions.put(handle, q, p.now())
		p.choicePage(w, page{Action: p.saml.sso() + "?question=" + handle, Client: q.sp.ID, Scopes: q.contexts}, wanted, visit)
		return
	}
	if visit.persona.ID != chosen.persona.ID || !visit.satisfies(wanted, p.now()) {
		visit = newVisit(chosen.persona, p.now())
	}
	p.respond(w, r, q, visit, chosen)
}

// question is the one that the page was about, or a new one.
func (p *Provider) question(r *http.Request) (question, error) {
	if handle := r.URL.Query().Get("question"); handle != "" {
		q, ok := p.saml.questions.get(handle)
		if !ok {
			return q, errors.New("it has expired")
		}
		return q, nil
	}
	m, err := binding.Read(r, xmlgate.Limits{})
	if err != nil {
		return question{}, err
	}
	settings := p.terms.saml.Request
	e, sp, err := p.accept(r.Context(), m, settings.Sign == nil || *settings.Sign)
	if err != nil {
		return question{}, err
	}
	q, err := message.ParseAuthnRequest(e)
	if err != nil {
		return question{}, err
	}
	if err := p.checkRequest(m, q, e, sp); err != nil {
		return question{}, err
	}
	acs, err := p.consumer(q, sp)
	return question{
		id: q.ID, sp: sp, acs: acs, relayState: m.RelayState,
		force: q.ForceAuthn, format: q.NameIDFormat, contexts: q.Contexts,
	}, err
}

// accept returns a message of the service provider, whose signature is good.
// Where it is not, the service provider may have a new key.
func (p *Provider) accept(ctx context.Context, m binding.Received, signed bool) (xmlgate.Element, *metadata.Entity, error) {
	sp, err := p.serviceProvider(ctx, false)
	if err != nil {
		return xmlgate.Element{}, nil, err
	}
	verified, err := m.Verify(sp.Signing, xmlsig.Policy{})
	switch {
	case err == nil:
		return verified.Element(), sp, nil
	case errors.Is(err, xmlsig.ErrUnsigned) && !signed:
		return m.Message.Element, sp, nil
	case errors.Is(err, xmlsig.ErrUnsigned):
		return xmlgate.Element{}, nil, err
	}
	if sp, err = p.serviceProvider(ctx, true); err != nil {
		return xmlgate.Element{}, nil, err
	}
	verified, err = m.Verify(sp.Signing, xmlsig.Policy{})
	return verified.Element(), sp, err
}

// checkRequest holds the request to all that the connector is configured to
// send.
func (p *Provider) checkRequest(m binding.Received, q message.AuthnRequest, e xmlgate.Element, sp *metadata.Entity) error {
	settings := p.terms.saml.Request
	switch {
	case m.Parameter != binding.Request:
		return errors.New("it is no request")
	case q.Issuer != sp.ID:
		return errors.New("it is of another service provider")
	case m.RelayState == "":
		return errors.New("it has no RelayState")
	case settings.Binding == "post" && m.Binding != binding.POST, settings.Binding == "redirect" && m.Binding != binding.Redirect:
		return errors.New("it came by another binding")
	case settings.Force == "always" && !q.ForceAuthn:
		return errors.New("it does not say ForceAuthn")
	case !p.asksFor(q.Contexts):
		return errors.New("it asks for other contexts than any step does")
	case settings.EIDAS != nil && !speaksEIDAS(e, settings.EIDAS.Attributes):
		return errors.New("it lacks the extensions of eIDAS")
	}
	if check := p.saml.manner.check; check != nil {
		if err := check(q, e); err != nil {
			return err
		}
	}
	return q.Timely(p.saml.sso(), time.Time{}, p.now(), time.Minute, 5*time.Minute)
}

// speaksEIDAS reports whether a request says what kind of service asks, and
// for which attributes.
func speaksEIDAS(request xmlgate.Element, attributes []string) bool {
	spType, asked := eidasExtensions(request)
	return spType != "" && slices.Equal(asked, attributes)
}

// eidasExtensions are what kind of service asks, and for which attributes.
func eidasExtensions(request xmlgate.Element) (spType string, attributes []string) {
	const space = "http://eidas.europa.eu/saml-extensions"
	extensions := request.Child(message.Protocol, "Extensions")
	for _, a := range extensions.Child(space, "RequestedAttributes").Children(space, "RequestedAttribute") {
		attributes = append(attributes, a.Attr("Name"))
	}
	return extensions.Child(space, "SPType").Text(), attributes
}

// consumer is where the response goes: registered, and in the metadata.
func (p *Provider) consumer(q message.AuthnRequest, sp *metadata.Entity) (metadata.Endpoint, error) {
	for _, acs := range sp.ACS {
		if acs.Location == q.ACSURL && acs.Binding == q.ProtocolBinding && slices.Contains(p.redirects, acs.Location) {
			return acs, nil
		}
	}
	return metadata.Endpoint{}, fmt.Errorf("%s is no assertion consumer service", q.ACSURL)
}
