package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrUnavailable says that the database could not be reached or could not do
// its work for now. The cause is wrapped beside it.
var ErrUnavailable = errors.New("the database is unavailable")

// collided reports whether a transaction was ended because of another one and
// may be tried again.
func collided(err error) bool {
	return slices.Contains([]string{"40001", "40P01"}, state(err)) || // serialization_failure, deadlock_detected
		code(err)&0xff == sqlite3.SQLITE_BUSY
}

// known adds ErrUnavailable to the errors that mean it.
func known(err error) error {
	if err == nil || !unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func unavailable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		return false // nobody waits for it any more; or it is said already
	}
	if s := state(err); s != "" {
		return away(s)
	}
	if c := code(err); c != 0 {
		return slices.Contains([]int{
			sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
			sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
		}, c&0xff)
	}
	return unreachable(err)
}

// away reports whether PostgreSQL's error means that it cannot serve anybody:
// its classes 08 (connection), 53 (insufficient resources), 57P (shutting
// down, starting up) and 58 (system), or 25006, a standby after a failover.
func away(state string) bool {
	return slices.ContainsFunc([]string{"08", "53", "57P", "58", "25006"}, func(class string) bool {
		return len(state) >= len(class) && state[:len(class)] == class
	})
}

// unreachable reports whether err comes from the connection, not the database.
func unreachable(err error) bool {
	for _, gone := range []error{
		context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone,
		io.EOF, io.ErrUnexpectedEOF, pgconn.ErrConnClosed, net.ErrClosed,
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	_, connect := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connect || network
}

// state is the SQLSTATE of PostgreSQL's error, or "".
func state(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// code is the extended result code of SQLite's error, or 0. Its low byte is
// the primary code.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}
