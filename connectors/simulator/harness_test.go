package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

const (
	callback = "https://broker.example/callback/test"
	clientID = "council"
	secret   = "a secret with / and + in it, and of some length"
)

// stage is a simulated provider on a server of its own, a browser, and what
// the client of the provider was told at registration.
type stage struct {
	base     string
	cfg      config.Connector
	provider *simulator.Provider
	browser  *http.Client
}

// play puts on stage the provider that describe describes for its address.
func play(t *testing.T, describe func(base string) config.Connector, o simulator.Options) *stage {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s := &stage{base: "http://" + server.Listener.Addr().String(), browser: newBrowser(t)}
	s.cfg = describe(s.base)
	o.Redirect = []string{callback}
	o.Secret = secret
	provider, err := simulator.New(s.cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	s.provider = provider
	server.Config.Handler = provider
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// plain is an OpenID provider without a preset. It signs by ES256, whose keys
// are made in no time.
func plain(base string) config.Connector {
	return config.Connector{
		ID: "plain", ClientID: clientID, Label: config.Text{"": "Town Hall"},
		OIDC:      &config.OIDC{Issuer: base + "/op"},
		Simulator: &config.Simulator{Algorithm: "ES256"},
	}
}

// newBrowser keeps cookies and shows redirects in place of following them.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// party is the other side: a client made of go-oidc and x/oauth2.
type party struct {
	stage    *stage
	provider *oidc.Provider
	oauth    *oauth2.Config
}

func (s *stage) party(t *testing.T) *party {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), s.cfg.OIDC.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return s.of(provider)
}

func (s *stage) of(provider *oidc.Provider) *party {
	return &party{stage: s, provider: provider, oauth: &oauth2.Config{
		ClientID: clientID, ClientSecret: secret, RedirectURL: callback, Endpoint: provider.Endpoint(),
		Scopes: []string{"openid", "profile", "email", "address", "phone"},
	}}
}

const (
	state    = "the-state-of-this-attempt-at-signing-in"
	nonce    = "the-nonce-of-this-attempt-at-signing-in"
	verifier = "a-verifier-of-forty-three-characters-or-more"
)

// address is the authorization URL with further parameters.
func (p *party) address(more url.Values) string {
	address := p.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	return address + "&" + more.Encode()
}

// callback follows the authorization request to the answer's query.
func (p *party) callback(t *testing.T, more url.Values) url.Values {
	t.Helper()
	return p.stage.answer(t, p.address(more))
}

// answer is the query of the redirect that an address answers with.
func (s *stage) answer(t *testing.T, address string) url.Values {
	t.Helper()
	resp, err := s.browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("no redirect but %s", resp.Status)
	}
	if got := to.Scheme + "://" + to.Host + to.Path; got != callback {
		t.Fatalf("redirected to %s", got)
	}
	return to.Query()
}

// person is what a sign-in told the client.
type person struct {
	idToken, userinfo map[string]any
}

// signIn makes the whole trip and every check of OpenID Connect Core
// §3.1.3.7. The error says where it ended.
func (p *party) signIn(t *testing.T, persona string) (person, error) {
	t.Helper()
	query := p.callback(t, url.Values{"persona": {persona}})
	switch {
	case query.Has("error"):
		return person{}, errors.New("callback: " + query.Get("error"))
	case query.Get("state") != state:
		return person{}, errors.New("callback: state")
	case query.Has("iss") && query.Get("iss") != p.stage.cfg.OIDC.Issuer:
		return person{}, errors.New("callback: iss")
	}
	token, err := p.oauth.Exchange(t.Context(), query.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return person{}, fmt.Errorf("token: %w", err)
	}
	return p.read(t.Context(), token)
}

// redeem exchanges a code and reads what comes of it.
func (p *party) redeem(t *testing.T, code string) person {
	t.Helper()
	token, err := p.oauth.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	who, err := p.read(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func (p *party) read(ctx context.Context, token *oauth2.Token) (person, error) {
	var who person
	raw, _ := token.Extra("id_token").(string)
	idToken, err := p.verify(ctx, raw)
	if err != nil {
		return who, fmt.Errorf("id token: %w", err)
	}
	if err := idToken.Claims(&who.idToken); err != nil {
		return who, err
	}
	switch {
	case idToken.Nonce != nonce:
		return who, errors.New("id token: nonce")
	case len(idToken.Audience) != 1:
		return who, errors.New("id token: audience")
	case idToken.IssuedAt.After(time.Now().Add(time.Minute)):
		return who, errors.New("id token: iat")
	case idToken.VerifyAccessToken(token.AccessToken) != nil:
		return who, errors.New("id token: at_hash")
	}
	info, err := p.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return who, fmt.Errorf("userinfo: %w", err)
	}
	if info.Subject != idToken.Subject {
		return who, errors.New("userinfo: sub")
	}
	return who, info.Claims(&who.userinfo)
}

// verify fetches the keys for each token. The set that go-oidc keeps may answer a
// token of new keys with a fetch that is over: it lets those who wait for a fetch go
// before it forgets it.
func (p *party) verify(ctx context.Context, raw string) (*oidc.IDToken, error) {
	how, err := p.signing()
	if err != nil {
		return nil, err
	}
	cfg := &oidc.Config{ClientID: clientID, SupportedSigningAlgs: how.Algorithms}
	return oidc.NewVerifier(p.stage.cfg.OIDC.Issuer, oidc.NewRemoteKeySet(ctx, how.Keys), cfg).Verify(ctx, raw)
}

// signing is what a provider's document says of how it signs.
type signing struct {
	Keys       string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func (p *party) signing() (s signing, err error) {
	err = p.provider.Claims(&s)
	return s, err
}

// asked is where the connector sends the browser for a step, changed.
func (s *stage) asked(t *testing.T, step string, change url.Values) string {
	t.Helper()
	connector, err := connectors.Open(s.cfg, connectors.Options{Redirect: callback})
	if err != nil {
		t.Fatal(err)
	}
	a := attempt()
	a.Step = step
	start, err := connector.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(start.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for name, values := range change {
		if query[name] = values; len(values) == 0 {
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// refused wants each change of a request in order to be refused.
func (s *stage) refused(t *testing.T, step string, changes map[string]url.Values, want string) {
	t.Helper()
	for name, change := range changes {
		change.Set("persona", "full-record")
		if got := s.answer(t, s.asked(t, step, change)).Get("error"); got != want {
			t.Errorf("%s: got %q, want %s", name, got, want)
		}
	}
}

// told is what the broker makes of what is said of a persona.
func (s *stage) told(t *testing.T, persona, step string) mapping.Statement {
	t.Helper()
	assertion, err := s.signInAt(t, simulator.Persona{ID: persona}, step)
	if err != nil {
		t.Fatalf("%s: %v", persona, err)
	}
	return s.rules(t).Apply(assertion.Claims)
}

// page is the text of the page that an address answers with.
func (s *stage) page(t *testing.T, address string) string {
	t.Helper()
	resp, err := s.browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("no page but %s, %v", resp.Status, err)
	}
	return string(body)
}
