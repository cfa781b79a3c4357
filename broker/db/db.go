// Package db keeps the durable records: accounts, links, evidence, grants,
// keys and the audit chain. They live in PostgreSQL, or in an SQLite file
// where the council runs one node.
//
// The tables are described in migrations/*.sql, in the SQL that both databases
// share; so are all statements of the packages above. Placeholders are $1, $2
// …; INSERT … ON CONFLICT and … RETURNING work alike. SELECT … FOR UPDATE does
// not exist in SQLite: what must be decided by one of many is decided in one
// statement (INSERT … ON CONFLICT DO NOTHING, UPDATE … WHERE … RETURNING).
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Options of a DB. Exactly one of Postgres and SQLite is set.
type Options struct {
	// Postgres is a connection string or URL, as libpq has it.
	Postgres string
	// SQLite is the name of a file, for one process. It is made, readable by
	// its owner alone, if it does not exist; its directory is not.
	SQLite string
	// Observe is told of every statement: how it ended and how long it took.
	// Default: nobody is told.
	Observe func(err error, took time.Duration)
}

// DB is a pool of connections whose statements are counted. Statements that
// could not be carried out because the database cannot be reached fail with
// ErrUnavailable; the pool heals by itself when it can.
type DB struct {
	Verbs
	pool *sql.DB
}

// Open connects and brings the tables up to date.
func Open(ctx context.Context, o Options) (*DB, error) {
	e, err := o.engine()
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = func(error, time.Duration) {}
	}
	if err := e.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the database: %w", known(err)), e.pool.Close())
	}
	return &DB{Verbs{e.elements, e.pool, o.Observe}, e.pool}, nil
}

func (o Options) engine() (engine, error) {
	switch {
	case o.Postgres != "" && o.SQLite != "":
		return engine{}, errors.New("one database, please: both PostgreSQL and SQLite are given")
	case o.Postgres != "":
		return openPostgres(o.Postgres)
	case o.SQLite != "":
		return openSQLite(o.SQLite)
	}
	return engine{}, errors.New("no database is given")
}

// Close closes all connections.
func (d *DB) Close() error { return d.pool.Close() }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return known(d.pool.PingContext(ctx)) }
