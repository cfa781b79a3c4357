package xmlsig_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/test/servers"
)

// payloads are what canonicalisation can get wrong, each inside a response.
var payloads = map[string]string{
	"nothing":                        ``,
	"attributes out of order":        `<x b="2" a="1" B="3" ab="4"/>`,
	"attributes of two namespaces":   `<x xmlns:a="urn:z" xmlns:b="urn:a" a:a="1" b:b="2" c="3"/>`,
	"attributes without a namespace": `<x xmlns="urn:z" xmlns:p="urn:a" b="" p:a=""/>`,
	"a default namespace":            `<x xmlns="urn:x"><y xmlns=""><z/></y><w xmlns="urn:x"/></x>`,
	"a default namespace for later":  `<p:x xmlns:p="urn:p" xmlns="urn:d"><p:y><z/></p:y></p:x>`,
	"no namespace":                   `<x xmlns=""><y xmlns="urn:y"/></x>`,
	"a prefix bound again":           `<p:x xmlns:p="urn:1"><p:y xmlns:p="urn:2"><p:z xmlns:p="urn:1"/></p:y></p:x>`,
	"two prefixes of one namespace":  `<p:x xmlns:p="urn:1"><q:y xmlns:q="urn:1" q:a="" p:b=""/></p:x>`,
	"declarations nobody uses":       `<x xmlns:u="urn:u" xmlns:v="urn:v"><v:y/><v:y/></x>`,
	"a prefix used in a value alone": `<x xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"/>`,
	"xml:lang":                       `<x xml:lang="cy" a=""><y xml:space="preserve"/></x>`,
	"escapes":                        `<x a="&lt;&amp;&quot;'&gt;">&lt;&amp;"'&gt;]]&gt;</x>`,
	"white space":                    "<x\n a = 'b\n\tc'  >\r\n\t &#13; </x >",
	"CDATA":                          `<x>a<![CDATA[<&>]]>b</x>`,
	"other scripts":                  `<x ŵ="ÿ">Llanfairpwll é 😀 &#xE9;</x>`,
}

func response(payload string) string {
	return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="r1">` +
		`<saml:Issuer>https://idp.example</saml:Issuer>` + payload + `</samlp:Response>`
}

// xmlsec1 is the other implementation, which Shibboleth's and SimpleSAMLphp's
// world is tested with.
type xmlsec1 struct{ program, folder string }

func peer(t *testing.T, key xmlsig.Credential) xmlsec1 {
	t.Helper()
	x := xmlsec1{servers.Program(t, "xmlsec1", "xmlsec1"), t.TempDir()}
	private, err := x509.MarshalPKCS8PrivateKey(key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	x.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate.Raw})))
	return x
}

func (x xmlsec1) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(x.folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (x xmlsec1) run(t *testing.T, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), x.program, args...)
	cmd.Dir = x.folder
	return cmd.CombinedOutput()
}

func (x xmlsec1) verifies(t *testing.T, document string) {
	t.Helper()
	x.write(t, "signed.xml", document)
	said, err := x.run(t, "--verify", "--id-attr:ID", "Response", "--pubkey-cert-pem", "cert.pem", "signed.xml")
	if err != nil {
		t.Errorf("xmlsec1 does not verify: %s\n%s", said, document)
	}
}

func (x xmlsec1) sign(t *testing.T, template string) string {
	t.Helper()
	x.write(t, "template.xml", template)
	said, err := x.run(t, "--sign", "--id-attr:ID", "Response", "--privkey-pem", "key.pem", "--output", "signed.xml", "template.xml")
	if err != nil {
		t.Fatalf("xmlsec1 does not sign: %s", said)
	}
	signed, err := os.ReadFile(filepath.Join(x.folder, "signed.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// template is a document with a signature to be filled in.
func template(document, method, digest, prefixes string) string {
	c14n := `"http://www.w3.org/2001/10/xml-exc-c14n#"`
	list := `<ec:InclusiveNamespaces xmlns:ec=` + c14n + ` PrefixList="` + prefixes + `"/>`
	if prefixes == "" {
		list = ""
	}
	signature := `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>` +
		`<CanonicalizationMethod Algorithm=` + c14n + `>` + list + `</CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#` + method + `"/>` +
		`<Reference URI="#r1"><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
		`<Transform Algorithm=` + c14n + `>` + list + `</Transform></Transforms>` +
		`<DigestMethod Algorithm="http://www.w3.org/2001/04/` + digest + `"/><DigestValue/></Reference></SignedInfo>` +
		`<SignatureValue/><KeyInfo/></Signature>`
	return strings.Replace(document, `</saml:Issuer>`, `</saml:Issuer>`+signature, 1)
}

func TestXMLSec1VerifiesOurs(t *testing.T) {
	rsa2048, p256, p384 := ours(t), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	for alg, key := range map[xmlsig.Algorithm]xmlsig.Credential{
		xmlsig.RSASHA256: rsa2048, xmlsig.RSASHA384: rsa2048, xmlsig.RSASHA512: rsa2048,
		xmlsig.ECDSASHA256: p256, xmlsig.ECDSASHA384: p384, xmlsig.ECDSASHA512: p384,
	} {
		t.Run(string(alg), func(t *testing.T) {
			peer(t, key).verifies(t, sign(t, parse(t, alice).Tree(), key, alg))
		})
	}
}

func TestWeVerifyXMLSec1(t *testing.T) {
	rsa2048, p256, p384 := ours(t), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	for _, tt := range []struct {
		method, digest string
		key            xmlsig.Credential
	}{
		{"rsa-sha256", "xmlenc#sha256", rsa2048},
		{"rsa-sha384", "xmldsig-more#sha384", rsa2048},
		{"rsa-sha512", "xmlenc#sha512", rsa2048},
		{"ecdsa-sha256", "xmlenc#sha256", p256},
		{"ecdsa-sha384", "xmldsig-more#sha384", p384},
	} {
		t.Run(tt.method, func(t *testing.T) {
			signed := peer(t, tt.key).sign(t, template(alice, tt.method, tt.digest, ""))
			verify(t, signed, "", xmlsig.Policy{}, tt.key)
			verify(t, strings.Replace(signed, "alice", "admin", 1), "digest does not match", xmlsig.Policy{}, tt.key)
		})
	}
}

// Canonicalisation, with libxml2 as the judge of ours, both ways.
func TestXMLSec1Canonicalises(t *testing.T) {
	key := ours(t)
	x := peer(t, key)
	for name, payload := range payloads {
		t.Run(name, func(t *testing.T) {
			document := response(payload)
			x.verifies(t, sign(t, parse(t, document).Tree(), key, xmlsig.RSASHA256))
			verify(t, x.sign(t, template(document, "rsa-sha256", "xmlenc#sha256", "")), "", xmlsig.Policy{}, key)
			verify(t, x.sign(t, template(document, "rsa-sha256", "xmlenc#sha256", "xs v u p #default none")), "", xmlsig.Policy{}, key)
		})
	}
}
