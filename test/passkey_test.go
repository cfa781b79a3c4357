package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// A resident in Chromium with the council's own way in. COUNCILID_TEST_SHOTS
// names a folder for screenshots.
func TestPasskeyBrowser(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	for _, tt := range []struct{ name, width, script string }{
		{"desktop", "1280", "script"},
		{"phone without JavaScript", "360", "noscript"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			post := mailbox.Open(t)
			app := httptest.NewUnstartedServer(nil)
			council := openCouncil(t, post, "http://"+app.Listener.Addr().String())
			app.Config.Handler = newVisited(t, council, "http://"+app.Listener.Addr().String())
			app.Start()
			t.Cleanup(app.Close)
			codes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, post.LastCode(r.FormValue("to")))
			}))
			t.Cleanup(codes.Close)
			node(t, []string{"CHROMIUM=" + chromium}, "passkey_browser.mjs",
				app.URL, codes.URL, council.Issuer, os.Getenv("COUNCILID_TEST_SHOTS"), tt.width, tt.script)
		})
	}
}

// openCouncil is a town with the council's own way in, and an app at an address
// of its own.
func openCouncil(t *testing.T, post *mailbox.Server, app string) *town.Town {
	t.Helper()
	return town.Open(t, town.Options{Localhost: true, Files: map[string]string{
		"broker.yaml": `
issuer: {{issuer}}
look: {council: Strathmore Council}
limits: {address: 1000000, app: 1000000}
mail: {smtp: "` + post.Address + `", tls: none, from: "Strathmore Council <no-reply@strathmore.example>"}
`,
		"connectors/email.yaml": "preset: council\ncouncil: {passwords: true}\n",
		"apps/bins.yaml": `
label: Bin collections
oidc:
  redirect_uris: ["` + app + `/callback"]
release: [sub, email, email_verified]
`,
	}})
}

// visited is a small app that shows who came and how sure the broker is.
type visited struct {
	oauth2.Config
	verifier *oidc.IDTokenVerifier

	mu    sync.Mutex
	asked map[string]string // the PKCE verifier, by state
}

func newVisited(t *testing.T, council *town.Town, at string) *visited {
	t.Helper()
	p, err := oidc.NewProvider(t.Context(), council.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &visited{
		Config:   oauth2.Config{ClientID: "bins", Endpoint: p.Endpoint(), RedirectURL: at + "/callback", Scopes: []string{"openid", "email"}},
		verifier: p.Verifier(&oidc.Config{ClientID: "bins"}), asked: map[string]string{},
	}
}

// ServeHTTP sends whoever comes to the broker, and shows who came back.
func (v *visited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/callback" {
		v.ask(w, r)
		return
	}
	v.mu.Lock()
	verifier := v.asked[r.FormValue("state")]
	v.mu.Unlock()
	token, err := v.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		http.Error(w, err.Error()+" "+r.FormValue("error"), http.StatusForbidden)
		return
	}
	raw, _ := token.Extra("id_token").(string)
	said, err := v.verifier.Verify(r.Context(), raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	var claims struct{ Sub, ACR string }
	if err := said.Claims(&claims); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<!DOCTYPE html><p id="sub">%s</p><p id="acr">%s</p>`, claims.Sub, claims.ACR)
}

func (v *visited) ask(w http.ResponseWriter, r *http.Request) {
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	v.mu.Lock()
	v.asked[state] = verifier
	v.mu.Unlock()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name, values := range r.URL.Query() {
		options = append(options, oauth2.SetAuthURLParam(name, values[0]))
	}
	http.Redirect(w, r, v.AuthCodeURL(state, options...), http.StatusSeeOther)
}
