package resident_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Whatever the history of an account may tell has words of its own, and they are of
// something that it does tell.
func TestHistoryHasWords(t *testing.T) {
	kinds := map[string]bool{}
	files, err := filepath.Glob("../accounts/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			for _, kind := range kindsIn(t, file) {
				kinds[kind] = true
			}
		}
	}
	delete(kinds, "account.erased") // nobody is left to read it
	for _, kind := range kindsIn(t, "activity.go") {
		if !kinds[kind] {
			t.Errorf("%s does not happen", kind)
		}
		delete(kinds, kind)
	}
	for kind := range kinds {
		t.Errorf("%s is told as some change", kind)
	}
}

// kindsIn are the kinds of the audit chain that stand in a file.
func kindsIn(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, found := range regexp.MustCompile(`"([a-z]+\.[a-z]+)"`).FindAllSubmatch(text, -1) {
		kinds = append(kinds, string(found[1]))
	}
	return kinds
}
