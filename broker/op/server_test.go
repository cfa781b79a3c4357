package op_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/broker/op"
	"github.com/councilid/councilid/config"
)

// A registration that cannot work, or is not safe, is not served.
func TestNewRefuses(t *testing.T) {
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: newKey(t), KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	symmetric := `{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`
	basic := func(change func(*config.App)) config.App {
		app := config.App{ID: "tax", OIDC: &config.AppOIDC{
			ClientID: "tax", ClientAuth: "client_secret_basic", ClientSecret: config.NewSecret("s"),
		}}
		change(&app)
		return app
	}
	keyed := func(jwks string) []config.App {
		return []config.App{basic(func(a *config.App) { a.OIDC.ClientAuth, a.OIDC.JWKS = "private_key_jwt", jwks })}
	}
	for name, test := range map[string]struct {
		apps []config.App
		want string
	}{
		"client_id twice": {[]config.App{basic(func(*config.App) {}), basic(func(a *config.App) { a.ID = "waste" })}, "belongs to app tax"},
		"empty secret":    {[]config.App{basic(func(a *config.App) { a.OIDC.ClientSecret = config.NewSecret("") })}, "secret is empty"},
		"unknown method":  {[]config.App{basic(func(a *config.App) { a.OIDC.ClientAuth = "tls_client_auth" })}, "unknown client_auth"},
		"bad release":     {[]config.App{basic(func(a *config.App) { a.Release = []config.Release{{As: "x", Value: "claims."}} })}, "release[0].value"},
		"no keys file":    {keyed("missing.json"), "missing.json"},
		"no keys":         {keyed(writeFile(t, "keys.json", `{"keys":[]}`)), "no keys"},
		"no JSON":         {keyed(writeFile(t, "keys.json", `keys`)), "invalid character"},
		"private key":     {keyed(writeFile(t, "keys.json", string(private))), "not a public key"},
		"symmetric key":   {keyed(writeFile(t, "keys.json", symmetric)), "not a public key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := op.New(op.Options{Apps: test.apps})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "app ") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
