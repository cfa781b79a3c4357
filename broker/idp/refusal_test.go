package idp_test

import (
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// What cannot be met is told to the app, signed, and before the resident is
// asked for anything.
func TestRefusedBeforeSignIn(t *testing.T) {
	invalidNameID := message.Status{Code: message.Requester, Second: message.InvalidNameIDPolicy}
	noContext := message.Status{Code: message.Responder, Second: message.NoAuthnContext}
	contexts := func(comparison string, classes ...string) func(*message.AuthnRequest) {
		return func(m *message.AuthnRequest) { m.Comparison, m.Contexts = comparison, classes }
	}
	for name, test := range map[string]struct {
		ask  func(*message.AuthnRequest)
		want message.Status
	}{
		"format not the app's":      {func(m *message.AuthnRequest) { m.NameIDFormat = message.Transient + "2" }, invalidNameID},
		"Kerberos":                  {func(m *message.AuthnRequest) { m.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos" }, invalidNameID},
		"encrypted":                 {func(m *message.AuthnRequest) { m.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted" }, invalidNameID},
		"another's SPNameQualifier": {func(m *message.AuthnRequest) { m.SPNameQualifier = library.entityID }, invalidNameID},
		"unknown class":             {contexts("exact", smartcard), noContext},
		"better than the best":      {contexts("better", password), noContext},
		"no other provider":         {func(m *message.AuthnRequest) { m.ProxyCount = new(int) }, message.Status{Code: message.Responder, Second: message.ProxyCountExceeded}},
		"minimum unknown":           {contexts("minimum", smartcard), noContext},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			m := planning.request(b, test.ask)
			if got := b.status(planning, m, b.ask(newBrowser(t), planning, m, "").form(t)); got != test.want {
				t.Errorf("status %+v", got)
			}
			if b.provider.visits() != 0 {
				t.Error("the resident was asked in vain")
			}
		})
	}
}

// No provider can do what the app asks: nobody gave up, and nobody was asked.
func TestRefusedForWantOfAProvider(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) { a.Connectors = []string{"gone"} }))
	m := planning.request(b)
	f := b.ask(newBrowser(t), planning, m, "").form(t)
	if got := b.status(planning, m, f); got != (message.Status{Code: message.Responder, Second: message.RequestDenied}) {
		t.Errorf("status %+v", got)
	}
}

// A refusal of a posted request needs no cookie and comes at once.
func TestRefusedPost(t *testing.T) {
	b := newBed(t)
	m := parking.request(b, func(m *message.AuthnRequest) { m.NameIDFormat = "urn:other" })
	f := b.post(newBrowser(t), "/saml/sso", b.posted("SAMLRequest", m.Element(), "state", parking.credential())).form(t)
	if got := b.status(parking, m, f); got.Second != message.InvalidNameIDPolicy {
		t.Errorf("status %+v", got)
	}
	if f.Fields.Get("RelayState") != "state" {
		t.Errorf("fields %v", f.Fields)
	}
}

// What the sign-in shows to be impossible is told then.
func TestRefusedAfterSignIn(t *testing.T) {
	t.Run("no verified e-mail address", func(t *testing.T) {
		b := newBed(t)
		b.provider.say("mallory", map[string]any{"email": "alice@strathmore.example", "email_verified": false})
		m := planning.request(b, func(m *message.AuthnRequest) { m.NameIDFormat = message.Email })
		got := b.status(planning, m, b.signOn(newBrowser(t), planning, m))
		if got != (message.Status{Code: message.Responder, Second: message.InvalidNameIDPolicy}) {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("identifier that nobody vouches for", func(t *testing.T) {
		b := newBed(t, planning.registered(t, func(a *config.App) { a.SAML.NameID.Value = "claims.ward" }))
		b.provider.say("mallory", map[string]any{"ward": "0815"})
		m := planning.request(b)
		if got := b.status(planning, m, b.signOn(newBrowser(t), planning, m)); got.Second != message.InvalidNameIDPolicy {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("somebody else than asked for", func(t *testing.T) {
		b := newBed(t)
		ask := func(m *message.AuthnRequest) {
			m.NameIDFormat = message.Email
			m.Subject = message.NameID{Value: "bob@strathmore.example"}
		}
		m := planning.request(b, ask)
		if got := b.status(planning, m, b.signOn(newBrowser(t), planning, m)); got.Second != message.UnknownPrincipal {
			t.Errorf("status %+v", got)
		}
		if b.provider.last.LoginHint != "bob@strathmore.example" {
			t.Errorf("hint %q", b.provider.last.LoginHint)
		}
		b.provider.signIn("bob")
		m = planning.request(b, ask)
		b.facts(planning, m, b.signOn(newBrowser(t), planning, m))
	})
}

// Nobody asked, so nobody is told.
func TestRefusedStart(t *testing.T) {
	b := newBed(t, library.registered(t, func(a *config.App) {
		a.SAML.Start, a.SAML.NameID.Value = true, "claims.nothing"
	}))
	browser := newBrowser(t)
	a := b.follow(browser, b.get(browser, b.URL+"/saml/start/library"))
	if to := a.Header.Get("Location"); to != "https://library.example/" {
		t.Errorf("status %d, sent to %q", a.StatusCode, to)
	}
}
