package op_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// refresh exchanges a refresh token, with changes to the form.
func (b *bed) refresh(client, token string, changes ...string) *answer {
	b.t.Helper()
	return b.call("/token", client, with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, changes...))
}

func TestRefreshToken(t *testing.T) { onEach(t, refreshToken) }

func refreshToken(t *testing.T, b *bed) {
	first := b.signedIn(newBrowser(t), "scope", "openid profile email offline_access", "prompt", "consent")
	b.pass(time.Second)
	second := b.refresh("tax", first.RefreshToken).tokens(t)

	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Error("the tokens are not new")
	}
	was, is := b.idToken("tax", first.IDToken), b.idToken("tax", second.IDToken)
	// OpenID Connect Core §12.2.
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid"} {
		if is[name] != was[name] {
			t.Errorf("%s was %v and is %v", name, was[name], is[name])
		}
	}
	if is["nonce"] != nil {
		t.Errorf("nonce %v, want none", is["nonce"])
	}
	if is["iat"].(float64) <= was["iat"].(float64) {
		t.Errorf("iat was %v and is %v", was["iat"], is["iat"])
	}
	claims := decode[map[string]any](t, b.userinfo(second.AccessToken).body)
	if claims["sub"] != was["sub"] || claims["name"] != "alice Example" {
		t.Errorf("userinfo %v", claims)
	}
}

func TestRefreshTokenIsOnlyForOfflineAccess(t *testing.T) {
	b := newBed(t)
	if got := b.signedIn(newBrowser(t)).RefreshToken; got != "" {
		t.Error("a refresh token without offline_access")
	}
}

// The library app is not registered for refresh tokens: the scope is ignored.
func TestRefreshTokenNeedsRegistration(t *testing.T) {
	b := newBed(t)
	answer := b.library()
	if answer.RefreshToken != "" || answer.Scope != "openid" {
		t.Errorf("got %+v", answer)
	}
	b.refresh("library", "any").wantError(t, http.StatusBadRequest, "unauthorized_client")
}

func TestRefreshScope(t *testing.T) { onEach(t, refreshScope) }

func refreshScope(t *testing.T, b *bed) {
	token := b.signedIn(newBrowser(t), "scope", "openid profile email offline_access").RefreshToken

	fewer := b.refresh("tax", token, "scope", "openid email").tokens(t)
	if fewer.Scope != "openid email" {
		t.Errorf("scope %q", fewer.Scope)
	}
	claims := decode[map[string]any](t, b.userinfo(fewer.AccessToken).body)
	if claims["name"] != nil || claims["email"] != "alice@example.test" || claims["ward"] != "North" {
		t.Errorf("userinfo for openid email: %v", claims)
	}

	none := b.refresh("tax", token, "scope", "email").tokens(t)
	if none.IDToken != "" {
		t.Error("an ID token without openid")
	}
	a := b.userinfo(none.AccessToken)
	a.wantError(t, http.StatusForbidden, "insufficient_scope")

	b.refresh("tax", token, "scope", "openid phone").wantError(t, http.StatusBadRequest, "invalid_scope")

	// RFC 6749 §6: the successor of a token that was used for less is good
	// for all.
	all := b.refresh("tax", fewer.RefreshToken).tokens(t)
	if all.Scope != "openid profile email offline_access" {
		t.Errorf("scope %q", all.Scope)
	}
}

// A refresh token that was replaced works for another minute, as answers get
// lost, and gives its grant away afterwards.
func TestRefreshTokenReuse(t *testing.T) { onEach(t, refreshTokenReuse) }

func refreshTokenReuse(t *testing.T, b *bed) {
	browser := newBrowser(t)
	first := b.signedIn(browser, "scope", "openid offline_access")
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	b.pass(30 * time.Second)
	again := b.refresh("tax", first.RefreshToken).tokens(t)
	b.refresh("tax", second.RefreshToken).tokens(t)

	b.pass(31 * time.Second)
	b.refresh("tax", first.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantDead(first.AccessToken)
	b.wantDead(second.AccessToken)
	b.wantDead(again.AccessToken)
	b.refresh("tax", again.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// The owner and a thief use one token within its grace. Whoever refreshes next
// ends the other's branch, and the other's next try ends both.
func TestRefreshTokenFork(t *testing.T) { onEach(t, refreshTokenFork) }

func refreshTokenFork(t *testing.T, b *bed) {
	stolen := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	owner, thief := b.refresh("tax", stolen).tokens(t), b.refresh("tax", stolen).tokens(t)
	owner = b.refresh("tax", owner.RefreshToken).tokens(t)
	b.refresh("tax", thief.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.refresh("tax", owner.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantDead(owner.AccessToken)
}

// A successor that was used shows that its answer arrived: the grace is over.
func TestRefreshGraceEndsWithTheSuccessor(t *testing.T) {
	b := newBed(t)
	first := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	second := b.refresh("tax", first).tokens(t).RefreshToken
	third := b.refresh("tax", second).tokens(t).RefreshToken
	b.refresh("tax", first).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.refresh("tax", third).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestRefreshTokenOfAnotherClient(t *testing.T) {
	b := newBed(t)
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	b.refresh("waste", token).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.refresh("tax", token).tokens(t) // and no harm done
}

func TestRefreshTokenRefuses(t *testing.T) {
	b := newBed(t)
	for _, token := range []string{"", "letmein", "AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		b.refresh("tax", token).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
	access := b.signedIn(newBrowser(t), "scope", "openid offline_access").AccessToken
	b.refresh("tax", access).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestRefreshTokenExpires(t *testing.T) {
	b := newBed(t)
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	b.pass(719 * time.Hour)
	token = b.refresh("tax", token).tokens(t).RefreshToken // use renews it
	b.pass(719 * time.Hour)
	token = b.refresh("tax", token).tokens(t).RefreshToken
	b.pass(720 * time.Hour)
	b.refresh("tax", token).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// Ten workers of an app who refresh at the same moment all succeed, each with
// a successor of its own.
func TestRefreshRace(t *testing.T) { onEach(t, refreshRace) }

func refreshRace(t *testing.T, b *bed) {
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	seen := map[string]bool{}
	for _, a := range b.atOnce(10, "tax", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}) {
		answer := a.tokens(t)
		b.wantAlive(answer.AccessToken)
		seen[answer.RefreshToken] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d different successors, want 10", len(seen))
	}
}

// A resident who signs out ends the session's access tokens and not what the
// app may do while the resident is away; and refreshing does not bring the
// session's tokens back.
func TestSignOutAndOfflineAccess(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	first := b.signedIn(browser, "scope", "openid offline_access")
	b.signOut(browser)
	b.wantDead(first.AccessToken)
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	b.wantAlive(second.AccessToken)
	b.wantDead(first.AccessToken)
}

// A grant that is revoked while it is used to refresh stays revoked, and what
// was about to be handed out is worth nothing.
func TestRefreshWhileRevoked(t *testing.T) {
	b := newBed(t)
	first := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	b.reads.after(2, func() { b.wantRevoked("tax", second.RefreshToken) }) // token and account have been read
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantDead(second.AccessToken)
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestRefreshNeedsTheAccount(t *testing.T) { onEach(t, refreshNeedsTheAccount) }

func refreshNeedsTheAccount(t *testing.T, b *bed) {
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	_, err := b.db.Exec(t.Context(), `UPDATE accounts SET status = 'frozen'`)
	b.must(err)
	b.refresh("tax", token).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// When Redis is down nothing is lost: the same refresh token works afterwards,
// however long that takes.
func TestRefreshSurvivesRedis(t *testing.T) {
	b := newBed(t)
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	b.redis.SetError("LOADING Redis is loading the dataset in memory")
	b.refresh("tax", token).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	b.redis.SetError("")
	b.pass(time.Hour)
	b.refresh("tax", token).tokens(t)
}

func TestSweep(t *testing.T) { onEach(t, sweep) }

func sweep(t *testing.T, b *bed) {
	old := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	b.pass(700 * time.Hour)
	young := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	b.pass(21 * time.Hour)
	b.must(b.op.Sweep(t.Context()))
	var grants, tokens int
	b.must(b.db.QueryRow(t.Context(), `SELECT count(*) FROM refresh_grants`).Scan(&grants))
	b.must(b.db.QueryRow(t.Context(), `SELECT count(*) FROM refresh_tokens`).Scan(&tokens))
	if grants != 1 || tokens != 1 {
		t.Errorf("%d grants and %d tokens are left, want 1 and 1", grants, tokens)
	}
	b.refresh("tax", old).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.refresh("tax", young).tokens(t)
}
