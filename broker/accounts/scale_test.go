package accounts_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// How many accounts BenchmarkScale fills each database with. 1,000,000 take some
// minutes and some gigabytes.
var scale = flag.Int("accounts", 1000, "how many accounts BenchmarkScale fills a database with")

// BenchmarkScale is what a sign-in costs among many accounts with two ways in each:
// of somebody who returns, and, of somebody who comes for the first time, whether they
// resemble anybody. It tells the plan of the one, the 95th percentile of both and the
// bytes of an account.
//
//	go test ./broker/accounts -run '^$' -bench Scale -benchtime 5000x -accounts 1000000
func BenchmarkScale(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		n := connect(b, sqlite(b))
		n.fill(b, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)`, `i / 2`,
			`lower(hex(CAST(printf('%024d', i) AS BLOB)))`)
		n.scale(b, `EXPLAIN QUERY PLAN `, `SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()`)
	})
	b.Run("postgres", func(b *testing.B) {
		n := connect(b, postgres(b))
		n.fill(b, `WITH n(i) AS (SELECT generate_series(1, CAST($1 AS BIGINT)))`, `i / 2`,
			`encode(convert_to(lpad(i::text, 24, '0'), 'UTF8'), 'hex')`)
		n.scale(b, `EXPLAIN `, `SELECT pg_database_size(current_database()) AS bytes`)
	})
}

// fill makes *scale accounts, each with two ways in: one that vouches for an e-mail
// address and one that proves who somebody is. numbers counts to a parameter, half
// is the account of a link, and key a text like a hash.
func (n node) fill(b *testing.B, numbers, half, key string) {
	b.Helper()
	count := *scale
	n.exec(b, `INSERT INTO accounts (id, subject_key, status, created_at) `+numbers+`
		SELECT 'account-of-26-letters-' || i, CAST('0123456789abcdef0123456789abcdef' AS `+bytea(n)+`), 'active', 0 FROM n`, count)
	n.exec(b, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at, inherit) `+numbers+`
		SELECT 'link-of-26-letters-' || i, 'account-of-26-letters-' || (`+half+` + 1), CASE i % 2 WHEN 0 THEN 'google' ELSE 'one-login' END,
			'https://idp.example', 's' || i, 0, 'P2.Cm.F0.R1' FROM n`, 2*count-1)
	for claim, value := range map[string]string{
		"email": `'"resident' || i || '@example.org"'`, "email_verified": `'true'`, "name": `'"Alice Morgan ' || i || '"'`,
		"given_name": `'"Alice"'`, "family_name": `'"Morgan"'`,
	} {
		n.exec(b, `INSERT INTO claims (account_id, link_id, name, value, verified, said_at) `+numbers+`
			SELECT 'account-of-26-letters-' || (`+half+` + 1), 'link-of-26-letters-' || i, '`+claim+`', `+value+`, true, 0 FROM n`, 2*count-1)
	}
	n.exec(b, `INSERT INTO evidence (id, account_id, link_id, connector, kind, levels, policy_version, checked_at) `+numbers+`
		SELECT 'evidence' || i, 'account-of-26-letters-' || (`+half+` + 1), 'link-of-26-letters-' || i, 'one-login', 'sign-in', 'P2.C0.F0.R0', '', 0
		FROM n WHERE i % 2 = 1`, 2*count-1)
	n.exec(b, `INSERT INTO likeness (account_id, link_id, kind, key, said_at) `+numbers+`
		SELECT 'account-of-26-letters-' || (`+half+` + 1), 'link-of-26-letters-' || i, CASE i % 2 WHEN 0 THEN 'email' ELSE 'person' END,
			`+key+`, 0 FROM n`, 2*count-1)
	n.exec(b, `ANALYZE`)
}

func bytea(n node) string {
	if n.options.SQLite != "" {
		return "BLOB"
	}
	return "BYTEA"
}

func (n node) scale(b *testing.B, explain, size string) {
	b.Helper()
	var bytes int64
	if err := n.db.QueryRow(b.Context(), size).Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes an account", bytes/int64(*scale))
	b.Log("\n" + strings.Join(n.dump(b, explain+accounts.EnterQuery, ",", "https://idp.example", "s77"), "\n"))
	b.Run("returning", func(b *testing.B) {
		n.timed(b, func() {
			n.statements.Store(0)
			i := 1 + rand.IntN(2**scale-1)
			_, _, first, err := n.Enter(b.Context(), accounts.SignIn{Connector: "one-login", Issuer: "https://idp.example", Subject: fmt.Sprint("s", i)})
			if err != nil || first || n.statements.Load() != 1 {
				b.Fatalf("%d: first %v, %d statements, %v", i, first, n.statements.Load(), err)
			}
		})
	})
	b.Run("look-alike", func(b *testing.B) {
		known := accounts.SignIn{
			Connector: "google", Issuer: "https://another.example", Subject: "x", At: noon,
			Said: mapping.Statement{Claims: mapping.Claims{"email": "somebody@example.org"}, Verified: []string{"email"}},
		}
		if _, _, _, err := n.Enter(b.Context(), known); err != nil {
			b.Fatal(err)
		}
		known.Subject = "y"
		n.timed(b, func() {
			if _, _, _, err := n.Enter(b.Context(), known); !errors.Is(err, accounts.ErrResembles) {
				b.Fatalf("resembles nobody: %v", err)
			}
		})
	})
}

// timed runs do as a benchmark and tells how long it takes at most for 95 of 100.
func (n node) timed(b *testing.B, do func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		do()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-µs")
}
