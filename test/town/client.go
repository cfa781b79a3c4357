package town

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Client is an app's side of OpenID Connect, made of the libraries that Go
// apps use.
type Client struct {
	oauth2.Config
	Provider *oidc.Provider
	tb       testing.TB
}

// Ask is one authorization request with what the client keeps of it.
type Ask struct{ URL, State, Nonce, Verifier string }

// NewClient is the client of an app of the town: tax, library or rota.
func (t *Town) NewClient(tb testing.TB, id string, scopes ...string) *Client {
	tb.Helper()
	p, err := oidc.NewProvider(tb.Context(), t.Issuer)
	if err != nil {
		tb.Fatal(err)
	}
	c := &Client{Provider: p, tb: tb, Config: oauth2.Config{
		ClientID: id, Endpoint: p.Endpoint(), RedirectURL: App + "/" + id + "/callback",
		Scopes: append([]string{"openid"}, scopes...),
	}}
	switch id {
	case "tax":
		c.ClientSecret, c.Endpoint.AuthStyle = Secret, oauth2.AuthStyleInHeader
	case "rota":
		c.ClientSecret, c.Endpoint.AuthStyle = Secret, oauth2.AuthStyleInParams
	default:
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// Ask makes an authorization request; pairs are further parameters.
func (c *Client) Ask(pairs ...string) Ask {
	a := Ask{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	for i := 0; i < len(pairs); i += 2 {
		options = append(options, oauth2.SetAuthURLParam(pairs[i], pairs[i+1]))
	}
	a.URL = c.AuthCodeURL(a.State, options...)
	return a
}

// Tokens is what a client gets for a code.
type Tokens struct {
	*oauth2.Token
	Raw   string // the ID token
	ID    *oidc.IDToken
	Extra map[string]any // its claims
}

// Redeem checks that the browser came back to the app with the answer to a,
// and exchanges the code.
func (c *Client) Redeem(a Ask, p Page) Tokens {
	c.tb.Helper()
	if !p.AtApp() || p.Query("code") == "" {
		c.tb.Fatalf("the browser did not come back with a code: %s", p)
	}
	if p.Query("state") != a.State {
		c.tb.Fatal("the answer has another state")
	}
	token, err := c.Exchange(c.tb.Context(), p.Query("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		c.tb.Fatal(err)
	}
	t := c.Check(token)
	if t.ID.Nonce != a.Nonce {
		c.tb.Fatal("the ID token has another nonce")
	}
	return t
}

// Check verifies the ID token of an answer.
func (c *Client) Check(token *oauth2.Token) Tokens {
	c.tb.Helper()
	t := Tokens{Token: token}
	t.Raw, _ = token.Extra("id_token").(string)
	var err error
	verifier := c.Provider.Verifier(&oidc.Config{ClientID: c.ClientID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}})
	if t.ID, err = verifier.Verify(c.tb.Context(), t.Raw); err != nil {
		c.tb.Fatal(err)
	}
	if t.ID.AccessTokenHash != "" {
		if err := t.ID.VerifyAccessToken(token.AccessToken); err != nil {
			c.tb.Fatal(err)
		}
	}
	if err := t.ID.Claims(&t.Extra); err != nil {
		c.tb.Fatal(err)
	}
	return t
}

// Refresh exchanges a refresh token for new tokens.
func (c *Client) Refresh(t Tokens) Tokens {
	c.tb.Helper()
	token, err := c.TokenSource(c.tb.Context(), &oauth2.Token{RefreshToken: t.RefreshToken}).Token()
	if err != nil {
		c.tb.Fatal(err)
	}
	return c.Check(token)
}

// Userinfo fetches what the app may see.
func (c *Client) Userinfo(t Tokens) map[string]any {
	c.tb.Helper()
	info, err := c.Provider.UserInfo(c.tb.Context(), oauth2.StaticTokenSource(t.Token))
	if err != nil {
		c.tb.Fatal(err)
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil {
		c.tb.Fatal(err)
	}
	return claims
}

// SignIn is a whole login through one connector.
func (c *Client) SignIn(b *Browser, connector string) Tokens {
	c.tb.Helper()
	a := c.Ask("connector_hint", connector)
	return c.Redeem(a, b.Get(a.URL))
}

// Call posts a form to one of the broker's endpoints and reads the JSON answer.
func (c *Client) Call(path string, form url.Values) (int, map[string]any) {
	c.tb.Helper()
	issuer := strings.TrimSuffix(c.Endpoint.TokenURL, "/token")
	r, err := http.NewRequestWithContext(c.tb.Context(), http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ClientSecret != "" && form.Get("client_secret") == "" {
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	} else if form.Get("client_id") == "" {
		c.tb.Fatal("a public client says who it is")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&body) // revocation has no body
	return answer.StatusCode, body
}
