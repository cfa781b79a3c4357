package mapping

// Attribute name formats (SAML Core §8.2).
const (
	NameFormatUnspecified = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
	NameFormatURI         = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
	NameFormatBasic       = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
)

// An attribute is a row of what a claim is called in SAML. A column that is
// empty has no name for it.
type attribute struct {
	claim    string
	oid      string // X.500, inetOrgPerson (RFC 2798) and eduPerson, by object identifier
	friendly string // that attribute's own name
	adfs     string // Microsoft's claim types
}

const (
	identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	eduOID   = "urn:oid:1.3.6.1.4.1.5923.1.1.1."
)

// attributes are the claims whose values mean the same in SAML. Those that are
// written otherwise there, as schacDateOfBirth (YYYYMMDD) and postalAddress
// (lines between dollar signs) are, keep their own names.
//
// The claims of eduPerson are called as REFEDS calls them in OpenID Connect.
var attributes = [...]attribute{
	{"name", "urn:oid:2.16.840.1.113730.3.1.241", "displayName", identity + "name"},
	{"given_name", "urn:oid:2.5.4.42", "givenName", identity + "givenname"},
	{"family_name", "urn:oid:2.5.4.4", "sn", identity + "surname"},
	{"email", "urn:oid:0.9.2342.19200300.100.1.3", "mail", identity + "emailaddress"},
	{"preferred_username", "urn:oid:0.9.2342.19200300.100.1.1", "uid", identity + "upn"},
	{"phone_number", "urn:oid:2.5.4.20", "telephoneNumber", identity + "otherphone"},
	{"locale", "urn:oid:2.16.840.1.113730.3.1.39", "preferredLanguage", ""},
	{"nickname", eduOID + "2", "eduPersonNickname", ""},
	{"birthdate", "", "", identity + "dateofbirth"},
	{"website", "", "", identity + "webpage"},
	{"groups", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf", "http://schemas.xmlsoap.org/claims/Group"},
	{"roles", "", "", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"},
	{"employee_number", "urn:oid:2.16.840.1.113730.3.1.3", "employeeNumber", ""},
	{"eduperson_affiliation", eduOID + "1", "eduPersonAffiliation", ""},
	{"eduperson_principal_name", eduOID + "6", "eduPersonPrincipalName", ""},
	{"eduperson_entitlement", eduOID + "7", "eduPersonEntitlement", ""},
	{"eduperson_scoped_affiliation", eduOID + "9", "eduPersonScopedAffiliation", ""},
	{"eduperson_assurance", eduOID + "11", "eduPersonAssurance", ""},
	{"eduperson_unique_id", eduOID + "13", "eduPersonUniqueId", ""},
	{"schac_home_organization", "urn:oid:1.3.6.1.4.1.25178.1.2.9", "schacHomeOrganization", ""},
}

// eduPerson are the claims that the style eduperson calls otherwise than oid:
// who somebody is goes by eduPerson's and SAML's own identifiers, which are
// scoped.
var eduPerson = [...]attribute{
	{claim: "sub", oid: "urn:oasis:names:tc:SAML:attribute:pairwise-id", friendly: "pairwise-id"},
	{claim: "preferred_username", oid: eduOID + "6", friendly: "eduPersonPrincipalName"},
}

// AttributeName returns what a claim is called as a SAML attribute in a style:
// basic, oid, adfs or eduperson. A claim that the style has no name for keeps
// its own. friendly is "" where there is none.
func AttributeName(style, claim string) (name, nameFormat, friendly string) {
	if style == "eduperson" {
		if a, ok := row(eduPerson[:], claim); ok {
			return a.oid, NameFormatURI, a.friendly
		}
	}
	a, _ := row(attributes[:], claim)
	switch {
	case (style == "oid" || style == "eduperson") && a.oid != "":
		return a.oid, NameFormatURI, a.friendly
	case style == "adfs" && a.adfs != "":
		return a.adfs, NameFormatURI, ""
	case isURL(claim):
		return claim, NameFormatURI, ""
	}
	return claim, NameFormatBasic, ""
}

func row(table []attribute, claim string) (attribute, bool) {
	for _, a := range table {
		if a.claim == claim {
			return a, true
		}
	}
	return attribute{}, false
}

// Scoped reports whether the values of a SAML attribute are scoped: a value,
// an at sign and a domain that the identity provider speaks for. Service
// providers drop values that are not (eduPerson 202208 §2.2; SAML Subject
// Identifier Attributes 1.0 §3).
func Scoped(name string) bool {
	switch name {
	case eduOID + "6", eduOID + "9", eduOID + "13",
		"urn:oasis:names:tc:SAML:attribute:pairwise-id", "urn:oasis:names:tc:SAML:attribute:subject-id":
		return true
	}
	return false
}
