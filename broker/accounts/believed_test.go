package accounts_test

import "testing"

// TestEvidenceIsBelievedAsToday: what a connector brought while it was believed
// more counts for as much as it is believed today.
func TestEvidenceIsBelievedAsToday(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, by(t, "strong", "P2.Cm.R2"))
		_, weak := join(t, n, acc.ID, by(t, "weak", "Cm"), "P2.Cm.R2")
		for _, today := range []struct {
			caps        map[string]string
			level, weak string // of the account, and of the link to which it lends
		}{
			{map[string]string{"strong": "P2.Cm.R2", "weak": "Cl"}, "P2.R2", "P0"},
			{map[string]string{"strong": "P3.Ch.R3", "weak": "Cl"}, "P2.R2", "P0"},
			{map[string]string{"strong": "P1.Cm.R3", "weak": "P4.R3"}, "P1.R2", "P0"},
			{map[string]string{"strong": "Cl", "weak": "P4.R3"}, "P0", "P0"},
			{map[string]string{"weak": "P4.R3"}, "P0", "P0"},
			{nil, "P0", "P0"},
			{map[string]string{"strong": "P2.Cm.R1"}, "P2.R1", "P0"},
		} {
			then := n.believing(t, today.caps)
			got, link, err := then.Reenter(t.Context(), acc.ID, weak.ID)
			if err != nil {
				t.Fatal(err)
			}
			worth(t, got, link, today.level, today.weak, "P2.Cm.R2")
			got, link, _ = enter(t, then, by(t, "strong", "Cm"))
			worth(t, got, link, today.level, today.level, "P2.Cm.R2")
			// Who guards a way in reckons with tomorrow.
			if level, err := then.Proven(t.Context(), "https://weak.example", "someone"); err != nil || level != vector(t, "P2.R2") {
				t.Errorf("proven %s, %v", level, err)
			}
		}
	})
}

// TestEvidenceOfTwoConnectors: two that lead to one provider, of which one is
// believed more, share the link and nothing else.
func TestEvidenceOfTwoConnectors(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		all, some := by(t, "works", "P2.Cm"), by(t, "works", "P1.Cm")
		all.Connector = "managers"
		enter(t, n, some)
		acc, link, _ := enter(t, n, all)
		worth(t, acc, link, "P2", "P2", "P1.Cm")

		acc, link, _ = enter(t, n.believing(t, map[string]string{"works": "P2.Cm", "managers": "Cm"}), some)
		worth(t, acc, link, "P1", "P1", "P1.Cm")
		acc, link, _ = enter(t, n.believing(t, map[string]string{"managers": "P2.Cm"}), by(t, "works", "Cm"))
		worth(t, acc, link, "P2", "P2", "P1.Cm")

		// Of what one is believed no more, the other may bring as much again.
		some.Level = vector(t, "P2.Cm")
		n = n.believing(t, map[string]string{"works": "P2.Cm"})
		enter(t, n, some)
		acc, link, _ = enter(t, n, by(t, "works", "Cm"))
		worth(t, acc, link, "P2", "P2", "P1.Cm")
	})
}
