package db_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
)

func TestNodesStartAtOnce(t *testing.T) {
	o := db.Options{Postgres: servers.Postgres(t)}
	var nodes sync.WaitGroup
	for range 8 {
		nodes.Go(func() {
			d, err := db.Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			d.Close()
		})
	}
	nodes.Wait()
	migrateAgain(t, o)
}

func TestDeadlockIsTriedAgain(t *testing.T) {
	d := open(t, db.Options{Postgres: servers.Postgres(t)})
	must(t, d, newAccount, "a", []byte{1}, 1)
	must(t, d, newAccount, "b", []byte{1}, 1)
	var met, ended sync.WaitGroup
	met.Add(2)
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		ended.Go(func() {
			wait := sync.OnceFunc(func() { met.Done(); met.Wait() }) // until both hold one row
			err := d.InTx(t.Context(), func(tx *db.Tx) error {
				for _, id := range order {
					if _, err := tx.Exec(t.Context(), `UPDATE accounts SET created_at = created_at + 1 WHERE id = $1`, id); err != nil {
						return err
					}
					wait()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	var sum int
	if err := d.QueryRow(t.Context(), `SELECT sum(created_at) FROM accounts`).Scan(&sum); err != nil || sum != 6 {
		t.Errorf("sum is %d, %v", sum, err)
	}
}

func TestPostgresStopsAndComesBack(t *testing.T) {
	server := servers.StartPostgres(t)
	o := db.Options{Postgres: server.Database(t)}
	d := open(t, o)
	must(t, d, newAccount, "a", []byte{1}, 1)
	statements := map[string]func() error{
		"Ping": func() error { return d.Ping(t.Context()) },
		"Exec": func() error {
			_, err := d.Exec(t.Context(), `UPDATE accounts SET created_at = created_at + 1`)
			return err
		},
		"Query": func() error {
			rows, err := d.Query(t.Context(), `SELECT id FROM accounts`)
			if err == nil {
				rows.Close()
			}
			return err
		},
		"QueryRow": func() error { return d.QueryRow(t.Context(), `SELECT id FROM accounts`).Scan(new(string)) },
		"InTx":     func() error { return d.InTx(t.Context(), func(tx *db.Tx) error { return nil }) },
	}

	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		server.Stop(t)
		_, err := tx.Exec(t.Context(), `SELECT 1`)
		return err
	})
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("in the middle of a transaction: %v", err)
	}
	for name, do := range statements {
		if err := do(); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s without PostgreSQL: %v", name, err)
		}
	}
	if _, err := db.Open(t.Context(), o); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Open without PostgreSQL: %v", err)
	}

	server.Start(t)
	for name, do := range statements {
		if err := do(); err != nil {
			t.Errorf("%s after PostgreSQL came back: %v", name, err)
		}
	}
}

func TestPostgresEndsTheConnection(t *testing.T) {
	d := open(t, db.Options{Postgres: servers.Postgres(t)})
	_, err := d.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`) // as a shutdown or a failover does
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	must(t, d, newAccount, "a", []byte{1}, 1)
}

// The pool still holds connections that died while nobody looked: they are
// replaced before anybody is told.
func TestPostgresRestartsUnnoticed(t *testing.T) {
	server := servers.StartPostgres(t)
	d := open(t, db.Options{Postgres: server.Database(t)})
	must(t, d, newAccount, "a", []byte{1}, 1)
	server.Stop(t)
	server.Start(t)
	must(t, d, newAccount, "b", []byte{1}, 1)
	if got := accounts(t, d); len(got) != 2 {
		t.Errorf("accounts %v", got)
	}
}

func TestPasswordIsNotTold(t *testing.T) {
	for _, dsn := range []string{
		"postgres://councilid:geheim@127.0.0.1:1/x?connect_timeout=1",
		"postgres://councilid:geheim@127.0.0.1:port/x",
		"host=127.0.0.1 port=1 password=geheim connect_timeout=x",
	} {
		start := time.Now()
		_, err := db.Open(t.Context(), db.Options{Postgres: dsn})
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	}
}
