package connectors_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func TestClientAuthentication(t *testing.T) {
	key := newKey(t)
	text := pemOf(t, key)

	for method, authenticates := range map[string]func(p *provider, r *http.Request) bool{
		"client_secret_post": func(_ *provider, r *http.Request) bool {
			return r.PostFormValue("client_id") == clientID && r.PostFormValue("client_secret") == clientSecret && r.Header.Get("Authorization") == ""
		},
		"none": func(_ *provider, r *http.Request) bool {
			return r.PostFormValue("client_id") == clientID && !r.PostForm.Has("client_secret") && r.Header.Get("Authorization") == ""
		},
		"private_key_jwt": func(p *provider, r *http.Request) bool {
			return !r.PostForm.Has("client_secret") && p.believesAssertion(r, key.Public(), p.url+"/token")
		},
		"private_key_jwt for the issuer": func(p *provider, r *http.Request) bool {
			return p.believesAssertion(r, key.Public(), p.url)
		},
	} {
		t.Run(method, func(t *testing.T) {
			p := newProvider(t)
			p.client = func(r *http.Request) bool { return authenticates(p, r) }
			cfg := p.connector()
			method, forIssuer := strings.CutSuffix(method, " for the issuer")
			cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey, cfg.OIDC.KeyID = method, config.NewSecret(text), "ours"
			if forIssuer {
				cfg.OIDC.AssertionAudience = "issuer"
			}
			if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
				t.Error(err)
			}
		})
	}
}

func pemOf(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// believesAssertion checks a client assertion as RFC 7523 §3 asks.
func (p *provider) believesAssertion(r *http.Request, key crypto.PublicKey, audience string) bool {
	if r.PostFormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return false
	}
	jws, err := jose.ParseSignedCompact(r.PostFormValue("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || jws.Signatures[0].Header.KeyID != "ours" {
		return false
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return false
	}
	var got struct {
		Iss, Sub, Aud, Jti string
		Iat, Exp           int64
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		return false
	}
	now := p.clock.Now().Unix()
	return got.Iss == clientID && got.Sub == clientID && got.Aud == audience && len(got.Jti) >= 20 &&
		got.Iat == now && got.Exp == now+120
}

// Apple's client secret is a token that the team signs, new for each request.
func TestSignedSecret(t *testing.T) {
	p, key := newProvider(t), newKey(t)
	cfg := p.connector()
	cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey, cfg.OIDC.KeyID, cfg.OIDC.Team = "signed_secret", config.NewSecret(pemOf(t, key)), "ours", "A1B2C3D4E5"
	p.client = func(r *http.Request) bool {
		jws, err := jose.ParseSignedCompact(r.PostFormValue("client_secret"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil || jws.Signatures[0].Header.KeyID != "ours" {
			return false
		}
		payload, err := jws.Verify(key.Public())
		if err != nil {
			return false
		}
		var got claims
		now := p.clock.Now()
		want := claims{"iss": "A1B2C3D4E5", "sub": clientID, "aud": p.url, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix()}
		return json.Unmarshal(payload, &got) == nil && string(marshal(t, want)) == string(marshal(t, got)) &&
			r.PostFormValue("client_id") == clientID && !r.PostForm.Has("client_assertion") && r.Header.Get("Authorization") == ""
	}
	c := p.open(cfg)
	for range 2 {
		if _, err := p.signIn(c, newAttempt()); err != nil {
			t.Error(err)
		}
		p.clock.advance(time.Hour)
	}
}

func TestWrongSecret(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.ClientSecret = config.NewSecret("wrong")
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Misconfigured)
}

func TestOpenRefuses(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, bend := range map[string]func(*config.Connector){
		"no protocol":                func(c *config.Connector) { c.OIDC = nil },
		"template, no tenants":       func(c *config.Connector) { c.OIDC.Issuer = "https://login.example.com/{tid}" },
		"subject that is not CEL":    func(c *config.Connector) { c.Subject = "claims." },
		"client_auth unknown":        func(c *config.Connector) { c.OIDC.ClientAuth = "tls_client_auth" },
		"a private key in OAuth 2.0": func(c *config.Connector) { c.OIDC, c.OAuth2 = nil, &config.OAuth2{ClientAuth: "private_key_jwt"} },
		"no private key":             func(c *config.Connector) { c.OIDC.ClientAuth = "private_key_jwt" },
		"a weak RSA key": func(c *config.Connector) {
			c.OIDC.ClientAuth, c.OIDC.PrivateKey = "private_key_jwt", config.NewSecret(pemOf(t, weak))
		},
		"a key of another curve": func(c *config.Connector) {
			c.OIDC.ClientAuth, c.OIDC.PrivateKey = "private_key_jwt", config.NewSecret(pemOf(t, curve))
		},
		"a key for no algorithm": func(c *config.Connector) {
			c.OIDC.ClientAuth, c.OIDC.PrivateKey = "private_key_jwt", config.NewSecret(pemOf(t, edwards))
		},
		"an algorithm that is not the key's": func(c *config.Connector) {
			c.OIDC.ClientAuth, c.OIDC.PrivateKey, c.OIDC.AssertionAlgorithm = "private_key_jwt", config.NewSecret(pemOf(t, newKey(t))), "PS256"
		},
		"a secret signed by no key": func(c *config.Connector) { c.OIDC.ClientAuth = "signed_secret" },
		"HS256 among public keys": func(c *config.Connector) {
			c.OIDC.Algorithms, c.ClientSecret = []string{"RS256", "HS256"}, config.NewSecret(strings.Repeat("x", 32))
		},
		"HS256 by a short secret": func(c *config.Connector) {
			c.OIDC.Algorithms, c.ClientSecret = []string{"HS256"}, config.NewSecret(strings.Repeat("x", 31))
		},
		"encryption without a key": func(c *config.Connector) { c.OIDC.Encryption = &config.Encryption{} },
		"encryption that the key cannot do": func(c *config.Connector) {
			c.OIDC.Encryption = &config.Encryption{Key: config.NewSecret(pemOf(t, newKey(t))), KeyAlgorithms: []string{"RSA-OAEP"}}
		},
		"a nested token called id_token": func(c *config.Connector) { c.OIDC.Nested = map[string]config.Nested{"id_token": {In: "claims.x"}} },
		"a nested token called userinfo": func(c *config.Connector) { c.OIDC.Nested = map[string]config.Nested{"userinfo": {In: "claims.x"}} },
		"a nested token that is not CEL": func(c *config.Connector) { c.OIDC.Nested = map[string]config.Nested{"core": {In: "claims."}} },
		"a form claim like a nested token": func(c *config.Connector) {
			c.OIDC.Nested, c.OIDC.FormClaims = map[string]config.Nested{"core": {In: "claims.x"}}, []string{"core"}
		},
		"a form claim like a call": func(c *config.Connector) {
			c.OIDC.Calls, c.OIDC.FormClaims = map[string]config.Call{"api": {}}, []string{"api"}
		},
		"a certificate that is not there": func(c *config.Connector) { c.Network.Cert = "nowhere.pem" },
		"ca that is not there":            func(c *config.Connector) { c.Network.CA = "nowhere.pem" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newProvider(t).connector()
			bend(&cfg)
			if _, err := connectors.Open(cfg, connectors.Options{}); err == nil {
				t.Error("no error")
			}
		})
	}
}
