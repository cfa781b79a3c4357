package connectors

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// oauth2Connector speaks OAuth 2.0 with a profile API: RFC 6749 says nothing
// about people, so that each provider has its own calls for that.
type oauth2Connector struct {
	provider
	inboxes
	settings config.OAuth2
}

func openOAuth2(cfg config.Connector, o Options) (Connector, error) {
	settings := *cfg.OAuth2
	p, err := openProvider(cfg, settings.ClientAuth, o)
	if err != nil {
		return nil, err
	}
	p.pkce = settings.PKCE != "forbidden"
	return &oauth2Connector{provider: p, settings: settings, inboxes: openInboxes(cfg, teller{
		issuer: settings.Issuer, accounts: issuersOf(settings.Issuer, nil, nil, cfg.Events),
		subject: p.subjectOf, keys: eventKeys(cfg.Events, nil, p.Outbound, o), address: o.Events, now: o.Now,
	})}, nil
}

// Start implements [Connector].
func (c *oauth2Connector) Start(_ context.Context, a Attempt) (Redirect, error) {
	if err := c.ready(); err != nil {
		return Redirect{}, err
	}
	request := c.authorizationRequest(a, c.settings.Scopes, c.settings.Params)
	return Redirect{URL: withParams(c.settings.Endpoints.Authorization, request)}, nil
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
	claims, err := c.profile(ctx, token)
	if err != nil {
		return nil, err
	}
	subject, err := c.subjectOf(claims)
	if err != nil {
		return nil, err
	}
	issuer := c.settings.Issuer
	return &Assertion{Issuer: issuer, Subject: subject, Claims: claims, Session: c.sessionsOf(issuer, subject)}, nil
}

func (c *oauth2Connector) redeem(ctx context.Context, a Attempt, code string) (*oauth2.Token, error) {
	endpoint := c.settings.Endpoints.Token
	token, err := c.exchange(ctx, endpoint, endpoint, a, code)
	if err != nil {
		return nil, err
	}
	return token, c.grants(token, c.settings.Scopes)
}

// profile asks the provider's API who signed in.
func (c *oauth2Connector) profile(ctx context.Context, token *oauth2.Token) (mapping.Claims, error) {
	answer, _, err := c.call(ctx, "profile", c.settings.Profile, token)
	if err != nil {
		return nil, err
	}
	claims, ok := answer.(map[string]any)
	if !ok {
		return nil, fail(Unavailable, "profile: the answer is not an object")
	}
	names := slices.Sorted(maps.Keys(c.settings.Calls))
	return claims, c.callAll(ctx, names, c.settings.Calls, token, claims)
}
