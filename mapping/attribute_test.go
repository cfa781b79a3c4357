package mapping

import "testing"

func TestAttributeName(t *testing.T) {
	for _, test := range []struct{ style, claim, name, nameFormat, friendly string }{
		{"basic", "email", "email", NameFormatBasic, ""},
		{"basic", "https://vocab.example/uprn", "https://vocab.example/uprn", NameFormatURI, ""},
		{"oid", "email", "urn:oid:0.9.2342.19200300.100.1.3", NameFormatURI, "mail"},
		{"oid", "preferred_username", "urn:oid:0.9.2342.19200300.100.1.1", NameFormatURI, "uid"},
		{"oid", "sub", "sub", NameFormatBasic, ""},
		{"oid", "birthdate", "birthdate", NameFormatBasic, ""},
		{"oid", "council_tax_number", "council_tax_number", NameFormatBasic, ""},
		{"adfs", "email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", NameFormatURI, ""},
		{"adfs", "preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", NameFormatURI, ""},
		{"adfs", "groups", "http://schemas.xmlsoap.org/claims/Group", NameFormatURI, ""},
		{"adfs", "locale", "locale", NameFormatBasic, ""},
		{"eduperson", "sub", "urn:oasis:names:tc:SAML:attribute:pairwise-id", NameFormatURI, "pairwise-id"},
		{"eduperson", "preferred_username", "urn:oid:1.3.6.1.4.1.5923.1.1.1.6", NameFormatURI, "eduPersonPrincipalName"},
		{"eduperson", "eduperson_scoped_affiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.9", NameFormatURI, "eduPersonScopedAffiliation"},
		{"eduperson", "family_name", "urn:oid:2.5.4.4", NameFormatURI, "sn"},
	} {
		name, nameFormat, friendly := AttributeName(test.style, test.claim)
		if name != test.name || nameFormat != test.nameFormat || friendly != test.friendly {
			t.Errorf("AttributeName(%s, %s) is %s, %s, %q", test.style, test.claim, name, nameFormat, friendly)
		}
	}
}

// Of two claims under one name an app would see one.
func TestAttributeNamesAreDistinct(t *testing.T) {
	for _, style := range []string{"basic", "oid", "adfs"} {
		seen := map[string]string{}
		for _, a := range attributes {
			name, _, _ := AttributeName(style, a.claim)
			if other, taken := seen[name]; taken {
				t.Errorf("%s: %s and %s are both %s", style, other, a.claim, name)
			}
			seen[name] = a.claim
		}
	}
}

func TestScoped(t *testing.T) {
	for claim, want := range map[string]bool{
		"sub": true, "preferred_username": true, "eduperson_principal_name": true, "eduperson_scoped_affiliation": true,
		"eduperson_unique_id": true, "eduperson_affiliation": false, "email": false,
	} {
		name, _, _ := AttributeName("eduperson", claim)
		if got := Scoped(name); got != want {
			t.Errorf("Scoped(%s) is %t", claim, got)
		}
	}
}
