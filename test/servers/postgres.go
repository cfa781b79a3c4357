package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a PostgreSQL that listens on a socket in its folder and
// trusts whoever may enter it.
type PostgresServer struct{ process }

// shared is the PostgreSQL of the whole test process: to start one takes
// seconds. It ends with the process.
var shared = sync.OnceValues(newPostgres)

// Postgres returns the connection string of a fresh database.
func Postgres(tb testing.TB) string {
	tb.Helper()
	Program(tb, "postgres", "postgres")
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return s.Database(tb)
}

// StartPostgres starts a PostgreSQL that the test may stop and start again.
func StartPostgres(tb testing.TB) *PostgresServer {
	tb.Helper()
	Program(tb, "postgres", "postgres")
	s, err := newPostgres()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.end)
	return s
}

// Database makes a fresh database and returns its connection string.
func (s *PostgresServer) Database(tb testing.TB) string {
	tb.Helper()
	name := "test_" + rand.Text()
	if err := s.run("CREATE DATABASE " + pgx.Identifier{name}.Sanitize()); err != nil {
		tb.Fatal(err)
	}
	return s.dsn(name)
}

func (s *PostgresServer) dsn(database string) string {
	return fmt.Sprintf("host=%s user=councilid dbname=%s sslmode=disable", s.folder, database)
}

// run runs a statement in the database that every server has.
func (s *PostgresServer) run(statement string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// newPostgres makes and starts a server that may lose everything in a crash,
// which makes it quick.
func newPostgres() (*PostgresServer, error) {
	owner, err := account("postgres") // which refuses to be run by root
	if err != nil {
		return nil, err
	}
	dir, err := folder(owner)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initialise(data, owner); err != nil {
		return nil, err
	}
	program, err := find("postgres")
	if err != nil {
		return nil, err
	}
	s := &PostgresServer{process{folder: dir, user: owner, args: []string{
		program, "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "shared_buffers=16MB",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
	}}}
	s.ready = func() error { return s.run("SELECT 1") }
	return s, s.start()
}

func initialise(data string, owner *syscall.Credential) error {
	program, err := find("initdb")
	if err != nil {
		return err
	}
	cmd := exec.Command(program, "-D", data, "-U", "councilid", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = filepath.Dir(data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}
