package idp_test

import (
	"net/http"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// An app says which provider it would like, by any of the provider's names. What
// it lists besides, and providers that it may not have, lead to the choice page.
func TestListedProviders(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) { a.Connectors = nil }), library.registered(t))
	b.flow.Ways[0].Config.OIDC = &config.OIDC{Issuer: "https://provider.example"}
	b.flow.Ways[1].Config.OIDC, b.flow.Ways[1].Config.SAML = nil, &config.SAML{Metadata: config.Metadata{EntityID: "https://works.example/saml"}}
	one := 1
	for _, test := range []struct {
		p         partner
		providers []string
		want      string // "" for the choice page
	}{
		{planning, []string{"https://provider.example"}, "upstream"},
		{planning, []string{"https://works.example/saml"}, "another"},
		{planning, []string{"another"}, "another"},
		{planning, []string{"https://unknown.example", "another", "upstream"}, "another"},
		{planning, []string{"https://unknown.example"}, ""},
		{planning, []string{""}, ""},
		{planning, nil, ""},
		{library, []string{"another", "upstream"}, "upstream"},
	} {
		m := test.p.request(b, func(m *message.AuthnRequest) { m.ProxyCount, m.ProviderIDs = &one, test.providers })
		browser := newBrowser(t)
		to, err := b.ask(browser, test.p, m, "").Location()
		b.must(err)
		if test.want == "" {
			if to.Path != "/choose" {
				t.Errorf("%s of %v: to %s", test.p.id, test.providers, to)
			}
			continue
		}
		answer := b.get(browser, b.URL+"/callback/"+test.want+"?"+to.RawQuery)
		if to.Host != "provider.example" || answer.StatusCode != http.StatusOK {
			t.Errorf("%s of %v: to %s, and the answer at %s is %d", test.p.id, test.providers, to, test.want, answer.StatusCode)
		}
	}
}
