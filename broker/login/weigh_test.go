package login

import (
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// What a session was worth before and what its last sign-in is are joined by component;
// but identity rides on the strength of the sign-in that proved it alone.
func TestWeighJoinsWhatWasProved(t *testing.T) {
	level := func(vector string) mapping.Assurance {
		a, err := mapping.ParseAssurance(vector)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct{ name, before, proved, person, inherit, want string }{
		{"a stronger key, once proved", "P2.Cm", "P0.Ch.F1", "P2", "P0", "P2.Ch.F1"},
		{"proved, after a stronger key", "P0.Ch.F1", "P2.Cm", "P2", "P0", "P2.Ch.F1"},
		{"a weaker one, once proved", "P2.Cm", "P0.Cl", "P2", "P0", "P2.Cm"},
		{"proved by a weak one", "P0.Ch", "P2.Cl", "P2", "P0", "P0.Ch"},
		{"what was proved is over", "P2.Cm", "P0.Ch", "P1", "P0", "P1.Ch"},
		{"a key alone that was added to nobody proved", "P0.C0", "P0.Ch", "P2", "P0", "P0.Ch"},
		{"a key alone that was added to somebody proved", "P0.C0", "P0.Ch", "P2", "P2", "P2.Ch"},
	} {
		s := Session{Inherit: level(c.before), Proved: level(c.proved)}
		(&Flow{Now: time.Now}).weigh(&s, accounts.Account{Level: level(c.person)}, accounts.Link{Inherit: level(c.inherit)})
		if s.Level != level(c.want) {
			t.Errorf("%s: %s, want %s", c.name, s.Level, c.want)
		}
	}
}
