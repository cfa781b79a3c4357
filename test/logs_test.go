package test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/test/town"
)

// A tour of the broker, through successes, failures and mischief.
func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	seen := newWitness()
	council := town.Open(t, town.Options{Watch: seen.see})
	for name, part := range map[string]func(*testing.T, *town.Town, *town.Client){
		"sign-ins": visitEverywhere, "tokens": useTokens, "providers' trouble": meetTrouble, "mischief": doMischief,
		"SAML": visitServices, "mischief in SAML": doMischiefInSAML, "events": hearEvents,
	} {
		t.Run(name, func(t *testing.T) {
			part(t, council, council.NewClient(t, "tax", "profile", "email", "address", "offline_access"))
		})
	}
	for _, persona := range council.Providers["google"].Personas() {
		seen.hear("a person", map[string]any(persona.Person))
	}
	seen.compare(t, council.Log)
	if len(seen.secrets) < 500 || len(seen.references) < 10 {
		t.Errorf("the tour brought up %d values and %d error pages: this test proves little", len(seen.secrets), len(seen.references))
	}
}

func visitEverywhere(t *testing.T, council *town.Town, tax *town.Client) {
	library := council.NewClient(t, "library", "profile")
	for _, connector := range allConnectors {
		browser := council.NewBrowser(t)
		tax.Userinfo(tax.SignIn(browser, connector))
		a := library.Ask("prompt", "none")
		if page := browser.Get(a.URL); page.Query("code") != "" {
			library.Userinfo(library.Redeem(a, page))
		}
		browser.Get("/")
		browser.Get("/sign-out")
		browser.Post("/sign-out", url.Values{})
	}
	browser := council.NewBrowser(t)
	page := browser.Get(tax.Ask("login_hint", "alice.morgan@example.org", "ui_locales", "cy en").URL)
	browser.Get("/language?set=gd&return=" + url.QueryEscape(page.URL.RequestURI()))
	browser.Get(page.Link(t, "cancel"))
}

func useTokens(t *testing.T, council *town.Town, tax *town.Client) {
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "works")
	page := browser.Get(a.URL)
	tokens := tax.Redeem(a, page)
	for path, form := range map[string]url.Values{
		"/introspect": {"token": {tokens.AccessToken}},
		"/userinfo":   {"access_token": {tokens.AccessToken + "x"}},
		"/token":      refreshing(tokens),
		"/revoke":     {"token": {tokens.AccessToken}},
	} {
		tax.Call(path, form)
	}
	tax.Call("/token", redemption(tax, a, page.Query("code")))
	browser.Get("/authorize?" + url.Values{"id_token_hint": {tokens.Raw}, "client_id": {"tax"}}.Encode())
	browser.Get("/end_session?" + url.Values{
		"id_token_hint": {tokens.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"}, "state": {"bye alice.morgan"},
	}.Encode())
}

func meetTrouble(t *testing.T, council *town.Town, tax *town.Client) {
	for _, connector := range allConnectors {
		for _, fault := range council.Providers[connector].Faults() {
			if fault.Beforehand() || slices.Contains([]string{"token-slow", "token-huge", "many-values", "too-many-values"}, fault.ID) {
				continue // imposed on everybody; too slow here; too large to listen to
			}
			if fault.Expect == connectors.Unavailable {
				// With new connectors come new breakers, which have not opened yet.
				if err := council.Reload(); err != nil {
					t.Fatal(err)
				}
			}
			browser := council.NewBrowser(t)
			browser.Fault = fault.ID
			browser.Get(tax.Ask("connector_hint", connector).URL)
		}
	}
	browser := council.NewBrowser(t)
	answer := callback(t, browser, tax.Ask("connector_hint", "works"))
	told := url.Values{"error": {"alice@example.org is not known"}, "error_description": {"Alice Morgan, alice@example.org, cancelled"}}
	browser.Get(strings.Replace(answer, "code=", told.Encode()+"&not_code=", 1))
}

func doMischief(t *testing.T, council *town.Town, tax *town.Client) {
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "google")
	answer := callback(t, browser, a)
	for _, address := range []string{
		"/alice.morgan@example.org/12 Rose Street", "/assets/alice.morgan@example.org/x", "/callback/alice.morgan@example.org?code=c",
		"/start/alice.morgan@example.org?request=Alice+Jane+Morgan", "/choose?request=alice.morgan@example.org",
		"/authorize?client_id=alice.morgan@example.org", "/authorize?%zz=alice.morgan@example.org",
		"/authorize?client_id=tax&redirect_uri=https://example.org/alice.morgan@example.org",
		a.URL + "&prompt=alice.morgan@example.org", a.URL + "&state=another-state", a.URL + "&id_token_hint=alice.morgan@example.org",
		answer + "x", strings.Replace(answer, "/google", "/works", 1), "/end_session?id_token_hint=alice.morgan@example.org",
	} {
		council.NewBrowser(t).Get(address)
		browser.Get(address)
	}
	browser.Post("/sign-out?alice.morgan@example.org", url.Values{"alice.morgan@example.org": {strings.Repeat("x", 70_000)}})
	browser.SetCookies(named("session", "alice.morgan@example.org"), named("browser", "alice.morgan@example.org"))
	browser.Get(a.URL)
	for path, form := range map[string]url.Values{
		"/token":      {"grant_type": {"alice.morgan@example.org"}, "client_id": {"tax"}, "client_secret": {"a-wrong-secret"}},
		"/introspect": {"token": {"alice.morgan@example.org"}, "client_id": {"alice.morgan"}},
		"/revoke":     {"token": {"one", "two of alice.morgan"}},
	} {
		tax.Call(path, form)
	}
}

func visitServices(t *testing.T, council *town.Town, tax *town.Client) {
	planning, parking := council.NewService(t, "planning"), council.NewService(t, "parking")
	for _, connector := range allConnectors {
		browser := council.NewBrowser(t)
		atPlanning, atParking := planning.SignIn(browser, connector), parking.SignIn(browser, connector)
		tax.SignIn(browser, connector)
		page := browser.Get(planning.SignOut(atPlanning))
		planning.Left(browser.Get(parking.Leaves(page, atParking)))
	}
	browser := council.NewBrowser(t)
	planning.SignIn(browser, "adfs")
	parking.SignIn(browser, "adfs")
	browser.Get(council.Address("adfs") + "/sign-out")
	leave(browser) // whoever has not answered is named
	for _, address := range []string{"/saml/metadata", "/connectors/adfs/metadata", "/saml/start/planning", council.Address("adfs") + "/start"} {
		council.NewBrowser(t).Get(address)
	}
	quiet := planning.Ask(func(r *saml.AuthnRequest) { r.IsPassive = new(true) })
	browser = council.NewBrowser(t)
	planning.Refused(quiet, browser, browser.Get(quiet.URL))
}

// doMischiefInSAML sends what claims to be SAML, with somebody's data in every
// part, and what is SAML to where it does not belong.
func doMischiefInSAML(t *testing.T, council *town.Town, tax *town.Client) {
	planning, browser := council.NewService(t, "planning"), council.NewBrowser(t)
	q := planning.Ask(nil)
	browser.Manual = true
	response, ok := browser.Get(tax.Ask("connector_hint", "adfs").URL).Message()
	if !ok {
		t.Fatal("the provider did not answer")
	}
	said := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="alice.morgan"><Issuer>alice.morgan@example.org</Issuer></samlp:Response>`
	forms := []url.Values{
		response.Fields, q.Form.Fields,
		{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(said))}, "RelayState": {"alice.morgan@example.org"}},
		{"SAMLResponse": {"alice.morgan@example.org"}, "RelayState": response.Fields["RelayState"]},
		{"SAMLRequest": {"alice.morgan@example.org", "two of alice.morgan"}},
		{"SAMLart": {"alice.morgan@example.org"}, "RelayState": response.Fields["RelayState"]},
	}
	for _, path := range []string{"/callback/adfs", "/logout/adfs", "/logout/adfs/soap", "/saml/sso", "/saml/slo", "/saml/soap", "/saml/start/alice.morgan@example.org"} {
		for _, form := range forms {
			browser.Send(town.Form{Action: council.Issuer + path, Fields: form})
			browser.Get(path + "?" + form.Encode())
		}
	}
	browser.Get(q.URL + "&RelayState=alice.morgan@example.org")
	browser.Get(strings.Replace(q.URL, "Signature=", "Signature=alice.morgan%40example.org", 1))
}
