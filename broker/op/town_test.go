package op_test

import (
	"time"

	"github.com/councilid/councilid/config"
)

// Redirect URIs of the town's apps.
const (
	taxCallback    = "https://tax.example/callback"
	taxGoodbye     = "https://tax.example/goodbye"
	wasteCallback  = "https://waste.example/callback?dummy1=lorem&dummy2=ipsum"
	libraryLoop    = "http://127.0.0.1/callback"
	libraryPrivate = "uk.example.library:/callback"
)

// town are the apps of a council, one of each kind.
func town() []config.App {
	released := []config.Release{{As: "sub"}, {As: "name"}, {As: "email"}, {As: "email_verified"}, {As: "ward", Value: `"North"`}}
	return []config.App{
		{
			ID: "tax", Label: config.Text{"": "Council tax"}, Home: "https://tax.example/", Sector: "tax.example", Release: released,
			OIDC: &config.AppOIDC{
				ClientID: "tax", ClientSecret: config.NewSecret("tax secret: 100% ä"), ClientAuth: "client_secret_basic",
				RedirectURIs: []string{taxCallback, "https://tax.example/other"}, PostLogoutRedirectURIs: []string{taxGoodbye},
				PKCE: "optional", IDTokenAlg: "RS256", Refresh: true,
				AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{
			ID: "waste", Label: config.Text{"": "Waste"}, Home: "https://waste.example/", Sector: "waste.example", Release: released,
			OIDC: &config.AppOIDC{
				ClientID: "waste", ClientSecret: config.NewSecret("waste-secret"), ClientAuth: "client_secret_post",
				RedirectURIs: []string{wasteCallback}, PKCE: "required", IDTokenAlg: "ES256", Refresh: true,
				AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{
			ID: "library", Label: config.Text{"": "Library"}, Sector: "library", Release: released[:1],
			OIDC: &config.AppOIDC{
				ClientID: "library", ClientAuth: "none", RedirectURIs: []string{libraryLoop, libraryPrivate},
				PKCE: "required", IDTokenAlg: "RS256", AccessTokenLifetime: 10 * time.Minute, RefreshTokenLifetime: 720 * time.Hour,
			},
		},
		{ID: "saml", Label: config.Text{"": "An app of another protocol"}},
	}
}

// app returns the town's app of that id.
func (b *bed) app(id string) config.AppOIDC {
	b.t.Helper()
	app, ok := b.flow.Apps[id]
	if !ok {
		b.t.Fatalf("no app %s", id)
	}
	return *app.OIDC
}
