package message

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Expect is what a service provider demands of a response.
type Expect struct {
	Issuer       string // the identity provider's entityID
	Audience     string // our entityID
	ACS          string // where the response came to
	InResponseTo string // the ID of the request
	Unsolicited  bool   // accept one without InResponseTo, and no other

	Keys   []*x509.Certificate
	Policy xmlsig.Policy
	Signed string // assertion, response, either or both; default assertion

	Decrypters []crypto.Decrypter
	Encryption xmlenc.Policy
	Encrypted  string // optional, required or refused; default optional

	Limits    xmlgate.Limits
	MaxValues int           // of one attribute; default 5000
	Skew      time.Duration // how far the provider's clock may differ
	MaxAge    time.Duration // of response and assertion, since their IssueInstant
	Now       time.Time
}

// Consume reads the one assertion of a response, as SAML Profiles §4.1.4.3 and
// more demand. Errors wrap a *StatusError, or say what is wrong, for the log;
// they never carry the document's values.
//
// A response without a signature is read only for reasons to refuse it. A
// signature that is there has to be good, whatever else is signed: a bad outer
// one is never made good by an inner one, nor the other way round.
func Consume(m binding.Received, x Expect) (*Facts, error) {
	if err := x.complete(); err != nil {
		return nil, err
	}
	// Profiles §4.1.2: responses are too long for the Redirect binding, which
	// would have another signature.
	if m.Binding == binding.Redirect {
		return nil, errors.New("response by redirect")
	}
	r, err := x.verify(m)
	if err == nil {
		err = x.response(r, m.Binding)
	}
	if err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	a, err := x.assertion(r)
	if err != nil {
		return nil, fmt.Errorf("assertion: %w", err)
	}
	f, err := x.facts(a)
	if err != nil {
		return nil, fmt.Errorf("assertion: %w", err)
	}
	return f, nil
}

// complete refuses an Expect with holes: what a document leaves out would be
// equal to them.
func (x Expect) complete() error {
	if x.Issuer == "" || x.Audience == "" || x.ACS == "" || x.Now.IsZero() || len(x.Keys) == 0 ||
		(x.InResponseTo == "") != x.Unsolicited {
		return errors.New("message: Expect is incomplete")
	}
	return nil
}

// answer is a response; what of it may be believed depends on signed.
type answer struct {
	xmlgate.Element
	signed bool
}

func (x Expect) verify(m binding.Received) (answer, error) {
	v, err := m.Verify(x.Keys, x.Policy)
	switch {
	case err == nil:
		return answer{v.Element(), true}, nil
	case errors.Is(err, xmlsig.ErrUnsigned):
		return answer{m.Message.Element, false}, nil
	}
	return answer{}, err
}

// response checks what surrounds the assertion.
func (x Expect) response(r answer, by string) error {
	h, err := readHeader(r.Element, "Response")
	switch {
	case err != nil:
		return err
	// Bindings §3.5.5.2: a signed message that comes by POST says where to.
	case h.Destination == "" && r.signed && by == binding.POST:
		return errors.New("no Destination")
	case h.Destination != "" && h.Destination != x.ACS:
		return errDestination
	case h.Issuer != "" && h.Issuer != x.Issuer:
		return errIssuer
	case h.InResponseTo != x.InResponseTo:
		return errAnswers
	}
	if err := x.clock().issued(h.IssueInstant, x.MaxAge); err != nil {
		return err
	}
	if err := succeeded(r.Element); err != nil {
		return err
	}
	// Now, before anything in it is decrypted. That a provider failed is
	// believed of anybody.
	if !r.signed && (x.Signed == "response" || x.Signed == "both") {
		return errors.New("without the signature that is demanded")
	}
	return nil
}

// proven is an assertion for which a key of the identity provider answers: by
// the assertion's own signature, or by that of the response that it, or the
// ciphertext of it, is in.
type proven struct{ xmlgate.Element }

// assertion finds the one assertion, opens it, and verifies it.
func (x Expect) assertion(r answer) (proven, error) {
	a, err := sole(r.Element)
	if err != nil {
		return proven{}, err
	}
	if a, err = x.open(a); err != nil {
		return proven{}, err
	}
	own, err := xmlsig.Verify(a, x.Keys, x.Policy)
	signed := err == nil
	if !signed && !errors.Is(err, xmlsig.ErrUnsigned) {
		return proven{}, err
	}
	if err := x.signatures(r.signed, signed); err != nil {
		return proven{}, err
	}
	if signed {
		a = own.Element()
	}
	return proven{a}, nil
}

// sole returns the one assertion of a response. It stands where it belongs, and
// nothing else in the whole document could be taken for one by any reader.
func sole(response xmlgate.Element) (xmlgate.Element, error) {
	switch n := assertions(response); {
	case n == 0:
		return xmlgate.Element{}, errors.New("none in the document")
	case n > 1:
		return xmlgate.Element{}, errMany
	}
	for _, e := range response.Children("", "") {
		if e.Is(Assertion, "Assertion") || e.Is(Assertion, "EncryptedAssertion") {
			return e, nil
		}
	}
	return xmlgate.Element{}, errors.New("not where it belongs")
}

var errMany = errors.New("more than one in the document")

// assertions counts what is called an assertion in an element and below it,
// in whatever namespace.
func assertions(e xmlgate.Element) int {
	n := 0
	if name := e.Tree().Tag; name == "Assertion" || name == "EncryptedAssertion" {
		n++
	}
	for _, child := range e.Children("", "") {
		n += assertions(child)
	}
	return n
}

// open decrypts an EncryptedAssertion. That somebody could encrypt it says
// nothing about who wrote it.
//
// In CBC mode, under a response that nobody signed, anybody can alter it and
// learn from how long the refusal takes. It is decrypted all the same where the
// assertion inside may be what is signed: SimpleSAMLphp 1 and AD FS send nothing
// else. A refusal ends the attempt, so each guess costs a whole sign-in, and the
// many that an attack takes do not pass the rate limit. An operator whose
// provider signs responses, or has GCM, closes it for good by demanding that.
func (x Expect) open(a xmlgate.Element) (xmlgate.Element, error) {
	if !a.Is(Assertion, "EncryptedAssertion") {
		if x.Encrypted == "required" {
			return xmlgate.Element{}, errors.New("not encrypted")
		}
		return a, nil
	}
	if x.Encrypted == "refused" {
		return xmlgate.Element{}, errors.New("encrypted")
	}
	plain, err := decrypt(a, "Assertion", x.Decrypters, x.Encryption, x.Limits)
	if err != nil {
		return xmlgate.Element{}, err
	}
	if assertions(plain) > 1 {
		return xmlgate.Element{}, errMany
	}
	return plain, nil
}

// signatures holds what was verified against what is demanded. At least one of
// the two is there, whatever is demanded.
func (x Expect) signatures(response, assertion bool) error {
	switch {
	case x.Signed == "either" && (response || assertion),
		x.Signed == "response" && response,
		x.Signed == "both" && response && assertion,
		(x.Signed == "assertion" || x.Signed == "") && assertion:
		return nil
	case response:
		return errors.New("only the response is signed")
	}
	return errors.New("nothing is signed")
}

// clock is ours, as the provider's may differ from it.
func (x Expect) clock() clock { return clock{x.Now, x.Skew} }
