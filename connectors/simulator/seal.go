package simulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
)

// seal encrypts a token to the client where the connector wants that (RFC 7516;
// Core §10.2).
func (p *Provider) seal(g *grant, token string) (string, error) {
	if p.terms.encryption == nil || g.fault.unsealed {
		return token, nil
	}
	recipient, err := recipientOf(*p.terms.encryption)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	if g.fault.recipient != nil {
		g.fault.recipient(&recipient)
	}
	content := jose.ContentEncryption(p.terms.encryption.ContentAlgorithms[0])
	if g.fault.content != "" {
		content = g.fault.content
	}
	encrypter, err := jose.NewEncrypter(content, recipient, (&jose.EncrypterOptions{}).WithContentType("JWT").WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	sealed, err := encrypter.Encrypt([]byte(token))
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return sealed.CompactSerialize()
}

// recipientOf is the client's key with the first algorithm that it can be used
// with.
func recipientOf(e config.Encryption) (jose.Recipient, error) {
	key, err := e.DecryptionKey()
	if err != nil {
		return jose.Recipient{}, err
	}
	_, elliptic := key.(*ecdsa.PrivateKey)
	i := slices.IndexFunc(e.KeyAlgorithms, func(alg string) bool { return strings.HasPrefix(alg, "ECDH") == elliptic })
	if i < 0 {
		return jose.Recipient{}, fmt.Errorf("no key algorithm of %v is for this key", e.KeyAlgorithms)
	}
	return jose.Recipient{Algorithm: jose.KeyAlgorithm(e.KeyAlgorithms[i]), Key: key.Public(), KeyID: e.KeyID}, nil
}

// sealAstray encrypts to somebody else.
func sealAstray(r *jose.Recipient) {
	if strings.HasPrefix(string(r.Algorithm), "ECDH") {
		if key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
			r.Key = key.Public()
		}
		return
	}
	if key, err := rsa.GenerateKey(rand.Reader, 2048); err == nil {
		r.Key = key.Public()
	}
}
