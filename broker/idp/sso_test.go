package idp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
)

func TestSignOnByRedirect(t *testing.T) {
	b := newBed(t)
	browser, m := newBrowser(t), planning.request(b)
	f := b.follow(browser, b.ask(browser, planning, m, "https://planning.example/a?b=c&d")).form(t)
	if got := f.Fields["RelayState"]; !slices.Equal(got, []string{"https://planning.example/a?b=c&d"}) {
		t.Errorf("RelayState %q", got)
	}
	facts := b.facts(planning, m, f)
	if facts.NameID.Format != message.Persistent || facts.Context != password {
		t.Errorf("facts %+v", facts)
	}
}

func TestSignOnByPost(t *testing.T) {
	b := newBed(t)
	for _, p := range []partner{planning, parking, library} {
		t.Run(p.id, func(t *testing.T) {
			browser, m := newBrowser(t), p.request(b)
			fields := b.posted(binding.Request, m.Element(), "here", p.credential())
			f := b.follow(browser, b.post(browser, "/saml/sso", fields)).form(t)
			if got := f.Fields["RelayState"]; !slices.Equal(got, []string{"here"}) {
				t.Errorf("RelayState %q", got)
			}
			b.facts(p, m, f)
		})
	}
}

// What is kept of a POST is of use once, and for a minute.
func TestKeptRequestIsTakenOnce(t *testing.T) {
	b := newBed(t)
	kept := func() string {
		m := parking.request(b)
		a := b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, m.Element(), "", parking.credential()))
		to, err := a.Location()
		b.must(err)
		return to.String()
	}
	first := kept()
	if a := b.get(newBrowser(t), first); a.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", a.StatusCode)
	}
	b.get(newBrowser(t), first).isPage(t, http.StatusBadRequest)
	b.get(newBrowser(t), b.URL+"/saml/sso?kept=nonsense").isPage(t, http.StatusBadRequest)
	late := kept()
	b.pass(2 * time.Minute)
	b.get(newBrowser(t), late).isPage(t, http.StatusBadRequest)
}

// An app as its developers would write it, with the library that they would
// use.
func TestAppWithCrewjam(t *testing.T) {
	b := newBed(t)
	var ours saml.EntityDescriptor
	b.must(xml.Unmarshal([]byte(b.get(newBrowser(t), b.URL+"/saml/metadata").body), &ours))
	for _, sign := range []string{"assertion", "response", "both"} {
		for _, encrypt := range []string{"never", "always"} {
			t.Run(sign+" "+encrypt, func(t *testing.T) {
				b.must(b.build([]config.App{library.registered(t, func(a *config.App) {
					a.SAML.Sign, a.SAML.Encrypt, a.SAML.Encryption = sign, encrypt, "aes128-cbc"
				})}))
				app := saml.ServiceProvider{
					EntityID: library.entityID, Key: library.key().Signer, Certificate: library.key().Certificate,
					AcsURL: address(t, library.acs), IDPMetadata: &ours, AuthnNameIDFormat: saml.PersistentNameIDFormat,
				}
				m, err := app.MakeAuthenticationRequest(app.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
				b.must(err)
				to, err := m.Redirect("state", &app)
				b.must(err)
				browser := newBrowser(t)
				f := b.follow(browser, b.get(browser, to.String())).form(t)
				response, err := base64.StdEncoding.DecodeString(f.Fields.Get("SAMLResponse"))
				b.must(err)
				assertion, err := app.ParseXMLResponse(response, []string{m.ID}, app.AcsURL)
				if invalid, ok := err.(*saml.InvalidResponseError); ok {
					t.Fatal(invalid.PrivateErr)
				}
				b.must(err)
				if assertion.Subject.NameID.Value == "" || len(assertion.AttributeStatements[0].Attributes) != 2 {
					t.Errorf("assertion %+v", assertion)
				}
			})
		}
	}
}

func address(t *testing.T, s string) url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return *u
}

// A request is answered once, whoever brings it again and however.
func TestReplayedRequest(t *testing.T) {
	b := newBed(t)
	m := planning.request(b)
	again := func() *answer { return b.ask(newBrowser(t), planning, m, "") }
	if a := again(); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	again().isPage(t, http.StatusBadRequest)
	b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, m.Element(), "", planning.key())).isPage(t, http.StatusBadRequest)
	b.pass(5 * time.Minute) // its IssueInstant would still do
	again().isPage(t, http.StatusBadRequest)

	// The ID is the app's own: another app's request may have the same.
	other := parking.request(b, func(o *message.AuthnRequest) { o.ID = m.ID })
	if a := b.ask(newBrowser(t), parking, other, ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", a.StatusCode)
	}
}

func TestReplayedAtOnce(t *testing.T) {
	b := newBed(t)
	m := parking.request(b)
	var started sync.WaitGroup
	answers := make([]*answer, 10)
	for i := range answers {
		started.Go(func() { answers[i] = b.ask(newBrowser(t), parking, m, "") })
	}
	started.Wait()
	won := 0
	for _, a := range answers {
		if a.StatusCode == http.StatusSeeOther {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d of ten went on", won)
	}
}

// A second app gets its answer from the session, without a word to the
// resident, unless it insists.
func TestSingleSignOn(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	b.signOn(browser, planning, planning.request(b))
	m := parking.request(b)
	b.facts(parking, m, b.ask(browser, parking, m, "").form(t))
	if n := b.provider.visits(); n != 1 {
		t.Errorf("%d visits at the provider", n)
	}
}

func TestForceAuthn(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	b.signOn(browser, planning, planning.request(b))
	b.pass(10 * time.Minute)
	m := planning.request(b, func(m *message.AuthnRequest) { m.ForceAuthn = true })
	facts := b.facts(planning, m, b.signOn(browser, planning, m))
	if b.provider.visits() != 2 || !b.provider.last.Force {
		t.Error("the provider was not told to ask again")
	}
	if !facts.AuthnInstant.Equal(b.now().UTC()) {
		t.Errorf("authenticated at %s", facts.AuthnInstant)
	}
}

// What is asserted is when the resident authenticated, not when the app asked.
func TestAuthnInstantIsNotForged(t *testing.T) {
	b := newBed(t)
	browser, began := newBrowser(t), b.now()
	b.signOn(browser, planning, planning.request(b))
	b.pass(10 * time.Minute)
	m := planning.request(b)
	if facts := b.facts(planning, m, b.signOn(browser, planning, m)); !facts.AuthnInstant.Equal(began) {
		t.Errorf("authenticated at %s, want %s", facts.AuthnInstant, began)
	}
}

func TestMaxAuthnAge(t *testing.T) {
	b := newBed(t, library.registered(t, func(a *config.App) { a.SAML.MaxAuthnAge = 20 * time.Minute }))
	browser := newBrowser(t)
	for _, visits := range []int{1, 1, 2} {
		m := library.request(b)
		b.facts(library, m, b.signOn(browser, library, m))
		if n := b.provider.visits(); n != visits {
			t.Errorf("%d visits at the provider, want %d", n, visits)
		}
		b.pass(15 * time.Minute)
	}
}

func TestIsPassive(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	passive := func() message.AuthnRequest {
		return planning.request(b, func(m *message.AuthnRequest) { m.IsPassive = true })
	}
	m := passive()
	got := b.status(planning, m, b.ask(browser, planning, m, "").form(t))
	if want := (message.Status{Code: message.Responder, Second: message.NoPassive}); got != want {
		t.Errorf("status %+v", got)
	}
	if b.provider.visits() != 0 {
		t.Error("the resident was prompted")
	}
	b.signOn(browser, planning, planning.request(b))
	m = passive()
	b.facts(planning, m, b.ask(browser, planning, m, "").form(t))
}

func TestCancelled(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) { a.Connectors = nil }))
	browser, m := newBrowser(t), planning.request(b)
	choice := b.follow(browser, b.ask(browser, planning, m, "state"))
	_, rest, _ := strings.Cut(choice.body, `href="/cancel`)
	query, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("no way to cancel in %s", choice.body)
	}
	f := b.follow(browser, b.get(browser, b.URL+"/cancel"+query)).form(t)
	if got := b.status(planning, m, f); got != (message.Status{Code: message.Responder, Second: message.AuthnFailed}) {
		t.Errorf("status %+v", got)
	}
	if got := f.Fields.Get("RelayState"); got != "state" {
		t.Errorf("RelayState %q", got)
	}
}

func TestStart(t *testing.T) {
	targets := []string{"https://library.example/books", "https://library.example/loans"}
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) {
		a.SAML.Start, a.SAML.Targets = true, targets
	}))
	for query, want := range map[string]string{"": targets[0], "?target=" + url.QueryEscape(targets[1]): targets[1]} {
		browser := newBrowser(t)
		f := b.follow(browser, b.get(browser, b.URL+"/saml/start/library"+query)).form(t)
		b.facts(library, message.AuthnRequest{}, f, func(x *message.Expect) { x.Unsolicited = true })
		if got := f.Fields["RelayState"]; !slices.Equal(got, []string{want}) {
			t.Errorf("RelayState %q, want %q", got, want)
		}
	}
	// No open redirect by way of the app's: only what the operator wrote.
	for _, target := range []string{"https://evil.example/", targets[0] + "/", "//evil.example", "javascript:alert(1)"} {
		b.get(newBrowser(t), b.URL+"/saml/start/library?target="+url.QueryEscape(target)).isPage(t, http.StatusBadRequest)
	}
	b.get(newBrowser(t), b.URL+"/saml/start/planning").isPage(t, http.StatusNotFound)
	b.get(newBrowser(t), b.URL+"/saml/start/nobody").isPage(t, http.StatusNotFound)
}

// A message that the app wants back may be script; the page must not run it.
func TestRelayStateIsEscaped(t *testing.T) {
	b := newBed(t)
	state := `"><script>alert(1)</script>'&lt;` + "\n\x80"
	browser, m := newBrowser(t), planning.request(b)
	a := b.follow(browser, b.ask(browser, planning, m, state))
	if bytes.Contains([]byte(a.body), []byte("<script>alert")) {
		t.Error("script in the page")
	}
	if got := a.form(t).Fields.Get("RelayState"); !strings.HasPrefix(got, state[:len(state)-1]) {
		t.Errorf("RelayState %q", got)
	}
}

// The log says what happened, and nothing of what was said.
func TestLogHoldsNoAssertion(t *testing.T) {
	b := newBed(t)
	browser, m := newBrowser(t), planning.request(b)
	f := b.follow(browser, b.ask(browser, planning, m, "relayed")).form(t)
	facts := b.facts(planning, m, f)
	b.Close() // the line is written after the answer
	log := b.log.String()
	for _, secret := range []string{
		"alice", "Example", facts.NameID.Value, facts.AssertionID, facts.SessionIndex, f.Fields.Get("SAMLResponse")[:40], "relayed", m.ID,
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(log, `"app":"planning"`) || !strings.Contains(log, `"answer":"Success"`) {
		t.Errorf("the log does not say what happened: %s", log)
	}
}
