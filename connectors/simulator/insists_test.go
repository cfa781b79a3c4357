package simulator_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// A preset plays its own simulator, which must not take the preset's word for what
// the provider wants of everybody: with one that has it wrong nobody signs in.
func TestPresetsThatHaveItWrong(t *testing.T) {
	oidc := func(change func(*config.OIDC)) func(*config.Connector) {
		return func(c *config.Connector) { change(c.OIDC) }
	}
	authenticates := func(method string) func(*config.Connector) {
		return oidc(func(o *config.OIDC) { o.ClientAuth = method })
	}
	pkce := func(word string) func(*config.Connector) { return oidc(func(o *config.OIDC) { o.PKCE = word }) }
	scopes := func(all ...string) func(*config.Connector) {
		return func(c *config.Connector) {
			for i := range c.Ask {
				c.Ask[i].Scopes = all
			}
			c.OIDC.Scopes = all
		}
	}
	for name, test := range map[string]struct {
		preset string
		wrong  func(*config.Connector)
	}{
		"One Login, as it is":              {"govuk-one-login", nil},
		"Singpass, as it is":               {"singpass", nil},
		"Apple, as it is":                  {"apple", nil},
		"Facebook, as it is":               {"facebook", nil},
		"One Login, by secret":             {"govuk-one-login", authenticates("client_secret_post")},
		"One Login, a scope of others":     {"govuk-one-login", scopes("openid", "email", "profile")},
		"ScotAccount, by secret":           {"scotaccount", authenticates("client_secret_basic")},
		"ScotAccount, for the issuer":      {"scotaccount", oidc(func(o *config.OIDC) { o.AssertionAudience = "issuer" })},
		"ScotAccount, without PKCE":        {"scotaccount", pkce("forbidden")},
		"ScotAccount, a level there isn't": {"scotaccount", scopes("openid", "scotaccount.gpg45.high")},
		"NHS login, by secret":             {"nhs-login", authenticates("client_secret_post")},
		"NHS login, with PKCE":             {"nhs-login", pkce("required")},
		"Login.gov, by secret":             {"login-gov", authenticates("client_secret_post")},
		"Login.gov, a scope of others":     {"login-gov", scopes("openid", "given_name")},
		"FranceConnect, a standard scope":  {"franceconnect", scopes("openid", "address")},
		"FranceConnect+, a standard scope": {"franceconnect-plus", scopes("openid", "address")},
		"Singpass, not pushed":             {"singpass", oidc(func(o *config.OIDC) { o.PAR = "never" })},
		"Singpass, without proof":          {"singpass", oidc(func(o *config.OIDC) { o.DPoP = "never" })},
		"Singpass, without PKCE":           {"singpass", pkce("forbidden")},
		"Singpass, for the endpoint":       {"singpass", oidc(func(o *config.OIDC) { o.AssertionAudience = "token_endpoint" })},
		"Singpass, a standard scope":       {"singpass", scopes("openid", "profile")},
		"gov.br, secret in the form":       {"gov-br", authenticates("client_secret_post")},
		"gov.br, without PKCE":             {"gov-br", pkce("forbidden")},
		"gov.br, a scope there isn't":      {"gov-br", scopes("openid", "govbr_confiabilidade")},
		"Google, misspelt":                 {"google", scopes("openid", "emial")},
		"Microsoft, secret in the header":  {"microsoft", authenticates("client_secret_basic")},
		"Apple, a shared secret":           {"apple", authenticates("client_secret_post")},
		"Apple, by query":                  {"apple", oidc(func(o *config.OIDC) { o.ResponseMode = "query" })},
		"Apple, a standard scope":          {"apple", scopes("openid", "profile")},
		"LinkedIn, secret in the header":   {"linkedin", authenticates("client_secret_basic")},
		"LinkedIn, with PKCE":              {"linkedin", pkce("required")},
		"LinkedIn, the nonce is wanted":    {"linkedin", oidc(func(o *config.OIDC) { o.Nonce = "required" })},
		"Yahoo, secret in the form":        {"yahoo", authenticates("client_secret_post")},
		"Yahoo, a scope of others":         {"yahoo", scopes("openid", "phone")},
		"X, secret in the form":            {"x", func(c *config.Connector) { c.OAuth2.ClientAuth = "client_secret_post" }},
		"X, without PKCE":                  {"x", func(c *config.Connector) { c.OAuth2.PKCE = "forbidden" }},
		"Facebook, with PKCE":              {"facebook", func(c *config.Connector) { c.OAuth2.PKCE = "required" }},
		"Amazon, a standard scope":         {"amazon", func(c *config.Connector) { c.OAuth2.Scopes = []string{"profile", "email"} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, func(base string) config.Connector {
				cfg := preset(t, test.preset)(base)
				if test.wrong != nil {
					test.wrong(&cfg)
				}
				return cfg
			}, simulator.Options{})
			s.cfg.ClientSecret = config.NewSecret(secret)
			if got, want := s.signsIn(t), test.wrong == nil; got != want {
				t.Errorf("somebody can sign in: %t", got)
			}
		})
	}
}

// The same of those that speak SAML.
func TestSAMLPresetsThatHaveItWrong(t *testing.T) {
	request := func(change func(*config.SAMLRequest)) func(*config.SAML) {
		return func(s *config.SAML) { change(&s.Request) }
	}
	for name, test := range map[string]struct {
		preset string
		wrong  func(*config.SAML)
	}{
		"SPID, as it is":                {"spid", nil},
		"DigiD, as it is":               {"digid", nil},
		"eIDAS, as it is":               {"eidas", nil},
		"SPID, sessions will do":        {"spid", request(func(r *config.SAMLRequest) { r.Force = "passthrough" })},
		"SPID, a plain issuer":          {"spid", request(func(r *config.SAMLRequest) { r.QualifiedIssuer = false })},
		"SPID, a lasting NameID":        {"spid", request(func(r *config.SAMLRequest) { r.NameIDFormat = "persistent" })},
		"SPID, no attributes":           {"spid", request(func(r *config.SAMLRequest) { r.AttributeIndex = nil })},
		"DigiD, that level and no more": {"digid", request(func(r *config.SAMLRequest) { r.Comparison = "exact" })},
		"DigiD, by POST":                {"digid", func(s *config.SAML) { s.Response.Binding = "post" }},
		"eIDAS, sessions will do":       {"eidas", request(func(r *config.SAMLRequest) { r.Force = "passthrough" })},
		"eIDAS, that level and no more": {"eidas", request(func(r *config.SAMLRequest) { r.Comparison = "exact" })},
		"eIDAS, no extensions":          {"eidas", request(func(r *config.SAMLRequest) { r.EIDAS = nil })},
		"eIDAS, no birth date":          {"eidas", request(func(r *config.SAMLRequest) { r.EIDAS.Attributes = r.EIDAS.Attributes[:3] })},
	} {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, func(base string) config.Connector {
				cfg := samlConnector(t, "preset: "+test.preset)(base)
				cfg.Ask = cfg.Ask[1:] // in more than one factor
				if test.wrong != nil {
					test.wrong(cfg.SAML)
				}
				return cfg
			}, simulator.Options{})
			if got, want := s.signsIn(t), test.wrong == nil; got != want {
				t.Errorf("somebody can sign in: %t", got)
			}
		})
	}
}

// signsIn reports whether a sign-in comes to its end, by the first step.
func (s *stage) signsIn(t *testing.T) bool {
	t.Helper()
	c, a := s.connector(t), attempt()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		return false
	}
	resp, err := s.send(start, url.Values{"persona": {"full-record"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusBadRequest {
		return false // the browser is not sent back
	}
	_, err = c.Finish(t.Context(), a, returned(t, resp))
	return err == nil
}

// Nobody is signed out there whom no ID token names.
func TestEndSessionWantsAHint(t *testing.T) {
	for _, name := range []string{"govuk-one-login", "scotaccount", "franceconnect"} {
		s := play(t, func(base string) config.Connector {
			cfg := preset(t, name)(base)
			cfg.OIDC.Logout.Send = "without_hint"
			return cfg
		}, simulator.Options{})
		c := s.connector(t).(connectors.Logouter)
		to, err := c.Logout(t.Context(), connectors.ProviderSession{}, "question-1")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.browser.Get(to.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}
