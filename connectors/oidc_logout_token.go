package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// backChannel takes logout tokens (Back-Channel Logout 1.0), which are signed with
// the keys of ID tokens (§2.4).
type backChannel struct {
	*oidcConnector
	keys *postedKeys
}

// logoutEvent is the member of events that makes a token a logout token (§2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutMemory is the least time for which a logout token is remembered.
const logoutMemory = 3 * time.Minute

// Receive implements [Receiver]: §2.6.
func (c backChannel) Receive(ctx context.Context, r *http.Request) (Notice, error) {
	if err := r.ParseForm(); err != nil {
		return Notice{}, reject(invalidRequest, "the form is malformed")
	}
	token, err := c.decrypted(r.PostForm.Get("logout_token"))
	if err != nil {
		return Notice{}, reject(invalidRequest, err.Error())
	}
	payload, err := c.keys.verify(ctx, token, "logout+jwt")
	if err != nil {
		return Notice{}, err
	}
	var claims mapping.Claims
	if json.Unmarshal(payload, &claims) != nil {
		return Notice{}, reject(invalidRequest, "the token's claims are malformed")
	}
	issuer, err := issuerOf(claims, c.settings)
	if err != nil {
		return Notice{}, err
	}
	if err := c.check(claims); err != nil {
		return Notice{}, reject(invalidRequest, err.Error())
	}
	return c.notice(issuer, claims), nil
}

// decrypted is a token that may be encrypted as ID tokens are (item 1), or not:
// it holds no secret.
func (c backChannel) decrypted(token string) (string, error) {
	if strings.Count(token, ".") == 2 {
		return token, nil
	}
	return c.decrypter.open(token)
}

func (c backChannel) check(claims mapping.Claims) error {
	return cmp.Or(
		checkAudience(claims, c.clientID), // item 4: as of ID tokens
		checkPresent(claims, "exp", "iat"),
		checkTimes(claims, c.now(), c.settings.ClockSkew),
		checkLogout(claims),
		c.checkAge(claims),
	)
}

// checkLogout is what makes a token a logout token, which no ID token is.
func checkLogout(claims mapping.Claims) error {
	events, _ := claims["events"].(map[string]any)
	_, logout := events[logoutEvent].(map[string]any)
	_, nonce := claims["nonce"]
	switch {
	case !logout: // item 6
		return errors.New("events does not say that it is a logout token")
	case nonce: // item 7
		return errors.New("it has a nonce")
	case claims.Text("jti") == "":
		return errors.New("jti is missing")
	case !plain(claims.Text("sub")) && !plain(claims.Text("sid")): // item 5
		return errors.New("it has neither sub nor sid")
	}
	return nil
}

// checkAge bounds how long the token has to be remembered.
func (c backChannel) checkAge(claims mapping.Claims) error {
	if iat, _ := numericDate(claims["iat"]); iat.Before(c.now().Add(-eventWindow)) {
		return errors.New("it is too old")
	}
	return nil
}

// notice is about the session that sid names, or else about all of the person's.
func (c backChannel) notice(issuer string, claims mapping.Claims) Notice {
	sub, sid := claims.Text("sub"), claims.Text("sid")
	key := sessionKey("sid", issuer, sid)
	if !plain(sid) { // as of ID tokens: no session is known by such a name
		key = sessionKey("sub", issuer, sub)
	}
	iat, _ := numericDate(claims["iat"])
	exp, _ := numericDate(claims["exp"])
	until := exp.Add(c.settings.ClockSkew)
	if oldest := iat.Add(eventWindow); oldest.Before(until) {
		until = oldest
	}
	if least := c.now().Add(logoutMemory); until.Before(least) {
		until = least
	}
	return Notice{
		Once:   Once{ID: issuer + " " + claims.Text("jti"), Until: until}, // each tenant counts by itself (RFC 7519 §4.1.7)
		Events: []Event{{Action: EndSessions, Type: "backchannel-logout", Issuer: issuer, Keys: []string{key}, At: iat}},
	}
}

// Acknowledge implements [Receiver]: §2.8.
func (c backChannel) Acknowledge(Notice, string) Reply { return Reply{Status: http.StatusOK} }

// Refuse implements [Receiver]: §2.8.
func (c backChannel) Refuse(err error) Reply { return refuse(err, "error", "error_description") }
