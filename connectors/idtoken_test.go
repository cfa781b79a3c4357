package connectors_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func atHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestIDTokenRefused(t *testing.T) {
	stranger := newKey(t)
	for name, bend := range map[string]func(p *provider){
		"alg none": func(p *provider) {
			p.mint = func(payload claims) string {
				encode := base64.RawURLEncoding.EncodeToString
				return encode([]byte(`{"alg":"none"}`)) + "." + encode(marshal(t, payload)) + "."
			}
		},
		"HS256 with the public key": func(p *provider) {
			der, err := x509.MarshalPKIXPublicKey(p.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			p.mint = func(payload claims) string { return sign(t, jose.HS256, secret, p.keyID, payload) }
		},
		"foreign key under a known name": func(p *provider) {
			p.mint = func(payload claims) string { return sign(t, jose.ES256, stranger, p.keyID, payload) }
		},
		"foreign key under its own name": func(p *provider) {
			p.mint = func(payload claims) string { return sign(t, jose.ES256, stranger, "stranger", payload) }
		},
		"foreign key without a name": func(p *provider) {
			p.mint = func(payload claims) string { return sign(t, jose.ES256, stranger, "", payload) }
		},
		"a key for encryption": func(p *provider) { p.keyUse = "enc" },
		"algorithm not allowed": func(p *provider) {
			key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			p.mint = func(payload claims) string { return sign(t, jose.ES384, key, p.keyID, payload) }
		},
		"payload exchanged": func(p *provider) {
			p.mint = func(payload claims) string {
				parts := strings.Split(sign(t, jose.ES256, p.key, p.keyID, payload), ".")
				payload["sub"] = "somebody else"
				parts[1] = base64.RawURLEncoding.EncodeToString(marshal(t, payload))
				return strings.Join(parts, ".")
			}
		},
		"no id token":         func(p *provider) { p.answer = claims{"id_token": nil} },
		"id token not a text": func(p *provider) { p.answer = claims{"id_token": 1} },
		"not a token":         func(p *provider) { p.answer = claims{"id_token": "a.b.c"} },

		"iss of another":     func(p *provider) { p.said = claims{"iss": "https://evil.example"} },
		"iss with a slash":   func(p *provider) { p.said = claims{"iss": p.url + "/"} },
		"iss missing":        func(p *provider) { p.said = claims{"iss": nil} },
		"aud of another":     func(p *provider) { p.said = claims{"aud": "another"} },
		"aud of others too":  func(p *provider) { p.said = claims{"aud": []string{clientID, "another"}} },
		"aud of others, azp": func(p *provider) { p.said = claims{"aud": []string{clientID, "another"}, "azp": clientID} },
		"aud missing":        func(p *provider) { p.said = claims{"aud": nil} },
		"azp of another":     func(p *provider) { p.said = claims{"azp": "another"} },
		"azp empty":          func(p *provider) { p.said = claims{"azp": ""} },

		"nonce of another":   func(p *provider) { p.said = claims{"nonce": "another"} },
		"nonce missing":      func(p *provider) { p.said = claims{"nonce": nil} },
		"nonce not a text":   func(p *provider) { p.said = claims{"nonce": 1} },
		"sub missing":        func(p *provider) { p.said = claims{"sub": nil} },
		"at_hash of another": func(p *provider) { p.said = claims{"at_hash": atHash("another")} },
		"not a bearer token": func(p *provider) { p.answer = claims{"token_type": "mac"} },

		"expired":           func(p *provider) { p.said = claims{"exp": p.clock.Now().Add(-30 * time.Second).Unix()} },
		"never expires":     func(p *provider) { p.said = claims{"exp": nil} },
		"not yet valid":     func(p *provider) { p.said = claims{"nbf": p.clock.Now().Add(31 * time.Second).Unix()} },
		"from the future":   func(p *provider) { p.said = claims{"iat": p.clock.Now().Add(31 * time.Second).Unix()} },
		"without iat":       func(p *provider) { p.said = claims{"iat": nil} },
		"iat beyond number": func(p *provider) { p.said = claims{"iat": 1e300} },
		"exp beyond number": func(p *provider) { p.said = claims{"exp": 1e300} },

		"userinfo of another":  func(p *provider) { p.userinfo = claims{"sub": "somebody else"} },
		"userinfo without sub": func(p *provider) { p.userinfo = claims{"email": "resident@example.com"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			bend(p)
			got, err := p.signIn(p.open(p.connector()), newAttempt())
			wantOutcome(t, got, err, connectors.Refused)
		})
	}
}

// sub is required (Core §2) even where the link hangs on another claim.
func TestSubIsRequired(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"sub": nil, "oid": "person 1"}
	cfg := p.connector()
	cfg.Subject = "claims.oid"
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
}

func TestIDTokenAccepted(t *testing.T) {
	for name, bend := range map[string]func(p *provider, cfg *config.OIDC){
		"aud as a list":       func(p *provider, _ *config.OIDC) { p.said = claims{"aud": []string{clientID}} },
		"azp":                 func(p *provider, _ *config.OIDC) { p.said = claims{"azp": clientID} },
		"expired within skew": func(p *provider, _ *config.OIDC) { p.said = claims{"exp": p.clock.Now().Add(-29 * time.Second).Unix()} },
		"iat within skew":     func(p *provider, _ *config.OIDC) { p.said = claims{"iat": p.clock.Now().Add(30 * time.Second).Unix()} },
		"nbf within skew":     func(p *provider, _ *config.OIDC) { p.said = claims{"nbf": p.clock.Now().Add(30 * time.Second).Unix()} },
		"nonce that the provider never returns": func(p *provider, cfg *config.OIDC) {
			p.said = claims{"nonce": nil}
			cfg.Nonce = "unreturned"
		},
		"key without a name": func(p *provider, _ *config.OIDC) {
			p.mint = func(payload claims) string { return sign(p.t, jose.ES256, p.key, "", payload) }
		},
		"userinfo never asked": func(p *provider, cfg *config.OIDC) {
			p.userinfo = claims{"sub": "somebody else"}
			cfg.Userinfo = "never"
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			cfg := p.connector()
			bend(p, cfg.OIDC)
			if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A provider that does not return the nonce cannot make up another.
func TestUnreturnedNonceIsCheckedWhenItComes(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"nonce": "another"}
	cfg := p.connector()
	cfg.OIDC.Nonce = "unreturned"
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
}

func TestForcedSignIn(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration // auth_time, counted from when the browser was sent off
		want  connectors.Outcome
	}{
		"signed in again":    {time.Minute, ""},
		"clocks differ":      {-30 * time.Second, ""},
		"was signed in":      {-time.Minute, connectors.Refused},
		"was long signed in": {-time.Hour, connectors.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			a := newAttempt()
			a.Force, a.Started = true, p.clock.Now()
			p.clock.advance(2 * time.Minute)
			p.said = claims{"auth_time": a.Started.Add(test.after).Unix()}
			got, err := p.signIn(p.open(p.connector()), a)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantOutcome(t, got, err, test.want)
			if _, err := p.signIn(p.open(p.connector()), newAttempt()); err != nil {
				t.Errorf("an old auth_time is fine where nothing was forced: %v", err)
			}
		})
	}
	t.Run("no proof", func(t *testing.T) {
		p := newProvider(t)
		a := newAttempt()
		a.Force, a.Started = true, p.clock.Now()
		p.said = claims{"auth_time": nil}
		got, err := p.signIn(p.open(p.connector()), a)
		wantOutcome(t, got, err, connectors.Refused)
	})
}

func TestKeyRotation(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Fatal(err)
	}
	p.key, p.keyID = newKey(t), "second"

	// Nothing but the provider's own token endpoint can make us fetch them, so
	// a rotation is followed at once.
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
	if n := p.called("/keys"); n != 2 {
		t.Errorf("keys were fetched %d times, want 2", n)
	}
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
	if n := p.called("/keys"); n != 2 {
		t.Errorf("known keys were fetched again: %d times", n)
	}
}

func TestIssuerAlias(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.IssuerAliases = []string{"accounts.example.com"}
	p.said = claims{"iss": "accounts.example.com"}
	got, err := p.signIn(p.open(cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != p.url {
		t.Errorf("link would be kept under %s, want %s", got.Issuer, p.url)
	}
}

func TestTenants(t *testing.T) {
	for name, test := range map[string]struct {
		said claims
		want connectors.Outcome
	}{
		"allowed":         {claims{"tid": "council"}, ""},
		"foreign tenant":  {claims{"tid": "company", "iss": "ISSUER/company/v2.0"}, connectors.NotAllowed},
		"iss of another":  {claims{"tid": "council", "iss": "ISSUER/company/v2.0"}, connectors.Refused},
		"tenant missing":  {claims{"tid": nil}, connectors.Refused},
		"tenant a path":   {claims{"tid": "council/../company"}, connectors.Refused},
		"tenant empty":    {claims{"tid": "", "iss": "ISSUER//v2.0"}, connectors.Refused},
		"literal issuer":  {claims{"tid": "council", "iss": "ISSUER/{tid}/v2.0"}, connectors.Refused},
		"literal tenant":  {claims{"tid": "{tid}", "iss": "ISSUER/{tid}/v2.0"}, connectors.Refused},
		"tenant a number": {claims{"tid": 1, "iss": "ISSUER/1/v2.0"}, connectors.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.discovery = claims{"issuer": p.url + "/{tenantid}/v2.0"}
			p.said = with(claims{"iss": p.url + "/council/v2.0", "oid": "person 1"}, test.said)
			if iss, ok := p.said["iss"].(string); ok {
				p.said["iss"] = strings.Replace(iss, "ISSUER", p.url, 1)
			}
			cfg := p.connector()
			cfg.OIDC.Issuer, cfg.OIDC.Tenants = p.url+"/{tid}/v2.0", []string{"council"}
			cfg.OIDC.IssParameter = cfg.OIDC.Issuer
			cfg.Subject = "claims.oid"

			got, err := p.signIn(p.open(cfg), newAttempt())
			if test.want != "" {
				wantOutcome(t, got, err, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Issuer != p.url+"/council/v2.0" || got.Subject != "person 1" {
				t.Errorf("got %s of %s", got.Subject, got.Issuer)
			}
		})
	}
}

// The callback's iss cannot hold the template: it names a tenant.
func TestTenantsInTheCallback(t *testing.T) {
	p := newProvider(t)
	p.discovery = claims{"issuer": p.url + "/{tenantid}/v2.0"}
	p.said = claims{"iss": p.url + "/council/v2.0", "tid": "council"}
	cfg := p.connector()
	cfg.OIDC.Issuer, cfg.OIDC.Tenants = p.url+"/{tid}/v2.0", []string{"council"}
	if _, err := p.signIn(p.open(cfg), newAttempt(), set("iss", p.url+"/council/v2.0")); err != nil {
		t.Error(err)
	}
	got, err := p.signIn(p.open(cfg), newAttempt(), set("iss", p.url+"/company/v2.0"))
	wantOutcome(t, got, err, connectors.Refused)
}
