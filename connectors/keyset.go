package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keysFresh is how long a key set is used before it is fetched again, and so
// how long a key that a provider withdraws is still believed.
const keysFresh = time.Hour

// keySet is a provider's published keys (RFC 7517), parsed once and kept.
type keySet struct {
	keys       *cached[[]jose.JSONWebKey]
	algorithms []jose.SignatureAlgorithm
}

func newKeySet(algorithms []string, d *cached[discovery], client *Outbound, o Options) *keySet {
	k := &keySet{keys: &cached[[]jose.JSONWebKey]{
		fresh:  keysFresh,
		now:    o.Now,
		failed: func(err error) { o.Log.Warn("the last good keys are kept", "err", err) },
		load: func(ctx context.Context) ([]jose.JSONWebKey, error) {
			d, err := d.get(ctx)
			if err != nil {
				return nil, err
			}
			return fetchKeys(ctx, client, d.JWKSURI)
		},
	}}
	for _, name := range algorithms {
		k.algorithms = append(k.algorithms, jose.SignatureAlgorithm(name))
	}
	return k
}

// fetchKeys leaves out keys that it does not understand (RFC 7517 §5) and
// keys that are not for signatures.
func fetchKeys(ctx context.Context, client *Outbound, address string) ([]jose.JSONWebKey, error) {
	var set struct{ Keys []json.RawMessage }
	if err := client.getJSON(ctx, "jwks", address, "", &set); err != nil {
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

// verify returns what jwt says, if one of the provider's keys signed it. When
// none did, the keys are fetched again: the provider may have rotated them
// (OpenID Connect Core §10.1.1).
func (k *keySet) verify(ctx context.Context, jwt string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(jwt, k.algorithms)
	if err != nil {
		return nil, err
	}
	for _, fetch := range []func(context.Context) ([]jose.JSONWebKey, error){k.keys.get, k.keys.renew} {
		keys, err := fetch(ctx)
		if err != nil {
			return nil, err
		}
		if payload, ok := verifyAny(jws, keys); ok {
			return payload, nil
		}
	}
	return nil, errors.New("no key of the provider's made the signature")
}

// verifyAny tries the keys that may have made the signature, going by the
// names in its header. Two keys may share a name.
func verifyAny(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	header := jws.Signatures[0].Protected
	for _, key := range keys {
		named := header.KeyID == "" || header.KeyID == key.KeyID
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
