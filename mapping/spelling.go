package mapping

import "strings"

// nearest returns the one of known that name is a misspelling of, or "". Case
// and separators do not count; beyond them one slip is allowed, two in a long
// name. A name with a digit (email_2) is no misspelling.
func nearest(name string, known []string) string {
	if strings.ContainsAny(name, "0123456789") {
		return ""
	}
	best, least := "", 3
	for _, k := range known {
		want, got := letters(k), letters(name)
		slips := Slips(got, want)
		if slips < least && (slips <= 1 || slips == 2 && len(want) >= 12) {
			best, least = k, slips
		}
	}
	return best
}

func letters(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

// Slips counts the slips of the pen between two words, byte by byte: a letter
// too many, too few, another one, or two swapped (the optimal string alignment
// distance). Whoever reads what an operator wrote can ask by it what was meant.
func Slips(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
