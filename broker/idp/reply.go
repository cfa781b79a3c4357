package idp

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// replyTo is an endpoint of an app that the browser may be sent to, with the
// RelayState that the app wants back. Only consumer and singleLogout make one,
// of the endpoints that the app registered: so that there is no way to write an
// open redirect. The zero replyTo leads nowhere.
type replyTo struct{ binding, location, relayState string }

func (to replyTo) known() bool { return to.location != "" }

// consumer is the assertion consumer service that a request asks for: by URL,
// by index, or the default. Responses are posted, so only those by POST count:
// metadata lists others under the same URL or index.
func consumer(e *metadata.Entity, url string, index *int, relayState string) (replyTo, error) {
	for _, acs := range e.ACS {
		// URLs are compared character by character: two readings of one
		// cannot differ.
		asked := url != "" && acs.Location == url || index != nil && acs.Index == *index
		if asked && acs.Binding == binding.POST {
			return replyTo{binding.POST, acs.Location, relayState}, nil
		}
	}
	if url != "" || index != nil {
		return replyTo{}, errors.New("the assertion consumer service is not registered for HTTP-POST")
	}
	acs, ok := metadata.Find(e.ACS, binding.POST)
	if !ok {
		return replyTo{}, errors.New("there is no assertion consumer service for HTTP-POST")
	}
	return replyTo{binding.POST, acs.Location, relayState}, nil
}

// singleLogout is where the app takes logout messages through the browser:
// requests, or responses to its own.
func singleLogout(e *metadata.Entity, parameter, relayState string) replyTo {
	slo, ok := metadata.Find(e.SLO, binding.Redirect, binding.POST)
	if !ok {
		return replyTo{}
	}
	if parameter == binding.Response {
		return replyTo{slo.Binding, cmp.Or(slo.ResponseLocation, slo.Location), relayState}
	}
	return replyTo{slo.Binding, slo.Location, relayState}
}

// carry has the browser take a message there, signed: in the query, or the
// message itself.
func (to replyTo) carry(parameter string, message *etree.Element, c xmlsig.Credential, alg xmlsig.Algorithm) (connectors.Redirect, error) {
	if to.binding == binding.Redirect {
		url, err := binding.RedirectURL(to.location, parameter, message, to.relayState, c, alg)
		return connectors.Redirect{URL: url}, err
	}
	signed, err := xmlsig.Sign(message, c, alg)
	if err != nil {
		return connectors.Redirect{}, err
	}
	return connectors.Redirect{URL: to.location, Form: binding.Form(parameter, signed, to.relayState)}, nil
}

// respond posts a Response, signed as the app wants it.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, to replyTo, response *etree.Element) error {
	return s.Site.Post(w, r, to.location, binding.Form(binding.Response, response, to.relayState))
}
