package message

import (
	"cmp"
	"errors"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

const schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

// attributes reads what else the provider says of the person (Core §2.7.3).
// Several attributes of one name are one with the values of all, so that no
// reader has to choose.
func (x Expect) attributes(a proven, f *Facts) error {
	at := map[string]int{}
	for _, statement := range a.Children(Assertion, "AttributeStatement") {
		for _, e := range statement.Children("", "") {
			attribute, err := x.attribute(e)
			if err != nil {
				return err
			}
			i, known := at[attribute.Name]
			if !known {
				i = len(f.Attributes)
				at[attribute.Name] = i
				f.Attributes = append(f.Attributes, Attribute{
					Name: attribute.Name, NameFormat: attribute.NameFormat, FriendlyName: attribute.FriendlyName,
				})
			}
			values := append(f.Attributes[i].Values, attribute.Values...)
			if len(values) > cmp.Or(x.MaxValues, 5000) {
				return errors.New("attribute with too many values")
			}
			f.Attributes[i].Values = values
		}
	}
	return nil
}

// attribute reads an Attribute or EncryptedAttribute.
func (x Expect) attribute(e xmlgate.Element) (Attribute, error) {
	if e.Is(Assertion, "EncryptedAttribute") {
		plain, err := decrypt(e, "Attribute", x.Decrypters, x.Encryption, x.Limits)
		if err != nil {
			return Attribute{}, err
		}
		e = plain
	}
	a := Attribute{Name: e.Attr("Name"), NameFormat: e.Attr("NameFormat"), FriendlyName: e.Attr("FriendlyName")}
	if !e.Is(Assertion, "Attribute") || a.Name == "" {
		return Attribute{}, errors.New("attribute without a name")
	}
	for _, v := range e.Children(Assertion, "AttributeValue") {
		if text, ok := value(v); ok {
			a.Values = append(a.Values, text)
		}
	}
	return a, nil
}

// value is the text of an AttributeValue: of itself, or of the one element that
// it holds. Anything richer, and xsi:nil, is no text.
func value(v xmlgate.Element) (string, bool) {
	if null(v) {
		return "", false
	}
	switch inner := v.Children("", ""); {
	case len(inner) == 0:
		return verbatim(v), true
	case len(inner) == 1 && len(inner[0].Children("", "")) == 0 && !mixed(v):
		return qualified(inner[0]), true
	}
	return "", false
}

// qualified is the text of an element. That of a NameID, which
// eduPersonTargetedID is, means nobody without the qualifiers it has: they are
// put before it as Shibboleth's service provider does.
func qualified(e xmlgate.Element) string {
	name, sp := e.Attr("NameQualifier"), e.Attr("SPNameQualifier")
	if !e.Is(Assertion, "NameID") || name == "" && sp == "" {
		return verbatim(e)
	}
	return name + "!" + sp + "!" + verbatim(e)
}

// null says that an element is marked as having no value.
func null(e xmlgate.Element) bool {
	for _, a := range e.Tree().Attr {
		if a.Key == "nil" && a.NamespaceURI() == schemaInstance {
			return a.Value == "true" || a.Value == "1"
		}
	}
	return false
}

// mixed says that there is text between an element's children.
func mixed(e xmlgate.Element) bool {
	for _, token := range e.Tree().Child {
		if text, ok := token.(*etree.CharData); ok && strings.TrimSpace(text.Data) != "" {
			return true
		}
	}
	return false
}
