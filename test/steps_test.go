package test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// openGrants puts up a town with GOV.UK One Login and an app, grants, that needs
// to know who somebody is. app is where the apps are.
func openGrants(t *testing.T, app string) *town.Town {
	t.Helper()
	return town.Open(t, town.Options{Files: map[string]string{
		"one-login.pem": newRSAKeyPEM(t),
		"connectors/one-login.yaml": `
preset: govuk-one-login
client_id: town
oidc: {private_key: file:one-login.pem}
insecure_base_url: {{one-login}}
`,
		"apps/grants.yaml": `
label: Grants
home: ` + app + `/grants
connectors: [google, one-login]
oidc:
  client_secret: file:secret
  redirect_uris: ["` + app + `/grants/callback"]
  initiate_login_uri: ` + app + `/grants/start
sector: grants
release: [sub, name, birthdate]
assurance: {identity: P2, authenticator: Cm}
`,
		"apps/bins.yaml": `
label: Bin collections
home: ` + app + `/bins
connectors: [google, one-login]
oidc:
  client_secret: file:secret
  redirect_uris: ["` + app + `/bins/callback"]
sector: bins
release: [sub, name]
`,
	}})
}

func newRSAKeyPEM(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// confidential is the client of an app of openGrants.
func confidential(t *testing.T, council *town.Town, id string) *town.Client {
	t.Helper()
	c := council.NewClient(t, id, "profile")
	c.ClientSecret, c.Endpoint.AuthStyle = town.Secret, oauth2.AuthStyleInHeader
	return c
}

func TestProvingIdentity(t *testing.T) {
	t.Parallel()
	council := openGrants(t, town.App)
	both := func(t *testing.T) (grants, bins *town.Client) {
		return confidential(t, council, "grants"), confidential(t, council, "bins")
	}
	t.Run("in one login", func(t *testing.T) {
		grants, _ := both(t)
		browser := council.NewBrowser(t)
		a := grants.Ask()
		tokens := grants.Redeem(a, browser.Get(a.URL))
		if tokens.Extra["acr"] != "urn:x-council:acr:p2.cm" || grants.Userinfo(tokens)["birthdate"] == nil {
			t.Errorf("told %v", tokens.Extra)
		}
	})
	t.Run("on top of another sign-in", func(t *testing.T) {
		grants, bins := both(t)
		browser := council.NewBrowser(t)
		browser.Persona = "welsh-speaker"
		a := bins.Ask("connector_hint", "google")
		before := bins.Redeem(a, browser.Get(a.URL))
		a = grants.Ask()
		page := browser.Get(a.URL)
		if page.URL.Path != "/choose" || strings.Contains(page.Body, `id="idp-google"`) {
			t.Fatalf("not the page on which more is asked: %s", page)
		}
		page = browser.Get(page.Link(t, "idp-one-login"))
		if page.URL.Path != "/who" {
			t.Fatalf("nobody was asked whether both are theirs: %s", page)
		}
		tokens := grants.Redeem(a, browser.Post("/who", map[string][]string{"request": {page.URL.Query().Get("request")}, "answer": {"join"}}))
		if tokens.Extra["acr"] != "urn:x-council:acr:p2.cm" {
			t.Errorf("told %v", tokens.Extra)
		}
		a = bins.Ask("prompt", "none")
		if after := bins.Redeem(a, browser.Get(a.URL)); after.ID.Subject != before.ID.Subject {
			t.Error("bins knows another person")
		}
	})
	t.Run("not reached", func(t *testing.T) {
		grants, bins := both(t)
		browser := council.NewBrowser(t)
		browser.Persona = "fails-proofing"
		page := browser.Get(grants.Ask().URL)
		if page.Query("error") != "unmet_authentication_requirements" {
			t.Errorf("led to %s", page)
		}
		a := bins.Ask("prompt", "none") // the session is kept
		bins.Redeem(a, browser.Get(a.URL))
		page = browser.Get(grants.Ask("prompt", "none").URL)
		if page.Query("error") != "interaction_required" {
			t.Errorf("prompt=none led to %s", page)
		}
	})
	t.Run("not essential", func(t *testing.T) {
		_, bins := both(t)
		browser := council.NewBrowser(t)
		browser.Persona = "fails-proofing"
		a := bins.Ask("acr_values", "urn:x-council:acr:p2.cm")
		if tokens := bins.Redeem(a, browser.Get(a.URL)); tokens.Extra["acr"] != "urn:x-council:acr:cm" {
			t.Errorf("told %v", tokens.Extra)
		}
	})
}

// The pages of residents who need to prove more, or for whom something goes
// wrong, in Chromium.
func TestBrowserSteps(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>App</title><h1 id="app">%s</h1>`, strings.SplitN(r.URL.Path, "/", 3)[1])
	}))
	t.Cleanup(app.Close)
	for _, tt := range []struct{ name, width, script string }{
		{"desktop", "1280", "script"},
		{"phone without JavaScript", "360", "noscript"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			council := openGrants(t, app.URL)
			node(t, []string{"CHROMIUM=" + chromium}, "steps_browser.mjs",
				council.Issuer, app.URL, os.Getenv("COUNCILID_TEST_SHOTS"), tt.width, tt.script)
		})
	}
}
