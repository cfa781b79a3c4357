// Package test holds the tests that see the whole broker from outside: apps'
// libraries, browsers, real servers, faults.
package test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/test/town"
)

var allConnectors = []string{"google", "facebook", "microsoft", "github", "works", "adfs"}

func TestEveryConnectorLeadsToTheApp(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "profile", "email")
	for _, connector := range allConnectors {
		t.Run(connector, func(t *testing.T) {
			first := tax.SignIn(council.NewBrowser(t), connector)
			again := tax.SignIn(council.NewBrowser(t), connector)
			if first.ID.Subject != again.ID.Subject {
				t.Error("the same person came back with another subject")
			}
			claims := tax.Userinfo(first)
			if claims["sub"] != first.ID.Subject {
				t.Error("the ID token and userinfo name two persons")
			}
			if claims["name"] != "Alice Jane Morgan" {
				t.Errorf("name = %v, want Alice Jane Morgan", claims["name"])
			}
			for name := range claims {
				if !slices.Contains([]string{"sub", "name", "given_name", "family_name", "email", "email_verified", "birthdate"}, name) {
					t.Errorf("the app was told %s, for which it did not ask", name)
				}
			}
			for _, name := range []string{"name", "email"} {
				if _, told := first.Extra[name]; told {
					t.Errorf("%s is in the ID token: it belongs to userinfo", name)
				}
			}
		})
	}
}

func TestSubjectsArePairwiseBySector(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, library, rota := council.NewClient(t, "tax"), council.NewClient(t, "library"), council.NewClient(t, "rota")
	browser := council.NewBrowser(t)
	atTax, atLibrary, atRota := tax.SignIn(browser, "works"), library.SignIn(browser, "works"), rota.SignIn(browser, "works")
	if atTax.ID.Subject == atLibrary.ID.Subject {
		t.Error("two sectors see one subject")
	}
	if atTax.ID.Subject != atRota.ID.Subject {
		t.Error("one sector sees two subjects")
	}
}

func TestNobodyIsJoinedByEmail(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "email")
	google, works := tax.SignIn(council.NewBrowser(t), "google"), tax.SignIn(council.NewBrowser(t), "works")
	if tax.Userinfo(google)["email"] != tax.Userinfo(works)["email"] {
		t.Fatal("the persona has two addresses: this test proves nothing")
	}
	if google.ID.Subject == works.ID.Subject {
		t.Error("one e-mail address at two providers led to one account")
	}
}

func TestAppsSeeNoMoreThanTheirRegistration(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	library := council.NewClient(t, "library", "profile", "email", "address", "phone", "everything")
	claims := library.Userinfo(library.SignIn(council.NewBrowser(t), "works"))
	want := map[string]any{"sub": claims["sub"], "name": "Alice Jane Morgan"}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// nOAuth: whoever administers any Microsoft tenant can write any address into
// an account there. It must never count as verified.
func TestMicrosoftEmailIsNotVerified(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "email")
	browser := council.NewBrowser(t)
	browser.Persona = "unverified-email"
	if claims := tax.Userinfo(tax.SignIn(browser, "microsoft")); claims["email_verified"] == true {
		t.Error("an address that nobody checked is released as verified")
	}
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, library := council.NewClient(t, "tax", "profile"), council.NewClient(t, "library", "profile")
	browser := council.NewBrowser(t)
	first := tax.SignIn(browser, "google")
	calls := council.Providers["google"].Calls("authorization")
	a := library.Ask()
	second := library.Redeem(a, browser.Get(a.URL))
	if council.Providers["google"].Calls("authorization") != calls {
		t.Error("single sign-on went to the provider")
	}
	if first.Extra["auth_time"] != second.Extra["auth_time"] {
		t.Error("single sign-on made another session")
	}
	if first.Extra["sid"] == second.Extra["sid"] {
		t.Error("two apps can tell by the sid that one resident uses both")
	}
	if claims := library.Userinfo(second); claims["name"] != "Alice Jane Morgan" {
		t.Errorf("single sign-on lost the name: %v", claims)
	}
}

// An app that does not allow the session's connector must not profit from it.
func TestSingleSignOnKeepsToTheAppsConnectors(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, rota := council.NewClient(t, "tax"), council.NewClient(t, "rota")
	browser := council.NewBrowser(t)
	tax.SignIn(browser, "google")
	a := rota.Ask()
	page := browser.Step("GET", a.URL, nil)
	if to := page.Header.Get("Location"); !strings.Contains(to, "/authorize") || strings.HasPrefix(to, town.App) {
		t.Errorf("the staff app was answered from a Google session: %s", to)
	}
}

func TestSessionCannotBeFixed(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	browser := council.NewBrowser(t)
	tax.SignIn(browser, "works")
	before := cookie(t, browser, "session")
	a := tax.Ask("prompt", "login", "connector_hint", "works")
	tax.Redeem(a, browser.Get(a.URL))
	if cookie(t, browser, "session") == before {
		t.Error("a new sign-in kept the old session's cookie")
	}
	thief := council.NewBrowser(t)
	thief.SetCookies(named("session", before))
	a = tax.Ask("prompt", "none")
	if page := thief.Get(a.URL); page.Query("error") != "login_required" {
		t.Errorf("the old cookie still signs in: %s", page)
	}
}

func TestPassiveRequestsShowNoPage(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	browser := council.NewBrowser(t)
	for _, pairs := range [][]string{{"prompt", "none"}, {"prompt", "none", "connector_hint", "google"}} {
		a := tax.Ask(pairs...)
		page := browser.Step("GET", a.URL, nil)
		if to := page.Header.Get("Location"); !strings.HasPrefix(to, town.App) || !strings.Contains(to, "error=login_required") {
			t.Errorf("%v was answered with %s to %q", pairs, page, to)
		}
	}
	first := tax.SignIn(browser, "google")
	a := tax.Ask("prompt", "none")
	second := tax.Redeem(a, browser.Get(a.URL))
	if first.ID.Subject != second.ID.Subject || first.Extra["auth_time"] != second.Extra["auth_time"] {
		t.Error("prompt=none answered with another sign-in")
	}
}

func TestForcedSignInReachesTheProvider(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	browser := council.NewBrowser(t)
	tax.SignIn(browser, "works")
	for _, pairs := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		a := tax.Ask(append(pairs, "connector_hint", "works")...)
		page := browser.Step("GET", a.URL, nil)
		to := page.Header.Get("Location")
		if !strings.Contains(to, "prompt=login") || !strings.Contains(to, "max_age=0") {
			t.Errorf("%v was passed on as %q", pairs, to)
		}
		if tokens := tax.Redeem(a, browser.Get(to)); tokens.Extra["auth_time"] == nil {
			t.Errorf("%v: the ID token says no auth_time", pairs)
		}
	}
}

// Google cannot be told to ask again, and what speaks OAuth 2.0 cannot prove
// that it did, so they are not offered where an app insists: nothing is claimed
// that did not happen.
func TestForcedSignInOffersOnlyWhoCan(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	page := council.NewBrowser(t).Get(tax.Ask("prompt", "login").URL)
	for connector, can := range map[string]bool{"works": true, "microsoft": true, "facebook": false, "google": false, "github": false} {
		if strings.Contains(page.Body, `id="idp-`+connector+`"`) != can {
			t.Errorf("%s: offered for a forced sign-in is not %v", connector, can)
		}
	}
}

func TestHintsSkipTheChoice(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	for _, tt := range []struct{ name, value, want string }{
		{"connector_hint", "facebook", "facebook"},
		{"idp_hint", "facebook", "facebook"},
		{"kc_idp_hint", "facebook", "facebook"},
		{"login_hint", "officer@strathmore.example", "works"},
		{"connector_hint", "nobody", ""},
		{"login_hint", "ann@example.org", ""},
	} {
		page := council.NewBrowser(t).Step("GET", tax.Ask(tt.name, tt.value).URL, nil)
		to := page.Header.Get("Location")
		if tt.want == "" && !strings.HasPrefix(to, "/choose?") {
			t.Errorf("%s=%s led to %s, want the choice", tt.name, tt.value, to)
		}
		if tt.want != "" && !strings.Contains(to, "redirect_uri=") {
			t.Errorf("%s=%s led to %s, want %s", tt.name, tt.value, to, tt.want)
		}
	}
}
