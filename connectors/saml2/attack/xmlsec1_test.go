package attack_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/test/servers"
)

// Whatever we accept, xmlsec1 verifies, and the bytes that it says were signed
// are about the same person.
func TestXMLSec1ReadsTheSamePerson(t *testing.T) {
	t.Parallel()
	program := servers.Program(t, "xmlsec1", "xmlsec1")
	target, key := attack.NewTarget(t)
	for _, d := range attack.Corpus(t, target) {
		if d.Refusal != "" || d.XML == nil {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			demand := target.Expect(key)
			if d.Demand != nil {
				d.Demand(&demand)
			}
			person, err := newXMLSec1(t, program, demand, key).person(d.XML)
			why, known := beyond[d.Name]
			switch {
			case err == nil && person != attack.Alice:
				t.Errorf("xmlsec1 reads %q", person)
			case err != nil && !known:
				t.Errorf("xmlsec1 refuses: %v", err)
			case err == nil && known:
				t.Errorf("xmlsec1 accepts what it is said to refuse: %s", why)
			}
		})
	}
}

// beyond is what the xmlsec1 of Debian 12 cannot read, and why.
var beyond = map[string]string{
	"encrypted under rsa-oaep": "it has only rsa-oaep-mgf1p",
	"rsa-pss-sha256":           "it has no PSS",
}

// xmlsec1 is the other implementation of XML signatures and encryption.
type xmlsec1 struct {
	testing.TB
	program, folder string
	keys            []string // files of certificates
}

func newXMLSec1(t *testing.T, program string, demand message.Expect, key crypto.Decrypter) xmlsec1 {
	t.Helper()
	x := xmlsec1{t, program, t.TempDir(), nil}
	for i, k := range demand.Keys {
		name := fmt.Sprintf("key%d.pem", i)
		x.write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Raw}))
		x.keys = append(x.keys, name)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	x.write("own.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return x
}

func (x xmlsec1) write(name string, content []byte) {
	x.Helper()
	if err := os.WriteFile(filepath.Join(x.folder, name), content, 0o600); err != nil {
		x.Fatal(err)
	}
}

func (x xmlsec1) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(x.Context(), x.program, args...)
	cmd.Dir = x.folder
	return cmd.Output()
}

// person verifies every signature of a response, decrypts it, and verifies what
// that brings to light. Who it is about is read from the bytes that xmlsec1
// digested, or was able to decrypt.
func (x xmlsec1) person(response []byte) (string, error) {
	x.Helper()
	x.write("answer.xml", response)
	proofs, err := x.verify(response, "Signature", "Assertion/Signature")
	if err != nil {
		return "", err
	}
	for bytes.Contains(response, []byte("EncryptedData")) {
		if response, err = x.run("--decrypt", "--privkey-pem", "own.pem", "--id-attr:Id", "EncryptedKey", "answer.xml"); err != nil {
			return "", fmt.Errorf("decrypt: %w", err)
		}
		x.write("answer.xml", response)
	}
	inside, err := x.verify(response, "EncryptedAssertion/Assertion/Signature")
	if err != nil {
		return "", err
	}
	proofs = append(proofs, inside...)
	if len(proofs) == 0 {
		return "", errors.New("nothing is signed")
	}
	if name := nameID(proofs[len(proofs)-1]); name != "" {
		return name, nil
	}
	return nameID(response), nil
}

// verify returns what each of the signatures that are there covers.
func (x xmlsec1) verify(response []byte, paths ...string) (proofs [][]byte, err error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(response); err != nil {
		return nil, err
	}
	for _, path := range paths {
		if doc.Root().FindElement(path) == nil {
			continue
		}
		proof, err := x.proof("/*/*[local-name()='" + strings.ReplaceAll(path, "/", "']/*[local-name()='") + "']")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

// proof is the bytes that the signature at an XPath covers.
func (x xmlsec1) proof(xpath string) ([]byte, error) {
	for _, key := range x.keys {
		said, err := x.run("--verify", "--pubkey-cert-pem", key, "--node-xpath", xpath,
			"--id-attr:ID", message.Assertion+":Assertion", "--id-attr:ID", message.Protocol+":Response",
			"--store-references", "--print-debug", "answer.xml")
		if err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(said, []byte("PreDigest data - start buffer:\n"))
		digested, _, found := bytes.Cut(rest, []byte("\n== PreDigest data - end buffer"))
		if !found {
			x.Fatalf("xmlsec1 does not print what it digests: %s", said)
		}
		return digested, nil
	}
	return nil, errors.New("not verified")
}

// nameID is the name of the assertion's subject, as encoding/xml reads it.
func nameID(raw []byte) string {
	d := xml.NewDecoder(bytes.NewReader(raw))
	name, inside := "", false
	for {
		token, err := d.Token()
		if err != nil {
			return name
		}
		switch t := token.(type) {
		case xml.StartElement:
			inside = t.Name == xml.Name{Space: message.Assertion, Local: "NameID"}
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				name += string(t)
			}
		}
	}
}
