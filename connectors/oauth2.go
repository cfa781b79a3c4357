package connectors

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// oauth2Connector speaks OAuth 2.0 with a profile API: RFC 6749 says nothing
// about people, so that each provider has its own calls for that.
type oauth2Connector struct {
	provider
	settings config.OAuth2
}

func openOAuth2(cfg config.Connector, o Options) (Connector, error) {
	settings := *cfg.OAuth2
	p, err := openProvider(cfg, settings.ClientAuth, o)
	if err != nil {
		return nil, err
	}
	p.scopes, p.pkce = settings.Scopes, settings.PKCE != "forbidden"
	return &oauth2Connector{provider: p, settings: settings}, nil
}

// Start implements [Connector].
func (c *oauth2Connector) Start(_ context.Context, a Attempt) (Redirect, error) {
	if err := c.ready(); err != nil {
		return Redirect{}, err
	}
	return Redirect{URL: c.authorizationURL(c.settings.Endpoints.Authorization, a, c.settings.Params)}, nil
}

// Finish implements [Connector].
func (c *oauth2Connector) Finish(ctx context.Context, a Attempt, r *http.Request) (*Assertion, error) {
	answer, err := readCallback(r)
	if err != nil {
		return nil, err
	}
	iss := cmp.Or(c.settings.IssParameter, c.settings.Issuer)
	if err := c.accept(answer, []string{iss}, false); err != nil {
		return nil, err
	}
	token, err := c.redeem(ctx, a, answer.code)
	if err != nil {
		return nil, err
	}
	claims, err := c.profile(ctx, token.AccessToken)
	if err != nil {
		return nil, err
	}
	subject, err := c.subjectOf(claims)
	if err != nil {
		return nil, err
	}
	return &Assertion{Issuer: c.settings.Issuer, Subject: subject, Claims: claims}, nil
}

func (c *oauth2Connector) redeem(ctx context.Context, a Attempt, code string) (*oauth2.Token, error) {
	endpoint := c.settings.Endpoints.Token
	token, err := c.exchange(ctx, endpoint, endpoint, a, code)
	if err != nil {
		return nil, err
	}
	granted, _ := token.Extra("scope").(string)
	if !covers(granted, c.settings.Scopes) {
		return nil, fail(Declined, "token: fewer scopes were granted than asked for")
	}
	return token, nil
}

// covers reports whether the scopes granted include those asked for. An
// answer that names none grants all (RFC 6749 §5.1). GitHub separates by
// commas, and folds user:email into user where that was granted before.
func covers(granted string, asked []string) bool {
	if granted == "" {
		return true
	}
	have := strings.FieldsFunc(granted, func(r rune) bool { return r == ' ' || r == ',' })
	for _, scope := range asked {
		family, _, _ := strings.Cut(scope, ":")
		if !slices.Contains(have, scope) && !slices.Contains(have, family) {
			return false
		}
	}
	return true
}

// profile asks the provider's API who signed in.
func (c *oauth2Connector) profile(ctx context.Context, token string) (mapping.Claims, error) {
	answer, err := c.call(ctx, "profile", c.settings.Profile, token)
	if err != nil {
		return nil, err
	}
	claims, ok := answer.(map[string]any)
	if !ok {
		return nil, fail(Unavailable, "profile: the answer is not an object")
	}
	for name, call := range c.settings.Calls {
		if claims[name], err = c.call(ctx, name, call, token); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

func (c *oauth2Connector) call(ctx context.Context, name string, call config.Call, token string) (any, error) {
	address := call.URL
	if call.Proof == "appsecret_proof" {
		address = withQuery(address, "appsecret_proof", appSecretProof(token, c.secret))
	}
	var answer any
	if err := c.getJSON(ctx, name, address, token, &answer); err != nil {
		return nil, err
	}
	if call.Unwrap == "" {
		return answer, nil
	}
	wrapped, _ := answer.(map[string]any)
	inner, ok := wrapped[call.Unwrap]
	if !ok {
		return nil, fail(Unavailable, "%s: the answer lacks %q", name, call.Unwrap)
	}
	return inner, nil
}

// appSecretProof shows Facebook that the caller of its API holds the app
// secret, not only a token.
func appSecretProof(token, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

func withQuery(address, name, value string) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + url.Values{name: {value}}.Encode()
}
