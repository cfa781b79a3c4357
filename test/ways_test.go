package test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/test/town"
)

// adding signs a persona in by their work account and brings them before the
// question whether what they are at GitHub is theirs, too.
func adding(t *testing.T, council *town.Town, tax *town.Client, persona, there string) (*town.Browser, town.Tokens, url.Values) {
	t.Helper()
	b := council.NewBrowser(t)
	b.Persona = persona
	tokens := tax.SignIn(b, "works")
	b.Persona = there
	p := b.Post("/my/sign-ins", url.Values{"connector": {"github"}})
	if p.URL.Path != "/who" {
		t.Fatalf("nobody was asked: %s", p)
	}
	return b, tokens, url.Values{"request": {p.Query("request")}, "answer": {"join"}}
}

// Two residents add one way in at once, at two nodes. It becomes one's; the other,
// who has shown that it is theirs, may have both accounts put together.
func TestTwoAddOneWayIn(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax", "profile")
	personas := [2]string{"load-1", "load-2"}
	var browsers [2]*town.Browser
	var tokens [2]town.Tokens
	var forms [2]url.Values
	for i, persona := range personas {
		browsers[i], tokens[i], forms[i] = adding(t, council, tax, persona, "load-3")
	}
	var both sync.WaitGroup
	var pages [2]town.Page
	for i, b := range browsers {
		both.Go(func() { pages[i] = b.Step(http.MethodPost, "/who", forms[i]) })
	}
	both.Wait()
	winner := 0
	if pages[0].Header.Get("Location") != "/my/sign-ins" {
		winner = 1
	}
	loser := 1 - winner
	if to := pages[winner].Header.Get("Location"); to != "/my/sign-ins" {
		t.Fatalf("nobody has it: the last was led to %q: %s", to, pages[winner])
	}
	other := council.NewBrowser(t)
	other.Persona = "load-3"
	if got := tax.SignIn(other, "github"); got.ID.Subject != tokens[winner].ID.Subject {
		t.Error("it leads to somebody else")
	}
	p := browsers[loser].Get(pages[loser].Header.Get("Location"))
	if p.URL.Path != "/who" || !strings.Contains(p.Body, "leads to another council account") {
		t.Fatalf("the other is shown %s", p)
	}

	// Both accounts are theirs: the app goes on knowing them as before.
	p = browsers[loser].Post("/who", url.Values{"request": {p.Query("request")}, "answer": {"join"}})
	if p.URL.Path != "/my/sign-ins" {
		t.Fatalf("led to %s", p)
	}
	for _, persona := range personas {
		b := council.NewBrowser(t)
		b.Persona = persona
		if got := tax.SignIn(b, "works"); got.ID.Subject != tokens[loser].ID.Subject {
			t.Errorf("%s is somebody else to the app", persona)
		}
	}
}

// Somebody who can make a resident follow a link starts to add a way in, and has the
// resident finish it; or has the resident come with an answer of their own.
func TestNobodyAddsThroughAnother(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax", "profile")
	alice, mallory := council.NewBrowser(t), council.NewBrowser(t)
	alice.Persona, mallory.Persona = "load-4", "load-5"
	hers, theirs := tax.SignIn(alice, "works"), tax.SignIn(mallory, "works")

	lure := answer(t, alice, mallory.Step(http.MethodPost, "/my/sign-ins", url.Values{"connector": {"github"}}))
	if p := alice.Get(lure); p.Status != http.StatusBadRequest {
		t.Errorf("alice finished what mallory began: %s", p)
	}
	own := answer(t, mallory, mallory.Step(http.MethodPost, "/my/sign-ins", url.Values{"connector": {"github"}}))
	alice.Step(http.MethodPost, "/my/sign-ins", url.Values{"connector": {"github"}})
	if p := alice.Get(own); p.Status != http.StatusBadRequest {
		t.Errorf("alice came with mallory's answer: %s", p)
	}
	for persona, subject := range map[string]string{"load-4": hers.ID.Subject, "load-5": theirs.ID.Subject} {
		b := council.NewBrowser(t)
		b.Persona = persona
		if got := tax.SignIn(b, "github"); got.ID.Subject == subject {
			t.Errorf("%s was added", persona)
		}
	}
}

// answer is where somebody's browser is led with the provider's answer to what
// was begun with p.
func answer(t *testing.T, b *town.Browser, p town.Page) string {
	t.Helper()
	for range 10 {
		to, err := p.URL.Parse(p.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if to.Path == "/callback/github" {
			return to.String()
		}
		p = b.Step(http.MethodGet, to.String(), nil)
	}
	t.Fatalf("the provider does not answer: %s", p)
	return ""
}
