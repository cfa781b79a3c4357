package op

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
)

// handleRevoke is the revocation endpoint (RFC 7009). To revoke a refresh
// token is to revoke its grant, access tokens and all.
func (s *Server) handleRevoke(w http.ResponseWriter, r *http.Request) error {
	c, token, err := s.managedToken(r)
	if err != nil {
		return err
	}
	b := s.counted(r, c.id)
	found := findAccessToken(b, token)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	if _, g, ok := found.valid(s); ok {
		err = s.revokeAccessToken(r.Context(), c, g, token)
	} else {
		err = s.revokeRefreshToken(r.Context(), c, token)
	}
	if err != nil {
		return err
	}
	// RFC 7009 §2.2: also where there was nothing to revoke.
	w.WriteHeader(http.StatusOK)
	return nil
}

// managedToken reads a request of an app about one of its tokens. The
// token_type_hint is passed over: to look for both kinds costs little.
func (s *Server) managedToken(r *http.Request) (*client, string, error) {
	form, err := appForm(r)
	if err != nil {
		return nil, "", err
	}
	c, err := s.authenticate(r, form)
	if err != nil {
		return nil, "", err
	}
	token := form.Get("token")
	if token == "" {
		return nil, "", refused(invalidRequest, "token is missing")
	}
	return c, token, nil
}

// errNotYours is for a token of another client (RFC 7009 §2.1).
var errNotYours = refused(invalidGrant, "the token was issued to another client")

func (s *Server) revokeAccessToken(ctx context.Context, c *client, g grant, token string) error {
	if g.Client != c.id {
		return errNotYours
	}
	h, _ := store.ParseHandle(token)
	b := s.Store.Batch()
	accessTokens.Delete(b, h)
	return b.Exec(ctx)
}

func (s *Server) revokeRefreshToken(ctx context.Context, c *client, token string) error {
	t, found, err := s.findRefreshToken(ctx, token)
	if err != nil || !found {
		return err
	}
	if t.grant.Client != c.id {
		return errNotYours
	}
	return s.revokeGrant(ctx, t.tag, t.grant)
}

// revokeGrant ends what a grant gave: its refresh tokens, then its access
// tokens.
func (s *Server) revokeGrant(ctx context.Context, tag string, g grant) error {
	if g.refreshable() {
		if err := s.keepRevoked(ctx, tag, g); err != nil {
			return err
		}
	}
	return s.revokeTokens(ctx, tag)
}

// Withdraw implements [login.FrontEnd]. A grant that was revoked before is found
// again, should its access tokens have been left then.
func (s *Server) Withdraw(ctx context.Context, what login.Withdrawal) error {
	where, args := given(what)
	find := s.revokeWhere
	if what.ForNow {
		find = s.tagsWhere
	}
	tags, err := find(ctx, where, args...)
	if err != nil {
		return err
	}
	return s.revokeTokens(ctx, tags...)
}

// given is the condition by which the grants are found that were given as what says:
// none where it says nothing.
func given(what login.Withdrawal) (where string, args []any) {
	var all []string
	for _, c := range []struct{ column, value string }{
		{"account_id", what.Account}, {"app", what.App}, {"delegation_id", what.Delegation}, {"link_id", what.Link},
	} {
		if c.value != "" {
			args = append(args, c.value)
			all = append(all, fmt.Sprintf("%s = $%d", c.column, len(args)))
		}
	}
	return cmp.Or(strings.Join(all, " AND "), "FALSE"), args
}

// revokeTokens ends the access tokens of tags, all of them.
func (s *Server) revokeTokens(ctx context.Context, tags ...string) error {
	b := s.Store.Batch()
	for _, tag := range tags {
		grants.Delete(b, online(tag))
		grants.Delete(b, offline(tag))
	}
	return b.Exec(ctx)
}
