package xmlenc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Encrypt returns the EncryptedData that stands for e (Type Element), its
// EncryptedKey inside KeyInfo, for the holder of the certificate's RSA key.
// The element must declare its namespaces itself.
func Encrypt(e *etree.Element, to *x509.Certificate, data Data, key Key) (*etree.Element, error) {
	c := ciphers[data]
	if c.seal == nil {
		return nil, fmt.Errorf("nothing is encrypted with %q", data)
	}
	content := make([]byte, c.size)
	rand.Read(content)
	sealed, err := c.seal(content, xmlgate.Bytes(e))
	if err != nil {
		return nil, err
	}
	wrapped, err := encryptedKey(content, to, key)
	if err != nil {
		return nil, err
	}
	return encryptedData(c.uri, wrapped, sealed), nil
}

func encryptedData(algorithm string, key *etree.Element, sealed []byte) *etree.Element {
	e := etree.NewElement("xenc:EncryptedData")
	e.CreateAttr("xmlns:xenc", enc)
	e.CreateAttr("Type", enc+"Element")
	e.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", algorithm)
	info := e.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", dsig)
	info.AddChild(key)
	addCipherValue(e, sealed)
	return e
}

// encryptedKey wraps the content key. Its KeyInfo names the recipient's
// certificate: the receivers of .NET look for their key by it.
func encryptedKey(content []byte, to *x509.Certificate, key Key) (*etree.Element, error) {
	public, ok := to.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the recipient's certificate has no RSA key")
	}
	e := etree.NewElement("xenc:EncryptedKey")
	method := e.CreateElement("xenc:EncryptionMethod")
	method.CreateAttr("Algorithm", key.URI())
	digest, err := describeOAEP(method, key)
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(digest, rand.Reader, public, content, nil)
	if err != nil {
		return nil, err
	}
	e.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(to.Raw))
	addCipherValue(e, wrapped)
	return e, nil
}

// describeOAEP adds the hashes of the key transport to its EncryptionMethod
// and returns the one that is both digest and mask hash.
func describeOAEP(method *etree.Element, key Key) (hash.Hash, error) {
	digest := method.CreateElement("ds:DigestMethod")
	switch key {
	case OAEPMGF1P:
		digest.CreateAttr("Algorithm", dsig+"sha1")
		return sha1.New(), nil
	case OAEP:
		digest.CreateAttr("Algorithm", enc+"sha256")
		mgf := method.CreateElement("xenc11:MGF")
		mgf.CreateAttr("xmlns:xenc11", enc11)
		mgf.CreateAttr("Algorithm", enc11+"mgf1sha256")
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("no key is transported with %q", key)
}

func addCipherValue(e *etree.Element, value []byte) {
	e.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").
		SetText(base64.StdEncoding.EncodeToString(value))
}
