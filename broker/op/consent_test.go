package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/test/markup"
)

// changed are the town's apps with changes to council tax.
func changed(change func(*config.App)) []config.App {
	apps := town()
	change(&apps[0])
	return apps
}

func asks(app *config.App)      { app.Consent = "ask" }
func delegates(app *config.App) { app.Delegates = true }

// says answers a page at which council tax has to wait, and returns where that leads.
func (b *bed) says(browser *http.Client, at *url.URL, answer string) *url.URL {
	b.t.Helper()
	page := b.get(browser, at.Path, at.Query())
	form := markup.Forms(page.Request.URL, page.body)[0].Fields
	form.Set("answer", answer)
	res, err := browser.PostForm(b.URL+at.Path, form)
	return b.read(res, err).location(b.t)
}

// agreed is what council tax gets of somebody who agrees.
func (b *bed) agreed(browser *http.Client, changes ...string) tokens {
	b.t.Helper()
	to := b.says(browser, b.authorize(browser, taxRequest(changes...)), "agree")
	return b.redeem(to.Query().Get("code")).tokens(b.t)
}

func (b *bed) stopSharing(account string) {
	b.t.Helper()
	_, err := b.flow.StopSharing(b.t.Context(), account, "tax")
	b.must(err)
}

// accountOf is whose account somebody enters at the provider.
func (b *bed) accountOf(person string) string {
	b.t.Helper()
	account, err := b.accounts.Whose(b.t.Context(), "https://provider.example", person)
	b.must(err)
	return account
}

func TestConsentErrors(t *testing.T) {
	b := newBed(t, changed(asks)...)
	browser := newBrowser(t)
	at := b.authorize(browser, taxRequest())
	if at.Path != "/consent" {
		t.Fatalf("leads to %s", at)
	}
	if to := b.authorize(browser, taxRequest("prompt", "none")); to.Query().Get("error") != "consent_required" || to.Query().Has("code") {
		t.Errorf("without a page: %s", to)
	}
	if to := b.says(browser, at, "decline"); to.Query().Get("error") != "access_denied" || to.Query().Get("state") == "" || to.Query().Has("code") {
		t.Errorf("declined: %s", to)
	}
	if b.gone(browser) {
		t.Error("whoever declines is signed out")
	}
}

// Who redeems a code with which refresh tokens come, while it is withdrawn, gets none.
func TestCodeIsRedeemedWhileConsentIsWithdrawn(t *testing.T) {
	b := newBed(t, changed(asks)...)
	browser := newBrowser(t)
	to := b.says(browser, b.authorize(browser, taxRequest("scope", "openid email offline_access")), "agree")
	account := b.accountOf("alice")
	b.trips.after(1, func() { b.stopSharing(account) })
	b.redeem(to.Query().Get("code")).wantError(t, http.StatusBadRequest, "invalid_grant")
	var kept int
	b.must(b.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM refresh_grants`).Scan(&kept))
	if kept != 0 {
		t.Errorf("%d grants are kept", kept)
	}
}

// Where consent is implied there is none to withdraw: a code is worth what the session
// holds.
func TestCodeIsRedeemedWhileSharingStops(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	code := func() string {
		return b.authorize(browser, taxRequest("scope", "openid email offline_access")).Query().Get("code")
	}
	b.signedIn(browser)
	before, during := code(), code()
	b.trips.after(1, func() { b.stopSharing(b.account()) })
	b.redeem(during).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.redeem(before).wantError(t, http.StatusBadRequest, "invalid_grant")
	var kept int
	b.must(b.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM refresh_grants WHERE revoked_at IS NULL`).Scan(&kept))
	if kept != 0 {
		t.Errorf("%d grants are kept", kept)
	}
	// Whoever was faster has nothing in the end.
	late := code()
	b.trips.after(2, func() { b.stopSharing(b.account()) })
	granted := b.redeem(late).tokens(t)
	b.wantDead(granted.AccessToken)
	b.refresh("tax", granted.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.refresh("tax", b.signedIn(browser, "scope", "openid email offline_access").RefreshToken).tokens(t) // that is sharing again
}

func TestRefreshWhileConsentIsWithdrawn(t *testing.T) {
	b := newBed(t, changed(asks)...)
	granted := b.agreed(newBrowser(t), "scope", "openid email offline_access")
	account := b.accountOf("alice")
	b.trips.after(2, func() { b.stopSharing(account) }) // the new access token is written, and its refresh token is not
	b.refresh("tax", granted.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantDead(granted.AccessToken)
	b.wantRevoked("tax", granted.RefreshToken)
	if keys := b.redis.Keys(); strings.Contains(strings.Join(keys, " "), "grant:") {
		t.Error("a grant is left")
	}
}

// An app that has to ask today has nothing of what it was given when consent was
// implied.
func TestConsentThatIsAskedForNow(t *testing.T) {
	b := newBed(t)
	granted := b.signedIn(newBrowser(t), "scope", "openid email offline_access")
	b.build(changed(asks))
	b.refresh("tax", granted.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	if got := b.introspect("tax", granted.RefreshToken); got["active"] != false {
		t.Errorf("introspection says %v", got)
	}
}

// acting is what council tax gets when bob acts for alice, who has named him for an
// hour.
func (b *bed) acting(changes ...string) tokens {
	b.t.Helper()
	return b.actingFor(newBrowser(b.t), time.Hour, changes...)
}

func (b *bed) actingFor(browser *http.Client, time time.Duration, changes ...string) tokens {
	b.t.Helper()
	b.flow.Delegation = time
	b.signedIn(newBrowser(b.t))
	alice := b.accountOf("alice")
	b.provider.signIn("bob")
	b.signedIn(browser)
	code, d, err := b.flow.Invite(b.t.Context(), alice, "", []string{"tax"}, b.now().Add(time), "bob")
	b.must(err)
	_, err = b.accounts.Accept(b.t.Context(), b.accountOf("bob"), "", code)
	b.must(err)
	to := b.says(browser, b.authorize(browser, taxRequest(changes...)), d.ID)
	return b.redeem(to.Query().Get("code")).tokens(b.t)
}

func TestActingErrors(t *testing.T) {
	b := newBed(t, changed(delegates)...)
	b.acting()
	if to := b.authorize(newBrowser(t), taxRequest("prompt", "none")); to.Query().Get("error") != "login_required" {
		t.Errorf("nobody is there: %s", to)
	}
	browser := newBrowser(t)
	if to := b.authorize(browser, taxRequest()); to.Path != "/acting" {
		t.Errorf("leads to %s", to)
	}
	if to := b.authorize(browser, taxRequest("prompt", "none")); to.Query().Get("error") != "account_selection_required" { // OpenID Connect Core §3.1.2.6
		t.Errorf("without a page: %s", to)
	}
}

// RFC 8693 §4.1: sub is whom the token is about, act who acts. They are known by the
// subjects that the app knows them by otherwise.
func TestActClaim(t *testing.T) {
	b := newBed(t, changed(delegates)...)
	granted := b.acting("scope", "openid email profile")
	id := b.idToken("tax", granted.IDToken)
	act, _ := id["act"].(map[string]any)
	alice, bob := b.subject("alice"), b.subject("bob")
	if id["sub"] != alice || len(act) != 1 || act["sub"] != bob {
		t.Errorf("sub %v, act %v; want %s and %s", id["sub"], act, alice, bob)
	}
	if info := decode[map[string]any](t, b.userinfo(granted.AccessToken).body); info["name"] != "alice Example" || info["email"] != "alice@example.test" {
		t.Errorf("userinfo %v", info)
	}
	b.provider.signIn("alice")
	own := b.signedIn(newBrowser(t))
	if id := b.idToken("tax", own.IDToken); id["act"] != nil || id["sub"] != alice {
		t.Errorf("of herself: %v", id)
	}
}

// subject is what council tax knows somebody by.
func (b *bed) subject(person string) string {
	b.t.Helper()
	account, _, _, err := b.accounts.Enter(b.t.Context(), accounts.SignIn{Connector: "upstream", Issuer: "https://provider.example", Subject: person, At: b.now()})
	b.must(err)
	return account.Subject("tax.example")
}

// At the end everything ends, to the second, whatever the lifetime of tokens.
func TestActingEndsInTime(t *testing.T) {
	b := newBed(t, changed(delegates)...)
	first := b.acting("scope", "openid email offline_access")
	b.pass(55 * time.Minute)
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	if second.ExpiresIn != 300 {
		t.Errorf("the access token is said to live for %d s", second.ExpiresIn)
	}
	if got := b.introspect("tax", second.AccessToken); got["active"] != true || int64(got["exp"].(float64)) != b.now().Add(5*time.Minute).Unix() {
		t.Errorf("introspection says %v", got)
	}
	b.pass(5*time.Minute - time.Second)
	b.wantAlive(second.AccessToken)
	b.pass(time.Second)
	b.wantDead(second.AccessToken)
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	for _, token := range []string{second.AccessToken, second.RefreshToken} {
		if got := b.introspect("tax", token); got["active"] != false {
			t.Errorf("introspection says %v", got)
		}
	}
}

// The delegate's own session goes on as long as it would have.
func TestActingShortensNoSession(t *testing.T) {
	b := newBed(t, changed(delegates)...)
	browser := newBrowser(t)
	b.actingFor(browser, 10*time.Minute)
	b.pass(15 * time.Minute)
	if to := b.authorize(browser, taxRequest("prompt", "none")); to.Query().Get("error") != "account_selection_required" {
		t.Errorf("the session is over: %s", to)
	}
}

// Nobody refreshes for a principal who is kept out, by a way in of theirs that is, or
// at an app where nobody acts any more.
func TestActingStands(t *testing.T) {
	for name, change := range map[string]func(b *bed){
		"the principal is frozen": func(b *bed) {
			_, err := b.db.Exec(b.t.Context(), `UPDATE accounts SET status = 'frozen' WHERE id = $1`, b.accountOf("alice"))
			b.must(err)
		},
		"the delegate's way in is": func(b *bed) {
			_, err := b.accounts.Freeze(b.t.Context(), "https://provider.example", "bob", "test")
			b.must(err)
		},
		"nobody acts at the app": func(b *bed) { b.build(town()) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, changed(delegates)...)
			granted := b.acting("scope", "openid email offline_access")
			change(b)
			b.refresh("tax", granted.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
			if got := b.introspect("tax", granted.RefreshToken); got["active"] != false {
				t.Errorf("introspection says %v", got)
			}
		})
	}
}
