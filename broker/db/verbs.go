package db

import (
	"context"
	"database/sql"
	"time"
)

// Verbs run statements, on the pool or in a transaction, and count them. What
// works in both takes Verbs.
type Verbs struct {
	// Elements is a table for a FROM: the elements of the JSON array that the
	// placeholder $1 holds, each in a column named value. So one argument brings any
	// number of rows, by a statement that is prepared once.
	Elements string

	on interface {
		ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
	}
	observe func(err error, took time.Duration)
}

// Exec runs a statement that returns no rows.
func (v Verbs) Exec(ctx context.Context, q string, args ...any) (sql.Result, error) {
	start := time.Now()
	res, err := v.on.ExecContext(ctx, q, args...)
	return res, v.ended(err, start)
}

// Query runs a statement that returns rows.
func (v Verbs) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	start := time.Now()
	rows, err := v.on.QueryContext(ctx, q, args...)
	return rows, v.ended(err, start)
}

// QueryRow runs a statement that returns at most one row.
func (v Verbs) QueryRow(ctx context.Context, q string, args ...any) *Row {
	start := time.Now()
	row := v.on.QueryRowContext(ctx, q, args...)
	v.ended(row.Err(), start)
	return &Row{row}
}

// ended counts a statement and returns its error as callers know it.
func (v Verbs) ended(err error, start time.Time) error {
	err = known(err)
	v.observe(err, time.Since(start))
	return err
}

// Row is the answer of QueryRow.
type Row struct{ row *sql.Row }

// Scan copies the columns into dest. It returns sql.ErrNoRows where there was
// no row.
func (r *Row) Scan(dest ...any) error { return known(r.row.Scan(dest...)) }
