package metadata_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

const dsig = "http://www.w3.org/2000/09/xmldsig#"

// The keys of this package's tests, made once as they take a while.
var (
	federation = sync.OnceValue(func() xmlsig.Credential { return credential("federation", rsaKey()) })
	attacker   = sync.OnceValue(func() xmlsig.Credential { return credential("attacker", rsaKey()) })
	provider   = sync.OnceValue(func() xmlsig.Credential { return credential("provider", rsaKey()) })
	renewed    = sync.OnceValue(func() xmlsig.Credential { return credential("renewed", rsaKey()) })
	elliptical = sync.OnceValue(func() xmlsig.Credential { return credential("elliptical", ecKey()) })
)

func rsaKey() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func ecKey() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func credential(name string, key crypto.Signer) xmlsig.Credential {
	return credentialUntil(now.AddDate(9, 0, 0), name, key)
}

func credentialUntil(end time.Time, name string, key crypto.Signer) xmlsig.Credential {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: end.AddDate(-10, 0, 0), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return xmlsig.Credential{Signer: key, Certificate: c}
}

func signers(c ...xmlsig.Credential) []*x509.Certificate {
	all := []*x509.Certificate{}
	for _, c := range c {
		all = append(all, c.Certificate)
	}
	return all
}

// keyInfo is a KeyDescriptor; use is an attribute or "".
func keyInfo(use string, c xmlsig.Credential) string {
	return fmt.Sprintf(`<KeyDescriptor %s><KeyInfo xmlns="%s"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`,
		use, dsig, base64.StdEncoding.EncodeToString(c.Certificate.Raw))
}

const (
	saml20      = `protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"`
	redirectSSO = `<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>`
)

// idp is an entity whose one role is that of an identity provider.
func idp(id string) string {
	return entity(id, "", `<IDPSSODescriptor `+saml20+`>`+keyInfo(`use="signing"`, provider())+redirectSSO+`</IDPSSODescriptor>`)
}

func entity(id, attributes, inner string) string {
	return fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ID="_%x" entityID="%s" %s>%s</EntityDescriptor>`,
		id, id, attributes, inner)
}

func aggregate(attributes string, entities ...string) string {
	return `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>` +
		strings.Join(entities, "\n") + `</EntitiesDescriptor>`
}

func sign(tb testing.TB, document string, c xmlsig.Credential) string {
	tb.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(document); err != nil {
		tb.Fatal(err)
	}
	signed, err := xmlsig.Sign(doc.Root(), c, xmlsig.RSASHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return string(xmlgate.Bytes(signed))
}

func parse(document, id string, signer []*x509.Certificate) (*metadata.Entity, error) {
	return metadata.Parse([]byte(document), metadata.IdentityProvider, id, signer, now)
}
