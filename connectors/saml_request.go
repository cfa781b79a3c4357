package connectors

import (
	"github.com/beevik/etree"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// request asks for the sign-in of an attempt. Its ID is made of the attempt's
// nonce, so that the answer needs no other memory of it.
func (c *samlConnector) request(a Attempt, to string) message.AuthnRequest {
	settings := c.settings.Request
	format := nameIDFormat(settings.NameIDFormat)
	return message.AuthnRequest{
		Header:          c.header(messageID(a.Nonce), to),
		ACSURL:          c.acs,
		ProtocolBinding: c.answersBy(),
		ForceAuthn:      c.forces(a),
		NameIDFormat:    format,
		AllowCreate:     format != message.Transient, // or an identifier that nobody has used yet is refused
		Contexts:        c.contexts(a),
		Comparison:      settings.Comparison,
		AttributesIndex: settings.AttributeIndex,
		Extensions:      extensions(settings.EIDAS),
	}
}

// answersBy is the one binding by which responses come.
func (c *samlConnector) answersBy() string {
	if c.settings.Response.Binding == "artifact" {
		return binding.Artifact
	}
	return binding.POST
}

// forces reports whether the resident has to sign in anew.
func (c *samlConnector) forces(a Attempt) bool {
	switch c.settings.Request.Force {
	case "always":
		return true
	case "never":
		return false
	}
	return a.Force
}

// contexts are the authentication context classes to ask for in an attempt's
// step.
func (c *samlConnector) contexts(a Attempt) []string {
	for i, ask := range c.asks {
		asked := ask.Step == a.Step || a.Step == "" && i == 0
		if asked && len(ask.Contexts) > 0 {
			return ask.Contexts
		}
	}
	return c.settings.Request.Contexts
}

// nameIDFormat is the URI of a format that operators write by a short name.
func nameIDFormat(name string) string {
	switch name {
	case "persistent":
		return message.Persistent
	case "transient":
		return message.Transient
	case "email":
		return message.Email
	case "unspecified":
		return message.Unspecified
	}
	return name
}

const eidasNamespace = "http://eidas.europa.eu/saml-extensions"

// extensions are what an eIDAS node wants to know besides (eIDAS SAML Message
// Format 1.2 §2.3.2 and §6.2).
func extensions(settings *config.EIDAS) []*etree.Element {
	if settings == nil {
		return nil
	}
	spType := eidas("SPType")
	spType.SetText(settings.SPType)
	attributes := eidas("RequestedAttributes")
	for _, name := range settings.Attributes {
		e := attributes.CreateElement("eidas:RequestedAttribute")
		e.CreateAttr("Name", name)
		e.CreateAttr("NameFormat", mapping.NameFormatURI)
		e.CreateAttr("isRequired", "true")
	}
	return []*etree.Element{spType, attributes}
}

func eidas(local string) *etree.Element {
	e := etree.NewElement("eidas:" + local)
	e.CreateAttr("xmlns:eidas", eidasNamespace)
	return e
}
