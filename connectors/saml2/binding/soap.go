package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// envelope is the namespace of SOAP 1.1.
const envelope = "http://schemas.xmlsoap.org/soap/envelope/"

// action is what SAML Bindings §3.2.3.1 suggests as SOAPAction.
const action = "http://www.oasis-open.org/committees/security"

// Poster sends a SOAP envelope and returns the answer's body, bounded in size
// and time. action is the SOAPAction header.
type Poster func(ctx context.Context, to, action string, envelope []byte) ([]byte, error)

// Call sends a message in a SOAP envelope and returns the one in the answer.
func Call(ctx context.Context, post Poster, to string, message *etree.Element, l xmlgate.Limits) (Received, error) {
	body, err := Envelope(message)
	if err != nil {
		return Received{}, err
	}
	answer, err := post(ctx, to, action, body)
	if err != nil {
		return Received{}, err
	}
	return ReadSOAP(answer, l)
}

// Envelope is the SOAP 1.1 envelope around a message.
func Envelope(message *etree.Element) ([]byte, error) {
	if message == nil {
		return nil, errors.New("no message to send")
	}
	root := etree.NewElement("soap:Envelope")
	root.CreateAttr("xmlns:soap", envelope)
	root.CreateElement("soap:Body").AddChild(message.Copy())
	return xmlgate.Bytes(root), nil
}

// ReadSOAP takes the message off a SOAP 1.1 envelope. A fault is an error.
func ReadSOAP(body []byte, l xmlgate.Limits) (Received, error) {
	document, err := xmlgate.Parse(body, l)
	if err != nil {
		return Received{}, err
	}
	if !document.Is(envelope, "Envelope") {
		return Received{}, errors.New("not a SOAP 1.1 envelope")
	}
	content, err := content(document.Element)
	if err != nil {
		return Received{}, err
	}
	if content.Is(envelope, "Fault") {
		return Received{}, fault(content)
	}
	return Received{Binding: SOAP, Message: xmlgate.Unverified{Element: content}}, nil
}

// content returns what the one body has, and refuses headers that must be
// understood (SOAP 1.1 §4.2.3): none is.
func content(envelopeElement xmlgate.Element) (xmlgate.Element, error) {
	parts := envelopeElement.Children("", "")
	if len(parts) == 2 && parts[0].Is(envelope, "Header") {
		if slices.ContainsFunc(parts[0].Children("", ""), mustUnderstand) {
			return xmlgate.Element{}, errors.New("SOAP header that must be understood")
		}
		parts = parts[1:]
	}
	if len(parts) != 1 || !parts[0].Is(envelope, "Body") {
		return xmlgate.Element{}, errors.New("SOAP envelope of an unexpected shape")
	}
	inside := parts[0].Children("", "")
	if len(inside) != 1 {
		return xmlgate.Element{}, errors.New("SOAP body without one message")
	}
	return inside[0], nil
}

func mustUnderstand(header xmlgate.Element) bool {
	return slices.ContainsFunc(header.Tree().Attr, func(a etree.Attr) bool {
		return a.Key == "mustUnderstand" && a.NamespaceURI() == envelope && strings.TrimSpace(a.Value) != "0"
	})
}

// fault says which of the four codes of SOAP 1.1 §4.4.1 came, and nothing that
// the other side wrote itself.
func fault(e xmlgate.Element) error {
	_, code, _ := strings.Cut(e.Child("", "faultcode").Text(), ":")
	class, _, _ := strings.Cut(code, ".")
	switch class {
	case "VersionMismatch", "MustUnderstand", "Client", "Server":
		return fmt.Errorf("SOAP fault %s", class)
	}
	return errors.New("SOAP fault")
}
