package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/connectors"
)

// Receiver makes a logouter one that tells of accounts, too: works everywhere,
// the others nowhere.
func (p logouter) Receiver(at connectors.Inbox) connectors.Receiver {
	if p.id != "works" {
		return nil
	}
	return mailbox(p)
}

// mailbox takes events that are plain parameters.
type mailbox struct{ *provider }

func (m mailbox) Receive(_ context.Context, r *http.Request) (connectors.Notice, error) {
	if r.FormValue("signed") == "" {
		return connectors.Notice{}, &connectors.Failure{Outcome: connectors.Refused, Err: errors.New("not signed")}
	}
	n := connectors.Notice{Code: r.FormValue("code"), Once: connectors.Once{ID: r.FormValue("once"), Until: time.Now().Add(time.Hour)}}
	for _, person := range r.Form["person"] {
		at, _ := strconv.ParseInt(r.FormValue("at"), 10, 64)
		n.Events = append(n.Events, connectors.Event{
			Action: connectors.Action(r.FormValue("action")), Type: r.FormValue("word"),
			Issuer: "https://works.example", Subject: person, Keys: []string{person}, At: time.Unix(at, 0),
		})
	}
	return n, nil
}

func (m mailbox) Acknowledge(n connectors.Notice, status string) connectors.Reply {
	return connectors.Reply{Status: http.StatusAccepted, MediaType: "text/plain", Body: []byte(n.Code + " " + status)}
}

func (m mailbox) Refuse(err error) connectors.Reply {
	return connectors.Reply{Status: http.StatusBadRequest, MediaType: "text/plain", Body: []byte("no")}
}

// listening is a bed whose nodes count what they hear.
func listening(t *testing.T) *bed {
	b := newBed(t)
	for _, f := range b.flows {
		f.Issuer, f.ObserveEvent = "https://login.example", b.front.observe
	}
	return b
}

// tell posts an event about alice to a node. action and word may be followed by
// further parameters, name and value.
func (b *bed) tell(node int, once, action, word string, more ...string) page {
	b.t.Helper()
	form := url.Values{"signed": {"1"}, "once": {once}, "action": {action}, "word": {word}, "person": {"alice"}}
	for i := 0; i < len(more); i += 2 {
		form[more[i]] = []string{more[i+1]}
	}
	sender := b.browser()
	sender.node = node
	return sender.post("/events/works", form)
}

func TestProviderTellsThatSessionsAreOver(t *testing.T) {
	b := listening(t)
	b.front.tell("tax", way{tell: obeys})
	alice, bob := b.session("tax"), b.browser()
	bob.signIn("tax", b.works, "bob")
	got := b.tell(1, "e1", "end_sessions", "sessions-revoked")
	got.mustShow(t, http.StatusAccepted)
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be kept")
	}
	if alice.signedIn() || !bob.signedIn() || b.front.count("tax ended") != 1 || b.front.count("works end_sessions") != 1 {
		t.Errorf("alice signed in %v, bob %v, tax told %d times", alice.signedIn(), bob.signedIn(), b.front.count("tax ended"))
	}
}

// A message is acted on once, on any node, and acknowledged however often it
// comes.
func TestProviderTellsTwice(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	first := b.tell(0, "e1", "end_sessions", "sessions-revoked", "code", "A")
	one.signIn("tax", b.works, "alice")
	second := b.tell(1, "e1", "end_sessions", "sessions-revoked", "code", "B")
	if first.body != second.body || second.status != http.StatusAccepted {
		t.Errorf("the answers are %q and %d %q", first.body, second.status, second.body)
	}
	if !one.signedIn() || b.front.count("works repeated") != 1 {
		t.Error("signed out by a message that was acted on before")
	}
	b.tell(1, "e2", "end_sessions", "sessions-revoked")
	if one.signedIn() {
		t.Error("still signed in after another message")
	}
}

func TestProviderTellsTenTimesAtOnce(t *testing.T) {
	b := listening(t)
	b.front.tell("tax", way{tell: obeys})
	b.session("tax")
	var g sync.WaitGroup
	for i := range 10 {
		g.Go(func() {
			if got := b.tell(i%2, "e1", "end_sessions", "sessions-revoked"); got.status != http.StatusAccepted {
				t.Errorf("status %d", got.status)
			}
		})
	}
	g.Wait()
	if n := b.front.count("tax ended"); n != 1 {
		t.Errorf("tax was told %d times", n)
	}
}

func TestProviderTellsNothingForged(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	got := b.browser().post("/events/works", url.Values{"once": {"e1"}, "action": {"end_sessions"}, "person": {"alice"}})
	got.mustShow(t, http.StatusBadRequest, "no")
	if !one.signedIn() || b.front.count("works refused") != 1 {
		t.Error("signed out, or the message was not counted")
	}
}

func TestInboxesThatAreNone(t *testing.T) {
	b := listening(t)
	for _, path := range []string{"/events/other", "/events/plain", "/events/nobody", "/events/other/deletion", "/logout/other/backchannel"} {
		b.browser().post(path, url.Values{"signed": {"1"}}).mustShow(t, http.StatusNotFound)
	}
	for _, path := range []string{"/events/works", "/events/works/deletion", "/logout/works/backchannel"} {
		b.browser().post(path, url.Values{"signed": {"1"}, "once": {path}}).mustShow(t, http.StatusAccepted)
	}
}

// choose is the choice page that the browser is shown.
func (b *browser) choose() page {
	b.t.Helper()
	got := b.get("/ask/tax")
	if !strings.HasPrefix(got.to, "/choose") {
		b.t.Fatalf("the login leads to %d %q", got.status, got.to)
	}
	return b.get(got.to)
}

// Whoever was signed out reads once why, in the browser that they used.
func TestResidentReadsWhy(t *testing.T) {
	for name, test := range map[string]struct{ action, word, title string }{
		"hijacked":       {"freeze", "account-disabled/hijacking", "We signed you out to keep you safe"},
		"disabled":       {"freeze", "account-disabled", "because Work account has switched off your account there"},
		"credential":     {"end_sessions", "account-credential-change-required", "Work account told us that your password"},
		"forgotten":      {"unlink", "consent-revoked", "We have deleted what it had told us about you"},
		"not forgotten":  {"end_sessions", "account-purged", "because Work account told us to"},
		"something else": {"end_sessions", "sessions-revoked", "because Work account told us to"},
	} {
		t.Run(name, func(t *testing.T) {
			b := listening(t)
			one, two := b.session("tax"), b.browser()
			b.tell(0, "e1", test.action, test.word)
			two.choose().mustShow(t, http.StatusOK)
			one.node = 1
			one.choose().mustShow(t, http.StatusOK, test.title)
			if again := one.choose(); strings.Contains(again.body, test.title) {
				t.Error("and reads it again")
			}
		})
	}
}

// A link that is frozen does not lead in; the page says what the provider told
// and offers the other ways. Thawed, it leads in again.
func TestFrozenLink(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	at := b.now().Unix()
	b.tell(0, "e1", "freeze", "account-disabled/hijacking", "at", strconv.FormatInt(at, 10))
	if one.signedIn() {
		t.Fatal("still signed in")
	}
	two := b.browser()
	got := two.get(two.postFromElsewhere("/callback/works", two.ask("tax", b.works, "alice")).to)
	if !strings.HasPrefix(got.to, "/choose") || two.signedIn() {
		t.Fatalf("the sign-in leads to %d %q: %s", got.status, got.to, got.body)
	}
	two.get(got.to).mustShow(t, http.StatusOK, "You cannot sign in with Work account for now", "somebody else may have used your account", `id="idp-other"`)
	b.tell(1, "e2", "thaw", "account-enabled", "at", strconv.FormatInt(at+1, 10))
	two.signIn("tax", b.works, "alice")
}

// A message that was overtaken by a later one changes nothing.
func TestOvertakenEvent(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	b.tell(0, "e2", "thaw", "account-enabled", "at", "2000000000")
	b.tell(1, "e1", "freeze", "account-disabled", "at", "1999999999")
	if !one.signedIn() || b.front.count("works overtaken") != 1 {
		t.Error("frozen by what happened before it was thawed")
	}
	one.signIn("tax", b.works, "alice")
}

// An address that mail does not reach is kept with the link, and ends nothing.
// What is told of it overtakes nothing that is told of the account.
func TestUndeliverable(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	b.tell(0, "e1", "undeliverable", "email-disabled", "at", "2000000000")
	b.tell(1, "e2", "deliverable", "email-enabled", "at", "1999999999")
	if !one.signedIn() || b.front.count("works undeliverable") != 1 || b.front.count("works overtaken") != 1 {
		t.Errorf("kept %d, overtaken %d", b.front.count("works undeliverable"), b.front.count("works overtaken"))
	}
	b.tell(1, "e3", "deliverable", "email-enabled", "at", "2000000001")
	b.tell(0, "e4", "unlink", "account-delete", "at", "1999999998")
	if one.signedIn() || b.front.count("works deliverable") != 1 || b.front.count("works unlink") != 1 {
		t.Errorf("reached again %d, unlinked %d", b.front.count("works deliverable"), b.front.count("works unlink"))
	}
}

// What is told of people whom nobody knows is acknowledged, and says nothing.
func TestEventOfAStranger(t *testing.T) {
	b := listening(t)
	for i, action := range []string{"end_sessions", "freeze", "thaw", "unlink", "none", "undeliverable", "deliverable"} {
		once := strconv.Itoa(i)
		known, unknown := b.tell(0, once+"k", action, "word"), b.tell(0, once+"u", action, "word", "person", "nobody")
		if known.status != unknown.status || known.body != unknown.body {
			t.Errorf("%s: %d %q of a resident, %d %q of nobody", action, known.status, known.body, unknown.status, unknown.body)
		}
	}
	if b.front.count("works unknown") != 10 {
		t.Errorf("counted %d", b.front.count("works unknown"))
	}
}

// Where acting fails, the sender hears so, and its next try finds nothing done.
func TestActingFails(t *testing.T) {
	b := listening(t)
	one := b.session("tax")
	broken, err := db.Open(t.Context(), db.Options{SQLite: filepath.Join(t.TempDir(), "broken.db")})
	b.must(err)
	b.must(broken.Close())
	whole := b.flows[0].Accounts
	b.flows[0].Accounts = accounts.Open(broken, b.now, b.cap)
	if got := b.tell(0, "e1", "freeze", "account-disabled"); got.status < http.StatusInternalServerError {
		t.Fatalf("acknowledged with %d", got.status)
	}
	b.flows[0].Accounts = whole
	if !one.signedIn() {
		t.Fatal("signed out before the link was frozen")
	}
	b.tell(0, "e1", "freeze", "account-disabled").mustShow(t, http.StatusAccepted)
	if one.signedIn() || b.front.count("works freeze") != 1 {
		t.Error("the second try did nothing")
	}
}

// Whoever asks a provider to have their data deleted can read what became of it.
func TestDeletionStatus(t *testing.T) {
	b := listening(t)
	b.session("tax")
	got := b.tell(0, "e1", "unlink", "deletion", "code", "CODE1")
	if got.body != "CODE1 https://login.example/deletion-status/CODE1" {
		t.Fatalf("answered %q", got.body)
	}
	b.tell(0, "e2", "unlink", "deletion", "code", "CODE2", "person", "nobody")
	reader := b.browser()
	reader.node = 1
	reader.get("/deletion-status/CODE1").mustShow(t, http.StatusOK, "Your data has been deleted", "everything that Work account told us about you", strconv.Itoa(b.now().Year()))
	reader.get("/deletion-status/CODE2").mustShow(t, http.StatusOK, "there was nothing to delete")
	reader.get("/deletion-status/CODE3").mustShow(t, http.StatusNotFound, "We do not know this request")
	b.tell(1, "e1", "unlink", "deletion", "code", "CODE4").mustShow(t, http.StatusAccepted, "/deletion-status/CODE1")
	b.session("waste") // who signs in again is known again
}

// A flood is turned away before anything is looked at.
func TestEventsAreLimited(t *testing.T) {
	b := listening(t)
	b.flows[0].Limit.PerMinute = 1
	last := 0
	for range 12 {
		last = b.tell(0, "e1", "none", "word").status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last of twelve is answered %d", last)
	}
}

// What apps hold by a way in that is kept out ends with it, for now.
func TestSuspendedWayIn(t *testing.T) {
	for _, action := range []string{"freeze", "unlink"} {
		b := listening(t)
		b.session("tax")
		s := b.front.issued()
		b.tell(0, "e1", action, "account-disabled")
		want := []login.Withdrawal{{Account: s.Account.ID, Link: s.Link, ForNow: true}}
		if diff := cmp.Diff(want, b.front.withdrawn); diff != "" {
			t.Errorf("%s (-want +got):\n%s", action, diff)
		}
	}
}

// Nobody acts for somebody who is kept out, nor goes on to, if they have no other way.
func TestSuspendedPrincipal(t *testing.T) {
	for _, other := range []bool{false, true} {
		b := listening(t)
		b.front.tell("care", way{tell: obeys})
		for _, flow := range b.flows {
			care := app("care")
			care.Delegates, flow.Delegation = true, 365*24*time.Hour
			flow.Apps["care"] = care
		}
		b.session("tax")
		alice := b.front.issued()
		if other {
			in := accounts.SignIn{Connector: "plain", Issuer: "https://plain.example", Subject: "alice", At: b.now()}
			_, _, err := b.flows[0].Accounts.Join(t.Context(), alice.Account.ID, alice.Link, in, alice.Level)
			b.must(err)
		}
		carer := b.browser()
		carer.signIn("tax", b.works, "carer")
		code, d, err := b.flows[0].Invite(t.Context(), alice.Account.ID, alice.Link, []string{"care"}, b.now().Add(time.Hour), "")
		b.must(err)
		_, err = b.flows[0].Accounts.Accept(t.Context(), b.front.issued().Account.ID, b.front.issued().Link, code)
		b.must(err)
		page := carer.get(carer.get("/ask/care").to)
		form := url.Values{"request": {found(t, page.body, `name="request" value="`)}, "answer": {d.ID}}
		carer.post("/acting", form).mustLead(t, "https://care.example/in?person=alice")

		b.tell(1, "e1", "freeze", "account-disabled")
		ended := slices.Contains(b.front.ends(), "care") && slices.Contains(b.front.toldApps(), "care") &&
			slices.Contains(b.front.withdrawn, login.Withdrawal{Delegation: d.ID, App: "care", ForNow: true})
		if ended == other || !carer.signedIn() {
			t.Errorf("another way %v, ended %v, the carer signed in %v", other, ended, carer.signedIn())
		}
	}
}
