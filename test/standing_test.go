package test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// A session is worth no more than the account, and the link, that it came from.
func TestASessionEndsWithItsStanding(t *testing.T) {
	t.Parallel()
	for _, change := range []string{
		`UPDATE accounts SET status = 'frozen'`,
		`UPDATE accounts SET status = 'erased'`,
		`UPDATE links SET frozen_at = 1`,
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			dsn := servers.Postgres(t)
			council := town.Open(t, town.Options{Postgres: dsn})
			tax := council.NewClient(t, "tax", "offline_access")
			browser := council.NewBrowser(t)
			before := tax.SignIn(browser, "works")
			execute(t, dsn, change)

			if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
				t.Errorf("single sign-on led to %s", page.URL)
			}
			status, answer := tax.Call("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {before.RefreshToken}})
			if status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
				t.Errorf("refresh: %d %v", status, answer)
			}
			if page := browser.Get(tax.Ask("connector_hint", "works").URL); page.AtApp() {
				t.Errorf("a new sign-in led to the app: %s", page)
			}
		})
	}
}

func execute(t *testing.T, dsn, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// Signing out holds, whatever else the browser, or a thief of its cookie, asks
// at the same moment.
func TestSigningOutHoldsAgainstSingleSignOn(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	for range 20 {
		browser, thief := council.NewBrowser(t), council.NewBrowser(t)
		tax.SignIn(browser, "works")
		thief.SetCookies(named("session", cookie(t, browser, "session")))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { thief.Step("GET", tax.Ask("prompt", "none").URL, nil) })
		}
		all.Go(func() { browser.Post("/sign-out", url.Values{}) })
		all.Wait()
		if page := thief.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
			t.Fatal("the session came back to life")
		}
	}
}

// What somebody copied from a shared computer is of no use there once its
// resident has signed out.
func TestSigningOutMakesTheBrowserAnother(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	shared, thief := council.NewBrowser(t), council.NewBrowser(t)
	tax.SignIn(shared, "works")
	thief.SetCookies(named("browser", cookie(t, shared, "browser")))
	shared.Post("/sign-out", url.Values{})

	// The thief starts a login and has the shared computer finish it.
	page := shared.Get(callback(t, thief, tax.Ask("connector_hint", "works")))
	if page.AtApp() || page.Status != http.StatusBadRequest {
		t.Errorf("the shared computer was signed in as the thief: %s", page)
	}
}

func TestRefusedStepsLeaveNothing(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{Files: map[string]string{
		"broker.yaml": "issuer: {{issuer}}\nlook: {council: Strathmore Council}\nlimits: {address: 5}\n",
	}})
	tax := council.NewClient(t, "tax")
	refused := 0
	for range 20 {
		browser := council.NewBrowser(t)
		page := browser.Step("GET", tax.Ask("connector_hint", "works").URL, nil)
		if page.Status != http.StatusTooManyRequests {
			continue
		}
		refused++
		if page.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	if refused < 10 {
		t.Errorf("%d of twenty steps were refused, want at least ten", refused)
	}
}

// Another app may have taken a native app's client_id and address, so that
// nothing is answered without the resident's doing (RFC 8252 §8.6).
func TestNativeAppsGetNoSilentSignOn(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{Files: map[string]string{"apps/phone.yaml": `
label: Phone
oidc: {redirect_uris: ["uk.gov.strathmore.phone:/callback", "http://127.0.0.1/callback"]}
sector: phone
`}})
	tax, phone := council.NewClient(t, "tax"), council.NewClient(t, "phone")
	browser := council.NewBrowser(t)
	tax.SignIn(browser, "works")
	for _, address := range []string{"uk.gov.strathmore.phone:/callback", "http://127.0.0.1:6666/callback"} {
		phone.RedirectURL = address
		if to := browser.Step("GET", phone.Ask().URL, nil).Header.Get("Location"); !strings.HasPrefix(to, "/choose?") {
			t.Errorf("%s was answered at once: %s", address, to)
		}
		if to := browser.Step("GET", phone.Ask("prompt", "none").URL, nil).Header.Get("Location"); !strings.Contains(to, "error=login_required") {
			t.Errorf("%s was answered in silence: %s", address, to)
		}
	}
}

// A claim that an app may see no more is gone at once, for those as well whose
// tokens are older.
func TestANarrowedReleaseReachesEverybody(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "profile", "email", "offline_access")
	before := tax.SignIn(council.NewBrowser(t), "works")
	council.Write(t, "apps/tax.yaml", `
label: Council tax
oidc: {client_secret: file:secret, redirect_uris: ["{{app}}/tax/callback"], refresh: true}
sector: tax
release: [sub, name]
`)
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	status, answer := tax.Call("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {before.RefreshToken}})
	if status != http.StatusOK {
		t.Fatalf("refresh: %d %v", status, answer)
	}
	renewed := before
	renewed.Token.AccessToken = fmt.Sprint(answer["access_token"])
	for name := range tax.Userinfo(renewed) {
		if name != "sub" && name != "name" {
			t.Errorf("the app still sees %s", name)
		}
	}
}
