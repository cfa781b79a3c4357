package mapping_test

import (
	"testing"

	"github.com/councilid/councilid/mapping"
)

func TestSlips(t *testing.T) {
	for word, want := range map[string]int{
		"email": 0, "emaill": 1, "emal": 1, "emajl": 1, "emial": 1, "meial": 2, "phone": 5, "": 5,
	} {
		if got := mapping.Slips(word, "email"); got != want {
			t.Errorf("%q: %d slips, want %d", word, got, want)
		}
		if back := mapping.Slips("email", word); back != want {
			t.Errorf("%q: %d slips the other way, want %d", word, back, want)
		}
	}
}
