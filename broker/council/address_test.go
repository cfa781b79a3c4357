package council_test

import (
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/council"
)

func TestParseAddress(t *testing.T) {
	for typed, want := range map[string][2]string{
		"jo@example.org":           {"jo@example.org", "jo@example.org"},
		" Jo.B@Example.ORG\t":      {"Jo.B@example.org", "jo.b@example.org"},
		"jo+bins@example.org":      {"jo+bins@example.org", "jo+bins@example.org"},
		"o'neil@example.org":       {"o'neil@example.org", "o'neil@example.org"},
		"jo@bücher.example":        {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},
		"jo@BÜCHER.example":        {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},
		"jo@xn--bcher-kva.example": {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},

		"":                                       {},
		"jo":                                     {},
		"jo@localhost":                           {},
		"jo@[192.0.2.1]":                         {},
		"Jo <jo@example.org>":                    {},
		"<jo@example.org>":                       {},
		"jo@example.org, al@example.org":         {},
		"jo@example.org\r\nBcc: al@example.org":  {},
		`"jo b"@example.org`:                     {},
		"jo (bins)@example.org":                  {},
		"jo\u0131@example.org":                   {},                                   // a dotless i, which folds into another letter in some languages
		"jo\u043e@example.org":                   {},                                   // a Cyrillic o
		"jo@exa\u200bmple.org":                   {"jo@example.org", "jo@example.org"}, // IDNA drops what cannot be seen
		strings.Repeat("j", 65) + "@example.org": {},
	} {
		a, err := council.ParseAddress(typed)
		if got := [2]string{a.Text, a.Key}; got != want || (err == nil) != (want[0] != "") {
			t.Errorf("%q is %q, %v; want %q", typed, got, err, want)
		}
	}
}
