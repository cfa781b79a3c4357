package idp

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
)

// logout is what an app says through the browser of a sign-out: a request to
// end the session, or its response to a request of ours.
type logout struct {
	App     string         `json:"app"`
	Signed  bool           `json:"signed,omitempty"`
	Request *logoutRequest `json:"request,omitempty"` // nil for a response
	Answers string         `json:"answers,omitempty"` // of a response: the flow's id of the question
	Done    bool           `json:"done,omitempty"`    // of a response: the app ended its session
}

// logoutRequest names the session to end (Core §3.7.1) and how to answer.
type logoutRequest struct {
	NameID  message.NameID `json:"nameid"`
	Indexes []string       `json:"indexes,omitempty"` // none: all sessions of the name
	Reply   farewell       `json:"reply"`
}

// farewell is how the app that started a sign-out wants to be answered
// (login.Leaving.Reply).
type farewell struct {
	ID         string `json:"id"`
	RelayState []byte `json:"relay_state,omitempty"`
	Silent     bool   `json:"silent,omitempty"` // it wants no answer (aslo:Asynchronous)
}

// keptLogouts are messages that were posted, until the browser comes back with
// its cookies.
var keptLogouts = store.Table[logout]{Name: "saml_logout"}

// handleSLO is the single logout service, by Redirect and by POST.
func (s *Server) handleSLO(w http.ResponseWriter, r *http.Request) error {
	if isKept(r) {
		return resume(s, w, r, keptLogouts, s.carryOut)
	}
	in, err := s.receive(r, received.mustSignLogout)
	if err != nil {
		return err
	}
	l, id, err := s.readLogout(in, sloPath)
	if err != nil {
		return err
	}
	return goOn(s, w, r, in, id, keptLogouts, l, s.carryOut)
}

// mustSignLogout reports whether a logout message is only read with a signature.
// The answers of SimpleSAMLphp have none unless it is told otherwise.
func (in received) mustSignLogout() bool { return in.party.mustSignLogout() && !in.answers() }

// answers reports whether the message is an answer to one of ours.
func (in received) answers() bool { return in.Message.Element.Is(message.Protocol, "LogoutResponse") }

// readLogout reads a logout message and its ID.
func (s *Server) readLogout(in received, path string) (logout, string, error) {
	l := logout{App: in.ID, Signed: in.signed}
	if in.answers() {
		m, err := message.ParseLogoutResponse(in.element)
		if err != nil {
			return l, "", in.wrong("%w", err)
		}
		// An answer that anybody may have written ends the wait, and shows nothing.
		shown := in.signed || !in.party.mustSignLogout()
		l.Answers, l.Done = questionID(m.InResponseTo), shown && m.Status.Code == message.Success
		return l, m.ID, s.check(in, m.Header, path, time.Time{})
	}
	var keys []crypto.Decrypter
	if in.signed {
		// Nothing is opened for a stranger, who could learn from what becomes of
		// one ciphertext after the other.
		keys = s.decrypters()
	}
	m, err := message.ParseLogoutRequest(in.element, keys, xmlenc.Policy{})
	if err != nil {
		return l, "", in.wrong("%w", err)
	}
	if utf8.RuneCountInString(m.NameID.Value) > maxText || slices.ContainsFunc(m.SessionIndexes, tooLong) {
		return l, "", in.wrong("what names the session is longer than any name that was given")
	}
	l.Request = &logoutRequest{m.NameID, m.SessionIndexes, farewell{m.ID, []byte(in.RelayState), m.Asynchronous}}
	return l, m.ID, s.check(in, m.Header, path, m.NotOnOrAfter)
}

// decrypters are the keys that a name identifier may be encrypted to.
func (s *Server) decrypters() []crypto.Decrypter {
	var all []crypto.Decrypter
	for _, c := range s.Credentials() {
		if d, ok := c.Signer.(crypto.Decrypter); ok {
			all = append(all, d)
		}
	}
	return all
}

// carryOut does what an app said in this browser.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, l logout) error {
	if l.Request == nil {
		return s.Flow.Answered(w, r, login.Party{Protocol: Protocol, App: l.App}, l.Answers, l.Done)
	}
	a, ok := s.ids[l.App]
	if !ok {
		return page(web.AppUnknown, "the app is not registered any more")
	}
	return s.leave(w, r, a, l)
}

// leave ends the browser's session, if it is one of those that the app means;
// their other browsers' go on.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, a *app, l logout) error {
	current, err := s.Flow.Current(r)
	if err != nil {
		return err
	}
	meant, err := s.find(r.Context(), a, *l.Request)
	if err != nil {
		return err
	}
	leaving, err := l.leaving()
	if err != nil {
		return err
	}
	if len(meant) == 0 || current != nil && !holds(meant, a.sessionIndex(*current)) {
		// Nothing is ended on the word of an app that means somebody else.
		return s.answerLogout(w, r, a, l.Request.Reply, unknownPrincipal)
	}
	if current == nil && l.Signed {
		// The browser has lost its session, which may go on at the broker.
		receipt, err := s.endAll(r.Context(), meant, leaving)
		if err != nil {
			return err
		}
		if len(receipt.Ended) > 0 {
			return s.Left(w, r, leaving, receipt)
		}
	}
	return s.Flow.Leave(w, r, leaving)
}

// leaving says to the flow who wants to end a session.
func (l logout) leaving() (login.Leaving, error) {
	reply, err := json.Marshal(l.Request.Reply)
	if err != nil {
		return login.Leaving{}, fmt.Errorf("keep the reply: %w", err)
	}
	return login.Leaving{Protocol: Protocol, App: l.App, Reply: reply, Certain: l.Signed, Unproven: !l.Signed}, nil
}

// endAll ends sessions without their browsers.
func (s *Server) endAll(ctx context.Context, meant []named, leaving login.Leaving) (login.Receipt, error) {
	var all login.Receipt
	for _, n := range meant {
		receipt, err := s.Flow.EndSession(ctx, n.SID, leaving)
		if err != nil {
			return all, err
		}
		all.Ended = append(all.Ended, receipt.Ended...)
		all.Failed = append(all.Failed, receipt.Failed...)
		all.Unable = append(all.Unable, receipt.Unable...)
	}
	return all, nil
}

// How sign-outs end (Core §3.7.3.2).
var (
	loggedOut        = message.Status{Code: message.Success}
	partlyLoggedOut  = message.Status{Code: message.Success, Second: message.PartialLogout}
	unknownPrincipal = message.Status{Code: message.Requester, Second: message.UnknownPrincipal}
)

func ended(done login.Receipt) message.Status {
	if done.Whole() {
		return loggedOut
	}
	return partlyLoggedOut
}

// Left implements [login.FrontEnd].
func (s *Server) Left(w http.ResponseWriter, r *http.Request, l login.Leaving, done login.Receipt) error {
	var f farewell
	if err := json.Unmarshal(l.Reply, &f); err != nil {
		return fmt.Errorf("read the kept reply: %w", err)
	}
	a, ok := s.ids[l.App]
	if !ok {
		return page(web.AppUnknown, "the app is not registered any more")
	}
	return s.answerLogout(w, r, a, f, ended(done))
}

// answerLogout answers an app through the browser, or shows the resident a page
// where the app wants no answer or has no address for it.
func (s *Server) answerLogout(w http.ResponseWriter, r *http.Request, a *app, f farewell, status message.Status) error {
	p, err := a.now(r.Context())
	if err != nil {
		return err
	}
	web.Annotate(r, slog.String("answered", a.ID), answer(status))
	to := singleLogout(p.metadata, binding.Response, string(f.RelayState))
	if f.Silent || !to.known() {
		return s.Site.Page(w, r, http.StatusOK, "signed_out", web.SignedOut{App: a.Label.In(s.Site.Language(r)), Back: a.Home})
	}
	m := message.LogoutResponse{Header: s.header(to.location, f.ID), Status: status}
	redirect, err := to.carry(binding.Response, m.Element(), s.signer(), a.algorithm())
	if err != nil {
		return err
	}
	if redirect.Form != nil {
		return s.Site.Post(w, r, redirect.URL, redirect.Form)
	}
	http.Redirect(w, r, redirect.URL, http.StatusSeeOther)
	return nil
}
