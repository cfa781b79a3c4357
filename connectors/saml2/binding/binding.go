// Package binding puts SAML messages on HTTP and takes them off it (SAML
// Bindings: Redirect §3.4, POST §3.5, SOAP §3.2, Artifact §3.6).
package binding

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// The bindings' own names.
const (
	Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	POST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	SOAP     = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
	Artifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
)

// The form and query parameters that carry a message.
const (
	Request  = "SAMLRequest"
	Response = "SAMLResponse"
)

// relayState is the parameter that comes back as it was sent.
const relayState = "RelayState"

// longestRelayState is more than SAML Bindings §3.4.3 allows (80 bytes), since
// what service providers send is whole addresses.
const longestRelayState = 2 << 10

// Received is a message as it came, not verified yet.
type Received struct {
	Binding    string
	Parameter  string // Request or Response; "" for SOAP
	RelayState string
	Message    xmlgate.Unverified

	query  string // of Redirect: what the signature covers
	value  string // of Redirect: the parameter in it
	limits xmlgate.Limits
}

// Read takes the one message off a GET (Redirect) or a form POST. A parameter
// that comes twice, or both a request and a response, is refused. The POST's
// form has been bounded by the caller; limits are those of the document.
func Read(r *http.Request, l xmlgate.Limits) (Received, error) {
	m, err := Receive(r, l)
	if err == nil && m.Binding == Redirect {
		m.Message, err = inflate(m.value, m.limits)
	}
	return m, err
}

// Receive is Read for whoever will Verify the message and needs no word of it
// before: that of a Redirect stays in its query, for Verify to inflate once the
// signature is good, and Message is empty.
func Receive(r *http.Request, l xmlgate.Limits) (Received, error) {
	if r.Method == http.MethodGet {
		return readRedirect(r.URL.RawQuery, l)
	}
	return readPost(r, l)
}

func readPost(r *http.Request, l xmlgate.Limits) (Received, error) {
	if err := r.ParseForm(); err != nil {
		return Received{}, errors.New("form not well encoded")
	}
	for _, name := range []string{Request, Response, relayState} {
		// Form has the query's parameters too: what could be read at two places
		// is refused.
		if len(r.Form[name]) > 1 || len(r.Form[name]) > len(r.PostForm[name]) {
			return Received{}, errors.New("form with a parameter that comes twice or in the address")
		}
	}
	parameter, err := carrier(r.PostForm.Has)
	if err != nil {
		return Received{}, err
	}
	m := Received{Binding: POST, Parameter: parameter, RelayState: r.PostForm.Get(relayState)}
	if len(m.RelayState) > longestRelayState {
		return Received{}, errors.New("RelayState too long")
	}
	raw, err := decode(r.PostForm.Get(parameter), l)
	if err != nil {
		return Received{}, err
	}
	m.Message, err = xmlgate.Parse(raw, l)
	return m, err
}

// carrier returns the parameter that has the message.
func carrier(has func(name string) bool) (string, error) {
	switch request, response := has(Request), has(Response); {
	case request && response:
		return "", errors.New("both a request and a response")
	case request:
		return Request, nil
	case response:
		return Response, nil
	}
	return "", errors.New("no message")
}

// decode reads base64, which may be broken into lines. What is longer than all
// that may be read makes in base64, an eighth of white space with it, is not
// looked at.
func decode(text string, l xmlgate.Limits) ([]byte, error) {
	if len(text) > l.Longest()*3/2 {
		return nil, errors.New("message too long")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.NewReplacer(" ", "", "\t", "").Replace(text))
	if err != nil {
		return nil, errors.New("message not in base64")
	}
	return raw, nil
}

// Verify checks the message's signature where its binding has it: in the query
// of a Redirect, enveloped in the message otherwise.
func (m Received) Verify(keys []*x509.Certificate, p xmlsig.Policy) (xmlsig.Verified, error) {
	if m.Binding != Redirect {
		return xmlsig.Verify(m.Message.Element, keys, p)
	}
	return xmlsig.VerifyQuery(m.query, keys, p, func(value string) (xmlgate.Unverified, error) {
		return inflate(value, m.limits)
	})
}

// Form is the form that carries the message, which is signed already, by POST.
func Form(parameter string, message *etree.Element, state string) map[string]string {
	form := map[string]string{parameter: base64.StdEncoding.EncodeToString(xmlgate.Bytes(message))}
	if state != "" {
		form[relayState] = state
	}
	return form
}
