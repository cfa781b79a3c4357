package keys

import (
	"crypto"
	"crypto/x509"
)

// Credential is an RSA key with the certificate that SAML parties know it by.
type Credential struct {
	Signer      crypto.Signer // also a crypto.Decrypter
	Certificate *x509.Certificate
}

// SAML returns the keys that SAML messages are signed and decrypted with. The
// first signs; the others are about to, or did until lately, and still decrypt
// and stay published.
func (r *Ring) SAML() []Credential { panic("stub") }
