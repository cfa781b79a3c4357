package op_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// wasteRequest is an authorization request of the app waste, which must use
// PKCE.
func wasteRequest(verifier string, changes ...string) url.Values {
	return with(url.Values{
		"client_id": {"waste"}, "redirect_uri": {wasteCallback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}, changes...)
}

// waste redeems a code of the app waste.
func (b *bed) waste(code, verifier string) *answer {
	b.t.Helper()
	return b.call("/token", "waste", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {wasteCallback}, "code_verifier": {verifier},
	})
}

// library signs in to the public app, on a port that the system gave it.
func (b *bed) library() tokens {
	b.t.Helper()
	verifier, callback := oauth2.GenerateVerifier(), "http://127.0.0.1:51004/callback"
	code := b.code(newBrowser(b.t), url.Values{
		"client_id": {"library"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	})
	return b.call("/token", "library", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}).tokens(b.t)
}

func TestAuthorize(t *testing.T) {
	b := newBed(t)
	to := b.authorize(newBrowser(t), taxRequest())
	got := to.Query()
	if got.Get("state") != "st4te" || got.Get("iss") != b.URL || got.Get("code") == "" || len(got) != 3 {
		t.Errorf("answer %v", got)
	}
	if to.RawQuery = ""; to.String() != taxCallback {
		t.Errorf("sent to %s", to)
	}
}

// RFC 6749 §4.1.2.1: the person is told, and nobody is sent anywhere.
func TestEnsureRegisteredRedirectURI(t *testing.T) {
	b := newBed(t)
	tests := map[string]url.Values{
		"unregistered":       taxRequest("redirect_uri", "https://evil.example/callback"),
		"query added":        taxRequest("redirect_uri", taxCallback+"?foo=bar"),
		"fragment added":     taxRequest("redirect_uri", taxCallback+"#foo"),
		"path added":         taxRequest("redirect_uri", taxCallback+"/../evil"),
		"case changed":       taxRequest("redirect_uri", "https://TAX.example/callback"),
		"port added":         taxRequest("redirect_uri", "https://tax.example:443/callback"),
		"user added":         taxRequest("redirect_uri", "https://tax.example@evil.example/callback"),
		"missing":            taxRequest("redirect_uri", ""),
		"of another app":     taxRequest("redirect_uri", wasteCallback),
		"query differs":      with(taxRequest(), "client_id", "waste", "redirect_uri", strings.Replace(wasteCallback, "lorem", "dolor", 1)),
		"query missing":      with(taxRequest(), "client_id", "waste", "redirect_uri", "https://waste.example/callback"),
		"unknown client":     taxRequest("client_id", "nobody"),
		"no client":          taxRequest("client_id", ""),
		"app that is no one": taxRequest("client_id", "saml"),
		"and an error":       taxRequest("redirect_uri", "https://evil.example/callback", "response_type", ""),
	}
	twice := taxRequest()
	twice.Add("redirect_uri", "https://evil.example/callback")
	tests["twice"] = twice
	for name, query := range tests {
		t.Run(name, func(t *testing.T) {
			got := b.get(newBrowser(t), "/authorize", query)
			if got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
				t.Errorf("status %d, Location %q", got.StatusCode, got.Header.Get("Location"))
			}
			if !strings.Contains(got.body, "This request cannot be completed") {
				t.Errorf("page %q", got.body)
			}
			if strings.Contains(got.body, "evil.example") {
				t.Error("the page shows the address")
			}
		})
	}
}

// A query that is part of the registered address comes back, with a code and
// with an error.
func TestRedirectURIQueryOK(t *testing.T) {
	b := newBed(t)
	for _, request := range []url.Values{
		wasteRequest(oauth2.GenerateVerifier()),
		wasteRequest(oauth2.GenerateVerifier(), "response_type", "token"),
	} {
		to := b.authorize(newBrowser(t), request)
		if !strings.HasPrefix(to.String(), wasteCallback+"&") {
			t.Errorf("sent to %s", to)
		}
	}
}

func TestErrorsAreRedirected(t *testing.T) {
	b := newBed(t)
	for name, test := range map[string]struct {
		request url.Values
		code    string
	}{
		"response-type-missing":          {taxRequest("response_type", ""), "invalid_request"},
		"unsigned-request-object":        {taxRequest("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"},
		"request-uri-unsigned":           {taxRequest("request_uri", "https://tax.example/request"), "request_uri_not_supported"},
		"prompt-none-not-logged-in":      {taxRequest("prompt", "none"), "login_required"},
		"id-token-hint of somebody else": {taxRequest("id_token_hint", "e30.e30.e30"), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			to := b.authorize(newBrowser(t), test.request)
			got := to.Query()
			if to.Host != "tax.example" || got.Get("error") != test.code || got.Get("state") != "st4te" || got.Get("iss") != b.URL {
				t.Errorf("sent to %s, want %s", to, test.code)
			}
			for parameter := range got {
				if !strings.Contains(" error error_description state iss ", " "+parameter+" ") {
					t.Errorf("%s does not belong there", parameter)
				}
			}
			if strings.Trim(got.Get("error_description"), cleanASCII) != "" {
				t.Errorf("error_description %q", got.Get("error_description"))
			}
		})
	}
}

// An app is told the same where nobody can sign in as the request asks.
func TestNoConnectorWillDo(t *testing.T) {
	b := newBed(t)
	for id, app := range b.flow.Apps {
		app.Connectors = []string{"gone"}
		b.flow.Apps[id] = app
	}
	to := b.get(newBrowser(t), "/authorize", taxRequest()).location(t)
	if to.Host != "tax.example" || to.Query().Get("error") != "access_denied" {
		t.Errorf("sent to %s", to)
	}
}

func TestUserRejectsAuthentication(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	to := b.get(browser, "/authorize", taxRequest()).location(t)
	tag, _, _ := strings.Cut(to.Query().Get("state"), ".")
	to = b.get(browser, "/cancel", url.Values{"request": {tag}}).location(t)
	if to.Host != "tax.example" || to.Query().Get("error") != "access_denied" {
		t.Errorf("sent to %s", to)
	}
}

// The state comes back as it is, whatever bytes it has.
func TestState(t *testing.T) {
	b := newBed(t)
	for _, state := range []string{
		"a b+c%20&d=e#f?g/h\"<>\\", "żółć", "\xff\xfe\x00\n", strings.Repeat("x", 384), strings.Repeat("y", 2048),
	} {
		if got := b.authorize(newBrowser(t), taxRequest("state", state)).Query().Get("state"); got != state {
			t.Errorf("got %q, want %q", got, state)
		}
	}
	to := b.authorize(newBrowser(t), taxRequest("state", strings.Repeat("z", 2049)))
	if to.Query().Get("error") != "invalid_request" || to.Query().Has("state") {
		t.Errorf("sent to %s", to)
	}
	if to := b.authorize(newBrowser(t), taxRequest("state", "")); to.Query().Has("state") {
		t.Errorf("sent to %s", to)
	}
}

// An app's POST becomes a GET, with which the session's cookie comes.
func TestEnsurePostRequestSucceeds(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	r, err := http.NewRequest(http.MethodPost, b.URL+"/authorize", strings.NewReader(taxRequest().Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://tax.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := browser.Do(r)
	to := b.read(res, err).location(t)
	if to.Path != "/authorize" || to.Host != strings.TrimPrefix(b.URL, "http://") {
		t.Fatalf("sent to %s", to)
	}
	b.code(browser, to.Query())
}

// Parameters that mean nothing here do no harm.
func TestEnsureRequestWithUnknownParameterSucceeds(t *testing.T) {
	b := newBed(t)
	for _, parameter := range []string{
		"extra=foobar", "display=page", "display=popup", "ui_locales=se", "claims_locales=se", "acr_values=1 2",
		"login_hint=buffy@host", `claims={"userinfo":{"name":{"essential":true}}}`, "response_mode=query",
		"prompt=consent", "prompt=login", "prompt=select_account login", "connector_hint=nowhere",
	} {
		name, value, _ := strings.Cut(parameter, "=")
		b.code(newBrowser(t), taxRequest(name, value))
	}
}

func TestConnectorHint(t *testing.T) {
	b := newBed(t)
	two := b.flow.Ways[0]
	two.Config.ID = "other"
	b.flow.Ways = append(b.flow.Ways, two)
	if to := b.get(newBrowser(t), "/authorize", taxRequest()).location(t); to.Path != "/choose" {
		t.Errorf("without a hint: sent to %s", to)
	}
	for _, name := range []string{"connector_hint", "idp_hint", "kc_idp_hint"} {
		if to := b.get(newBrowser(t), "/authorize", taxRequest(name, "other")).location(t); to.Host != "provider.example" {
			t.Errorf("%s: sent to %s", name, to)
		}
	}
}

func TestPromptLogin(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	was := b.idToken("tax", b.signedIn(browser).IDToken)
	b.pass(time.Second)
	if to := b.get(browser, "/authorize", taxRequest("prompt", "login")).location(t); to.Host != "provider.example" {
		t.Fatalf("not asked again but sent to %s", to)
	}
	if !b.provider.last.Force {
		t.Error("the provider is not told to ask again")
	}
	is := b.idToken("tax", b.signedIn(browser, "prompt", "login").IDToken)
	if is["sub"] != was["sub"] || is["auth_time"].(float64) <= was["auth_time"].(float64) {
		t.Errorf("was %v, is %v", was, is)
	}
}

func TestPromptNoneLoggedIn(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	answer := b.signedIn(browser)
	was := b.idToken("tax", answer.IDToken)
	b.pass(time.Minute)
	for _, hint := range []string{"", answer.IDToken} {
		to := b.get(browser, "/authorize", taxRequest("prompt", "none", "id_token_hint", hint)).location(t)
		is := b.idToken("tax", b.redeem(to.Query().Get("code")).tokens(t).IDToken)
		if is["sub"] != was["sub"] || is["auth_time"] != was["auth_time"] || is["sid"] != was["sid"] {
			t.Errorf("was %v, is %v", was, is)
		}
	}
}

// An app that means Alice never gets Bob.
func TestIDTokenHint(t *testing.T) {
	b := newBed(t)
	alice := b.signedIn(newBrowser(t)).IDToken
	b.pass(24 * time.Hour) // long expired
	b.provider.signIn("bob")
	browser := newBrowser(t)
	b.signedIn(browser)
	for _, prompt := range []string{"", "none", "login"} {
		to := b.authorize(browser, taxRequest("prompt", prompt, "id_token_hint", alice))
		if to.Query().Get("error") != "login_required" || to.Query().Has("code") {
			t.Errorf("prompt %q: sent to %s", prompt, to)
		}
	}
	b.provider.signIn("alice")
	b.code(browser, taxRequest("prompt", "login", "id_token_hint", alice))
}

func TestIDTokenHintOfAnotherClient(t *testing.T) {
	b := newBed(t)
	browser, verifier := newBrowser(t), oauth2.GenerateVerifier()
	hint := b.waste(b.code(browser, wasteRequest(verifier)), verifier).tokens(t).IDToken
	if to := b.authorize(browser, taxRequest("id_token_hint", hint)); to.Query().Get("error") != "invalid_request" {
		t.Errorf("sent to %s", to)
	}
}

func TestMaxAge(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	was := b.idToken("tax", b.signedIn(browser, "max_age", "15000").IDToken)
	b.pass(2 * time.Second)
	same := b.idToken("tax", b.signedIn(browser, "max_age", "10000").IDToken)
	if same["auth_time"] != was["auth_time"] {
		t.Errorf("auth_time was %v, is %v", was["auth_time"], same["auth_time"])
	}
	for _, age := range []string{"1", "0"} {
		b.pass(2 * time.Second)
		if to := b.get(browser, "/authorize", taxRequest("max_age", age)).location(t); to.Host != "provider.example" {
			t.Fatalf("max_age %s: not asked again but sent to %s", age, to)
		}
	}
	again := b.idToken("tax", b.signedIn(browser, "max_age", "1").IDToken)
	if again["auth_time"].(float64) <= was["auth_time"].(float64) {
		t.Errorf("auth_time was %v, is %v", was["auth_time"], again["auth_time"])
	}
}

func TestNativeApp(t *testing.T) {
	b := newBed(t)
	answer := b.library()
	if got := decode[map[string]any](t, b.userinfo(answer.AccessToken).body); len(got) != 1 || got["sub"] == "" {
		t.Errorf("userinfo %v", got)
	}
	verifier := oauth2.GenerateVerifier()
	to := b.authorize(newBrowser(t), url.Values{
		"client_id": {"library"}, "redirect_uri": {libraryPrivate}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	})
	if !strings.HasPrefix(to.String(), libraryPrivate+"?code=") {
		t.Errorf("sent to %s", to)
	}
}

// The registration may change while a resident signs in: then nobody is sent
// to an address that is not registered any more.
func TestRegistrationChangesMeanwhile(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	to := b.get(browser, "/authorize", taxRequest()).location(t)
	apps := town()
	apps[0].OIDC.RedirectURIs = []string{"https://tax.example/new"}
	b.build(apps)
	got := b.get(browser, "/callback/upstream", url.Values{"state": {to.Query().Get("state")}})
	if got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("status %d, Location %q", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestCodesAreRandom(t *testing.T) {
	b := newBed(t)
	browser, seen := newBrowser(t), map[string]bool{}
	for range 20 {
		code := b.code(browser, taxRequest())
		for part := range strings.SplitSeq(code, ".") {
			if len(part) != 26 || seen[part] {
				t.Fatalf("%q is short or was there before", part)
			}
			seen[part] = true
		}
	}
}

// The access tokens of an app are worth nothing at another issuer's; and the
// session's other apps are none of its business.
func TestSignOutEndsEveryApp(t *testing.T) {
	b := newBed(t)
	browser, verifier := newBrowser(t), oauth2.GenerateVerifier()
	tax := b.signedIn(browser)
	waste := b.waste(b.code(browser, wasteRequest(verifier)), verifier).tokens(t)
	waiting := b.code(browser, taxRequest())
	b.signOut(browser)
	b.wantDead(tax.AccessToken)
	b.wantDead(waste.AccessToken)
	b.redeem(waiting).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// signOut signs out at the broker itself.
func (b *bed) signOut(browser *http.Client) {
	b.t.Helper()
	res, err := browser.Post(b.URL+"/sign-out", "", nil)
	if got := b.read(res, err); got.StatusCode != http.StatusOK {
		b.t.Fatal(fmt.Errorf("sign out: status %d", got.StatusCode))
	}
}
