package test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
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

// addWorks has somebody who has come by e-mail add the staff account: a service needs
// more.
func addWorks(t *testing.T, b *town.Browser, app *town.Client) town.Tokens {
	t.Helper()
	a := app.Ask("acr_values", "urn:x-council:acr:cm")
	p := b.Get(a.URL)
	p = b.Get(p.Link(t, "cancel")) // of the same way in, more strongly
	p = b.Get(p.Link(t, "idp-works"))
	return app.Redeem(a, press(t, b, p, "/who", "answer", "join"))
}

// openStrong is openCouncil where the other provider may prove two factors.
func openStrong(t *testing.T, post *mailbox.Server) *town.Town {
	t.Helper()
	council := openCouncil(t, post, town.App+"/bins")
	council.Write(t, "connectors/works.yaml", strongWorks)
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
	return council
}

// recovers has somebody say which address is theirs.
func recovers(t *testing.T, b *town.Browser, address string) town.Page {
	t.Helper()
	return b.Submit(b.Get("/council/email/recover"), map[string]string{"address": address})
}

// Whoever loses their passkeys gets back in by another way in that they added to
// their account, which must be one of two factors; nobody else does.
func TestRecoverByAnotherWay(t *testing.T) {
	t.Parallel()
	post := mailbox.Open(t)
	council := openStrong(t, post)
	tax, jo := council.NewClient(t, "tax", "email"), council.NewBrowser(t)

	a := tax.Ask("connector_hint", "email")
	before := tax.Redeem(a, byEmail(t, jo, post, jo.Get(a.URL), "jo@example.org"))
	if claims := tax.Userinfo(before); claims["email"] != "jo@example.org" || claims["email_verified"] != true {
		t.Errorf("the app is told %v", claims)
	}
	if joined := addWorks(t, jo, tax); joined.ID.Subject != before.ID.Subject {
		t.Fatal("the way in was not joined to the account")
	}
	if p := recovers(t, jo, "jo@example.org"); p.URL.Path != "/council/email/account" {
		t.Errorf("who has just shown the other way in: %s", p)
	}
	fresh := council.NewBrowser(t)
	if p := recovers(t, fresh, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("nobody is signed in: %s", p)
	}
	thief := council.NewBrowser(t)
	thief.Persona = "load-7"
	tax.SignIn(thief, "works")
	if p := recovers(t, thief, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("somebody else is signed in: %s", p)
	}
	weak := council.NewBrowser(t)
	a = tax.Ask("connector_hint", "email")
	tax.Redeem(a, byEmail(t, weak, post, weak.Get(a.URL), "jo@example.org"))
	if p := recovers(t, weak, "jo@example.org"); p.URL.Path != "/council/email/recover" {
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
	if p := recovers(t, once, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("by a single factor: %s", p)
	}
	if log := council.Log.String(); strings.Contains(log, "example.org") {
		t.Error("an address was logged")
	}
}

// While two people are wrongly taken for one, neither gets at the other's passkeys and
// password: those would stay theirs when the mistake is undone.
func TestNobodyRecoversTheOtherPersonsWayIn(t *testing.T) {
	t.Parallel()
	post := mailbox.Open(t)
	council := openStrong(t, post)
	tax, jo, al := council.NewClient(t, "tax", "email"), council.NewBrowser(t), council.NewBrowser(t)
	al.Persona = "load-7"
	a := tax.Ask("connector_hint", "email")
	tax.Redeem(a, byEmail(t, jo, post, jo.Get(a.URL), "jo@example.org"))
	addWorks(t, jo, tax)
	tax.SignIn(al, "works")

	m := mistake(t, council)
	al = council.NewBrowser(t) // the nodes end the session of the account that is no more
	al.Persona = "load-7"
	tax.SignIn(al, "works")
	if p := recovers(t, al, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("the other person: %s", p)
	}
	if p := al.Get("/council/email/account"); p.URL.Path != "/council/email/sign-in" {
		t.Errorf("the other person, at the account page: %s", p)
	}
	tax.SignIn(jo, "works")
	p := recovers(t, jo, "jo@example.org")
	if p.URL.Path != "/council/email/account" {
		t.Fatalf("by one's own other way in: %s", p)
	}
	jo.Submit(jo.Get(p.Link(t, "set-password")), map[string]string{"password": "walnut harbour fiddle", "again": "walnut harbour fiddle"})
	before := m.credentials(t)

	m.undo(t)
	if p := recovers(t, al, "jo@example.org"); p.URL.Path != "/council/email/recover" {
		t.Errorf("afterwards: %s", p)
	}
	if after := m.credentials(t); after != before || !strings.HasPrefix(after, "1 user, 0 passkeys") {
		t.Errorf("the credentials are %q, and were %q", after, before)
	}
	jo = council.NewBrowser(t)
	p = jo.Get("/council/email/account")
	p = jo.Submit(jo.Get(p.Link(t, "use-password")), map[string]string{"address": "jo@example.org", "password": "walnut harbour fiddle"})
	if p.URL.Path != "/council/email/code" {
		t.Errorf("by the password that was set: %s", p)
	}
}

// mistaken are the accounts of two people that officers have merged.
type mistaken struct {
	*accounts.Accounts
	db    *db.DB
	merge string
}

// mistake merges the two accounts of a council, of which the first is kept.
func mistake(t *testing.T, council *town.Town) mistaken {
	t.Helper()
	d, err := db.Open(t.Context(), sqlite(council))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	m := mistaken{accounts.Open(d, time.Now, func(string) mapping.Assurance { return mapping.Assurance{} }), d, ""}
	m.UndoTime, m.Sector = time.Hour, func(app string) string { return app }
	var kept, absorbed string
	if err := d.QueryRow(t.Context(), `SELECT k.id, a.id FROM accounts k, accounts a WHERE k.created_at < a.created_at`).Scan(&kept, &absorbed); err != nil {
		t.Fatal(err)
	}
	if m.merge, err = m.Propose(t.Context(), kept, absorbed, "one", "test"); err == nil {
		err = m.Approve(t.Context(), m.merge, "two")
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// undo takes them apart.
func (m mistaken) undo(t *testing.T) {
	t.Helper()
	err := m.ProposeUndo(t.Context(), m.merge, "one", "test")
	if err == nil {
		_, err = m.ApproveUndo(t.Context(), m.merge, "two")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// credentials are what signs in at the council's own way in.
func (m mistaken) credentials(t *testing.T) string {
	t.Helper()
	var users, passkeys int
	var password string
	if err := m.db.QueryRow(t.Context(), `SELECT COUNT(*), COALESCE(MAX(password), ''), (SELECT COUNT(*) FROM council_passkeys) FROM council_users`).
		Scan(&users, &password, &passkeys); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d user, %d passkeys, %s", users, passkeys, password)
}

// Whoever changes how they sign in is signed out everywhere else: a thief, too. It stands
// in their history.
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
	if p := jo.Get("/my/activity"); !strings.Contains(p.Body, "A password was set for ") {
		t.Errorf("recent activity: %s", p)
	}
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
