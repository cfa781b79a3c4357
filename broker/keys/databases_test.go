package keys_test

import (
	"path/filepath"
	"testing"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/test/servers"
)

// onEach runs a test with an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, connect(t, db.Options{Postgres: servers.Postgres(t)})) })
}

// sqlite returns an empty SQLite database.
func sqlite(t testing.TB) *db.DB {
	t.Helper()
	return connect(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
}

func connect(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
