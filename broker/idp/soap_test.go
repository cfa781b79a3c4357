package idp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
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

// call sends a message by SOAP, signed with key where that has one.
func (b *bed) call(m *etree.Element, c xmlsig.Credential) *answer {
	b.t.Helper()
	if c.Signer != nil {
		var err error
		m, err = xmlsig.Sign(m, c, xmlsig.RSASHA256)
		b.must(err)
	}
	envelope, err := binding.Envelope(m)
	b.must(err)
	res, err := http.Post(b.URL+"/saml/soap", "text/xml", strings.NewReader(string(envelope)))
	return b.read(res, err)
}

// soapBye is the partner's request by SOAP.
func (p partner) soapBye(b *bed, of *message.Facts, change ...func(*message.LogoutRequest)) message.LogoutRequest {
	return p.bye(b, of, append([]func(*message.LogoutRequest){func(m *message.LogoutRequest) {
		m.Destination = b.URL + "/saml/soap"
	}}, change...)...)
}

// soapStatus are the codes of a signed answer to the partner's request.
func (b *bed) soapStatus(m message.LogoutRequest, a *answer) message.Status {
	b.t.Helper()
	received, err := binding.ReadSOAP([]byte(a.body), xmlgate.Limits{})
	b.must(err)
	verified, err := received.Verify(b.published(), xmlsig.Policy{})
	b.must(err)
	response, err := message.ParseLogoutResponse(verified.Element())
	b.must(err)
	if response.InResponseTo != m.ID || response.Issuer != b.entityID() || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/xml") {
		b.t.Errorf("answer %+v", response)
	}
	return message.Status{Code: response.Status.Code, Second: response.Status.Second}
}

// An app ends a session without its browser.
func TestSOAP(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	t.Run("success", func(t *testing.T) {
		m := planning.soapBye(b, b.enter(browser, planning))
		if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != success || !b.ended(browser) {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("partial", func(t *testing.T) {
		m := planning.soapBye(b, b.enter(browser, planning))
		b.enter(browser, library) // can be asked through the browser alone
		if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != partial || !b.ended(browser) {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("all sessions of a name", func(t *testing.T) {
		other := newBrowser(t)
		b.enter(other, planning)
		m := planning.soapBye(b, b.enter(browser, planning), func(m *message.LogoutRequest) { m.SessionIndexes = nil })
		if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != success || !b.ended(browser) || !b.ended(other) {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("that session alone", func(t *testing.T) {
		other := newBrowser(t)
		b.enter(other, planning)
		m := planning.soapBye(b, b.enter(browser, planning))
		if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != success || !b.ended(browser) || b.ended(other) {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("somebody else", func(t *testing.T) {
		of := b.enter(browser, planning)
		atLibrary := b.enter(browser, library)
		for _, facts := range []*message.Facts{
			atLibrary, {NameID: of.NameID, SessionIndex: "other"}, {NameID: message.NameID{Value: "nobody"}, SessionIndex: of.SessionIndex},
		} {
			m := planning.soapBye(b, facts)
			if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != otherUser || b.ended(browser) {
				t.Errorf("status %+v", got)
			}
		}
	})
}

// A resident signs in again, so that the session's cookie is another. The app
// that knew the session before ends it all the same.
func TestSOAPAfterSigningInAgain(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	m := planning.soapBye(b, b.enter(browser, planning))
	again := planning.request(b, func(m *message.AuthnRequest) { m.ForceAuthn = true })
	b.facts(planning, again, b.signOn(browser, planning, again))
	if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != success || !b.ended(browser) {
		t.Errorf("status %+v", got)
	}
}

// Apps of one sector know a resident by one name. None of them can end what it
// has no part in.
func TestSOAPOfAnotherApp(t *testing.T) {
	sector := func(a *config.App) { a.Sector, *a.SAML.NameID.Qualifiers = "shared.example", false }
	b := newBed(t, planning.registered(t, sector), library.registered(t, sector))
	browser := newBrowser(t)
	m := planning.soapBye(b, b.enter(browser, library), func(m *message.LogoutRequest) { m.SessionIndexes = nil })
	if got := b.soapStatus(m, b.call(m.Element(), planning.key())); got != otherUser || b.ended(browser) {
		t.Errorf("status %+v", got)
	}
}

// Nothing is believed of a message that is not whole, signed, and to us.
func TestSOAPRefuses(t *testing.T) {
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) { a.SAML.Logout.InsecureUnsigned = true }))
	browser := newBrowser(t)
	m, atLibrary := planning.soapBye(b, b.enter(browser, planning)), library.soapBye(b, b.enter(browser, library))
	signed, err := xmlsig.Sign(m.Element(), planning.key(), xmlsig.RSASHA256)
	b.must(err)
	envelope, err := binding.Envelope(signed)
	b.must(err)
	toSLO := planning.bye(b, &message.Facts{NameID: m.NameID, SessionIndex: m.SessionIndexes[0]})
	response := message.LogoutResponse{Header: toSLO.Header, Status: success}
	response.Destination = b.URL + "/saml/soap"
	long := strings.Replace(string(envelope), "<soap:Body>", "<soap:Body>"+strings.Repeat(" ", 300<<10), 1)
	post := func(body string) *answer {
		res, err := http.Post(b.URL+"/saml/soap", "text/xml", strings.NewReader(body))
		return b.read(res, err)
	}
	for name, a := range map[string]*answer{
		"unsigned":               b.call(m.Element(), xmlsig.Credential{}),
		"unsigned of who may":    b.call(atLibrary.Element(), xmlsig.Credential{}),
		"another's key":          b.call(m.Element(), library.key()),
		"to another endpoint":    b.call(toSLO.Element(), planning.key()),
		"a response":             b.call(response.Element(), planning.key()),
		"an AuthnRequest":        b.call(planning.request(b).Element(), planning.key()),
		"nothing":                post(""),
		"no envelope":            post("<x/>"),
		"two messages":           post(strings.Replace(string(envelope), "</soap:Body>", "<x/></soap:Body>", 1)),
		"an entity":              post(`<!DOCTYPE x [<!ENTITY y "z">]>` + string(envelope)),
		"a header to understand": post(strings.Replace(string(envelope), "<soap:Body>", `<soap:Header><x soap:mustUnderstand="1"/></soap:Header><soap:Body>`, 1)),
	} {
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	post(long).isPage(t, http.StatusRequestEntityTooLarge)
	if b.ended(browser) {
		t.Error("the session was ended")
	}
	if got := b.soapStatus(m, post(string(envelope))); got != partial { // the library is asked through the browser
		t.Errorf("status %+v", got)
	}
	post(string(envelope)).isPage(t, http.StatusBadRequest) // once
}

// soapApp is an app that is told from server to server.
type soapApp struct {
	partner
	*httptest.Server
	answer func(m message.LogoutRequest, response *message.LogoutResponse) // changes the answer
	key    xmlsig.Credential                                               // signs it
	slow   bool

	mu    sync.Mutex
	asked []message.LogoutRequest
}

// requests are those that came since the last time.
func (s *soapApp) requests() []message.LogoutRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func newSOAPApp(t *testing.T, b func() *bed) *soapApp {
	s := &soapApp{partner: library, key: library.key(), answer: func(message.LogoutRequest, *message.LogoutResponse) {}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || s.slow {
			<-r.Context().Done()
			return
		}
		if err := s.serve(b(), w, r, body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *soapApp) serve(b *bed, w http.ResponseWriter, r *http.Request, body []byte) error {
	if got := r.Header.Get("SOAPAction"); got != `"http://www.oasis-open.org/committees/security"` {
		b.t.Errorf("SOAPAction %s", got)
	}
	received, err := binding.ReadSOAP(body, xmlgate.Limits{})
	if err != nil {
		return err
	}
	verified, err := received.Verify(b.published(), xmlsig.Policy{})
	if err != nil {
		return err
	}
	m, err := message.ParseLogoutRequest(verified.Element(), nil, xmlenc.Policy{})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.asked = append(s.asked, m)
	s.mu.Unlock()
	response := message.LogoutResponse{Status: success, Header: message.Header{
		ID: newID(), InResponseTo: m.ID, IssueInstant: b.now(), Issuer: library.entityID,
	}}
	s.answer(m, &response)
	e := response.Element()
	if s.key.Signer != nil {
		if e, err = xmlsig.Sign(e, s.key, xmlsig.RSASHA256); err != nil {
			return err
		}
	}
	envelope, err := binding.Envelope(e)
	if err != nil {
		return err
	}
	_, err = w.Write(envelope)
	return err
}

// registered is the app with its address.
func (s *soapApp) registered(t *testing.T, change ...func(*config.App)) config.App {
	return library.registered(t, append([]func(*config.App){func(a *config.App) {
		a.SAML.Metadata.Inline = library.metadata(t, func(p *metadata.Publication) {
			p.SLO = []metadata.Endpoint{{Binding: binding.SOAP, Location: s.URL + "/slo"}}
		})
	}}, change...)...)
}

// The other app is told from server to server, and its word is checked.
func TestOtherAppIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *soapApp)
		want   message.Status
	}{
		"and does": {func(*soapApp) {}, success},
		"and does not": {func(s *soapApp) {
			s.answer = func(_ message.LogoutRequest, r *message.LogoutResponse) { r.Status.Code = message.Responder }
		}, partial},
		"and knows nobody": {func(s *soapApp) {
			s.answer = func(_ message.LogoutRequest, r *message.LogoutResponse) { r.Status = otherUser }
		}, partial},
		"and signs nothing": {func(s *soapApp) { s.key = xmlsig.Credential{} }, partial},
		"and another signs": {func(s *soapApp) { s.key = planning.key() }, partial},
		"and another answers": {func(s *soapApp) {
			s.answer = func(_ message.LogoutRequest, r *message.LogoutResponse) { r.Issuer = planning.entityID }
		}, partial},
		"and answers another": {func(s *soapApp) {
			s.answer = func(_ message.LogoutRequest, r *message.LogoutResponse) { r.InResponseTo = "id-other" }
		}, partial},
		"and takes its time": {func(s *soapApp) { s.slow = true }, partial},
		"and is not there":   {func(s *soapApp) { s.Close() }, partial},
		"and says far too much": {func(s *soapApp) {
			s.answer = func(_ message.LogoutRequest, r *message.LogoutResponse) {
				r.Status.Message = strings.Repeat("x", 300<<10)
			}
		}, partial},
	} {
		t.Run(name, func(t *testing.T) {
			var b *bed
			s := newSOAPApp(t, func() *bed { return b })
			b = newBed(t, planning.registered(t), s.registered(t, func(a *config.App) { a.SAML.Logout.Timeout = 200 * time.Millisecond }))
			test.change(s)
			browser := newBrowser(t)
			m, atLibrary := planning.bye(b, b.enter(browser, planning)), b.enter(browser, library)
			a := b.leave(browser, planning, m)
			if test.want != success {
				a = b.continued(browser, a)
			}
			if got := b.answered(planning, m, a); got != test.want {
				t.Errorf("status %+v, want %+v", got, test.want)
			}
			requests := s.requests()
			if len(requests) == 0 { // it was slow, or not there
				return
			}
			asked := requests[0]
			if asked.NameID != atLibrary.NameID || !slices.Equal(asked.SessionIndexes, []string{atLibrary.SessionIndex}) || asked.Destination != s.URL+"/slo" {
				t.Errorf("asked %+v", asked)
			}
		})
	}
}

// Two names in one session are two things to end, and one that was told twice
// is one.
func TestEachNameIsTold(t *testing.T) {
	var b *bed
	s := newSOAPApp(t, func() *bed { return b })
	b = newBed(t, planning.registered(t), s.registered(t))
	browser := newBrowser(t)
	for range 2 {
		m := library.request(b, format(message.Transient))
		b.facts(library, m, b.signOn(browser, library, m))
		b.enter(browser, library)
	}
	m := planning.bye(b, b.enter(browser, planning))
	b.leave(browser, planning, m)
	if n := len(s.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// What a stranger's document says does not make the broker call the machines
// around it, and what the operator wrote, or had signed, does.
func TestWhereSOAPMayGo(t *testing.T) {
	var b *bed
	s := newSOAPApp(t, func() *bed { return b })
	document := s.registered(t).SAML.Metadata.Inline
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, document) }))
	defer elsewhere.Close()
	signed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		doc := etree.NewDocument()
		b.must(doc.ReadFromString(document))
		e, err := xmlsig.Sign(doc.Root(), key("federation"), xmlsig.RSASHA256)
		b.must(err)
		w.Write(xmlgate.Bytes(e))
	}))
	defer signed.Close()
	// The app's own server publishes the document, too.
	calls := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, document)
			return
		}
		calls.ServeHTTP(w, r)
	})
	at := func(url, signer string) func(*config.App) {
		return func(a *config.App) {
			a.SAML.Metadata = config.Metadata{URL: url, EntityID: library.entityID, Signer: signer, Refresh: time.Hour, KeepLastGood: time.Hour}
		}
	}
	manual := func(a *config.App) {
		a.SAML.Metadata = config.Metadata{}
		a.SAML.Manual = &config.ManualSP{
			EntityID: library.entityID, ACS: []string{library.acs}, SLOSOAP: s.URL + "/slo", Certificate: certificateFile(t, library.id),
		}
	}
	for name, test := range map[string]struct {
		change func(*config.App)
		want   message.Status
	}{
		"inline":                   {func(*config.App) {}, success},
		"manual":                   {manual, success},
		"fetched from the host":    {at(s.URL+"/metadata", ""), success},
		"fetched from another":     {at(elsewhere.URL, ""), partial},
		"fetched from one, signed": {at(signed.URL, certificateFile(t, "federation")), success},
	} {
		t.Run(name, func(t *testing.T) {
			b = newBed(t, planning.registered(t), s.registered(t, test.change))
			browser := newBrowser(t)
			m := planning.bye(b, b.enter(browser, planning))
			b.enter(browser, library)
			a := b.leave(browser, planning, m)
			if test.want != success {
				a = b.continued(browser, a)
			}
			calls := len(s.requests())
			if got := b.answered(planning, m, a); got != test.want || (calls == 1) != (test.want == success) {
				t.Errorf("status %+v after %d calls", got, calls)
			}
		})
	}
}
