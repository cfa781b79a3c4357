package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestUnsolicitedAnswer(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	form := url.Values{"RelayState": {"https://portal.example/"}, "person": {"alice"}, "once": {"response-7"}}
	got := one.postFromElsewhere("/callback/works", form)
	shown := one.get(got.to)
	shown.mustShow(t, http.StatusOK, "signing in through Work account")
	if one.signedIn() || strings.Contains(shown.body, "alice") || strings.Contains(shown.body, "You will be signed out") {
		t.Errorf("signed in unasked, or told too much: %s", shown.body)
	}
	before := one.cookie("browser")
	agreed := url.Values{"answer": {found(t, shown.body, `name="answer" value="`)}}
	one.post("/unsolicited/works", agreed).mustLead(t, "https://tax.example/")
	if !one.signedIn() || one.cookie("browser") == before {
		t.Error("not signed in, or what was begun here before goes on")
	}
	one.use("tax")
	one.get(got.to).mustShow(t, http.StatusBadRequest, "You are already signed in") // the handle works once
	one.post("/unsolicited/works", agreed).mustShow(t, http.StatusBadRequest, "You are already signed in")

	// So does the answer, on any node.
	two := b.browser()
	two.node = 1
	two.get(two.postFromElsewhere("/callback/works", form).to).mustShow(t, http.StatusBadRequest, expired, "https://tax.example/")
	if two.signedIn() {
		t.Error("a replayed answer signs in")
	}
}

func TestUnsolicitedRefusals(t *testing.T) {
	b := newBed(t)
	one := b.browser()
	// The operator lets works send residents, and not other.
	one.postFromElsewhere("/callback/other", url.Values{"person": {"alice"}}).mustShow(t, http.StatusBadRequest, expired)
	one.postFromElsewhere("/callback/plain", url.Values{"person": {"alice"}}).mustShow(t, http.StatusBadRequest, expired)

	to := one.postFromElsewhere("/callback/works", url.Values{"person": {"alice"}}).to
	one.get(strings.Replace(to, "works", "other", 1)).mustShow(t, http.StatusBadRequest, expired)
	one.post("/unsolicited/other", url.Values{"answer": {query(to).Get("unsolicited")}}).mustShow(t, http.StatusBadRequest, expired)
	one.get(to).mustShow(t, http.StatusBadRequest, expired) // it is spent

	// An answer to an attempt is no unsolicited one: its browser counts.
	form := one.ask("tax", b.works, "mallory")
	answer := query(one.postFromElsewhere("/callback/works", form).to).Get("answer")
	two := b.browser()
	two.get("/callback/works?unsolicited="+url.QueryEscape(answer)).mustShow(t, http.StatusBadRequest, expired)
	if one.signedIn() || two.signedIn() {
		t.Error("signed in")
	}
}

// Whose session is open stays signed in until they agree, and another site
// cannot press the button for them.
func TestUnsolicitedAnswerWhileSignedIn(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	to := one.postFromElsewhere("/callback/works", url.Values{"person": {"mallory"}}).to
	shown := one.get(to)
	shown.mustShow(t, http.StatusOK, "You will be signed out of the session that is open")
	one.get("/ask/waste").mustLead(t, "https://waste.example/in?person=alice")

	agreed := url.Values{"answer": {query(to).Get("unsolicited")}}
	r, err := http.NewRequest(http.MethodPost, b.nodes[0].URL+"/unsolicited/works", strings.NewReader(agreed.Encode()))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	one.read(one.client.Do(r)).mustShow(t, http.StatusForbidden)

	one.post("/unsolicited/works", agreed).mustLead(t, "https://tax.example/")
	one.get("/ask/waste").mustLead(t, "https://waste.example/in?person=mallory")
}
