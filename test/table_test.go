package test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table says how many cases of each row and column went well, for people to
// read. Tests that run side by side may fill it in.
type table struct {
	head    string // of the first column
	columns []string

	mu      sync.Mutex
	rows    []string // in the order of their first case
	cases   map[[2]string][]bool
	refuses map[[2]string]bool // cases that must not go well
}

func newTable(head string, columns ...string) *table {
	return &table{head: head, columns: columns, cases: map[[2]string][]bool{}, refuses: map[[2]string]bool{}}
}

// add enters a case, which ended with err and was to be refused or not, and
// returns what is wrong with that.
func (t *table) add(row, column string, refuses bool, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	at := [2]string{row, column}
	t.cases[at] = append(t.cases[at], err == nil)
	t.refuses[at] = refuses && err != nil
	if !refuses {
		return err
	}
	if err == nil {
		return errors.New("was known to be refused, and is not")
	}
	return nil
}

// show logs the table, and adds it to the file that COUNCILID_TEST_TABLES names.
func (t *table) show(tb testing.TB) {
	tb.Helper()
	tb.Log(t)
	name := os.Getenv("COUNCILID_TEST_TABLES")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, "%s:%s\n\n", tb.Name(), t); err != nil {
		tb.Error(err)
	}
	if err := file.Close(); err != nil {
		tb.Error(err)
	}
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
			fmt.Fprintf(&text, " %-*s |", max(len(column), len("refuses")), cell(column))
		}
	}
	line(t.head, func(column string) string { return column })
	for _, row := range t.rows {
		line(row, func(column string) string {
			at := [2]string{row, column}
			if t.refuses[at] {
				return "refuses"
			}
			return tally(t.cases[at])
		})
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
