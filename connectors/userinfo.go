package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/mapping"
)

// userinfo is what the userinfo endpoint says (Core §5.3) of the person whom the
// ID token has told of; nil where it is not asked.
func (c *oidcConnector) userinfo(ctx context.Context, d discovery, token *oauth2.Token, t told) (mapping.Claims, error) {
	if c.settings.Userinfo == "never" || d.UserinfoEndpoint == "" {
		return nil, nil
	}
	claims, err := c.fetchUserinfo(ctx, d.UserinfoEndpoint, token)
	if err != nil {
		return nil, err
	}
	// Core §5.3.2: of another sub, nothing may be used.
	if claims.Text("sub") != t.claims.Text("sub") {
		return nil, fail(Refused, "userinfo: sub is another person's")
	}
	if c.settings.Userinfo == "signed" {
		err = c.checkUserinfo(claims, t.issuer)
	}
	return claims, err
}

// fetchUserinfo returns the claims of an answer that is JSON, or a token where
// that is agreed: signed, encrypted or both (Core §5.3.2).
func (c *oidcConnector) fetchUserinfo(ctx context.Context, address string, token *oauth2.Token) (mapping.Claims, error) {
	signed := c.settings.Userinfo == "signed"
	var claims mapping.Claims
	if !signed && c.decrypter == nil {
		err := c.getJSON(ctx, "userinfo", address, c.presented(token), &claims)
		return claims, err
	}
	raw, err := c.getToken(ctx, "userinfo", address, c.presented(token))
	if err != nil {
		return nil, err
	}
	raw, err = c.decrypter.open(raw)
	switch {
	case err != nil:
		return nil, fail(Refused, "userinfo: %w", err)
	case signed:
		return c.keys.read(ctx, "userinfo", raw)
	case json.Unmarshal([]byte(raw), &claims) != nil:
		return nil, fail(Refused, "userinfo: its claims are malformed")
	}
	return claims, nil
}

// checkUserinfo checks that signed claims were made for us by the issuer of the
// ID token (Core §5.3.2): the same keys sign tokens for others, too.
func (c *oidcConnector) checkUserinfo(claims mapping.Claims, issuer string) error {
	by, err := issuerOf(claims, c.settings)
	if err != nil || by != issuer {
		return fail(Refused, "userinfo: iss is another issuer")
	}
	err = cmp.Or(checkAudience(claims, c.clientID), checkTimes(claims, c.now(), c.settings.ClockSkew))
	if err != nil {
		return fail(Refused, "userinfo: %w", err)
	}
	return nil
}

// getToken fetches a token (RFC 7519 §10.3.1).
func (c *Outbound) getToken(ctx context.Context, call, address string, header http.Header) (string, error) {
	header.Set("Accept", "application/jwt")
	var token []byte
	err := c.get(ctx, call, address, header, func(resp *http.Response) error {
		if err := succeeded(call, resp); err != nil {
			return err
		}
		mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if mediaType != "application/jwt" {
			return fail(Refused, "%s: the answer is not a token", call)
		}
		var err error
		token, err = io.ReadAll(resp.Body)
		return err
	})
	return string(token), err
}
