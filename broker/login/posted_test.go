package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
)

const expired = "This sign-in has expired"

func TestPostedAnswer(t *testing.T) {
	b := newBed(t)
	b.browser().signIn("tax", b.works, "alice") // loads the limiter's script
	one := b.browser()
	before := b.trips.Load()
	form := one.ask("tax", b.works, "alice")
	got := one.postFromElsewhere("/callback/works", form)
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.to, "/callback/works?answer=") || strings.Contains(got.to, "alice") {
		t.Fatalf("the post leads to %d %q", got.status, got.to)
	}
	one.get(got.to).mustLead(t, "https://tax.example/in?person=alice")
	if n := b.trips.Load() - before; n != 5 {
		t.Errorf("the login took %d round trips, want 5", n)
	}
	if n := b.front.count("works success"); n != 2 {
		t.Errorf("%d successes counted, want 2", n)
	}
}

// OpenID's response mode form_post calls the same thing state.
func TestPostedState(t *testing.T) {
	one := newBed(t).browser()
	form := one.ask("tax", one.works, "alice")
	form.Set("state", form.Get("RelayState"))
	form.Del("RelayState")
	one.get(one.postFromElsewhere("/callback/works", form).to).mustLead(t, "https://tax.example/in?person=alice")
}

// An answer that came to one node is used at another.
func TestPostedAnswerAtAnotherNode(t *testing.T) {
	one := newBed(t).browser()
	form := one.ask("tax", one.works, "alice")
	to := one.postFromElsewhere("/callback/works", form).to
	one.node = 1
	one.get(to).mustLead(t, "https://tax.example/in?person=alice")
}

// Login CSRF: the attacker's own answer, in the resident's browser.
func TestPostedAnswerInAnotherBrowser(t *testing.T) {
	b := newBed(t)
	mallory, alice := b.browser(), b.browser()
	form := mallory.ask("tax", b.works, "mallory")
	alice.ask("tax", b.works, "alice")
	to := alice.postFromElsewhere("/callback/works", form).to
	alice.get(to).mustShow(t, http.StatusBadRequest, "This sign-in was started in another browser")
	if alice.signedIn() {
		t.Error("alice is signed in as mallory")
	}
}

// The attacker's checked answer does not pass for the answer to the resident's
// own attempt, though its state be known.
func TestPostedAnswerOfAnotherAttempt(t *testing.T) {
	b := newBed(t)
	mallory, alice := b.browser(), b.browser()
	theirs := mallory.postFromElsewhere("/callback/works", mallory.ask("tax", b.works, "mallory")).to
	state := alice.ask("tax", b.works, "alice").Get("RelayState")
	query := url.Values{"state": {state}, "answer": {query(theirs).Get("answer")}}
	got := alice.get("/callback/works?" + query.Encode())
	alice.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks")
	if alice.signedIn() {
		t.Error("alice is signed in as mallory")
	}
}

func query(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return u.Query()
}

func TestPostedAnswerAtAnotherConnector(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "alice")
	got := one.postFromElsewhere("/callback/other", form)
	if query(got.to).Has("answer") {
		t.Error("the other connector looked at the answer")
	}
	one.get(got.to).mustShow(t, http.StatusBadRequest, expired)
	if one.signedIn() {
		t.Error("signed in at the callback of another connector")
	}
}

// Of two uses of one answer, one counts: whichever attempt it is posted to, and
// on whichever node.
func TestAnswerIsUsedOnce(t *testing.T) {
	for _, how := range []string{"posted", "by GET"} {
		t.Run(how, func(t *testing.T) {
			b := newBed(t)
			one, two := b.browser(), b.browser()
			two.node = 1
			answer := func(who *browser) page {
				form := who.ask("tax", b.works, "alice")
				form.Set("once", "response-7")
				if how == "by GET" {
					return who.get("/callback/works?" + form.Encode())
				}
				return who.get(who.postFromElsewhere("/callback/works", form).to)
			}
			answer(one).mustLead(t, "https://tax.example/in?person=alice")
			two.get(answer(two).to).mustShow(t, http.StatusOK, "did not pass our safety checks")
			if two.signedIn() {
				t.Error("a replayed answer signs in")
			}
			if n := b.front.count("works refused"); n != 1 {
				t.Errorf("%d refusals counted", n)
			}
		})
	}
}

// The same answer's ID at another connector is another answer.
func TestOnceIsOfOneConnector(t *testing.T) {
	b := newBed(t)
	for _, p := range []*provider{b.works, b.other} {
		one := b.browser()
		form := one.ask("tax", p, "alice")
		form.Set("once", "response-7")
		one.get(one.postFromElsewhere("/callback/"+p.id, form).to).mustLead(t, "https://tax.example/in?person=alice")
	}
}

func TestOnePostWins(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "alice")
	form.Set("once", "response-7")
	var all sync.WaitGroup
	to := make([]string, 10)
	for i := range to {
		all.Go(func() { to[i] = one.postFromElsewhere("/callback/works", form).to })
	}
	all.Wait()
	in := 0
	for _, address := range to {
		if got := one.get(address); strings.HasPrefix(got.to, "https://tax.example/in") {
			in++
		}
	}
	if in > 1 {
		t.Errorf("%d of ten posts of one answer signed in", in)
	}
}

// The handle of a checked answer works once, and for two minutes.
func TestPostedHandle(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	to := one.postFromElsewhere("/callback/works", one.ask("tax", b.works, "alice")).to
	one.get(to).mustLead(t, "https://tax.example/in?person=alice")
	one.get(to).mustShow(t, http.StatusBadRequest, "You are already signed in")

	two := b.browser()
	to = two.postFromElsewhere("/callback/works", two.ask("tax", b.works, "alice")).to
	address, _ := url.Parse(to)
	gone := address.Query()
	gone.Set("answer", strings.Repeat("A", 26)+"."+strings.Repeat("A", 26))
	got := two.get("/callback/works?" + gone.Encode())
	two.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks")
	two.get(to).mustShow(t, http.StatusBadRequest, expired) // the attempt is over
}

func TestPostedFailure(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "")
	got := one.get(one.postFromElsewhere("/callback/works", form).to)
	one.get(got.to).mustShow(t, http.StatusOK, "You did not finish signing in", "Work account")
	if n := b.front.count("works cancelled"); n != 1 {
		t.Errorf("counted %d times", n)
	}
}

func TestPostedNonsense(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	for name, form := range map[string]url.Values{
		"nothing":            {},
		"a state made up":    {"state": {"abc"}},
		"an unknown attempt": {"state": {strings.Repeat("A", 26) + "." + strings.Repeat("A", 26)}},
		"SAML without state": {"SAMLResponse": {"PHg+"}},
	} {
		got := one.postFromElsewhere("/callback/other", form)
		if got.status == http.StatusSeeOther {
			got = one.get(got.to)
		}
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, expired) {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
	large := one.postFromElsewhere("/callback/works", url.Values{"SAMLResponse": {strings.Repeat("x", 1<<20)}})
	if large.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a post that is too large: %d", large.status)
	}
	if got := one.postFromElsewhere("/callback/nobody", url.Values{}); got.status != http.StatusBadRequest {
		t.Errorf("a connector that is not there: %d", got.status)
	}
}

// Whoever knows a state has one try, and a good answer comes too late after a
// bad one.
func TestRefusedAnswerSpendsTheAttempt(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "alice")
	wrong := url.Values{"RelayState": form["RelayState"], "nonce": {"guess"}, "person": {"mallory"}}
	asked := b.works.examined()
	for range 50 {
		one.postFromElsewhere("/callback/works", wrong)
	}
	to := one.postFromElsewhere("/callback/works", form).to
	if n := b.works.examined() - asked; n != 1 {
		t.Errorf("%d answers to one attempt were looked at", n)
	}
	got := one.get(to)
	one.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks") // the request goes on
	if one.signedIn() {
		t.Error("signed in")
	}
}

// People press twice: the browser drops the first answer and posts it again.
func TestAnswerPostedTwice(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "alice")
	form.Set("once", "response-7")
	one.postFromElsewhere("/callback/works", form)
	one.get(one.postFromElsewhere("/callback/works", form).to).mustLead(t, "https://tax.example/in?person=alice")

	form = one.ask("tax", b.works, "")
	one.postFromElsewhere("/callback/works", form)
	got := one.get(one.postFromElsewhere("/callback/works", form).to)
	one.get(got.to).mustShow(t, http.StatusOK, "You did not finish signing in")
}

// What a stranger's request brings is kept up to a bound.
func TestRequestsAreBounded(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	ask := func(r login.Request) connectors.Attempt {
		r.Protocol, r.App, r.Connector, r.Force = "test", "tax", "works", true
		b.front.mu.Lock()
		b.front.request = r
		b.front.mu.Unlock()
		if got := one.get("/ask"); got.status != http.StatusOK {
			t.Fatalf("status %d", got.status)
		}
		return b.works.attempt()
	}
	long, many := strings.Repeat("x", 257), slices.Repeat([]string{"en"}, 11)
	a := ask(login.Request{Reply: json.RawMessage(`{}`), LoginHint: long, Locales: append([]string{long, "\xff"}, many...)})
	if a.LoginHint != "" || slices.Contains(a.Locales, long) || len(a.Locales) != 11 { // the page's own language leads
		t.Errorf("kept: a hint of %d bytes, locales %q", len(a.LoginHint), a.Locales)
	}
	if a := ask(login.Request{Reply: json.RawMessage(`{}`), LoginHint: long[:256]}); len(a.LoginHint) != 256 {
		t.Errorf("a hint of 256 bytes became one of %d", len(a.LoginHint))
	}
	b.front.request = login.Request{Protocol: "test", App: "tax", Reply: json.RawMessage(`"` + strings.Repeat("x", 16<<10) + `"`)}
	one.get("/ask").mustShow(t, http.StatusBadRequest)
}

// Providers are counted by a measure of their own.
func TestSOAPIsCounted(t *testing.T) {
	b := newBed(t)
	b.flows[0].Limit = store.Limit{PerMinute: 1}
	one := b.browser()
	for i := range 11 {
		want := http.StatusOK
		if i == 10 {
			want = http.StatusTooManyRequests
		}
		if got := one.post("/logout/works/soap", nil); (got.status == http.StatusTooManyRequests) != (want == http.StatusTooManyRequests) {
			t.Errorf("call %d: %d", i, got.status)
		}
	}
}

// Posts are counted before anybody looks at them.
func TestPostedAnswersAreCounted(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := one.ask("tax", b.works, "alice")
	b.flows[0].Limit = store.Limit{PerMinute: 1}
	// The first that counts under this limit uses it up; the steps before, under
	// the other, may hold it back for some milliseconds.
	for one.post("/callback/works", url.Values{"state": form["RelayState"]}).status == http.StatusTooManyRequests {
	}
	before := b.works.examined()
	one.postFromElsewhere("/callback/works", form).mustShow(t, http.StatusTooManyRequests)
	if b.works.examined() != before {
		t.Error("an answer beyond the limit was looked at")
	}
}

// Signing in changes the cookie, whoever posted the answer.
func TestPostedAnswerFixesNoSession(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	one.signIn("tax", b.works, "alice")
	before := one.cookie("session")
	one.signIn("tax", b.works, "alice")
	after := one.cookie("session")
	if before == "" || before == after {
		t.Error("the session cookie stays")
	}
}

// What comes without having been asked for is counted before anybody looks at
// a signature.
func TestUnaskedIsCounted(t *testing.T) {
	for name, ask := range map[string]func(*browser) page{
		"answer": func(one *browser) page {
			return one.postFromElsewhere("/callback/works", url.Values{"person": {"alice"}})
		},
		"answer to nothing": func(one *browser) page {
			return one.postFromElsewhere("/callback/works", url.Values{"state": {strings.Repeat("A", 26) + "." + strings.Repeat("A", 26)}})
		},
		"logout message": func(one *browser) page { return one.get("/logout/works?signed=1&question=q7") },
		"posted logout":  func(one *browser) page { return one.postFromElsewhere("/logout/works", url.Values{"signed": {"1"}}) },
	} {
		b := newBed(t)
		b.flows[0].Limit = store.Limit{PerMinute: 1}
		one := b.browser()
		if got := ask(one); got.status != http.StatusSeeOther {
			t.Errorf("%s: %d", name, got.status)
		}
		if got := ask(one); got.status != http.StatusTooManyRequests {
			t.Errorf("%s again: %d", name, got.status)
		}
	}
}

func TestMetadata(t *testing.T) {
	one := newBed(t).browser()
	got := one.get("/connectors/works/metadata")
	if got.body != "<works/>" || got.header.Get("Content-Type") != "application/samlmetadata+xml" || got.header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	for _, path := range []string{"/connectors/plain/metadata", "/connectors/nobody/metadata"} {
		one.get(path).mustShow(t, http.StatusNotFound)
	}
}
