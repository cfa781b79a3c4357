package config

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// SigningKey returns the key that PrivateKey holds: one that can sign RS256 or
// ES256 (RFC 7518 §3.3, §3.4).
func (o OIDC) SigningKey() (crypto.Signer, error) { return strongKey(o.PrivateKey) }

// NextSigningKey returns the one that NextPrivateKey holds.
func (o OIDC) NextSigningKey() (crypto.Signer, error) { return strongKey(o.NextPrivateKey) }

// strongKey reads a key of RSA or on P-256 that is long enough for today.
func strongKey(s Secret) (crypto.Signer, error) {
	key, err := parsePrivateKey(s.Reveal())
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= 2048 {
			return key, nil
		}
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, errors.New("must be an RSA key of 2048 bits or more, or a P-256 key")
}

// samePublicKey reports whether two keys are one.
func samePublicKey(a, b crypto.Signer) bool {
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool }) // as crypto.PublicKey promises
	return ok && public.Equal(b.Public())
}

// DecryptionKey returns the key that Key holds: one that RSA-OAEP or ECDH-ES can
// be used with (RFC 7518 §4.3, §4.6).
func (e Encryption) DecryptionKey() (crypto.Signer, error) { return strongKey(e.Key) }

func parsePrivateKey(text string) (crypto.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("must be a private key in PEM")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("must be an unencrypted RSA or EC private key in PEM")
}
