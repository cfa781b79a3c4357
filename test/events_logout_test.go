package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/test/town"
)

// GOV.UK One Login tells by whom every session is over, never which.
func TestOneLoginEndsSessions(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{Files: map[string]string{
		"one-login.pem": rsaKeyFile(t),
		"connectors/one-login.yaml": `
preset: govuk-one-login
client_id: council
oidc: {private_key: file:one-login.pem}
insecure_base_url: {{one-login}}
`,
	}})
	tax := council.NewClient(t, "tax")
	first, second := council.NewBrowser(t), council.NewBrowser(t)
	tax.SignIn(first, "one-login")
	tax.SignIn(second, "one-login")
	if status, _ := tell(t, council, "one-login", simulator.Event{Kind: simulator.BackChannelLogout}); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	if signedIn(tax, first) || signedIn(tax, second) {
		t.Error("a session of the person goes on")
	}
	tax.SignIn(first, "one-login")
	if page := leave(first); !strings.Contains(page.Body, "You are signed out") || council.Providers["one-login"].Calls("end_session") != 1 {
		t.Errorf("the sign-out ends at %s", page)
	}
}

// parting is the staff's provider with every way of signing out.
const parting = `
label: Staff account
client_id: town
client_secret: file:secret
oidc:
  issuer: {{works}}
  logout: {send: with_hint, back_channel: true, front_channel: true}
claims: {name: claims.name}
`

// By back-channel logout a provider ends one session, or all of a person's.
func TestBackChannelLogoutOfProvider(t *testing.T) {
	t.Parallel()
	apps := listenForLogouts(t)
	files := apps.apps()
	files["connectors/works.yaml"] = parting
	council := town.Open(t, town.Options{Files: files})
	bins := council.NewClient(t, "bins")
	first, second := council.NewBrowser(t), council.NewBrowser(t)
	bins.SignIn(first, "works")
	bins.SignIn(second, "works")
	logout := simulator.Event{Kind: simulator.BackChannelLogout}
	for _, fault := range []string{"expired", "no-sub", "no-events", "nonce", "wrong-aud", "wrong-iss", "bad-signature", "no-jti", "no-signature"} {
		logout.Fault = fault
		if status, body := tell(t, council, "works", logout); status != http.StatusBadRequest || body["error"] == "" {
			t.Errorf("%s is answered %d %v", fault, status, body)
		}
	}
	logout.Fault = "unknown-sub"
	if status, _ := tell(t, council, "works", logout); status != http.StatusOK || !signedIn(bins, first) || !signedIn(bins, second) {
		t.Fatal("what means nobody here ended a session")
	}
	logout.Fault = ""
	if status, _ := tell(t, council, "works", logout); status != http.StatusOK || !signedIn(bins, first) || signedIn(bins, second) {
		t.Error("another than the last session ended, or none")
	}
	bins.SignIn(second, "works")
	logout.Fault = "replayed"
	if status, _ := tell(t, council, "works", logout); status != http.StatusOK || !signedIn(bins, second) {
		t.Error("a replay ended a session")
	}
	logout.Fault = "no-sid" // as GOV.UK One Login has it
	if status, _ := tell(t, council, "works", logout); status != http.StatusOK || signedIn(bins, first) || signedIn(bins, second) {
		t.Error("a session of the person goes on")
	}
	if told := len(apps.sids(t, bins)); told != 3 {
		t.Errorf("the app was told of %d sessions", told)
	}
}

// By front-channel logout the browser brings the question.
func TestFrontChannelLogoutOfProvider(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{Files: map[string]string{"connectors/works.yaml": parting}})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tax.SignIn(browser, "works")
	address, err := council.Providers["works"].LogoutAddress(browser.Persona)
	if err != nil {
		t.Fatal(err)
	}
	stranger := council.NewBrowser(t)
	if page := stranger.Get(strings.Replace(address, "sid=", "sid=x", 1)); page.Status != http.StatusOK || !signedIn(tax, browser) {
		t.Errorf("another sid ended the session: %s", page)
	}
	// In a frame of another site no cookie comes along.
	if page := stranger.Get(address); page.Status != http.StatusOK || signedIn(tax, browser) {
		t.Errorf("still signed in: %s", page)
	}
	if page := browser.Get(address); page.Status != http.StatusOK {
		t.Errorf("a second time: %s", page)
	}
}

// Whoever signs out here is signed out at the provider, too.
func TestSignOutAtProvider(t *testing.T) {
	t.Parallel()
	for _, send := range []string{"with_hint", "without_hint"} {
		t.Run(send, func(t *testing.T) {
			t.Parallel()
			council := town.Open(t, town.Options{Files: map[string]string{"connectors/works.yaml": strings.Replace(parting, "with_hint", send, 1)}})
			tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
			tax.SignIn(browser, "works")
			page := leave(browser)
			if page.Status != http.StatusOK || !strings.Contains(page.Body, "You are signed out") || strings.Contains(page.Body, "Staff account") {
				t.Errorf("the sign-out ends at %s\n%s", page, page.Body)
			}
			if council.Providers["works"].Calls("end_session") != 1 || signedIn(tax, browser) {
				t.Error("the provider was not asked, or the session goes on")
			}
		})
	}
}
