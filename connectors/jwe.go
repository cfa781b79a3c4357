package connectors

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
)

// maxToken bounds a token that is to be decrypted or that comes within another
// answer. Real ones are some kilobytes.
const maxToken = 64 << 10

// errEncrypted is all that is said of a token that cannot be decrypted: whoever
// learnt where the decryption went wrong could try until it does not (RFC 7516
// §11.5).
var errEncrypted = errors.New("it is not encrypted as agreed")

// decrypter decrypts what a provider encrypts to us (RFC 7516). A nil one leaves
// tokens as they are.
type decrypter struct {
	key               jose.JSONWebKey
	keyAlgorithms     []jose.KeyAlgorithm
	contentAlgorithms []jose.ContentEncryption
}

func newDecrypter(e *config.Encryption) (*decrypter, error) {
	if e == nil {
		return nil, nil
	}
	key, err := decryptionKey(*e)
	if err != nil {
		return nil, err
	}
	d := &decrypter{key: key}
	for _, name := range e.KeyAlgorithms {
		d.keyAlgorithms = append(d.keyAlgorithms, jose.KeyAlgorithm(name))
	}
	for _, name := range e.ContentAlgorithms {
		d.contentAlgorithms = append(d.contentAlgorithms, jose.ContentEncryption(name))
	}
	return d, nil
}

// open returns what is in token. One that came in the clear is refused: the
// provider has agreed not to send any.
func (d *decrypter) open(token string) (string, error) {
	if d == nil {
		return token, nil
	}
	if len(token) > maxToken {
		return "", errEncrypted
	}
	jwe, err := jose.ParseEncryptedCompact(token, d.keyAlgorithms, d.contentAlgorithms)
	if err != nil {
		return "", errEncrypted
	}
	text, err := jwe.Decrypt(d.key)
	if err != nil || len(text) > maxToken {
		return "", errEncrypted
	}
	return string(text), nil
}

// decryptionKey is the key that providers encrypt to. It is published with the
// first of the algorithms that it can be used with.
func decryptionKey(e config.Encryption) (jose.JSONWebKey, error) {
	key, err := e.DecryptionKey()
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("encryption.key: %w", err)
	}
	family := "ECDH-ES"
	if _, ok := key.(*rsa.PrivateKey); ok {
		family = "RSA-OAEP"
	}
	i := slices.IndexFunc(e.KeyAlgorithms, func(name string) bool { return strings.HasPrefix(name, family) })
	if i < 0 {
		return jose.JSONWebKey{}, errors.New("encryption.key_algorithms: none can be used with the key")
	}
	return named(jose.JSONWebKey{Key: key, KeyID: e.KeyID, Use: "enc", Algorithm: e.KeyAlgorithms[i]})
}
