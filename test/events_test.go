package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/test/town"
)

// audience are apps that are told from server to server of sign-outs.
type audience struct {
	address string

	mu   sync.Mutex
	told map[string][]string // logout tokens, by app
}

func listenForLogouts(t *testing.T) *audience {
	a := &audience{told: map[string][]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		app := strings.Trim(r.URL.Path, "/")
		a.told[app] = append(a.told[app], r.PostFormValue("logout_token"))
	}))
	t.Cleanup(server.Close)
	a.address = server.URL
	return a
}

// apps are two of the audience, for the operator's folder.
func (a *audience) apps() map[string]string {
	files := map[string]string{}
	for _, app := range []string{"bins", "permits"} {
		files["apps/"+app+".yaml"] = `
label: App ` + app + `
oidc:
  redirect_uris: ["{{app}}/` + app + `/callback"]
  backchannel_logout_uri: ` + a.address + "/" + app + `
`
	}
	return files
}

// sids are the sessions that an app was told are over.
func (a *audience) sids(t *testing.T, app *town.Client) []string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	var sids []string
	for _, raw := range a.told[app.ClientID] {
		token, err := app.Provider.Verifier(&oidc.Config{ClientID: app.ClientID}).Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct{ SID string }
		if err := token.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		sids = append(sids, claims.SID)
	}
	return sids
}

// tell has a provider tell the broker of an event, and returns the answer.
func tell(t *testing.T, council *town.Town, connector string, e simulator.Event) (int, map[string]string) {
	t.Helper()
	if e.Persona == "" {
		e.Persona = "full-record"
	}
	answer, err := council.Providers[connector].Send(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body map[string]string
	_ = json.NewDecoder(answer.Body).Decode(&body) // most have none
	return answer.StatusCode, body
}

// signedIn reports whether an app gets an answer without anybody being asked.
func signedIn(app *town.Client, b *town.Browser) bool {
	return b.Get(app.Ask("prompt", "none").URL).Query("code") != ""
}

// Google says that somebody's sessions there are over: so is the council's, and
// both apps hear of it. Said again, by anybody else or to anybody else, it means
// nothing.
func TestGoogleEndsSessions(t *testing.T) {
	t.Parallel()
	apps := listenForLogouts(t)
	council := town.Open(t, town.Options{Files: apps.apps()})
	bins, permits := council.NewClient(t, "bins"), council.NewClient(t, "permits")
	browser, other := council.NewBrowser(t), council.NewBrowser(t)
	other.Persona = "welsh-speaker"
	bins.SignIn(other, "google")
	tokens := bins.SignIn(browser, "google")
	atPermits := permits.SignIn(browser, "google")

	for _, fault := range []string{"wrong-aud", "wrong-iss", "bad-signature", "unknown-key", "no-signature", "wrong-algorithm", "expired", "old", "future", "stringified", "no-jti", "wrong-typ"} {
		status, body := tell(t, council, "google", simulator.Event{Kind: "sessions-revoked", Fault: fault})
		if status != http.StatusBadRequest || body["err"] == "" || body["description"] == "" { // RFC 8935 §2.3
			t.Errorf("%s is answered %d %v", fault, status, body)
		}
	}
	for _, fault := range []string{"unknown-sub", "other-issuer", "email"} {
		if status, _ := tell(t, council, "google", simulator.Event{Kind: "sessions-revoked", Fault: fault}); status != http.StatusAccepted {
			t.Errorf("%s is answered %d", fault, status)
		}
	}
	if !signedIn(bins, browser) || len(apps.sids(t, bins)) > 0 {
		t.Fatal("what must be refused ended the session")
	}

	if status, _ := tell(t, council, "google", simulator.Event{Kind: "sessions-revoked"}); status != http.StatusAccepted {
		t.Fatalf("answered %d", status)
	}
	for app, tokens := range map[*town.Client]town.Tokens{bins: tokens, permits: atPermits} {
		if sids := apps.sids(t, app); len(sids) != 1 || sids[0] != tokens.Extra["sid"] {
			t.Errorf("%s was told of %v", app.ClientID, sids)
		}
	}
	if signedIn(bins, browser) || !signedIn(bins, other) {
		t.Error("still signed in, or somebody else is not")
	}
	if page := browser.Get(bins.Ask().URL); !strings.Contains(page.Body, "We signed you out because Google told us to") {
		t.Errorf("the resident is not told why: %s", page)
	}

	again := bins.SignIn(browser, "google")
	if status, _ := tell(t, council, "google", simulator.Event{Kind: "sessions-revoked", Fault: "replayed"}); status != http.StatusAccepted {
		t.Errorf("a replay is answered %d", status)
	}
	if !signedIn(bins, browser) || len(apps.sids(t, bins)) != 1 || again.ID.Subject != tokens.ID.Subject {
		t.Error("a replay ended the next session")
	}
}

// A hijacked account at Google does not lead in until Google says that it is safe
// again. The council account behind it is the same all the while.
func TestHijackedAccount(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax", "offline_access"), council.NewBrowser(t)
	tokens := tax.SignIn(browser, "google")
	tell(t, council, "google", simulator.Event{Kind: "account-disabled/hijacking"})
	if signedIn(tax, browser) {
		t.Error("still signed in")
	}
	form := map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}}
	if status, body := tax.Call("/token", form); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("a refresh is answered %d %v", status, body)
	}
	thief := council.NewBrowser(t)
	page := thief.Get(tax.Ask("connector_hint", "google").URL)
	for _, text := range []string{"You cannot sign in with Google for now", "somebody else may have used your account", `id="idp-facebook"`} {
		if !strings.Contains(page.Body, text) {
			t.Errorf("the page lacks %q: %s", text, page)
		}
	}
	tell(t, council, "google", simulator.Event{Kind: "account-enabled"})
	if again := tax.SignIn(browser, "google"); again.ID.Subject != tokens.ID.Subject {
		t.Error("the resident came back as somebody else")
	}
}

// Facebook is asked to have somebody's data deleted, and shows them where to read
// that it was.
func TestFacebookDeletion(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tokens := tax.SignIn(browser, "facebook")
	for _, fault := range []string{"bad-signature", "no-signature", "wrong-algorithm", "old"} {
		if status, _ := tell(t, council, "facebook", simulator.Event{Kind: "deletion", Fault: fault}); status != http.StatusBadRequest {
			t.Errorf("%s is answered %d", fault, status)
		}
	}
	if !signedIn(tax, browser) {
		t.Fatal("what must be refused ended the session")
	}
	status, answer := tell(t, council, "facebook", simulator.Event{Kind: "deletion"})
	if status != http.StatusOK || answer["confirmation_code"] == "" || answer["url"] != council.Issuer+"/deletion-status/"+answer["confirmation_code"] {
		t.Fatalf("answered %d %v", status, answer)
	}
	if signedIn(tax, browser) {
		t.Error("still signed in")
	}
	page := council.NewBrowser(t).Get(answer["url"])
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "Your data has been deleted") || !strings.Contains(page.Body, "everything that Facebook told us about you") {
		t.Errorf("the status is %s", page)
	}
	if _, again := tell(t, council, "facebook", simulator.Event{Kind: "deletion", Fault: "replayed"}); again["url"] != answer["url"] {
		t.Errorf("said again, the status is at %v", again)
	}
	if _, nobody := tell(t, council, "facebook", simulator.Event{Kind: "deletion", Persona: "welsh-speaker"}); !strings.Contains(browser.Get(nobody["url"]).Body, "there was nothing to delete") {
		t.Error("of somebody who never came the status says something else")
	}
	if again := tax.SignIn(browser, "facebook"); again.ID.Subject != tokens.ID.Subject {
		t.Error("the council account was deleted")
	}
	tell(t, council, "facebook", simulator.Event{Kind: "deauthorise"})
	if signedIn(tax, browser) {
		t.Error("still signed in after the app was removed at Facebook")
	}
}

// hearEvents has providers tell everything that they can, well and badly.
func hearEvents(t *testing.T, council *town.Town, tax *town.Client) {
	for connector, kinds := range map[string][]string{
		"google":   {"sessions-revoked", "account-purged", "verification", "account-disabled/hijacking"},
		"facebook": {"deauthorise", "deletion"},
	} {
		for _, kind := range kinds {
			browser := council.NewBrowser(t)
			browser.Persona = "welsh-speaker" // of whom the other tours do not know
			tax.SignIn(browser, connector)
			for _, fault := range append(simulator.EventFaults(), "") {
				if fault != "replayed" {
					tell(t, council, connector, simulator.Event{Kind: kind, Persona: browser.Persona, Fault: fault})
				}
			}
			browser.Get(tax.Ask("connector_hint", connector).URL)
		}
	}
}

// curveKeyFile is a private key for private_key, on a curve.
func curveKeyFile(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(t, key)
}

// rsaKeyFile is one of RSA.
func rsaKeyFile(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(t, key)
}

func keyFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Apple writes its events as a text, or as an object, and one of them in two ways.
func TestAppleEvents(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{Files: map[string]string{
		"apple.p8": curveKeyFile(t),
		"connectors/apple.yaml": `
preset: apple
client_id: uk.gov.example.login
oidc: {team: A1B2C3D4E5, key_id: F6G7H8J9K0, private_key: file:apple.p8}
insecure_base_url: {{apple}}
`,
	}})
	tax := council.NewClient(t, "tax")
	for _, e := range []simulator.Event{
		{Kind: "consent-revoked"},
		{Kind: "consent-revoked", Fault: "object"},
		{Kind: "account-delete"},
		{Kind: "account-deleted"},
	} {
		browser := council.NewBrowser(t)
		tax.SignIn(browser, "apple")
		for _, fault := range []string{"wrong-aud", "bad-signature", "no-events"} {
			if status, _ := tell(t, council, "apple", simulator.Event{Kind: e.Kind, Fault: fault}); status != http.StatusBadRequest {
				t.Errorf("%s with %s is answered %d", e.Kind, fault, status)
			}
		}
		if !signedIn(tax, browser) {
			t.Fatalf("%s: what must be refused ended the session", e.Kind)
		}
		if status, _ := tell(t, council, "apple", e); status != http.StatusOK || signedIn(tax, browser) {
			t.Errorf("%+v is answered %d, signed in %v", e, status, signedIn(tax, browser))
		}
	}
}
