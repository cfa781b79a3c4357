package connectors_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// encrypted is p as a provider that encrypts ID tokens to key by this algorithm.
func (p *provider) encrypted(key crypto.PrivateKey, algorithm jose.KeyAlgorithm, content jose.ContentEncryption) config.Connector {
	p.t.Helper()
	cfg := p.connector()
	cfg.OIDC.Encryption = &config.Encryption{
		Key:               config.NewSecret(pemOf(p.t, key)),
		KeyAlgorithms:     []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"},
		ContentAlgorithms: []string{"A256GCM", "A256CBC-HS512"},
	}
	p.mint = func(payload claims) string {
		return p.encrypt(key.(crypto.Signer).Public(), algorithm, content, sign(p.t, jose.ES256, p.key, p.keyID, payload))
	}
	return cfg
}

func (p *provider) encrypt(key crypto.PublicKey, algorithm jose.KeyAlgorithm, content jose.ContentEncryption, text string) string {
	p.t.Helper()
	encrypter, err := jose.NewEncrypter(content, jose.Recipient{Algorithm: algorithm, Key: key},
		(&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		p.t.Fatal(err)
	}
	encrypted, err := encrypter.Encrypt([]byte(text))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := encrypted.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

func newRSAKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEncryptedIDToken(t *testing.T) {
	ec, rsa := crypto.PrivateKey(newKey(t)), crypto.PrivateKey(newRSAKey(t))
	for name, test := range map[string]struct {
		key       crypto.PrivateKey
		algorithm jose.KeyAlgorithm
		content   jose.ContentEncryption
	}{
		"RSA-OAEP-256":   {rsa, jose.RSA_OAEP_256, jose.A256GCM},
		"ECDH-ES":        {ec, jose.ECDH_ES, jose.A256GCM},
		"ECDH-ES+A256KW": {ec, jose.ECDH_ES_A256KW, jose.A256CBC_HS512},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			got, err := p.signIn(p.open(p.encrypted(test.key, test.algorithm, test.content)), newAttempt())
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != "24400320" {
				t.Errorf("subject is %s", got.Subject)
			}
		})
	}
}

// Nobody learns how far the decryption got (RFC 7516 §11.5).
func TestEncryptedIDTokenRefused(t *testing.T) {
	key, stranger := newKey(t), newKey(t)
	honest := func(p *provider, payload claims) string { return sign(t, jose.ES256, p.key, p.keyID, payload) }
	texts := map[string]bool{}
	for name, mint := range map[string]func(p *provider, payload claims) string{
		"in the clear": honest,
		"for another key": func(p *provider, payload claims) string {
			return p.encrypt(stranger.Public(), jose.ECDH_ES, jose.A256GCM, honest(p, payload))
		},
		"by a key algorithm not accepted": func(p *provider, payload claims) string {
			return p.encrypt(key.Public(), jose.ECDH_ES_A128KW, jose.A256GCM, honest(p, payload))
		},
		"by a content algorithm not accepted": func(p *provider, payload claims) string {
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A128GCM, honest(p, payload))
		},
		"changed on the way": func(p *provider, payload claims) string {
			parts := strings.Split(p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, honest(p, payload)), ".")
			parts[3] = "AAAA" + parts[3][4:]
			return strings.Join(parts, ".")
		},
		"too large": func(p *provider, payload claims) string {
			payload["portrait"] = strings.Repeat("x", 40<<10)
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, honest(p, payload))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.encrypted(key, jose.ECDH_ES, jose.A256GCM)
			p.mint = func(payload claims) string { return mint(p, payload) }
			got, err := p.signIn(p.open(cfg), newAttempt())
			wantOutcome(t, got, err, connectors.Refused)
			texts[err.Error()] = true
		})
	}
	if len(texts) != 1 {
		t.Errorf("the errors tell one fault from another: %v", texts)
	}

	t.Run("not signed inside", func(t *testing.T) {
		p := newProvider(t)
		cfg := p.encrypted(key, jose.ECDH_ES, jose.A256GCM)
		p.mint = func(payload claims) string {
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, string(marshal(t, payload)))
		}
		got, err := p.signIn(p.open(cfg), newAttempt())
		wantOutcome(t, got, err, connectors.Refused)
	})
	t.Run("where nothing is agreed", func(t *testing.T) {
		p := newProvider(t)
		p.encrypted(key, jose.ECDH_ES, jose.A256GCM)
		got, err := p.signIn(p.open(p.connector()), newAttempt())
		wantOutcome(t, got, err, connectors.Refused)
	})
}

// A small token can be made of a great text.
func TestEncryptedBomb(t *testing.T) {
	p, key := newProvider(t), newKey(t)
	cfg := p.encrypted(key, jose.ECDH_ES, jose.A256GCM)
	p.mint = func(payload claims) string {
		payload["portrait"] = strings.Repeat("x", 128<<10)
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.Public()},
			&jose.EncrypterOptions{Compression: jose.DEFLATE})
		if err != nil {
			t.Fatal(err)
		}
		encrypted, err := encrypter.Encrypt([]byte(sign(t, jose.ES256, p.key, p.keyID, payload)))
		if err != nil {
			t.Fatal(err)
		}
		token, err := encrypted.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
}

func TestEncryptedUserinfo(t *testing.T) {
	key := newKey(t)
	said := func(p *provider) string {
		return sign(t, jose.ES256, p.key, p.keyID, claims{"iss": p.url, "aud": clientID, "sub": "24400320", "vot": "P2"})
	}
	for name, test := range map[string]struct {
		userinfo string
		answer   func(p *provider) string
		signed   bool
		want     connectors.Outcome
	}{
		"signed": {"signed", func(p *provider) string {
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, said(p))
		}, true, ""},
		"signed, in the clear": {"signed", said, false, connectors.Refused},
		"not signed": {"merge", func(p *provider) string {
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, `{"sub": "24400320", "vot": "P2"}`)
		}, false, ""},
		"not signed, where it should be": {"signed", func(p *provider) string {
			return p.encrypt(key.Public(), jose.ECDH_ES, jose.A256GCM, `{"sub": "24400320", "vot": "P2"}`)
		}, false, connectors.Refused},
		"neither": {"merge", func(*provider) string { return `{"sub": "24400320", "vot": "P2"}` }, false, connectors.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.encrypted(key, jose.ECDH_ES, jose.A256GCM)
			cfg.OIDC.Userinfo = test.userinfo
			p.userinfo = claims{}
			p.on("/userinfo", func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") != "application/jwt" {
					w.WriteHeader(http.StatusNotAcceptable)
					return
				}
				w.Header().Set("Content-Type", "application/jwt")
				_, _ = w.Write([]byte(test.answer(p)))
			})
			got, err := p.signIn(p.open(cfg), newAttempt())
			if test.want != "" {
				wantOutcome(t, got, err, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Claims.Text("vot") != "P2" || (got.Signed["userinfo"] != nil) != test.signed {
				t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
			}
		})
	}
}

// sharedSecret is p as a provider that signs with the client secret.
func (p *provider) sharedSecret(secret string) config.Connector {
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.Algorithms = "client_secret_post", []string{"HS256"}
	cfg.ClientSecret = config.NewSecret(secret)
	p.client = func(r *http.Request) bool { return r.PostFormValue("client_secret") == secret }
	p.mint = func(payload claims) string { return sign(p.t, jose.HS256, []byte(secret), "any name", payload) }
	p.on("/keys", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	return cfg
}

func TestSharedSecret(t *testing.T) {
	p, secret := newProvider(t), rand.Text()+rand.Text()
	cfg := p.sharedSecret(secret)
	p.said = claims{"at_hash": atHash(accessToken)}
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	p.said = claims{"at_hash": atHash("another")}
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
	p.said = nil
	p.mint = func(payload claims) string { return sign(t, jose.HS256, []byte(rand.Text()+rand.Text()), "", payload) }
	got, err = p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
	p.mint = nil // by a public key
	got, err = p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
}
