package idp_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// enter signs in to the partner and returns what it learns.
func (b *bed) enter(browser *http.Client, p partner) *message.Facts {
	b.t.Helper()
	m := p.request(b)
	return b.facts(p, m, b.signOn(browser, p, m))
}

// bye is the partner's request to sign out whom it learned of, changed.
func (p partner) bye(b *bed, of *message.Facts, change ...func(*message.LogoutRequest)) message.LogoutRequest {
	m := message.LogoutRequest{
		Header: message.Header{ID: newID(), IssueInstant: b.now(), Destination: b.URL + "/saml/slo", Issuer: p.entityID},
		NameID: of.NameID, SessionIndexes: []string{of.SessionIndex},
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

// leave sends a sign-out request by Redirect, signed.
func (b *bed) leave(browser *http.Client, p partner, m message.LogoutRequest) *answer {
	b.t.Helper()
	return b.get(browser, b.redirect("/saml/slo", binding.Request, m.Element(), "bye", p.key()))
}

// answered are the codes of a signed answer to the partner's request.
func (b *bed) answered(p partner, m message.LogoutRequest, a *answer) message.Status {
	b.t.Helper()
	response := b.logoutResponse(a, p.slo+"/done")
	if response.InResponseTo != m.ID || response.Issuer != b.entityID() || response.Destination != p.slo+"/done" {
		b.t.Errorf("answer %+v", response)
	}
	return message.Status{Code: response.Status.Code, Second: response.Status.Second}
}

func (b *bed) logoutResponse(a *answer, location string) message.LogoutResponse {
	b.t.Helper()
	received := b.sent(a, location)
	if received.RelayState != "bye" {
		b.t.Errorf("RelayState %q", received.RelayState)
	}
	verified, err := received.Verify(b.published(), xmlsig.Policy{})
	b.must(err)
	m, err := message.ParseLogoutResponse(verified.Element())
	b.must(err)
	return m
}

// sent is the message that the broker sends to location by Redirect.
func (b *bed) sent(a *answer, location string) binding.Received {
	b.t.Helper()
	to := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, location+"?") {
		b.t.Fatalf("status %d, sent to %q; body %s", a.StatusCode, to, a.body)
	}
	received, err := binding.Read(httptest.NewRequest(http.MethodGet, to, nil), xmlgate.Limits{})
	b.must(err)
	return received
}

var (
	success   = message.Status{Code: message.Success}
	partial   = message.Status{Code: message.Success, Second: message.PartialLogout}
	otherUser = message.Status{Code: message.Requester, Second: message.UnknownPrincipal}
)

// An app signs the resident out, by Redirect and by POST.
func TestAppSignsOut(t *testing.T) {
	b := newBed(t)
	t.Run("by Redirect", func(t *testing.T) {
		browser := newBrowser(t)
		m := planning.bye(b, b.enter(browser, planning))
		if got := b.answered(planning, m, b.leave(browser, planning, m)); got != success {
			t.Errorf("status %+v", got)
		}
		if !b.ended(browser) {
			t.Error("the session goes on")
		}
	})
	t.Run("by POST", func(t *testing.T) {
		browser := newBrowser(t)
		m := planning.bye(b, b.enter(browser, planning))
		a := b.post(browser, "/saml/slo", b.posted(binding.Request, m.Element(), "bye", planning.key()))
		if got := b.answered(planning, m, b.follow(browser, a)); got != success {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("and gets the answer by POST", func(t *testing.T) {
		b.must(b.build([]config.App{parking.registered(t), planning.registered(t, func(a *config.App) {
			a.SAML.Metadata.Inline = planning.metadata(t, func(p *metadata.Publication) { p.SLO[0].Binding = binding.POST })
		})}))
		browser := newBrowser(t)
		m := planning.bye(b, b.enter(browser, planning))
		f := b.leave(browser, planning, m).form(t)
		verified, err := f.received(t).Verify(b.published(), xmlsig.Policy{})
		b.must(err)
		response, err := message.ParseLogoutResponse(verified.Element())
		b.must(err)
		if f.Action != planning.slo+"/done" || f.Fields.Get("RelayState") != "bye" || response.Status.Code != message.Success || response.InResponseTo != m.ID {
			t.Errorf("%s: %+v", f.Action, response)
		}
	})
}

// ended reports whether the browser's session at the broker is over: a passive
// request finds none.
func (b *bed) ended(browser *http.Client) bool {
	b.t.Helper()
	m := planning.request(b, func(m *message.AuthnRequest) { m.IsPassive = true })
	f := b.ask(browser, planning, m, "").form(b.t)
	code := f.received(b.t).Message.Child(message.Protocol, "Status").Child(message.Protocol, "StatusCode")
	return code.Attr("Value") != message.Success
}

// What does not mean this session ends nothing, and the app is told so.
func TestSignOutOfSomebodyElse(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	alice, others := b.enter(browser, planning), b.enter(newBrowser(t), planning)
	atLibrary := b.enter(browser, library)
	b.provider.signIn("bob")
	bob := b.enter(newBrowser(t), planning)
	for name, change := range map[string]func(*message.LogoutRequest){
		"nobody's name":                func(m *message.LogoutRequest) { m.NameID.Value = "nobody" },
		"another resident's name":      func(m *message.LogoutRequest) { m.NameID, m.SessionIndexes = bob.NameID, nil },
		"the name at another app":      func(m *message.LogoutRequest) { m.NameID, m.SessionIndexes = atLibrary.NameID, nil },
		"another format":               func(m *message.LogoutRequest) { m.NameID.Format = message.Email },
		"no format":                    func(m *message.LogoutRequest) { m.NameID.Format = "" },
		"another NameQualifier":        func(m *message.LogoutRequest) { m.NameID.NameQualifier = "https://other.example" },
		"another SPNameQualifier":      func(m *message.LogoutRequest) { m.NameID.SPNameQualifier = library.entityID },
		"an index that there is not":   func(m *message.LogoutRequest) { m.SessionIndexes = []string{"nothing"} },
		"the index at another app":     func(m *message.LogoutRequest) { m.SessionIndexes = []string{atLibrary.SessionIndex} },
		"the index of another browser": func(m *message.LogoutRequest) { m.SessionIndexes = []string{others.SessionIndex} },
	} {
		t.Run(name, func(t *testing.T) {
			m := planning.bye(b, alice, change)
			if got := b.answered(planning, m, b.leave(browser, planning, m)); got != otherUser {
				t.Errorf("status %+v", got)
			}
			if b.ended(browser) {
				t.Error("the session was ended")
			}
		})
	}
	for name, change := range map[string]func(*message.LogoutRequest){
		"one of two indexes": func(m *message.LogoutRequest) { m.SessionIndexes = []string{"nothing", alice.SessionIndex} },
		"no index":           func(m *message.LogoutRequest) { m.SessionIndexes = nil },
		"no qualifiers":      func(m *message.LogoutRequest) { m.NameID.NameQualifier, m.NameID.SPNameQualifier = "", "" },
	} {
		t.Run(name, func(t *testing.T) {
			browser := newBrowser(t)
			b.provider.signIn("alice")
			alice := b.enter(browser, planning)
			m := planning.bye(b, alice, change)
			if len(m.SessionIndexes) > 0 {
				m.SessionIndexes[len(m.SessionIndexes)-1] = alice.SessionIndex
			}
			if got := b.answered(planning, m, b.leave(browser, planning, m)); got != success || !b.ended(browser) {
				t.Errorf("status %+v", got)
			}
		})
	}
}

// Nobody is signed out by a message that the app did not write, now, to us.
func TestForgedSignOut(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	alice := b.enter(browser, planning)
	in := func(change func(*message.LogoutRequest)) message.LogoutRequest { return planning.bye(b, alice, change) }
	same := func(*message.LogoutRequest) {}
	for name, test := range map[string]struct {
		m   message.LogoutRequest
		key xmlsig.Credential
	}{
		"unsigned":          {in(same), xmlsig.Credential{}},
		"another's key":     {in(same), library.key()},
		"our key":           {in(same), key("idp")},
		"another Issuer":    {in(func(m *message.LogoutRequest) { m.Issuer = library.entityID }), planning.key()},
		"no Issuer":         {in(func(m *message.LogoutRequest) { m.Issuer = "" }), planning.key()},
		"other Destination": {in(func(m *message.LogoutRequest) { m.Destination = "https://other.example/slo" }), planning.key()},
		"no Destination":    {in(func(m *message.LogoutRequest) { m.Destination = "" }), planning.key()},
		"old":               {in(func(m *message.LogoutRequest) { m.IssueInstant = b.now().Add(-maxAge - time.Second) }), planning.key()},
		"expired":           {in(func(m *message.LogoutRequest) { m.NotOnOrAfter = b.now().Add(-4 * time.Minute) }), planning.key()},
		"from the future":   {in(func(m *message.LogoutRequest) { m.IssueInstant = b.now().Add(4 * time.Minute) }), planning.key()},
		"no name":           {in(func(m *message.LogoutRequest) { m.NameID = message.NameID{} }), planning.key()},
	} {
		t.Run(name, func(t *testing.T) {
			b.get(browser, b.redirect("/saml/slo", binding.Request, test.m.Element(), "", test.key)).isPage(t, http.StatusBadRequest)
			b.post(browser, "/saml/slo", b.posted(binding.Request, test.m.Element(), "", test.key)).isPage(t, http.StatusBadRequest)
			if b.ended(browser) {
				t.Error("the session was ended")
			}
		})
	}
	m := in(same)
	b.post(browser, "/saml/slo", b.posted(binding.Request, m.Element(), "", planning.key())) // and does not come back
	b.leave(browser, planning, m).isPage(t, http.StatusBadRequest)
	if b.ended(browser) {
		t.Error("a replayed request ended the session")
	}
}

// SimpleSAMLphp signs no logout messages by default. Anybody may have sent such
// a one, and the app that it names is asked before it is answered.
func TestUnsignedSignOut(t *testing.T) {
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) { a.SAML.Logout.InsecureUnsigned = true }))
	browser := newBrowser(t)
	m := library.bye(b, b.enter(browser, library))
	asked := b.sent(b.get(browser, b.redirect("/saml/slo", binding.Request, m.Element(), "bye", xmlsig.Credential{})), library.slo)
	response := message.LogoutResponse{Status: success, Header: message.Header{
		ID: newID(), InResponseTo: asked.Message.Attr("ID"), IssueInstant: b.now(), Destination: b.URL + "/saml/slo", Issuer: library.entityID,
	}}
	a := b.get(browser, b.redirect("/saml/slo", binding.Response, response.Element(), "", xmlsig.Credential{}))
	if got := b.answered(library, m, a); got != success || !b.ended(browser) {
		t.Errorf("status %+v", got)
	}
	// A signature that is there has to be good all the same.
	m = library.bye(b, b.enter(browser, library))
	b.get(browser, b.redirect("/saml/slo", binding.Request, m.Element(), "", planning.key())).isPage(t, http.StatusBadRequest)
	// Nobody's session is ended but this browser's.
	m = library.bye(b, b.enter(browser, library))
	b.get(newBrowser(t), b.redirect("/saml/slo", binding.Request, m.Element(), "bye", xmlsig.Credential{}))
	if b.ended(browser) {
		t.Error("another browser's session was ended")
	}
}

// A browser that lost its session says which it was, signed by the app.
func TestSignOutWithoutSession(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	m := planning.bye(b, b.enter(browser, planning))
	if got := b.answered(planning, m, b.leave(newBrowser(t), planning, m)); got != success || !b.ended(browser) {
		t.Errorf("status %+v", got)
	}
	m = planning.bye(b, &message.Facts{NameID: m.NameID, SessionIndex: m.SessionIndexes[0]})
	if got := b.answered(planning, m, b.leave(browser, planning, m)); got != success {
		t.Errorf("again: status %+v", got)
	}
}

// The other app is asked through the browser by the name that it was told, and
// the one that started is answered last.
func TestOtherAppIsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		answer message.Status
		signed bool
		want   message.Status
	}{
		"and does":                     {success, true, success},
		"and does not":                 {message.Status{Code: message.Responder}, true, partial},
		"and anybody may have said so": {success, false, partial},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, planning.registered(t), library.registered(t))
			browser := newBrowser(t)
			m, atLibrary := planning.bye(b, b.enter(browser, planning)), b.enter(browser, library)
			asked := b.sent(b.leave(browser, planning, m), library.slo)
			verified, err := asked.Verify(b.published(), xmlsig.Policy{})
			b.must(err)
			request, err := message.ParseLogoutRequest(verified.Element(), nil, xmlenc.Policy{})
			b.must(err)
			if request.NameID != atLibrary.NameID || !slices.Equal(request.SessionIndexes, []string{atLibrary.SessionIndex}) ||
				request.Destination != library.slo || request.Issuer != b.entityID() || !request.NotOnOrAfter.After(b.now()) {
				t.Errorf("asked %+v", request)
			}
			reply := func(change func(*message.LogoutResponse), c xmlsig.Credential) *answer {
				response := message.LogoutResponse{Status: test.answer, Header: message.Header{
					ID: newID(), InResponseTo: request.ID, IssueInstant: b.now(), Destination: b.URL + "/saml/slo", Issuer: library.entityID,
				}}
				change(&response)
				return b.get(browser, b.redirect("/saml/slo", binding.Response, response.Element(), "", c))
			}
			// What is not the answer that is waited for changes nothing.
			same := func(*message.LogoutResponse) {}
			reply(same, planning.key()).isPage(t, http.StatusBadRequest)
			for _, id := range []string{"", "id-other", "other", "id-", m.ID} {
				a := reply(func(r *message.LogoutResponse) { r.InResponseTo = id }, library.key())
				if strings.HasPrefix(a.Header.Get("Location"), planning.slo) {
					t.Errorf("in response to %q: sent to %s", id, a.Header.Get("Location"))
				}
			}
			key := xmlsig.Credential{}
			if test.signed {
				key = library.key()
			}
			a := reply(same, key)
			if test.want != success {
				a = b.continued(browser, a)
			}
			if got := b.answered(planning, m, a); got != test.want {
				t.Errorf("status %+v, want %+v", got, test.want)
			}
		})
	}
}

// continued presses on past the page that names an app which failed.
func (b *bed) continued(browser *http.Client, a *answer) *answer {
	b.t.Helper()
	_, rest, found := strings.Cut(a.body, `href="/sign-out/continue`)
	query, _, _ := strings.Cut(rest, `"`)
	if !found || a.StatusCode != http.StatusOK {
		b.t.Fatalf("status %d, no way on; body %s", a.StatusCode, a.body)
	}
	return b.get(browser, b.URL+"/sign-out/continue"+strings.ReplaceAll(query, "&amp;", "&"))
}

// An app that answers a request with one of its own does not set off a circle.
func TestTwoAppsSignOutAtOnce(t *testing.T) {
	b := newBed(t, planning.registered(t), library.registered(t))
	browser := newBrowser(t)
	one, other := planning.bye(b, b.enter(browser, planning)), library.bye(b, b.enter(browser, library))
	b.sent(b.leave(browser, planning, one), library.slo)
	a := b.leave(browser, library, other)
	for range 3 {
		if a.StatusCode == http.StatusOK {
			a = b.continued(browser, a)
		}
	}
	if got := b.answered(library, other, a); got.Code != message.Success {
		t.Errorf("status %+v", got)
	}
	if !b.ended(browser) {
		t.Error("the session goes on")
	}
}

// An app that cannot be told makes the sign-out partial.
func TestAppThatCannotBeTold(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	m := planning.bye(b, b.enter(browser, planning))
	b.enter(browser, parking) // has no address for it
	if got := b.answered(planning, m, b.leave(browser, planning, m)); got != partial {
		t.Errorf("status %+v", got)
	}
}

// Who wants no answer gets none: the resident stays here.
func TestAsynchronousSignOut(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	m := planning.bye(b, b.enter(browser, planning), func(m *message.LogoutRequest) { m.Asynchronous = true })
	b.leave(browser, planning, m).isPage(t, http.StatusOK)
	if !b.ended(browser) {
		t.Error("the session goes on")
	}
}

// Who has no address for the answer gets none either.
func TestSignOutOfAppWithoutAddress(t *testing.T) {
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) {
		a.SAML.Metadata.Inline = library.metadata(t, func(p *metadata.Publication) { p.SLO = nil })
	}))
	browser := newBrowser(t)
	m := library.bye(b, b.enter(browser, library))
	b.leave(browser, library, m).isPage(t, http.StatusOK)
	if !b.ended(browser) {
		t.Error("the session goes on")
	}
}

// A name that is encrypted to us is opened for whoever signs, and for nobody
// else.
func TestSignOutByEncryptedName(t *testing.T) {
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) { a.SAML.Logout.InsecureUnsigned = true }))
	browser := newBrowser(t)
	encrypted := func() (message.LogoutRequest, *etree.Element) {
		m := library.bye(b, b.enter(browser, library))
		e := m.Element()
		name := e.SelectElement("NameID")
		at := name.Index()
		plain := name.Copy()
		plain.CreateAttr("xmlns:saml", message.Assertion)
		data, err := xmlenc.Encrypt(plain, b.published()[0], xmlenc.AES256GCM, xmlenc.OAEPMGF1P)
		b.must(err)
		id := etree.NewElement("saml:EncryptedID")
		id.AddChild(data)
		e.RemoveChildAt(at)
		e.InsertChildAt(at, id)
		return m, e
	}
	_, e := encrypted()
	b.get(browser, b.redirect("/saml/slo", binding.Request, e, "bye", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
	m, e := encrypted()
	if got := b.answered(library, m, b.get(browser, b.redirect("/saml/slo", binding.Request, e, "bye", library.key()))); got != success || !b.ended(browser) {
		t.Errorf("status %+v", got)
	}
}
