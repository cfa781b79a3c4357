package op

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// introspection is RFC 7662 §2.2.
type introspection struct {
	Active    bool   `json:"active"`
	Issuer    string `json:"iss,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Scope     string `json:"scope,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	ACR       string `json:"acr,omitempty"`       // RFC 9470 §6.2
	AuthTime  int64  `json:"auth_time,omitempty"` // the same
	Act       *actor `json:"act,omitempty"`       // RFC 8693 §4.1
}

// handleIntrospect is the introspection endpoint (RFC 7662). An app learns
// about its own tokens only: subjects are pairwise, and a token of another app
// is to it as good as none.
func (s *Server) handleIntrospect(w http.ResponseWriter, r *http.Request) error {
	c, token, err := s.managedToken(r)
	if err != nil {
		return err
	}
	if c.public() {
		// RFC 7662 §4: whoever may ask without proof may guess tokens.
		return notAuthenticated(errors.New("a public client may not introspect"))
	}
	b := s.counted(r, c.id)
	found := findAccessToken(b, token)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	var answer introspection
	if t, g, ok := found.valid(s); ok && g.Client == c.id {
		answer = s.active(g, t.Issued, t.Expires)
		answer.TokenType = bearer
	} else if answer, err = s.introspectRefreshToken(r.Context(), c, token); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (s *Server) introspectRefreshToken(ctx context.Context, c *client, token string) (introspection, error) {
	t, found, err := s.findRefreshToken(ctx, token)
	if err != nil || !found || t.check(c, s.Now()) != nil {
		return introspection{}, err
	}
	err = s.stands(ctx, c, &t.grant)
	if _, over := errors.AsType[*Error](err); over {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	return s.active(t.grant, t.created, t.expires), nil
}

// active says what a good token stands for.
func (s *Server) active(g grant, issued, expires time.Time) introspection {
	return introspection{
		Active: true, Issuer: s.Issuer, ClientID: g.Client, Subject: g.Subject, Scope: strings.Join(g.Scopes, " "),
		Issued: issued.Unix(), Expires: g.within(expires).Unix(), ACR: g.ACR, AuthTime: g.AuthTime.Unix(), Act: g.Act,
	}
}
