package test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"io"
	"slices"
)

// personal are the elements and attributes of SAML messages that say who
// somebody is, or prove it.
var personal = []string{"NameID", "AttributeValue", "SessionIndex", "SignatureValue", "DigestValue", "CipherValue"}

// hearMessage hears what a SAML message says of a person: one that came by POST
// or by Redirect.
func (w *witness) hearMessage(where, value string) {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return
	}
	if inflated, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw))); err == nil {
		raw = inflated
	}
	w.secret(where, string(raw))
	var element string
	for d := xml.NewDecoder(bytes.NewReader(raw)); ; {
		token, err := d.Token()
		if err != nil {
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			element = token.Name.Local
			for _, a := range token.Attr {
				if slices.Contains(personal, a.Name.Local) {
					w.secret(where, a.Value)
				}
			}
		case xml.EndElement:
			element = ""
		case xml.CharData:
			if slices.Contains(personal, element) {
				w.secret(where, string(token))
			}
		}
	}
}
