package connectors

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// oidcConnector speaks OpenID Connect Core 1.0: the authorization code flow.
type oidcConnector struct {
	provider
	inboxes
	settings  config.OIDC
	discovery *cached[discovery]
	keys      *keySet
	issuers   []string       // what the callback's iss may be
	accounts  accountIssuers // what events and logout messages may name as iss
	slo       string         // where the provider sends browsers to sign out, or that have
}

func openOIDC(cfg config.Connector, o Options) (Connector, error) {
	settings := *cfg.OIDC
	if braces.MatchString(settings.Issuer) && len(settings.Tenants) == 0 {
		return nil, errors.New("tenants: required with an issuer for many tenants")
	}
	p, err := openProvider(cfg, settings.ClientAuth, o)
	if err != nil {
		return nil, err
	}
	p.scopes, p.pkce = settings.Scopes, settings.PKCE != "forbidden"
	d := newDiscovery(settings, p.Outbound, o)
	c := &oidcConnector{
		provider:  p,
		settings:  settings,
		discovery: d,
		keys:      newKeySet(settings.Algorithms, d, p.Outbound, o),
		issuers:   issParameters(settings),
		accounts:  issuersOf(settings.Issuer, settings.IssuerAliases, settings.Tenants, cfg.Events),
		slo:       o.Logout,
	}
	c.inboxes = c.openInboxes(cfg, o)
	return c, nil
}

// issParameters are the values that the callback's iss may have: the one that
// is configured, or the issuer in any spelling and of any tenant allowed.
func issParameters(settings config.OIDC) []string {
	if settings.IssParameter != "" && settings.IssParameter != settings.Issuer {
		return []string{settings.IssParameter}
	}
	part := braces.FindString(settings.Issuer)
	if part == "" {
		return append([]string{settings.Issuer}, settings.IssuerAliases...)
	}
	var issuers []string
	for _, tenant := range settings.Tenants {
		issuers = append(issuers, strings.Replace(settings.Issuer, part, tenant, 1))
	}
	return issuers
}

// Start implements [Connector]: an authentication request (Core §3.1.2.1).
func (c *oidcConnector) Start(ctx context.Context, a Attempt) (Redirect, error) {
	if err := c.ready(); err != nil {
		return Redirect{}, err
	}
	d, err := c.discovery.get(ctx)
	if err != nil {
		return Redirect{}, err
	}
	return Redirect{URL: c.authorizationURL(d.AuthorizationEndpoint, a, c.parameters(a))}, nil
}

// parameters are those of OpenID Connect and of the configuration, which has
// the last word: a provider may know another prompt than login.
func (c *oidcConnector) parameters(a Attempt) map[string]string {
	params := map[string]string{"nonce": a.Nonce}
	if a.MaxAge != nil {
		params["max_age"] = strconv.Itoa(int(a.MaxAge.Seconds()))
	}
	if a.Force {
		params["prompt"], params["max_age"] = "login", "0"
	}
	if len(a.Locales) > 0 {
		params["ui_locales"] = strings.Join(a.Locales, " ")
	}
	if a.LoginHint != "" && (c.settings.LoginHint == nil || *c.settings.LoginHint) {
		params["login_hint"] = a.LoginHint
	}
	maps.Copy(params, c.settings.Params)
	return params
}

// Finish implements [Connector].
func (c *oidcConnector) Finish(ctx context.Context, a Attempt, r *http.Request) (*Assertion, error) {
	answer, err := readCallback(r)
	if err != nil {
		return nil, err
	}
	d, err := c.discovery.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.accept(answer, c.issuers, d.IssParameter); err != nil {
		return nil, err
	}
	token, err := c.redeem(ctx, d, a, answer.code)
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	said, err := c.verify(ctx, a, raw, token.AccessToken)
	if err != nil {
		return nil, err
	}
	issuer, err := issuerOf(said, c.settings)
	if err != nil {
		return nil, err
	}
	claims, err := c.withUserinfo(ctx, d, said, token.AccessToken)
	if err != nil {
		return nil, err
	}
	subject, err := c.subjectOf(claims)
	if err != nil {
		return nil, err
	}
	all := assertion(issuer, subject, said, claims)
	all.Session = c.sessionOf(said, raw)
	return all, nil
}

func (c *oidcConnector) redeem(ctx context.Context, d discovery, a Attempt, code string) (*oauth2.Token, error) {
	audience := d.TokenEndpoint
	if c.settings.AssertionAudience == "issuer" {
		audience = c.settings.Issuer
	}
	return c.exchange(ctx, d.TokenEndpoint, audience, a, code)
}

// withUserinfo adds what the userinfo endpoint says (Core §5.3) to what the
// ID token says, which is signed and so has the first word.
func (c *oidcConnector) withUserinfo(ctx context.Context, d discovery, said mapping.Claims, accessToken string) (mapping.Claims, error) {
	if c.settings.Userinfo == "never" || d.UserinfoEndpoint == "" {
		return said, nil
	}
	var claims mapping.Claims
	if err := c.getJSON(ctx, "userinfo", d.UserinfoEndpoint, accessToken, &claims); err != nil {
		return nil, err
	}
	// Core §5.3.2: of another sub, nothing may be used.
	if claims.Text("sub") != said.Text("sub") {
		return nil, fail(Refused, "userinfo: sub is another person's")
	}
	maps.Copy(claims, said)
	return claims, nil
}

// assertion takes how the person signed in from the ID token alone.
func assertion(issuer, subject string, said, claims mapping.Claims) *Assertion {
	authTime, _ := numericDate(said["auth_time"])
	return &Assertion{
		Issuer:   issuer,
		Subject:  subject,
		Claims:   claims,
		ACR:      said.Text("acr"),
		AMR:      texts(said["amr"]),
		AuthTime: authTime,
	}
}

func texts(value any) []string {
	list, _ := value.([]any)
	var all []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
