package idp

import (
	"slices"
	"testing"

	"github.com/councilid/councilid/mapping"
)

// Core §3.3.2.2.1.
func TestChooseContext(t *testing.T) {
	known := contexts{
		{Class: "any", Identity: "P0"},
		{Class: "password", Identity: "P0", Authenticator: "Cl"},
		{Class: "second factor", Identity: "P0", Authenticator: "Cm"},
		{Class: "passport", Identity: "P2", Authenticator: "Cm"},
	}
	weak := mapping.Assurance{Authenticator: mapping.Cl}
	strong := mapping.Assurance{Authenticator: mapping.Ch}
	best := mapping.Assurance{Identity: mapping.P3, Authenticator: mapping.Cm}
	asked := func(classes ...string) []string { return classes }
	for _, test := range []struct {
		has        mapping.Assurance
		comparison string
		asked      []string
		want       string // "" for none
	}{
		{weak, "", nil, "password"},
		{strong, "", nil, "second factor"},
		{best, "", nil, "second factor"}, // who somebody is, is said to those who ask
		{mapping.Assurance{}, "", nil, "any"},

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
		got, ok := known.choose(test.asked, test.comparison, mapping.Assurance{}, test.has)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%v %s %q: %q, %v; want %q", test.has, test.comparison, test.asked, got, ok, test.want)
		}
	}
}

// An app without a class for what is so says nothing, and promises nothing.
func TestChooseContextOfNone(t *testing.T) {
	highest := mapping.Assurance{Authenticator: mapping.Cl}
	known := contexts{{Class: "passport", Identity: "P2", Authenticator: "Cm"}}
	if got, ok := known.choose(nil, "", mapping.Assurance{}, highest); got != unspecifiedContext || !ok {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := known.choose([]string{unspecifiedContext}, "exact", mapping.Assurance{}, highest); ok {
		t.Errorf("%q is promised", got)
	}
}

// Where a class stands in the list says nothing of its strength: neither who
// somebody is nor what they hold is the more.
func TestChooseContextCompares(t *testing.T) {
	known := contexts{
		{Class: "password", Authenticator: "Cl"}, {Class: "token", Authenticator: "Ch"}, {Class: "passport", Identity: "P2", Authenticator: "Cm"},
	}
	proved := mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}
	for comparison, asked := range map[string]string{"minimum": "token", "better": "token"} {
		if got, ok := known.choose([]string{asked}, comparison, mapping.Assurance{}, proved); ok {
			t.Errorf("%s %s: told %s", comparison, asked, got)
		}
	}
	if got, ok := known.choose([]string{"token"}, "maximum", mapping.Assurance{}, proved); got != "password" || !ok {
		t.Errorf("maximum token: told %s", got)
	}
}

// An app whose residents must be known so well is told that they are.
func TestChooseContextOfNeed(t *testing.T) {
	known := contexts{{Class: "password", Authenticator: "Cl"}, {Class: "passport", Identity: "P2", Authenticator: "Cm"}}
	best := mapping.Assurance{Identity: mapping.P3, Authenticator: mapping.Cm}
	if got, _ := known.choose(nil, "", mapping.Assurance{Identity: mapping.P2}, best); got != "passport" {
		t.Errorf("told %s", got)
	}
}

func TestWantedLevels(t *testing.T) {
	known := contexts{{Class: "any"}, {Class: "password", Authenticator: "Cl"}, {Class: "token", Authenticator: "Cm"}}
	cl, cm := mapping.Assurance{Authenticator: mapping.Cl}, mapping.Assurance{Authenticator: mapping.Cm}
	for _, test := range []struct {
		comparison string
		asked      []string
		want       []mapping.Assurance
	}{
		{"exact", []string{"token", "password"}, []mapping.Assurance{cm, cl}},
		{"exact", []string{"foreign"}, nil},
		{"minimum", []string{"password"}, []mapping.Assurance{cl, cm}},
		{"better", []string{"password"}, []mapping.Assurance{cm}},
		{"maximum", []string{"password"}, []mapping.Assurance{{}, cl}},
		{"", nil, nil},
	} {
		if got := known.wanted(test.asked, test.comparison); !slices.Equal(got, test.want) {
			t.Errorf("%s %q: %v, want %v", test.comparison, test.asked, got, test.want)
		}
	}
}
