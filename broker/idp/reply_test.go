package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// Responses go to what the app registered and to nothing that is like it.
func TestOnlyRegisteredConsumerService(t *testing.T) {
	b := newBed(t)
	second := planning.acs + "/second"
	index := func(n int) func(*message.AuthnRequest) {
		return func(m *message.AuthnRequest) { m.ACSIndex = &n }
	}
	url := func(s string) func(*message.AuthnRequest) {
		return func(m *message.AuthnRequest) { m.ACSURL = s }
	}
	for name, test := range map[string]struct {
		ask  func(*message.AuthnRequest)
		want string // "" for a page
	}{
		"none":                {func(*message.AuthnRequest) {}, planning.acs},
		"binding":             {func(m *message.AuthnRequest) { m.ProtocolBinding = binding.POST }, planning.acs},
		"URL":                 {url(second), second},
		"URL of the default":  {url(planning.acs), planning.acs},
		"index":               {index(7), second},
		"index of default":    {index(2), planning.acs},
		"index of artifact":   {index(1), ""},
		"index of nothing":    {index(3), ""},
		"URL of artifact":     {url(planning.acs + "/artifact"), ""},
		"another host":        {url("https://evil.example/saml/acs"), ""},
		"host in capitals":    {url(strings.Replace(second, "planning", "PLANNING", 1)), ""},
		"scheme in capitals":  {url(strings.Replace(second, "https", "HTTPS", 1)), ""},
		"path in capitals":    {url(strings.ToUpper(second)), ""},
		"port":                {url(strings.Replace(second, ".example", ".example:443", 1)), ""},
		"other port":          {url(strings.Replace(second, ".example", ".example:8443", 1)), ""},
		"http":                {url(strings.Replace(second, "https", "http", 1)), ""},
		"slash":               {url(second + "/"), ""},
		"path up":             {url(second + "/../second"), ""},
		"escaped path":        {url(strings.Replace(second, "acs", "%61cs", 1)), ""},
		"double slash":        {url(strings.Replace(second, "/saml", "//saml", 1)), ""},
		"query":               {url(second + "?x=y"), ""},
		"fragment":            {url(second + "#x"), ""},
		"user":                {url(strings.Replace(second, "planning", "planning.example@evil", 1)), ""},
		"subdomain":           {url(strings.Replace(second, "planning", "evil.planning", 1)), ""},
		"longer host":         {url(strings.Replace(second, ".example", ".example.evil.example", 1)), ""},
		"trailing dot":        {url(strings.Replace(second, ".example", ".example.", 1)), ""},
		"blank in front":      {url(" " + second), ""},
		"newline behind":      {url(second + "\n"), ""},
		"backslash":           {url(strings.Replace(second, "/saml", `\saml`, 1)), ""},
		"no scheme":           {url(strings.TrimPrefix(second, "https:")), ""},
		"javascript":          {url("javascript:alert(1)"), ""},
		"data":                {url("data:text/html,x"), ""},
		"another app's":       {url(parking.acs), ""},
		"our own":             {url(b.URL + "/saml/sso"), ""},
		"single logout":       {url(planning.slo), ""},
		"entityID":            {url(planning.entityID), ""},
		"URL, other binding":  {func(m *message.AuthnRequest) { m.ACSURL, m.ProtocolBinding = second, binding.Artifact }, ""},
		"binding by redirect": {func(m *message.AuthnRequest) { m.ProtocolBinding = binding.Redirect }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			browser, m := newBrowser(t), planning.request(b, test.ask)
			a := b.ask(browser, planning, m, "")
			if test.want == "" {
				a.isPage(t, http.StatusBadRequest)
				return
			}
			b.facts(planning, m, b.follow(browser, a).form(t), func(x *message.Expect) { x.ACS = test.want })
		})
	}
}

// What is not at the address any more when the resident has signed in is not
// answered there.
func TestConsumerServiceIsLookedUpAnew(t *testing.T) {
	b := newBed(t)
	second := planning.acs + "/second"
	for name, change := range map[string]func() []config.App{
		"the service": func() []config.App {
			return []config.App{planning.registered(t, func(a *config.App) {
				a.SAML.Metadata.Inline = planning.metadata(t, func(p *metadata.Publication) { p.ACS = p.ACS[:2] })
			})}
		},
		"the app": func() []config.App { return []config.App{parking.registered(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			b.must(b.build(town(t)))
			browser := newBrowser(t)
			a := b.ask(browser, planning, planning.request(b, func(m *message.AuthnRequest) { m.ACSURL = second }), "")
			b.must(b.build(change()))
			b.follow(browser, a).isPage(t, http.StatusBadRequest)
		})
	}
}

// A script in metadata is no address.
func TestScriptInMetadata(t *testing.T) {
	for _, location := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example/acs", "vbscript:x", ""} {
		app := library.registered(t, func(a *config.App) {
			a.SAML.Metadata.Inline = library.metadata(t, func(p *metadata.Publication) { p.ACS[1].Location = location })
		})
		if err := newBed(t).build([]config.App{app}); err == nil {
			t.Errorf("%q is taken", location)
		}
	}
}
