package connectors_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

const (
	coreIssuer = "https://identity.example/"
	coreDID    = "did:web:identity.example"
	coreClaim  = "https://vocab.example/v1/coreIdentityJWT"
)

// core is p in the manner of GOV.UK One Login: userinfo holds a token that
// another issuer signed, whose keys are in a DID document.
type core struct {
	*provider
	cfg      config.Connector
	key      *ecdsa.PrivateKey
	kid      string // of the token
	said     claims // what the token says that differs; a nil removes
	document claims // members of the DID document that differ
	method   claims // members of its method that differ
}

func newCore(t *testing.T) *core {
	t.Helper()
	p := newProvider(t)
	c := &core{provider: p, cfg: p.connector(), key: newKey(t), kid: coreDID + "#first"}
	c.cfg.OIDC.Nested = map[string]config.Nested{"core": {
		In: `claims["` + coreClaim + `"]`, Issuer: coreIssuer, DID: p.url + "/did.json", Algorithms: []string{"ES256"},
	}}
	p.userinfo = claims{"sub": "24400320"}
	p.on("/did.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, with(claims{
			"id":              coreDID,
			"assertionMethod": []any{c.publishes(), "did:web:identity.example#from-the-future"},
		}, c.document))
	})
	p.on("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, with(p.userinfo, claims{coreClaim: c.token()}))
	})
	return c
}

// publishes is the method of the key in the DID document.
func (c *core) publishes() claims {
	return with(claims{
		"id": coreDID + "#first", "type": "JsonWebKey", "controller": coreDID,
		"publicKeyJwk": jose.JSONWebKey{Key: c.key.Public()},
	}, c.method)
}

func (c *core) token() string {
	now := c.clock.Now()
	return sign(c.t, jose.ES256, c.key, c.kid, with(claims{
		"iss": coreIssuer, "aud": clientID, "sub": "24400320", "vot": "P2",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(30 * time.Minute).Unix(),
	}, c.said))
}

func TestNested(t *testing.T) {
	c := newCore(t)
	got, err := c.signIn(c.open(c.cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	inside, _ := got.Claims["core"].(map[string]any)
	if got.Signed["core"].Text("vot") != "P2" || inside["vot"] != "P2" || len(got.Signed) != 2 {
		t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "eyJ") {
		t.Errorf("the token itself is kept: %s, %v", text, err)
	}
}

// The person who could not prove who they are comes without it, and nobody can
// say in its place what it would.
func TestNestedAbsent(t *testing.T) {
	for name, said := range map[string]claims{
		"not there": {"sub": "24400320", "core": claims{"vot": "P2"}},
		"null":      {"sub": "24400320", "core": claims{"vot": "P2"}, coreClaim: json.RawMessage("null")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCore(t)
			c.on("/userinfo", okay(said))
			got, err := c.signIn(c.open(c.cfg), newAttempt())
			if err != nil {
				t.Fatal(err)
			}
			if got.Claims["core"] != nil || got.Signed["core"] != nil {
				t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
			}
		})
	}
}

func TestNestedRefused(t *testing.T) {
	for name, bend := range map[string]func(c *core){
		"of another issuer":    func(c *core) { c.said = claims{"iss": "https://oidc.example/"} },
		"about another person": func(c *core) { c.said = claims{"sub": "somebody else"} },
		"about nobody":         func(c *core) { c.said = claims{"sub": nil} },
		"for another":          func(c *core) { c.said = claims{"aud": "another"} },
		"for others, too":      func(c *core) { c.said = claims{"aud": []string{clientID, "another"}} },
		"for nobody":           func(c *core) { c.said = claims{"aud": nil} },
		"expired":              func(c *core) { c.said = claims{"exp": c.clock.Now().Add(-30 * time.Second).Unix()} },
		"never expires":        func(c *core) { c.said = claims{"exp": nil} },
		"not yet valid":        func(c *core) { c.said = claims{"nbf": c.clock.Now().Add(31 * time.Second).Unix()} },
		"from the future":      func(c *core) { c.said = claims{"iat": c.clock.Now().Add(31 * time.Second).Unix()} },

		"expired, where it need not": func(c *core) {
			c.bendNested(func(n *config.Nested) { no := false; n.Expires = &no })
			c.said = claims{"exp": c.clock.Now().Add(-time.Hour).Unix()}
		},
		"by an algorithm not accepted": func(c *core) {
			c.bendNested(func(n *config.Nested) { n.Algorithms = []string{"RS256"} })
		},

		"key of nobody":   func(c *core) { c.kid = "" },
		"key not listed":  func(c *core) { c.kid = coreDID + "#second" },
		"key by its name": func(c *core) { c.kid = "first" },
		"key of another": func(c *core) {
			key := newKey(c.t)
			c.method = claims{"publicKeyJwk": jose.JSONWebKey{Key: key.Public()}}
		},
		"no key":           func(c *core) { c.method = claims{"publicKeyJwk": nil} },
		"key of the token": func(c *core) { c.kid = "did:web:evil.example#first" },

		"method of another controller": func(c *core) { c.method = claims{"controller": "did:web:evil.example"} },
		"method of no controller":      func(c *core) { c.method = claims{"controller": nil} },
		"document of another":          func(c *core) { c.document = claims{"id": "did:web:evil.example"} },
		"document of nobody": func(c *core) {
			c.document, c.method = claims{"id": nil}, claims{"controller": nil}
		},
		"method for something else": func(c *core) {
			c.document = claims{"assertionMethod": []any{}, "authentication": []any{c.publishes()}, "verificationMethod": []any{c.publishes()}}
		},

		"not a text":  func(c *core) { c.on("/userinfo", okay(claims{"sub": "24400320", coreClaim: 1})) },
		"empty":       func(c *core) { c.on("/userinfo", okay(claims{"sub": "24400320", coreClaim: ""})) },
		"not a token": func(c *core) { c.on("/userinfo", okay(claims{"sub": "24400320", coreClaim: "a.b.c"})) },
		"too large": func(c *core) {
			c.said = claims{"portrait": strings.Repeat("x", 64<<10)}
		},
		"its claims no object": func(c *core) {
			c.on("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
				signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key}, (&jose.SignerOptions{}).WithHeader("kid", c.kid))
				if err != nil {
					c.t.Error(err)
				}
				signed, err := signer.Sign([]byte("null"))
				if err != nil {
					c.t.Error(err)
				}
				token, err := signed.CompactSerialize()
				if err != nil {
					c.t.Error(err)
				}
				writeJSON(w, claims{"sub": "24400320", coreClaim: token})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCore(t)
			bend(c)
			got, err := c.signIn(c.open(c.cfg), newAttempt())
			wantOutcome(t, got, err, connectors.Refused)
		})
	}
}

func (c *core) bendNested(bend func(*config.Nested)) {
	nested := c.cfg.OIDC.Nested["core"]
	bend(&nested)
	c.cfg.OIDC.Nested["core"] = nested
}

func TestNestedAccepted(t *testing.T) {
	no := false
	for name, bend := range map[string]func(c *core){
		"method by its id": func(c *core) {
			c.document = claims{"verificationMethod": []any{c.publishes()}, "assertionMethod": []any{coreDID + "#first"}}
		},
		"other methods that nobody understands": func(c *core) {
			strange := with(c.publishes(), claims{"id": coreDID + "#strange", "publicKeyJwk": claims{"kty": "from the future"}})
			c.document = claims{"assertionMethod": []any{strange, c.publishes()}}
		},
		"for nobody, where that will do": func(c *core) {
			c.bendNested(func(n *config.Nested) { n.Audience = &no })
			c.said = claims{"aud": nil}
		},
		"for ever, where that will do": func(c *core) {
			c.bendNested(func(n *config.Nested) { n.Expires = &no })
			c.said = claims{"exp": nil, "nbf": nil}
		},
		"expired within skew": func(c *core) { c.said = claims{"exp": c.clock.Now().Add(-29 * time.Second).Unix()} },
		"keys in a key set": func(c *core) {
			c.bendNested(func(n *config.Nested) { n.DID, n.JWKS = "", c.url+"/nested-keys" })
			c.on("/nested-keys", okay(claims{"keys": []any{jose.JSONWebKey{Key: c.key.Public(), KeyID: c.kid}}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCore(t)
			bend(c)
			got, err := c.signIn(c.open(c.cfg), newAttempt())
			if err != nil {
				t.Fatal(err)
			}
			if got.Signed["core"].Text("vot") != "P2" {
				t.Errorf("signed is %v", got.Signed)
			}
		})
	}
}

func TestNestedUnreachable(t *testing.T) {
	c := newCore(t)
	c.on("/did.json", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	got, err := c.signIn(c.open(c.cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Unavailable)
}

// A new key is followed at once, but nobody can make us ask for one again and
// again.
func TestNestedKeysAreKept(t *testing.T) {
	c := newCore(t)
	connector := c.open(c.cfg)
	signIn := func(want connectors.Outcome, fetched int) {
		t.Helper()
		got, err := c.signIn(connector, newAttempt())
		if want != "" {
			wantOutcome(t, got, err, want)
		} else if err != nil {
			t.Error(err)
		}
		if n := c.called("/did.json"); n != fetched {
			t.Errorf("the document was fetched %d times, want %d", n, fetched)
		}
	}
	signIn("", 1)
	signIn("", 1)
	c.kid = coreDID + "#second"
	signIn(connectors.Refused, 2)
	signIn(connectors.Refused, 2)
	c.method = claims{"id": c.kid}
	c.clock.advance(30 * time.Minute)
	signIn(connectors.Refused, 2)
	c.clock.advance(30 * time.Minute)
	signIn("", 3)
}

// The token within an API's answer, which is asked for with an assertion of
// its own: ScotAccount.
func TestNestedInACall(t *testing.T) {
	c := newCore(t)
	c.bendNested(func(n *config.Nested) { n.In = "claims.attributes.claimsToken" })
	c.cfg.OIDC.Userinfo = "never"
	c.cfg.OIDC.Calls = map[string]config.Call{"attributes": {URL: c.url + "/attributes", Absent: true}}
	c.on("/attributes", bearer(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, claims{"claimsToken": c.token(), "more": true})
	}))
	got, err := c.signIn(c.open(c.cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	left, _ := got.Claims["attributes"].(map[string]any)
	if got.Signed["core"].Text("vot") != "P2" || left["more"] != true || left["claimsToken"] != nil {
		t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
	}

	c.on("/attributes", http.NotFound)
	got, err = c.signIn(c.open(c.cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims["core"] != nil || got.Claims["attributes"] != nil || got.Signed["core"] != nil {
		t.Errorf("claims are %v, signed %v", got.Claims, got.Signed)
	}
}

// A token that signed userinfo holds is in no document that is kept.
func TestNestedInSignedUserinfo(t *testing.T) {
	c := newCore(t)
	c.cfg.OIDC.Userinfo = "signed"
	c.bendNested(func(n *config.Nested) { n.In = "claims.tokens[1].inner" })
	token := c.token()
	c.on("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.Write([]byte(sign(t, jose.ES256, c.provider.key, c.keyID, claims{
			"iss": c.url, "aud": clientID, "sub": "24400320", "tokens": []any{"x", claims{"inner": token}, []any{"Bearer " + token}},
		})))
	})
	got, err := c.signIn(c.open(c.cfg), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), token) {
		t.Errorf("the token itself is kept: %s, %v", text, err)
	}
}
