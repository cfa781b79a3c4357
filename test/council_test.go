package test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/town"
)

// byEmail goes on from the council's own sign-in page by a code.
func byEmail(t *testing.T, b *town.Browser, post *mailbox.Server, p town.Page, address string) town.Page {
	t.Helper()
	p = b.Submit(p, map[string]string{"address": address})
	p = b.Submit(p, map[string]string{"code": post.Code(t, address)})
	if strings.HasSuffix(p.URL.Path, "/passkey/new") {
		p = press(t, b, p, "/later")
	}
	return p
}

// press sends the form of a page that leads there, by a button with a name and a
// value.
func press(t *testing.T, b *town.Browser, p town.Page, to string, button ...string) town.Page {
	t.Helper()
	for _, form := range p.Forms() {
		if at, err := url.Parse(form.Action); err == nil && strings.HasSuffix(at.Path, to) {
			for i := 0; i < len(button); i += 2 {
				form.Fields.Set(button[i], button[i+1])
			}
			return b.Post(form.Action, form.Fields)
		}
	}
	t.Fatalf("the page has no form that leads to %s: %s", to, p)
	return town.Page{}
}

// strongWorks is the staff provider, believed to ask for two factors.
const strongWorks = `
label: Staff account
client_id: town
client_secret: file:secret
oidc: {issuer: "{{works}}"}
levels: {authenticator: {always: Cm}}
cap: {authenticator: Cm}
`

// Whoever loses their passkeys gets back in by another way in that they added to
// their account, which must be one of two factors; nobody else does.
func TestRecoverByAnotherWay(t *testing.T) {
	t.Parallel()
	post := mailbox.Open(t)
	council := openCouncil(t, post, town.App+"/bins")
	council.Write(t, "connectors/works.yaml", strongWorks)
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	tax, jo := council.NewClient(t, "tax", "email"), council.NewBrowser(t)

	a := tax.Ask("connector_hint", "email")
	before := tax.Redeem(a, byEmail(t, jo, post, jo.Get(a.URL), "jo@example.org"))
	if claims := tax.Userinfo(before); claims["email"] != "jo@example.org" || claims["email_verified"] != true {
		t.Errorf("the app is told %v", claims)
	}
	// A service that needs more: the resident adds the other way in.
	a = tax.Ask("acr_values", "urn:x-council:acr:cm")
	p := jo.Get(a.URL)
	p = jo.Get(p.Link(t, "cancel")) // of the same way in, more strongly
	p = jo.Get(p.Link(t, "idp-works"))
	p = press(t, jo, p, "/who", "answer", "join")
	if joined := tax.Redeem(a, p); joined.ID.Subject != before.ID.Subject {
		t.Fatal("the way in was not joined to the account")
	}

	recover := func(b *town.Browser, address string) town.Page {
		t.Helper()
		return b.Submit(b.Get("/council/email/recover"), map[string]string{"address": address})
	}
	if p := recover(jo, "jo@example.org"); p.URL.Path != "/council/email/account" {
		t.Errorf("who has just shown the other way in: %s", p)
	}
	fresh := council.NewBrowser(t)
	if p := recover(fresh, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("nobody is signed in: %s", p)
	}
	thief := council.NewBrowser(t)
	thief.Persona = "load-7"
	tax.SignIn(thief, "works")
	if p := recover(thief, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("somebody else is signed in: %s", p)
	}
	weak := council.NewBrowser(t)
	a = tax.Ask("connector_hint", "email")
	tax.Redeem(a, byEmail(t, weak, post, weak.Get(a.URL), "jo@example.org"))
	if p := recover(weak, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("by the address itself: %s", p)
	}
	council.Write(t, "connectors/works.yaml", strings.ReplaceAll(strongWorks, "Cm", "Cl"))
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	once := council.NewBrowser(t)
	if one := tax.SignIn(once, "works"); one.ID.Subject != before.ID.Subject {
		t.Fatal("this test signs somebody else in")
	}
	if p := recover(once, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("by a single factor: %s", p)
	}
	if log := council.Log.String(); strings.Contains(log, "example.org") {
		t.Error("an address was logged")
	}
}

// Whoever changes how they sign in is signed out everywhere else: a thief, too.
func TestChangeEndsOtherSessions(t *testing.T) {
	t.Parallel()
	post := mailbox.Open(t)
	council := openCouncil(t, post, town.App+"/bins")
	tax := council.NewClient(t, "tax", "email")
	jo, thief, al := council.NewBrowser(t), council.NewBrowser(t), council.NewBrowser(t)
	for b, address := range map[*town.Browser]string{jo: "jo@example.org", thief: "jo@example.org", al: "al@example.org"} {
		a := tax.Ask("connector_hint", "email")
		tax.Redeem(a, byEmail(t, b, post, b.Get(a.URL), address))
	}
	p := byEmail(t, jo, post, jo.Get("/council/email/account"), "jo@example.org")
	p = jo.Get(p.Link(t, "set-password"))
	jo.Submit(p, map[string]string{"password": "kettle marble ostrich", "again": "kettle marble ostrich"})
	for name, tt := range map[string]struct {
		b  *town.Browser
		in bool
	}{"who changed it": {jo, true}, "the thief": {thief, false}, "somebody else": {al, true}} {
		a := tax.Ask("prompt", "none")
		if p := tt.b.Get(a.URL); (p.URL.Query().Get("code") != "") != tt.in {
			t.Errorf("%s: %s", name, p.URL)
		}
	}
}
