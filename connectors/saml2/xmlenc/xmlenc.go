// Package xmlenc encrypts assertions and decrypts them (XML Encryption 1.1).
//
// AES in GCM or CBC mode under an RSA-OAEP key. RSA PKCS#1 v1.5 key transport
// (Bleichenbacher) is never accepted. Whatever fails after the key transport
// fails with the same words, so that nobody can use the broker as an oracle.
// Encryption says nothing about who wrote the plaintext.
package xmlenc

import (
	"crypto"
	"crypto/x509"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Data is a content encryption algorithm by the name that operators write.
type Data string

// Content encryption algorithms.
const (
	AES128GCM Data = "aes128-gcm"
	AES256GCM Data = "aes256-gcm"
	AES128CBC Data = "aes128-cbc"
	AES192CBC Data = "aes192-cbc" // decrypted only
	AES256CBC Data = "aes256-cbc"
)

// Key is a key transport algorithm by the name that operators write.
type Key string

// Key transport algorithms.
const (
	OAEPMGF1P Key = "rsa-oaep-mgf1p" // SHA-1 as mask hash, which OAEP does not depend on; digest as DigestMethod says
	OAEP      Key = "rsa-oaep"       // xmlenc11: encrypts with SHA-256 for both hashes; decrypts what DigestMethod and MGF say
)

// Policy is what a party accepts. Empty lists are AES-GCM and AES256CBC, and
// both key transports.
type Policy struct {
	Data []Data
	Key  []Key
}

// Encrypt returns the EncryptedData that stands for e (Type Element), its
// EncryptedKey inside KeyInfo, for the holder of the certificate's RSA key.
func Encrypt(e *etree.Element, to *x509.Certificate, data Data, key Key) (*etree.Element, error) {
	panic("stub")
}

// Decrypt returns the plaintext of an EncryptedAssertion, EncryptedID or
// EncryptedAttribute: XML that has to go through the gate. The EncryptedKey may
// be in KeyInfo or beside EncryptedData. Every key is tried.
func Decrypt(encrypted xmlgate.Element, keys []crypto.Decrypter, p Policy) ([]byte, error) {
	panic("stub")
}
