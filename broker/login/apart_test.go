package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// Two people who have both proved who they are do not share an account.
func TestTwoPeople(t *testing.T) {
	h := newHill(t)
	h.believes(h.middle, config.Assurance{Identity: "P2", Authenticator: "Ch"})
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.get(answerOf(h.strong, "alice", "P2.Cm")+"&born=1984-03-09").mustLead(t, "https://grants.example/in?person=alice")
	alice := h.front.issued()

	refused := func() page {
		t.Helper()
		h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Ch")}, Essential: true})
		choice := one.get("/ask")
		one.get(strings.Replace(choice.to, "/choose", "/start/middle", 1)).at(t, h.middle, "")
		asked := one.get(one.get(answerOf(h.middle, "bob", "P2.Ch") + "&born=1990-01-01").to)
		shown := one.get(one.post("/who", who(t, asked, "join")).to)
		shown.mustShow(t, http.StatusOK, "These look like two different people", "Contact the council", `id="alone"`, `id="back"`)
		return shown
	}
	shown := refused()
	if strings.Contains(shown.body, "1984") || strings.Contains(shown.body, `value="join"`) {
		t.Error("the page tells the date, or offers to join")
	}
	for _, answer := range []string{"back", "join", "nonsense"} {
		got := one.post("/apart", who(t, shown, answer))
		one.get(got.to).mustShow(t, http.StatusOK, `id="idp-middle"`)
		one.use("tax")
		if s := h.front.issued(); s.Account.ID != alice.Account.ID {
			t.Errorf("%s switched the person", answer)
		}
		shown = refused()
	}
	one.post("/apart", who(t, shown, "alone")).mustLead(t, "https://tax.example/in?person=bob")
	if s := h.front.issued(); s.Account.ID == alice.Account.ID {
		t.Error("bob is in alice's account")
	}
}

// The same where a way in that is the account's proves who somebody is only later.
func TestTwoPeopleLater(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
	one.post("/who", who(t, h.joining(one, h.middle, "", "bob", "Cm"), "join")).mustLead(t, "https://tax.example/in?person=bob")
	one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join")).at(t, h.strong, "prove")
	one.get(answerOf(h.strong, "alice-s", "P2.Cm")+"&born=1984-03-09").mustLead(t, "https://grants.example/in?person=alice-s")

	h.believes(h.middle, config.Assurance{Identity: "P2", Authenticator: "Cm"})
	two := h.browser()
	two.get("/ask/tax?by=middle")
	shown := two.get(two.get(answerOf(h.middle, "bob", "P2.Cm") + "&born=1990-01-01").to)
	shown.mustShow(t, http.StatusOK, "These look like two different people", "we have not signed anybody in", `id="back"`)
	if two.signedIn() || strings.Contains(shown.body, `id="alone"`) {
		t.Error("signed in, or led in a circle")
	}
	if got := two.post("/apart", who(t, shown, "alone")); !strings.HasPrefix(got.to, "/choose?") { // by hand
		t.Fatalf("leads to %d %q", got.status, got.to)
	}
	choice := two.get("/choose?request=" + found(t, shown.body, `name="request" value="`))
	two.get(found(t, choice.body, `id="idp-middle" href="`))
	two.returns(h.middle, "bob", "Cm").mustLead(t, "https://tax.example/in?person=bob") // who proves nothing
}
