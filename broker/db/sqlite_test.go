package db_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/db"
)

func TestSQLiteIsDurable(t *testing.T) {
	o := db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")}
	d := open(t, o)
	must(t, d, newAccount, "a", []byte{1}, 1)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a"}, accounts(t, open(t, o))); diff != "" {
		t.Error(diff)
	}
}

// A transaction that reads before it writes has the write lock from the start:
// it never finds out half way that what it read is old.
func TestSQLiteTransactionsDoNotCollide(t *testing.T) {
	d := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")})
	const writers, each = 8, 50
	var runs atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				err := d.InTx(t.Context(), func(tx *db.Tx) error {
					runs.Add(1)
					var seq int64
					if err := tx.QueryRow(t.Context(), `SELECT seq FROM audit_head`).Scan(&seq); err != nil {
						return err
					}
					_, err := tx.Exec(t.Context(), `UPDATE audit_head SET seq = $1`, seq+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var seq int64
	if err := d.QueryRow(t.Context(), `SELECT seq FROM audit_head`).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	if seq != writers*each || runs.Load() != writers*each {
		t.Errorf("%d runs made %d changes, want %d", runs.Load(), seq, writers*each)
	}
}

func TestSQLiteIsPrivate(t *testing.T) {
	dir := t.TempDir()
	d := open(t, db.Options{SQLite: filepath.Join(dir, "councilid.db")})
	must(t, d, newAccount, "a", []byte{1}, 1)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 { // with the log and its index
		t.Errorf("files are %v", files)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

func TestOneDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "councilid.db")
	for name, o := range map[string]db.Options{
		"none":         {},
		"both":         {Postgres: "host=127.0.0.1", SQLite: file},
		"no directory": {SQLite: filepath.Join(file, "councilid.db")},
	} {
		if d, err := db.Open(t.Context(), o); err == nil {
			d.Close()
			t.Errorf("%s: opened", name)
		}
	}
}
