package login_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// twice is a browser in which alice has signed in by two ways, one after the other,
// in one session. Both providers can be asked to end theirs.
func twice(t *testing.T) (*bed, *browser) {
	t.Helper()
	b := newBed(t)
	b.works.out = connectors.Redirect{URL: "https://works.example/slo"}
	b.other.out = connectors.Redirect{URL: "https://other.example/slo"}
	one := b.session("tax")
	before := b.front.issued()
	_, _, err := b.flows[0].Accounts.Join(t.Context(), before.Account.ID, before.Link,
		accounts.SignIn{Connector: "other", Issuer: "https://other.example", Subject: "alice-o", At: b.now()}, mapping.Assurance{})
	b.must(err)
	one.signIn("waste", b.other, "alice-o")
	if s := b.front.issued(); s.SID != before.SID {
		t.Fatal("it is another session")
	}
	return b, one
}

// Every provider that somebody signed in at is asked, the last one first.
func TestSignOutAsksEveryProvider(t *testing.T) {
	b, one := twice(t)
	one.post("/sign-out", nil).mustLead(t, "https://other.example/slo")
	one.node = 1
	one.get("/logout/other?signed=1&ok&answers="+b.other.question()).mustLead(t, "https://works.example/slo")
	got := one.get(one.get("/logout/works?signed=1&ok&answers=" + b.works.question()).to)
	got.mustShow(t, http.StatusOK, signedOut)
	if strings.Contains(got.body, "may still be signed in to Work account") || strings.Contains(got.body, "Other council") {
		t.Errorf("both have answered: %s", got.body)
	}
}

// The receipt says which could not be asked, or did not do it.
func TestSignOutAtSomeProviders(t *testing.T) {
	b, one := twice(t)
	b.other.fail = errors.New("no metadata")
	one.post("/sign-out", nil).mustLead(t, "https://works.example/slo")
	one.get(one.get("/logout/works?signed=1&ok&answers="+b.works.question()).to).
		mustShow(t, http.StatusOK, signedOut, "still be signed in to Other council")

	b, one = twice(t)
	one.get("/leave/tax").mustLead(t, "https://other.example/slo")
	one.get("/logout/other?signed=1&answers="+b.other.question()).mustLead(t, "https://works.example/slo")
	one.get("/logout/works?signed=1&answers="+b.works.question()).mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Unable: []string{"waste"}, Providers: []string{"other", "works"}})

	b, one = twice(t)
	b.works.out, b.other.out = connectors.Redirect{}, connectors.Redirect{}
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, "Accounts that you may still be signed in to", "<li>Other council</li>", "<li>Work account</li>")
}

// Each of them may end the session, and then need not be asked.
func TestEarlierProviderSignsOut(t *testing.T) {
	b, one := twice(t)
	one.get("/logout/works?signed=1&question=q7&key=alice/1").mustLead(t, "https://other.example/slo")
	if one.signedIn() {
		t.Error("still signed in")
	}
	one.get("/logout/other?signed=1&ok&answers="+b.other.question()).mustLead(t, "https://works.example/answered?to=q7&whole=no&RelayState=")
}

// risen is a browser whose session is worth P2.Cm.F1: the strong provider proved who
// alice is, and the middle one that nobody fished for it.
func risen(t *testing.T) (*hill, *browser) {
	t.Helper()
	h := newHill(t)
	grants := h.flows[0].Apps["grants"]
	grants.Assurance = config.Assurance{Identity: "P2", Authenticator: "Cm", Phishing: "F1"}
	for _, flow := range h.flows {
		flow.Apps["grants"] = grants
		flow.Ways[1].Config.Cap = config.Assurance{Authenticator: "Cl", Phishing: "F1"}
		flow.Ways[1].Rules = h.alwaysPhishingResistant()
	}
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}})
	one.get("/ask").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://tax.example/in?person=alice")
	h.pass(10 * time.Minute)
	asked := h.joining(one, h.middle, "grants", "alice-m", "Cm")
	one.post("/who", who(t, asked, "join")).mustLead(t, "https://grants.example/in?person=alice-m")
	h.mustBeWorth("P2.Cm.F1")
	return h, one
}

// What a session owes to an earlier sign-in is believed no more than that sign-in's
// connector is today.
func TestEarlierSignInIsBelievedLess(t *testing.T) {
	h, one := risen(t)
	strong := h.flows[0].Ways[2].Config.Cap
	for _, today := range []struct {
		cap   config.Assurance
		worth string
	}{
		{config.Assurance{Identity: "P1", Authenticator: "Cm"}, "P1.Cm.F1"},
		{config.Assurance{Identity: "P2", Authenticator: "Cl"}, "P0.Cl.F1"},
		{strong, "P2.Cm.F1"},
	} {
		h.believes(h.strong, today.cap)
		one.use("tax")
		h.mustBeWorth(today.worth)
	}
}

// A provider that does not say when it asked somebody to sign in may not have asked
// them at all, where they were signed in already.
func TestSilenceIsNoSignIn(t *testing.T) {
	h, one := risen(t)
	s := h.front.issued()
	if age := h.now().Sub(s.AuthTime); age != 10*time.Minute {
		t.Errorf("the resident authenticated %s ago", age)
	}
	age := 5 * time.Minute
	h.request(login.Request{App: "tax", MaxAge: &age, Connector: "middle"})
	one.get("/ask").at(t, h.middle, "")
	if !h.middle.attempt().Force && h.middle.attempt().MaxAge == nil {
		t.Error("the provider is not told to ask")
	}
}
