package keys

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"errors"
	"fmt"
)

// ErrMaster is the error of a key that the master key does not open.
var ErrMaster = errors.New("the master key does not open it: give this node the master_key that the database was made with. " +
	"If that is lost, delete the rows of signing_keys and start again: new keys are made, ID tokens issued before no longer verify, " +
	"and whoever speaks SAML with the broker must be given its new certificate")

// seal keeps private keys under the master key: AES-256-GCM, with a random
// nonce in front of the sealed text.
type seal struct{ aead cipher.AEAD }

func newSeal(master []byte) (seal, error) {
	if len(master) != 32 {
		return seal{}, fmt.Errorf("master key has %d bytes, not 32", len(master))
	}
	block, err := aes.NewCipher(master)
	if err != nil {
		return seal{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return seal{aead}, err
}

func (s seal) wrap(k *key) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	return s.aead.Seal(nil, nil, der, binding(k)), nil
}

// unwrap gives k the private key that was sealed for it.
func (s seal) unwrap(k *key, sealed []byte) error {
	der, err := s.aead.Open(nil, nil, sealed, binding(k))
	if err != nil {
		return fmt.Errorf("signing key %s (%s): %w", k.id, k.line, ErrMaster)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fmt.Errorf("signing key %s (%s): %w", k.id, k.line, err)
	}
	k.private = private.(crypto.Signer) // as is every key that generate makes
	return nil
}

// binding ties a sealed key to its row, so that rows cannot be swapped.
func binding(k *key) []byte {
	return []byte("councilid signing key " + k.id + " " + k.line)
}
