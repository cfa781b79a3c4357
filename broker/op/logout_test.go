package op_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/test/markup"
)

// goodbye is a sign-out request of the app tax.
func goodbye(hint string, changes ...string) url.Values {
	return with(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {taxGoodbye}, "state": {"goodb+e &"}}, changes...)
}

// gone reports whether the browser's session is over.
func (b *bed) gone(browser *http.Client) bool {
	b.t.Helper()
	to := b.get(browser, "/authorize", taxRequest("prompt", "none")).location(b.t)
	return to.Query().Get("error") == "login_required"
}

func TestRPInitiatedLogout(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	answer := b.signedIn(browser)
	to := b.get(browser, "/end_session", goodbye(answer.IDToken)).location(t)
	if got := to.String(); got != taxGoodbye+"?state=goodb%2Be+%26" {
		t.Errorf("sent to %s", got)
	}
	if !b.gone(browser) {
		t.Error("still signed in")
	}
	b.wantDead(answer.AccessToken)
	// Again, with nobody signed in.
	if to := b.get(browser, "/end_session", goodbye(answer.IDToken)).location(t); to.Host != "tax.example" {
		t.Errorf("sent to %s", to)
	}
}

func TestRPInitiatedLogoutNoState(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	to := b.get(browser, "/end_session", goodbye(b.signedIn(browser).IDToken, "state", "", "client_id", "tax")).location(t)
	if to.String() != taxGoodbye {
		t.Errorf("sent to %s", to)
	}
}

// The ID token has long expired and the key that signed it has been replaced.
func TestRPInitiatedLogoutExpiredHint(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	hint := b.signedIn(browser).IDToken
	b.pass(30 * time.Minute)
	if to := b.get(browser, "/end_session", goodbye(hint)).location(t); to.Host != "tax.example" {
		t.Errorf("sent to %s", to)
	}
	if !b.gone(browser) {
		t.Error("still signed in")
	}
}

func TestRPInitiatedLogoutPost(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	form := goodbye(b.signedIn(browser).IDToken)
	r, err := http.NewRequest(http.MethodPost, b.URL+"/end_session", strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := browser.Do(r)
	to := b.read(res, err).location(t)
	if to.Path != "/end_session" {
		t.Fatalf("sent to %s", to)
	}
	if to := b.get(browser, "/end_session", to.Query()).location(t); to.Host != "tax.example" {
		t.Errorf("sent to %s", to)
	}
}

// The hint is of the same resident's earlier session: to end this one, they are
// asked.
func TestRPInitiatedLogoutOfAnEarlierSession(t *testing.T) {
	b := newBed(t)
	earlier := b.signedIn(newBrowser(t))
	browser := newBrowser(t)
	b.signedIn(browser)
	if got := b.get(browser, "/end_session", goodbye(earlier.IDToken)); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "confirm-sign-out") {
		t.Errorf("status %d, want the question", got.StatusCode)
	}
	if b.gone(browser) {
		t.Error("signed out unasked")
	}
}

// Whatever is doubtful is asked, and never redirected: neither at once nor
// after the resident has agreed.
func TestRPInitiatedLogoutAsks(t *testing.T) {
	b := newBed(t)
	alice := b.signedIn(newBrowser(t)).IDToken
	b.provider.signIn("bob")
	browser := newBrowser(t)
	hint := b.signedIn(browser).IDToken
	resigned := func(name string, value any) string {
		claims := b.idToken("tax", hint)
		claims[name] = value
		token, err := b.keys.Sign("RS256", "", claims)
		b.must(err)
		return token
	}
	twice := goodbye(hint)
	twice.Add("post_logout_redirect_uri", "https://evil.example/")
	for name, test := range map[string]struct {
		query url.Values
		link  string // to where the page leads afterwards
	}{
		"bad-post-logout-redirect-uri":   {goodbye(hint, "post_logout_redirect_uri", "https://evil.example/"), "https://tax.example/"},
		"query-added":                    {goodbye(hint, "post_logout_redirect_uri", taxGoodbye+"?foo=bar"), "https://tax.example/"},
		"redirect-uri":                   {goodbye(hint, "post_logout_redirect_uri", taxCallback), "https://tax.example/"},
		"no-id-token-hint":               {goodbye(""), ""},
		"no-id-token-hint with client":   {goodbye("", "client_id", "tax"), taxGoodbye + "?state=goodb%2Be+%26"},
		"modified-id-token-hint":         {goodbye(unsigned(hint)), ""},
		"bad-id-token-hint":              {goodbye(b.forged(hint)), ""},
		"hint of a former issuer":        {goodbye(resigned("iss", "https://old.example")), ""},
		"hint about nobody":              {goodbye(resigned("sub", "")), ""},
		"no-params":                      {url.Values{}, ""},
		"only-state":                     {url.Values{"state": {"x"}}, ""},
		"hint of another client":         {goodbye(hint, "client_id", "waste"), ""},
		"hint about another person":      {goodbye(alice), taxGoodbye + "?state=goodb%2Be+%26"},
		"repeated":                       {twice, "https://tax.example/"},
		"unknown client":                 {url.Values{"client_id": {"nobody"}}, ""},
		"script as the address":          {goodbye(hint, "post_logout_redirect_uri", "javascript:alert(1)"), "https://tax.example/"},
		"script as the address, no hint": {goodbye("", "post_logout_redirect_uri", "javascript:alert(1)"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b.signedIn(browser)
			asked := b.get(browser, "/end_session", test.query)
			if asked.StatusCode != http.StatusOK || !strings.Contains(asked.body, `id="confirm-sign-out"`) {
				t.Fatalf("status %d, page %q", asked.StatusCode, asked.body)
			}
			if b.gone(browser) {
				t.Fatal("signed out unasked")
			}
			done := b.submit(browser, asked)
			if done.StatusCode != http.StatusOK || !strings.Contains(done.body, "You are signed out") {
				t.Fatalf("status %d, page %q", done.StatusCode, done.body)
			}
			if !b.gone(browser) {
				t.Error("still signed in")
			}
			if link := markup.Link(done.body, "back"); link != test.link {
				t.Errorf("the page leads to %q, want %q", link, test.link)
			}
		})
	}
}

// submit sends the form of a page.
func (b *bed) submit(browser *http.Client, page *answer) *answer {
	b.t.Helper()
	forms := markup.Forms(page.Request.URL, page.body)
	if len(forms) == 0 {
		b.t.Fatal("no form")
	}
	r, err := http.NewRequest(http.MethodPost, forms[0].Action, strings.NewReader(forms[0].Fields.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := browser.Do(r)
	return b.read(res, err)
}

// Without an address the resident stays here.
func TestRPInitiatedLogoutNoPostLogoutRedirectURI(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	got := b.get(browser, "/end_session", url.Values{"id_token_hint": {b.signedIn(browser).IDToken}})
	if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "You are signed out") {
		t.Errorf("status %d, page %q", got.StatusCode, got.body)
	}
	if !b.gone(browser) {
		t.Error("still signed in")
	}
}

// Nobody is signed in: there is nothing to ask, and still no open redirect.
func TestRPInitiatedLogoutNobody(t *testing.T) {
	b := newBed(t)
	for name, query := range map[string]url.Values{
		"no-params": {}, "only-state": {"state": {"x"}}, "client alone": goodbye("", "client_id", "tax"),
	} {
		got := b.get(newBrowser(t), "/end_session", query)
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "You are signed out") {
			t.Errorf("%s: status %d, page %q", name, got.StatusCode, got.body)
		}
	}
}

// Another site cannot press the button.
func TestConfirmIsForOurPagesOnly(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	b.signedIn(browser)
	r, err := http.NewRequest(http.MethodPost, b.URL+"/end_session/confirm", nil)
	b.must(err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := browser.Do(r)
	if got := b.read(res, err); got.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", got.StatusCode)
	}
	if b.gone(browser) {
		t.Error("signed out by another site")
	}
}

// unsigned is a token with its signature taken away (alg none).
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}

// forged is a token signed with another key of the same name.
func (b *bed) forged(token string) string {
	b.t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	b.must(err)
	key := jose.JSONWebKey{Key: newKey(b.t), KeyID: b.header(token)["kid"].(string)}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	b.must(err)
	jws, err := signer.Sign(payload)
	b.must(err)
	compact, err := jws.CompactSerialize()
	b.must(err)
	return compact
}
