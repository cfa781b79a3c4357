package binding

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// deflated is the only encoding of a message in a query (SAML Bindings §3.4.4).
const deflated = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

// longestInflated is what a message in a query may grow to, whatever the limits
// say: few bytes can inflate to very many, and addresses are short.
const longestInflated = 64 << 10

func readRedirect(raw string, l xmlgate.Limits) (Received, error) {
	query, err := xmlsig.ParseQuery(raw)
	if err != nil {
		return Received{}, err
	}
	parameter, err := carrier(func(name string) bool { _, ok := query[name]; return ok })
	if err != nil {
		return Received{}, err
	}
	if raw, ok := query["SAMLEncoding"]; ok {
		if encoding, _ := url.QueryUnescape(raw); encoding != deflated {
			return Received{}, errors.New("encoding not known")
		}
	}
	l.Bytes = min(l.Longest(), longestInflated)
	m := Received{Binding: Redirect, Parameter: parameter, query: raw, value: query[parameter], limits: l}
	m.RelayState, err = url.QueryUnescape(query[relayState])
	if err != nil || len(m.RelayState) > longestRelayState {
		return Received{}, errors.New("RelayState not well escaped or too long")
	}
	return m, nil
}

// inflate reads the value of a query's message parameter. What follows the end
// of the DEFLATE stream is not looked at: some senders leave zeros there.
func inflate(value string, l xmlgate.Limits) (xmlgate.Unverified, error) {
	text, err := url.QueryUnescape(value)
	if err != nil {
		return xmlgate.Unverified{}, errors.New("message not well escaped")
	}
	compressed, err := decode(text, l)
	if err != nil {
		return xmlgate.Unverified{}, err
	}
	// One byte more than is accepted, for the gate to refuse.
	limited := io.LimitReader(flate.NewReader(bytes.NewReader(compressed)), int64(l.Bytes)+1)
	raw, err := io.ReadAll(limited)
	if err != nil {
		return xmlgate.Unverified{}, errors.New("message not deflated")
	}
	return xmlgate.Parse(raw, l)
}

// RedirectURL is the address that carries the message by Redirect: to's own
// query is kept, an empty relayState is left out, and the query is signed where
// c has a Signer.
func RedirectURL(to, parameter string, message *etree.Element, state string, c xmlsig.Credential, alg xmlsig.Algorithm) (string, error) {
	value, err := deflate(xmlgate.Bytes(message))
	if err != nil {
		return "", fmt.Errorf("deflate: %w", err)
	}
	query := parameter + "=" + url.QueryEscape(value)
	if state != "" {
		query += "&" + relayState + "=" + url.QueryEscape(state)
	}
	if c.Signer != nil {
		if query, err = xmlsig.SignQuery(query, c, alg); err != nil {
			return "", err
		}
	}
	if strings.Contains(to, "?") {
		return to + "&" + query, nil
	}
	return to + "?" + query, nil
}

func deflate(raw []byte) (string, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(raw); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
