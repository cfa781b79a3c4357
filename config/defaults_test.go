package config_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// The manual's word on each default is kept. A comment that gains or loses a
// default needs a line below.
func TestDefaults(t *testing.T) {
	cfg, least := load(t, defaultsFolder), load(t, "")
	kept := brokerDefaults(cfg, least)
	maps.Copy(kept, connectorDefaults(t, cfg))
	maps.Copy(kept, oidcDefaults(t, cfg))
	maps.Copy(kept, oauth2Defaults(t, cfg))
	maps.Copy(kept, appDefaults(t, cfg))
	maps.Copy(kept, providerDefaults(t, cfg))
	maps.Copy(kept, samlAppDefaults(t, cfg))
	for says, ok := range kept {
		if !ok {
			t.Errorf("not so: %s", says)
		}
	}
	if diff := cmp.Diff(documentedDefaults(t), slices.Sorted(maps.Keys(kept))); diff != "" {
		t.Errorf("documented and tested (-documented +tested):\n%s", diff)
	}
}

// defaultsFolder has each block that has defaults, and nothing in it.
const defaultsFolder = `
-- broker.yaml --
issuer: http://localhost:8080
redis: {addresses: ["redis.internal:6379"]}
mail: {smtp: "smtp.internal:587", from: no-reply@example.gov.uk}
telemetry: {otlp: "http://collector.internal:4318"}
services: [{label: Potholes, link: "https://www.example.gov.uk/potholes"}]
-- connectors/secret.yaml --
label: Secret
client_id: secret
client_secret: env:SECRET
oauth2:
  issuer: https://api.example
  endpoints: {authorization: https://api.example/authorize, token: https://api.example/token}
  profile: {url: https://api.example/me}
-- connectors/strict.yaml --
preset: strict
client_id: councilid
oidc:
  private_key: file:keys/p256.pem
  encryption: {key: "file:keys/p256.pem"}
  nested: {core: {in: claims.core, issuer: "https://core.strict.example", jwks: "https://strict.example/core", algorithms: [ES256]}}
levels: {authenticator: {from: id_token, value: claims.acr, map: {high: Cl}}}
events: {protocol: risc, issuer: "https://strict.example", actions: {session-revoked: end_sessions}}
-- connectors/council.yaml --
label: E-mail or passkey
council: {}
-- connectors/simulated.yaml --
preset: simulated
client_id: councilid
client_secret: env:SECRET
-- presets/simulated.yaml --
label: Simulated
oidc: {issuer: https://simulated.example}
simulator: {}
setup: {}
-- apps/keys.yaml --
label: Keys
oidc:
  jwks: keys/jwks.json
  redirect_uris: [https://keys.example.gov.uk:8443/callback]
-- connectors/national.yaml --
label: National
saml: {metadata: {file: idp.xml}, request: {eidas: {attributes: ["urn:example:id"]}}}
-- apps/planning.yaml --
label: Planning
saml: {metadata: {file: sp.xml}}
-- apps/hall.yaml --
label: Hall
saml: {manual: {entity_id: "urn:example:hall", acs: ["https://hall.example.gov.uk/acs"]}}
-- apps/native.yaml --
label: Native
oidc:
  redirect_uris: [uk.gov.example.native:/callback]
`

func brokerDefaults(cfg, least *config.Config) map[string]bool {
	b := cfg.Broker
	return map[string]bool{
		"Broker.Listen: :8443":                            b.Listen == ":8443",
		"Broker.Admin: 127.0.0.1:9443":                    b.Admin == "127.0.0.1:9443",
		"Broker.Proxies: none":                            len(b.ProxyPrefixes()) == 0,
		"Broker.DataDir: data":                            b.DataDir == filepath.Join(cfg.Dir, "data"),
		"Broker.Redis: embedded":                          least.Broker.Redis == nil,
		"Broker.Database: SQLite":                         b.Database == nil,
		"Broker.MasterKey: a":                             !b.MasterKey.Set(),
		"Broker.Telemetry: none":                          least.Broker.Telemetry == nil,
		"Redis.Mode: single":                              b.Redis.Mode == "single",
		"Redis.Username: none":                            b.Redis.Username == "",
		"Redis.Database: 0":                               b.Redis.Database == 0,
		"Redis.TLS: none":                                 b.Redis.TLS == nil,
		"ClientTLS.CA: the":                               b.Redis.TLS == nil,
		"Look.Council: Council":                           b.Look.Council == "Council sign-in",
		"Look.Colour: #1d4f7c":                            b.Look.Colour == "#1d4f7c",
		"Look.Logo: none":                                 b.Look.Logo == "",
		"Look.Languages: [en, cy, gd]":                    slices.Equal(b.Look.Languages, []string{"en", "cy", "gd"}),
		"Look.Help: left":                                 b.Look.Help == "",
		"Look.Privacy: left":                              b.Look.Privacy == "",
		"Look.Accessibility: left":                        b.Look.Accessibility == "",
		"Session.Idle: 1h":                                b.Session.Idle == time.Hour,
		"Session.Lifetime: 12h":                           b.Session.Lifetime == 12*time.Hour,
		"Limits.Address: 600":                             b.Limits.Address == 600,
		"Limits.App: 6000":                                b.Limits.App == 6000,
		"Keys.Rotate: 2160h":                              b.Keys.Rotate == 2160*time.Hour,
		"Keys.SAMLLead: 336h":                             b.Keys.SAMLLead == 336*time.Hour,
		"IdentityProvider.EntityID: ISSUER/saml/metadata": b.SAML.EntityID == b.Issuer+"/saml/metadata",
		"IdentityProvider.Scopes: the":                    slices.Equal(b.SAML.Scopes, []string{"localhost"}),
		"IdentityProvider.Contact: left":                  b.SAML.Contact == "",
		"Log.Format: text":                                b.Log.Format == "", // chosen at start, see cmd/councilid
		"Log.Level: info":                                 b.Log.Level == "info",
		"Telemetry.Sample: 0.01":                          b.Telemetry.Sample == 0.01,
		"Broker.Contexts: urn:x-council:acr:cl":           strings.Join(acrs(b.Contexts), " ") == "cl cm cm-phr ch p1.cm p2.cm p3.cm",
		"Context.SAML: the":                               b.Contexts[5].SAML == b.Contexts[5].ACR,
		"Context.AMR: none":                               len(b.Contexts[0].AMR) == 0,
		"Broker.Claims: see":                              len(b.Claims) == 0,
		"Broker.Services: none":                           len(least.Broker.Services) == 0,
		"Preference.Fresh: none":                          b.Claims["name"].Fresh == 0,
		"Residents.CoolingOff: 336h":                      b.Residents.CoolingOff == 336*time.Hour,
		"Residents.Undo: 720h":                            b.Residents.Undo == 720*time.Hour,
		"Residents.Delegation: 8760h":                     b.Residents.Delegation == 8760*time.Hour,
		"Retention.SignIns: 9528h":                        b.Retention.SignIns == 9528*time.Hour,
		"Retention.Inactive: 26280h":                      b.Retention.Inactive == 26280*time.Hour,
		"Retention.Unfinished: 720h":                      b.Retention.Unfinished == 720*time.Hour,
		"Retention.Delivered: 720h":                       b.Retention.Delivered == 720*time.Hour,
		"Retention.Lookups: 52560h":                       b.Retention.Lookups == 52560*time.Hour,
		"Mail.TLS: starttls":                              b.Mail.TLS == "starttls",
		"Mail.Username: none":                             b.Mail.Username == "",
	}
}

// acrs are the names of contexts, without what those of the council have in
// common.
func acrs(contexts []config.Context) []string {
	var all []string
	for _, c := range contexts {
		all = append(all, strings.TrimPrefix(c.ACR, "urn:x-council:acr:"))
	}
	return all
}

func connectorDefaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	works, simulated := connector(t, cfg, "works"), connector(t, cfg, "simulated")
	strict, council := connector(t, cfg, "strict"), connector(t, cfg, "council").Council
	least := config.Assurance{Identity: "P0", Authenticator: "Cl"}
	return map[string]bool{
		"Connector.Order: 100":                             works.Order == 100,
		"Connector.Disabled: false":                        !works.Disabled,
		"Connector.Domains: none":                          len(works.Domains) == 0,
		"Connector.Subject: claims.sub":                    works.Subject == "claims.sub",
		"Connector.InsecureLoosenPreset: none":             len(works.InsecureLoosenPreset) == 0,
		"Levels.Authenticator: {always: Cl}":               cmp.Equal(works.Levels, config.Levels{Authenticator: &config.Level{Always: "Cl"}}),
		"Connector.Cap: {identity: P0, authenticator: Cl}": works.Cap == least,
		"Connector.Ask: one":                               len(works.Ask) == 0,
		"Connector.Events: it":                             works.Events == nil,
		"Connector.Landing: false":                         !works.Landing,
		"Connector.Patience: 1h":                           works.Patience == time.Hour,
		"Connector.WebViews: allowed":                      works.WebViews == "allowed",
		"SessionLimit.Idle: as":                            works.Session.Idle == cfg.Broker.Session.Idle,
		"SessionLimit.Lifetime: as":                        works.Session.Lifetime == cfg.Broker.Session.Lifetime,
		"Level.Fresh: 8760h":                               strict.Levels.Authenticator.Fresh == 8760*time.Hour,
		"Events.JWKS: those":                               strict.Events.JWKS == "", // the connector has them
		"Events.Algorithms: [RS256]":                       slices.Equal(strict.Events.Algorithms, []string{"RS256"}),
		"Events.Audience: client_id":                       slices.Equal(strict.Events.Audience, []string{"councilid"}),
		"Council.Passkeys: true":                           *council.Passkeys,
		"Council.EmailCodes: true":                         *council.EmailCodes,
		"Council.Passwords: false":                         !council.Passwords,
		"Council.Attestation: nobody":                      council.Attestation == "",
		"Council.Breached: a":                              council.Breached == "", // comes with the program
		"EmailTrust.Policy: never":                         works.Trust.Email.Policy == "never",
		"Network.Timeout: 10s":                             works.Network.Timeout == 10*time.Second,
		"Network.Proxy: none":                              works.Network.Proxy == "",
		"Network.Cert: none":                               works.Network.Cert == "",
		"Network.AllowPrivate: false":                      !works.Network.AllowPrivate,
		"Network.Attempts: 3":                              works.Network.Attempts == 3,
		"Setup.Status: stable":                             simulated.Setup.Status == "stable",
		"Simulator.Cancel: error=access_denied":            simulated.Simulator.Cancel == "error=access_denied",
		"Simulator.Algorithm: RS256":                       simulated.Simulator.Algorithm == "RS256",
	}
}

func oidcDefaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	oidc, strict := connector(t, cfg, "works").OIDC, connector(t, cfg, "strict").OIDC
	encryption, core := strict.Encryption, strict.Nested["core"]
	return map[string]bool{
		"OIDC.Discovery: ISSUER/.well-known/openid-configuration": oidc.Discovery == "https://id.example.gov.uk/.well-known/openid-configuration",
		"OIDC.ClientAuth: client_secret_basic":                    oidc.ClientAuth == "client_secret_basic",
		"OIDC.AssertionAlgorithm: RS256":                          oidc.AssertionAlgorithm == "", // goes by the key, see connectors
		"OIDC.AssertionAudience: token_endpoint":                  oidc.AssertionAudience == "token_endpoint",
		"OIDC.NextPrivateKey: none":                               !oidc.NextPrivateKey.Set(),
		"OIDC.Algorithms: [RS256, ES256]":                         slices.Equal(oidc.Algorithms, []string{"RS256", "ES256"}),
		"OIDC.Encryption: they":                                   oidc.Encryption == nil,
		"Encryption.KeyID: its":                                   encryption.KeyID == "", // see connectors
		"Encryption.KeyAlgorithms: [RSA-OAEP-256, ECDH-ES, ECDH-ES+A256KW]": slices.Equal(encryption.KeyAlgorithms, []string{
			"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW",
		}),
		"Encryption.ContentAlgorithms: [A256GCM, A256CBC-HS512]": slices.Equal(encryption.ContentAlgorithms, []string{"A256GCM", "A256CBC-HS512"}),
		"OIDC.Scopes: [openid, profile, email]":                  slices.Equal(oidc.Scopes, []string{"openid", "profile", "email"}),
		"OIDC.GrantedScopes: any":                                oidc.GrantedScopes == "any",
		"OIDC.ResponseMode: query":                               oidc.ResponseMode == "query",
		"OIDC.PAR: never":                                        oidc.PAR == "never",
		"OIDC.DPoP: never":                                       oidc.DPoP == "never",
		"OIDC.LoginHint: true":                                   *oidc.LoginHint,
		"OIDC.PKCE: required":                                    oidc.PKCE == "required",
		"OIDC.Force: prompt":                                     oidc.Force == "prompt",
		"OIDC.Nonce: required":                                   oidc.Nonce == "required",
		"OIDC.IssParameter: Issuer":                              oidc.IssParameter == oidc.Issuer,
		"OIDC.Userinfo: merge":                                   oidc.Userinfo == "merge",
		"OIDC.ClockSkew: 30s":                                    oidc.ClockSkew == 30*time.Second,
		"OIDCLogout.Send: never":                                 oidc.Logout.Send == "never",
		"OIDCLogout.BackChannel: false":                          !oidc.Logout.BackChannel,
		"OIDCLogout.FrontChannel: false":                         !oidc.Logout.FrontChannel,
		"Nested.Expires: true":                                   *core.Expires,
		"Nested.Audience: true":                                  *core.Audience,
	}
}

func oauth2Defaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	api := connector(t, cfg, "secret").OAuth2
	return map[string]bool{
		"OAuth2.ClientAuth: client_secret_post": api.ClientAuth == "client_secret_post",
		"OAuth2.PKCE: required":                 api.PKCE == "required",
		"OAuth2.IssParameter: none":             api.IssParameter == "",
		"Call.Proof: none":                      api.Profile.Proof == "",
		"Call.Assertion: none":                  api.Profile.Assertion == "",
		"Call.Query: none":                      api.Profile.Query == "",
		"Call.Absent: false":                    !api.Profile.Absent,
		"Ask.After: none":                       connector(t, cfg, "strict").Ask == nil,
	}
}

func appDefaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	keys, native, tax := app(t, cfg, "keys"), app(t, cfg, "native"), app(t, cfg, "tax")
	planning, hall := app(t, cfg, "planning"), app(t, cfg, "hall")
	return map[string]bool{
		"App.Home: the": tax.Home == "https://tax.example.gov.uk/" &&
			keys.Home == "https://keys.example.gov.uk:8443/" && native.Home == "" &&
			planning.Home == "https://planning.example.gov.uk:8443/" && hall.Home == "https://hall.example.gov.uk/",
		"App.Connectors: all":  len(tax.Connectors) == 0,
		"App.Consent: implied": tax.Consent == "implied",
		"App.Delegates: false": !tax.Delegates,
		"App.Purpose: left":    len(tax.Purpose) == 0,
		"Tile.Category: other": len(tax.Tile.Category) == 0,
		"Tile.Hidden: false":   !tax.Tile.Hidden,
		"Tile.Icon: form":      tax.Tile.Icon == "form" && cfg.Broker.Services[0].Tile.Icon == "form",
		"App.Sector: the": tax.Sector == "tax.example.gov.uk" &&
			keys.Sector == "keys.example.gov.uk" && native.Sector == "native" &&
			planning.Sector == "planning.example.gov.uk" && hall.Sector == "hall",
		"App.Release: [sub]": cmp.Equal(tax.Release, []config.Release{{As: "sub"}}),
		"App.Assurance: {identity: P0, authenticator: Cl}": tax.Assurance == config.Assurance{Identity: "P0", Authenticator: "Cl"},
		"AppOIDC.ClientID: the":                            tax.OIDC.ClientID == "tax",
		"AppOIDC.ClientAuth: client_secret_basic": tax.OIDC.ClientAuth == "client_secret_basic" &&
			keys.OIDC.ClientAuth == "private_key_jwt" && native.OIDC.ClientAuth == "none",
		"AppOIDC.PostLogoutRedirectURIs: none": len(tax.OIDC.PostLogoutRedirectURIs) == 0,
		"AppOIDC.InitiateLoginURI: the":        tax.OIDC.InitiateLoginURI == "",
		"AppOIDC.PKCE: required": tax.OIDC.PKCE == "optional" &&
			keys.OIDC.PKCE == "optional" && native.OIDC.PKCE == "required",
		"AppOIDC.IDTokenAlg: RS256":          tax.OIDC.IDTokenAlg == "RS256",
		"AppOIDC.Refresh: false":             !tax.OIDC.Refresh,
		"AppOIDC.AccessTokenLifetime: 10m":   tax.OIDC.AccessTokenLifetime == 10*time.Minute,
		"AppOIDC.RefreshTokenLifetime: 720h": tax.OIDC.RefreshTokenLifetime == 720*time.Hour,
		"AppOIDC.BackchannelLogoutURI: the":  tax.OIDC.BackchannelLogoutURI == "",
		"Release.Value: the":                 tax.Release[0].Value == "",
		"Release.Attribute: as":              planning.Release[0].Attribute == "",
		"Release.NameFormat: uri":            planning.Release[0].NameFormat == "", // chosen with the name, see mapping
	}
}

func providerDefaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	saml := connector(t, cfg, "national").SAML
	m, q, a := saml.Metadata, saml.Request, saml.Response
	all := []string{
		"rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512",
		"rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512",
	}
	return map[string]bool{
		"SAML.EntityID: ISSUER/connectors/ID/metadata": saml.EntityID == "http://localhost:8080/connectors/national/metadata",
		"SAML.Lists: an":                                             len(saml.Lists) == 0,
		"Metadata.EntityID: the":                                     m.EntityID == "https://idp.example.gov.uk",
		"Metadata.Signer: none":                                      m.Signer == "",
		"Metadata.Refresh: 6h":                                       m.Refresh == 6*time.Hour,
		"Metadata.KeepLastGood: 72h":                                 m.KeepLastGood == 72*time.Hour,
		"SAMLRequest.Binding: redirect":                              q.Binding == "redirect",
		"SAMLRequest.Sign: true":                                     *q.Sign,
		"SAMLRequest.Algorithm: rsa-sha256":                          q.Algorithm == "rsa-sha256",
		"SAMLRequest.NameIDFormat: none":                             q.NameIDFormat == "",
		"SAMLRequest.Force: passthrough":                             q.Force == "passthrough",
		"SAMLRequest.Contexts: none":                                 len(q.Contexts) == 0,
		"SAMLRequest.Attributes: none":                               len(q.Attributes) == 0,
		"SAMLRequest.AttributeIndex: they":                           q.AttributeIndex == nil,
		"SAMLRequest.QualifiedIssuer: false":                         !q.QualifiedIssuer,
		"SAMLLogout.Page: none":                                      saml.Logout.Page == "",
		"SAMLRequest.Comparison: exact":                              q.Comparison == "exact",
		"EIDAS.SPType: public":                                       q.EIDAS.SPType == "public",
		"SAMLResponse.Binding: post":                                 a.Binding == "post",
		"SAMLResponse.Signed: assertion":                             a.Signed == "assertion",
		"SAMLResponse.Encrypted: optional":                           a.Encrypted == "optional",
		"SAMLResponse.Algorithms: [" + strings.Join(all, ", ") + "]": slices.Equal(a.Algorithms, all),
		"SAMLResponse.Encryption: [aes128-gcm, aes256-gcm, aes256-cbc]": slices.Equal(a.Encryption, []string{
			"aes128-gcm", "aes256-gcm", "aes256-cbc",
		}),
		"SAMLResponse.InsecureAllowSHA1: false":    !a.InsecureAllowSHA1,
		"SAMLResponse.EnforceExpiry: false":        !a.EnforceExpiry,
		"SAMLResponse.UnsolicitedApp: unsolicited": a.UnsolicitedApp == "",
		"SAMLResponse.ClockSkew: 60s":              a.ClockSkew == time.Minute,
		"SAMLResponse.MaxAge: 5m":                  a.MaxAge == 5*time.Minute,
		"SAMLResponse.MaxValues: 2000":             a.MaxValues == 2000,
		"SAMLLogout.Send: true":                    *saml.Logout.Send,
		"SAMLLogout.Accept: true":                  *saml.Logout.Accept,
	}
}

func samlAppDefaults(t *testing.T, cfg *config.Config) map[string]bool {
	t.Helper()
	saml, manual := app(t, cfg, "planning").SAML, app(t, cfg, "hall").SAML.Manual
	context := saml.Contexts[1]
	return map[string]bool{
		"AppSAML.Requests: auto":                 saml.Requests == "auto",
		"AppSAML.Start: false":                   !saml.Start,
		"AppSAML.Targets: none":                  len(saml.Targets) == 0,
		"AppSAML.Attributes: basic":              saml.Attributes == "basic",
		"AppSAML.Sign: assertion":                saml.Sign == "assertion",
		"AppSAML.Algorithm: rsa-sha256":          saml.Algorithm == "rsa-sha256",
		"AppSAML.InsecureAllowSHA1: false":       !saml.InsecureAllowSHA1,
		"AppSAML.InsecureUnverifiedEmail: false": !saml.InsecureUnverifiedEmail,
		"AppSAML.Encrypt: never":                 saml.Encrypt == "never",
		"AppSAML.Encryption: auto":               saml.Encryption == "auto",
		"AppSAML.KeyTransport: rsa-oaep-mgf1p":   saml.KeyTransport == "rsa-oaep-mgf1p",
		"AppSAML.Contexts: unspecified": len(saml.Contexts) == 1+len(cfg.Broker.Contexts) &&
			saml.Contexts[0] == config.AppContext{Class: "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", Identity: "P0"} &&
			saml.Contexts[2].Class == "https://refeds.org/profile/mfa" && saml.Contexts[2].Vector() == mapping.Assurance{Authenticator: mapping.Cm},
		"AppSAML.MaxAuthnAge: any":                   saml.MaxAuthnAge == 0,
		"AppSAML.Lifetime: 5m":                       saml.Lifetime == 5*time.Minute,
		"ManualSP.SLO: the":                          manual.SLO == "",
		"ManualSP.SLOSOAP: the":                      manual.SLOSOAP == "",
		"ManualSP.Certificate: none":                 manual.Certificate == "",
		"AppNameID.Formats: [persistent, transient]": slices.Equal(saml.NameID.Formats, []string{"persistent", "transient"}),
		"AppNameID.Value: the":                       saml.NameID.Value == "",
		"AppNameID.Qualifiers: true":                 *saml.NameID.Qualifiers,
		"AppContext.Identity: P0":                    context.Identity == "P0",
		"AppContext.Authenticator: none":             saml.Contexts[0].Authenticator == "",
		"AppContext.Phishing: F0":                    saml.Contexts[1].Vector() == (config.Assurance{Authenticator: "Cl"}).Vector(),
		"AppContext.Residency: R0":                   saml.Contexts[0].Vector() == (config.Assurance{}).Vector(),
		"AppSAMLLogout.InsecureUnsigned: false":      !saml.Logout.InsecureUnsigned,
		"AppSAMLLogout.Timeout: 5s":                  saml.Logout.Timeout == 5*time.Second,
	}
}

// saysDefault finds a default in a comment: a list, a mapping or a word.
var saysDefault = regexp.MustCompile(`Default: (\[[^\]]*\]|\{[^}]*\}|[^ ]+)`)

// documentedDefaults lists what the comments say, as TYPE.FIELD: DEFAULT.
func documentedDefaults(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range must(filepath.Glob("*.go")) {
		file := must(parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments))
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range fields.Fields.List {
				comment := strings.Join(strings.Fields(f.Doc.Text()), " ")
				if m := saysDefault.FindStringSubmatch(comment); m != nil {
					all = append(all, spec.Name.Name+"."+f.Names[0].Name+": "+strings.TrimRight(m[1], ".,;"))
				}
			}
			return true
		})
	}
	slices.Sort(all)
	return all
}
