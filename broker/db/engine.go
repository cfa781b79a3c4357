package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// engine is a pool and what the migrations need to know about it.
type engine struct {
	pool     *sql.DB
	dialect  goose.Dialect
	options  []goose.ProviderOption
	elements string // of Verbs
}

// migrate runs the migrations that the database has not seen.
func (e engine) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := append(e.options, goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(e.dialect, e.pool, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// openPostgres makes a pool for PostgreSQL. Nodes that start at once migrate
// one after the other: an advisory lock keeps the others waiting.
func openPostgres(dsn string) (engine, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return engine{}, fmt.Errorf("read the connection string: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "councilid"
	}
	// Each connection makes room for as many statements as it may have, by default for
	// 512 of two kinds. There are fewer, of one.
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 128, 0
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // every second, for five minutes
	if err != nil {
		return engine{}, err
	}
	pool := stdlib.OpenDB(*config)
	size := max(10, 5*runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute)
	options := []goose.ProviderOption{goose.WithSessionLocker(locker)}
	return engine{pool, goose.DialectPostgres, options, `jsonb_array_elements(CAST($1 AS JSONB))`}, nil
}

// openSQLite makes a pool for an SQLite file. In WAL mode reading goes on
// beside the one writer. Transactions take the write lock when they begin, so
// that none finds out half way that another was faster.
func openSQLite(name string) (engine, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return engine{}, err
	}
	if err := create(path); err != nil {
		return engine{}, err
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(NORMAL)"},
	}.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return engine{}, err
	}
	size := max(4, runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return engine{pool, goose.DialectSQLite3, nil, `json_each($1)`}, nil
}

// create makes the file, which SQLite would make readable by all; its
// companions take after it. A file that exists is not touched: closing it
// would release the locks that this process may have on it already.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
