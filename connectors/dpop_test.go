package connectors_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// binder is p as a provider that binds codes and access tokens to a key (RFC
// 9449). It is sent proofs at /token, /par and /userinfo.
type binder struct {
	*provider
	cfg   config.Connector
	bound string          // the key that the access token is bound to
	nonce string          // what proofs must hold, if anything
	seen  map[string]bool // jti of proofs
	wrong []error         // what was wrong with proofs
}

func newBinder(t *testing.T) *binder {
	t.Helper()
	b := &binder{provider: newProvider(t), seen: map[string]bool{}}
	b.cfg = b.pushing()
	b.cfg.OIDC.DPoP = "required"
	b.answer = claims{"token_type": "DPoP"}
	b.userinfo = claims{"sub": "24400320"}
	for _, path := range []string{"/par", "/token", "/userinfo"} {
		serve := b.paths[path]
		b.on(path, func(w http.ResponseWriter, r *http.Request) { b.checked(w, r, serve) })
	}
	return b
}

// checked serves r if its proof is good.
func (b *binder) checked(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	key, err := b.check(r)
	switch {
	case errors.Is(err, errNonce):
		w.Header().Set("DPoP-Nonce", b.nonce)
		if r.URL.Path == "/userinfo" {
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		writeError(w, http.StatusBadRequest, "use_dpop_nonce")
		return
	case err != nil:
		b.wrong = append(b.wrong, err)
		writeError(w, http.StatusBadRequest, "invalid_dpop_proof")
		return
	}
	if r.URL.Path == "/token" {
		b.mu.Lock()
		grant := b.grants[r.PostFormValue("code")]
		b.mu.Unlock()
		if grant.Get("dpop_jkt") != key {
			b.wrong = append(b.wrong, errors.New("the code is bound to another key"))
		}
		b.bound = key
	}
	if r.URL.Path == "/userinfo" && key != b.bound {
		b.wrong = append(b.wrong, errors.New("the token is bound to another key"))
	}
	serve(w, r)
}

var errNonce = errors.New("the proof lacks the nonce")

// check is RFC 9449 §4.3. It returns the thumbprint of the key.
func (b *binder) check(r *http.Request) (string, error) {
	jws, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", err
	}
	header := jws.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" || header.JSONWebKey == nil || !header.JSONWebKey.IsPublic() {
		return "", errors.New("the header is not that of a proof")
	}
	payload, err := jws.Verify(header.JSONWebKey)
	if err != nil {
		return "", err
	}
	var proof struct {
		JTI, HTM, HTU, ATH, Nonce string
		IAT, EXP                  int64
	}
	if err := json.Unmarshal(payload, &proof); err != nil {
		return "", err
	}
	ath := ""
	if r.URL.Path == "/userinfo" {
		sum := sha256.Sum256([]byte(accessToken))
		ath = base64.RawURLEncoding.EncodeToString(sum[:])
		if r.Header.Get("Authorization") != "DPoP "+accessToken {
			return "", errors.New("the token is presented otherwise")
		}
	}
	switch {
	case b.seen[proof.JTI] || len(proof.JTI) < 20:
		return "", errors.New("jti was seen before")
	case proof.HTM != r.Method || proof.HTU != b.url+r.URL.Path:
		return "", errors.New("the proof is for another call: " + proof.HTM + " " + proof.HTU)
	case proof.ATH != ath:
		return "", errors.New("ath is of another token")
	case proof.IAT != b.clock.Now().Unix():
		return "", errors.New("iat is not now")
	case proof.EXP <= proof.IAT || proof.EXP > proof.IAT+120:
		return "", errors.New("exp is not within two minutes")
	case proof.Nonce != b.nonce:
		return "", errNonce
	}
	b.seen[proof.JTI] = true
	sum, err := header.JSONWebKey.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

func (b *binder) complain(t *testing.T) {
	t.Helper()
	for _, err := range b.wrong {
		t.Error(err)
	}
}

func TestBoundTokens(t *testing.T) {
	for name, bend := range map[string]func(b *binder){
		"pushed":     func(*binder) {},
		"not pushed": func(b *binder) { b.cfg.OIDC.PAR = "never" },
		"nonce":      func(b *binder) { b.nonce = "a nonce" },
		"nonce of the resource": func(b *binder) {
			serve := b.paths["/token"]
			b.on("/token", func(w http.ResponseWriter, r *http.Request) {
				serve(w, r)
				b.nonce = "another nonce"
			})
		},
		"query": func(b *binder) { b.cfg.OIDC.Endpoints.Userinfo = b.url + "/userinfo?format=json" },
		"type in small letters": func(b *binder) {
			b.answer = claims{"token_type": "dpop"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBinder(t)
			bend(b)
			if _, err := b.signIn(b.open(b.cfg), newAttempt()); err != nil {
				t.Error(err)
			}
			b.complain(t)
		})
	}
}

// The answer may come to another node, which knows the attempt alone.
func TestBoundTokensOnAnotherNode(t *testing.T) {
	b, a := newBinder(t), newAttempt()
	redirect, err := b.open(b.cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.open(b.cfg).Finish(t.Context(), a, callback(b.authorize(redirect.URL))); err != nil {
		t.Error(err)
	}
	b.complain(t)
	first := b.bound
	if _, err := b.signIn(b.open(b.cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	if b.bound == first {
		t.Error("two sign-ins share a key")
	}
}

// A nonce is used until the server has another, so that it is asked for once.
func TestNonceIsKept(t *testing.T) {
	b := newBinder(t)
	b.nonce = "a nonce"
	c := b.open(b.cfg)
	for range 2 {
		if _, err := b.signIn(c, newAttempt()); err != nil {
			t.Fatal(err)
		}
	}
	if par, token := b.called("/par"), b.called("/token"); par != 3 || token != 2 {
		t.Errorf("/par was called %d times and /token %d times, want 3 and 2", par, token)
	}
}

func TestBoundTokensRefused(t *testing.T) {
	refuse := func(status int, nonce, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("DPoP-Nonce", nonce)
			writeError(w, status, code)
		}
	}
	for name, test := range map[string]struct {
		bend   func(b *binder)
		want   connectors.Outcome
		tokens int // calls of /token
	}{
		"a bearer token":   {func(b *binder) { b.answer = claims{"token_type": "Bearer"} }, connectors.Refused, 1},
		"a nonce for ever": {func(b *binder) { b.on("/token", refuse(400, "x", "use_dpop_nonce")) }, connectors.Unavailable, 2},
		"no nonce at all":  {func(b *binder) { b.on("/token", refuse(400, "", "use_dpop_nonce")) }, connectors.Unavailable, 1},
		"something else":   {func(b *binder) { b.on("/token", refuse(400, "x", "invalid_grant")) }, connectors.Refused, 1},
		"a bad proof":      {func(b *binder) { b.on("/token", refuse(400, "x", "invalid_dpop_proof")) }, connectors.Misconfigured, 1},
		"unknown client":   {func(b *binder) { b.on("/token", refuse(401, "x", "invalid_client")) }, connectors.Misconfigured, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBinder(t)
			test.bend(b)
			got, err := b.signIn(b.open(b.cfg), newAttempt())
			wantOutcome(t, got, err, test.want)
			if n := b.called("/token"); n != test.tokens {
				t.Errorf("the token endpoint was called %d times, want %d", n, test.tokens)
			}
		})
	}
	t.Run("a bound token, where none is agreed", func(t *testing.T) {
		p := newProvider(t)
		p.answer = claims{"token_type": "DPoP"}
		got, err := p.signIn(p.open(p.connector()), newAttempt())
		wantOutcome(t, got, err, connectors.Refused)
	})
}

// Proofs go where tokens are asked for and used, and nowhere else.
func TestProofsGoNowhereElse(t *testing.T) {
	b := newBinder(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/keys"} {
		serve := b.paths[path]
		b.on(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("DPoP") != "" {
				t.Errorf("%s was sent a proof", path)
			}
			serve(w, r)
		})
	}
	if _, err := b.signIn(b.open(b.cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	p := newProvider(t)
	p.userinfo = claims{"sub": "24400320"}
	for _, path := range []string{"/token", "/userinfo"} {
		serve := p.paths[path]
		p.on(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("DPoP") != "" {
				t.Errorf("%s was sent a proof where none is agreed", path)
			}
			serve(w, r)
		})
	}
	if _, err := p.signIn(p.open(p.connector()), newAttempt()); err != nil {
		t.Error(err)
	}
}
