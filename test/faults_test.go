package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// Redis goes in the middle of logins and comes back empty. Logins under way
// are lost with it, and nobody's identity is.
func TestRedisStopsAndStarts(t *testing.T) {
	t.Parallel()
	redis, seen := servers.StartRedis(t), newWitness()
	council := town.Open(t, town.Options{Redis: redis.Addr, Watch: seen.see})
	tax := council.NewClient(t, "tax", "offline_access")
	alice, bob := council.NewBrowser(t), council.NewBrowser(t)
	bob.Persona = "load-1"
	before := tax.SignIn(alice, "works")
	atChoice := bob.Get(tax.Ask().URL)
	atCallback := callback(t, bob, tax.Ask("connector_hint", "works"))
	another := tax.Ask()
	code := alice.Get(another.URL).Query("code")

	redis.Stop(t)
	t.Run("residents are told", func(t *testing.T) {
		start, cancel := atChoice.Link(t, "idp-works"), atChoice.Link(t, "cancel")
		for _, page := range []town.Page{
			council.NewBrowser(t).Get(tax.Ask().URL), alice.Get(tax.Ask().URL), alice.Get(tax.Ask("prompt", "none").URL),
			bob.Get(atChoice.URL.String()), bob.Get(start), bob.Get(cancel), bob.Get(atCallback),
			alice.Get("/"), alice.Post("/sign-out", url.Values{}), alice.Get("/end_session?id_token_hint=" + before.Raw),
		} {
			tellsOfOutage(t, page)
		}
	})
	t.Run("apps are told", func(t *testing.T) {
		triesLater(t, tax, "/token", redemption(tax, another, code))
		triesLater(t, tax, "/token", refreshing(before))
		triesLater(t, tax, "/userinfo", url.Values{"access_token": {before.AccessToken}})
		triesLater(t, tax, "/introspect", url.Values{"token": {before.AccessToken}})
		triesLater(t, tax, "/revoke", url.Values{"token": {before.AccessToken}})
	})
	t.Run("operators are told", func(t *testing.T) { misses(t, council, "redis") })

	redis.Start(t)
	awaitReady(t, council)
	t.Run("a login that was lost leads on", func(t *testing.T) {
		page := bob.Get(atCallback)
		if page.Status != http.StatusBadRequest || !strings.Contains(page.Body, "This sign-in has expired") {
			t.Errorf("led to %s", page)
		}
		if back := page.Link(t, "back"); !strings.HasPrefix(back, town.App) {
			t.Errorf("the way on leads to %s, want the app", back)
		}
		tax.SignIn(bob, "works")
	})
	t.Run("nobody is lost or doubled", func(t *testing.T) {
		if page := alice.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
			t.Errorf("a session outlived the Redis that held it: %s", page)
		}
		if after := tax.SignIn(alice, "works"); after.ID.Subject != before.ID.Subject {
			t.Error("the same person came back with another subject")
		}
		if status, answer := tax.Call("/token", refreshing(before)); status != http.StatusOK {
			t.Errorf("the refresh token was lost: %d %v", status, answer["error"])
		}
		holds(t, sqlite(council), 2)
	})
	seen.compare(t, council.Log)
}

// PostgreSQL goes between the provider and the callback. The login is kept,
// and what was issued goes on.
func TestPostgresStopsAndStarts(t *testing.T) {
	t.Parallel()
	postgres, seen := servers.StartPostgres(t), newWitness()
	database := postgres.Database(t)
	council := town.Open(t, town.Options{Postgres: database, Watch: seen.see})
	tax, library := council.NewClient(t, "tax", "offline_access"), council.NewClient(t, "library", "profile")
	alice, bob := council.NewBrowser(t), council.NewBrowser(t)
	bob.Persona = "load-1"
	before := tax.SignIn(alice, "works")
	asked := tax.Ask("connector_hint", "works")
	atCallback := callback(t, bob, asked)
	issued := library.Ask()
	code := alice.Get(issued.URL)
	offline := tax.Ask()
	offlineCode := redemption(tax, offline, alice.Get(offline.URL).Query("code"))

	postgres.Stop(t)
	page := bob.Get(atCallback)
	tellsOfOutage(t, page)
	way := page.Link(t, "back")
	t.Run("the way on stays", func(t *testing.T) {
		again := bob.Get(bob.Get(way).Link(t, "idp-works"))
		tellsOfOutage(t, again)
		if again.Link(t, "back") != way {
			t.Error("a second try has another way on")
		}
	})
	t.Run("what was issued goes on", func(t *testing.T) {
		if name := library.Userinfo(library.Redeem(issued, code))["name"]; name != "Alice Jane Morgan" {
			t.Errorf("name = %v", name)
		}
	})
	t.Run("single sign-on waits", func(t *testing.T) {
		// Nobody can say whether the account is still in good standing.
		tellsOfOutage(t, alice.Get(library.Ask().URL))
	})
	t.Run("refresh tokens wait", func(t *testing.T) {
		triesLater(t, tax, "/token", refreshing(before))
		triesLater(t, tax, "/token", offlineCode)
	})
	t.Run("operators are told", func(t *testing.T) { misses(t, council, "database") })

	postgres.Start(t)
	awaitReady(t, council)
	t.Run("the login goes on", func(t *testing.T) {
		tax.Redeem(asked, insist(t, bob, page))
	})
	t.Run("the code was kept", func(t *testing.T) {
		await(t, 10*time.Second, func() bool {
			status, answer := tax.Call("/token", offlineCode)
			if status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("the code was lost: %d %v", status, answer["error"])
			}
			return status == http.StatusOK
		})
	})
	t.Run("nobody is lost or doubled", func(t *testing.T) {
		await(t, 10*time.Second, func() bool {
			status, _ := tax.Call("/token", refreshing(before))
			return status == http.StatusOK
		})
		a, browser := tax.Ask("connector_hint", "works"), council.NewBrowser(t)
		if after := tax.Redeem(a, insist(t, browser, browser.Get(a.URL))); after.ID.Subject != before.ID.Subject {
			t.Error("the same person came back with another subject")
		}
		holds(t, db.Options{Postgres: database}, 2)
	})
	seen.compare(t, council.Log)
}

// First sign-ins race with the end of a store: each makes one account or none.
func TestFirstSignInsRaceWithTheEnd(t *testing.T) {
	t.Parallel()
	t.Run("of PostgreSQL", func(t *testing.T) {
		postgres := servers.StartPostgres(t)
		database := postgres.Database(t)
		council := town.Open(t, town.Options{Postgres: database})
		n := raceWithTheEnd(t, council, postgres)
		holds(t, db.Options{Postgres: database}, n)
	})
	t.Run("of Redis", func(t *testing.T) {
		redis := servers.StartRedis(t)
		council := town.Open(t, town.Options{Redis: redis.Addr})
		n := raceWithTheEnd(t, council, redis)
		holds(t, sqlite(council), n)
	})
}

// stoppable is a server of test/servers.
type stoppable interface {
	Stop(tb testing.TB)
	Start(tb testing.TB)
}

// raceWithTheEnd returns how many people signed in.
func raceWithTheEnd(t *testing.T, council *town.Town, store stoppable) int {
	t.Helper()
	const crowd, rounds = 6, 3
	for round := range rounds {
		var personas []string
		for i := range crowd {
			personas = append(personas, fmt.Sprint("load-", round*crowd+i))
		}
		residents := newComers(t, council, personas...)
		// The store stops when some of them have been answered.
		answered := make(chan struct{}, crowd)
		var all sync.WaitGroup
		for _, r := range residents {
			all.Go(func() { r.page = r.browser.Get(r.answer); answered <- struct{}{} })
		}
		for range 2 * round {
			<-answered
		}
		store.Stop(t)
		all.Wait()
		store.Start(t)
		awaitReady(t, council)
		for _, r := range residents {
			r.comeBack(t)
		}
	}
	return crowd * rounds
}

// newComer is somebody's first sign-in, up to the provider's answer.
type newComer struct {
	client  *town.Client
	browser *town.Browser
	ask     town.Ask
	answer  string
	page    town.Page // where the answer led
}

func newComers(t *testing.T, council *town.Town, personas ...string) []*newComer {
	t.Helper()
	tax := council.NewClient(t, "tax")
	residents := make([]*newComer, len(personas))
	for i, persona := range personas {
		r := &newComer{client: tax, browser: council.NewBrowser(t), ask: tax.Ask("connector_hint", "works")}
		r.browser.Persona = persona
		r.answer = callback(t, r.browser, r.ask)
		residents[i] = r
	}
	return residents
}

// comeBack signs in again, and as the same person if the first sign-in was
// one.
func (r *newComer) comeBack(t *testing.T) {
	t.Helper()
	again := r.client.Ask("connector_hint", "works", "prompt", "login")
	second := r.client.Redeem(again, insist(t, r.browser, r.browser.Get(again.URL)))
	if !r.page.AtApp() {
		tellsOfOutage(t, r.page)
		return
	}
	token, err := r.client.Exchange(t.Context(), r.page.Query("code"), oauth2.VerifierOption(r.ask.Verifier))
	if err != nil {
		return // Redis took the code along
	}
	if r.client.Check(token).ID.Subject != second.ID.Subject {
		t.Error("the same person came back with another subject")
	}
}

// A provider that keeps failing is left alone, so that residents learn at once
// that they must choose another; and it is tried again.
func TestABrokenProviderIsLeftAlone(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, works := council.NewClient(t, "tax"), council.Providers["works"]
	if err := works.SetFault("token-500"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		council.NewBrowser(t).Get(tax.Ask("connector_hint", "works").URL)
	}
	if err := works.SetFault(""); err != nil {
		t.Fatal(err)
	}
	visits, calls := works.Calls("authorization"), works.Calls("token")
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "works")
	page := browser.Get(a.URL)
	if page.URL.Path != "/choose" || !strings.Contains(page.Body, "Staff account is not available") {
		t.Errorf("a provider that keeps failing led to %s", page)
	}
	if works.Calls("authorization") != visits || works.Calls("token") != calls {
		t.Error("somebody was sent to a provider that keeps failing")
	}
	tax.Redeem(a, browser.Get(page.Link(t, "idp-google")))

	// The breaker lets a call through after fifteen seconds.
	await(t, 20*time.Second, func() bool {
		return council.NewBrowser(t).Get(tax.Ask("connector_hint", "works").URL).AtApp()
	})
}

// insist follows the way on that the page of an outage shows, as often as
// there is one: of the connections that a database cut, the broker may find
// out when it uses them.
func insist(t *testing.T, browser *town.Browser, page town.Page) town.Page {
	t.Helper()
	for range 20 {
		if page.Status != http.StatusServiceUnavailable {
			break
		}
		page = browser.Get(browser.Get(page.Link(t, "back")).Link(t, "idp-works"))
	}
	return page
}

// tellsOfOutage checks the page of a store that is away: plain words, a
// reference, and nothing that looks like an answer to the app.
func tellsOfOutage(t *testing.T, page town.Page) {
	t.Helper()
	if page.Status != http.StatusServiceUnavailable || page.Header.Get("Retry-After") == "" {
		t.Errorf("an outage led to %s", page)
	}
	if !strings.Contains(page.Body, "We cannot sign you in at the moment") || !strings.Contains(page.Body, `id="reference"`) {
		t.Errorf("the page of an outage does not say so, or has no reference: %s", page)
	}
}

// triesLater calls an endpoint whose store is away.
func triesLater(t *testing.T, c *town.Client, path string, form url.Values) {
	t.Helper()
	status, answer := c.Call(path, form)
	if status != http.StatusServiceUnavailable || answer["error"] != "temporarily_unavailable" {
		t.Errorf("%s answered %d %v in an outage, want 503 temporarily_unavailable", path, status, answer["error"])
	}
	for name := range answer {
		if !strings.HasPrefix(name, "error") {
			t.Errorf("%s answered with %s in an outage", path, name)
		}
	}
}

func redemption(c *town.Client, a town.Ask, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {c.RedirectURL}, "code_verifier": {a.Verifier},
	}
}

func refreshing(tokens town.Tokens) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}}
}

// readyz asks the first node whether it is ready, and what it misses.
func readyz(t *testing.T, council *town.Town) (status int, missing map[string]string) {
	t.Helper()
	answer := httptest.NewRecorder()
	council.Nodes[0].Admin().ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
	var body struct{ Missing map[string]string }
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return answer.Code, body.Missing
}

// misses checks that /readyz names one store and no other.
func misses(t *testing.T, council *town.Town, store string) {
	t.Helper()
	status, missing := readyz(t, council)
	if status != http.StatusServiceUnavailable || missing[store] == "" || len(missing) != 1 {
		t.Errorf("/readyz answers %d and misses %v, want %s alone", status, missing, store)
	}
}

func awaitReady(t *testing.T, council *town.Town) {
	t.Helper()
	await(t, 10*time.Second, func() bool {
		status, _ := readyz(t, council)
		return status == http.StatusOK
	})
}

// await fails the test unless happened becomes true in time.
func await(t *testing.T, limit time.Duration, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about within %s", limit)
		}
	}
}

// sqlite is where a town without PostgreSQL keeps its accounts.
func sqlite(council *town.Town) db.Options {
	return db.Options{SQLite: filepath.Join(council.Dir, "data", "councilid.db")}
}

// holds checks that a database has so many accounts, each with one link.
func holds(t *testing.T, o db.Options, want int) {
	t.Helper()
	d, err := db.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, counted := range []string{
		"COUNT(*) FROM accounts", "COUNT(*) FROM links",
		"COUNT(DISTINCT account_id) FROM links", "COUNT(DISTINCT subject) FROM links",
	} {
		var got int
		if err := d.QueryRow(t.Context(), "SELECT "+counted).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %d, want %d", counted, got, want)
		}
	}
}
