package test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// twoNodes is a town whose requests land on two nodes in turn.
func twoNodes(t *testing.T) (council *town.Town, database string) {
	t.Helper()
	database = servers.Postgres(t)
	return town.Open(t, town.Options{Nodes: 2, Redis: servers.Redis(t), Postgres: database}), database
}

func TestEveryStepLandsOnAnotherNode(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax, library := council.NewClient(t, "tax", "profile", "offline_access"), council.NewClient(t, "library", "profile")
	var subjects []string
	for range 2 {
		browser := council.NewBrowser(t)
		tokens := tax.SignIn(browser, "works")
		subjects = append(subjects, tokens.ID.Subject)
		if name := tax.Userinfo(tokens)["name"]; name != "Alice Jane Morgan" {
			t.Errorf("name = %v", name)
		}
		a := library.Ask("prompt", "none")
		library.Redeem(a, browser.Get(a.URL))
		for range 2 {
			tokens = tax.Refresh(tokens)
		}
		signOut(t, council, tax, browser, tokens)
		browser.Get("/") // so that the second round begins on the other node
	}
	if subjects[0] != subjects[1] {
		t.Error("the same person came back with another subject")
	}
}

// signOut signs out at one node and looks at both.
func signOut(t *testing.T, council *town.Town, tax *town.Client, browser *town.Browser, tokens town.Tokens) {
	t.Helper()
	a := tax.Ask("prompt", "none")
	online := tax.Redeem(a, browser.Get(a.URL))
	page := browser.Get("/end_session?" + url.Values{
		"id_token_hint": {tokens.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"},
	}.Encode())
	if !page.AtApp() {
		t.Errorf("signing out led to %s", page)
	}
	for i := range council.Nodes {
		council.Pin(i)
		if status := worth(tax, online); status != http.StatusUnauthorized {
			t.Errorf("node %d answers %d to the access token of a session that is over", i, status)
		}
		if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
			t.Errorf("node %d knows a session that is over: %s", i, page)
		}
	}
	council.Pin(-1)
}

// atOnce runs f ten times at once, so that both nodes are called.
func atOnce[T any](f func(i int) T) []T {
	results := make([]T, 10)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = f(i) })
	}
	all.Wait()
	return results
}

// RFC 6749 §4.1.2: a code that comes twice takes back what it gave.
func TestOfTenRedemptionsOneWins(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax")
	won := redeemTenTimes(t, council, tax)
	if len(won) != 1 {
		t.Fatalf("%d of ten redemptions won, want one", len(won))
	}
	if status, _ := tax.Call("/userinfo", url.Values{"access_token": {won[0]["access_token"].(string)}}); status != http.StatusUnauthorized {
		t.Errorf("the access token of a code in ten hands is answered %d", status)
	}
}

// With refresh tokens, which are in another store, a loser may be faster than
// the winner; then there is nothing to win.
func TestOfTenRedemptionsNoneCanRefresh(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax", "offline_access")
	won := redeemTenTimes(t, council, tax)
	if len(won) > 1 {
		t.Fatalf("%d of ten redemptions won", len(won))
	}
	for _, tokens := range won {
		refusedGrant(t, tax, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
	}
}

// redeemTenTimes returns what the winners of ten redemptions of one code got.
func redeemTenTimes(t *testing.T, council *town.Town, tax *town.Client) (won []map[string]any) {
	t.Helper()
	a := tax.Ask("connector_hint", "google")
	code := council.NewBrowser(t).Get(a.URL).Query("code")
	type answer struct {
		status int
		body   map[string]any
	}
	for _, got := range atOnce(func(int) (got answer) {
		got.status, got.body = tax.Call("/token", redemption(tax, a, code))
		return got
	}) {
		switch {
		case got.status == http.StatusOK:
			won = append(won, got.body)
		case got.status != http.StatusBadRequest || got.body["error"] != "invalid_grant":
			t.Errorf("a loser was answered %d %v", got.status, got.body["error"])
		}
	}
	return won
}

func TestOfTenAnswersOnTwoNodesOneWins(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	browser := council.NewBrowser(t)
	answer := callback(t, browser, council.NewClient(t, "tax").Ask("connector_hint", "google"))
	places := atOnce(func(int) string { return browser.Step("GET", answer, nil).Header.Get("Location") })
	places = slices.DeleteFunc(places, func(to string) bool { return !strings.Contains(to, "code=") })
	if len(places) != 1 {
		t.Errorf("%d of ten answers won, want one", len(places))
	}
}

// Whoever opens two ways from one choice gets in by one.
func TestOfTwoAttemptsOfOneRequestOneWins(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	a := tax.Ask()
	choice := browser.Get(a.URL)
	var answers []string
	for _, id := range []string{"idp-google", "idp-works"} {
		atProvider := browser.Step("GET", choice.Link(t, id), nil).Header.Get("Location")
		answers = append(answers, browser.Step("GET", atProvider, nil).Header.Get("Location"))
	}
	tax.Redeem(a, browser.Get(answers[0]))
	if page := browser.Get(answers[1]); page.Status != http.StatusBadRequest {
		t.Errorf("the other answer led to %s", page)
	}
}

// An answer that did not succeed gives the request back, and is used up all
// the same.
func TestAnAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	browser.Fault = "cancel"
	a := tax.Ask("connector_hint", "google")
	answer := callback(t, browser, a)
	choice := browser.Get(answer)
	if again := browser.Get(answer); choice.URL.Path != "/choose" || again.Status != http.StatusBadRequest {
		t.Errorf("cancelling led to %s, and the same answer again to %s", choice, again)
	}
	browser.Fault = ""
	tax.Redeem(a, browser.Get(choice.Link(t, "idp-works")))
}

func TestTenFirstSignInsMakeOneAccount(t *testing.T) {
	t.Parallel()
	council, database := twoNodes(t)
	tax := council.NewClient(t, "tax")
	residents := newComers(t, council, slices.Repeat([]string{"full-record"}, 10)...)
	pages := atOnce(func(i int) town.Page { return residents[i].browser.Get(residents[i].answer) })
	subjects := map[string]bool{}
	for i, r := range residents {
		subjects[tax.Redeem(r.ask, pages[i]).ID.Subject] = true
	}
	if len(subjects) != 1 {
		t.Errorf("one person has %d subjects", len(subjects))
	}
	holds(t, db.Options{Postgres: database}, 1)
}

// A new signing key is made while node 0 runs on and node 1 is started anew,
// as in any rolling restart: what either signs can be verified with the keys
// of the other.
func TestNewKeysReachTheOtherNode(t *testing.T) {
	t.Parallel()
	council, database := twoNodes(t)
	before := publishedBy(t, council, 0)
	if after := publishedBy(t, council, 1); !slices.Equal(after, before) {
		t.Fatalf("node 0 publishes %v, node 1 %v", before, after)
	}
	rotate(t, database)
	council.Restart(t, 1)
	if after := publishedBy(t, council, 1); len(after) != len(before)+1 || !contains(after, before) {
		t.Errorf("node 1 publishes %v, want %v and a new one", after, before)
	}
	for i := range council.Nodes {
		council.Pin(i)
		client := council.NewClient(t, "library") // knows this node's keys alone
		a := client.Ask("connector_hint", "google")
		page := council.NewBrowser(t).Get(a.URL)
		council.Pin(1 - i)
		token, err := client.Exchange(t.Context(), page.Query("code"), oauth2.VerifierOption(a.Verifier))
		if err != nil {
			t.Fatal(err)
		}
		council.Pin(i)
		client.Check(token)
	}
}

// rotate makes a new key, as a third node might.
func rotate(t *testing.T, database string) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	master, err := hex.DecodeString(town.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Open(t.Context(), d, keys.Options{Master: master})
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(t.Context(), "RS256"); err != nil {
		t.Fatal(err)
	}
}

// publishedBy are the ids of the keys that a node publishes.
func publishedBy(t *testing.T, council *town.Town, node int) []string {
	t.Helper()
	council.Pin(node)
	defer council.Pin(-1)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(council.NewBrowser(t).Get("/jwks").Body), &set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.KeyID)
	}
	slices.Sort(ids)
	return ids
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// One node is given new configuration again and again while residents sign in.
func TestReloadDisturbsNobody(t *testing.T) {
	t.Parallel()
	council, _ := twoNodes(t)
	tax := council.NewClient(t, "tax")
	file := filepath.Join(council.Dir, "connectors", "works.yaml")
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	renamed := bytes.Replace(old, []byte("Staff account"), []byte("Renamed"), 1)
	done := make(chan struct{})
	var reloading sync.WaitGroup
	reloading.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				if err := errors.Join(os.WriteFile(file, [][]byte{renamed, old}[i%2], 0o600), council.Reload(0)); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 15 {
		tax.SignIn(council.NewBrowser(t), "works")
	}
	close(done)
	reloading.Wait()

	council.Write(t, "connectors/works.yaml", string(renamed))
	if err := council.Reload(0); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Renamed", "Staff account"} {
		council.Pin(i)
		if page := council.NewBrowser(t).Get(tax.Ask().URL); !strings.Contains(page.Body, want) {
			t.Errorf("node %d does not offer %q", i, want)
		}
	}
}

// A login that was begun under one configuration ends under the next, if
// that still allows it.
func TestReloadBetweenTwoSteps(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	kept, lost := tax.Ask("connector_hint", "google"), tax.Ask("connector_hint", "works")
	atGoogle, atWorks := callback(t, browser, kept), callback(t, browser, lost)
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	tax.Redeem(kept, browser.Get(atGoogle))

	council.Write(t, "apps/tax.yaml", "label: Council tax\noidc: {client_secret: file:secret, redirect_uris: [\"{{app}}/elsewhere\"]}\n")
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	if page := browser.Get(atWorks); page.AtApp() || page.Status != http.StatusBadRequest {
		t.Errorf("an address that is not registered any more was answered with %s", page)
	}
}

func TestABadEditChangesNothing(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	a := tax.Ask("connector_hint", "google")
	answer := callback(t, browser, a)
	council.Write(t, "apps/library.yaml", "label: A library that will not open\noidc:\n  redirect_uri: http://127.0.0.1:1/\n")
	err := council.Reload()
	if err == nil || !strings.Contains(err.Error(), "apps/library.yaml:3") || !strings.Contains(err.Error(), "redirect_uris") {
		t.Errorf("the mistake was told as: %v", err)
	}
	tax.Redeem(a, browser.Get(answer))
	page := council.NewBrowser(t).Get(council.NewClient(t, "library").Ask().URL)
	if !strings.Contains(page.Body, "sign in to Library") {
		t.Errorf("the last good configuration does not serve: %s", page)
	}
}
