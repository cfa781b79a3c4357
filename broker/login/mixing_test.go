package login_test

import (
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/mapping"
)

// needsTwo has an app ask for two factors, and the browser choose the provider.
func (h *hill) needsTwo(b *browser, p *provider) {
	h.t.Helper()
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
	asked := b.get("/ask")
	if !strings.HasPrefix(asked.to, "/choose?") { // the provider that they are signed in with is asked first
		asked = b.get("/callback/strong?error=cancelled&state=" + h.strong.attempt().State)
	}
	b.get(strings.Replace(asked.to, "/choose", "/start/"+p.id, 1)).at(h.t, p, "")
}

// Who somebody is does not ride on the strength of another sign-in: Mallory knows
// Alice's password at a provider that once proved who she is, and has a strong
// account of her own elsewhere.
func TestStrengthOfAnotherLendsNoIdentity(t *testing.T) {
	h := newHill(t)
	alice := h.browser()
	h.enters(alice, "tax", h.strong, "alice", "Cm")
	alice.get("/ask/grants").at(t, h.strong, "prove")
	alice.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	h.mustBeWorth("P2.Cm")

	mallory := h.browser()
	h.enters(mallory, "tax", h.strong, "alice", "Cl")
	h.mustBeWorth("P0.Cl")
	h.needsTwo(mallory, h.middle)
	asked := mallory.get(mallory.returns(h.middle, "mallory", "Cm").to)
	mallory.post("/who", who(t, asked, "join")).mustLead(t, "https://tax.example/in?person=mallory")
	if s := h.mustBeWorth("P0.Cm"); s.Account.Level.Identity != mapping.P2 {
		t.Fatal("it is another account, which proves nothing")
	}
	mallory.use("tax") // nor later in the session
	h.mustBeWorth("P0.Cm")

	again := h.browser()
	h.enters(again, "tax", h.middle, "mallory", "Cm")
	h.mustBeWorth("P0.Cm")
	// The other way round: first her own, then what she stole.
	choice := again.get("/ask/grants")
	again.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	again.returns(h.strong, "alice", "Cl").at(t, h.strong, "prove")
	again.use("tax")
	h.mustBeWorth("P0.Cm")
}
