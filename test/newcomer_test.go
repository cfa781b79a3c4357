package test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/test/town"
)

// known signs Alice Morgan in once, by her work account.
func known(t *testing.T, council *town.Town, tax *town.Client) town.Tokens {
	t.Helper()
	return tax.SignIn(council.NewBrowser(t), "works")
}

// asked brings somebody before the question whether they have signed in before.
func asked(t *testing.T, tax *town.Client, b *town.Browser, connector string) (town.Ask, town.Page) {
	t.Helper()
	b.Doubts = true
	a := tax.Ask("connector_hint", connector)
	p := b.Get(a.URL)
	if p.URL.Path != "/before" {
		t.Fatalf("nobody was asked: %s", p)
	}
	return a, p
}

// A resident who comes by another way than before signs in as before, and is the
// same person to the app. Two presses of the button, at two nodes, join once.
func TestNewcomerIsKnownBefore(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax", "profile")
	before := known(t, council, tax)
	alice := council.NewBrowser(t)
	a, p := asked(t, tax, alice, "github")
	p = alice.Get(p.Link(t, "idp-works"))
	if p.URL.Path != "/who" {
		t.Fatalf("nobody was asked whether both are hers: %s", p)
	}
	form := url.Values{"request": {p.Query("request")}, "answer": {"join"}}
	var both sync.WaitGroup
	var pages [2]town.Page
	for i := range pages {
		both.Go(func() { pages[i] = alice.Step(http.MethodPost, "/who", form) })
	}
	both.Wait()
	won := 0
	if !strings.HasPrefix(pages[0].Header.Get("Location"), town.App) {
		won = 1
	}
	back, err := url.Parse(pages[won].Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if tokens := tax.Redeem(a, town.Page{URL: back}); tokens.ID.Subject != before.ID.Subject {
		t.Error("the app knows another person")
	}
	if pages[1-won].Status != http.StatusBadRequest {
		t.Errorf("the other press led to %s", pages[1-won])
	}
	for _, connector := range []string{"github", "works"} {
		if tokens := tax.SignIn(council.NewBrowser(t), connector); tokens.ID.Subject != before.ID.Subject {
			t.Errorf("%s leads to another person", connector)
		}
	}
}

// Sam has the address that is Alice's, too. He is asked what anybody would be, and
// has nothing of hers.
func TestNewcomerWithTheSameAddress(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax", "profile", "email")
	alice := known(t, council, tax)
	sam := council.NewBrowser(t)
	sam.Persona = "shared-email"
	a, p := asked(t, tax, sam, "github")
	if strings.Contains(p.Body, "Morgan") || strings.Contains(p.Body, "example.org") {
		t.Errorf("he is told of somebody: %s", p.Body)
	}
	if page := sam.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
		t.Errorf("he is signed in: %s", page)
	}
	form := url.Values{"request": {p.Query("request")}, "answer": {"never"}}
	tokens := tax.Redeem(a, sam.Post("/before", form))
	if tokens.ID.Subject == alice.ID.Subject || tax.Userinfo(tokens)["name"] != "Sam Morgan" {
		t.Error("he is somebody else to the app")
	}
	if page := sam.Post("/before", form); page.Status != http.StatusBadRequest {
		t.Errorf("a second answer led to %s", page)
	}
	again := council.NewBrowser(t)
	again.Persona, again.Doubts = "shared-email", true
	if back := tax.SignIn(again, "github"); back.ID.Subject != tokens.ID.Subject {
		t.Error("he came back as somebody else")
	}
	if back := known(t, council, tax); back.ID.Subject != alice.ID.Subject {
		t.Error("she came back as somebody else")
	}
}

// Two residents, one after the other, at a library's computer.
func TestLibraryComputer(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax, library := council.NewClient(t, "tax", "profile"), council.NewClient(t, "library", "profile")
	desk := council.NewBrowser(t)
	a := tax.Ask()
	p := desk.Get(a.URL)
	p = desk.Post("/shared", url.Values{"request": {p.Query("request")}, "shared": {"yes"}})
	if !strings.Contains(p.Body, `aria-checked="true"`) {
		t.Fatalf("not ticked: %s", p)
	}
	alice := tax.Redeem(a, desk.Get(p.Link(t, "idp-works")))
	for i := range council.Nodes {
		council.Pin(i)
		for _, app := range []*town.Client{tax, library} {
			if page := desk.Get(app.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
				t.Errorf("node %d lets her in unasked: %s", i, page)
			}
		}
	}
	council.Pin(-1)

	// She goes without signing out, and Sam sits down.
	desk.Persona = "shared-email"
	b := library.Ask()
	p = desk.Get(b.URL)
	if p.URL.Path != "/choose" || strings.Contains(p.Body, "The way you used last time") || !strings.Contains(p.Body, `aria-checked="true"`) {
		t.Errorf("he is shown %s", p)
	}
	sam := library.Redeem(b, desk.Get(p.Link(t, "idp-works")))
	if library.Userinfo(sam)["name"] != "Sam Morgan" {
		t.Error("he is somebody else")
	}
	for i := range council.Nodes {
		council.Pin(i)
		if status := worth(tax, alice); status != http.StatusUnauthorized {
			t.Errorf("node %d answers %d to her access token", i, status)
		}
	}
	council.Pin(-1)
	desk.Post("/sign-out", url.Values{})
	if page := desk.Get(library.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
		t.Errorf("he is signed in still: %s", page)
	}
	for _, c := range desk.Cookies() {
		if strings.Contains(c.Value, "works") || strings.Contains(c.Value, "tax") || strings.Contains(c.Value, "library") {
			t.Errorf("the browser keeps %s=%s", c.Name, c.Value)
		}
	}
}
