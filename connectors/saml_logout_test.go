package connectors_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// signOut asks the provider to end a session, and reads its answer.
func (p *samlProvider) signOut(c connectors.Connector, s connectors.ProviderSession) (connectors.LogoutMessage, error) {
	p.t.Helper()
	l := c.(connectors.Logouter)
	to, err := l.Logout(p.t.Context(), s, "farewell-1")
	if err != nil {
		p.t.Fatal(err)
	}
	return l.ReadLogout(p.t.Context(), p.travel(to))
}

func TestLogoutByUs(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	got, err := p.signIn(c, p.attempt(), "full-record")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.signOut(c, *got.Session)
	if err != nil || answer.Answers != "farewell-1" || !answer.OK {
		t.Errorf("answer is %+v, %v", answer, err)
	}
	p.clock.advance(time.Minute)
	again, err := p.signIn(c, p.attempt(), "full-record")
	if err != nil || !again.AuthTime.Equal(p.clock.Now()) {
		t.Errorf("the session at the provider goes on: %+v, %v", again, err)
	}
}

// An answer that nobody signed says as little as a refusal; one with a bad
// signature is no answer.
func TestLogoutIsAnsweredBadly(t *testing.T) {
	for fault, want := range map[string]connectors.Outcome{
		"logout-unsigned": "", "logout-foreign-key": connectors.Refused, "logout-refused": "",
	} {
		p := newSAMLProvider(t)
		c := p.open()
		got, err := p.signIn(c, p.attempt(), "full-record")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.played.SetFault(fault); err != nil {
			t.Fatal(err)
		}
		answer, err := p.signOut(c, *got.Session)
		if want != "" {
			wantOutcome(t, nil, err, want)
		} else if err != nil || answer.OK || answer.Answers == "" {
			t.Errorf("%s: answer is %+v, %v", fault, answer, err)
		}
	}
}

// press presses a button of the provider's own page to sign out.
func (p *samlProvider) press(by string) *http.Response {
	p.t.Helper()
	resp, err := p.browser.PostForm(p.url+"/sign-out", url.Values{"by": {by}})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp
}

func TestLogoutByTheProvider(t *testing.T) {
	for whole, want := range map[bool]string{true: "ended its session, and all of its own", false: "but not all of its own"} {
		p := newSAMLProvider(t)
		c := p.open()
		l := c.(connectors.Logouter)
		got, err := p.signIn(c, p.attempt(), "full-record")
		if err != nil {
			t.Fatal(err)
		}
		question, err := l.ReadLogout(t.Context(), p.carry(p.press("redirect")))
		if err != nil || question.ID == "" || question.Answers != "" {
			t.Fatalf("question is %+v, %v", question, err)
		}
		if !names(question, got.Session) {
			t.Errorf("%v does not name the session %v", question.Keys, got.Session.Keys)
		}
		answer, err := l.AnswerLogout(t.Context(), question, whole)
		if err != nil {
			t.Fatal(err)
		}
		if page := p.read(p.browser.Get(answer.URL)); !strings.Contains(page, want) {
			t.Errorf("whole is %t, and the provider says %s", whole, page)
		}
	}
}

// names reports whether a question is about a session.
func names(question connectors.LogoutMessage, s *connectors.ProviderSession) bool {
	return slices.ContainsFunc(question.Keys, func(key string) bool { return slices.Contains(s.Keys, key) })
}

func (p *samlProvider) read(resp *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body)
}

func TestLogoutBySOAP(t *testing.T) {
	p := newSAMLProvider(t)
	var l connectors.Logouter
	var asked connectors.LogoutMessage
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if asked, err = l.ReadLogout(r.Context(), r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		envelope, err := l.AnswerSOAP(r.Context(), asked, false)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(envelope)
	}))
	defer broker.Close()
	p.logout = broker.URL + "/logout"
	c := p.open()
	l = c.(connectors.Logouter)
	got, err := p.signIn(c, p.attempt(), "full-record")
	if err != nil {
		t.Fatal(err)
	}
	if page := p.read(p.press("soap"), nil); !strings.Contains(page, "but not all of its own") {
		t.Errorf("the provider says %s", page)
	}
	if !names(asked, got.Session) {
		t.Errorf("%v does not name the session %v", asked.Keys, got.Session.Keys)
	}
	if err := p.played.SetFault("logout-unsigned"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Fatal(err)
	}
	if page := p.read(p.press("soap"), nil); !strings.Contains(page, "did not say") {
		t.Errorf("an unsigned question was answered: %s", page)
	}
}

func (h *handmade) logoutRequest() message.LogoutRequest {
	return message.LogoutRequest{
		Header: message.Header{ID: "_q", IssueInstant: h.clock.Now(), Destination: logoutURL, Issuer: idp},
		NameID: somebody(), SessionIndexes: []string{"_index"}, NotOnOrAfter: h.clock.Now().Add(5 * time.Minute),
	}
}

// session is that of a sign-in of somebody.
func (h *handmade) session() *connectors.ProviderSession {
	h.t.Helper()
	a := h.attempt()
	got, err := h.finish(a, h.statement(a))
	if err != nil {
		h.t.Fatal(err)
	}
	return got.Session
}

func TestLogoutQuestions(t *testing.T) {
	for name, test := range map[string]struct {
		bend  func(m *message.LogoutRequest)
		by    xmlsig.Credential // signs; the zero Credential signs nothing
		names bool              // the session
		fails bool
	}{
		"of the session":             {nil, idpCredential(), true, false},
		"of all sessions":            {func(m *message.LogoutRequest) { m.SessionIndexes = nil }, idpCredential(), true, false},
		"of several sessions":        {func(m *message.LogoutRequest) { m.SessionIndexes = []string{"_x", "_index"} }, idpCredential(), true, false},
		"of another session":         {func(m *message.LogoutRequest) { m.SessionIndexes = []string{"_x"} }, idpCredential(), false, false},
		"of another person":          {func(m *message.LogoutRequest) { m.NameID.Value = "24400321" }, idpCredential(), false, false},
		"without qualifiers":         {func(m *message.LogoutRequest) { m.NameID.NameQualifier, m.NameID.SPNameQualifier = "", "" }, idpCredential(), true, false},
		"with other qualifiers":      {func(m *message.LogoutRequest) { m.NameID.NameQualifier = "urn:home" }, idpCredential(), false, false},
		"with another format":        {func(m *message.LogoutRequest) { m.NameID.Format = message.Email }, idpCredential(), false, false},
		"unsigned":                   {nil, xmlsig.Credential{}, false, true},
		"signed by another":          {nil, stranger(), false, true},
		"of another issuer":          {func(m *message.LogoutRequest) { m.Issuer = "https://other.example.org" }, idpCredential(), false, true},
		"for no address":             {func(m *message.LogoutRequest) { m.Destination = "" }, idpCredential(), false, true},
		"for another address":        {func(m *message.LogoutRequest) { m.Destination = callbackURL }, idpCredential(), false, true},
		"for the address of SOAP":    {func(m *message.LogoutRequest) { m.Destination = logoutURL + "/soap" }, idpCredential(), false, true},
		"too late":                   {func(m *message.LogoutRequest) { m.NotOnOrAfter = m.IssueInstant.Add(-2 * time.Minute) }, idpCredential(), false, true},
		"issued long ago":            {func(m *message.LogoutRequest) { m.IssueInstant = m.IssueInstant.Add(-time.Hour) }, idpCredential(), false, true},
		"issued ahead of its time":   {func(m *message.LogoutRequest) { m.IssueInstant = m.IssueInstant.Add(time.Hour) }, idpCredential(), false, true},
		"without anybody to log out": {func(m *message.LogoutRequest) { m.NameID = message.NameID{} }, idpCredential(), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			m := h.logoutRequest()
			if test.bend != nil {
				test.bend(&m)
			}
			question, err := h.logouter().ReadLogout(t.Context(), h.carried(m.Element(), binding.Request, test.by))
			switch {
			case test.fails:
				wantOutcome(t, nil, err, connectors.Refused)
			case err != nil:
				t.Error(err)
			case question.RelayState != "their state" || question.ID != "_q":
				t.Errorf("question is %+v", question)
			case names(question, h.session()) != test.names:
				t.Errorf("names the session: %t", !test.names)
			}
		})
	}
}

// carried is a message that the provider sends by redirect.
func (h *handmade) carried(e *etree.Element, parameter string, by xmlsig.Credential) *http.Request {
	h.t.Helper()
	address, err := binding.RedirectURL(logoutURL, parameter, e, "their state", by, xmlsig.RSASHA256)
	if err != nil {
		h.t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, address, nil)
}

// The Asynchronous Single Logout extension: whoever sends it waits for nothing.
func TestLogoutQuestionThatWantsNoAnswer(t *testing.T) {
	for _, silent := range []bool{true, false} {
		h := newHandmade(t)
		m := h.logoutRequest()
		m.Asynchronous = silent
		question, err := h.logouter().ReadLogout(t.Context(), h.carried(m.Element(), binding.Request, idpCredential()))
		if err != nil || question.Silent != silent {
			t.Errorf("question is %+v, %v; want Silent %t", question, err, silent)
		}
	}
}

// A question is as good a second time, until it is too old on any node.
func TestLogoutQuestionOnce(t *testing.T) {
	h := newHandmade(t)
	m := h.logoutRequest()
	question, err := h.logouter().ReadLogout(t.Context(), h.carried(m.Element(), binding.Request, idpCredential()))
	want := connectors.Once{ID: "_q", Until: m.IssueInstant.Add(7 * time.Minute)}
	if err != nil || question.Once.ID != want.ID || !question.Once.Until.Equal(want.Until) {
		t.Errorf("once is %+v, %v; want %+v", question.Once, err, want)
	}
}

func TestLogoutQuestionsByOtherBindings(t *testing.T) {
	h := newHandmade(t)
	m := h.logoutRequest()
	byPOST := posted(logoutURL, binding.Form(binding.Request, h.sign(m.Element(), idpCredential()), "their state"))
	question, err := h.logouter().ReadLogout(t.Context(), byPOST)
	if err != nil || !names(question, h.session()) || question.RelayState != "their state" {
		t.Errorf("by POST: %+v, %v", question, err)
	}
	for to, ok := range map[string]bool{logoutURL + "/soap": true, "": true, logoutURL: false} {
		m.Destination = to
		envelope, err := binding.Envelope(h.sign(m.Element(), idpCredential()))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, logoutURL+"/soap", strings.NewReader(string(envelope)))
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		question, err = h.logouter().ReadLogout(t.Context(), r)
		if ok && (err != nil || !names(question, h.session())) {
			t.Errorf("by SOAP to %s: %+v, %v", to, question, err)
		} else if !ok {
			wantOutcome(t, nil, err, connectors.Refused)
		}
	}
}

func TestLogoutAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		bend func(m *message.LogoutResponse)
		by   xmlsig.Credential
		want connectors.LogoutMessage // zero for a refusal
	}{
		"success": {nil, idpCredential(), connectors.LogoutMessage{Answers: "1", OK: true}},
		"partial": {func(m *message.LogoutResponse) { m.Status.Second = message.PartialLogout }, idpCredential(), connectors.LogoutMessage{Answers: "1", OK: true}},
		"failure": {func(m *message.LogoutResponse) { m.Status.Code = message.Responder }, idpCredential(), connectors.LogoutMessage{Answers: "1"}},

		"to nothing of ours":   {func(m *message.LogoutResponse) { m.InResponseTo = "1" }, idpCredential(), connectors.LogoutMessage{}},
		"to nothing":           {func(m *message.LogoutResponse) { m.InResponseTo = "" }, idpCredential(), connectors.LogoutMessage{}},
		"unsigned, to us":      {nil, xmlsig.Credential{}, connectors.LogoutMessage{Answers: "1"}},
		"unsigned, to another": {func(m *message.LogoutResponse) { m.Destination = callbackURL }, xmlsig.Credential{}, connectors.LogoutMessage{}},
		"signed by another":    {nil, stranger(), connectors.LogoutMessage{}},
		"of another issuer":    {func(m *message.LogoutResponse) { m.Issuer = spEntityID }, idpCredential(), connectors.LogoutMessage{}},
		"for another":          {func(m *message.LogoutResponse) { m.Destination = callbackURL }, idpCredential(), connectors.LogoutMessage{}},
		"issued long ago":      {func(m *message.LogoutResponse) { m.IssueInstant = m.IssueInstant.Add(-time.Hour) }, idpCredential(), connectors.LogoutMessage{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			m := message.LogoutResponse{
				Header: message.Header{ID: "_a", InResponseTo: "id-1", IssueInstant: h.clock.Now(), Destination: logoutURL, Issuer: idp},
				Status: message.Status{Code: message.Success},
			}
			if test.bend != nil {
				test.bend(&m)
			}
			got, err := h.logouter().ReadLogout(t.Context(), h.carried(m.Element(), binding.Response, test.by))
			if test.want.Answers == "" {
				wantOutcome(t, nil, err, connectors.Refused)
			} else if err != nil || got.Answers != test.want.Answers || got.OK != test.want.OK {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// What is kept of a session is the NameID verbatim, by whatever binding the
// provider takes it.
func TestLogoutRequest(t *testing.T) {
	at := func(by string) metadata.Endpoint {
		return metadata.Endpoint{Binding: by, Location: idp + "/slo", ResponseLocation: idp + "/slo/answers"}
	}
	for name, test := range map[string]struct {
		endpoints []metadata.Endpoint
		form      bool
		none      bool
	}{
		"redirect":           {[]metadata.Endpoint{at(binding.SOAP), at(binding.POST), at(binding.Redirect)}, false, false},
		"POST":               {[]metadata.Endpoint{at(binding.SOAP), at(binding.POST)}, true, false},
		"SOAP alone":         {[]metadata.Endpoint{at(binding.SOAP)}, false, true},
		"no logout whatever": {nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t, test.endpoints...)
			to, err := h.logouter().Logout(t.Context(), *h.session(), "1")
			if err != nil {
				t.Fatal(err)
			}
			if test.none {
				if to.URL != "" || to.Form != nil {
					t.Errorf("sent to %v", to)
				}
				return
			}
			m := h.readByProvider(to)
			q, err := message.ParseLogoutRequest(m, nil, xmlenc.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			if q.ID != "id-1" || q.NameID != somebody() || !slices.Equal(q.SessionIndexes, []string{"_index"}) || q.Destination != idp+"/slo" {
				t.Errorf("request is %+v", q)
			}
			answer, err := h.logouter().AnswerLogout(t.Context(), connectors.LogoutMessage{ID: "_q", RelayState: "their state"}, true)
			if err != nil {
				t.Fatal(err)
			}
			r, err := message.ParseLogoutResponse(h.readByProvider(answer))
			if err != nil || r.InResponseTo != "_q" || r.Destination != idp+"/slo/answers" || r.Status.Code != message.Success {
				t.Errorf("answer is %+v, %v", r, err)
			}
		})
	}
}

func TestLogoutSettings(t *testing.T) {
	no := false
	h := newHandmade(t, metadata.Endpoint{Binding: binding.Redirect, Location: idp + "/slo"})
	session := h.session()
	h.cfg.SAML.Logout.Send = &no
	if to, err := h.logouter().Logout(t.Context(), *session, "1"); err != nil || to.URL != "" {
		t.Errorf("send is off, and sent to %v, %v", to, err)
	}
	h.cfg.SAML.Logout.Accept = &no
	_, err := h.logouter().ReadLogout(t.Context(), h.carried(h.logoutRequest().Element(), binding.Request, idpCredential()))
	wantOutcome(t, nil, err, connectors.NotAllowed)
	if s := h.session(); s != nil {
		t.Errorf("nobody ends it, and the session is kept: %v", s)
	}
}

// A session that another connector of this id opened before is no reason to
// fail with its words.
func TestLogoutOfAForeignSession(t *testing.T) {
	h := newHandmade(t, metadata.Endpoint{Binding: binding.Redirect, Location: idp + "/slo"})
	for _, detail := range []string{`{"name_id": 1}`, `{`, ``} {
		if _, err := h.logouter().Logout(context.Background(), connectors.ProviderSession{Detail: json.RawMessage(detail)}, "1"); err == nil {
			t.Errorf("%q was sent", detail)
		}
	}
}

// What is called an answer may be unsigned, so a question must not be called one.
func TestLogoutQuestionCalledAnAnswer(t *testing.T) {
	h := newHandmade(t)
	m := message.LogoutRequest{
		Header: message.Header{ID: "_q", InResponseTo: "id-1", IssueInstant: h.clock.Now(), Destination: logoutURL, Issuer: idp},
		NameID: somebody(),
	}
	got, err := h.logouter().ReadLogout(t.Context(), h.carried(m.Element(), binding.Response, xmlsig.Credential{}))
	if got.Keys != nil {
		t.Errorf("it names sessions: %+v", got)
	}
	wantOutcome(t, nil, err, connectors.Refused)
}
