package connectors

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
)

// Providers that do not share a secret with us read our keys instead: a JWK Set
// (RFC 7517 §5) with the key of client assertions, the one that will take its place,
// and the one to encrypt to.

// publishing is a connector that has such keys.
type publishing struct {
	*oidcConnector
	keys []jose.JSONWebKey
}

// Metadata implements [Publisher].
func (p *publishing) Metadata(context.Context) ([]byte, string, error) {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: p.keys})
	return body, "application/jwk-set+json", err // RFC 7517 §8.5
}

// publishing is c, and a [Publisher] if it has keys: without any it has no such
// address.
func (c *oidcConnector) publishing() (Connector, error) {
	keys, err := publicKeys(c.settings)
	if err != nil || len(keys) == 0 {
		return c, err
	}
	return &publishing{c, keys}, nil
}

// publicKeys are the public parts of the keys that the connector has.
func publicKeys(settings config.OIDC) ([]jose.JSONWebKey, error) {
	var all []jose.JSONWebKey
	if settings.PrivateKey.Reveal() != "" {
		key, err := signingKey(settings)
		if err != nil {
			return nil, err
		}
		all = append(all, key.Public())
	}
	if settings.NextPrivateKey.Reveal() != "" {
		key, err := nextSigningKey(settings)
		if err != nil {
			return nil, err
		}
		all = append(all, key.Public())
	}
	if settings.Encryption != nil {
		key, err := decryptionKey(*settings.Encryption)
		if err != nil {
			return nil, err
		}
		all = append(all, key.Public())
	}
	return all, nil
}

// signingKey is what client assertions are signed with.
func signingKey(settings config.OIDC) (jose.JSONWebKey, error) {
	key, err := settings.SigningKey()
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("private_key: %w", err)
	}
	return named(jose.JSONWebKey{Key: key, KeyID: settings.KeyID, Use: "sig", Algorithm: algorithmOf(key, settings)})
}

// nextSigningKey is what they will be signed with. Of the two names in a set each
// must be another (RFC 7517 §4.5): KeyID is that of the first.
func nextSigningKey(settings config.OIDC) (jose.JSONWebKey, error) {
	key, err := settings.NextSigningKey()
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("next_private_key: %w", err)
	}
	return named(jose.JSONWebKey{Key: key, Use: "sig", Algorithm: algorithmOf(key, settings)})
}

// algorithmOf is what a key signs client assertions by.
func algorithmOf(key crypto.Signer, settings config.OIDC) string {
	algorithm := jose.ES256
	if _, ok := key.(*rsa.PrivateKey); ok {
		algorithm = jose.RS256
	}
	return cmp.Or(settings.AssertionAlgorithm, string(algorithm))
}

// named gives the key its thumbprint for a name, unless it has one.
func named(key jose.JSONWebKey) (jose.JSONWebKey, error) {
	name, err := thumbprint(key)
	key.KeyID = cmp.Or(key.KeyID, name)
	return key, err
}

// thumbprint is what anybody calls a key who knows its public part (RFC 7638).
func thumbprint(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}
