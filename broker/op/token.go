package op

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
)

const tokenPath = "/token"

// tokenResponse is RFC 6749 §5.1 with OpenID Connect Core §3.1.3.3.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

// handleToken is the token endpoint (RFC 6749 §3.2).
func (s *Server) handleToken(w http.ResponseWriter, r *http.Request) error {
	form, err := appForm(r)
	if err != nil {
		return err
	}
	c, err := s.authenticate(r, form)
	if err != nil {
		return err
	}
	var answer tokenResponse
	switch form.Get("grant_type") {
	case "authorization_code":
		answer, err = s.redeem(r, c, form)
	case "refresh_token":
		answer, err = s.refresh(r, c, form)
	case "":
		err = refused(invalidRequest, "grant_type is missing")
	default:
		err = refused(unsupportedGrantType, "grant_type is authorization_code or refresh_token")
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

// redeem exchanges a code for tokens. It takes one round trip, which takes the
// code and writes the access token before anybody knows whether the request is
// right: a token that is not handed out is of no use to anyone.
//
// Of many who redeem a code at once, one finds it. The others show that the
// code is in more hands than one, so what the winner got is revoked, even
// where an app merely asked twice (RFC 6749 §4.1.2).
func (s *Server) redeem(r *http.Request, c *client, form url.Values) (tokenResponse, error) {
	ctx := r.Context()
	h, ok := store.ParseHandle(form.Get("code"))
	if !ok {
		return tokenResponse{}, refused(invalidGrant, "the code is not valid")
	}
	b := s.counted(r, c.id)
	taken, found := codes.Take(b, h), grants.Get(b, online(h.Tag))
	token := s.newAccessToken(b, h.Tag, c, accessToken{})
	err := b.Exec(ctx)
	sent, fresh := taken.Value()
	if err != nil {
		return tokenResponse{}, errors.Join(err, s.spare(ctx, h, sent, fresh))
	}
	g, granted := found.Value()
	switch {
	case granted && !fresh && g.madeWith(h.Secret):
		return tokenResponse{}, s.reused(ctx, h.Tag, g)
	case !granted || !fresh:
		return tokenResponse{}, refused(invalidGrant, "the code is not valid")
	}
	if err := sent.check(g, c, form); err != nil {
		return tokenResponse{}, err
	}
	answer, err := s.tokens(ctx, c, g, sent.Nonce, token)
	if errors.Is(err, db.ErrUnavailable) {
		err = errors.Join(err, s.spare(ctx, h, sent, fresh))
	}
	return answer, err
}

// spare gives a code back that was taken in vain, for what is left of its time,
// so that an app which is told to come later finds it.
func (s *Server) spare(ctx context.Context, h store.Handle, sent code, taken bool) error {
	if !taken {
		return nil
	}
	b := s.Store.Batch()
	codes.Put(b, h, sent, sent.Expires.Sub(s.Now()))
	return b.Exec(ctx)
}

// reused answers for a code that has been redeemed before.
func (s *Server) reused(ctx context.Context, tag string, g grant) error {
	if err := s.revokeGrant(ctx, tag, g); err != nil {
		return err
	}
	return refused(invalidGrant, "the code is not valid").because(errors.New("the code was redeemed before; its tokens are revoked"))
}

// check checks a code against the request that redeems it. The code is spent,
// whatever comes out: nobody may try twice.
func (sent code) check(g grant, c *client, form url.Values) error {
	// RFC 6749 §4.1.3.
	if g.Client != c.id {
		return refused(invalidGrant, "the code was issued to another client")
	}
	if form.Get("redirect_uri") != sent.RedirectURI {
		return refused(invalidGrant, "redirect_uri is not that of the authorization request")
	}
	return checkPKCE(sent.CodeChallenge, form.Get("code_verifier"))
}

// checkPKCE checks the verifier (RFC 7636 §4.6). One that comes without a
// challenge fits none: it betrays that the challenge was stripped on the way
// (RFC 9700 §2.1.1).
func checkPKCE(challenge, verifier string) error {
	if challenge == "" && verifier == "" {
		return nil
	}
	if !isVerifier(verifier) || subtle.ConstantTimeCompare([]byte(hashOf(verifier)), []byte(challenge)) != 1 {
		return refused(invalidGrant, "code_verifier does not fit the code_challenge")
	}
	return nil
}

// isVerifier checks the syntax of RFC 7636 §4.1.
func isVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && !strings.ContainsRune("-._~", rune(c)) {
			return false
		}
	}
	return true
}

// tokens is the answer to a code that has passed every check.
func (s *Server) tokens(ctx context.Context, c *client, g grant, nonce string, token store.Handle) (tokenResponse, error) {
	answer := s.tokenResponse(c, g, token, g.Scopes)
	if g.refreshable() {
		refresh, err := s.beginRefresh(ctx, c, token.Tag, g)
		if err != nil {
			return tokenResponse{}, err
		}
		answer.RefreshToken = refresh
	}
	var err error
	answer.IDToken, err = s.signIDToken(c, g, nonce, answer.AccessToken)
	return answer, err
}

func (s *Server) tokenResponse(c *client, g grant, token store.Handle, scopes []string) tokenResponse {
	now := s.Now()
	return tokenResponse{
		AccessToken: token.String(),
		TokenType:   bearer,
		ExpiresIn:   int64(g.within(now.Add(c.oidc.AccessTokenLifetime)).Sub(now).Seconds()),
		Scope:       strings.Join(scopes, " "),
	}
}
