package connectors_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

const (
	pairwise    = "urn:oasis:names:tc:SAML:attribute:pairwise-id"
	affiliation = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"
	mail        = "urn:oid:0.9.2342.19200300.100.1.3"
)

// scoped gives the provider's metadata scopes.
func (h *handmade) scoped(scopes ...string) {
	h.t.Helper()
	document, err := metadata.Build(metadata.Publication{
		Role: metadata.IdentityProvider, ID: idp, Scopes: scopes, Certificates: certificatesOf(idpCredential()),
		SSO: []metadata.Endpoint{{Binding: binding.Redirect, Location: idp + "/sso"}},
	}, h.clock.Now(), xmlsig.Credential{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cfg.SAML.Metadata.Inline = string(xmlgate.Bytes(document))
}

// One university cannot claim to have the members of another.
func TestScopes(t *testing.T) {
	for name, test := range map[string]struct {
		scopes    []string
		attribute message.Attribute
		want      any
	}{
		"own":                      {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@example.ac.uk"}}, "a@example.ac.uk"},
		"own in capitals":          {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@EXAMPLE.AC.UK"}}, "a@EXAMPLE.AC.UK"},
		"one of several":           {[]string{"example.ac.uk", "med.example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@med.example.ac.uk"}}, "a@med.example.ac.uk"},
		"another's":                {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@other.ac.uk"}}, nil},
		"below it":                 {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@med.example.ac.uk"}}, nil},
		"two":                      {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a@other.ac.uk@example.ac.uk"}}, nil},
		"none":                     {[]string{"example.ac.uk"}, message.Attribute{Name: pairwise, Values: []string{"a"}}, nil},
		"some values":              {[]string{"example.ac.uk"}, message.Attribute{Name: affiliation, Values: []string{"member@example.ac.uk", "staff@other.ac.uk"}}, "member@example.ac.uk"},
		"not scoped by definition": {[]string{"example.ac.uk"}, message.Attribute{Name: mail, Values: []string{"a@gmail.com"}}, "a@gmail.com"},
		"no scopes published":      {nil, message.Attribute{Name: pairwise, Values: []string{"a@other.ac.uk"}}, "a@other.ac.uk"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			h.scoped(test.scopes...)
			a := h.attempt()
			s := h.statement(a)
			s.Attributes = []message.Attribute{test.attribute}
			got, err := h.finish(a, s)
			if err != nil {
				t.Fatal(err)
			}
			claim, there := got.Claims[test.attribute.Name]
			if diff := cmp.Diff(test.want, claim); diff != "" || there != (test.want != nil) {
				t.Errorf("claim (-want +got):\n%s", diff)
			}
		})
	}
}
