package idp_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// What residents agree to is all that an assertion says of them: a name identifier
// that is made of what is known of them, too.
func TestConsentShowsWhatIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		nameID config.AppNameID
		format string
		shown  bool
	}{
		"persistent": {config.AppNameID{Formats: []string{"persistent"}}, message.Persistent, false},
		"transient":  {config.AppNameID{Formats: []string{"transient"}}, message.Transient, false},
		"email":      {config.AppNameID{Formats: []string{"email"}}, message.Email, true},
		"of a claim": {config.AppNameID{Formats: []string{"unspecified"}, Value: "claims.employee_number"}, message.Unspecified, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, planning.registered(t, func(a *config.App) {
				a.Consent, a.SAML.NameID.Formats, a.SAML.NameID.Value = "ask", tt.nameID.Formats, tt.nameID.Value
			}))
			b.provider.say("alice", mapping.Claims{"number": "4711"})
			browser, m := newBrowser(t), planning.request(b, format(tt.format))
			page := b.follow(browser, b.ask(browser, planning, m, ""))
			if strings.Contains(page.body, "SAMLResponse") || !strings.Contains(page.body, `id="agree"`) {
				t.Fatalf("nobody is asked: %s", page.body)
			}
			asked := page.form(t)
			asked.Fields.Set("answer", "agree")
			res, err := browser.PostForm(b.URL+"/consent", asked.Fields)
			facts := b.facts(planning, m, b.follow(browser, b.read(res, err)).form(t))
			if got := strings.Contains(page.body, `id="claim-nameid">`+html.EscapeString(facts.NameID.Value)); got != tt.shown {
				t.Errorf("the name identifier %q is shown %v, want %v: %s", facts.NameID.Value, got, tt.shown, page.body)
			}
			shown := regexp.MustCompile(`id="claim-[a-z_]+">([^<]*)`).FindAllStringSubmatch(page.body, -1)
			for _, a := range facts.Attributes {
				if !strings.Contains(page.body, ">"+html.EscapeString(a.Values[0])) && a.Name != "sub" {
					t.Errorf("%s was told and not shown", a.Name)
				}
			}
			want := len(facts.Attributes)
			if tt.shown {
				want++
			}
			if len(shown) != want {
				t.Errorf("%d claims were shown, %d told", len(shown), want)
			}
		})
	}
}
