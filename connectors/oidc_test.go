package connectors_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// wantOutcome checks that a sign-in ended as it should and that nobody was
// signed in by it.
func wantOutcome(t *testing.T, got *connectors.Assertion, err error, want connectors.Outcome) {
	t.Helper()
	failure, ok := errors.AsType[*connectors.Failure](err)
	if !ok {
		t.Fatalf("error is %v, want a *Failure", err)
	}
	if failure.Outcome != want {
		t.Errorf("outcome is %v, want %s", failure, want)
	}
	if got != nil {
		t.Error("an assertion came with the failure")
	}
	for _, secret := range []string{accessToken, clientSecret, "resident@example.com", "24400320"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error tells a secret: %v", err)
		}
	}
}

func TestSignIn(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"email": "resident@example.com", "acr": "high", "amr": []string{"pwd", "otp"}, "auth_time": p.clock.Now().Unix(), "at_hash": atHash(accessToken)}
	p.userinfo = claims{"sub": "24400320", "email": "unsigned@example.com", "given_name": "Morag"}

	got, err := p.signIn(p.open(p.connector()), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims.Text("nonce") == "" {
		t.Error("claims of the ID token are missing")
	}
	for _, name := range []string{"nonce", "iat", "exp", "iss", "aud", "acr", "amr", "auth_time", "at_hash"} {
		delete(got.Claims, name)
	}
	want := &connectors.Assertion{
		Issuer:   p.url,
		Subject:  "24400320",
		Claims:   mapping.Claims{"sub": "24400320", "email": "resident@example.com", "given_name": "Morag"},
		ACR:      "high",
		AMR:      []string{"pwd", "otp"},
		AuthTime: p.clock.Now().Local(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func atHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestAuthenticationRequest(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Params = map[string]string{"hd": "example.gov.uk"}
	a := newAttempt()
	a.Force, a.ACR, a.Locales, a.LoginHint = true, []string{"high", "low"}, []string{"cy", "en"}, "morag@example.gov.uk"

	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	to, got, _ := strings.Cut(redirect.URL, "?")
	if to != p.url+"/authorize" || redirect.Form != nil {
		t.Errorf("redirect is %+v", redirect)
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callbackURL},
		"scope": {"openid email"}, "state": {a.State}, "nonce": {a.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"prompt": {"login"}, "max_age": {"0"}, "acr_values": {"high low"}, "ui_locales": {"cy en"},
		"login_hint": {"morag@example.gov.uk"}, "hd": {"example.gov.uk"},
	}
	query, err := url.ParseQuery(got)
	if diff := cmp.Diff(want, query); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestAuthenticationRequestLeavesOut(t *testing.T) {
	p := newProvider(t)
	off := false
	cfg := p.connector()
	cfg.OIDC.LoginHint, cfg.OIDC.PKCE = &off, "forbidden"
	a := newAttempt()
	a.LoginHint = "morag@example.gov.uk"

	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login_hint", "code_challenge", "prompt", "max_age", "acr_values", "ui_locales"} {
		if strings.Contains(redirect.URL, name+"=") {
			t.Errorf("%s is in %s", name, redirect.URL)
		}
	}
	if _, err := p.open(cfg).Finish(t.Context(), a, callback(p.authorize(redirect.URL))); err != nil {
		t.Error(err)
	}
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

// A token is not for another attempt of the same connector, however it came
// into the browser's hands.
func TestCodeOfAnotherAttempt(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	victim, attacker := newAttempt(), newAttempt()
	redirect, err := c.Start(t.Context(), attacker)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), victim, callback(p.authorize(redirect.URL)))
	wantOutcome(t, got, err, connectors.Refused) // PKCE

	cfg := p.connector()
	cfg.OIDC.PKCE = "forbidden"
	if redirect, err = p.open(cfg).Start(t.Context(), attacker); err != nil {
		t.Fatal(err)
	}
	got, err = p.open(cfg).Finish(t.Context(), victim, callback(p.authorize(redirect.URL)))
	wantOutcome(t, got, err, connectors.Refused) // nonce
}

func TestForcedSignIn(t *testing.T) {
	for ago, want := range map[time.Duration]connectors.Outcome{
		time.Minute:      "",
		10 * time.Minute: "",
		time.Hour:        connectors.Refused,
	} {
		t.Run(ago.String(), func(t *testing.T) {
			p := newProvider(t)
			p.said = claims{"auth_time": p.clock.Now().Add(-ago).Unix()}
			a := newAttempt()
			a.Force = true
			got, err := p.signIn(p.open(p.connector()), a)
			if want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantOutcome(t, got, err, want)
			if _, err := p.signIn(p.open(p.connector()), newAttempt()); err != nil {
				t.Errorf("an old auth_time is fine where nothing was forced: %v", err)
			}
		})
	}
}

func TestCallback(t *testing.T) {
	for name, test := range map[string]struct {
		bend      func(url.Values)
		announced bool   // discovery announces iss
		iss       string // iss_parameter
		want      connectors.Outcome
	}{
		"iss missing where announced": {func(url.Values) {}, true, "", connectors.Refused},
		"iss of another":              {set("iss", "https://evil.example"), false, "", connectors.Refused},
		"iss not as configured":       {set("iss", "ISSUER"), false, "https://another.example", connectors.Refused},
		"iss of another with error":   {set("iss", "https://evil.example", "error", "access_denied"), false, "", connectors.Refused},
		"code twice":                  {func(v url.Values) { v.Add("code", "second") }, false, "", connectors.Refused},
		"state twice":                 {func(v url.Values) { v.Add("state", "second") }, false, "", connectors.Refused},
		"iss twice":                   {func(v url.Values) { v["iss"] = []string{"ISSUER", "ISSUER"} }, false, "", connectors.Refused},
		"neither code nor error":      {func(v url.Values) { v.Del("code") }, false, "", connectors.Refused},
		"foreign code":                {set("code", "made up"), false, "", connectors.Refused},
		"access_denied":               {set("error", "access_denied"), false, "", connectors.Cancelled},
		"consent_required":            {set("error", "consent_required"), false, "", connectors.Declined},
		"temporarily_unavailable":     {set("error", "temporarily_unavailable"), false, "", connectors.TryLater},
		"server_error":                {set("error", "server_error"), false, "", connectors.TryLater},
		"unauthorized_client":         {set("error", "unauthorized_client"), false, "", connectors.Misconfigured},
		"invalid_scope":               {set("error", "invalid_scope"), false, "", connectors.Misconfigured},
		"error nobody knows":          {set("error", "PEBKAC"), false, "", connectors.Unavailable},
		"error that is no code":       {set("error", "resident@example.com\nforged log line"), false, "", connectors.Unavailable},
		"configured code":             {set("error", "user_cancelled_login"), false, "", connectors.Cancelled},
		"configured subcode":          {set("error", "access_denied", "error_subcode", "policy"), false, "", connectors.NotAllowed},
		"configured reason":           {set("error", "access_denied", "error_reason", "later"), false, "", connectors.TryLater},
		"subcode nobody knows":        {set("error", "access_denied", "error_subcode", "new"), false, "", connectors.Cancelled},
		"error with a code as well":   {set("error", "access_denied", "code", "x"), false, "", connectors.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.discovery = claims{"authorization_response_iss_parameter_supported": test.announced}
			cfg := p.connector()
			cfg.OIDC.IssParameter = test.iss
			cfg.Errors = map[string]string{
				"user_cancelled_login": "cancelled",
				"access_denied/policy": "not_allowed",
				"access_denied/later":  "try_later",
			}
			got, err := p.signIn(p.open(cfg), newAttempt(), test.bend, func(v url.Values) {
				for i, iss := range v["iss"] {
					v["iss"][i] = strings.Replace(iss, "ISSUER", p.url, 1)
				}
			})
			wantOutcome(t, got, err, test.want)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error forges a line of the log: %q", err)
			}
		})
	}
}

func set(pairs ...string) func(url.Values) {
	return func(v url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
	}
}

func TestCallbackMalformed(t *testing.T) {
	p := newProvider(t)
	for _, query := range []string{"code=%zz", "code=a;state=b", ""} {
		r := httptest.NewRequest(http.MethodGet, callbackURL, nil)
		r.URL.RawQuery = query
		got, err := p.open(p.connector()).Finish(t.Context(), newAttempt(), r)
		wantOutcome(t, got, err, connectors.Refused)
	}
}

func TestCallbackByForm(t *testing.T) {
	p := newProvider(t)
	p.discovery = claims{"authorization_response_iss_parameter_supported": true}
	c, a := p.open(p.connector()), newAttempt()
	post := func(query string, bend func(url.Values)) (*connectors.Assertion, error) {
		redirect, err := c.Start(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		form := p.authorize(redirect.URL)
		bend(form)
		r := httptest.NewRequest(http.MethodPost, callbackURL+query, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return c.Finish(t.Context(), a, r)
	}
	if _, err := post("", set("iss", p.url)); err != nil {
		t.Error(err)
	}
	got, err := post("?code=from+the+query", set("iss", p.url))
	wantOutcome(t, got, err, connectors.Refused)
}

func TestClientAuthentication(t *testing.T) {
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))

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

func TestWrongSecret(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.ClientSecret = config.NewSecret("wrong")
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Misconfigured)
}

func TestKeyRotation(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Fatal(err)
	}
	p.key, p.keyID = newKey(t), "second"

	// Right after a fetch the keys are not fetched again, or a provider that
	// signs with unpublished keys would have us fetch them at each sign-in.
	got, err := p.signIn(c, newAttempt())
	wantOutcome(t, got, err, connectors.Refused)
	if n := p.called("/keys"); n != 1 {
		t.Errorf("keys were fetched %d times, want 1", n)
	}
	p.clock.advance(5 * time.Second)
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
	if n := p.called("/keys"); n != 2 {
		t.Errorf("keys were fetched %d times, want 2", n)
	}
}

// Sign-ins in a row make one call each, to the token endpoint.
func TestDocumentsAreKept(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	for range 3 {
		if _, err := p.signIn(c, newAttempt()); err != nil {
			t.Fatal(err)
		}
	}
	if d, k := p.called("/.well-known/openid-configuration"), p.called("/keys"); d != 1 || k != 1 {
		t.Errorf("discovery was fetched %d times and keys %d times, want once each", d, k)
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

func TestOpenRefuses(t *testing.T) {
	for name, bend := range map[string]func(*config.Connector){
		"no protocol":                func(c *config.Connector) { c.OIDC = nil },
		"template, no tenants":       func(c *config.Connector) { c.OIDC.Issuer = "https://login.example.com/{tid}" },
		"params that set state":      func(c *config.Connector) { c.OIDC.Params = map[string]string{"state": "fixed"} },
		"subject that is not CEL":    func(c *config.Connector) { c.Subject = "claims." },
		"client_auth unknown":        func(c *config.Connector) { c.OIDC.ClientAuth = "tls_client_auth" },
		"a private key in OAuth 2.0": func(c *config.Connector) { c.OIDC, c.OAuth2 = nil, &config.OAuth2{ClientAuth: "private_key_jwt"} },
		"no private key":             func(c *config.Connector) { c.OIDC.ClientAuth = "private_key_jwt" },
		"ca that is not there":       func(c *config.Connector) { c.Network.CA = "nowhere.pem" },
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
