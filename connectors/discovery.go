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

// metadata is what we need of a discovery document (OpenID Connect Discovery
// 1.0 §3).
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	IssParameter          bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
}

// metadataFresh is how long a discovery document is used before it is fetched
// again.
const metadataFresh = time.Hour

func newMetadata(settings config.OIDC, client *Outbound, o Options) *cached[metadata] {
	return &cached[metadata]{
		fresh:  metadataFresh,
		now:    o.Now,
		failed: func(err error) { o.Log.Warn("the last good discovery document is kept", "err", err) },
		load: func(ctx context.Context) (metadata, error) {
			return discover(ctx, settings, client)
		},
	}
}

func discover(ctx context.Context, settings config.OIDC, client *Outbound) (metadata, error) {
	var m metadata
	e := settings.Endpoints
	if e.Authorization == "" || e.Token == "" || e.JWKS == "" {
		if err := client.getJSON(ctx, "discovery", settings.Discovery, "", &m); err != nil {
			return m, err
		}
		if err := m.check(settings); err != nil {
			return m, fail(Misconfigured, "discovery: %w", err)
		}
	}
	m.AuthorizationEndpoint = cmp.Or(e.Authorization, m.AuthorizationEndpoint)
	m.TokenEndpoint = cmp.Or(e.Token, m.TokenEndpoint)
	m.UserinfoEndpoint = cmp.Or(e.Userinfo, m.UserinfoEndpoint)
	m.JWKSURI = cmp.Or(e.JWKS, m.JWKSURI)
	return m, nil
}

// check holds a discovery document against the configuration: it must be the
// issuer's own (Discovery 1.0 §4.3) and lead to encrypted endpoints.
func (m metadata) check(settings config.OIDC) error {
	if !sameIssuer(m.Issuer, settings.Issuer) && !slices.Contains(settings.IssuerAliases, m.Issuer) {
		return fmt.Errorf("the document is of issuer %q", m.Issuer)
	}
	if m.AuthorizationEndpoint == "" || m.TokenEndpoint == "" || m.JWKSURI == "" {
		return errors.New("the document lacks an endpoint")
	}
	plain := scheme(settings.Discovery) == "http" // the operator's own choice, for simulators
	for _, endpoint := range []string{m.AuthorizationEndpoint, m.TokenEndpoint, m.UserinfoEndpoint, m.JWKSURI} {
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
