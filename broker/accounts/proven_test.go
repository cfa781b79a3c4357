package accounts_test

import (
	"testing"

	"github.com/councilid/councilid/mapping"
)

// TestProven: evidence is the person's, whichever way in is asked about.
func TestProven(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		strong, weak := by(t, "strong", "P2.Cm"), by(t, "weak", "Cl")
		acc, _, _ := enter(t, n, strong)
		join(t, n, acc.ID, weak, "P2.Cm")
		for subject, want := range map[string]string{strong.Issuer: "P2", weak.Issuer: "P2", "https://nobody.example": "P0"} {
			got, err := n.Proven(t.Context(), subject, weak.Subject)
			if err != nil {
				t.Fatal(err)
			}
			if want := vector(t, want); got != want {
				t.Errorf("%s: %s, want %s", subject, got, want)
			}
		}
		freeze(t, strong, "paused")(n)
		if got, err := n.Proven(t.Context(), weak.Issuer, weak.Subject); err != nil || got != vector(t, "P2") {
			t.Errorf("of evidence that a thaw brings back: %s, %v", got, err)
		}
		freeze(t, weak, "paused")(n)
		if got, err := n.Proven(t.Context(), weak.Issuer, weak.Subject); err != nil || got == (mapping.Assurance{}) {
			t.Errorf("of a way in that is frozen: %s, %v", got, err)
		}
	})
}
