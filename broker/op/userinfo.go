package op

import (
	"errors"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// handleUserinfo is the userinfo endpoint (OpenID Connect Core §5.3).
func (s *Server) handleUserinfo(w http.ResponseWriter, r *http.Request) error {
	token, err := bearerToken(r)
	if err != nil {
		return err
	}
	b := s.Store.Batch()
	found := findAccessToken(b, token)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	_, g, ok := found.valid(s)
	if !ok {
		return &Error{
			Code: invalidToken, Description: "the access token is expired, revoked or not one of ours",
			Status: http.StatusUnauthorized,
		}
	}
	web.Annotate(r, slog.String("app", s.clients[g.Client].app.ID))
	if !slices.Contains(g.Scopes, openID) {
		// Refreshed for less (RFC 6749 §6), so nobody is to be identified.
		return &Error{Code: insufficientScope, Description: "the access token lacks the scope openid", Status: http.StatusForbidden}
	}
	return writeJSON(w, http.StatusOK, g.userinfo())
}

// userinfo is what the app sees of the resident.
func (g grant) userinfo() mapping.Claims {
	claims := maps.Clone(g.Claims)
	if claims == nil {
		claims = mapping.Claims{}
	}
	claims["sub"] = g.Subject
	if g.Act != nil {
		claims["act"] = g.Act
	}
	return claims
}

// bearerToken is the access token of a request: in the header (RFC 6750 §2.1)
// or in a form (§2.2), never in both and never in the address (RFC 9700
// §4.3.2).
func bearerToken(r *http.Request) (string, error) {
	inForm, err := formToken(r)
	if err != nil {
		return "", err
	}
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, bearer) {
		inHeader = ""
	}
	switch {
	case inHeader != "" && inForm != "":
		return "", refused(invalidRequest, "the access token is sent twice")
	case inHeader == "" && inForm == "":
		// RFC 6750 §3.1: who sent no token gets no error, only the challenge.
		return "", &Error{Status: http.StatusUnauthorized, Err: errors.New("no access token")}
	}
	return inHeader + inForm, nil
}

func formToken(r *http.Request) (string, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return "", nil
	}
	form, err := appForm(r)
	return form.Get("access_token"), err
}

// foundToken are the replies that say what an access token is worth.
type foundToken struct {
	token           *store.Reply[accessToken]
	online, offline *store.Reply[grant]
}

// findAccessToken reads a token and both grants of its tag. Text that cannot
// be a token finds nothing.
func findAccessToken(b *store.Batch, token string) foundToken {
	h, ok := store.ParseHandle(token)
	if !ok {
		return foundToken{}
	}
	return foundToken{accessTokens.Get(b, h), grants.Get(b, online(h.Tag)), grants.Get(b, offline(h.Tag))}
}

// valid returns what was found, if the token is good now.
func (f foundToken) valid(s *Server) (accessToken, grant, bool) {
	if f.token == nil {
		return accessToken{}, grant{}, false
	}
	t, found := f.token.Value()
	reply := f.online
	if t.Offline {
		reply = f.offline
	}
	g, granted := reply.Value()
	c, registered := s.clients[g.Client]
	if !found || !granted || !registered || t.Client != g.Client || !s.Now().Before(t.Expires) || g.over(s.Now()) {
		return accessToken{}, grant{}, false
	}
	if t.Scopes != nil {
		g = g.narrowed(t.Scopes)
	}
	return t, g.released(c), true
}
