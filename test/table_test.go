package test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// table says how many cases of each row and column went well, for people to
// read. Tests that run side by side may fill it in.
type table struct {
	head    string // of the first column
	columns []string

	mu    sync.Mutex
	rows  []string // in the order of their first case
	cases map[[2]string][]bool
}

func newTable(head string, columns ...string) *table {
	return &table{head: head, columns: columns, cases: map[[2]string][]bool{}}
}

func (t *table) add(row, column string, good bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	at := [2]string{row, column}
	t.cases[at] = append(t.cases[at], good)
}

// String has a line a row: how many cases of how many went well, or a dash
// where there was none.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	width := len(slices.MaxFunc(append(t.rows, t.head), func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
	var text strings.Builder
	line := func(first string, cell func(column string) string) {
		fmt.Fprintf(&text, "\n| %-*s |", width, first)
		for _, column := range t.columns {
			fmt.Fprintf(&text, " %-*s |", max(len(column), len("99/99")), cell(column))
		}
	}
	line(t.head, func(column string) string { return column })
	for _, row := range t.rows {
		line(row, func(column string) string { return tally(t.cases[[2]string{row, column}]) })
	}
	return text.String()
}

func tally(cases []bool) string {
	if len(cases) == 0 {
		return "-"
	}
	good := len(slices.DeleteFunc(slices.Clone(cases), func(good bool) bool { return !good }))
	return fmt.Sprintf("%d/%d", good, len(cases))
}
