package idp

import (
	"testing"

	"github.com/councilid/councilid/config"
)

// Core §3.3.2.2.1.
func TestChooseContext(t *testing.T) {
	known := contexts{
		{Class: "any", Identity: "P0"},
		{Class: "password", Identity: "P0", Authenticator: "Cl"},
		{Class: "second factor", Identity: "P0", Authenticator: "Cm"},
		{Class: "passport", Identity: "P2", Authenticator: "Cm"},
	}
	weak := config.Assurance{Identity: "P0", Authenticator: "Cl"}
	strong := config.Assurance{Identity: "P0", Authenticator: "Ch"}
	best := config.Assurance{Identity: "P3", Authenticator: "Cm"}
	asked := func(classes ...string) []string { return classes }
	for _, test := range []struct {
		has        config.Assurance
		comparison string
		asked      []string
		want       string // "" for none
	}{
		{weak, "", nil, "password"},
		{strong, "", nil, "second factor"},
		{best, "", nil, "passport"},
		{config.Assurance{Identity: "P0"}, "", nil, "any"},

		{weak, "exact", asked("password"), "password"},
		{weak, "exact", asked("any", "password"), "any"}, // in order of preference
		{weak, "exact", asked("passport", "foreign", "password"), "password"},
		{weak, "exact", asked("second factor"), ""},
		{weak, "exact", asked("foreign"), ""},

		{weak, "minimum", asked("any"), "password"},
		{weak, "minimum", asked("second factor"), ""},
		{strong, "minimum", asked("password"), "second factor"},
		{strong, "minimum", asked("passport", "password"), "second factor"},
		{strong, "minimum", asked("foreign", "password"), "second factor"},
		{strong, "minimum", asked("passport"), ""},
		{best, "minimum", asked("foreign"), ""},

		{best, "maximum", asked("password"), "password"},
		{best, "maximum", asked("any", "second factor"), "second factor"},
		{weak, "maximum", asked("passport"), "password"},
		{weak, "maximum", asked("foreign"), ""},

		{best, "better", asked("password"), "passport"},
		{strong, "better", asked("password"), "second factor"},
		{strong, "better", asked("second factor"), ""},
		{best, "better", asked("any", "second factor"), "passport"},
		{strong, "better", asked("any", "second factor"), ""},
		{best, "better", asked("any", "foreign"), ""},
	} {
		got, ok := known.choose(test.asked, test.comparison, test.has)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%v %s %q: %q, %v; want %q", test.has, test.comparison, test.asked, got, ok, test.want)
		}
	}
}

// An app without a class for what is so says nothing, and promises nothing.
func TestChooseContextOfNone(t *testing.T) {
	known := contexts{{Class: "passport", Identity: "P2", Authenticator: "Cm"}}
	if got, ok := known.choose(nil, "", highest); got != unspecifiedContext || !ok {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := known.choose([]string{unspecifiedContext}, "exact", highest); ok {
		t.Errorf("%q is promised", got)
	}
}
