package idp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// reply is how an app wants its answer, kept by the login flow from the request
// to the session (login.Request.Reply).
type reply struct {
	ID         string   `json:"id,omitempty"` // of the request; "" where nobody asked
	ACS        string   `json:"acs"`
	RelayState []byte   `json:"relay_state,omitempty"` // bytes, as JSON's text would not return any
	Format     string   `json:"format"`                // of the name identifier
	Contexts   []string `json:"contexts,omitempty"`
	Comparison string   `json:"comparison,omitempty"`
	Subject    string   `json:"subject,omitempty"` // the name identifier of whom the app asked for
}

// address finds where the answer to a request goes. Nothing else of it matters
// before this is known: what is wrong until then is told to the person.
func (p party) address(m message.AuthnRequest, relayState string) (replyTo, error) {
	if m.ProtocolBinding != "" && m.ProtocolBinding != binding.POST {
		return replyTo{}, page(web.RequestInvalid, "app %s: the ProtocolBinding is not HTTP-POST", p.ID)
	}
	to, err := consumer(p.metadata, m.ACSURL, m.ACSIndex, relayState)
	if err != nil {
		return replyTo{}, page(web.RedirectURIUnknown, "app %s: %w", p.ID, err)
	}
	return to, nil
}

// request is an AuthnRequest in the words of every protocol (Core §3.4.1). Some
// errors are refusals.
//
// AllowCreate is of no consequence, as everybody who signs in has an
// identifier; nor is AttributeConsumingServiceIndex, as the registration says
// what is released.
func (p party) request(m message.AuthnRequest, to replyTo) (login.Request, error) {
	format, ok := p.format(m.NameIDFormat)
	if !ok {
		return login.Request{}, refused(message.Requester, message.InvalidNameIDPolicy, "the format is not registered for this service provider")
	}
	if m.SPNameQualifier != "" && m.SPNameQualifier != p.entityID {
		// Core §3.4.1.1: it would be another's identifier.
		return login.Request{}, refused(message.Requester, message.InvalidNameIDPolicy, "SPNameQualifier is another service provider's")
	}
	if m.ProxyCount != nil && *m.ProxyCount == 0 {
		// Core §3.4.1.5.1: nobody signs in at the broker itself.
		return login.Request{}, refused(message.Responder, message.ProxyCountExceeded, "sign-ins are at another identity provider")
	}
	if utf8.RuneCountInString(m.Subject.Value) > maxText {
		return login.Request{}, refused(message.Requester, message.UnknownPrincipal, "no name identifier is that long")
	}
	if len(m.Contexts) > maxContexts || slices.ContainsFunc(m.Contexts, tooLong) {
		return login.Request{}, refused(message.Requester, message.NoAuthnContext, "the requested authentication contexts are too many or too long")
	}
	levels := p.contexts.wanted(m.Contexts, m.Comparison)
	if len(m.Contexts) > 0 && len(levels) == 0 {
		return login.Request{}, refused(message.Responder, message.NoAuthnContext, "no requested authentication context can be met")
	}
	kept, err := json.Marshal(reply{
		ID: m.ID, ACS: to.location, RelayState: []byte(to.relayState), Format: format,
		Contexts: m.Contexts, Comparison: m.Comparison, Subject: m.Subject.Value,
	})
	if err != nil {
		return login.Request{}, fmt.Errorf("keep the reply: %w", err)
	}
	req := login.Request{
		Protocol: Protocol, App: p.ID, Passive: m.IsPassive, Force: m.ForceAuthn, Reply: kept,
		Levels: levels, Essential: len(levels) > 0, // Core §3.3.2.2.1: or the request fails
	}
	if p.saml.MaxAuthnAge > 0 {
		req.MaxAge = &p.saml.MaxAuthnAge
	}
	if strings.Contains(m.Subject.Value, "@") && !tooLong(m.Subject.Value) {
		req.LoginHint = m.Subject.Value
	}
	return req, nil
}

func tooLong(text string) bool { return len(text) > maxText }
