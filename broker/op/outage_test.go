package op_test

import (
	"net/http"
	"net/url"
	"testing"
)

// When Redis is down apps are told to come again, and nothing they hold is
// spoilt.
func TestRedisIsDown(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	code := b.code(browser, taxRequest("scope", "openid offline_access"))
	held := b.signedIn(browser)
	b.redis.SetError("LOADING Redis is loading the dataset in memory")
	for path, got := range map[string]*answer{
		"/token":      b.redeem(code),
		"/userinfo":   b.userinfo(held.AccessToken),
		"/revoke":     b.revoke("tax", held.AccessToken),
		"/introspect": b.call("/introspect", "tax", url.Values{"token": {held.AccessToken}}),
	} {
		t.Run(path, func(t *testing.T) {
			got.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
			if got.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
	if got := b.get(browser, "/end_session", goodbye(held.IDToken)); got.StatusCode < 500 {
		t.Errorf("end_session: status %d", got.StatusCode)
	}
	b.redis.SetError("")
	b.wantAlive(held.AccessToken)
	b.redeem(code).tokens(t)
}

func TestDatabaseIsDown(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	held := b.signedIn(browser, "scope", "openid offline_access")
	b.must(b.db.Close())
	b.wantAlive(held.AccessToken)
	// Nobody can say whether the account is still in good standing.
	if got := b.get(browser, "/authorize", taxRequest("prompt", "none")); got.StatusCode < 500 {
		t.Errorf("single sign-on: status %d", got.StatusCode)
	}
	got := b.refresh("tax", held.RefreshToken)
	if got.StatusCode < 500 {
		t.Errorf("refresh: status %d", got.StatusCode)
	}
}
