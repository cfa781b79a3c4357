package simulator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// tenant is a council's own, not that of personal accounts.
const tenant = "0b5f2c3a-1111-4222-8333-444455556666"

// preset loads a connector as an operator would write it, with its addresses
// led to base.
func preset(t *testing.T, name string) func(base string) config.Connector {
	return func(base string) config.Connector {
		t.Helper()
		dir := t.TempDir()
		t.Setenv("SIMULATOR_TEST_SECRET", secret)
		lines := append([]string{"preset: " + name, "client_id: " + clientID, "insecure_base_url: " + base}, registered(name)...)
		write(t, filepath.Join(dir, "broker.yaml"), "issuer: http://localhost:8443")
		write(t, filepath.Join(dir, "rsa.pem"), rsaKey())
		write(t, filepath.Join(dir, "p256.pem"), curveKey())
		write(t, filepath.Join(dir, "connectors", name+".yaml"), strings.Join(lines, "\n"))
		cfg, err := config.Load(dir, connectors.Presets())
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Connectors[0]
	}
}

// registered is what an operator writes who has registered with a provider.
func registered(name string) []string {
	const byKey, bySecret = "oidc: {private_key: file:rsa.pem, key_id: council-1}", "client_secret: env:SIMULATOR_TEST_SECRET"
	switch name {
	case "microsoft":
		return []string{bySecret, "oidc: {tenants: [" + tenant + "]}"}
	case "apple":
		return []string{"oidc: {team: A1B2C3D4E5, private_key: file:p256.pem, key_id: council-1}"}
	case "govuk-one-login", "scotaccount", "nhs-login", "login-gov":
		return []string{byKey}
	case "franceconnect-plus":
		return []string{bySecret, "oidc: {encryption: {key: file:rsa.pem}}"}
	case "singpass":
		return []string{"oidc: {private_key: file:p256.pem, key_id: council-1, encryption: {key: file:p256.pem}}"}
	}
	return []string{bySecret}
}

// The keys of all clients: an RSA key takes its time.
var (
	rsaKey = sync.OnceValue(func() string {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		return inPEM(key, err)
	})
	curveKey = sync.OnceValue(func() string {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return inPEM(key, err)
	})
)

func inPEM(key any, err error) string {
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGoogle(t *testing.T) {
	s := play(t, preset(t, "google"), simulator.Options{})
	p := s.party(t)
	p.oauth.Scopes = s.cfg.OIDC.Scopes
	who := p.redeem(t, p.callback(t, url.Values{"persona": {"council-staff"}}).Get("code"))
	sub, _ := who.idToken["sub"].(string)
	if !regexp.MustCompile(`^[0-9]{21}$`).MatchString(sub) {
		t.Errorf("sub is %q, want 21 digits", sub)
	}
	if got, want := who.idToken["hd"], "council.example"; got != want {
		t.Errorf("hd is %v, want %s", got, want)
	}
	if got, want := who.idToken["email"], "priya.shah@council.example"; got != want {
		t.Errorf("email is %v, want %s: Google's ID tokens say it all", got, want)
	}
	if got := p.callback(t, url.Values{"prompt": {"login"}}).Get("error"); got != "invalid_request" {
		t.Errorf("prompt=login gives %q: Google does not know it", got)
	}
}

func TestMicrosoft(t *testing.T) {
	s := play(t, preset(t, "microsoft"), simulator.Options{})
	ctx := oidc.InsecureIssuerURLContext(t.Context(), s.base+"/login.microsoftonline.com/{tenantid}/v2.0")
	provider, err := oidc.NewProvider(ctx, s.base+"/login.microsoftonline.com/common/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	p := s.of(provider)
	p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	token, err := p.oauth.Exchange(t.Context(), p.callback(t, url.Values{"persona": {"full-record"}}).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	claims := payload(t, token)
	if got, want := claims["iss"], s.base+"/login.microsoftonline.com/"+tenant+"/v2.0"; got != want {
		t.Errorf("iss is %v, want %s", got, want)
	}
	if got, want := claims["tid"], tenant; got != want {
		t.Errorf("tid is %v, want %s", got, want)
	}
	oid, _ := claims["oid"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(oid) {
		t.Errorf("oid is %q, want a GUID", oid)
	}
	if claims["sub"] == claims["oid"] {
		t.Error("sub is pairwise and cannot be oid")
	}
}

// api calls an API of a provider and returns the status and the answer.
func (s *stage) api(t *testing.T, address string, header http.Header) (int, any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func TestFacebook(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	conf := s.oauth2(t)
	query := s.answer(t, conf.AuthCodeURL(state)+"&persona=full-record")
	token, err := conf.Exchange(t.Context(), query.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token.AccessToken))
	proof := hex.EncodeToString(mac.Sum(nil))

	me := s.base + "/graph.facebook.com/v23.0/me?fields=id,first_name,email"
	_, answer := s.api(t, me+"&appsecret_proof="+proof, bearer(token.AccessToken))
	said, _ := answer.(map[string]any)
	if id, _ := said["id"].(string); !regexp.MustCompile(`^[0-9]{15,17}$`).MatchString(id) {
		t.Errorf("id is %v, want digits as text", said["id"])
	}
	delete(said, "id")
	if diff := cmp.Diff(map[string]any{"first_name": "Alice", "email": "alice.morgan@example.org"}, said); diff != "" {
		t.Errorf("only the fields asked for (-want +got):\n%s", diff)
	}
	for name, address := range map[string]string{"no proof": me, "a wrong proof": me + "&appsecret_proof=" + strings.Repeat("0", 64)} {
		status, answer := s.api(t, address, bearer(token.AccessToken))
		if got := graphType(answer); status != 400 || got != "GraphMethodException" {
			t.Errorf("%s gives %d %s", name, status, got)
		}
	}
	status, answer := s.api(t, me, bearer("another"))
	if got := graphType(answer); status != 400 || got != "OAuthException" {
		t.Errorf("an unknown token gives %d %s", status, got)
	}
}

func graphType(answer any) string {
	body, _ := answer.(map[string]any)
	e, _ := body["error"].(map[string]any)
	kind, _ := e["type"].(string)
	return kind
}

func TestFacebookCancelHasItsOwnWords(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	got := s.answer(t, s.oauth2(t).AuthCodeURL(state)+"&persona=cancel")
	want := url.Values{
		"error": {"access_denied"}, "error_code": {"200"}, "error_description": {"Permissions error"},
		"error_reason": {"user_denied"}, "state": {state},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Browsers carry the fragment on to wherever the callback redirects.
func TestFacebookAppendsAFragment(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	resp, err := s.browser.Get(s.oauth2(t).AuthCodeURL(state) + "&persona=full-record")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Location"); !strings.HasSuffix(got, "#_=_") {
		t.Errorf("the browser is sent to %s", got)
	}
}

func TestFacebookReauthenticates(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	address := s.oauth2(t).AuthCodeURL(state)
	s.answer(t, address+"&persona=full-record")
	page := s.open(t, address+"&auth_type=reauthenticate", http.StatusOK)
	if button := all(page, "button")[0]; attribute(button, "id") == "continue" {
		t.Error("somebody may go on without signing in again")
	}
}

// A provider that wraps its profile, as X does, and has a call besides.
func TestWrappedAnswers(t *testing.T) {
	s := play(t, func(base string) config.Connector {
		return config.Connector{
			ID: "wrapping", ClientID: clientID,
			OAuth2: &config.OAuth2{
				Endpoints: config.Endpoints{Authorization: base + "/authorize", Token: base + "/token"},
				PKCE:      "forbidden",
				Profile:   config.Call{URL: base + "/me", Unwrap: "data"},
				Calls:     map[string]config.Call{"more": {URL: base + "/more", Unwrap: "list"}},
			},
			Simulator: &config.Simulator{
				Claims: map[string]string{"id": "person.sub"}, Calls: map[string]string{"more": "[person.name]"},
			},
		}
	}, simulator.Options{})
	conf := s.oauth2(t)
	token, err := conf.Exchange(t.Context(), s.answer(t, conf.AuthCodeURL(state)+"&persona=load-1").Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"/me":   map[string]any{"data": map[string]any{"id": "0000000000000001"}},
		"/more": map[string]any{"list": []any{"Resident 1"}},
	} {
		if _, got := s.api(t, s.base+path, bearer(token.AccessToken)); !cmp.Equal(got, want) {
			t.Errorf("%s: %s", path, cmp.Diff(want, got))
		}
	}
}

func TestFacebookRefusesPKCE(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	address := s.oauth2(t).AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
	if got := s.answer(t, address).Get("error"); got != "invalid_request" {
		t.Errorf("got %q, want invalid_request", got)
	}
}

func TestFacebookWithoutEmail(t *testing.T) {
	s := play(t, preset(t, "facebook"), simulator.Options{})
	conf := s.oauth2(t)
	conf.Scopes = []string{"public_profile"} // the person unticked email
	token, err := conf.Exchange(t.Context(), s.answer(t, conf.AuthCodeURL(state)+"&persona=full-record").Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token.AccessToken))
	_, answer := s.api(t, s.cfg.OAuth2.Profile.URL+"&appsecret_proof="+hex.EncodeToString(mac.Sum(nil)), bearer(token.AccessToken))
	if said, _ := answer.(map[string]any); said["name"] == nil || said["email"] != nil {
		t.Errorf("without the scope email Facebook says %v", said)
	}
}

func TestGitHub(t *testing.T) {
	s := play(t, preset(t, "github"), simulator.Options{})
	conf := s.oauth2(t)
	query := s.answer(t, conf.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))+"&persona=full-record")
	if got, want := query.Get("iss"), s.cfg.OAuth2.IssParameter; got != want || got == "" {
		t.Errorf("iss is %q, want %q", got, want)
	}
	token, err := conf.Exchange(t.Context(), query.Get("code"), oauth2.VerifierOption(verifier)) // reads GitHub's form
	if err != nil {
		t.Fatal(err)
	}
	_, answer := s.api(t, s.base+"/api.github.com/user", bearer(token.AccessToken))
	user, _ := answer.(map[string]any)
	if id, ok := user["id"].(float64); !ok || id < 1<<32 {
		t.Errorf("id is %v, want a large number", user["id"])
	}
	if email, ok := user["email"]; !ok || email != nil {
		t.Errorf("email is %v, want null", email)
	}
	_, answer = s.api(t, s.base+"/api.github.com/user/emails", bearer(token.AccessToken))
	want := []any{map[string]any{"email": "alice.morgan@example.org", "primary": true, "verified": true, "visibility": "private"}}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("emails (-want +got):\n%s", diff)
	}
	header := bearer(token.AccessToken)
	header.Set("User-Agent", "")
	if status, _ := s.api(t, s.base+"/api.github.com/user", header); status != http.StatusForbidden {
		t.Errorf("without User-Agent the status is %d, want 403", status)
	}
	if status, _ := s.api(t, s.base+"/api.github.com/user", bearer("another")); status != http.StatusUnauthorized {
		t.Errorf("with another token the status is %d, want 401", status)
	}
}

// GitHub answers a form unless it is asked for JSON, and every error with
// status 200.
func TestGitHubTokenErrors(t *testing.T) {
	s := play(t, preset(t, "github"), simulator.Options{})
	for accept, want := range map[string]string{"": "error=bad_verification_code", "application/json": `"error":"bad_verification_code"`} {
		form := url.Values{"client_id": {clientID}, "client_secret": {secret}, "code": {"spent"}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.cfg.OAuth2.Endpoints.Token, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("Accept %q: got %s %s, want 200 with %s", accept, resp.Status, body, want)
		}
	}
}

// oauth2 is the client of a provider without OpenID Connect.
func (s *stage) oauth2(t *testing.T) *oauth2.Config {
	t.Helper()
	c := s.cfg.OAuth2
	return &oauth2.Config{
		ClientID: clientID, ClientSecret: secret, RedirectURL: callback, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.Endpoints.Authorization, TokenURL: c.Endpoints.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
}
