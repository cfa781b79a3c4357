package op_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// listener is an app that is told of sign-outs (Back-Channel Logout 1.0 §2.5).
type listener struct {
	*httptest.Server
	status int

	mu    sync.Mutex
	calls []*http.Request
}

func newListener(t *testing.T) *listener {
	l := &listener{status: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.mu.Lock()
		l.calls = append(l.calls, r)
		l.mu.Unlock()
		if l.status == http.StatusSeeOther {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(l.status)
	}))
	t.Cleanup(l.Close)
	return l
}

// told are the logout tokens that came.
func (l *listener) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var tokens []string
	for _, r := range l.calls {
		tokens = append(tokens, r.PostForm.Get("logout_token"))
	}
	return tokens
}

// listening is the town with an app that is told at l.
func listening(t *testing.T, app string, l *listener) *bed {
	apps := town()
	for i := range apps {
		if apps[i].ID == app {
			apps[i].OIDC.BackchannelLogoutURI = l.URL + "/backchannel"
		}
	}
	return newBed(t, apps...)
}

func TestBackchannelLogout(t *testing.T) {
	l := newListener(t)
	b := listening(t, "tax", l)
	browser := newBrowser(t)
	id := b.claims(b.signedIn(browser).IDToken)
	b.code(browser, taxRequest()) // the same session, once more
	b.pass(2 * time.Hour / 3)     // the grant is long over, the session is not
	page := b.postForm(browser, "/sign-out")
	if !strings.Contains(page.body, "<li>Council tax</li>") || strings.Contains(page.body, "Services that have not signed you out") {
		t.Errorf("page %s", page.body)
	}
	tokens := l.told()
	if len(tokens) != 1 {
		t.Fatalf("told %d times, want once", len(tokens))
	}
	call := l.calls[0]
	if call.Method != http.MethodPost || call.URL.Path != "/backchannel" || call.URL.RawQuery != "" ||
		call.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(call.PostForm) != 1 || call.Header.Get("Cookie") != "" {
		t.Errorf("called by %s %s with %v", call.Method, call.URL, call.Header)
	}

	jws, err := jose.ParseSignedCompact(tokens[0], []jose.SignatureAlgorithm{jose.RS256})
	b.must(err)
	if typ := jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType]; typ != "logout+jwt" {
		t.Errorf("typ %v", typ)
	}
	claims := b.claims(tokens[0])
	want := map[string]any{
		"iss": b.URL, "aud": "tax", "sub": id["sub"], "sid": id["sid"],
		"iat": float64(b.now().Unix()), "exp": float64(b.now().Add(2 * time.Minute).Unix()),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if jti, _ := claims["jti"].(string); len(jti) < 20 {
		t.Errorf("jti %q", jti)
	}
	delete(claims, "jti")
	if got, want := mustJSON(t, claims), mustJSON(t, want); got != want { // and no nonce
		t.Errorf("claims %s, want %s", got, want)
	}
	// It is no hint of who is signed in.
	if to := b.get(newBrowser(t), "/authorize", taxRequest("id_token_hint", tokens[0])).location(t); to.Query().Get("error") != "invalid_request" {
		t.Errorf("a logout token passes for an ID token: %s", to)
	}
}

// claims are those of a token that the broker's published keys verify.
func (b *bed) claims(token string) map[string]any {
	b.t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	b.must(err)
	keys := decode[jose.JSONWebKeySet](b.t, b.get(newBrowser(b.t), "/jwks", nil).body)
	for _, key := range keys.Key(jws.Signatures[0].Header.KeyID) {
		payload, err := jws.Verify(key)
		b.must(err)
		return decode[map[string]any](b.t, string(payload))
	}
	b.t.Fatal("signed with a key that is not published")
	return nil
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (b *bed) postForm(browser *http.Client, path string) *answer {
	b.t.Helper()
	res, err := browser.PostForm(b.URL+path, url.Values{})
	return b.read(res, err)
}

// Back-Channel Logout §2.8.
func TestBackchannelLogoutAnswers(t *testing.T) {
	for status, done := range map[int]bool{200: true, 204: true, 202: false, 303: false, 400: false, 500: false} {
		l := newListener(t)
		l.status = status
		b := listening(t, "tax", l)
		browser := newBrowser(t)
		b.signedIn(browser)
		page := b.postForm(browser, "/sign-out")
		if failed := strings.Contains(page.body, "Services that have not signed you out"); failed == done || len(l.told()) != 1 {
			t.Errorf("status %d: failed %v, told %d times", status, failed, len(l.told()))
		}
	}
}

// The app that started knows; the others are told before it is answered.
func TestBackchannelLogoutOfOthers(t *testing.T) {
	l := newListener(t)
	b := listening(t, "waste", l)
	browser := newBrowser(t)
	hint := b.signedIn(browser).IDToken
	b.code(browser, url.Values{
		"client_id": {"waste"}, "redirect_uri": {wasteCallback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	})
	// No two apps can tell that theirs is one session, or one person.
	if to := b.get(browser, "/end_session", goodbye(hint)).location(t); to.Host != "tax.example" {
		t.Errorf("sent to %s", to)
	}
	tokens := l.told()
	if len(tokens) != 1 {
		t.Fatalf("waste was told %d times", len(tokens))
	}
	if claims, id := b.claims(tokens[0]), b.claims(hint); claims["aud"] != "waste" || claims["sid"] == "" || claims["sid"] == id["sid"] || claims["sub"] == id["sub"] {
		t.Errorf("waste was told %v, tax has %v", claims, id)
	}
}

func TestStarterIsNotTold(t *testing.T) {
	l := newListener(t)
	b := listening(t, "tax", l)
	browser := newBrowser(t)
	hint := b.signedIn(browser).IDToken
	b.get(browser, "/end_session", goodbye(hint)).location(t)
	if n := len(l.told()); n != 0 {
		t.Errorf("tax was told %d times of its own sign-out", n)
	}
	// Where it is the resident who agrees, nothing shows that the app did.
	b.signedIn(browser)
	b.read(browser.PostForm(b.URL+"/end_session/confirm", url.Values{"client_id": {"tax"}}))
	if n := len(l.told()); n != 1 {
		t.Errorf("tax was told %d times of the resident's sign-out", n)
	}
}

// An app that fails is named before the browser is sent to the one that asked.
func TestFailedAppIsNamed(t *testing.T) {
	l := newListener(t)
	l.status = http.StatusInternalServerError
	b := listening(t, "waste", l)
	browser := newBrowser(t)
	hint := b.signedIn(browser).IDToken
	b.code(browser, url.Values{
		"client_id": {"waste"}, "redirect_uri": {wasteCallback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	})
	page := b.get(browser, "/end_session", goodbye(hint))
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "<li>Waste</li>") || !strings.Contains(page.body, "Return to Council tax") {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	_, rest, _ := strings.Cut(page.body, `href="/sign-out/continue?id=`)
	id, _, _ := strings.Cut(rest, `"`)
	to := b.get(browser, "/sign-out/continue", url.Values{"id": {id}}).location(t)
	if got := to.String(); got != taxGoodbye+"?state=goodb%2Be+%26" {
		t.Errorf("sent to %s", got)
	}
	if logged := b.log.String(); !strings.Contains(logged, `"missed.waste":`) || slices.ContainsFunc(l.told(), func(token string) bool { return strings.Contains(logged, token) }) {
		t.Errorf("logged %s", logged)
	}
}
