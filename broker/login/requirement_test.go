package login

import (
	"testing"

	"github.com/councilid/councilid/config"
)

func TestRequirement(t *testing.T) {
	council := config.App{Assurance: config.Assurance{Identity: "P1", Authenticator: "Cl"}}
	tests := []struct {
		name        string
		req         Request
		level       string
		met, enough bool
	}{
		{"the minimum", Request{}, "P1.Cl", true, true},
		{"below the minimum", Request{}, "P0.Ch.F1.R3", false, false},
		{"a request for less", Request{Levels: levels("P0")}, "P0.Cl", false, false},
		{"a request for less is met by the minimum", Request{Levels: levels("P0")}, "P1.Cl", true, true},
		{"a request for more", Request{Levels: levels("Cm")}, "P1.Cl", false, true},
		{"which the minimum joins", Request{Levels: levels("Cm")}, "P0.Cm", false, false},
		{"and that is met", Request{Levels: levels("Cm")}, "P1.Cm", true, true},
		{"essential", Request{Levels: levels("Cm"), Essential: true}, "P1.Cl", false, false},
		{"one of two", Request{Levels: levels("P2.Cm", "F1"), Essential: true}, "P1.Cl.F1", true, true},
		{"none of two", Request{Levels: levels("P2.Cm", "F1"), Essential: true}, "P1.Cm", false, false},
		{"essential without levels asks nothing", Request{Essential: true}, "P1.Cl", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needs := requires(tt.req, council)
			if got := needs.met(level(tt.level)); got != tt.met {
				t.Errorf("met = %v", got)
			}
			if got := needs.enough(level(tt.level)); got != tt.enough {
				t.Errorf("enough = %v", got)
			}
		})
	}
}
