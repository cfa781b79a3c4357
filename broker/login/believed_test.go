package login_test

import (
	"testing"

	"github.com/councilid/councilid/config"
)

// An operator who believes a provider less is obeyed at once: by sessions that are
// open, by what was proved before, and by those whom it was to lend to.
func TestBelievedLessFromNowOn(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	for _, today := range []struct {
		cap   config.Assurance
		worth string
	}{
		{config.Assurance{Identity: "P1", Authenticator: "Cm"}, "P1.Cm"},
		{config.Assurance{Authenticator: "Cm"}, "P0.Cm"},
		{config.Assurance{Identity: "P2", Authenticator: "Cl"}, "P0.Cl"},
		{config.Assurance{Identity: "P4", Authenticator: "Ch"}, "P2.Cm"},
	} {
		h.flows[0].Ways[2].Config.Cap = today.cap // of both nodes
		one.use("tax")
		h.mustBeWorth(today.worth)
	}
}
