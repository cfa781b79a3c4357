package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"
)

// saml is the line of keys for SAML: RSA, as nothing else is understood by all.
// Its parties learn of a key by a certificate, which many of them pin and
// somebody must change by hand. So these keys do not grow old by themselves,
// and a successor waits for weeks before it signs.
const saml = "SAML"

// Credential is an RSA key with the certificate that SAML parties know it by.
type Credential struct {
	Signer      crypto.Signer // also a crypto.Decrypter
	Certificate *x509.Certificate
}

// SAML returns the keys that SAML messages are signed and decrypted with. The
// first signs; the others are about to, or did until lately, and still decrypt
// and stay published.
func (r *Ring) SAML() []Credential { return r.set.Load().saml }

// credentials are the line's published keys, first the one that signs.
func (l line) credentials(now time.Time) []Credential {
	current := l.current(now)
	all := []Credential{{current.private, current.certificate}}
	for i, k := range l.keys {
		if k != current && l.published(i, now) {
			all = append(all, Credential{k.private, k.certificate})
		}
	}
	return all
}

// certify gives the key a certificate that it signs itself. It is stored, not
// made again, so that all nodes show the same one.
func (k *key) certify(name string, now time.Time) error {
	const year = 365 * 24 * time.Hour
	template := &x509.Certificate{ // CreateCertificate makes up a serial number
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-24 * time.Hour), // clocks differ
		NotAfter:  now.Add(10 * year),
		KeyUsage:  x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.private.Public(), k.private)
	if err != nil {
		return err
	}
	k.certificate, err = x509.ParseCertificate(der)
	return err
}

// certified gives the key its stored certificate, which must be its own:
// otherwise whoever can write the table could have others encrypt to them.
func (k *key) certified(der []byte) (err error) {
	if k.certificate, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("signing key %s (%s): certificate: %w", k.id, k.line, err)
	}
	if public, ok := k.certificate.PublicKey.(*rsa.PublicKey); !ok || !public.Equal(k.private.Public()) {
		return fmt.Errorf("signing key %s (%s): the certificate is another key's", k.id, k.line)
	}
	return nil
}
