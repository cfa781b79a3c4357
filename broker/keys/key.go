package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are what the broker signs tokens with: RS256, which every app
// understands (OpenID Connect Core §15.1), and ES256, which costs a twentieth.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// key is one signing key.
type key struct {
	id          string // RFC 7638 thumbprint
	line        string
	generation  int
	from        time.Time // when it starts to sign
	private     crypto.Signer
	certificate *x509.Certificate // SAML only
}

// generate makes a key that has no place in its line yet.
func generate(line string) (*key, error) {
	private, err := generatePrivate(line)
	if err != nil {
		return nil, err
	}
	id, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return &key{id: base64.RawURLEncoding.EncodeToString(id), line: line, private: private}, nil
}

func generatePrivate(line string) (crypto.Signer, error) {
	switch line {
	case string(jose.RS256), saml:
		return rsa.GenerateKey(rand.Reader, 2048)
	case string(jose.ES256):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, fmt.Errorf("no keys are made for %q", line)
}

// public is the key as apps see it (RFC 7517 §4).
func (k *key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Use: "sig", Algorithm: k.line}
}

// sign returns the compact JWS of payload (RFC 7515 §3.1). Making the signer
// anew costs under a microsecond, which is not worth a cache by typ.
func (k *key) sign(typ string, payload []byte) (string, error) {
	var o jose.SignerOptions
	if typ != "" {
		o.WithType(jose.ContentType(typ))
	}
	private := jose.JSONWebKey{Key: k.private, KeyID: k.id}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.line), Key: private}, &o)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
