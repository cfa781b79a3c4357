package xmlsig

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Query is the parameters of a query, each value as it was sent: a signature
// covers the very characters, and senders differ in how they escape them
// (SAML Bindings §3.4.4.1).
type Query map[string]string

// ParseQuery splits a raw query. A parameter that comes twice is refused: one
// could be signed and the other read.
func ParseQuery(raw string) (Query, error) {
	q := make(Query)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errors.New("query not well escaped")
		}
		if _, twice := q[name]; twice {
			return nil, errors.New("query with a parameter that comes twice")
		}
		q[name] = value
	}
	return q, nil
}

// message returns the name of the parameter that carries the message.
func (q Query) message() (string, error) {
	_, request := q["SAMLRequest"]
	_, response := q["SAMLResponse"]
	switch {
	case request && response:
		return "", errors.New("query with both a request and a response")
	case request:
		return "SAMLRequest", nil
	case response:
		return "SAMLResponse", nil
	}
	return "", errors.New("query without a message")
}

// SignQuery appends SigAlg and Signature to a query (SAML Bindings §3.4.4.1).
func SignQuery(query string, c Credential, alg Algorithm) (string, error) {
	m, err := signing(alg)
	if err != nil {
		return "", err
	}
	query += "&SigAlg=" + url.QueryEscape(m.uri)
	signature, err := m.sign(c.Signer, []byte(query))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// VerifyQuery checks the signature of a raw query as it was sent, and returns
// what decode makes of the raw value of its message parameter: the very text
// that was signed. A query without Signature is ErrUnsigned.
func VerifyQuery(raw string, keys []*x509.Certificate, p Policy,
	decode func(value string) (xmlgate.Unverified, error),
) (Verified, error) {
	q, err := ParseQuery(raw)
	if err != nil {
		return Verified{}, err
	}
	name, err := q.message()
	if err != nil {
		return Verified{}, err
	}
	if _, signed := q["Signature"]; !signed {
		return Verified{}, ErrUnsigned
	}
	if err := q.verify(name, keys, p); err != nil {
		return Verified{}, err
	}
	message, err := decode(q[name])
	if err != nil {
		return Verified{}, err
	}
	return Verified{message.Element}, nil
}

// verify rebuilds what was signed: the three parameters in this order, however
// they were sent, RelayState only if it was.
func (q Query) verify(name string, keys []*x509.Certificate, p Policy) error {
	signed := name + "=" + q[name]
	if relayState, ok := q["RelayState"]; ok {
		signed += "&RelayState=" + relayState
	}
	signed += "&SigAlg=" + q["SigAlg"]
	uri, err := url.QueryUnescape(q["SigAlg"])
	if err != nil {
		return errors.New("signature algorithm not well escaped")
	}
	m, err := acceptable(uri, p)
	if err != nil {
		return err
	}
	value, err := url.QueryUnescape(q["Signature"])
	if err != nil {
		return errors.New("signature not well escaped")
	}
	signature, err := decode(value)
	if err != nil {
		return errors.New("signature not in base64")
	}
	return verifyWithAny(keys, p, m, []byte(signed), signature)
}
