package message

import (
	"crypto"
	"errors"
	"strings"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Name identifier formats (Core §8.3).
const (
	Persistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	Transient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	Email       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	Unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

	entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" // of Issuer
)

// NameID is a name identifier, verbatim (Core §2.2.3).
type NameID struct {
	Value           string `json:"value"`
	Format          string `json:"format,omitempty"`
	NameQualifier   string `json:"name_qualifier,omitempty"`
	SPNameQualifier string `json:"sp_name_qualifier,omitempty"`
	SPProvidedID    string `json:"sp_provided_id,omitempty"`
}

// element is the identifier in crewjam's type, nil for the zero NameID.
func (n NameID) element() *saml.NameID {
	if n == (NameID{}) {
		return nil
	}
	return &saml.NameID{
		Value:           n.Value,
		Format:          n.Format,
		NameQualifier:   n.NameQualifier,
		SPNameQualifier: n.SPNameQualifier,
		SPProvidedID:    n.SPProvidedID,
	}
}

// readNameID reads the NameID or EncryptedID of a subject or logout request;
// the zero NameID stands for none.
func readNameID(e xmlgate.Element, keys []crypto.Decrypter, p xmlenc.Policy) (NameID, error) {
	found := append(e.Children(Assertion, "NameID"), e.Children(Assertion, "EncryptedID")...)
	switch {
	case e.Child(Assertion, "BaseID").Exists():
		return NameID{}, errors.New("BaseID, which is not supported")
	case len(found) == 0:
		return NameID{}, nil
	case len(found) > 1:
		return NameID{}, errors.New("more than one name identifier")
	}
	id := found[0]
	if id.Is(Assertion, "EncryptedID") {
		plain, err := decrypt(id, "NameID", keys, p, xmlgate.Limits{})
		if err != nil {
			return NameID{}, err
		}
		id = plain
	}
	n := NameID{
		Value:           verbatim(id),
		Format:          id.Attr("Format"),
		NameQualifier:   id.Attr("NameQualifier"),
		SPNameQualifier: id.Attr("SPNameQualifier"),
		SPProvidedID:    id.Attr("SPProvidedID"),
	}
	// Core §1.3.1: a string has at least one character that is not white space.
	if strings.TrimSpace(n.Value) == "" {
		return NameID{}, errors.New("NameID without text")
	}
	return n, nil
}

// decrypt returns the one assertion, name identifier or attribute inside an
// encrypted element. Whatever is wrong with the plaintext is one error, the
// same as for a wrong key: attacks on CBC live from telling them apart.
func decrypt(e xmlgate.Element, local string, keys []crypto.Decrypter, p xmlenc.Policy, l xmlgate.Limits) (xmlgate.Element, error) {
	plain, err := xmlenc.Decrypt(e, keys, p)
	if err != nil {
		return xmlgate.Element{}, err
	}
	u, err := xmlgate.Parse(plain, l)
	if err != nil || !u.Is(Assertion, local) {
		return xmlgate.Element{}, xmlenc.ErrDecryption
	}
	return u.Element, nil
}

// verbatim is the text of an element exactly as it was signed: two residents
// may differ by a space. "" where there are child elements, because half a text
// may be somebody else's name.
func verbatim(e xmlgate.Element) string {
	if len(e.Children("", "")) > 0 {
		return ""
	}
	return e.Tree().Text()
}
