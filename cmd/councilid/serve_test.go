package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/councilid/councilid/test/logbook"
)

// TestServe runs the production server on https: it serves, follows SIGHUP to
// a renewed certificate and a changed app, keeps the last good folder when an
// edit is bad, and stops when it is told to.
func TestServe(t *testing.T) {
	dir, public, admin := t.TempDir(), freeAddress(t), freeAddress(t)
	traces := collector(t)
	write(t, dir, "broker.yaml", fmt.Sprintf(
		"issuer: https://%s\nlisten: %q\nadmin: %q\ntls: {cert: cert.pem, key: key.pem}\nlog: {format: json}\ntelemetry: {otlp: %q, sample: 1}\n",
		public, public, admin, traces.URL))
	write(t, dir, "secret", "a secret")
	write(t, dir, "connectors/works.yaml", "label: Works\nclient_id: councilid\nclient_secret: file:secret\noidc: {issuer: https://id.example.gov.uk}\n")
	write(t, dir, "apps/tax.yaml", "label: Tax\noidc: {client_secret: file:secret, redirect_uris: [https://tax.example/callback]}\n")
	first := writeCertificate(t, dir)

	ctx, stop := context.WithCancel(t.Context())
	var log logbook.Log
	done := make(chan error, 1)
	go func() { done <- serve(ctx, dir, &log) }()
	eventually(t, "the broker is ready", func() bool { return ready(io.Discard, "http://"+admin+"/readyz") == nil })

	if got := issuerOf(t, public, first); !strings.Contains(got, `"issuer":"https://`+public+`"`) {
		t.Errorf("discovery: %s", got)
	}
	second := writeCertificate(t, dir)
	write(t, dir, "apps/parking.yaml", "label: Parking\noidc: {client_secret: file:secret, redirect_uris: [https://parking.example/callback]}\n")
	hangUp(t)
	eventually(t, "the new certificate serves", func() bool { return issuerOf(t, public, second) != "" })

	write(t, dir, "apps/parking.yaml", "label: Parking\noidc: {client_secret: file:secret, redirect_uri: https://parking.example/callback}\n")
	hangUp(t)
	eventually(t, "the mistake is logged", func() bool { return strings.Contains(log.String(), `did you mean \"redirect_uris\"`) })
	if issuerOf(t, public, second) == "" {
		t.Error("a bad edit ended the service")
	}

	stop()
	if err := <-done; err != nil {
		t.Errorf("serve returned %v", err)
	}
	if strings.Contains(log.String(), "a secret") {
		t.Error("the log shows a secret")
	}
	// What was not sent yet is sent before the end.
	if sent := traces.lines.String(); !strings.Contains(sent, "openid-configuration") || strings.Contains(sent, "a-query-of-ours") {
		t.Errorf("the collector was sent %q", sent)
	}
}

// otlp is a collector of traces.
type otlp struct {
	*httptest.Server
	lines logbook.Log
}

func collector(t *testing.T) *otlp {
	c := &otlp{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			_, _ = io.Copy(&c.lines, r.Body)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func TestServeRefusesABadFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "broker.yaml", "issuer: https://login.example.gov.uk\nlisen: :443\n")
	err := serve(t.Context(), dir, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `did you mean "listen"`) {
		t.Errorf("serve returned %v", err)
	}
}

func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// issuerOf fetches the discovery document from a server that has the
// certificate, or returns "".
func issuerOf(t *testing.T, address string, trusted *x509.Certificate) string {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(trusted)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Get("https://" + address + "/.well-known/openid-configuration?code=a-query-of-ours")
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// writeCertificate makes a new certificate for loopback.
func writeCertificate(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
