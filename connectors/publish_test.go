package connectors_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// publishedSet is what the provider reads of the connector's keys.
func publishedSet(t *testing.T, c connectors.Connector) jose.JSONWebKeySet {
	t.Helper()
	publisher, ok := c.(connectors.Publisher)
	if !ok {
		t.Fatal("the connector publishes nothing")
	}
	body, mediaType, err := publisher.Metadata(t.Context())
	if err != nil || mediaType != "application/jwk-set+json" {
		t.Fatalf("%s, %v", mediaType, err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() {
			t.Errorf("a private key is published: %s", body)
		}
	}
	return set
}

// published are those keys by their use.
func published(t *testing.T, c connectors.Connector) map[string]jose.JSONWebKey {
	t.Helper()
	keys := map[string]jose.JSONWebKey{}
	for _, key := range publishedSet(t, c).Keys {
		keys[key.Use] = key
	}
	return keys
}

func TestPublishesKeys(t *testing.T) {
	p, signing, encryption := newProvider(t), newRSAKey(t), newKey(t)
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey, cfg.OIDC.AssertionAlgorithm = "private_key_jwt", config.NewSecret(pemOf(t, signing)), "PS256"
	cfg.OIDC.Encryption = &config.Encryption{
		Key: config.NewSecret(pemOf(t, encryption)), KeyID: "enc-1",
		KeyAlgorithms: []string{"RSA-OAEP-256", "ECDH-ES+A256KW", "ECDH-ES"}, ContentAlgorithms: []string{"A256GCM"},
	}
	keys := published(t, p.open(cfg))
	got := []string{keys["sig"].Algorithm, keys["sig"].KeyID, keys["enc"].Algorithm, keys["enc"].KeyID}
	if diff := cmp.Diff([]string{"PS256", thumbprint(t, signing.Public()), "ECDH-ES+A256KW", "enc-1"}, got); diff != "" {
		t.Error(diff)
	}
	if !signing.PublicKey.Equal(keys["sig"].Key) || !encryption.PublicKey.Equal(keys["enc"].Key) || len(keys) != 2 {
		t.Error("other keys are published")
	}
	if _, ok := p.open(p.connector()).(connectors.Publisher); ok {
		t.Error("a connector without keys publishes something")
	}
}

// A key can be published before it signs, and then nobody waits for it.
func TestNextKeyIsPublishedAndSignsNothing(t *testing.T) {
	p, key, next := newProvider(t), newRSAKey(t), newRSAKey(t)
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey, cfg.OIDC.KeyID = "private_key_jwt", config.NewSecret(pemOf(t, key)), "first"
	cfg.OIDC.NextPrivateKey, cfg.OIDC.AssertionAlgorithm = config.NewSecret(pemOf(t, next)), "PS256"
	set := publishedSet(t, p.open(cfg))
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys are published", len(set.Keys))
	}
	for i, want := range []struct {
		key  crypto.PublicKey
		name string
	}{{key.Public(), "first"}, {next.Public(), thumbprint(t, next.Public())}} {
		got := set.Keys[i]
		if thumbprint(t, got.Key) != thumbprint(t, want.key) || got.KeyID != want.name ||
			got.Use != "sig" || got.Algorithm != "PS256" {
			t.Errorf("key %d is %q for %s by %s", i, got.KeyID, got.Use, got.Algorithm)
		}
	}
	p.client = func(r *http.Request) bool { return verifies(r, set.Keys[0]) && !verifies(r, set.Keys[1]) }
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	// It takes its place without another name.
	cfg.OIDC.PrivateKey, cfg.OIDC.NextPrivateKey, cfg.OIDC.KeyID = cfg.OIDC.NextPrivateKey, config.Secret{}, ""
	p.client = func(r *http.Request) bool { return verifies(r, set.Keys[1]) }
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
}

// verifies reports whether a key is the one that the client assertion names, and
// made it.
func verifies(r *http.Request, key jose.JSONWebKey) bool {
	algorithm := jose.SignatureAlgorithm(key.Algorithm)
	jws, err := jose.ParseSignedCompact(r.PostFormValue("client_assertion"), []jose.SignatureAlgorithm{algorithm})
	if err != nil || jws.Signatures[0].Header.KeyID != key.KeyID {
		return false
	}
	_, err = jws.Verify(key)
	return err == nil
}

// The provider finds the key of an assertion by what is published.
func TestAssertionIsByThePublishedKey(t *testing.T) {
	p, key := newProvider(t), newRSAKey(t)
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey, cfg.OIDC.AssertionAlgorithm = "private_key_jwt", config.NewSecret(pemOf(t, key)), "RS512"
	c := p.open(cfg)
	keys := published(t, c)
	p.client = func(r *http.Request) bool { return keys["sig"].Algorithm == "RS512" && verifies(r, keys["sig"]) }
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
}

func thumbprint(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
