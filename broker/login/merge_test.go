package login_test

import (
	"net/http"
	"slices"
	"testing"
)

// The way in leads to another account: both were just shown to be the person's,
// who may have them put together or keep them apart.
func TestAddAnotherAccount(t *testing.T) {
	h := newHill(t)
	bob := h.account(h.middle, "bob", "Cm")
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued().Account.ID
	asked := h.adding(one, h.middle, "bob", "Cm")
	asked.mustShow(t, http.StatusOK, "This Middle account account leads to another council account", `id="join"`, `id="back"`)
	asked.mustNotShow(t, `id="switch"`, "bob")
	one.ends(one.post("/who", who(t, asked, "back")), mine)
	h.mustHaveWays(alice, "weak alice")
	h.mustHaveWays(bob, "middle bob")

	asked = h.adding(one, h.middle, "bob", "Cm")
	one.node = 1
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	h.mustHaveWays(alice, "weak alice", "middle bob")
	one.post("/who", who(t, asked, "join")).mustShow(t, http.StatusBadRequest)

	// Which app knew them is known though nobody had written it down yet.
	if used, err := h.flows[0].Accounts.Used(t.Context(), alice); err != nil || len(used) != 1 || used[0].App != "tax" {
		t.Errorf("apps: %+v, %v", used, err)
	}
	if got := h.account(h.middle, "bob", "Cm"); got != alice {
		t.Error("bob's way in leads elsewhere")
	}
	one.use("tax")
	if s := h.front.issued(); s.Account.ID != alice || s.Connector != "weak" {
		t.Error("the session has changed")
	}
}

// Where accounts are put together, the sessions of the one that is no more end, down to
// their apps: nobody would find them to end them later.
func TestAddAnotherAccountEndsItsSessions(t *testing.T) {
	h := newHill(t)
	h.front.tell("tax", way{tell: obeys})
	two := h.browser()
	h.enters(two, "tax", h.middle, "bob", "Cm")
	one := h.browser()
	h.enters(one, "waste", h.weak, "alice", "Cl")
	asked := h.adding(one, h.middle, "bob", "Cm")
	if len(h.front.told) != 0 {
		t.Error("bob is signed out before anything is decided")
	}
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	if !slices.Contains(h.front.revoked, "tax") || !slices.Contains(h.front.told, "tax") {
		t.Error("bob is signed in to tax still")
	}
	if slices.Contains(h.front.revoked, "waste") || !one.signedIn() || two.signedIn() {
		t.Error("not bob's session has ended, or not his alone")
	}
}
