package op_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/connectors"
)

func (b *bed) revoke(client, token string) *answer {
	b.t.Helper()
	return b.call("/revoke", client, url.Values{"token": {token}, "token_type_hint": {"nonsense"}})
}

func (b *bed) wantRevoked(client, token string) {
	b.t.Helper()
	if got := b.revoke(client, token); got.StatusCode != http.StatusOK || got.body != "" {
		b.t.Errorf("status %d, body %q", got.StatusCode, got.body)
	}
}

func TestRevokeAccessToken(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	b.revoke("waste", answer.AccessToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantAlive(answer.AccessToken)
	b.wantRevoked("tax", answer.AccessToken)
	b.wantDead(answer.AccessToken)
	b.wantRevoked("tax", answer.AccessToken) // RFC 7009 §2.2: nothing to revoke is fine
	b.refresh("tax", answer.RefreshToken).tokens(t)
}

func TestRevokeRefreshToken(t *testing.T) { onEach(t, revokeRefreshToken) }

func revokeRefreshToken(t *testing.T, b *bed) {
	first := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	b.revoke("waste", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantAlive(second.AccessToken)
	b.wantRevoked("tax", second.RefreshToken)
	b.wantDead(first.AccessToken)
	b.wantDead(second.AccessToken)
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantRevoked("tax", second.RefreshToken)
}

func TestRevokeRefuses(t *testing.T) {
	b := newBed(t)
	b.wantRevoked("tax", "letmein")
	b.wantRevoked("library", "letmein") // public clients may (RFC 7009 §2.1)
	b.call("/revoke", "tax", url.Values{}).wantError(t, http.StatusBadRequest, "invalid_request")
	res, err := b.Client().PostForm(b.URL+"/revoke", url.Values{"token": {"letmein"}})
	b.read(res, err).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func (b *bed) introspect(client, token string) map[string]any {
	b.t.Helper()
	got := b.call("/introspect", client, url.Values{"token": {token}})
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("status %d, headers %v, body %q", got.StatusCode, got.Header, got.body)
	}
	return decode[map[string]any](b.t, got.body)
}

func TestIntrospect(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t), "scope", "openid email offline_access")
	sub, now := b.idToken("tax", answer.IDToken)["sub"], float64(b.now().Unix())
	want := map[string]any{
		"active": true, "iss": b.URL, "client_id": "tax", "sub": sub, "scope": "openid email offline_access",
		"token_type": "Bearer", "iat": now, "exp": now + 600, "auth_time": now, "acr": "urn:x-council:acr:cl",
	}
	if diff := cmp.Diff(want, b.introspect("tax", answer.AccessToken)); diff != "" {
		t.Errorf("access token: -want +got\n%s", diff)
	}
	delete(want, "token_type")
	delete(want, "acr") // by the time of a refresh it may be less
	want["exp"] = now + (720 * time.Hour).Seconds()
	if diff := cmp.Diff(want, b.introspect("tax", answer.RefreshToken)); diff != "" {
		t.Errorf("refresh token: -want +got\n%s", diff)
	}
}

// What is not a good token of the app that asks is inactive, and no more is
// said (RFC 7662 §2.2).
func TestIntrospectInactive(t *testing.T) {
	b := newBed(t)
	answer := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	inactive := map[string]any{"active": false}
	for name, got := range map[string]map[string]any{
		"made up":                  b.introspect("tax", "letmein"),
		"ID token":                 b.introspect("tax", answer.IDToken),
		"another app's":            b.introspect("waste", answer.AccessToken),
		"another app's to refresh": b.introspect("waste", answer.RefreshToken),
	} {
		if diff := cmp.Diff(inactive, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	b.wantRevoked("tax", answer.RefreshToken)
	for _, token := range []string{answer.AccessToken, answer.RefreshToken} {
		if diff := cmp.Diff(inactive, b.introspect("tax", token)); diff != "" {
			t.Errorf("revoked: -want +got\n%s", diff)
		}
	}
	b.call("/introspect", "library", url.Values{"token": {answer.AccessToken}}).wantError(t, http.StatusUnauthorized, "invalid_client")
}

// What a resident stops sharing does not come back with Redis, which was down just
// then.
func TestStopSharingWithoutRedis(t *testing.T) {
	b := newBed(t)
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	_, err := b.accounts.Agree(t.Context(), b.account(), "", "tax", []string{"offline_access"})
	b.must(err)
	b.redis.SetError("LOADING Redis is loading the dataset in memory")
	if _, err := b.flow.StopSharing(t.Context(), b.account(), "tax"); err == nil {
		t.Error("nobody hears that it is not over yet")
	}
	b.redis.SetError("")
	b.refresh("tax", token).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// A consent that has ended is worth nothing, though the node that was to revoke the
// grants under it came no further.
func TestRefreshNeedsTheConsent(t *testing.T) { onEach(t, refreshNeedsTheConsent) }

func refreshNeedsTheConsent(t *testing.T, b *bed) {
	token := b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken
	given, err := b.accounts.Agree(t.Context(), b.account(), "", "tax", []string{"offline_access"})
	b.must(err)
	_, err = b.db.Exec(t.Context(), `UPDATE refresh_grants SET consent_id = $1`, given.ID)
	b.must(err)
	second := b.refresh("tax", token).tokens(t)
	_, err = b.accounts.Withdraw(t.Context(), b.account(), "tax")
	b.must(err)
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	b.wantDead(second.AccessToken)
}

// Of an account that is no more nobody learns anything, as its sessions are over.
func TestForget(t *testing.T) {
	b := newBed(t)
	first := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	second := b.refresh("tax", first.RefreshToken).tokens(t)
	b.must(b.flow.Forget(t.Context(), b.account()))
	b.wantDead(first.AccessToken)
	b.wantDead(second.AccessToken)
	b.refresh("tax", second.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// account is the id of the only account.
func (b *bed) account() (id string) {
	b.t.Helper()
	b.must(b.db.QueryRow(b.t.Context(), `SELECT id FROM accounts`).Scan(&id))
	return id
}

// What was got by a refresh ends with the way in that it stands on: for good where that
// is removed, and for now where it is frozen. What stands on another goes on.
func TestRefreshedTokensEndWithTheWayIn(t *testing.T) {
	for _, removed := range []bool{true, false} {
		b := newBed(t)
		first := b.signedIn(newBrowser(t), "scope", "openid offline_access")
		alice := b.account()
		in := accounts.SignIn{Connector: "upstream", Issuer: "https://provider.example", Subject: "other", At: b.now()}
		_, other, err := b.accounts.Join(t.Context(), alice, "", in, believed)
		b.must(err)
		b.provider.signIn("other")
		lasting := b.refresh("tax", b.signedIn(newBrowser(t), "scope", "openid offline_access").RefreshToken).tokens(t)
		refreshed := b.refresh("tax", first.RefreshToken).tokens(t)

		if removed {
			var link string
			b.must(b.db.QueryRow(t.Context(), `SELECT id FROM links WHERE id <> $1`, other.ID).Scan(&link))
			b.must(b.accounts.Remove(t.Context(), alice, "", link))
			_, err := b.flow.EndThrough(t.Context(), alice, link)
			b.must(err)
		} else {
			b.freeze("alice")
		}
		b.wantDead(refreshed.AccessToken)
		b.refresh("tax", refreshed.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
		b.wantAlive(lasting.AccessToken)
		b.refresh("tax", lasting.RefreshToken).tokens(t)
		if removed {
			continue
		}
		_, err = b.accounts.Thaw(t.Context(), "https://provider.example", "alice", "test")
		b.must(err)
		b.wantDead(refreshed.AccessToken)
		b.refresh("tax", refreshed.RefreshToken).tokens(t)
	}
}

func TestRefreshWhileTheWayInIsFrozen(t *testing.T) {
	b := newBed(t)
	granted := b.signedIn(newBrowser(t), "scope", "openid offline_access")
	b.trips.after(2, func() { b.freeze("alice") }) // the new access token is written, and its refresh token is not
	b.refresh("tax", granted.RefreshToken).wantError(t, http.StatusBadRequest, "invalid_grant")
	if keys := b.redis.Keys(); strings.Contains(strings.Join(keys, " "), "grant:") {
		t.Error("a grant is left")
	}
}

// freeze has the provider tell that somebody's account there is disabled.
func (b *bed) freeze(person string) {
	b.t.Helper()
	res, err := b.Client().PostForm(b.URL+"/events/upstream", url.Values{"person": {person}})
	if b.read(res, err).StatusCode != http.StatusAccepted {
		b.t.Fatal("the provider is not heard")
	}
}

// Receiver makes the provider one that tells of accounts.
func (p *provider) Receiver(connectors.Inbox) connectors.Receiver { return mailbox{} }

// mailbox takes letters that say whose account is disabled.
type mailbox struct{}

func (mailbox) Receive(_ context.Context, r *http.Request) (connectors.Notice, error) {
	person := r.FormValue("person")
	return connectors.Notice{
		Once:   connectors.Once{ID: rand.Text(), Until: time.Now().Add(time.Hour)},
		Events: []connectors.Event{{Action: connectors.Freeze, Type: "account-disabled", Issuer: "https://provider.example", Subject: person, At: time.Now()}},
	}, nil
}

func (mailbox) Acknowledge(connectors.Notice, string) connectors.Reply {
	return connectors.Reply{Status: http.StatusAccepted}
}

func (mailbox) Refuse(error) connectors.Reply { return connectors.Reply{Status: http.StatusBadRequest} }
