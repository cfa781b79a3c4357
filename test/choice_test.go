package test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/test/town"
)

func cookie(t *testing.T, b *town.Browser, name string) string {
	t.Helper()
	for _, c := range b.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("the browser has no cookie %q", name)
	return ""
}

func named(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/"}
}

func TestChoosingAConnector(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	library := council.NewClient(t, "library", "profile")
	browser := council.NewBrowser(t)

	a := library.Ask()
	page := browser.Get(a.URL)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "Choose how to sign in") || !strings.Contains(page.Body, "Library") {
		t.Fatalf("not the choice page: %s", page)
	}
	if strings.Contains(page.Body, `id="idp-microsoft"`) {
		t.Error("the page offers a connector that the app does not allow")
	}
	library.Redeem(a, browser.Get(page.Link(t, "idp-works")))

	// A refresh of the page, or a second look at it, does no harm; the way
	// used last comes first the next time.
	browser.Get("/sign-out")
	browser.Post("/sign-out", map[string][]string{})
	page = browser.Get(library.Ask().URL)
	works, google := strings.Index(page.Body, `id="idp-works"`), strings.Index(page.Body, `id="idp-google"`)
	if works < 0 || google < 0 || works > google {
		t.Error("the connector used last is not the first")
	}
}

func TestGivingUpTellsTheApp(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	library := council.NewClient(t, "library")
	browser := council.NewBrowser(t)
	a := library.Ask()
	page := browser.Get(a.URL)
	back := browser.Get(page.Link(t, "cancel"))
	if !back.AtApp() || back.Query("error") != "access_denied" || back.Query("state") != a.State || back.Query("iss") != council.Issuer {
		t.Errorf("Cancel led to %s", back.URL)
	}
	if again := browser.Get(page.Link(t, "idp-google")); again.Status != http.StatusBadRequest {
		t.Errorf("a login that was given up went on: %s", again)
	}
}

func TestCancellingAtTheProviderLeavesAChoice(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	library := council.NewClient(t, "library", "profile")
	browser := council.NewBrowser(t)
	a := library.Ask("connector_hint", "google")
	browser.Fault = "cancel"
	page := browser.Get(a.URL)
	if page.Status != http.StatusOK || page.URL.Path != "/choose" || !strings.Contains(page.Body, "cancelled") {
		t.Fatalf("cancelling led to %s", page)
	}
	browser.Fault = ""
	tokens := library.Redeem(a, browser.Get(page.Link(t, "idp-facebook")))
	if library.Userinfo(tokens)["name"] != "Alice Jane Morgan" {
		t.Error("the second try did not sign in")
	}
}

func TestTabsDoNotCollide(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, library := council.NewClient(t, "tax"), council.NewClient(t, "library")
	browser := council.NewBrowser(t)
	inTax, inLibrary := tax.Ask("connector_hint", "google"), library.Ask("connector_hint", "facebook")
	// Both tabs stand at their providers; then each comes back.
	first := browser.Step("GET", inTax.URL, nil).Header.Get("Location")
	second := browser.Step("GET", inLibrary.URL, nil).Header.Get("Location")
	library.Redeem(inLibrary, browser.Get(second))
	tax.Redeem(inTax, browser.Get(first))
}

// callback walks a login up to the provider's answer and returns its address.
func callback(t *testing.T, b *town.Browser, ask town.Ask) string {
	t.Helper()
	atProvider := b.Step("GET", ask.URL, nil).Header.Get("Location")
	answer := b.Step("GET", atProvider, nil).Header.Get("Location")
	if !strings.Contains(answer, "/callback/") {
		t.Fatalf("the provider sent the browser to %q", answer)
	}
	return answer
}

func TestTheBackButtonLeadsOn(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	browser := council.NewBrowser(t)
	a := tax.Ask("connector_hint", "google")
	answer := callback(t, browser, a)
	tax.Redeem(a, browser.Get(answer))

	page := browser.Get(answer)
	if page.Status != http.StatusBadRequest || !strings.Contains(page.Body, "already signed in") {
		t.Errorf("the back button led to %s", page)
	}
	if !strings.Contains(page.Body, "Return to Council tax") || !strings.Contains(page.Body, `href="`+town.App) {
		t.Error("the page shows no way on")
	}
}

func TestAnswersAreAcceptedOnlyWhereTheQuestionWasAsked(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	a := tax.Ask("connector_hint", "google")

	t.Run("another browser", func(t *testing.T) {
		attacker, victim := council.NewBrowser(t), council.NewBrowser(t)
		victim.Get(tax.Ask().URL) // it has a cookie of its own
		page := victim.Get(callback(t, attacker, a))
		if page.AtApp() || page.Status != http.StatusBadRequest {
			t.Errorf("login CSRF: %s", page)
		}
	})
	t.Run("a browser without cookies", func(t *testing.T) {
		page := council.NewBrowser(t).Get(callback(t, council.NewBrowser(t), a))
		if page.AtApp() || page.Status != http.StatusBadRequest {
			t.Errorf("login CSRF: %s", page)
		}
	})
	t.Run("another connector", func(t *testing.T) {
		browser := council.NewBrowser(t)
		answer := callback(t, browser, a)
		page := browser.Get(strings.Replace(answer, "/callback/google", "/callback/works", 1))
		if page.AtApp() || page.Status != http.StatusBadRequest {
			t.Errorf("mix-up: %s", page)
		}
	})
	t.Run("a made-up state", func(t *testing.T) {
		browser := council.NewBrowser(t)
		answer := callback(t, browser, a)
		page := browser.Get(answer + "x") // the state, or what comes last, is not ours
		forged := browser.Get("/callback/google?code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAA")
		if forged.AtApp() || forged.Status != http.StatusBadRequest {
			t.Errorf("forged state: %s, %s", forged, page)
		}
	})
	t.Run("no state", func(t *testing.T) {
		page := council.NewBrowser(t).Get("/callback/google?code=c")
		if page.Status != http.StatusBadRequest {
			t.Errorf("no state: %s", page)
		}
	})
	t.Run("the choice of another browser", func(t *testing.T) {
		choice := council.NewBrowser(t).Step("GET", tax.Ask().URL, nil).Header.Get("Location")
		page := council.NewBrowser(t).Get(strings.Replace(choice, "/choose", "/start/google", 1))
		if page.AtApp() || page.Status != http.StatusBadRequest {
			t.Errorf("another browser's login went on: %s", page)
		}
	})
}

func TestOfTenAnswersToOneAttemptOneWins(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	browser := council.NewBrowser(t)
	answer := callback(t, browser, tax.Ask("connector_hint", "google"))
	var mu sync.Mutex
	var wins int
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			to := browser.Step("GET", answer, nil).Header.Get("Location")
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(to, town.App) && strings.Contains(to, "code=") {
				wins++
			}
		})
	}
	all.Wait()
	if wins != 1 {
		t.Errorf("%d of ten answers won, want one", wins)
	}
}
