package login_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

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
	alice, mallory := h.browser(), h.browser()
	h.enters(alice, "tax", h.strong, "alice", "Cm")
	h.enters(mallory, "tax", h.strong, "alice", "Cl")
	h.needsTwo(mallory, h.middle)
	asked := mallory.get(mallory.returns(h.middle, "mallory", "Cm").to)
	mallory.post("/who", who(t, asked, "join")).mustLead(t, "https://tax.example/in?person=mallory")
	h.mustBeWorth("P0.Cm")

	alice.get("/ask/grants").at(t, h.strong, "prove")
	alice.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	h.mustBeWorth("P2.Cm")
	mallory.use("tax") // in the session that she has
	h.mustBeWorth("P0.Cm")

	again := h.browser()
	h.enters(again, "tax", h.middle, "mallory", "Cm")
	if s := h.mustBeWorth("P0.Cm"); s.Account.Level.Identity != mapping.P2 {
		t.Fatal("it is another account, which proves nothing")
	}
	// The other way round: first her own, then what she stole.
	choice := again.get("/ask/grants")
	again.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	again.returns(h.strong, "alice", "Cl").at(t, h.strong, "prove")
	again.use("tax")
	h.mustBeWorth("P0.Cm")
}

// A sign-in that an app insists on is that of the person who comes to it. Whoever
// is there in their place, by a session that was left open at a provider, has not
// signed in.
func TestInsistedSignInIsNotAnothers(t *testing.T) {
	hour := time.Hour
	for name, req := range map[string]login.Request{
		"prompt=login": {App: "grants", Force: true}, "max_age": {App: "grants", MaxAge: &hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHill(t)
			h.enters(h.browser(), "tax", h.strong, "bob", "Cm")
			one := h.browser()
			h.request(req)
			one.get("/ask").at(t, h.strong, "sign_in")
			one.returns(h.strong, "mallory", "Cm").at(t, h.strong, "prove")
			asked := one.get(one.returns(h.strong, "bob", "P2.Cm").to)
			h.mustAskAnew(one.post("/who", who(t, asked, "switch")))
			one.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")

			h.pass(13 * time.Hour) // and that session ends before the answer comes
			h.mustAskAnew(one.returns(h.strong, "bob", "P2.Cm"))
			one.returns(h.strong, "bob", "P2.Cm").mustLead(t, "https://grants.example/in?person=bob")
		})
	}
}

// Nor is it that of another tab: there the same person comes back meanwhile by a
// sign-in of an hour ago, which takes the session's place.
func TestInsistedSignInIsNotAnotherTabs(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.request(login.Request{App: "grants", Force: true})
	one.get("/ask").at(t, h.strong, "sign_in")
	one.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")
	proved := answerOf(h.strong, "bob", "P2.Cm")

	h.request(login.Request{App: "tax", Choose: true, Connector: "strong"})
	one.get("/ask").at(t, h.strong, "sign_in")
	hourAgo := "&since=" + url.QueryEscape(h.now().Add(-time.Hour).Format(time.RFC3339))
	one.get(answerOf(h.strong, "bob", "Cm")+hourAgo).mustLead(t, "https://tax.example/in?person=bob")

	h.mustAskAnew(one.get(proved))
	one.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")
	one.returns(h.strong, "bob", "P2.Cm").mustLead(t, "https://grants.example/in?person=bob")
}

func (h *hill) mustAskAnew(p page) {
	h.t.Helper()
	p.at(h.t, h.strong, "sign_in")
	if !h.strong.attempt().Force {
		h.t.Error("nobody has to sign in")
	}
}
