package connectors_test

import (
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
)

func TestArtifactIsResolvedOnce(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}")
	c, a := p.open(), p.attempt()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "full-record")
	if _, err := c.Finish(t.Context(), a, answer); err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), a, answer)
	wantOutcome(t, got, err, connectors.Refused)
}

// Anybody can make the broker ask for an artifact that is none. That the
// provider says so shuts nobody else out.
func TestArtifactFaultsLeaveTheBreakerClosed(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}", "network: {attempts: 1}")
	c := p.open()
	for range 10 {
		_, err := p.signIn(c, p.attempt(), "artifact-fault")
		wantOutcome(t, nil, err, connectors.Unavailable)
	}
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Error(err)
	}
}

// A provider that answers by artifact has to be called to sign anybody in.
func TestArtifactBreaker(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}", "network: {attempts: 1}")
	c := p.open()
	for range 10 {
		_, err := p.signIn(c, p.attempt(), "artifact-500")
		wantOutcome(t, nil, err, connectors.Unavailable)
	}
	if state := c.(connectors.Guarded).BreakerState(); state != "open" {
		t.Errorf("breaker is %s", state)
	}
	before := p.played.Calls("sso")
	_, err := p.signIn(c, p.attempt(), "full-record")
	wantOutcome(t, nil, err, connectors.Unavailable)
	if p.played.Calls("sso") != before {
		t.Error("a resident was sent to a provider whose answer could not be fetched")
	}
}

// DigiD resolves artifacts for whoever shows a certificate of the government's.
func TestArtifactByMutualTLS(t *testing.T) {
	key := newKey(t)
	certificate, file := newCertificate(t, key)
	clients, asked := x509.NewCertPool(), 0
	clients.AddCert(certificate)
	resolver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable) // which is enough to have been heard
	}))
	resolver.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	resolver.StartTLS()
	defer resolver.Close()

	h := newHandmade(t)
	h.cfg.SAML.Response.Binding = "artifact"
	h.cfg.SAML.Metadata.Inline = strings.Replace(h.cfg.SAML.Metadata.Inline, "<SingleSignOnService",
		`<ArtifactResolutionService index="1" Binding="`+binding.SOAP+`" Location="`+resolver.URL+`"/><SingleSignOnService`, 1)
	answer := h.artifact(1)

	h.cfg.Network.CA = writeCA(t, resolver)
	for want, show := range []func(*config.Network){
		func(*config.Network) {},
		func(n *config.Network) { n.Cert, n.Key = file, config.NewSecret(pemOf(t, key)) },
	} {
		show(&h.cfg.Network)
		got, err := h.open().Finish(t.Context(), h.attempt(), answer)
		wantOutcome(t, got, err, connectors.Unavailable)
		if asked != want {
			t.Errorf("%d requests got through, want %d", asked, want)
		}
	}
}

// artifact is an answer that brings one of an index.
func (h *handmade) artifact(index byte) *http.Request {
	source := sha1.Sum([]byte(idp))
	raw := append([]byte{0, 4, 0, index}, append(source[:], make([]byte, 20)...)...)
	answer := url.Values{"SAMLart": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {h.attempt().State}}
	return httptest.NewRequest(http.MethodGet, callbackURL+"?"+answer.Encode(), nil)
}

// An index that metadata does not have is the browser's word; that it has none is
// what the operator has to hear.
func TestArtifactAddresses(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Response.Binding = "artifact"
	got, err := h.open().Finish(t.Context(), h.attempt(), h.artifact(1))
	wantOutcome(t, got, err, connectors.Misconfigured)
	h.cfg.SAML.Metadata.Inline = strings.Replace(h.cfg.SAML.Metadata.Inline, "<SingleSignOnService",
		`<ArtifactResolutionService index="1" Binding="`+binding.SOAP+`" Location="`+idp+`/resolve"/><SingleSignOnService`, 1)
	got, err = h.open().Finish(t.Context(), h.attempt(), h.artifact(2))
	wantOutcome(t, got, err, connectors.Refused)
}
