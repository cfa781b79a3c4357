package connectors

import (
	"slices"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// scoped are the attributes whose values are defined as something at a domain:
// those of eduPerson and of SAML Subject Identifier Attributes 1.0.
var scoped = [...]string{
	"urn:oasis:names:tc:SAML:attribute:subject-id",
	"urn:oasis:names:tc:SAML:attribute:pairwise-id",
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.13",
	"urn:mace:dir:attribute-def:eduPersonPrincipalName",
	"urn:mace:dir:attribute-def:eduPersonScopedAffiliation",
	"urn:mace:dir:attribute-def:eduPersonUniqueId",
}

// inScope are the attributes without the values of domains for which the
// provider may not speak. Its metadata names those for which it may, if any
// (Shibboleth Metadata Extensions 1.0 §1.1): in a federation anybody else there
// could claim to have a university's members.
func inScope(e *metadata.Entity, all []message.Attribute) []message.Attribute {
	if len(e.Scopes) == 0 {
		return all
	}
	var kept []message.Attribute
	for _, a := range all {
		if slices.Contains(scoped[:], a.Name) {
			a.Values = slices.DeleteFunc(slices.Clone(a.Values), func(value string) bool { return !speaksFor(e, value) })
			if len(a.Values) == 0 {
				continue
			}
		}
		kept = append(kept, a)
	}
	return kept
}

// speaksFor reports whether the domain of a scoped value is the provider's. Of
// two at signs each reader might take another.
func speaksFor(e *metadata.Entity, value string) bool {
	_, domain, _ := strings.Cut(value, "@")
	return slices.ContainsFunc(e.Scopes, func(scope string) bool { return strings.EqualFold(scope, domain) })
}
