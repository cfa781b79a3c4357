package idp

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// What is accepted of a message.
const (
	clockSkew     = 3 * time.Minute // how far an app's clock may differ
	maxMessageAge = 5 * time.Minute // since IssueInstant
)

// limits bound what anybody may send: requests are short.
var limits = xmlgate.Limits{Bytes: 64 << 10, Elements: 1000}

// What is kept of a message is shorter still: an app need not sign, so that
// anybody may make us keep it.
const (
	maxText     = 256 // bytes of an ID or a context, characters of a name (Core §8.3.7)
	maxContexts = 16
)

// received is a message of which it is settled what app it is from, as far as
// that app signs.
type received struct {
	party
	binding.Received
	element xmlgate.Element
	signed  bool
}

// receive takes a message off a request of the browser. mustSign says of which
// messages one without a signature is refused.
func (s *Server) receive(r *http.Request, mustSign func(received) bool) (received, error) {
	if err := r.ParseForm(); err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return received{}, err
		}
		return received{}, page(web.RequestInvalid, "the form cannot be read")
	}
	if r.Method == http.MethodGet && r.Form.Has("SigAlg") != r.Form.Has("Signature") {
		// Somebody took the signature off, or put half of one on.
		return received{}, page(web.RequestInvalid, "SigAlg and Signature do not come together")
	}
	m, err := binding.Read(r, limits)
	if err != nil {
		return received{}, page(web.RequestInvalid, "read message: %w", err)
	}
	return s.identify(r, m, mustSign)
}

// identify finds the app that a message is from and checks its signature, which
// is checked where it is there, needed or not.
func (s *Server) identify(r *http.Request, m binding.Received, mustSign func(received) bool) (received, error) {
	a, ok := s.apps[message.Issuer(m.Message)]
	if !ok {
		return received{}, page(web.AppUnknown, "no app has the entityID of the message's Issuer")
	}
	p, err := a.now(r.Context())
	if err != nil {
		return received{}, err
	}
	in := received{party: p, Received: m}
	verified, err := m.Verify(p.metadata.Signing, a.policy)
	switch {
	case err == nil:
		in.element, in.signed = verified.Element(), true
	case errors.Is(err, xmlsig.ErrUnsigned) && !mustSign(in):
		in.element = m.Message.Element
	default:
		return received{}, in.wrong("signature: %w", err)
	}
	web.Annotate(r, slog.String("from", a.ID), slog.Bool("signed", in.signed))
	return in, nil
}

// wrong is what the person is told of a message that cannot be answered.
func (in received) wrong(format string, args ...any) error {
	return page(web.RequestInvalid, "app %s: "+format, append([]any{in.ID}, args...)...)
}

// check makes sure that what was read is from the app that was looked up, was
// sent here, and was sent now.
func (s *Server) check(in received, h message.Header, path string, notOnOrAfter time.Time) error {
	if h.Issuer != in.entityID {
		return in.wrong("the Issuer that was signed is another")
	}
	if in.signed && h.Destination == "" {
		// Bindings §3.4.5.2, §3.5.5.2: else what was signed for another
		// identity provider would do here.
		return in.wrong("the message is signed and has no Destination")
	}
	if tooLong(h.ID) || tooLong(h.InResponseTo) {
		return in.wrong("an ID is longer than any that is made")
	}
	if err := h.Timely(s.Issuer+path, notOnOrAfter, s.Now(), clockSkew, maxMessageAge); err != nil {
		return in.wrong("%w", err)
	}
	return nil
}
