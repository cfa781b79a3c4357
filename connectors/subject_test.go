package connectors

import (
	"math"
	"strings"
	"testing"
)

func TestSubjectText(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string // empty for refused
	}{
		{"24400320", "24400320"},
		{"a|b c", "a|b c"},
		{float64(583231), "583231"},
		{float64(0), "0"},
		{float64(1<<53 - 1), "9007199254740991"},
		{float64(1 << 53), ""},
		{1.5, ""},
		{math.NaN(), ""},
		{math.Inf(1), ""},
		{"", ""},
		{"line\nbreak", ""},
		{"\xff", ""},
		{strings.Repeat("a", 256), ""},
		{nil, ""},
		{true, ""},
		{[]any{"a"}, ""},
		{map[string]any{"a": "b"}, ""},
	} {
		got, ok := subjectText(test.value)
		if got != test.want && ok || ok != (test.want != "") {
			t.Errorf("subjectText(%v) is %q, %t; want %q", test.value, got, ok, test.want)
		}
	}
}
