package accounts_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/servers"
)

// node is one broker process over a database that others may share.
type node struct {
	*accounts.Accounts
	db         *db.DB
	options    db.Options
	statements *atomic.Int64
}

// onEach runs a test with an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, n node)) {
	t.Run("sqlite", func(t *testing.T) { test(t, connect(t, sqlite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, connect(t, postgres(t))) })
}

func sqlite(tb testing.TB) db.Options {
	tb.Helper()
	text, err := empty()
	if err != nil {
		tb.Fatal(err)
	}
	name := filepath.Join(tb.TempDir(), "test.db")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return db.Options{SQLite: name}
}

// empty is an SQLite file with all the tables: to make them takes longer than most tests.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "accounts")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "empty.db")
	d, err := db.Open(context.Background(), db.Options{SQLite: name})
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
})

func postgres(tb testing.TB) db.Options { return db.Options{Postgres: servers.Postgres(tb)} }

func connect(tb testing.TB, o db.Options) node {
	tb.Helper()
	n := node{options: o, statements: new(atomic.Int64)}
	o.Observe = func(err error, took time.Duration) {
		n.statements.Add(1)
		if n.options.Observe != nil {
			n.options.Observe(err, took)
		}
	}
	var err error
	if n.db, err = db.Open(tb.Context(), o); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { n.db.Close() })
	n.Accounts = accounts.Open(n.db, func() time.Time { return noon }, anything)
	return n
}

// another is a second node over the same database.
func (n node) another(tb testing.TB) node {
	tb.Helper()
	return connect(tb, n.options)
}

// watched is another node, of which each statement is followed by do.
func (n node) watched(tb testing.TB, do func()) node {
	tb.Helper()
	n.options.Observe = func(error, time.Duration) { do() }
	return connect(tb, n.options)
}

// at is the node at another time.
func (n node) at(now time.Time) node {
	n.Accounts = accounts.Open(n.db, func() time.Time { return now }, anything)
	return n
}

// anything is what a connector is believed whose operator believes it all.
func anything(string) mapping.Assurance {
	return mapping.Assurance{Identity: mapping.P4, Authenticator: mapping.Ch, Phishing: mapping.F1, Residency: mapping.R3}
}

// believing is the node with other caps, by connector.
func (n node) believing(tb testing.TB, caps map[string]string) node {
	tb.Helper()
	n.Accounts = accounts.Open(n.db, func() time.Time { return noon }, func(connector string) mapping.Assurance {
		if caps[connector] == "" {
			return mapping.Assurance{} // it is gone
		}
		return vector(tb, caps[connector])
	})
	return n
}

func (n node) exec(tb testing.TB, q string, args ...any) {
	tb.Helper()
	if _, err := n.db.Exec(tb.Context(), q, args...); err != nil {
		tb.Fatal(err)
	}
}

// dump returns the rows of a query as text.
func (n node) dump(tb testing.TB, q string, args ...any) []string {
	tb.Helper()
	rows, err := n.db.Query(tb.Context(), q, args...)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	columns := make([]any, len(names))
	for i := range columns {
		columns[i] = new(any)
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			tb.Fatal(err)
		}
		var line strings.Builder
		for i, c := range columns {
			fmt.Fprintf(&line, "%s=%v ", names[i], *c.(*any))
		}
		lines = append(lines, line.String())
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return lines
}

func (n node) count(tb testing.TB, table string) int {
	tb.Helper()
	return len(n.dump(tb, `SELECT * FROM `+table))
}
