package op

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
)

// A refresh token is replaced each time it is used, and one that comes again
// long after is in two hands: its whole grant is revoked (RFC 9700 §4.14.2).
//
// Answers get lost, and apps with many workers refresh at the same moment. So
// for a minute the replaced token still works: each use has a successor of its
// own, and of ten at once all succeed. The first successor to be used shows
// that its answer arrived: the grace ends, and whoever holds another successor
// gives a thief away.
const refreshGrace = time.Minute

var (
	// errReused says that a refresh token came again after its grace.
	errReused = refused(invalidGrant, "the refresh token is not valid").because(errors.New("replaced before; the grant is revoked"))

	// errRevoked says that a refresh token's grant is revoked.
	errRevoked = refused(invalidGrant, "the refresh token is revoked")
)

// refreshToken is a refresh token with the grant that it stands for.
type refreshToken struct {
	hash     string
	parent   string // hash of the token that it replaced
	tag      string // of the grant
	grant    grant
	created  time.Time
	expires  time.Time
	replaced time.Time // the zero time if it was not
	revoked  bool
}

// check reports whether the client may use the token now.
func (t refreshToken) check(c *client, now time.Time) error {
	switch {
	case t.grant.Client != c.id:
		return refused(invalidGrant, "the refresh token was issued to another client")
	case t.revoked:
		return errRevoked
	case !now.Before(t.expires):
		return refused(invalidGrant, "the refresh token is expired")
	case !t.replaced.IsZero() && now.Sub(t.replaced) > refreshGrace:
		return errReused
	}
	return nil
}

// refresh exchanges a refresh token for tokens (RFC 6749 §6, OpenID Connect
// Core §12).
func (s *Server) refresh(r *http.Request, c *client, form url.Values) (tokenResponse, error) {
	ctx := r.Context()
	if !c.oidc.Refresh {
		return tokenResponse{}, refused(unauthorizedClient, "the client is not registered for refresh tokens")
	}
	if err := s.counted(r, c.id).Exec(ctx); err != nil {
		return tokenResponse{}, err
	}
	old, err := s.usableRefreshToken(ctx, c, form.Get("refresh_token"))
	if err != nil {
		return tokenResponse{}, err
	}
	scopes, err := fewerScopes(old.grant.Scopes, form.Get("scope"))
	if err != nil {
		return tokenResponse{}, err
	}
	token, err := s.putOffline(ctx, c, old, scopes)
	if err != nil {
		return tokenResponse{}, err
	}
	answer := s.tokenResponse(c, old.grant, token, scopes)
	answer.RefreshToken, err = s.rotate(ctx, c, old)
	if errors.Is(err, errRevoked) {
		if err := s.revokeTokens(ctx, old.tag); err != nil {
			return tokenResponse{}, err
		}
	}
	if err != nil {
		return tokenResponse{}, err
	}
	if slices.Contains(scopes, openID) {
		// OpenID Connect Core §12.2: without a nonce.
		answer.IDToken, err = s.signIDToken(c, old.grant, "", answer.AccessToken)
	}
	return answer, err
}

// usableRefreshToken finds a refresh token that the client may use, of an
// account that may still be used.
func (s *Server) usableRefreshToken(ctx context.Context, c *client, token string) (refreshToken, error) {
	t, found, err := s.findRefreshToken(ctx, token)
	if err != nil {
		return refreshToken{}, err
	}
	if !found {
		return refreshToken{}, refused(invalidGrant, "the refresh token is not valid")
	}
	err = t.check(c, s.Now())
	if errors.Is(err, errReused) {
		if err := s.revokeGrant(ctx, t.tag, t.grant); err != nil {
			return refreshToken{}, err
		}
	}
	if err != nil {
		return refreshToken{}, err
	}
	err = s.stands(ctx, c, &t.grant)
	return t, err
}

// stands makes sure that everything holds today that a kept grant rests on, and sets
// how long it may. The error is a refusal where something does not.
func (s *Server) stands(ctx context.Context, c *client, g *grant) error {
	if c.app.Consent == "ask" && g.Consent == "" {
		return refused(invalidGrant, "the resident has not agreed to share")
	}
	account := g.Account
	if g.Delegation != "" {
		d, _, err := s.Accounts.Delegation(ctx, g.Delegation, c.app.ID)
		if errors.Is(err, accounts.ErrWithdrawn) || err == nil && !c.app.Delegates {
			return refused(invalidGrant, "nobody may act for the account any more").because(err)
		}
		if err != nil {
			return err
		}
		account, g.Until = d.Delegate, d.Until // the way in is the delegate's
	}
	_, _, err := s.Accounts.Reenter(ctx, account, g.Link)
	if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, accounts.ErrFrozen) {
		return refused(invalidGrant, "the account may not be used").because(err)
	}
	return err
}

// fewerScopes are the scopes asked for, which may not be more than were
// granted (RFC 6749 §6); those granted where none are named.
func fewerScopes(granted []string, asked string) ([]string, error) {
	scopes := strings.Fields(asked)
	if len(scopes) == 0 {
		return granted, nil
	}
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			return nil, refused(invalidScope, "scope is more than was granted")
		}
	}
	return scopes, nil
}

// putOffline writes an access token and the offline grant that it hangs on.
// This comes before the refresh token is replaced: if Redis is down, nothing
// was lost; and of a revocation at the same moment either rotate learns, or it
// deletes what was written here.
func (s *Server) putOffline(ctx context.Context, c *client, old refreshToken, scopes []string) (store.Handle, error) {
	b := s.Store.Batch()
	grants.Put(b, offline(old.tag), old.grant, c.oidc.AccessTokenLifetime)
	token := s.newAccessToken(b, old.tag, c, accessToken{Offline: true, Scopes: scopes})
	return token, b.Exec(ctx)
}
