// Package peers starts what real councils run, on loopback: service providers
// that their apps stand behind (mod_auth_mellon, Shibboleth, SimpleSAMLphp,
// node-saml) and an identity provider (SimpleSAMLphp). None of it is ours,
// which is the point.
//
// Each has an address of 127.0.0.0/8 to itself, so that to a browser each is a
// site of its own and cookies behave as they do in a council.
package peers

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"
)

// ServiceProvider is an app that one of the peers protects.
type ServiceProvider struct {
	Name     string // mellon, shibboleth, simplesamlphp or node-saml
	EntityID string
	Page     string // for whoever is signed in; it shows what [Read] reads
	Passive  string // leads to Page if that takes no question to the person
	Forced   string // leads to Page by a new sign-in; "" where it knows no such
	SignOut  string // ends the session here and everywhere, and leads to Bye
	Bye      string // for everybody
	Metadata []byte

	folder string // of SimpleSAMLphp's settings
}

// Person is what an app was told of who signed in. What it was not told is "".
type Person struct{ Subject, Name, Email string }

// Read reads what the page of a service provider shows. It reports false for
// any other page.
func Read(page string) (Person, bool) {
	var p Person
	subject := field(page, "subject", &p.Subject)
	return p, subject && field(page, "name", &p.Name) && field(page, "email", &p.Email)
}

func field(page, name string, value *string) bool {
	_, rest, found := strings.Cut("\n"+page, "\n"+name+"=")
	*value, _, _ = strings.Cut(rest, "\n")
	if *value == "(none)" { // as Apache writes what is not there
		*value = ""
	}
	return found
}

//go:embed files
var files embed.FS

// settle writes the files named into folder, filled in
// from data.
func settle(tb testing.TB, folder string, data any, names ...string) {
	tb.Helper()
	for _, name := range names {
		t, err := template.New(name).Option("missingkey=error").ParseFS(files, "files/"+name)
		if err != nil {
			tb.Fatal(err)
		}
		var text bytes.Buffer
		if err := t.Execute(&text, data); err != nil {
			tb.Fatal(err)
		}
		write(tb, filepath.Join(folder, name), text.Bytes())
	}
}

// write writes a file that the server may read.
func write(tb testing.TB, file string, text []byte) {
	tb.Helper()
	if err := os.WriteFile(file, text, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// credential writes a new key and its certificate to key.pem and
// certificate.pem in folder. It returns the certificate as metadata has it.
func credential(tb testing.TB, folder string) string {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"key.pem":         {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		"certificate.pem": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		write(tb, filepath.Join(folder, name), pem.EncodeToMemory(block))
	}
	return base64.StdEncoding.EncodeToString(certificate)
}

// Fetch gets a document that a party publishes.
func Fetch(tb testing.TB, address string) []byte {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, address, nil)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		tb.Fatalf("%s: %s\n%s", address, answer.Status, body)
	}
	return body
}
