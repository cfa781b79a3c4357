package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/store"
)

func TestUserinfo(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t))
	sub := b.idToken("tax", answer.IDToken)["sub"]
	want := map[string]any{
		"sub": sub, "name": "alice Example", "email": "alice@example.test", "email_verified": true,
		"ward": "North", // of the council's own, released to every sign-in
	}
	form := url.Values{"access_token": {answer.AccessToken}}.Encode()
	for name, r := range map[string]*http.Request{
		"get":         b.request(http.MethodGet, "", "Bearer "+answer.AccessToken),
		"scheme":      b.request(http.MethodGet, "", "bearer "+answer.AccessToken),
		"post-header": b.request(http.MethodPost, "", "Bearer "+answer.AccessToken),
		"post-body":   b.request(http.MethodPost, form, ""),
	} {
		t.Run(name, func(t *testing.T) {
			res, err := b.Client().Do(r)
			got := b.read(res, err)
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, headers %v", got.StatusCode, got.Header)
			}
			if diff := cmp.Diff(want, decode[map[string]any](t, got.body)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// request is a request to the userinfo endpoint.
func (b *bed) request(method, form, authorization string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(method, b.URL+"/userinfo", strings.NewReader(form))
	b.must(err)
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

// An app gets what its scopes ask for, of what it is registered for.
func TestScopes(t *testing.T) {
	b := newBed(t)
	for scope, want := range map[string][]string{
		"openid":         {"sub", "ward"},
		"openid profile": {"sub", "ward", "name"},
		"email openid":   {"sub", "ward", "email", "email_verified"},
		"openid phone":   {"sub", "ward"}, // known, and not registered
		"openid unknown": {"sub", "ward"},
		"openid address phone email profile what": {"sub", "ward", "name", "email", "email_verified"},
	} {
		t.Run(scope, func(t *testing.T) {
			got := decode[map[string]any](t, b.userinfo(b.signedIn(newBrowser(t), "scope", scope).AccessToken).body)
			for _, name := range want {
				if got[name] == nil {
					t.Errorf("no %s", name)
				}
			}
			if len(got) != len(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestUserinfoRefuses(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t))
	form := url.Values{"access_token": {answer.AccessToken}}.Encode()
	inAddress := b.request(http.MethodGet, "", "")
	inAddress.URL.RawQuery = form
	tests := []struct {
		name      string
		request   *http.Request
		status    int
		code      string
		challenge string
	}{
		{"no token", b.request(http.MethodGet, "", ""), 401, "", `Bearer realm="apps"`},
		{"token in the address", inAddress, 401, "", `Bearer realm="apps"`},
		{"other scheme", b.request(http.MethodGet, "", "Basic "+answer.AccessToken), 401, "", `Bearer realm="apps"`},
		{"twice", b.request(http.MethodPost, form, "Bearer "+answer.AccessToken), 400, "invalid_request", `error="invalid_request"`},
		{"repeated", b.request(http.MethodPost, form+"&"+form, ""), 400, "invalid_request", `error="invalid_request"`},
		{"made up", b.request(http.MethodGet, "", "Bearer letmein"), 401, "invalid_token", `error="invalid_token"`},
		{"ID token", b.request(http.MethodGet, "", "Bearer "+answer.IDToken), 401, "invalid_token", `error="invalid_token"`},
		{"right tag", b.request(http.MethodGet, "", "Bearer "+answer.AccessToken[:27]+strings.Repeat("A", 26)), 401, "invalid_token", `error="invalid_token"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res, err := b.Client().Do(test.request)
			got := b.read(res, err)
			if test.code != "" {
				got.wantError(t, test.status, test.code)
			}
			if got.StatusCode != test.status || !strings.Contains(got.Header.Get("WWW-Authenticate"), test.challenge) {
				t.Errorf("status %d, WWW-Authenticate %q", got.StatusCode, got.Header.Get("WWW-Authenticate"))
			}
			if test.code == "" && (got.body != "" || strings.Contains(got.Header.Get("WWW-Authenticate"), "error")) {
				// RFC 6750 §3.1.
				t.Errorf("an error although no token was sent: %q", got.body)
			}
		})
	}
}

func TestAccessTokenExpires(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	b.pass(59 * time.Second) // the grant must outlive the latest token
	token := b.redeem(code).tokens(t).AccessToken
	b.pass(599 * time.Second)
	b.wantAlive(token)
	b.pass(time.Second)
	b.wantDead(token)
}

// Records in Redis that no request of ours can have written, or that Redis
// keeps longer than it should, open nothing.
func TestAccessTokenRecord(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t))
	h, _ := store.ParseHandle(answer.AccessToken)
	table := store.Table[map[string]any]{Name: "access"}
	for name, record := range map[string]map[string]any{
		"expired":             {"client": "tax", "exp": b.now()},
		"of another client":   {"client": "waste", "exp": b.now().Add(time.Minute)},
		"of an offline grant": {"client": "tax", "exp": b.now().Add(time.Minute), "offline": true},
	} {
		t.Run(name, func(t *testing.T) {
			batch := b.store.Batch()
			table.Put(batch, h, record, time.Minute)
			b.must(batch.Exec(t.Context()))
			b.wantDead(answer.AccessToken)
		})
	}
}

// A code and a refresh token are no access tokens.
func TestOtherTokensAreNoAccessTokens(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest("scope", "openid offline_access"))
	b.wantDead(code)
	b.wantDead(b.redeem(code).tokens(t).RefreshToken)
}
