package test

import (
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// OpenID Connect Core §3.1.2.1 lets apps post their requests. The session's
// cookie does not come with another site's post, and must count all the same.
func TestAuthorizationByPostKeepsTheSession(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	first := tax.SignIn(browser, "works")
	a := tax.Ask("prompt", "none")
	address, query, _ := strings.Cut(a.URL, "?")
	posted := request(t, address, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"https://tax.example.org"}, "Sec-Fetch-Site": {"cross-site"},
	})
	posted.Method, posted.Body = "POST", io.NopCloser(strings.NewReader(query))
	page := council.NewBrowser(t).Do(posted) // without cookies
	if page.Status != http.StatusSeeOther {
		t.Fatalf("a post was answered with %s", page)
	}
	second := tax.Redeem(a, browser.Get(page.Header.Get("Location")))
	if second.Extra["sid"] != first.Extra["sid"] {
		t.Error("the post did not reach the session")
	}
}

// request is a GET with headers.
func request(t *testing.T, address string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	return r
}

// RFC 6749 §4.1.2.1: where the app or its address is in doubt, the person is
// told and nobody is redirected.
func TestDoubtfulRequestsGoNowhere(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tax.SignIn(browser, "works")
	good, err := url.Parse(tax.Ask().URL)
	if err != nil {
		t.Fatal(err)
	}
	at := town.App + "/tax/callback"
	for name, change := range map[string]func(url.Values){
		"unknown client":         func(q url.Values) { q.Set("client_id", "nobody") },
		"no client":              func(q url.Values) { q.Del("client_id") },
		"two clients":            func(q url.Values) { q.Add("client_id", "library") },
		"client by another name": func(q url.Values) { q.Set("client_id", "TAX") },
		"no address":             func(q url.Values) { q.Del("redirect_uri") },
		"two addresses":          func(q url.Values) { q.Add("redirect_uri", at) },
		"foreign address":        func(q url.Values) { q.Set("redirect_uri", "https://evil.example/tax/callback") },
		"another app's address":  func(q url.Values) { q.Set("redirect_uri", town.App+"/library/callback") },
		"another path":           func(q url.Values) { q.Set("redirect_uri", at+"/../x") },
		"another query":          func(q url.Values) { q.Set("redirect_uri", at+"?a=c") },
		"a query added":          func(q url.Values) { q.Set("redirect_uri", at+"?x=y") },
		"a fragment added":       func(q url.Values) { q.Set("redirect_uri", at+"#x") },
		"a user added":           func(q url.Values) { q.Set("redirect_uri", strings.Replace(at, "//", "//127.0.0.1@", 1)) },
		"script":                 func(q url.Values) { q.Set("redirect_uri", "javascript:alert(1)") },
	} {
		q := good.Query()
		change(q)
		page := browser.Step("GET", "/authorize?"+q.Encode(), nil)
		if to := page.Header.Get("Location"); page.Status != http.StatusBadRequest || to != "" {
			t.Errorf("%s: %s, redirected to %q", name, page, to)
		}
		if !strings.Contains(page.Body, `id="reference"`) {
			t.Errorf("%s: the page has no reference", name)
		}
	}
}

func TestPassiveRequestsWithAHint(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, library := council.NewClient(t, "tax"), council.NewClient(t, "library")
	alice, sam := council.NewBrowser(t), council.NewBrowser(t)
	sam.Persona = "shared-email"
	ofAlice, ofSam, atLibrary := tax.SignIn(alice, "works"), tax.SignIn(sam, "works"), library.SignIn(alice, "works")
	for name, tt := range map[string]struct{ hint, want string }{
		"herself":        {ofAlice.Raw, ""},
		"somebody else":  {ofSam.Raw, "login_required"},
		"another app's":  {atLibrary.Raw, "invalid_request"},
		"not a token":    {"abc", "invalid_request"},
		"a forged token": {ofAlice.Raw[:len(ofAlice.Raw)-8] + "AAAAAAAA", "invalid_request"},
	} {
		a := tax.Ask("prompt", "none", "id_token_hint", tt.hint)
		page := alice.Get(a.URL)
		if !page.AtApp() || page.Query("error") != tt.want || page.Query("state") != a.State {
			t.Errorf("%s: %s, want error %q", name, page, tt.want)
		}
		if tt.want == "" && tax.Redeem(a, page).ID.Subject != ofAlice.ID.Subject {
			t.Errorf("%s: another subject", name)
		}
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	first := authTime(t, tax.SignIn(browser, "works"))
	visits := council.Providers["works"].Calls("authorization")

	a := tax.Ask("max_age", "15000")
	if again := authTime(t, tax.Redeem(a, browser.Get(a.URL))); !again.Equal(first) {
		t.Errorf("auth_time moved by %s without a sign-in", again.Sub(first))
	}
	if council.Providers["works"].Calls("authorization") != visits {
		t.Error("a session that is young enough did not do")
	}
	time.Sleep(time.Until(first.Add(2 * time.Second))) // what max_age=1 is about
	a = tax.Ask("max_age", "1", "connector_hint", "works")
	if again := authTime(t, tax.Redeem(a, browser.Get(a.URL))); !again.After(first) {
		t.Error("a session that is too old did")
	}
}

func authTime(t *testing.T, tokens town.Tokens) time.Time {
	t.Helper()
	seconds, ok := tokens.Extra["auth_time"].(float64)
	if !ok {
		t.Fatalf("auth_time is %v", tokens.Extra["auth_time"])
	}
	return time.Unix(int64(seconds), 0)
}

// RFC 9700 §4.14.2: a refresh token is replaced when it is used, and one that
// comes again long after betrays that it is in two hands.
func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "offline_access")
	first := tax.SignIn(council.NewBrowser(t), "works")
	second := tax.Refresh(first)
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("a token was not replaced")
	}
	for _, claim := range []string{"sub", "aud", "auth_time", "sid"} {
		if second.Extra[claim] != first.Extra[claim] {
			t.Errorf("%s was %v and is %v", claim, first.Extra[claim], second.Extra[claim])
		}
	}
	if _, told := second.Extra["nonce"]; told {
		t.Error("a refreshed ID token has a nonce")
	}
	if tax.Userinfo(second)["sub"] != first.ID.Subject {
		t.Error("a refreshed access token is another person's")
	}

	minutesPass(t, council, 2)
	refusedGrant(t, tax, refreshing(first))
	refusedGrant(t, tax, refreshing(second))
	for name, tokens := range map[string]town.Tokens{"first": first, "second": second} {
		if worth(tax, tokens) != http.StatusUnauthorized {
			t.Errorf("the %s access token outlived its grant", name)
		}
	}
}

// minutesPass puts the replacements of all refresh tokens in the past.
func minutesPass(t *testing.T, council *town.Town, minutes int64) {
	t.Helper()
	d, err := db.Open(t.Context(), sqlite(council))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Exec(t.Context(), "UPDATE refresh_tokens SET replaced_at = replaced_at - $1", minutes*time.Minute.Microseconds()); err != nil {
		t.Fatal(err)
	}
}

// worth is the status with which the userinfo endpoint answers an access token.
func worth(c *town.Client, tokens town.Tokens) int {
	status, _ := c.Call("/userinfo", url.Values{"access_token": {tokens.AccessToken}})
	return status
}

func refusedGrant(t *testing.T, c *town.Client, form url.Values) {
	t.Helper()
	if status, answer := c.Call("/token", form); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("answered %d %v, want 400 invalid_grant", status, answer["error"])
	}
}

// RFC 6749 §4.1.2: what a code gave is taken back when it comes again.
func TestACodeThatComesAgainTakesItsTokensBack(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax", "offline_access")
	a := tax.Ask("connector_hint", "works")
	page := council.NewBrowser(t).Get(a.URL)
	tokens := tax.Redeem(a, page)
	tax.Userinfo(tokens)
	refusedGrant(t, tax, redemption(tax, a, page.Query("code")))
	if worth(tax, tokens) != http.StatusUnauthorized {
		t.Error("the access token of a code that came again still works")
	}
	refusedGrant(t, tax, refreshing(tokens))
}

// A code is of no use without what belongs to it.
func TestAStolenCodeIsWorthless(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, rota := council.NewClient(t, "tax"), council.NewClient(t, "rota")
	for name, steal := range map[string]func(*town.Client, url.Values) *town.Client{
		"another app": func(_ *town.Client, form url.Values) *town.Client {
			form.Set("client_id", rota.ClientID)
			form.Set("client_secret", rota.ClientSecret)
			return rota
		},
		"another verifier": func(c *town.Client, form url.Values) *town.Client {
			form.Set("code_verifier", strings.Repeat("a", 43))
			return c
		},
		"no verifier": func(c *town.Client, form url.Values) *town.Client {
			form.Del("code_verifier")
			return c
		},
		"another address": func(c *town.Client, form url.Values) *town.Client {
			form.Set("redirect_uri", c.RedirectURL+"?a=b")
			return c
		},
		"no address": func(c *town.Client, form url.Values) *town.Client {
			form.Del("redirect_uri")
			return c
		},
	} {
		a := tax.Ask("connector_hint", "works")
		form := redemption(tax, a, council.NewBrowser(t).Get(a.URL).Query("code"))
		thief := steal(tax, form)
		if status, answer := thief.Call("/token", form); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
			t.Errorf("%s: answered %d %v, want 400 invalid_grant", name, status, answer["error"])
		}
	}
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, library := council.NewClient(t, "tax", "offline_access"), council.NewClient(t, "library")
	browser := council.NewBrowser(t)
	atTax, atLibrary := tax.SignIn(browser, "works"), library.SignIn(browser, "works")
	page := browser.Get("/end_session?" + url.Values{
		"id_token_hint": {atTax.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"}, "state": {"so long"},
	}.Encode())
	if !page.AtApp() || page.URL.Path != "/tax/bye" || page.URL.RawQuery != "state=so+long" {
		t.Errorf("signing out led to %s", page)
	}
	for name, token := range map[string]town.Tokens{"tax": atTax, "library": atLibrary} {
		if worth(tax, token) != http.StatusUnauthorized {
			t.Errorf("the access token of %s outlived the session", name)
		}
	}
	for _, c := range []*town.Client{tax, library} {
		if page := browser.Get(c.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
			t.Errorf("signed out, and still signed in to %s: %s", c.ClientID, page)
		}
	}
	// offline_access is for when the resident is gone (OpenID Connect Core §11).
	if tax.Refresh(atTax).ID.Subject != atTax.ID.Subject {
		t.Error("a refresh token is another person's after the resident signed out")
	}
}

// Another site's mischief signs nobody out.
func TestSigningOutIsAskedFor(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, alice, sam := council.NewClient(t, "tax"), council.NewBrowser(t), council.NewBrowser(t)
	sam.Persona = "shared-email"
	tax.SignIn(alice, "works")
	ofSam := tax.SignIn(sam, "works")
	for _, query := range []url.Values{
		{},
		{"client_id": {"tax"}},
		{"id_token_hint": {ofSam.Raw}},
		{"id_token_hint": {"abc"}},
		{"post_logout_redirect_uri": {"https://evil.example/"}},
		{"id_token_hint": {ofSam.Raw}, "post_logout_redirect_uri": {"https://evil.example/"}},
	} {
		page := alice.Get("/end_session?" + query.Encode())
		if page.AtApp() || !strings.Contains(page.Body, "Do you want to sign out?") || strings.Contains(page.Body, `href="https://evil`) {
			t.Errorf("%v led to %s", query, page)
		}
	}
	a := tax.Ask("prompt", "none")
	tax.Redeem(a, alice.Get(a.URL))
}

// The state is the app's own and comes back byte for byte, whatever it is;
// so does the query of a registered address (RFC 6749 §3.1.2, §4.1.2).
func TestWhatTheAppSentComesBack(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tax.RedirectURL += "?a=b"
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.N(256))
	}
	for name, state := range map[string]string{
		"long": strings.Repeat("0123456789", 100), "any bytes": string(noise), "text": "Zoë & \"Co\" = 100% +?#;/\\ …", "none": "",
	} {
		a := tax.Ask("connector_hint", "works", "state", state)
		a.State = state
		page := browser.Get(a.URL)
		tax.Redeem(a, page)
		refused := browser.Get(tax.Ask("prompt", "none", "max_age", "0", "state", state).URL)
		for _, page := range []town.Page{page, refused} {
			if page.Query("state") != state || page.Query("a") != "b" || page.Query("iss") != council.Issuer {
				t.Errorf("%s: the app was sent %s", name, page.URL)
			}
		}
	}
}

// Who says something twice might be understood in two ways; what is said where
// it does not belong is not heard.
func TestPollution(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tokens := tax.SignIn(browser, "works")
	for _, name := range []string{"scope", "response_type", "state", "nonce", "prompt", "code_challenge", "max_age", "anything"} {
		page := browser.Get(tax.Ask(name, "x").URL + "&" + name + "=y")
		if !page.AtApp() || page.Query("error") != "invalid_request" {
			t.Errorf("%s twice led to %s", name, page)
		}
	}
	a := tax.Ask()
	form := redemption(tax, a, browser.Get(a.URL).Query("code"))
	form.Add("code", "another")
	if status, answer := tax.Call("/token", form); status != http.StatusBadRequest || answer["error"] != "invalid_request" {
		t.Errorf("two codes were answered with %d %v", status, answer["error"])
	}
	a = tax.Ask()
	inAddress := redemption(tax, a, browser.Get(a.URL).Query("code")).Encode()
	if status, _ := tax.Call("/token?"+inAddress, url.Values{}); status != http.StatusBadRequest {
		t.Errorf("a code in the address was answered with %d", status)
	}
	if page := browser.Get("/userinfo?access_token=" + tokens.AccessToken); page.Status != http.StatusUnauthorized {
		t.Errorf("an access token in the address was answered with %s", page)
	}
}

// Headers change neither who the broker is nor what it believes.
func TestHeadersThatLie(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax, browser := council.NewClient(t, "tax"), council.NewBrowser(t)
	tokens := tax.SignIn(browser, "works")
	for name, value := range map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example",
		"X-Original-Url": "/jwks", "X-Rewrite-Url": "/jwks", "X-Http-Method-Override": "DELETE", "Host": "evil.example",
	} {
		r := request(t, tax.Ask("prompt", "none").URL, http.Header{name: {value}})
		r.Host = r.Header.Get("Host") // "" is that of the address
		to := browser.Do(r).Header.Get("Location")
		if !strings.HasPrefix(to, tax.RedirectURL+"?") || strings.Contains(to, "evil") {
			t.Errorf("%s: %s led to %q", name, value, to)
		}
	}
	for name, values := range map[string][]string{
		"Authorization": {"Bearer " + tokens.AccessToken, "Bearer x"},
		"Origin":        {council.Issuer, "https://evil.example"},
	} {
		if page := browser.Do(request(t, council.Issuer+"/userinfo", http.Header{name: values})); page.Status != http.StatusBadRequest {
			t.Errorf("%s twice was answered with %s", name, page)
		}
	}
}

// More than anybody needs is refused, and never a fault of ours.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	much := strings.Repeat("x", 100_000)
	ask := func(name string, length int) string { return tax.Ask(name, much[:length]).URL }
	for name, tt := range map[string]struct {
		address string
		header  http.Header
		want    int
	}{
		"a cookie":    {ask("display", 1), http.Header{"Cookie": {"session=" + much}}, http.StatusRequestHeaderFieldsTooLarge},
		"a header":    {ask("display", 1), http.Header{"Accept-Language": {much}}, http.StatusRequestHeaderFieldsTooLarge},
		"an address":  {ask("state", len(much)), nil, http.StatusRequestHeaderFieldsTooLarge},
		"two cookies": {ask("display", 1), http.Header{"Cookie": {"session=" + much[:9000] + "; browser=" + much[:9000]}}, http.StatusSeeOther},
		"a hint":      {ask("login_hint", 20_000), nil, http.StatusSeeOther},
		"a state":     {ask("state", 3000), nil, http.StatusSeeOther}, // to the app, with invalid_request
		"a nonce":     {ask("nonce", 3000), nil, http.StatusSeeOther},
	} {
		if page := council.NewBrowser(t).Do(request(t, tt.address, tt.header)); page.Status != tt.want {
			t.Errorf("%s: answered with %s, want %d", name, page, tt.want)
		}
	}
	if status, _ := tax.Call("/token", url.Values{"grant_type": {"authorization_code"}, "code": {much}}); status != http.StatusBadRequest {
		t.Errorf("a body of 100,000 bytes is answered with %d", status)
	}
}

// Every app gets the signature that it is registered for.
func TestSignaturesAreTheApps(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	for app, want := range map[string]string{"tax": oidc.ES256, "library": oidc.RS256} {
		client := council.NewClient(t, app)
		tokens := client.SignIn(council.NewBrowser(t), "works")
		only := client.Provider.Verifier(&oidc.Config{ClientID: app, SupportedSigningAlgs: []string{want}})
		if _, err := only.Verify(t.Context(), tokens.Raw); err != nil {
			t.Errorf("%s: %v", app, err)
		}
	}
}

// Nobody is somebody else after a restart, and what was signed before it can
// still be verified. With stores of their own, nodes forget nothing at all.
func TestRestart(t *testing.T) {
	t.Parallel()
	t.Run("embedded stores", func(t *testing.T) {
		restarts(t, town.Options{}, false)
	})
	t.Run("real stores", func(t *testing.T) {
		restarts(t, town.Options{Redis: servers.Redis(t), Postgres: servers.Postgres(t)}, true)
	})
}

func restarts(t *testing.T, o town.Options, keepsSessions bool) {
	council := town.Open(t, o)
	tax, browser := council.NewClient(t, "tax", "offline_access"), council.NewBrowser(t)
	before, keys := tax.SignIn(browser, "google"), browser.Get("/jwks").Body
	council.Restart(t, 0)
	if browser.Get("/jwks").Body != keys {
		t.Error("the signing keys changed")
	}
	if page := browser.Get(tax.Ask("prompt", "none").URL); (page.Query("code") != "") != keepsSessions {
		t.Errorf("the session: %s", page)
	}
	if status := worth(tax, before); (status == http.StatusOK) != keepsSessions {
		t.Errorf("the access token is answered with %d", status)
	}
	if after := tax.Refresh(before); after.ID.Subject != before.ID.Subject {
		t.Error("the refresh token is another person's")
	}
	if after := tax.SignIn(council.NewBrowser(t), "google"); after.ID.Subject != before.ID.Subject {
		t.Error("the same person came back with another subject")
	}
}
