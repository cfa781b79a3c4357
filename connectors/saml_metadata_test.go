package connectors_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// document is the provider's metadata.
func (p *samlProvider) document() string {
	p.t.Helper()
	return p.read(p.browser.Get(p.url + "/metadata"))
}

func TestProviderMetadataFromFile(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}")
	file := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(file, []byte(p.document()), 0o600); err != nil {
		t.Fatal(err)
	}
	before := p.played.Calls("metadata")
	p.cfg.SAML.Metadata.URL, p.cfg.SAML.Metadata.File = "", file
	// Its address to resolve artifacts is on loopback, and the operator's word.
	if _, err := p.signIn(p.open(), p.attempt(), "full-record"); err != nil {
		t.Error(err)
	}
	if p.played.Calls("metadata") != before {
		t.Error("metadata was fetched")
	}
	p.cfg.SAML.Metadata.File = file + ".missing"
	if _, err := connectors.Open(p.cfg, p.options(credential())); err == nil {
		t.Error("opened without metadata")
	}
}

func TestProviderMetadataSigner(t *testing.T) {
	p := newSAMLProvider(t)
	write := func(der []byte) string {
		file := filepath.Join(t.TempDir(), "signer.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	p.cfg.SAML.Metadata.Signer = write(p.played.Certificates()[0].Raw)
	if _, err := p.signIn(p.open(), p.attempt(), "full-record"); err != nil {
		t.Error(err)
	}
	p.cfg.SAML.Metadata.Signer = write(stranger().Certificate.Raw)
	_, err := p.signIn(p.open(), p.attempt(), "full-record")
	wantOutcome(t, nil, err, connectors.Unavailable)

	for _, wrong := range []string{write(nil), filepath.Join(t.TempDir(), "missing.pem")} {
		p.cfg.SAML.Metadata.Signer = wrong
		if _, err := connectors.Open(p.cfg, p.options(credential())); err == nil {
			t.Errorf("opened with a signer that is none")
		}
	}
}

// Whoever can write what the broker fetches says who residents are.
func TestProviderMetadataByPlainHTTP(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://idp.example.org/metadata":  false,
		"https://idp.example.org/metadata": true,
		"http://127.0.0.1:8101/metadata":   true,
		"http://localhost:8101/metadata":   true,
		"http://[::1]:8101/metadata":       true,
		"http://127.0.0.1.example.org/":    false,
	} {
		p := newSAMLProvider(t)
		p.cfg.SAML.Metadata.URL = address
		if _, err := connectors.Open(p.cfg, p.options(credential())); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	p := newSAMLProvider(t)
	p.cfg.SAML.Metadata.URL = "http://idp.example.org/metadata"
	p.cfg.SAML.Metadata.Signer = filepath.Join(t.TempDir(), "signer.pem")
	if err := os.WriteFile(p.cfg.SAML.Metadata.Signer, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: stranger().Certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := connectors.Open(p.cfg, p.options(credential())); err != nil {
		t.Errorf("signed, by plain http: %v", err)
	}
}

func TestProviderMetadataLeadsInside(t *testing.T) {
	address, called := inside(t)
	leading, _ := party(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) })
	p := newSAMLProvider(t)
	p.cfg.SAML.Metadata.URL = leading
	_, err := p.signIn(p.open(), p.attempt(), "full-record")
	wantOutcome(t, nil, err, connectors.Unavailable)
	if called() {
		t.Error("the inside was called")
	}
}

// Metadata that is fetched may not make the broker call the machines around it.
func TestArtifactLeadsInside(t *testing.T) {
	address, called := inside(t)
	p := newSAMLProvider(t, "  response: {binding: artifact}")
	document := strings.Replace(p.document(), p.url+"/artifact", address+"/artifact", 1)
	changed, _ := party(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, document) })
	p.cfg.SAML.Metadata.URL = changed

	raw := binary.BigEndian.AppendUint16([]byte{0, 4}, 3)
	source := sha1.Sum([]byte(p.cfg.SAML.Metadata.EntityID))
	raw = append(append(raw, source[:]...), make([]byte, 20)...)
	answer := callbackURL + "?" + url.Values{"SAMLart": {base64.StdEncoding.EncodeToString(raw)}}.Encode()
	got, err := p.open().Finish(t.Context(), p.attempt(), httptest.NewRequest(http.MethodGet, answer, nil))
	wantOutcome(t, got, err, connectors.Unavailable)
	if called() {
		t.Error("the inside was called")
	}
}

// While the metadata cannot be fetched again, the last good one serves.
func TestProviderMetadataIsKept(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Fatal(err)
	}
	if err := p.played.SetFault("metadata-500"); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(7 * time.Hour)
	for range 20 {
		if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
			t.Fatal(err)
		}
	}
	p.clock.advance(100 * time.Hour)
	_, err := p.signIn(c, p.attempt(), "full-record")
	wantOutcome(t, nil, err, connectors.Unavailable)
}

func TestOwnMetadata(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Response.Binding = "artifact"
	body, mediaType, err := h.open().(connectors.Publisher).Metadata(t.Context())
	if err != nil || mediaType != "application/samlmetadata+xml" {
		t.Fatal(mediaType, err)
	}
	e, err := metadata.Parse(body, metadata.ServiceProvider, spEntityID, certificatesOf(credential()), h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	wantACS := []metadata.Endpoint{{Binding: binding.Artifact, Location: callbackURL, Default: true}}
	wantSLO := []metadata.Endpoint{
		{Binding: binding.Redirect, Location: logoutURL},
		{Binding: binding.POST, Location: logoutURL},
		{Binding: binding.SOAP, Location: logoutURL + "/soap"},
	}
	if !slices.Equal(e.ACS, wantACS) || !slices.Equal(e.SLO, wantSLO) {
		t.Errorf("endpoints are %+v and %+v", e.ACS, e.SLO)
	}
	if !e.AuthnRequestsSigned || !e.WantAssertionsSigned || len(e.Signing) != 1 || len(e.Encryption) != 1 {
		t.Errorf("entity is %+v", e)
	}
}

// Anybody may ask for the metadata, which is signed once in five minutes. New
// credentials are in it at once.
func TestOwnMetadataIsKept(t *testing.T) {
	p := newSAMLProvider(t)
	credentials := []xmlsig.Credential{credential()}
	o := p.options()
	o.Credentials = func() []xmlsig.Credential { return credentials }
	c, err := connectors.Open(p.cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	var last []byte
	for _, step := range []struct {
		name  string
		then  func()
		fresh bool
	}{
		{"first", func() {}, true},
		{"soon after", func() { p.clock.advance(4 * time.Minute) }, false},
		{"later", func() { p.clock.advance(time.Minute) }, true},
		{"with a credential to come", func() { credentials = append(credentials, stranger()) }, true},
		{"with that one first", func() { slices.Reverse(credentials) }, true},
	} {
		step.then()
		body, _, err := c.(connectors.Publisher).Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if fresh := !bytes.Equal(body, last); fresh != step.fresh {
			t.Errorf("%s: made anew is %t", step.name, fresh)
		}
		last = body
	}
}

// Whoever runs the provider reads whose connector it is, and whom to write to.
func TestOwnMetadataNamesTheCouncil(t *testing.T) {
	p := newSAMLProvider(t)
	for _, council := range []string{"", "Strathmore Council"} {
		o := p.options(credential())
		o.Council = council
		if council != "" {
			o.Contact = "identity@strathmore.example"
		}
		c, err := connectors.Open(p.cfg, o)
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := c.(connectors.Publisher).Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e, err := metadata.Parse(body, metadata.ServiceProvider, spEntityID, nil, p.clock.Now())
		if err != nil || e.DisplayName["en"] != council || strings.Contains(string(body), "ContactPerson") != (council != "") {
			t.Errorf("council %q: %v, %v, %s", council, e, err, body)
		}
	}
}

func TestOwnMetadataFollowsTheSettings(t *testing.T) {
	p := newSAMLProvider(t, "  request: {sign: false, nameid_format: persistent, eidas: {attributes: [\"urn:a\"]}}",
		"  response: {signed: response, encrypted: refused}")
	body, _, err := p.openWith(credential(), stranger()).(connectors.Publisher).Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := metadata.Parse(body, metadata.ServiceProvider, spEntityID, nil, p.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if e.AuthnRequestsSigned || e.WantAssertionsSigned || len(e.Signing) != 2 || len(e.Encryption) != 0 ||
		len(e.NameIDFormats) != 1 || len(e.Attributes) != 1 || !e.Attributes[0].Required {
		t.Errorf("entity is %+v", e)
	}
}

// The set of attributes has the number that requests call it by.
func TestOwnMetadataNumbersTheAttributes(t *testing.T) {
	for lines, want := range map[string]string{
		"  request: {attributes: [a]}":                     `<AttributeConsumingService index="1">`,
		"  request: {attributes: [a], attribute_index: 0}": `<AttributeConsumingService index="0">`,
	} {
		body, _, err := newSAMLProvider(t, lines).open().(connectors.Publisher).Metadata(t.Context())
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: the metadata lacks %s: %s, %v", lines, want, body, err)
		}
	}
}

// SimpleSAMLphp signs no assertions for whoever does not ask for it.
func TestOwnMetadataAsksForSignedAssertions(t *testing.T) {
	for signed, want := range map[string]bool{"assertion": true, "either": true, "both": true, "response": false} {
		h := newHandmade(t)
		h.cfg.SAML.Response.Signed = signed
		body, _, err := h.open().(connectors.Publisher).Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e, err := metadata.Parse(body, metadata.ServiceProvider, spEntityID, nil, h.clock.Now())
		if err != nil || e.WantAssertionsSigned != want {
			t.Errorf("signed is %s: %+v, %v", signed, e, err)
		}
	}
}

func TestOwnMetadataNeedsAKey(t *testing.T) {
	p := newSAMLProvider(t)
	if _, _, err := p.openWith([]xmlsig.Credential{}...).(connectors.Publisher).Metadata(t.Context()); err == nil {
		t.Error("published without a key")
	}
}
