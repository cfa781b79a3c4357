package op_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func TestServer(t *testing.T) {
	b := newBed(t)
	got := b.redeem(b.code(newBrowser(t), taxRequest()))
	answer := got.tokens(t)
	if answer.TokenType != "Bearer" || answer.ExpiresIn != 600 || answer.Scope != "openid profile email" || answer.RefreshToken != "" {
		t.Errorf("got %+v", answer)
	}
	// RFC 6749 §5.1.
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.Header)
	}
}

// Token and userinfo cost one trip each and no SQL. Single sign-on costs two,
// and one SQL read: whether the account may still be used.
func TestRoundTrips(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	b.signedIn(browser)

	b.trips.Store(0)
	b.reads.Store(0)
	to := b.get(browser, "/authorize", taxRequest("prompt", "none")).location(t)
	if got := b.trips.Swap(0); got != 2 {
		t.Errorf("authorize of single sign-on: %d round trips, want 2", got)
	}
	if got := b.reads.Swap(0); got != 1 {
		t.Errorf("authorize of single sign-on: %d SQL statements, want 1", got)
	}
	answer := b.redeem(to.Query().Get("code")).tokens(t)
	if got := b.trips.Swap(0); got != 1 {
		t.Errorf("token: %d round trips, want 1", got)
	}
	b.wantAlive(answer.AccessToken)
	if got := b.trips.Swap(0); got != 1 {
		t.Errorf("userinfo: %d round trips, want 1", got)
	}
	if got := b.reads.Load(); got != 0 {
		t.Errorf("%d SQL statements, want none", got)
	}
}

// RFC 6749 §5.1: whatever serves the endpoints around it.
func TestNothingIsCached(t *testing.T) {
	b := newBed(t)
	mux := http.NewServeMux()
	b.op.Mount(mux)
	for _, path := range []string{"/token", "/userinfo", "/revoke", "/introspect"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

func TestTokenRefuses(t *testing.T) {
	b := newBed(t)
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeFromVerifier(verifier)
	withPKCE := taxRequest("code_challenge", challenge, "code_challenge_method", "S256")
	tests := []struct {
		name    string
		request url.Values
		changes []string
		code    string
	}{
		{"no grant type", taxRequest(), []string{"grant_type", ""}, "invalid_request"},
		{"password grant", taxRequest(), []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"client credentials", taxRequest(), []string{"grant_type", "client_credentials"}, "unsupported_grant_type"},
		{"no code", taxRequest(), []string{"code", ""}, "invalid_grant"},
		{"code that was made up", taxRequest(), []string{"code", "letmein"}, "invalid_grant"},
		{"code of the right shape", taxRequest(), []string{"code", strings.Repeat("A", 26) + "." + strings.Repeat("B", 26)}, "invalid_grant"},
		{"no redirect_uri", taxRequest(), []string{"redirect_uri", ""}, "invalid_grant"},
		{"other redirect_uri", taxRequest(), []string{"redirect_uri", "https://tax.example/other"}, "invalid_grant"},
		{"no code_verifier", withPKCE, nil, "invalid_grant"},
		{"other code_verifier", withPKCE, []string{"code_verifier", oauth2.GenerateVerifier()}, "invalid_grant"},
		{"challenge as the code_verifier", withPKCE, []string{"code_verifier", challenge}, "invalid_grant"},
		{"short code_verifier", withPKCE, []string{"code_verifier", verifier[:42]}, "invalid_grant"},
		{"code_verifier without a challenge", taxRequest(), []string{"code_verifier", verifier}, "invalid_grant"},
	}
	browser := newBrowser(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b.redeem(b.code(browser, test.request), test.changes...).wantError(t, http.StatusBadRequest, test.code)
		})
	}
}

// A tag alone, which stands in Redis as it is, neither redeems nor revokes.
func TestTagAloneIsWorthNothing(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	answer := b.redeem(code).tokens(t)
	tag, _, _ := strings.Cut(code, ".")
	made := tag + "." + strings.Repeat("A", 26)
	b.redeem(made).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.redeem(made, "redirect_uri", "").wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantAlive(answer.AccessToken)
}

func TestPKCE(t *testing.T) {
	b := newBed(t)
	verifier := oauth2.GenerateVerifier()
	code := b.code(newBrowser(t), taxRequest("code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256"))
	b.redeem(code, "code_verifier", verifier).tokens(t)
}

// A request that fails spends the code: nobody can guess on.
func TestCodeIsSpentByFailure(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	b.redeem(code, "redirect_uri", "https://tax.example/other").wantError(t, http.StatusBadRequest, "invalid_grant")
	b.redeem(code).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestCodeIsBoundToClient(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {taxCallback}}
	b.call("/token", "waste", form).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestCodeExpires(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	b.pass(61 * time.Second)
	b.redeem(code).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestCodeReuse(t *testing.T) {
	for _, later := range []time.Duration{0, 30 * time.Second, 2 * time.Minute} {
		t.Run(later.String(), func(t *testing.T) {
			b := newBed(t)
			code := b.code(newBrowser(t), taxRequest("scope", "openid offline_access"))
			first := b.redeem(code).tokens(t)
			b.wantAlive(first.AccessToken)
			refreshed := b.refresh("tax", first.RefreshToken).tokens(t)
			b.wantAlive(refreshed.AccessToken)
			b.pass(later)
			b.redeem(code).wantError(t, http.StatusBadRequest, "invalid_grant")
			b.wantDead(first.AccessToken)
			b.wantDead(refreshed.AccessToken)
			b.refresh("tax", refreshed.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
		})
	}
}

// Of ten who redeem a code at once one gets tokens, and the nine who come too
// late revoke them.
func TestCodeRace(t *testing.T) { onEach(t, codeRace) }

func codeRace(t *testing.T, b *bed) {
	code := b.code(newBrowser(t), taxRequest("scope", "openid offline_access"))
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {taxCallback}}
	answers := b.atOnce(10, "tax", form)
	var winners []tokens
	for _, a := range answers {
		if a.StatusCode == http.StatusOK {
			winners = append(winners, a.tokens(t))
		} else {
			a.wantError(t, http.StatusBadRequest, "invalid_grant")
		}
	}
	if len(winners) > 1 {
		t.Fatalf("%d winners, want one at most", len(winners))
	}
	for _, winner := range winners {
		b.wantDead(winner.AccessToken)
		b.refresh("tax", winner.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
}

// Without a refresh token it is no different: one gets tokens at most, and none where
// another that came too late revoked them before they were all there.
func TestCodeRaceOnline(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	winners := 0
	for _, a := range b.atOnce(10, "tax", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {taxCallback}}) {
		if a.StatusCode == http.StatusOK {
			winners++
		}
	}
	if winners > 1 {
		t.Errorf("%d winners, want one at most", winners)
	}
}

// atOnce calls the token endpoint n times at the same moment.
func (b *bed) atOnce(n int, client string, form url.Values) []*answer {
	b.t.Helper()
	responses, errs := make([]*http.Response, n), make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			responses[i], errs[i] = b.post("/token", client, form)
		})
	}
	done.Wait()
	answers := make([]*answer, n)
	for i := range n {
		answers[i] = b.read(responses[i], errs[i])
	}
	return answers
}

// A code that comes again before the first to redeem it has its refresh token
// leaves the first with none.
func TestCodeReuseMeanwhile(t *testing.T) { onEach(t, codeReuseMeanwhile) }

func codeReuseMeanwhile(t *testing.T, b *bed) {
	code := b.code(newBrowser(t), taxRequest("scope", "openid offline_access"))
	b.trips.after(1, func() { b.redeem(code).wantError(t, http.StatusBadRequest, "invalid_grant") })
	b.redeem(code).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestTokenRateLimit(t *testing.T) {
	b := newBed(t)
	b.op.Limit.PerMinute = 2
	var last *answer
	for range 3 {
		last = b.redeem("letmein." + strings.Repeat("A", 26))
	}
	for range 3 {
		last = b.redeem(strings.Repeat("A", 26) + "." + strings.Repeat("A", 26))
	}
	last.wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
	if last.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// RFC 6749 §2.3.1: who guesses a secret learns nothing any more once the count
// is full, not even by the right guess.
func TestClientSecretGuessing(t *testing.T) {
	b := newBed(t)
	b.op.Limit.PerMinute = 3
	for range 3 {
		r, err := http.NewRequest(http.MethodPost, b.URL+"/token", nil)
		b.must(err)
		r.SetBasicAuth("tax", "a guess")
		res, err := http.DefaultClient.Do(r)
		b.read(res, err).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	b.redeem(strings.Repeat("A", 26)+"."+strings.Repeat("A", 26)).wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
}

// An app that is told to come later finds its code as it was.
func TestTokenRateLimitSparesTheCode(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest())
	b.op.Limit.PerMinute = 1
	b.redeem(strings.Repeat("A", 26) + "." + strings.Repeat("A", 26))
	b.redeem(code).wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
	b.op.Limit.PerMinute = 0
	b.redeem(code).tokens(t)
}

// Nothing that opens anything, and nothing about the person, is in the log.
func TestLogTellsNoSecrets(t *testing.T) {
	b := newBed(t)
	code := b.code(newBrowser(t), taxRequest("scope", "openid profile email offline_access", "login_hint", "alice@example.test"))
	answer := b.redeem(code).tokens(t)
	b.redeem(code)
	b.wantDead(answer.AccessToken)
	b.refresh("tax", answer.RefreshToken)
	b.call("/revoke", "tax", url.Values{"token": {answer.RefreshToken}})
	_, secret, _ := strings.Cut(answer.AccessToken, ".")
	_, codeSecret, _ := strings.Cut(code, ".")
	logged := b.log.String()
	for what, text := range map[string]string{
		"code": codeSecret, "access token": secret, "refresh token": answer.RefreshToken, "ID token": answer.IDToken,
		"name": "alice Example", "e-mail address": "alice@", "client secret": "tax secret", "state": "st4te", "nonce": "n0nce",
	} {
		if strings.Contains(logged, text) {
			t.Errorf("the log holds the %s", what)
		}
	}
	if !strings.Contains(logged, `"app":"tax"`) || !strings.Contains(logged, `"error":"invalid_grant"`) {
		t.Errorf("the log does not name the app and the error: %s", logged)
	}
}
