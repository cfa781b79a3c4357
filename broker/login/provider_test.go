package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors"
)

func TestProviderSignsOut(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo"})
	b.works.out = connectors.Redirect{URL: "https://works.example/slo"} // which started: nobody asks it
	one := b.session("tax")
	b.mustAsk(one.get("/logout/works?signed=1&question=q7&key=alice/1&RelayState=r"), "tax")
	if one.signedIn() {
		t.Error("still signed in")
	}
	one.get(answer("tax", b.front.question("tax"), true)).mustLead(t, "https://works.example/answered?to=q7&whole=yes&RelayState=r")
}

// The browser brings a posted message's handle with its cookie, once.
func TestProviderSignsOutByPost(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	got := one.postFromElsewhere("/logout/works", url.Values{"signed": {"1"}, "question": {"q7"}, "key": {"alice"}})
	if !one.signedIn() || !strings.HasPrefix(got.to, "/logout/works?message=") {
		t.Fatalf("the post leads to %d %q", got.status, got.to)
	}
	two := b.browser()
	two.get(strings.Replace(got.to, "works", "other", 1)).mustShow(t, http.StatusBadRequest)

	got = one.postFromElsewhere("/logout/works", url.Values{"signed": {"1"}, "question": {"q7"}, "key": {"alice"}})
	one.node = 1
	one.get(got.to).mustLead(t, "https://works.example/answered?to=q7&whole=no&RelayState=")
	if one.signedIn() {
		t.Error("still signed in")
	}
	one.get(got.to).mustShow(t, http.StatusBadRequest)
}

func TestProviderSignsOutAndAnAppFails(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: fails})
	one := b.session("tax")
	got := one.get("/logout/works?signed=1&question=q7&key=alice/1")
	got.mustShow(t, http.StatusOK, partly, "<li>App tax</li>", "Return to Work account")
	one.get(found(t, got.body, `id="back" href="`)).mustLead(t, "https://works.example/answered?to=q7&whole=no&RelayState=")
}

// A provider without an address for answers gets none, and the resident a page.
func TestMuteProvider(t *testing.T) {
	one := newBed(t).session("tax")
	one.get("/logout/works?signed=1&question=mute&key=alice/1").mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
}

// A message about somebody else leaves this browser's session alone, and ends
// theirs.
func TestProviderSignsOutAnother(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	alice, bob := b.session("tax"), b.browser()
	bob.signIn("tax", b.works, "bob")
	bob.get("/logout/works?signed=1&question=q7&key=alice").mustLead(t, "https://works.example/answered?to=q7&whole=yes&RelayState=")
	if alice.signedIn() || !bob.signedIn() {
		t.Errorf("alice signed in %v, bob %v", alice.signedIn(), bob.signedIn())
	}
}

// Two providers may call somebody the same.
func TestProviderOfAnotherSession(t *testing.T) {
	one := newBed(t).session("tax")
	one.get("/logout/other?signed=1&question=q7&key=alice").mustLead(t, "https://other.example/answered?to=q7&whole=yes&RelayState=")
	if !one.signedIn() {
		t.Error("signed out by the provider of another session")
	}
}

// A name without an index means all of its sessions: this browser's, and those
// elsewhere.
func TestProviderSignsOutEverywhere(t *testing.T) {
	b := newBed(t)
	here, elsewhere := b.session("tax"), b.session("waste")
	b.front.tell("tax", way{tell: obeys})
	b.front.tell("waste", way{tell: fails})
	got := here.get("/logout/works?signed=1&question=q7&key=alice")
	got.mustShow(t, http.StatusOK, partly, "<li>App waste</li>", "<li>App tax</li>")
	if here.signedIn() || elsewhere.signedIn() {
		t.Error("still signed in")
	}
}

func TestProviderSignsOutBySOAP(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	one := b.session("tax")
	soap := func(connector, message string) page {
		nobody := b.browser()
		nobody.node = 1
		return nobody.read(nobody.client.Post(b.nodes[1].URL+"/logout/"+connector+"/soap", "text/xml", strings.NewReader(message)))
	}
	// Another connector's provider has nothing to say about alice, nor has one
	// that names nobody.
	for connector, message := range map[string]string{
		"other": "signed=1&question=q7&key=alice", "works": "signed=1&question=q7&key=nobody",
	} {
		if got := soap(connector, message); got.status != http.StatusOK || got.body != "q7 whole=yes" {
			t.Errorf("%s: %d %s", connector, got.status, got.body)
		}
	}
	soap("works", "question=q7&key=alice").mustShow(t, http.StatusBadRequest) // unsigned
	soap("works", "signed=1&answers=q7").mustShow(t, http.StatusBadRequest)   // an answer
	soap("plain", "signed=1&question=q7&key=alice").mustShow(t, http.StatusNotFound)
	if !one.signedIn() {
		t.Fatal("signed out")
	}
	got := soap("works", "signed=1&question=q7&key=alice/1")
	if got.body != "q7 whole=yes" || got.header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if one.signedIn() || b.front.count("tax ended") != 1 {
		t.Error("still signed in, or the app was not told")
	}
	one = b.session("waste")
	if got := soap("works", "signed=1&question=q8&key=alice"); got.body != "q8 whole=no" || one.signedIn() {
		t.Errorf("an app that cannot be told: %s", got.body)
	}
}

func TestLogoutMessagesThatAreNone(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	for _, path := range []string{
		"/logout/works?question=q7&key=alice", // unsigned
		"/logout/works",
		"/logout/works?message=" + strings.Repeat("A", 26) + "." + strings.Repeat("A", 26),
	} {
		one.get(path).mustShow(t, http.StatusBadRequest)
	}
	one.postFromElsewhere("/logout/works", url.Values{"question": {"q7"}, "key": {"alice"}}).mustShow(t, http.StatusBadRequest)
	for _, path := range []string{"/logout/plain?signed=1", "/logout/nobody?signed=1"} {
		one.get(path).mustShow(t, http.StatusNotFound)
	}
	if !one.signedIn() {
		t.Error("signed out")
	}
}

// The broker's session is over when the provider says so, if not before.
func TestProviderBoundsTheSession(t *testing.T) {
	b := newBed(t)
	b.works.ends = b.now().Add(10 * time.Minute)
	one := b.session("tax")
	b.pass(9 * time.Minute)
	if !one.signedIn() {
		t.Error("the session is over too early")
	}
	b.pass(time.Minute)
	if one.signedIn() {
		t.Error("the session outlives the provider's")
	}
	got := one.get(one.postFromElsewhere("/callback/works", one.ask("tax", b.works, "alice")).to)
	one.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks")
}

// A provider that wants no answer gets none.
func TestSilentProvider(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: fails})
	one := b.session("tax")
	got := one.get("/logout/works?signed=1&silent&question=q7&key=alice/1")
	got.mustShow(t, http.StatusOK, partly, "<li>App tax</li>")
	if one.signedIn() || strings.Contains(got.body, `id="back"`) {
		t.Error("still signed in, or the page leads back")
	}
}

// A provider's question counts once, on any node and by any way.
func TestProviderAsksOnce(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	one.get("/logout/works?signed=1&question=q7&key=alice/1&once=q7").mustLead(t, "https://works.example/answered?to=q7&whole=no&RelayState=")
	one.signIn("tax", b.works, "alice")
	one.node = 1
	one.get("/logout/works?signed=1&question=q7&key=alice/1&once=q7").mustShow(t, http.StatusBadRequest)
	one.postFromElsewhere("/logout/works", url.Values{"signed": {"1"}, "question": {"q7"}, "key": {"alice"}, "once": {"q7"}}).mustShow(t, http.StatusBadRequest)
	if !one.signedIn() {
		t.Error("signed out by a question that was asked before")
	}
}
