package connectors

import (
	"context"
	"net/http"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// header begins a message of ours.
func (c *samlConnector) header(id, to string) message.Header {
	return message.Header{
		ID: id, IssueInstant: c.now(), Destination: to,
		Issuer: c.settings.EntityID, Qualified: c.settings.Request.QualifiedIssuer,
	}
}

// messageID makes an ID of a name that is unique already. An ID must not begin
// with a digit (Core §1.3.4, xs:ID).
func messageID(unique string) string { return idPrefix + unique }

const idPrefix = "id-"

// send puts a message on the browser: in the query that it is sent off with
// (Bindings §3.4), or in a form (§3.5).
func (c *samlConnector) send(to, by, parameter string, e *etree.Element, relayState string, sign bool) (Redirect, error) {
	var credential xmlsig.Credential
	if sign {
		var err error
		if credential, err = c.credential(); err != nil {
			return Redirect{}, err
		}
	}
	if by == binding.Redirect {
		address, err := binding.RedirectURL(to, parameter, e, relayState, credential, c.algorithm())
		if err != nil {
			return Redirect{}, fail(Misconfigured, "message: %w", err)
		}
		return Redirect{URL: address}, nil
	}
	if sign {
		var err error
		if e, err = xmlsig.Sign(e, credential, c.algorithm()); err != nil {
			return Redirect{}, fail(Misconfigured, "message: %w", err)
		}
	}
	return Redirect{URL: to, Form: binding.Form(parameter, e, relayState)}, nil
}

// sign signs a message that goes from server to server.
func (c *samlConnector) sign(e *etree.Element) (*etree.Element, error) {
	credential, err := c.credential()
	if err != nil {
		return nil, err
	}
	if e, err = xmlsig.Sign(e, credential, c.algorithm()); err != nil {
		return nil, fail(Misconfigured, "message: %w", err)
	}
	return e, nil
}

// post implements [binding.Poster] for calls of one name.
func (c *samlConnector) post(call string) binding.Poster {
	return func(ctx context.Context, to, action string, envelope []byte) ([]byte, error) {
		header := http.Header{"Soapaction": {`"` + action + `"`}} // SOAP 1.1 §6.1.1
		return c.Post(ctx, call, to, "text/xml; charset=utf-8", header, envelope, int64(c.limits.Bytes))
	}
}
