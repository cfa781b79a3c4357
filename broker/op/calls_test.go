package op_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// newBrowser keeps cookies and does not follow redirects.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// taxRequest is an authorization request of the app tax, changed by pairs of
// names and values; an empty value takes the parameter away.
func taxRequest(changes ...string) url.Values {
	return with(url.Values{
		"client_id": {"tax"}, "redirect_uri": {taxCallback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"st4te"}, "nonce": {"n0nce"},
	}, changes...)
}

func with(form url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			form.Del(changes[i])
		} else {
			form.Set(changes[i], changes[i+1])
		}
	}
	return form
}

// get asks the broker and returns the answer with its body read.
func (b *bed) get(browser *http.Client, path string, query url.Values) *answer {
	b.t.Helper()
	res, err := browser.Get(b.URL + path + "?" + query.Encode())
	return b.read(res, err)
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

func (b *bed) read(res *http.Response, err error) *answer {
	b.t.Helper()
	b.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.must(err)
	return &answer{res, string(body)}
}

// location is where a redirect leads.
func (a *answer) location(t *testing.T) *url.URL {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want a redirect; body %q", a.StatusCode, a.body)
	}
	u, err := a.Location()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// authorize makes an authorization request and signs in where asked, until the
// browser is sent to an app.
func (b *bed) authorize(browser *http.Client, query url.Values) *url.URL {
	b.t.Helper()
	to := b.get(browser, "/authorize", query).location(b.t)
	if to.Host == "provider.example" {
		to = b.get(browser, "/callback/upstream", url.Values{"state": {to.Query().Get("state")}}).location(b.t)
	}
	return to
}

// code signs in and returns the code.
func (b *bed) code(browser *http.Client, query url.Values) string {
	b.t.Helper()
	to := b.authorize(browser, query)
	code := to.Query().Get("code")
	if code == "" {
		b.t.Fatalf("no code in %s", to)
	}
	return code
}

// call posts a form as the client, which authenticates as it is registered.
func (b *bed) call(path, client string, form url.Values) *answer {
	b.t.Helper()
	res, err := b.post(path, client, form)
	return b.read(res, err)
}

func (b *bed) post(path, client string, form url.Values) (*http.Response, error) {
	c := b.app(client)
	sent := url.Values{}
	maps.Copy(sent, form)
	switch c.ClientAuth {
	case "client_secret_post":
		sent.Set("client_secret", c.ClientSecret.Reveal())
		sent.Set("client_id", c.ClientID)
	case "none":
		sent.Set("client_id", c.ClientID)
	}
	r, err := http.NewRequest(http.MethodPost, b.URL+path, strings.NewReader(sent.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ClientAuth == "client_secret_basic" {
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret.Reveal()))
	}
	return b.Client().Do(r)
}

// redeem exchanges a code of the app tax, with changes to the form.
func (b *bed) redeem(code string, changes ...string) *answer {
	b.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {taxCallback}}
	return b.call("/token", "tax", with(form, changes...))
}

// tokens is a token response.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
}

func (a *answer) tokens(t *testing.T) tokens {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("status %d, want 200; body %q", a.StatusCode, a.body)
	}
	return decode[tokens](t, a.body)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// wantError checks a JSON error and its headers (RFC 6749 §5.2).
func (a *answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d; body %q", a.StatusCode, status, a.body)
	}
	got := decode[struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}](t, a.body)
	if got.Error != code {
		t.Errorf("error %q, want %q", got.Error, code)
	}
	if got.Description == "" || strings.Trim(got.Description, cleanASCII) != "" {
		t.Errorf("error_description %q is missing or not clean", got.Description)
	}
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.Header)
	}
}

// cleanASCII is what descriptions consist of here, well within RFC 6749 §5.2.
const cleanASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._,()-"

// signedIn are the tokens of somebody who just signed in to the app tax.
func (b *bed) signedIn(browser *http.Client, changes ...string) tokens {
	b.t.Helper()
	return b.redeem(b.code(browser, taxRequest(changes...))).tokens(b.t)
}

// userinfo asks with an access token as the bearer.
func (b *bed) userinfo(token string) *answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.URL+"/userinfo", nil)
	b.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := b.Client().Do(r)
	return b.read(res, err)
}

// wantDead checks that an access token is good for nothing.
func (b *bed) wantDead(token string) {
	b.t.Helper()
	a := b.userinfo(token)
	a.wantError(b.t, http.StatusUnauthorized, "invalid_token")
	if challenge := a.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) {
		b.t.Errorf("WWW-Authenticate %q", challenge)
	}
}

func (b *bed) wantAlive(token string) {
	b.t.Helper()
	if a := b.userinfo(token); a.StatusCode != http.StatusOK {
		b.t.Errorf("userinfo: status %d, want 200; body %q", a.StatusCode, a.body)
	}
}
