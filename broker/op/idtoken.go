package op

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/mapping"
)

// idTokenTime is how long an app may take to read its ID token. It says
// nothing of how long the resident stays signed in.
const idTokenTime = 10 * time.Minute

// idToken is OpenID Connect Core §2.
type idToken struct {
	Issuer          string `json:"iss"`
	Subject         string `json:"sub"`
	Audience        string `json:"aud"`
	Expires         int64  `json:"exp"`
	Issued          int64  `json:"iat"`
	AuthTime        int64  `json:"auth_time"`
	Nonce           string `json:"nonce,omitempty"`
	Session         string `json:"sid"` // OpenID Connect Front-Channel Logout §3
	AccessTokenHash string `json:"at_hash"`
	Trustmark       string `json:"vtm,omitempty"` // RFC 8485 §4
	Act             *actor `json:"act,omitempty"` // RFC 8693 §4.1
	assured

	Claims mapping.Claims `json:"-"` // that were asked for by name
}

// signIDToken says to the client who signed in.
func (s *Server) signIDToken(c *client, g grant, nonce, accessToken string) (string, error) {
	now := s.Now()
	t := idToken{
		Issuer: s.Issuer, Subject: g.Subject, Audience: c.id,
		Expires: now.Add(idTokenTime).Unix(), Issued: now.Unix(), AuthTime: g.AuthTime.Unix(),
		Nonce: nonce, Session: g.Session, AccessTokenHash: leftHash(accessToken),
		Act: g.Act, assured: g.assured, Claims: mapping.Claims{},
	}
	if g.VOT != "" {
		t.Trustmark = s.Issuer + trustmarkPath
	}
	for _, name := range g.InIDToken {
		if value, ok := g.Claims[name]; ok {
			t.Claims[name] = value
		}
	}
	return s.Keys.Sign(c.oidc.IDTokenAlg, "", t)
}

// leftHash is at_hash (OpenID Connect Core §3.1.3.6). Every algorithm that we
// sign with hashes with SHA-256.
func leftHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// verifyHint reads an id_token_hint: an ID token that we issued, however long
// ago (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
func (s *Server) verifyHint(hint string) (idToken, error) {
	claims, err := s.Keys.Verify(hint)
	if err != nil {
		return idToken{}, err
	}
	var t idToken
	if err := json.Unmarshal(claims, &t); err != nil {
		return idToken{}, fmt.Errorf("read id_token_hint: %w", err)
	}
	if t.Issuer != s.Issuer || t.Subject == "" || t.Audience == "" {
		return idToken{}, errors.New("id_token_hint is not an ID token of ours")
	}
	return t, nil
}
