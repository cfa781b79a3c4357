package idp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// The town's service providers.
var (
	// planning signs its requests and has many endpoints.
	planning = partner{
		id: "planning", entityID: "https://planning.example/saml", acs: "https://planning.example/saml/acs",
		slo: "https://planning.example/saml/slo", signs: true,
	}
	// parking has no metadata, no key, and signs nothing.
	parking = partner{id: "parking", entityID: "https://parking.example/saml", acs: "https://parking.example/acs"}
	// library has a key and does not say that it signs.
	library = partner{
		id: "library", entityID: "https://library.example/saml", acs: "https://library.example/acs",
		slo: "https://library.example/slo",
	}
)

// partner is a service provider: the other side, as its own library would be.
type partner struct {
	id, entityID, acs, slo string
	signs                  bool
}

func (p partner) key() xmlsig.Credential { return key(p.id) }

// metadata is what the partner publishes.
func (p partner) metadata(t testing.TB, change ...func(*metadata.Publication)) string {
	t.Helper()
	says := metadata.Publication{
		Role: metadata.ServiceProvider, ID: p.entityID, AuthnRequestsSigned: p.signs, Encrypt: true, ValidFor: 24 * time.Hour,
		Certificates: []*x509.Certificate{p.key().Certificate},
		ACS: []metadata.Endpoint{
			{Binding: binding.Artifact, Location: p.acs + "/artifact", Index: 1},
			{Binding: binding.POST, Location: p.acs, Index: 2, Default: true},
			{Binding: binding.POST, Location: p.acs + "/second", Index: 7},
		},
		SLO: []metadata.Endpoint{{Binding: binding.Redirect, Location: p.slo, ResponseLocation: p.slo + "/done"}},
	}
	for _, c := range change {
		c(&says)
	}
	document, err := metadata.Build(says, time.Now(), xmlsig.Credential{})
	if err != nil {
		t.Fatal(err)
	}
	return string(xmlgate.Bytes(document))
}

// registered is the partner's registration, changed, with the defaults that
// config gives.
func (p partner) registered(t testing.TB, change ...func(*config.App)) config.App {
	t.Helper()
	qualifiers := true
	app := config.App{
		ID: p.id, Label: config.Text{"": p.id}, Home: "https://" + p.id + ".example/", Sector: p.id + ".example",
		Connectors: []string{"upstream"},
		Release:    []config.Release{{As: "sub"}, {As: "name"}, {As: "email"}},
		SAML: &config.AppSAML{
			Requests: "auto", Attributes: "basic", Sign: "assertion", Algorithm: "rsa-sha256",
			NameID:  config.AppNameID{Formats: []string{"persistent", "transient", "email"}, Qualifiers: &qualifiers},
			Encrypt: "never", Encryption: "auto", KeyTransport: "rsa-oaep-mgf1p",
			Contexts: []config.AppContext{{Class: unspecified, Identity: "P0"}, {Class: password, Identity: "P0", Authenticator: "Cl"}},
			Lifetime: 5 * time.Minute, Logout: config.AppSAMLLogout{Timeout: 5 * time.Second},
		},
	}
	if p == parking {
		app.SAML.Manual = &config.ManualSP{EntityID: p.entityID, ACS: []string{p.acs}}
	} else {
		app.SAML.Metadata.Inline = p.metadata(t)
	}
	for _, c := range change {
		c(&app)
	}
	return app
}

// Authentication context classes.
const (
	unspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
	password    = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	smartcard   = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
)

// town are the apps of a council, one of each kind.
func town(t testing.TB) []config.App {
	return []config.App{
		planning.registered(t), parking.registered(t), library.registered(t),
		{ID: "tax", Label: config.Text{"": "An app of another protocol"}, OIDC: &config.AppOIDC{}},
	}
}

// key is the named party's, made once for all tests.
func key(name string) xmlsig.Credential {
	made, _ := keys.LoadOrStore(name, sync.OnceValue(func() xmlsig.Credential { return newKey(name) }))
	return made.(func() xmlsig.Credential)()
}

var keys sync.Map

func newKey(name string) xmlsig.Credential {
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return xmlsig.Credential{Signer: signer, Certificate: certificate}
}

// certificateFile is a PEM file of the named party's certificate.
func certificateFile(t testing.TB, name string) string {
	t.Helper()
	return writeFile(t, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key(name).Certificate.Raw}))
}

func writeFile(t testing.TB, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func certificates(name string) []*x509.Certificate {
	return []*x509.Certificate{key(name).Certificate}
}
