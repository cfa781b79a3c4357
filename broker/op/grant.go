package op

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/mapping"
)

// codeTime is how long a code may wait to be redeemed (RFC 6749 §4.1.2, which
// allows ten minutes; RFC 9700 and FAPI 2.0 §5.3.2.1 want it short).
const codeTime = time.Minute

// grant is what one sign-in gave to one app.
//
// Under a tag there may be two. The online grant begins with the code and ends
// with the session. The offline one is kept while an app refreshes: it is
// apart, because it goes on when the resident signs out, and must not bring
// the session's access tokens back to life.
type grant struct {
	Client   string         `json:"client"`  // client_id
	Account  string         `json:"account"` // accounts.Account.ID
	Link     string         `json:"link"`    // accounts.Link.ID of the way in that was used
	Subject  string         `json:"sub"`
	Session  string         `json:"sid"`
	Scopes   []string       `json:"scopes"`
	Claims   mapping.Claims `json:"claims"` // released
	AuthTime time.Time      `json:"auth_time"`
	CodeHash string         `json:"code_hash,omitempty"` // online: of the code that it was made with

	// InIDToken are the claims that the ID token has besides userinfo.
	InIDToken []string `json:"in_id_token,omitempty"`

	// Act is who acts for whom the token is about (RFC 8693 §4.1), nil for nobody, and
	// Until when they may no longer.
	Act   *actor    `json:"act,omitempty"`
	Until time.Time `json:"until,omitzero"`

	// Basis is what the grant rests on besides.
	accounts.Basis

	// assured holds for the sign-in. What is refreshed later says nothing of it:
	// by then it may be less.
	assured
}

// actor is the claim act (RFC 8693 §4.1).
type actor struct {
	Subject string `json:"sub"`
}

// subject is the actor's, or "" for none.
func (a *actor) subject() string {
	if a == nil {
		return ""
	}
	return a.Subject
}

// code is what waits to be redeemed. Who and what it is about is in the grant.
type code struct {
	RedirectURI   string    `json:"redirect_uri"`
	CodeChallenge string    `json:"code_challenge,omitempty"`
	Nonce         string    `json:"nonce,omitempty"`
	Expires       time.Time `json:"exp"`
}

// accessToken is worth what its grant is worth, and nothing without it.
type accessToken struct {
	Client  string    `json:"client"`
	Offline bool      `json:"offline,omitempty"` // which of the two grants
	Scopes  []string  `json:"scopes,omitempty"`  // fewer than the grant's; nil for all of them
	Issued  time.Time `json:"iat"`
	Expires time.Time `json:"exp"`
}

var (
	codes        = store.Table[code]{Name: "code"}
	grants       = store.Table[grant]{Name: "grant"}
	accessTokens = store.Table[accessToken]{Name: "access"}
)

// online and offline name the grants of a tag. They need no secret: who asks
// for one has shown a code or a token of the same tag.
func online(tag string) store.Handle  { return store.Handle{Tag: tag} }
func offline(tag string) store.Handle { return store.Handle{Tag: tag, Secret: "offline"} }

// grant is what the client gets in the session for what it asked.
func (s *Server) grant(c *client, session login.Session, answer reply) grant {
	scopes := c.grantable(answer.Scopes)
	g := grant{
		Client: c.id, Account: session.Account.ID, Link: session.Link, Subject: session.Account.Subject(c.app.Sector),
		Session: c.session(session), Scopes: scopes, Claims: c.release.Apply(session.Known().Claims, scopes),
		AuthTime: session.AuthTime, Basis: session.Basis, assured: s.assured(c, answer, session.Level),
	}
	if session.Acting != nil {
		g.Act, g.Until = &actor{session.Acting.Subject(c.app.Sector)}, session.Acting.Until
	}
	c.alsoReleased(&g, session.Known().Claims, answer)
	return g
}

// session names the session to the client (Front-Channel Logout §3). It stays
// the same while the session lasts, and no two clients can tell that theirs are
// one.
func (c *client) session(session login.Session) string {
	return mapping.Pairwise(session.Account.SubjectKey, "sid "+session.SID+" "+c.app.ID)
}

// putCode writes a code under h and the grant that it stands for. The grant
// outlives any access token that the code can be redeemed for.
func (s *Server) putCode(b *store.Batch, h store.Handle, c *client, g grant, answer reply) {
	g.CodeHash = hashOf(h.Secret)
	codes.Put(b, h, code{
		RedirectURI: answer.RedirectURI, CodeChallenge: answer.CodeChallenge, Nonce: answer.Nonce, Expires: s.Now().Add(codeTime),
	}, codeTime)
	grants.Put(b, online(h.Tag), g, c.grantTime())
}

// grantTime is how long an online grant lives: until the last token of a code
// that was redeemed at the last moment is over.
func (c *client) grantTime() time.Duration { return codeTime + c.oidc.AccessTokenLifetime }

// newAccessToken writes an access token of the tag to b.
func (s *Server) newAccessToken(b *store.Batch, tag string, c *client, t accessToken) store.Handle {
	now := s.Now()
	t.Client, t.Issued, t.Expires = c.id, now, now.Add(c.oidc.AccessTokenLifetime)
	h := store.Handle{Tag: tag}.Sibling()
	accessTokens.Put(b, h, t, c.oidc.AccessTokenLifetime)
	return h
}

// End revokes the codes and access tokens that an app got in a session that
// has ended. Refresh tokens stay: the scope offline_access is for when the
// resident is gone (OpenID Connect Core §11).
func (s *Server) End(b *store.Batch, u login.Use) { grants.Delete(b, online(u.Tag)) }

// madeWith reports whether the grant was made with the code of that secret.
func (g grant) madeWith(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(g.CodeHash), []byte(hashOf(secret))) == 1
}

// refreshable reports whether the grant comes with refresh tokens.
func (g grant) refreshable() bool { return slices.Contains(g.Scopes, offlineAccess) }

// narrowed is the grant with fewer scopes and without the claims that only the
// others ask for.
func (g grant) narrowed(scopes []string) grant {
	g.Claims = maps.Clone(g.Claims)
	for _, scope := range g.Scopes {
		if slices.Contains(scopes, scope) {
			continue
		}
		for _, name := range mapping.ScopeClaims(scope) {
			delete(g.Claims, name)
		}
	}
	g.Scopes = scopes
	return g
}

// released is the grant with what the app's registration releases now, which
// may be less than when the grant was made.
func (g grant) released(c *client) grant {
	g.Claims = maps.Clone(g.Claims)
	maps.DeleteFunc(g.Claims, func(name string, _ any) bool { return !c.release.Has(name) })
	return g
}

// over reports whether nobody may use the grant any more.
func (g grant) over(now time.Time) bool { return !g.Until.IsZero() && !now.Before(g.Until) }

// within is t, or the end of the grant where that comes first.
func (g grant) within(t time.Time) time.Time {
	if !g.Until.IsZero() && g.Until.Before(t) {
		return g.Until
	}
	return t
}

// claimNames are the names of the claims that the app gets.
func (g grant) claimNames() []string { return slices.Sorted(maps.Keys(g.Claims)) }

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
