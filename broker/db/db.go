package db

// STUB: signatures agreed; implementation follows.

import (
	"context"
	"database/sql"
	"time"
)

type Options struct {
	Postgres string // connection string; or
	SQLite   string // file name
	Observe  func(err error, took time.Duration)
}

// DB is a pool of connections whose statements are counted.
type DB struct{}

func Open(ctx context.Context, o Options) (*DB, error)                            { panic("stub") }
func (d *DB) Close() error                                                        { panic("stub") }
func (d *DB) Ping(ctx context.Context) error                                      { panic("stub") }
func (d *DB) Exec(ctx context.Context, q string, args ...any) (sql.Result, error) { panic("stub") }
func (d *DB) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) { panic("stub") }
func (d *DB) QueryRow(ctx context.Context, q string, args ...any) *sql.Row        { panic("stub") }
func (d *DB) InTx(ctx context.Context, do func(*Tx) error) error                  { panic("stub") }

// Tx is a transaction with the same three verbs.
type Tx struct{}

func (t *Tx) Exec(ctx context.Context, q string, args ...any) (sql.Result, error) { panic("stub") }
func (t *Tx) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) { panic("stub") }
func (t *Tx) QueryRow(ctx context.Context, q string, args ...any) *sql.Row        { panic("stub") }
