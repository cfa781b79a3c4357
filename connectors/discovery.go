package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/councilid/councilid/config"
)

// discovery is what we need of a discovery document (OpenID Connect Discovery
// 1.0 §3).
type discovery struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	PAREndpoint           string `json:"pushed_authorization_request_endpoint"`          // RFC 9126 §5
	EndSessionEndpoint    string `json:"end_session_endpoint"`                           // RP-Initiated Logout 1.0 §2.1
	IssParameter          bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
}

// discoveryFresh is how long a discovery document is used before it is fetched
// again.
const discoveryFresh = time.Hour

func newDiscovery(settings config.OIDC, client *Outbound, o Options) *cached[discovery] {
	return &cached[discovery]{
		fresh:  discoveryFresh,
		now:    o.Now,
		failed: func(err error) { o.Log.Warn("the last good discovery document is kept", "err", err) },
		load: func(ctx context.Context) (discovery, error) {
			return discover(ctx, settings, client)
		},
	}
}

func discover(ctx context.Context, settings config.OIDC, client *Outbound) (discovery, error) {
	var d discovery
	e := settings.Endpoints
	if e.Authorization == "" || e.Token == "" || e.JWKS == "" {
		if err := client.getJSON(ctx, "discovery", settings.Discovery, nil, &d); err != nil {
			return d, err
		}
		if err := d.check(settings); err != nil {
			return d, fail(Misconfigured, "discovery: %w", err)
		}
	}
	d.AuthorizationEndpoint = cmp.Or(e.Authorization, d.AuthorizationEndpoint)
	d.TokenEndpoint = cmp.Or(e.Token, d.TokenEndpoint)
	d.UserinfoEndpoint = cmp.Or(e.Userinfo, d.UserinfoEndpoint)
	d.JWKSURI = cmp.Or(e.JWKS, d.JWKSURI)
	d.PAREndpoint = cmp.Or(e.PAR, d.PAREndpoint)
	d.EndSessionEndpoint = cmp.Or(e.EndSession, d.EndSessionEndpoint)
	return d, nil
}

// check holds a discovery document against the configuration: it must be the
// issuer's own (Discovery 1.0 §4.3) and lead to encrypted endpoints.
func (d discovery) check(settings config.OIDC) error {
	if !sameIssuer(d.Issuer, settings.Issuer) && !slices.Contains(settings.IssuerAliases, d.Issuer) {
		return fmt.Errorf("the document is of issuer %q", d.Issuer)
	}
	if d.AuthorizationEndpoint == "" || d.TokenEndpoint == "" || d.JWKSURI == "" {
		return errors.New("the document lacks an endpoint")
	}
	plain := scheme(settings.Discovery) == "http" // the operator's own choice, for simulators
	for _, endpoint := range []string{
		d.AuthorizationEndpoint, d.TokenEndpoint, d.UserinfoEndpoint, d.JWKSURI, d.PAREndpoint, d.EndSessionEndpoint,
	} {
		if endpoint != "" && scheme(endpoint) != "https" && !plain {
			return errors.New("an endpoint is not https")
		}
	}
	return nil
}

func scheme(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme
}

// braces is the part of a templated issuer that stands for a tenant.
var braces = regexp.MustCompile(`\{[^{}]*\}`)

// sameIssuer compares exactly, except that the part in braces of a template
// may be called otherwise: Microsoft's document says {tenantid} where the
// claim is tid.
func sameIssuer(a, b string) bool {
	return braces.ReplaceAllLiteralString(a, "{}") == braces.ReplaceAllLiteralString(b, "{}")
}
