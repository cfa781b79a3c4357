package connectors

import (
	"cmp"
	"strings"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// nameOf is the one name for what a NameID means: unspecified is the default
// format (Core §8.3.1), a format whose identifiers do not last is transient
// however it is spelled, and qualifiers that say no more than who the parties
// are may be there or not (Core §2.2.2).
func (c *samlConnector) nameOf(e *metadata.Entity, id message.NameID) message.NameID {
	id.Format = formatOf(id)
	if id.NameQualifier == e.ID {
		id.NameQualifier = ""
	}
	if id.SPNameQualifier == c.settings.EntityID {
		id.SPNameQualifier = ""
	}
	return id
}

func formatOf(id message.NameID) string {
	if config.TransientNameID(id.Format) {
		return message.Transient
	}
	return cmp.Or(id.Format, message.Unspecified)
}

// lasting reports whether a NameID says tomorrow who somebody is.
func lasting(id message.NameID) bool { return id.Value != "" && formatOf(id) != message.Transient }

// formatted reports whether a NameID, where there is one, has the format that
// was asked for. Only of unspecified may the provider choose (Core §3.4.1.1).
func (c *samlConnector) formatted(id message.NameID) bool {
	asked := formatOf(message.NameID{Format: nameIDFormat(c.settings.Request.NameIDFormat)})
	return id.Value == "" || asked == message.Unspecified || formatOf(id) == asked
}

// sub is the person of a NameID in one text, which is nobody else's at the
// provider: one name space may hold as an e-mail address what another holds as
// the name of an account (Core §2.2.2, §8.3). A persistent value of the
// provider's own for us stands alone. Any other follows what qualifies it:
//
//	FORMAT!NAMEQUALIFIER!SPNAMEQUALIFIER!VALUE
//
// A value with an exclamation mark never stands alone, and the three before it
// have none, so that no two identifiers are the same text.
func (c *samlConnector) sub(e *metadata.Entity, id message.NameID) string {
	id = c.nameOf(e, id)
	own := id.Format == message.Persistent && id.NameQualifier == "" && id.SPNameQualifier == ""
	if id.Value == "" || own && !strings.Contains(id.Value, "!") {
		return id.Value
	}
	escape := strings.NewReplacer("%", "%25", "!", "%21")
	var text strings.Builder
	for _, part := range []string{id.Format, id.NameQualifier, id.SPNameQualifier} {
		text.WriteString(escape.Replace(part) + "!")
	}
	return text.String() + id.Value
}
