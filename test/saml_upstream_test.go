package test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/test/peers"
	"github.com/councilid/councilid/test/town"
)

// upstream is SimpleSAMLphp as the provider of the town's connector partners.
type upstream struct {
	*peers.IdentityProvider
	council *town.Town
}

func openUpstream(t *testing.T, council *town.Town) *upstream {
	t.Helper()
	showLog(t, council)
	u := &upstream{peers.SimpleSAMLphpIDP(t, "127.0.3.1"), council}
	u.agree(t, "", redirect)
	return u
}

// agree registers the provider with these settings, and the broker with the
// provider. Logout messages go by the binding, either way. The provider is not
// told what the broker wants signed: it would sign that in any manner.
func (u *upstream) agree(t *testing.T, settings, logout string) {
	t.Helper()
	u.council.Write(t, "partners.xml", string(only(u.Metadata, "SingleLogoutService", logout)))
	u.council.Write(t, "connectors/partners.yaml", `
label: Partner councils
saml:
  metadata: {file: partners.xml}
`+settings+`
claims:
  name: claims.displayName
  email: claims.mail
trust:
  email: {policy: trust}
`)
	if err := u.council.Reload(); err != nil {
		t.Fatal(err)
	}
	document := peers.Fetch(t, u.council.Issuer+"/connectors/partners/metadata")
	document = bytes.ReplaceAll(document, []byte(`WantAssertionsSigned="true"`), nil)
	u.Trust(only(document, "SingleLogoutService", logout))
}

// signIn sends the browser to the provider as an app does, where Alice writes
// her password if she has to, and returns where that leads.
func (u *upstream) signIn(b *town.Browser, a town.Ask) town.Page {
	page := b.Get(a.URL)
	if u.asks(page) {
		page = b.Submit(page, map[string]string{"username": "alice", "password": "alice"})
	}
	return page
}

// asks reports whether a page is where the provider asks for the password.
func (u *upstream) asks(p town.Page) bool { return strings.Contains(p.Body, `name="password"`) }

// SimpleSAMLphp may sign what it likes, encrypt, and be asked either way.
func TestUpstreamPeerAnswersInEveryManner(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	u, tax := openUpstream(t, council), council.NewClient(t, "tax", "profile", "email")
	results := newTable("signed     encrypted   asked by", "simplesamlphp")
	subjects := map[string]bool{}
	for _, signed := range []string{"assertion", "response", "both"} {
		for _, encryption := range []string{"none", "aes128-cbc"} {
			u.Answer(peers.Manner{SignAssertion: signed != "response", SignResponse: signed != "assertion", Encrypt: encryption != "none"})
			for _, asked := range []string{"redirect", "post"} {
				u.agree(t, settings(asked, signed, encryption), redirect)
				subject, err := u.tells(council.NewBrowser(t), tax)
				row := fmt.Sprintf("%-9s  %-10s  %s", signed, encryption, asked)
				if err := results.add(row, "simplesamlphp", false, err); err != nil {
					t.Errorf("%s: %v", row, err)
				}
				subjects[subject] = true
			}
		}
	}
	if len(subjects) != 1 {
		t.Errorf("one person came as %d", len(subjects))
	}
	results.show(t)
}

func settings(asked, signed, encryption string) string {
	encrypted := "refused"
	if encryption != "none" {
		encrypted = "required, encryption: [" + encryption + "]"
	}
	return fmt.Sprintf("  request: {binding: %s}\n  response: {signed: %s, encrypted: %s}", asked, signed, encrypted)
}

// tells signs in at the app by the provider and returns the subject.
func (u *upstream) tells(b *town.Browser, tax *town.Client) (string, error) {
	a := tax.Ask("connector_hint", "partners")
	page := u.signIn(b, a)
	if !page.AtApp() {
		return "", fmt.Errorf("led to %s\n%s", page, page.Body)
	}
	tokens := tax.Redeem(a, page)
	if claims := tax.Userinfo(tokens); claims["name"] != alice.Name || claims["email"] != alice.Email {
		return "", fmt.Errorf("the app was told %v", claims)
	}
	return tokens.ID.Subject, nil
}

// What was not agreed is refused: an assertion without a signature of its own,
// one in the clear, an algorithm that is off.
func TestUpstreamPeerIsHeldToWhatWasAgreed(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	u, tax := openUpstream(t, council), council.NewClient(t, "tax")
	for _, tt := range []struct {
		name, settings string
		manner         peers.Manner
	}{
		{"nothing signed", "", peers.Manner{}},
		{"response signed in place of the assertion", "  response: {signed: assertion}", peers.Manner{SignResponse: true}},
		{"assertion signed in place of the response", "  response: {signed: response}", peers.Manner{SignAssertion: true}},
		{"only the assertion signed of both", "  response: {signed: both}", peers.Manner{SignAssertion: true}},
		{"in the clear", "  response: {encrypted: required}", peers.Manner{SignAssertion: true}},
		{"AES-128-CBC", "", peers.Manner{SignAssertion: true, Encrypt: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u.agree(t, tt.settings, redirect)
			u.Answer(tt.manner)
			browser := council.NewBrowser(t)
			if page := u.signIn(browser, tax.Ask("connector_hint", "partners")); page.AtApp() || u.asks(page) {
				t.Errorf("led to %s", page)
			}
			if browser.Posted.Fields.Get("SAMLResponse") == "" {
				t.Error("the provider did not answer: this case proves nothing")
			}
		})
	}
}

// A sign-out reaches the provider, and one there reaches the broker and the
// apps behind it.
func TestUpstreamPeerSignsOut(t *testing.T) {
	t.Parallel()
	for _, logout := range []string{redirect, post} {
		t.Run(logout, func(t *testing.T) {
			t.Parallel()
			council := town.Open(t, town.Options{})
			u, tax := openUpstream(t, council), council.NewClient(t, "tax")
			u.agree(t, "", logout)
			pair := kinds[2].open(t, council)
			for name, leave := range map[string]func(*town.Browser) town.Page{
				"at the broker":   leave,
				"at an app":       func(b *town.Browser) town.Page { return b.Get(pair[0].SignOut) },
				"at the provider": func(b *town.Browser) town.Page { return b.Get(u.SignOut) },
			} {
				browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "partners")
				tax.Redeem(a, u.signIn(browser, a))
				for _, p := range pair {
					if _, err := p.signIn(browser, p.Page); err != nil {
						t.Fatal(err)
					}
				}
				page := leave(browser)
				if name == "at the provider" && page.URL.String() != u.Bye {
					t.Errorf("%s: led to %s\n%s", name, page, page.Body)
				}
				for _, p := range pair {
					if p.knows(browser) {
						t.Errorf("%s: the app that asks by %s still knows the resident", name, p.asks)
					}
				}
				if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
					t.Errorf("%s: the broker still knows the resident: %s", name, page)
				}
				if page := browser.Get(tax.Ask("connector_hint", "partners").URL); !u.asks(page) {
					t.Errorf("%s: the provider still knows the resident: %s", name, page)
				}
			}
		})
	}
}

// An app that wants a new sign-in makes the provider ask again.
func TestUpstreamPeerIsForced(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	u, tax := openUpstream(t, council), council.NewClient(t, "tax")
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "partners")
	tax.Redeem(a, u.signIn(browser, a))
	if page := browser.Get(tax.Ask("connector_hint", "partners", "prompt", "login").URL); !u.asks(page) {
		t.Errorf("led to %s", page)
	}
}

// Who starts at the provider comes to the app that the operator chose, where
// the operator allows it.
func TestUpstreamPeerStarts(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	u, tax := openUpstream(t, council), council.NewClient(t, "tax")
	start := u.Unsolicited(url.QueryEscape(council.Issuer + "/connectors/partners/metadata"))
	enter := func() (*town.Browser, town.Page) {
		browser := council.NewBrowser(t)
		return browser, browser.Submit(browser.Get(start), map[string]string{"username": "alice", "password": "alice"})
	}
	browser, page := enter()
	if page.AtApp() || browser.Posted.Fields.Get("SAMLResponse") == "" {
		t.Errorf("not allowed, but it led to %s", page)
	}
	if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
		t.Errorf("not allowed, but somebody is signed in: %s", page)
	}
	u.agree(t, "  response: {unsolicited_app: tax}", redirect)
	browser, page = enter()
	page = browser.Submit(page, nil) // the resident agrees
	if !page.AtApp() {
		t.Fatalf("led to %s\n%s", page, page.Body)
	}
	a := tax.Ask("prompt", "none")
	tax.Redeem(a, browser.Get(a.URL))
}
