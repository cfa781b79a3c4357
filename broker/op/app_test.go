package op_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
)

// An app as its developers would write it, with the libraries that they would
// use: golang.org/x/oauth2 and go-oidc.
func TestAppWithCommonLibraries(t *testing.T) {
	var app http.Handler
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.ServeHTTP(w, r) }))
	defer site.Close()
	b := newBed(t, config.App{
		ID: "parking", Sector: "parking", Release: []config.Release{{As: "email"}, {As: "email_verified"}},
		OIDC: &config.AppOIDC{
			ClientID: "parking", ClientSecret: config.NewSecret("s3cret"), ClientAuth: "client_secret_basic",
			RedirectURIs: []string{site.URL + "/callback"}, PKCE: "required", IDTokenAlg: "RS256", Refresh: true,
			AccessTokenLifetime: time.Minute, RefreshTokenLifetime: time.Hour,
		},
	})
	provider, err := oidc.NewProvider(t.Context(), b.URL)
	b.must(err)
	client := oauth2.Config{
		ClientID: "parking", ClientSecret: "s3cret", Endpoint: provider.Endpoint(), RedirectURL: site.URL + "/callback",
		Scopes: []string{oidc.ScopeOpenID, "email", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	var token *oauth2.Token
	app = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != "st4te" || r.FormValue("iss") != b.URL {
			t.Errorf("callback %v", r.Form)
		}
		var err error
		if token, err = client.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
	})

	browser := newBrowser(t)
	asked := client.AuthCodeURL("st4te", oidc.Nonce("n0nce"), oauth2.S256ChallengeOption(verifier))
	res, err := browser.Get(asked)
	to := b.read(res, err).location(t)
	res, err = browser.Get(b.URL + "/callback/upstream?state=" + to.Query().Get("state"))
	to = b.read(res, err).location(t)
	res, err = browser.Get(to.String())
	b.read(res, err)
	if token == nil {
		t.Fatal("no token")
	}

	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: "parking", Now: b.now}).Verify(t.Context(), raw)
	b.must(err)
	b.must(id.VerifyAccessToken(token.AccessToken))
	if id.Nonce != "n0nce" {
		t.Errorf("nonce %q", id.Nonce)
	}
	info, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	b.must(err)
	if info.Subject != id.Subject || info.Email != "alice@example.test" || !info.EmailVerified {
		t.Errorf("userinfo %+v", info)
	}
	token.Expiry = time.Now().Add(-time.Hour)
	again, err := client.TokenSource(t.Context(), token).Token()
	b.must(err)
	if again.AccessToken == token.AccessToken || again.RefreshToken == token.RefreshToken {
		t.Error("nothing was refreshed")
	}
}
