package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// pair is a primary key of two columns.
type pair [2]string

func (p pair) compare(other pair) int { return slices.Compare(p[:], other[:]) }

// inOrder goes through m by its keys, so that transactions which meet in
// several rows lock them in the same order.
func inOrder[K comparable, V any](m map[K]V, compare func(a, b K) int) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(m), compare) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// changes reports whether a statement changed anything.
func changes(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// texts reads rows of two texts, the first of which is a key.
func texts(rows *sql.Rows, err error) (map[string]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	all := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}

// column reads rows of one text.
func column(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// micros is a time as it is stored, or NULL for the zero time.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// moment is the time that micros stored.
func moment(t sql.NullInt64) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return time.UnixMicro(t.Int64)
}

// orNull is a text as it is stored that may be missing.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// insert runs one INSERT for many rows, in their order: into names the table and its
// columns, tail says what happens on a conflict. A cell is a string, an int64, a bool
// or nil.
func insert(ctx context.Context, tx *db.Tx, into string, rows [][]any, tail string) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := listOf(rows)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, inserting(tx, into, rows[0], tail), list)
	return err
}

// inserting is the statement of insert, for rows like one of them.
func inserting(tx *db.Tx, into string, like []any, tail string) string {
	return into + ` SELECT ` + cells(like) + ` FROM ` + tx.Elements + ` AS r WHERE true ` + tail
}

// listOf is rows as the argument that tx.Elements takes.
func listOf(rows [][]any) (string, error) {
	list, err := json.Marshal(rows)
	return string(list), err
}

// cells selects the cells of a row of tx.Elements, which are of the types of like. A
// text needs no cast, and whether nil is one does not matter.
func cells(like []any) string {
	columns := make([]string, len(like))
	for i, cell := range like {
		columns[i] = fmt.Sprintf("r.value ->> %d", i)
		switch cell.(type) {
		case int64:
			columns[i] = "CAST(" + columns[i] + " AS BIGINT)"
		case bool:
			columns[i] = "CAST(" + columns[i] + " AS BOOLEAN)"
		}
	}
	return strings.Join(columns, ", ")
}

// tuples returns n lists of placeholders: ($1, $2), ($3, $4) …
func tuples(n, width int) string {
	var b strings.Builder
	for i := range n * width {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteString(")")
	return b.String()
}
