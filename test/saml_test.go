package test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// Every app protocol with every connector protocol: in, on to the other apps
// without a question, and out of all of them.
func TestEveryAppThroughEveryConnector(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "profile", "email")
	planning, parking := council.NewService(t, "planning"), council.NewService(t, "parking")
	for _, connector := range allConnectors {
		t.Run(connector, func(t *testing.T) {
			browser := council.NewBrowser(t)
			atPlanning := planning.SignIn(browser, connector)
			if atPlanning.Attributes["name"] != alice.Name {
				t.Errorf("planning was told %v", atPlanning)
			}
			calls := council.Providers[connector].Calls("authorization") + council.Providers[connector].Calls("sso")
			atTax, atParking := tax.SignIn(browser, connector), parking.SignIn(browser, connector)
			if council.Providers[connector].Calls("authorization")+council.Providers[connector].Calls("sso") != calls {
				t.Error("single sign-on went to the provider")
			}
			if atTax.ID.Subject != atPlanning.NameID.Value {
				t.Error("the apps of one sector know the resident by two subjects")
			}
			if atParking.NameID.Value == atPlanning.NameID.Value || atParking.Session == atPlanning.Session {
				t.Error("apps of two sectors can tell that they have the same resident")
			}
			if len(atParking.Attributes) != 1 {
				t.Errorf("parking was told more than it is registered for: %v", atParking.Attributes)
			}
			page := browser.Get(planning.SignOut(atPlanning))
			page = browser.Get(parking.Leaves(page, atParking))
			if codes := planning.Left(page); codes[0] != "Success" {
				t.Errorf("the sign-out ended with %v", codes)
			}
			if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
				t.Errorf("the broker still knows the resident: %s", page)
			}
			again := planning.SignIn(council.NewBrowser(t), connector)
			if again.NameID != atPlanning.NameID || again.Session == atPlanning.Session {
				t.Error("the same person came back as another, or in the same session")
			}
		})
	}
}

// SAML Bindings §3.5 lets apps post their requests. The session's cookie does
// not come with another site's post, and must count all the same.
func TestAuthnRequestByPostKeepsTheSession(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, planning := council.NewClient(t, "tax"), council.NewService(t, "planning")
	browser := council.NewBrowser(t)
	tax.SignIn(browser, "works")
	q := planning.Ask(func(r *saml.AuthnRequest) { r.IsPassive = new(true) })
	planning.Accept(q, browser, browser.Send(q.Form))
	if page := browser.Send(q.Form); page.Status != http.StatusBadRequest {
		t.Errorf("the same request again led to %s", page)
	}
}

// Core §3.2.2.2: the app learns by the second code why nobody is signed in.
func TestResponsesThatSignNobodyIn(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	planning := council.NewService(t, "planning")
	format := "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	for want, change := range map[string]func(*saml.AuthnRequest){
		"NoPassive":           func(r *saml.AuthnRequest) { r.IsPassive = new(true) },
		"InvalidNameIDPolicy": func(r *saml.AuthnRequest) { r.NameIDPolicy.Format = &format },
		"NoAuthnContext": func(r *saml.AuthnRequest) {
			r.RequestedAuthnContext = &saml.RequestedAuthnContext{Comparison: "exact", AuthnContextClassRef: "urn:x-council:acr:p3.cm"}
		},
	} {
		browser, q := council.NewBrowser(t), planning.Ask(change)
		if codes := planning.Refused(q, browser, browser.Get(q.URL)); codes[1] != want {
			t.Errorf("got %v, want %s", codes, want)
		}
	}
	browser, q := council.NewBrowser(t), planning.Ask(nil)
	browser.Persona = "cancel"
	page := browser.Choose(browser.Get(q.URL), "adfs")
	if codes := planning.Refused(q, browser, browser.Get(page.Link(t, "cancel"))); codes[1] != "AuthnFailed" {
		t.Errorf("cancelled, and got %v", codes)
	}
}

// Login CSRF: a response that somebody else's sign-in led to signs nobody in.
func TestResponseInAnotherBrowser(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	attacker, victim := council.NewBrowser(t), council.NewBrowser(t)
	attacker.Manual = true
	response, ok := attacker.Get(tax.Ask("connector_hint", "adfs").URL).Message()
	if !ok {
		t.Fatal("the provider did not answer")
	}
	victim.Get(tax.Ask("connector_hint", "adfs").URL) // has signed in here before
	leave(victim)
	if page := victim.Send(response); page.AtApp() {
		t.Errorf("led to %s", page)
	}
	if page := victim.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
		t.Errorf("the victim is signed in: %s", page)
	}
}

// A response is good once, on any node: whoever gets hold of it afterwards, in
// whatever browser, is refused.
func TestResponseIsUsedOnceOnAnyNode(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{
		Nodes: 2, Redis: servers.Redis(t), Postgres: servers.Postgres(t),
		Files: map[string]string{"connectors/adfs.yaml": `
preset: adfs
saml:
  metadata: {url: "{{adfs}}/metadata", entity_id: "{{adfs}}/metadata"}
  response: {unsolicited_app: tax}
`},
	})
	tax := council.NewClient(t, "tax")
	for name, start := range map[string]string{
		"solicited": tax.Ask("connector_hint", "adfs").URL, "unsolicited": council.Address("adfs") + "/start",
	} {
		t.Run(name, func(t *testing.T) {
			browser := council.NewBrowser(t)
			browser.Manual = true
			response, ok := browser.Get(start).Message()
			if !ok {
				t.Fatal("the provider did not answer")
			}
			council.Pin(0)
			page := browser.Send(response)
			if name == "unsolicited" {
				page = browser.Submit(page, nil) // the resident agrees
			}
			if !page.AtApp() {
				t.Fatalf("led to %s\n%s", page, page.Body)
			}
			council.Pin(1)
			for who, b := range map[string]*town.Browser{"the same browser": browser, "another": council.NewBrowser(t)} {
				if page := b.Send(response); page.AtApp() {
					t.Errorf("%s used it again: %s", who, page)
				}
			}
		})
	}
}

// A resident who has linked a SAML provider and Google to one account is one
// person to OpenID and SAML apps, whichever way they come.
func TestTwoWaysInAreOnePerson(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, planning := council.NewClient(t, "tax"), council.NewService(t, "planning")
	atPlanning := planning.SignIn(council.NewBrowser(t), "adfs")
	if tax.SignIn(council.NewBrowser(t), "google").ID.Subject == atPlanning.NameID.Value {
		t.Fatal("nobody linked them, and they are one already")
	}
	link(t, council, "google", "adfs")
	if tax.SignIn(council.NewBrowser(t), "google").ID.Subject != atPlanning.NameID.Value {
		t.Error("Google leads to another person than the SAML provider did")
	}
	browser := council.NewBrowser(t)
	if planning.SignIn(browser, "google").NameID.Value != tax.SignIn(browser, "google").ID.Subject {
		t.Error("an OpenID app and a SAML app of one sector see two persons")
	}
	if planning.SignIn(council.NewBrowser(t), "adfs").NameID != atPlanning.NameID {
		t.Error("the SAML provider leads to another person than before")
	}
}

// link has the way in by one connector lead to the account of another's.
func link(t *testing.T, council *town.Town, connector, to string) {
	t.Helper()
	d, err := db.Open(t.Context(), sqlite(council))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	result, err := d.Exec(t.Context(), `UPDATE links SET account_id = (SELECT account_id FROM links WHERE connector = $1) WHERE connector = $2`, to, connector)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		t.Fatalf("%d links changed: %v", n, err)
	}
}

// An app that does not answer does not hold a sign-out up: the resident who
// comes back is led past it, and told.
func TestSilentAppIsPassedOver(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, planning, parking := council.NewClient(t, "tax"), council.NewService(t, "planning"), council.NewService(t, "parking")
	browser := council.NewBrowser(t)
	tokens := tax.SignIn(browser, "works")
	planning.SignIn(browser, "works")
	atParking := parking.SignIn(browser, "works")
	page := browser.Get("/end_session?" + url.Values{
		"id_token_hint": {tokens.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"},
	}.Encode())
	if !page.AtApp() || !strings.HasPrefix(page.URL.Path, "/planning") && !strings.HasPrefix(page.URL.Path, "/parking") {
		t.Fatalf("the sign-out led to %s", page)
	}
	if strings.HasPrefix(page.URL.Path, "/parking") { // the order is not promised
		page = browser.Get(parking.Leaves(page, atParking))
	} else {
		page = browser.Get(parking.Leaves(leave(browser), atParking))
	}
	if page.AtApp() { // at planning, which says nothing
		page = leave(browser)
	}
	failed, ended, ok := strings.Cut(page.Body, "Services that have signed you out")
	if !ok || !strings.Contains(failed, "Planning") || !strings.Contains(ended, "Parking") {
		t.Fatalf("the receipt says something else: %s\n%s", page, page.Body)
	}
	if page := browser.Get(page.Link(t, "back")); !page.AtApp() || page.URL.Path != "/tax/bye" {
		t.Errorf("the way on leads to %s", page)
	}
}

// OpenID Connect Back-Channel Logout 1.0 §2.4: an OpenID app is told when the
// resident signs out at a SAML app.
func TestSignOutAtSAMLAppReachesOpenIDApp(t *testing.T) {
	t.Parallel()
	told := make(chan string, 1)
	bins := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.PostFormValue("logout_token") }))
	t.Cleanup(bins.Close)
	council := town.Open(t, town.Options{Files: map[string]string{"apps/bins.yaml": `
label: Bins
oidc:
  redirect_uris: ["{{app}}/bins/callback"]
  backchannel_logout_uri: ` + bins.URL + `
`}})
	app, planning := council.NewClient(t, "bins"), council.NewService(t, "planning")
	browser := council.NewBrowser(t)
	tokens := app.SignIn(browser, "adfs")
	page := browser.Get(planning.SignOut(planning.SignIn(browser, "adfs")))
	if codes := planning.Left(page); codes != [2]string{"Success", ""} {
		t.Errorf("the sign-out ended with %v", codes)
	}
	token, err := app.Provider.Verifier(&oidc.Config{ClientID: "bins"}).Verify(t.Context(), <-told)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	events, _ := claims["events"].(map[string]any)
	if events["http://schemas.openid.net/event/backchannel-logout"] == nil || claims["sid"] != tokens.Extra["sid"] || claims["nonce"] != nil {
		t.Errorf("the app was told %v", claims)
	}
}
