package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
)

func TestSQLite(t *testing.T) {
	contract(t, func(t *testing.T) db.Options {
		return db.Options{SQLite: filepath.Join(t.TempDir(), "council id?.db")}
	})
}

func TestPostgres(t *testing.T) {
	servers.Postgres(t) // or skip here, once
	contract(t, func(t *testing.T) db.Options { return db.Options{Postgres: servers.Postgres(t)} })
}

// contract is what both databases are held to, each test in a fresh one.
func contract(t *testing.T, fresh func(*testing.T) db.Options) {
	for name, test := range map[string]func(*testing.T, db.Options){
		"values come back as they went in":     valuesComeBack,
		"migrating again changes nothing":      migrateAgain,
		"mistakes are no outages":              mistakes,
		"rows belong to an account":            rowsBelong,
		"one subject of a sector is current":   oneCurrent,
		"upserts return":                       upserts,
		"no row is ErrNoRows":                  noRow,
		"a transaction is all or nothing":      allOrNothing,
		"writers wait for each other":          writersWait,
		"collisions are tried again":           collisions,
		"statements are observed":              statementsObserved,
		"nobody waits is not unavailable":      nobodyWaits,
		"reading goes on beside a transaction": readBeside,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func open(t *testing.T, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func must(t *testing.T, d interface {
	Exec(ctx context.Context, q string, args ...any) (sql.Result, error)
}, q string, args ...any,
) {
	t.Helper()
	if _, err := d.Exec(t.Context(), q, args...); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

const newAccount = `INSERT INTO accounts (id, subject_key, status, created_at) VALUES ($1, $2, 'active', $3)`

func valuesComeBack(t *testing.T, o db.Options) {
	d := open(t, o)
	key, at := []byte{0, 255, '1', 0}, time.Date(2026, 10, 30, 12, 0, 0, 123_456_000, time.UTC)
	must(t, d, newAccount, "a", key, at.UnixMicro())
	must(t, d, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at) VALUES ('l', 'a', 'google', 'https://i', 's', 1)`)
	must(t, d, `INSERT INTO claims (account_id, link_id, name, value, verified, said_at) VALUES ('a', 'l', 'given_name', $1, $2, 1)`, `"Siân"`, true)

	var gotKey []byte
	var micros int64
	var merged, frozen sql.Null[string]
	var value string
	var verified bool
	err := d.QueryRow(t.Context(), `SELECT a.subject_key, a.created_at, a.merged_into, l.inherit, c.value, c.verified
		FROM accounts a JOIN links l ON l.account_id = a.id JOIN claims c ON c.link_id = l.id WHERE c.verified`).
		Scan(&gotKey, &micros, &merged, &frozen, &value, &verified)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{gotKey, time.UnixMicro(micros).UTC(), merged.Valid, frozen.Valid, value, verified}
	want := []any{key, at, false, false, `"Siân"`, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func migrateAgain(t *testing.T, o db.Options) {
	d := open(t, o)
	must(t, d, newAccount, "a", []byte{1}, 1)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, o)
	for _, table := range []string{
		"accounts", "links", "claims", "subjects", "evidence", "merges", "services", "sign_ins", "audit",
		"audit_head", "signing_keys", "refresh_grants", "refresh_tokens", "outbox", "wishes",
	} {
		var n int
		if err := d.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			t.Errorf("%s: %v", table, err)
		}
		if want := len(table) == len("accounts") && table == "accounts" || table == "audit_head"; (n == 1) != want {
			t.Errorf("%s has %d rows", table, n)
		}
	}
}

func mistakes(t *testing.T, o db.Options) {
	d := open(t, o)
	must(t, d, newAccount, "a", []byte{1}, 1)
	link := `INSERT INTO links (id, account_id, connector, issuer, subject, created_at) VALUES ($1, 'a', 'google', 'https://i', 's', 1)`
	must(t, d, link, "l")
	for q, args := range map[string][]any{
		newAccount: {"a", []byte{1}, 1}, // is there
		link:       {"other"},           // leads elsewhere already
		`INSERT INTO accounts (id, status, created_at) VALUES ('b', 'active', 1)`:                 nil,
		`INSERT INTO accounts (id, subject_key, status, created_at) VALUES ('b', 'k', 'lost', 1)`: nil,
		`SELECT nonsense`: nil,
	} {
		_, err := d.Exec(t.Context(), q, args...)
		if err == nil || errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func rowsBelong(t *testing.T, o db.Options) {
	d := open(t, o)
	_, err := d.Exec(t.Context(), `INSERT INTO links (id, account_id, connector, issuer, subject, created_at)
		VALUES ('l', 'nobody', 'google', 'https://i', 's', 1)`)
	if err == nil {
		t.Error("a link of no account was kept")
	}
}

func oneCurrent(t *testing.T, o db.Options) {
	d := open(t, o)
	must(t, d, newAccount, "a", []byte{1}, 1)
	insert := `INSERT INTO subjects (account_id, sector, subject, current) VALUES ('a', 'tax', $1, $2)`
	must(t, d, insert, "old", false)
	must(t, d, insert, "older", false)
	must(t, d, insert, "now", true)
	if _, err := d.Exec(t.Context(), insert, "new", true); err == nil {
		t.Error("a sector has two current subjects")
	}
}

func upserts(t *testing.T, o db.Options) {
	d := open(t, o)
	for want := int64(5); want < 8; want++ {
		var used int64
		err := d.QueryRow(t.Context(), `INSERT INTO services (account_id, app, first_used_at, last_used_at, released)
			VALUES ('a', 'tax', $1, $1, '[]') ON CONFLICT (account_id, app) DO UPDATE SET last_used_at = excluded.last_used_at
			RETURNING last_used_at`, want).Scan(&used)
		if err != nil || used != want {
			t.Errorf("got %d, %v, want %d", used, err, want)
		}
	}
	var won string
	err := d.QueryRow(t.Context(), `INSERT INTO services (account_id, app, first_used_at, last_used_at, released)
		VALUES ('a', 'tax', 1, 1, '[]') ON CONFLICT DO NOTHING RETURNING app`).Scan(&won)
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("who came second got %q, %v", won, err)
	}
}

func noRow(t *testing.T, o db.Options) {
	d := open(t, o)
	var id string
	err := d.QueryRow(t.Context(), `SELECT id FROM accounts WHERE id = $1`, "nobody").Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) || errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func accounts(t *testing.T, d *db.DB) []string {
	t.Helper()
	rows, err := d.Query(t.Context(), `SELECT id FROM accounts ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func allOrNothing(t *testing.T, o db.Options) {
	d := open(t, o)
	no := errors.New("no")
	do := func(id string, end func() error) error {
		return d.InTx(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), newAccount, id, []byte{1}, 1); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM accounts WHERE id = $1`, id).Scan(&n); err != nil || n != 1 {
				t.Errorf("the transaction sees %d of its rows, %v", n, err)
			}
			return end()
		})
	}
	if err := do("kept", func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := do("refused", func() error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	func() {
		defer func() { recover() }()
		do("panicked", func() error { panic("oh") })
	}()
	if diff := cmp.Diff([]string{"kept"}, accounts(t, d)); diff != "" {
		t.Error(diff)
	}
}

// Sixteen writers extend the chain at once: nobody fails, no number is given
// twice, none is left out.
func writersWait(t *testing.T, o db.Options) {
	d := open(t, o)
	var mu sync.Mutex
	var seqs []int64
	next := func(ctx context.Context, writer string) error {
		var seq int64
		err := d.InTx(ctx, func(tx *db.Tx) error {
			if err := tx.QueryRow(ctx, `UPDATE audit_head SET seq = seq + 1 RETURNING seq`).Scan(&seq); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO audit (seq, at, kind, account, actor, detail, previous, hash)
				VALUES ($1, 1, 'test', '', $2, '{}', '', '')`, seq, writer)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		seqs = append(seqs, seq)
		return err
	}
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for i := range 20 {
				name := fmt.Sprintf("%d-%d", w, i)
				if err := next(t.Context(), name); err != nil {
					t.Error(err)
				}
				if _, err := d.Exec(t.Context(), newAccount, name, []byte{1}, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	slices.Sort(seqs)
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Fatalf("number %d is %d", i+1, seq)
		}
	}
	if n := len(accounts(t, d)); n != 16*20 {
		t.Errorf("%d accounts", n)
	}
}

func collisions(t *testing.T, o db.Options) {
	d := open(t, o)
	collision := &pgconn.PgError{Code: "40001"}
	tries := 0
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		tries++
		must(t, tx, newAccount, "a", []byte{1}, 1)
		if tries < 3 {
			return fmt.Errorf("wrapped: %w", collision)
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}

	tries = 0
	err = d.InTx(t.Context(), func(*db.Tx) error {
		tries++
		return collision
	})
	if !errors.Is(err, collision) || tries != 5 {
		t.Errorf("%d tries, %v", tries, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err := d.InTx(ctx, func(*db.Tx) error { cancel(); return collision }); err == nil {
		t.Error("went on when nobody waited")
	}
}

func statementsObserved(t *testing.T, o db.Options) {
	var n, failed atomic.Int64
	o.Observe = func(err error, took time.Duration) {
		n.Add(1)
		if err != nil {
			failed.Add(1)
		}
		if took <= 0 {
			t.Errorf("took %v", took)
		}
	}
	d := open(t, o)
	if n.Load() != 0 {
		t.Errorf("%d statements before the first", n.Load())
	}
	must(t, d, newAccount, "a", []byte{1}, 1)
	accounts(t, d)
	d.QueryRow(t.Context(), `SELECT 1`)
	d.Exec(t.Context(), `SELECT nonsense`)
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { must(t, tx, `DELETE FROM accounts`); return nil }); err != nil {
		t.Error(err)
	}
	if got, want := n.Load(), int64(4+3); got != want { // begin and commit count
		t.Errorf("%d statements were observed, want %d", got, want)
	}
	if failed.Load() != 1 {
		t.Errorf("%d failed, want 1", failed.Load())
	}
}

func nobodyWaits(t *testing.T, o db.Options) {
	d := open(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Exec(ctx, newAccount, "a", []byte{1}, 1)
	if !errors.Is(err, context.Canceled) || errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func readBeside(t *testing.T, o db.Options) {
	d := open(t, o)
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		must(t, tx, newAccount, "a", []byte{1}, 1)
		if got := accounts(t, d); len(got) != 0 {
			t.Errorf("others see %v before the commit", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
