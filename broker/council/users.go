package council

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// user is somebody who reads an address.
type user struct {
	ID       string // random: says nothing about the person
	Address  address
	Password string // as hash makes it; "" for none
	Changes  int64  // how often it was changed how they sign in
	Created  time.Time
}

// users are the people in the database.
type users struct {
	db  *db.DB
	now func() time.Time
}

var errNoUser = errors.New("no such user")

// enter finds the user of an address that somebody has shown to read, and makes
// one at the first time.
func (u users) enter(ctx context.Context, a address) (holder, error) {
	found, err := u.byAddress(ctx, a)
	if errors.Is(err, errNoUser) {
		found, err = u.create(ctx, a)
	}
	if err != nil {
		return holder{}, err
	}
	return u.holding(ctx, found)
}

// create makes a user. Of several who come at once one does.
func (u users) create(ctx context.Context, a address) (user, error) {
	_, err := u.db.Exec(ctx, `INSERT INTO council_users (id, address, address_key, changes, created_at) VALUES ($1, $2, $3, 0, $4)
		ON CONFLICT (address_key) DO NOTHING`, strings.ToLower(rand.Text()), a.Text, a.Key, u.now().UnixMicro())
	if err != nil {
		return user{}, fmt.Errorf("make a user: %w", err)
	}
	return u.byAddress(ctx, a)
}

func (u users) byAddress(ctx context.Context, a address) (user, error) {
	return u.one(ctx, `SELECT id, address, address_key, password, changes, created_at FROM council_users WHERE address_key = $1`, a.Key)
}

func (u users) byID(ctx context.Context, id string) (user, error) {
	return u.one(ctx, `SELECT id, address, address_key, password, changes, created_at FROM council_users WHERE id = $1`, id)
}

func (u users) one(ctx context.Context, q, arg string) (user, error) {
	var found user
	var password sql.NullString
	var created int64
	err := u.db.QueryRow(ctx, q, arg).Scan(&found.ID, &found.Address.Text, &found.Address.Key, &password, &found.Changes, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, errNoUser
	}
	if err != nil {
		return user{}, fmt.Errorf("find a user: %w", err)
	}
	found.Password, found.Created = password.String, time.UnixMicro(created)
	return found, nil
}

// errStale says that it was changed meanwhile how the user signs in.
var errStale = errors.New("the user was changed by somebody else")

// change makes a change to how the user signs in, to the user as who was read:
// what somebody may change follows from that. Of two who change one user at
// once, one does.
func (u users) change(ctx context.Context, who user, do func(tx *db.Tx) error) error {
	return u.db.InTx(ctx, func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE council_users SET changes = changes + 1 WHERE id = $1 AND changes = $2`, who.ID, who.Changes)
		if err := changed(res, err, errStale); err != nil {
			return err
		}
		return do(tx)
	})
}

// changed is err, or none where a row was to change and did not.
func changed(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

// setPassword keeps the hash of the user's new password, "" for none.
func (u users) setPassword(ctx context.Context, who user, hash string) error {
	return u.change(ctx, who, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE council_users SET password = $1 WHERE id = $2`, sql.NullString{String: hash, Valid: hash != ""}, who.ID)
		return err
	})
}

// rehash keeps another hash of the same password, unless it was changed
// meanwhile.
func (u users) rehash(ctx context.Context, who user, hash string) error {
	_, err := u.db.Exec(ctx, `UPDATE council_users SET password = $1 WHERE id = $2 AND password = $3`, hash, who.ID, who.Password)
	return err
}

// move gives the user another address. The error is errTaken where it is
// another user's.
func (u users) move(ctx context.Context, who user, to address) error {
	return u.change(ctx, who, func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE council_users SET address = $1, address_key = $2
			WHERE id = $3 AND NOT EXISTS (SELECT 1 FROM council_users WHERE address_key = $2 AND id <> $3)`, to.Text, to.Key, who.ID)
		return changed(res, err, errTaken)
	})
}
