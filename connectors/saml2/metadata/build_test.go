package metadata_test

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/test/servers"
)

// publications are what the broker may say about itself, by name of the golden
// file.
func publications(certificates ...*x509.Certificate) map[string]metadata.Publication {
	names := map[string]string{"en": "Example Council", "cy": "Cyngor Enghraifft"}
	endpoints := func(path string, bindings ...string) []metadata.Endpoint {
		var all []metadata.Endpoint
		for _, b := range bindings {
			all = append(all, metadata.Endpoint{Binding: b, Location: "https://login.example.gov.uk" + path})
		}
		return all
	}
	return map[string]metadata.Publication{
		"identity-provider": {
			Role: metadata.IdentityProvider, ID: "https://login.example.gov.uk/saml/metadata",
			Name: names, Organisation: "Example Council", OrganisationURL: "https://www.example.gov.uk/",
			Contact: "webteam@example.gov.uk", Certificates: certificates,
			NameIDFormats: []string{
				"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
				"urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
			},
			SSO:                     endpoints("/saml/sso", binding.Redirect, binding.POST),
			SLO:                     append(endpoints("/saml/slo", binding.Redirect, binding.POST), endpoints("/saml/soap", binding.SOAP)...),
			WantAuthnRequestsSigned: true, Scopes: []string{"example.gov.uk"},
		},
		"service-provider": {
			Role: metadata.ServiceProvider, ID: "https://login.example.gov.uk/connectors/adfs/metadata",
			ValidFor: time.Hour, Name: names, Certificates: certificates,
			Encrypt: true, Encryption: xmlenc.Policy{Data: []xmlenc.Data{xmlenc.AES256GCM, xmlenc.AES128CBC}},
			ACS: []metadata.Endpoint{
				{Binding: binding.POST, Location: "https://login.example.gov.uk/callback/adfs", Default: true},
				{Binding: binding.Artifact, Location: "https://login.example.gov.uk/callback/adfs", Index: 1},
			},
			SLO:                 endpoints("/logout/adfs", binding.Redirect, binding.POST),
			AuthnRequestsSigned: true, WantAssertionsSigned: true,
			AttributesIndex: 1,
			Attributes: []metadata.RequestedAttribute{
				{Name: "urn:oid:0.9.2342.19200300.100.1.3", FriendlyName: "mail", Required: true},
				{Name: "groups", NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"},
			},
		},
		"least": {Role: metadata.ServiceProvider, ID: "https://login.example.gov.uk/connectors/x/metadata", ACS: []metadata.Endpoint{
			{Binding: binding.POST, Location: "https://login.example.gov.uk/callback/x?a=b&c=<d>\""},
		}, Attributes: []metadata.RequestedAttribute{{Name: "a"}}, AttributesIndex: 1},
	}
}

func build(t *testing.T, p metadata.Publication, c xmlsig.Credential) *etree.Element {
	t.Helper()
	e, err := metadata.Build(p, now, c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestBuildGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/build/certificate.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	for name, p := range publications(parseCertificate(t, block.Bytes)) {
		doc := etree.NewDocumentWithRoot(build(t, p, xmlsig.Credential{}))
		doc.Indent(2)
		got, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata/build", name+".xml")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// What we write is what we would read.
func TestBuildParse(t *testing.T) {
	for name, p := range publications(provider().Certificate, renewed().Certificate) {
		document := string(xmlgate.Bytes(build(t, p, federation())))
		e, err := metadata.Parse([]byte(document), p.Role, p.ID, signers(federation()), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p.SSO, p.SLO = e.SSO, slices.Clone(p.SLO)
		got := metadata.Publication{
			Role: p.Role, ID: e.ID, ValidFor: e.ValidUntil.Sub(now), Name: e.DisplayName,
			Organisation: p.Organisation, OrganisationURL: p.OrganisationURL, Contact: p.Contact,
			Certificates: e.Signing, Encrypt: len(e.Encryption) > 0, Encryption: p.Encryption,
			NameIDFormats: e.NameIDFormats, SLO: e.SLO, SSO: e.SSO,
			WantAuthnRequestsSigned: e.WantAuthnRequestsSigned, Scopes: e.Scopes,
			ACS: e.ACS, AuthnRequestsSigned: e.AuthnRequestsSigned, WantAssertionsSigned: e.WantAssertionsSigned,
			Attributes: e.Attributes, AttributesIndex: p.AttributesIndex,
		}
		if p.ValidFor == 0 {
			p.ValidFor = 7 * 24 * time.Hour
		}
		if name == "least" {
			p.Certificates, p.ACS[0].Default = e.Signing, true // nobody is named, so the first is
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// Apps are told to encrypt with what is accepted, and with nothing else.
func TestBuildEncryptionMethods(t *testing.T) {
	p := publications(provider().Certificate)["service-provider"]
	e, err := metadata.Parse(xmlgate.Bytes(build(t, p, xmlsig.Credential{})), p.Role, "", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{xmlenc.AES256GCM.URI(), xmlenc.AES128CBC.URI(), xmlenc.OAEP.URI(), xmlenc.OAEPMGF1P.URI()}
	if diff := cmp.Diff(want, e.DataMethods); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestBuildIsValid(t *testing.T) {
	xmllint := servers.Program(t, "xmlsec1", "xmllint")
	for _, package_ := range []string{"opensaml", "xmltooling", "shibboleth"} {
		if _, err := os.Stat("/usr/share/xml/" + package_); err != nil {
			servers.Missing(t, "xmlsec1", err.Error())
		}
	}
	for name, p := range publications(provider().Certificate, renewed().Certificate) {
		for how, c := range map[string]xmlsig.Credential{"signed": federation(), "unsigned": {}} {
			file := filepath.Join(t.TempDir(), "metadata.xml")
			if err := os.WriteFile(file, xmlgate.Bytes(build(t, p, c)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", "testdata/schema/published.xsd", file)
			cmd.Env = append(os.Environ(), "XML_CATALOG_FILES=testdata/schema/catalog.xml")
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", name, how, err, said)
			}
		}
	}
}

func TestXMLSec1VerifiesOurs(t *testing.T) {
	xmlsec1, folder := servers.Program(t, "xmlsec1", "xmlsec1"), t.TempDir()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: federation().Certificate.Raw})
	if err := os.WriteFile(filepath.Join(folder, "cert.pem"), certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	all := publications(provider().Certificate)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		document := string(xmlgate.Bytes(build(t, all[name], federation())))
		for _, c := range []struct {
			document string
			good     bool
		}{{document, true}, {strings.Replace(document, "login.example.gov.uk", "evil.example", 2), false}} {
			if err := os.WriteFile(filepath.Join(folder, "in.xml"), []byte(c.document), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), xmlsec1, "--verify", "--pubkey-cert-pem", "cert.pem",
				"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor", "in.xml")
			cmd.Dir = folder
			if said, err := cmd.CombinedOutput(); (err == nil) != c.good {
				t.Errorf("%s: %v\n%s", name, err, said)
			}
		}
	}
}
