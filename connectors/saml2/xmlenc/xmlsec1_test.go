package xmlenc_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/test/servers"
)

// xmlsec1 is the other library that most service providers decrypt with.
type xmlsec1 struct{ program, folder string }

func findXMLSec1(t *testing.T) xmlsec1 {
	x := xmlsec1{servers.Program(t, "xmlsec1", "xmlsec1"), t.TempDir()}
	key, err := x509.MarshalPKCS8PrivateKey(ours())
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	x.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate(t, ours()).Raw}))
	return x
}

func (x xmlsec1) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(x.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (x xmlsec1) run(t *testing.T, command string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), x.program, append([]string{command, "--output", "out.xml"}, args...)...)
	cmd.Dir = x.folder
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xmlsec1 %s: %v\n%s", command, err, said)
	}
	out, err := os.ReadFile(filepath.Join(x.folder, "out.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), `<?xml version="1.0"?>`))
}

func TestXMLSec1DecryptsOurs(t *testing.T) {
	x := findXMLSec1(t)
	for _, data := range []xmlenc.Data{xmlenc.AES128GCM, xmlenc.AES256GCM, xmlenc.AES128CBC, xmlenc.AES256CBC} {
		x.write(t, "in.xml", []byte(encrypt(t, data, xmlenc.OAEPMGF1P)))
		if got := x.run(t, "--decrypt", "--privkey-pem", "key.pem", "in.xml"); string(xmlgate.Bytes(element(t, got))) != assertion {
			t.Errorf("%s: %s", data, got)
		}
	}
}

func TestWeDecryptXMLSec1(t *testing.T) {
	x := findXMLSec1(t)
	x.write(t, "plain.xml", []byte(assertion))
	for data, session := range map[xmlenc.Data]string{
		xmlenc.AES128GCM: "aes-128", xmlenc.AES256GCM: "aes-256",
		xmlenc.AES128CBC: "aes-128", xmlenc.AES192CBC: "aes-192", xmlenc.AES256CBC: "aes-256",
	} {
		x.write(t, "template.xml", []byte(crafted{
			algorithm: data.URI(),
			within:    []craftedKey{{algorithm: xmlenc.OAEPMGF1P.URI()}},
		}.String()))
		text := x.run(t, "--encrypt", "--pubkey-cert-pem", "cert.pem", "--session-key", session,
			"--xml-data", "plain.xml", "template.xml")
		got, err := xmlenc.Decrypt(wrap(t, text), []crypto.Decrypter{ours()}, everything)
		if err != nil || string(xmlgate.Bytes(element(t, string(got)))) != assertion {
			t.Errorf("%s: %q, %v", data, got, err)
		}
	}
}
