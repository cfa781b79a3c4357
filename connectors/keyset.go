package connectors

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// keysFresh is how long a key set is used before it is fetched again, and so
// how long a key that a provider withdraws is still believed.
const keysFresh = time.Hour

// keySet is the keys that a party signs with, parsed once and kept.
type keySet struct {
	keys       *cached[[]jose.JSONWebKey]
	algorithms []jose.SignatureAlgorithm
	exact      bool // a signature has to name its key
}

// idTokenKeys are what ID tokens are signed with.
func idTokenKeys(settings config.OIDC, secret string, d *cached[discovery], client *Outbound, o Options) (*keySet, error) {
	if slices.Contains(settings.Algorithms, hs256) {
		return secretKeys(settings.Algorithms, secret, o)
	}
	return newKeySet(settings.Algorithms, o, func(ctx context.Context) ([]jose.JSONWebKey, error) {
		d, err := d.get(ctx)
		if err != nil {
			return nil, err
		}
		return fetchKeys(ctx, client, d.JWKSURI)
	}), nil
}

const hs256 = string(jose.HS256)

// secretKeys are the client secret, for a provider that signs with it. Nothing
// that is public may be among them, nor any other algorithm: whoever can choose
// takes the published key for the secret. go-jose compares in constant time.
func secretKeys(algorithms []string, secret string, o Options) (*keySet, error) {
	if len(algorithms) > 1 {
		return nil, errors.New("algorithms: HS256 goes with no other")
	}
	if len(secret) < sha256.Size { // RFC 7518 §3.2
		return nil, errors.New("algorithms: HS256 needs a client secret of 32 bytes or more")
	}
	return newKeySet(algorithms, o, func(context.Context) ([]jose.JSONWebKey, error) {
		return []jose.JSONWebKey{{Key: []byte(secret)}}, nil
	}), nil
}

// newKeySet keeps the keys that load fetches.
func newKeySet(algorithms []string, o Options, load func(context.Context) ([]jose.JSONWebKey, error)) *keySet {
	k := &keySet{keys: &cached[[]jose.JSONWebKey]{
		fresh:  keysFresh,
		now:    o.Now,
		failed: func(err error) { o.Log.Warn("the last good keys are kept", "err", err) },
		load:   load,
	}}
	for _, name := range algorithms {
		k.algorithms = append(k.algorithms, jose.SignatureAlgorithm(name))
	}
	return k
}

// fetchKeys fetches a JWK Set. It leaves out keys that it does not understand
// (RFC 7517 §5) and keys that are not for signatures.
func fetchKeys(ctx context.Context, client *Outbound, address string) ([]jose.JSONWebKey, error) {
	var set struct{ Keys []json.RawMessage }
	if err := client.getJSON(ctx, "jwks", address, nil, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// verify returns what token says, if one of the keys signed it. When none did,
// the keys are fetched again: the party may have rotated them (OpenID Connect
// Core §10.1.1).
func (k *keySet) verify(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, k.algorithms)
	if err != nil {
		return nil, err
	}
	keys, err := k.keys.hold(ctx)
	if err != nil {
		return nil, err
	}
	if payload, ok := k.verifyAny(jws, keys.value); ok {
		return payload, nil
	}
	if keys, err = k.keys.renew(ctx, keys.loaded); err != nil {
		return nil, err
	}
	if payload, ok := k.verifyAny(jws, keys.value); ok {
		return payload, nil
	}
	return nil, errors.New("no key of the provider's made the signature")
}

// read is what a token says that one of the keys signed. what names it in
// errors.
func (k *keySet) read(ctx context.Context, what, token string) (mapping.Claims, error) {
	payload, err := k.verify(ctx, token)
	if unreachable, ok := errors.AsType[*Failure](err); ok {
		return nil, unreachable
	}
	if err != nil {
		return nil, fail(Refused, "%s: %w", what, err)
	}
	var claims mapping.Claims
	if json.Unmarshal(payload, &claims) != nil || claims == nil {
		return nil, fail(Refused, "%s: its claims are malformed", what)
	}
	return claims, nil
}

// verifyAny tries the keys that may have made the signature, going by the
// names in its header. Two keys may share a name.
func (k *keySet) verifyAny(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	header := jws.Signatures[0].Protected
	for _, key := range keys {
		named := header.KeyID == key.KeyID || !k.exact && (header.KeyID == "" || key.KeyID == "")
		usable := key.Algorithm == "" || key.Algorithm == header.Algorithm
		if !named || !usable {
			continue
		}
		if payload, err := jws.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, false
}
