package connectors_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// clock is the time of a test, shared by the connector and its provider.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// claims is what a token says.
type claims = map[string]any

// provider is an honest OpenID provider whose every answer a test can bend.
type provider struct {
	t     testing.TB
	clock *clock
	url   string

	mu     sync.Mutex
	calls  map[string]int
	paths  map[string]http.HandlerFunc
	grants map[string]url.Values // authorization requests by code
	pushed map[string]url.Values // and by request_uri

	key       *ecdsa.PrivateKey
	keyID     string
	keyUse    string
	discovery claims                      // members that differ from the honest document
	said      claims                      // claims of the ID token that differ; a nil removes one
	userinfo  claims                      // claims of userinfo
	answer    claims                      // members of the token answer that differ; a nil removes one
	mint      func(payload claims) string // makes the ID token, where not as usual
	client    func(r *http.Request) bool  // authenticates the client, where not by secret
}

const (
	clientID     = "council"
	clientSecret = "it's a secret: 100%"
	callbackURL  = "https://login.example.gov.uk/callback/test"
	accessToken  = "an access token"
)

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{
		t:      t,
		clock:  newClock(),
		calls:  map[string]int{},
		grants: map[string]url.Values{},
		pushed: map[string]url.Values{},
		key:    newKey(t),
		keyID:  "first",
		keyUse: "sig",
	}
	p.paths = map[string]http.HandlerFunc{
		"/.well-known/openid-configuration": p.serveDiscovery,
		"/keys":                             p.serveKeys,
		"/token":                            p.serveToken,
		"/par":                              p.servePush,
		"/userinfo":                         func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.userinfo) },
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.calls[r.URL.Path]++
	serve := p.paths[r.URL.Path]
	p.mu.Unlock()
	if r.Header.Get("User-Agent") != "councilid" || len(r.Cookies()) > 0 {
		http.Error(w, "what client is this?", http.StatusForbidden)
		return
	}
	if serve == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Set-Cookie", "tracking=1")
	serve(w, r)
}

// on answers path otherwise.
func (p *provider) on(path string, serve http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paths[path] = serve
}

func (p *provider) called(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func (p *provider) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	document := claims{
		"issuer":                 p.url,
		"authorization_endpoint": p.url + "/authorize",
		"token_endpoint":         p.url + "/token",
		"jwks_uri":               p.url + "/keys",
	}
	if p.userinfo != nil {
		document["userinfo_endpoint"] = p.url + "/userinfo"
	}
	writeJSON(w, with(document, p.discovery))
}

func (p *provider) serveKeys(w http.ResponseWriter, _ *http.Request) {
	public := jose.JSONWebKey{Key: p.key.Public(), KeyID: p.keyID, Use: p.keyUse, Algorithm: "ES256"}
	writeJSON(w, claims{"keys": []any{
		claims{"kty": "from the future"}, // RFC 7517 §5: to be ignored
		public,
	}})
}

func (p *provider) serveToken(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	grant := p.grants[r.PostFormValue("code")]
	delete(p.grants, r.PostFormValue("code"))
	p.mu.Unlock()

	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case !p.authenticates(r):
		writeError(w, http.StatusUnauthorized, "invalid_client")
	case grant == nil, r.PostFormValue("redirect_uri") != grant.Get("redirect_uri"),
		grant.Has("code_challenge") && grant.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		writeError(w, http.StatusBadRequest, "invalid_grant")
	default:
		writeJSON(w, with(claims{
			"access_token": accessToken,
			"token_type":   "Bearer",
			"expires_in":   60,
			"id_token":     p.idToken(grant),
		}, p.answer))
	}
}

// servePush is the endpoint of RFC 9126 §2.
func (p *provider) servePush(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || !p.authenticates(r) {
		writeError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	for _, secret := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		r.PostForm.Del(secret)
	}
	name := "urn:ietf:params:oauth:request_uri:" + rand.Text()
	p.mu.Lock()
	p.pushed[name] = r.PostForm
	p.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, claims{"request_uri": name, "expires_in": 60})
}

func (p *provider) authenticates(r *http.Request) bool {
	if p.client != nil {
		return p.client(r)
	}
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	return id == clientID && secret == clientSecret
}

func (p *provider) idToken(grant url.Values) string {
	payload := with(claims{
		"iss":   p.url,
		"sub":   "24400320",
		"aud":   grant.Get("client_id"),
		"nonce": grant.Get("nonce"),
		"iat":   p.clock.Now().Unix(),
		"exp":   p.clock.Now().Add(time.Minute).Unix(),
	}, p.said)
	if p.mint != nil {
		return p.mint(payload)
	}
	return sign(p.t, jose.ES256, p.key, p.keyID, payload)
}

func sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, keyID string, payload claims) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key},
		(&jose.SignerOptions{}).WithHeader("kid", keyID))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(marshal(t, payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// with returns base changed by difference, in which nil removes.
func with(base, difference claims) claims {
	all := maps.Clone(base)
	maps.Copy(all, difference)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(claims{"error": code, "error_description": "resident@example.com did something"})
}

// connector returns the configuration that a council would write for p, with
// the defaults of config.Load.
func (p *provider) connector() config.Connector {
	return config.Connector{
		ID:           "test",
		ClientID:     clientID,
		ClientSecret: config.NewSecret(clientSecret),
		Subject:      "claims.sub",
		Network:      config.Network{Timeout: 10 * time.Second, Attempts: 1},
		OIDC: &config.OIDC{
			Issuer:     p.url,
			Discovery:  p.url + "/.well-known/openid-configuration",
			ClientAuth: "client_secret_basic",
			Algorithms: []string{"RS256", "ES256"},
			Scopes:     []string{"openid", "email"},
			PKCE:       "required",
			Nonce:      "required",
			ClockSkew:  30 * time.Second,
		},
	}
}

func (p *provider) open(cfg config.Connector) connectors.Connector {
	p.t.Helper()
	c, err := connectors.Open(cfg, connectors.Options{Redirect: callbackURL, Now: p.clock.Now})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func newAttempt() connectors.Attempt {
	return connectors.Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text()}
}

// authorize is the provider's side of the browser's visit: the person signs
// in, and the answer is these parameters.
func (p *provider) authorize(to string) url.Values {
	p.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	request := u.Query()
	if name := request.Get("request_uri"); name != "" {
		request = p.pushed[name]
	}
	p.grants[code] = request
	return url.Values{"code": {code}, "state": {request.Get("state")}}
}

// signIn is a whole sign-in. bend, where given, changes what the browser
// brings back.
func (p *provider) signIn(c connectors.Connector, a connectors.Attempt, bend ...func(url.Values)) (*connectors.Assertion, error) {
	p.t.Helper()
	redirect, err := c.Start(p.t.Context(), a)
	if err != nil {
		return nil, err
	}
	answer := p.authorize(redirect.URL)
	for _, b := range bend {
		b(answer)
	}
	return c.Finish(p.t.Context(), a, callback(answer))
}

func callback(answer url.Values) *http.Request {
	return httptest.NewRequest(http.MethodGet, callbackURL+"?"+answer.Encode(), nil)
}
