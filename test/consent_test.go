package test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// thirdParties is a town of two nodes in which residents have to agree to what council
// tax and planning get.
func thirdParties(t *testing.T) (council *town.Town, told *audience, database string) {
	t.Helper()
	told, database = listenForLogouts(t), servers.Postgres(t)
	files := map[string]string{
		"apps/tax.yaml": `
label: Council tax
purpose: To work out what you owe
consent: ask
oidc:
  client_secret: file:secret
  redirect_uris: ["{{app}}/tax/callback"]
  backchannel_logout_uri: ` + told.address + `/tax
  refresh: true
sector: tax
release: [sub, name, given_name, family_name, email, email_verified, birthdate, address]
`,
		"apps/planning.yaml": `
label: Planning
purpose: To find your plans
consent: ask
saml:
  metadata: {file: planning.xml}
sector: tax
release: [name, email]
`,
	}
	return town.Open(t, town.Options{Nodes: 2, Redis: servers.Redis(t), Postgres: database, Files: files}), told, database
}

// says answers the question on a page.
func says(t *testing.T, b *town.Browser, p town.Page, path, answer string) town.Page {
	t.Helper()
	if p.AtApp() || p.URL.Path != path {
		t.Fatalf("nobody is asked at %s: %s", path, p)
	}
	form := p.Forms()[0]
	form.Fields.Set("answer", answer)
	return b.Post(form.Action, form.Fields)
}

// shows reports whether a page of consent says that a claim has a value.
func shows(p town.Page, name string, value any) bool {
	_, rest, found := strings.Cut(p.Body, `id="claim-`+name+`">`)
	cell, _, _ := strings.Cut(rest, "</dd>")
	lines := strings.Split(html.UnescapeString(strings.TrimSpace(cell)), "<br>")
	switch value := value.(type) {
	case bool:
		return found && lines[0] == map[bool]string{true: "Yes", false: "No"}[value]
	case string:
		return found && slices.Equal(lines, strings.Split(value, "\n"))
	case map[string]any:
		for _, member := range value {
			for line := range strings.SplitSeq(fmt.Sprint(member), "\n") {
				if !strings.Contains(cell, html.EscapeString(line)) {
					return false
				}
			}
		}
		return found
	}
	return false
}

// What an app gets is what the resident saw, and nothing before they agreed; what they
// withdraw at one node is over at both.
func TestConsent(t *testing.T) {
	t.Parallel()
	council, told, database := thirdParties(t)
	tax, browser := council.NewClient(t, "tax", "profile", "email", "address", "offline_access"), council.NewBrowser(t)
	a := tax.Ask("connector_hint", "works")
	question := browser.Get(a.URL)
	tokens := tax.Redeem(a, says(t, browser, question, "/consent", "agree"))
	seen := tax.Userinfo(tokens)
	for name, value := range seen {
		if name != "sub" && !shows(question, name, value) {
			t.Errorf("the app got %s, which was shown otherwise or not at all: %s", name, question.Body)
		}
	}
	if n := strings.Count(question.Body, `id="claim-`); n != len(seen)-1 || n < 5 || !strings.Contains(question.Body, `id="lasting"`) {
		t.Errorf("%d claims were shown, %d told", n, len(seen)-1)
	}
	tokens = tax.Refresh(tokens)
	again := tax.Ask("prompt", "none")
	online := tax.Redeem(again, browser.Get(again.URL))

	council.Pin(1)
	if p := browser.Post("/my/services/tax/stop", url.Values{}); p.URL.Path != "/my/services" {
		t.Fatalf("stopping led to %s", p)
	}
	for i := range council.Nodes {
		council.Pin(i)
		for _, dead := range []town.Tokens{tokens, online} {
			if status := worth(tax, dead); status != http.StatusUnauthorized {
				t.Errorf("node %d answers %d to a token of an app with which nothing is shared", i, status)
			}
		}
		refusedGrant(t, tax, refreshing(tokens))
		if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "consent_required" {
			t.Errorf("node %d: %s", i, page)
		}
	}
	council.Pin(-1)
	if sids := told.sids(t, tax); !slices.Contains(sids, tokens.Extra["sid"].(string)) {
		t.Errorf("the app was told of sessions %v", sids)
	}
	if n := count(t, database, `SELECT COUNT(*) FROM outbox WHERE kind = 'sharing-stopped' AND app = 'tax'`); n != 1 {
		t.Errorf("%d messages to the app", n)
	}
	a = tax.Ask()
	tax.Redeem(a, says(t, browser, browser.Get(a.URL), "/consent", "agree"))
}

func count(t *testing.T, database, query string) (n int) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConsentIsAskedForMore(t *testing.T) {
	t.Parallel()
	council, _, _ := thirdParties(t)
	browser, little, much := council.NewBrowser(t), council.NewClient(t, "tax", "email"), council.NewClient(t, "tax", "email", "profile")
	a := little.Ask("connector_hint", "works")
	question := browser.Get(a.URL)
	if strings.Contains(question.Body, `id="claim-name"`) || strings.Contains(question.Body, "Alice") {
		t.Error("shown what the app does not ask for")
	}
	little.Redeem(a, says(t, browser, question, "/consent", "agree"))
	if page := browser.Get(much.Ask("prompt", "none").URL); page.Query("error") != "consent_required" {
		t.Errorf("more is told: %s", page)
	}
	a = much.Ask()
	much.Redeem(a, says(t, browser, browser.Get(a.URL), "/consent", "agree"))
	a = little.Ask("prompt", "none") // less than that needs no answer
	little.Redeem(a, browser.Get(a.URL))
	a = little.Ask("prompt", "consent")
	little.Redeem(a, says(t, browser, browser.Get(a.URL), "/consent", "agree"))
	a = little.Ask("claims", `{"id_token":{"birthdate":null}}`)
	if tokens := little.Redeem(a, browser.Get(a.URL)); tokens.Extra["birthdate"] == nil {
		t.Error("what was agreed to before is not told")
	}
}

func TestDecliningConsent(t *testing.T) {
	t.Parallel()
	council, _, _ := thirdParties(t)
	tax, library, planning, browser := council.NewClient(t, "tax", "email"), council.NewClient(t, "library", "profile"), council.NewService(t, "planning"), council.NewBrowser(t)
	page := says(t, browser, browser.Get(tax.Ask("connector_hint", "works").URL), "/consent", "decline")
	if page.Query("error") != "access_denied" || page.Query("code") != "" {
		t.Errorf("declining led to %s", page)
	}
	a := library.Ask("prompt", "none")
	library.Redeem(a, browser.Get(a.URL)) // the resident is signed in all the same

	q := planning.Ask(nil)
	if codes := planning.Refused(q, browser, says(t, browser, browser.Get(q.URL), "/consent", "decline")); codes != [2]string{"Responder", "RequestDenied"} {
		t.Errorf("the app was told %v", codes)
	}
	passive := true
	q = planning.Ask(func(r *saml.AuthnRequest) { r.IsPassive = &passive })
	if codes := planning.Refused(q, browser, browser.Get(q.URL)); codes != [2]string{"Responder", "NoPassive"} {
		t.Errorf("the app was told %v", codes)
	}
	q = planning.Ask(nil)
	question := browser.Get(q.URL)
	got := planning.Accept(q, browser, says(t, browser, question, "/consent", "agree"))
	if n := strings.Count(question.Body, `id="claim-`); n != len(got.Attributes) || n == 0 {
		t.Errorf("%d claims were shown, and the app got %v", n, got.Attributes)
	}
	for _, value := range got.Attributes {
		if !strings.Contains(question.Body, `">`+html.EscapeString(value)) {
			t.Errorf("an attribute was shown otherwise or not at all")
		}
	}
	q = planning.Ask(func(r *saml.AuthnRequest) { r.IsPassive = &passive })
	planning.Accept(q, browser, browser.Get(q.URL))
}

// An app that redeems its code while the resident withdraws, on the other node, has
// nothing in the end.
func TestWithdrawnWhileTheAppRedeems(t *testing.T) {
	t.Parallel()
	council, _, _ := thirdParties(t)
	tax, browser := council.NewClient(t, "tax", "email", "offline_access"), council.NewBrowser(t)
	for range 10 {
		a := tax.Ask("connector_hint", "works")
		page := browser.Get(a.URL)
		page = says(t, browser, page, "/consent", "agree")
		var both sync.WaitGroup
		var body map[string]any
		both.Go(func() { _, body = tax.Call("/token", redemption(tax, a, page.Query("code"))) })
		both.Go(func() { browser.Post("/my/services/tax/stop", url.Values{}) })
		both.Wait()
		if access, _ := body["access_token"].(string); access != "" {
			if status, _ := tax.Call("/userinfo", url.Values{"access_token": {access}}); status != http.StatusUnauthorized {
				t.Errorf("the access token is answered %d", status)
			}
		}
		if refresh, _ := body["refresh_token"].(string); refresh != "" {
			refusedGrant(t, tax, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		}
	}
}
