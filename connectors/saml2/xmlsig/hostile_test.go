package xmlsig_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// hostile are documents of a mebibyte that cost as much as their author could
// make them. The signatures are stolen from an honest document, so that the
// worst of them get as far as the digest.
func hostile(t testing.TB, key xmlsig.Credential) map[string]string {
	honest := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	stuffed := func(attributes, content string) string {
		s := strings.Replace(honest, `<samlp:Response `, `<samlp:Response `+attributes, 1)
		return strings.Replace(s, `</samlp:Response>`, content+`</samlp:Response>`, 1)
	}
	forged := func(document string) string {
		return strings.Replace(document, `<ds:SignatureValue>`, `<ds:SignatureValue>AAAA`, 1)
	}
	spread := ` xmlns:p="urn:` + strings.Repeat("x", 240) + `"`
	info := strings.Replace(honest, `<ds:SignedInfo>`, `<ds:SignedInfo Id="`+strings.Repeat("x", 1_000_000)+`">`, 1)
	return map[string]string{
		"forged":              forged(stuffed("", strings.Repeat(`<saml:AttributeValue>x</saml:AttributeValue>`, 19_000))),
		"flat":                stuffed("", strings.Repeat("<a/>", 19_900)),
		"values":              stuffed("", strings.Repeat(`<saml:AttributeValue>some value or other</saml:AttributeValue>`, 16_000)),
		"text":                stuffed("", strings.Repeat("&lt;", 250_000)),
		"attributes":          stuffed("", strings.Repeat("<a "+numbered(`a%d="" `, 25)+"/>", 3150)),
		"namespaces":          stuffed("", strings.Repeat("<a "+numbered(`xmlns:a%d="urn:x" `, 32)+"/>", 1650)),
		"namespaces all over": stuffed("", strings.Repeat("<a "+numbered(`xmlns:a%d="urn:x" `, 32)+">", 50)+strings.Repeat("<b/>", 19_000)+strings.Repeat("</a>", 50)),
		"spread":              stuffed(spread, strings.Repeat(`<p:a p:a=""/>`, 19_900)),
		"wide tag":            stuffed("", "<a "+numbered(`a%d="" `, 100_000)+"/>"),
		"SignedInfo":          info,
		"signature value":     forged(strings.Replace(honest, `<ds:SignatureValue>`, `<ds:SignatureValue>`+strings.Repeat("AAAA", 250_000), 1)),
	}
}

func numbered(format string, n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, format, i)
	}
	return all.String()
}

func refuse(document []byte, key xmlsig.Credential) error {
	u, err := xmlgate.Parse(document, xmlgate.Limits{})
	if err != nil {
		return err
	}
	_, err = xmlsig.Verify(u.Element, []*x509.Certificate{key.Certificate}, xmlsig.Policy{})
	return err
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	key := ours(t)
	for name, document := range hostile(t, key) {
		t.Run(name, func(t *testing.T) {
			if len(document) > 1<<20 {
				t.Fatalf("%d bytes are refused by their length alone", len(document))
			}
			if err := refuse([]byte(document), key); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	key := ours(b)
	for name, document := range hostile(b, key) {
		raw := []byte(document)
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				if err := refuse(raw, key); err == nil {
					b.Fatal("accepted")
				}
			}
			b.Logf("%d bytes: %v", len(raw), refuse(raw, key))
		})
	}
}

// The original is where nobody looks for it: the wrapping has no signature of
// its own, or one of something else.
func TestVerifyRefusesWrapping(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	evil := func(place string) string {
		return edited(t, good, func(root, signature *etree.Element) {
			original := tree(t, alice)
			root.CreateAttr("ID", "evil")
			root.FindElement("./Assertion").CreateAttr("ID", "evil-too")
			root.FindElement(".//NameID").SetText("admin")
			signature.FindElement(place).AddChild(original)
		})
	}
	verify(t, evil("./KeyInfo"), "reference to something else", xmlsig.Policy{}, key)
	verify(t, evil("./SignatureValue"), "reference to something else", xmlsig.Policy{}, key)
	verify(t, evil("./SignedInfo"), "SignedInfo of an unexpected shape", xmlsig.Policy{}, key)
	verify(t, evil("../Assertion"), "reference to something else", xmlsig.Policy{}, key)

	same := strings.Replace(evil("./KeyInfo"), `ID="evil"`, `ID="r1"`, 1)
	if _, err := xmlgate.Parse([]byte(same), xmlgate.Limits{}); err == nil || err.Error() != "ID repeated" {
		t.Errorf("both with one ID: %v", err)
	}
}
