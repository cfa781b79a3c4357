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
	steps     []step
	discovery *cached[discovery]
	keys      *keySet // of ID tokens
	decrypter *decrypter
	nested    []nestedToken
	issuers   []string       // what the callback's iss may be
	accounts  accountIssuers // what events and logout messages may name as iss
	slo       string         // where the provider sends browsers to sign out, or that have
}

func openOIDC(cfg config.Connector, o Options) (Connector, error) {
	settings := *cfg.OIDC
	if braces.MatchString(settings.Issuer) && len(settings.Tenants) == 0 {
		return nil, errors.New("tenants: required with an issuer for many tenants")
	}
	if err := checkFormClaims(settings); err != nil {
		return nil, err
	}
	p, err := openProvider(cfg, settings.ClientAuth, o)
	if err != nil {
		return nil, err
	}
	p.pkce = settings.PKCE != "forbidden"
	if settings.DPoP == "required" {
		p.tokenType = "DPoP"
	}
	c := &oidcConnector{
		provider:  p,
		settings:  settings,
		steps:     stepsOf(settings, cfg.Ask),
		discovery: newDiscovery(settings, p.Outbound, o),
		issuers:   issParameters(settings),
		accounts:  issuersOf(settings.Issuer, settings.IssuerAliases, settings.Tenants, cfg.Events),
		slo:       o.Logout,
	}
	if err := c.openKeys(cfg.ClientSecret.Reveal(), o); err != nil {
		return nil, err
	}
	c.inboxes = c.openInboxes(cfg, o)
	return c.publishing()
}

// openKeys makes what checks and opens the provider's tokens.
func (c *oidcConnector) openKeys(secret string, o Options) error {
	var err error
	if c.keys, err = idTokenKeys(c.settings, secret, c.discovery, c.Outbound, o); err != nil {
		return err
	}
	if c.decrypter, err = newDecrypter(c.settings.Encryption); err != nil {
		return err
	}
	c.nested, err = openNested(c.settings.Nested, c.Outbound, o)
	return err
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
	ctx, key, err := c.bind(ctx, a)
	if err != nil {
		return Redirect{}, err
	}
	s := c.step(a.Step)
	request := c.authorizationRequest(a, s.scopes, c.parameters(a, s))
	if key != "" {
		request.Set("dpop_jkt", key) // RFC 9449 §10
	}
	if c.settings.PAR == "required" {
		return c.push(ctx, d, request)
	}
	return Redirect{URL: withParams(d.AuthorizationEndpoint, request)}, nil
}

// parameters are those of OpenID Connect and of the configuration, which has
// the last word: a provider may know another prompt than login.
func (c *oidcConnector) parameters(a Attempt, s step) map[string]string {
	params := map[string]string{"nonce": a.Nonce}
	if c.settings.ResponseMode == "form_post" {
		params["response_mode"] = "form_post"
	}
	switch {
	case c.settings.Force == "never": // some refuse what they do not know
	case a.Force:
		params["prompt"], params["max_age"] = "login", "0"
	case a.MaxAge != nil:
		params["max_age"] = strconv.Itoa(int(a.MaxAge.Seconds()))
	}
	if len(a.Locales) > 0 {
		params["ui_locales"] = strings.Join(a.Locales, " ")
	}
	if a.LoginHint != "" && enabled(c.settings.LoginHint) {
		params["login_hint"] = a.LoginHint
	}
	maps.Copy(params, s.params)
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
	ctx, _, err = c.bind(ctx, a)
	if err != nil {
		return nil, err
	}
	token, err := c.redeem(ctx, d, a, answer.code)
	if err != nil {
		return nil, err
	}
	raw, said, err := c.idToken(ctx, a, token)
	if err != nil {
		return nil, err
	}
	told, err := c.listen(ctx, d, a, token, said)
	if err != nil {
		return nil, err
	}
	return c.assertion(answer, raw, said, told)
}

func (c *oidcConnector) redeem(ctx context.Context, d discovery, a Attempt, code string) (*oauth2.Token, error) {
	token, err := c.exchange(ctx, d.TokenEndpoint, c.audience(d), a, code)
	if err != nil {
		return nil, err
	}
	if c.settings.GrantedScopes == "all" {
		err = c.grants(token, c.step(a.Step).scopes)
	}
	return token, err
}

// audience is that of client assertions.
func (c *oidcConnector) audience(d discovery) string {
	if c.settings.AssertionAudience == "issuer" {
		return c.settings.Issuer
	}
	return d.TokenEndpoint
}

// assertion is what the provider told, and what the browser's form adds. That has
// no say in who the person is, for a browser says what it likes. How the person
// signed in is taken from the ID token alone.
func (c *oidcConnector) assertion(answer callback, raw string, said mapping.Claims, told told) (*Assertion, error) {
	subject, err := c.subjectOf(told.claims)
	if err != nil {
		return nil, err
	}
	told.add(answer.formClaims(c.settings.FormClaims))
	authTime, _ := numericDate(said["auth_time"])
	return &Assertion{
		Issuer:   told.issuer,
		Subject:  subject,
		Claims:   told.claims,
		Signed:   told.signed,
		ACR:      said.Text("acr"),
		AMR:      texts(said["amr"]),
		AuthTime: authTime,
		Session:  c.sessionOf(said, raw),
	}, nil
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
