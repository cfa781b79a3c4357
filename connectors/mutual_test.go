package connectors_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// newCertificate makes a client certificate and writes it to a file.
func newCertificate(t *testing.T, key *ecdsa.PrivateKey) (certificate *x509.Certificate, file string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "council"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return certificate, file
}

func TestMutualTLS(t *testing.T) {
	key := newKey(t)
	certificate, file := newCertificate(t, key)
	clients := x509.NewCertPool()
	clients.AddCert(certificate)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, claims{}) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	defer server.Close()

	network := config.Network{CA: writeCA(t, server), Cert: file, Key: config.NewSecret(pemOf(t, key))}
	get := func(n config.Network) error {
		out, err := connectors.OpenOutbound("party", n, []string{server.URL}, connectors.Options{})
		if err == nil {
			_, err = out.Get(t.Context(), "metadata", server.URL, 100)
		}
		return err
	}
	if err := get(network); err != nil {
		t.Error(err)
	}
	if err := get(config.Network{CA: network.CA}); err == nil {
		t.Error("the server let us in without a certificate")
	}
	network.Key = config.NewSecret(pemOf(t, newKey(t)))
	if err := get(network); err == nil {
		t.Error("the key of another certificate is taken")
	}
}
