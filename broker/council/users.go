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
}

// users are the people in the database.
type users struct {
	db  *db.DB
	now func() time.Time
}

var errNoUser = errors.New("no such user")

// enter finds the user of an address that somebody has shown to read, and makes
// one at the first time. A returning resident costs one read.
func (u users) enter(ctx context.Context, a address) (user, error) {
	found, err := u.byAddress(ctx, a)
	if !errors.Is(err, errNoUser) {
		return found, err
	}
	// Of several who come at once one makes the user.
	_, err = u.db.Exec(ctx, `INSERT INTO council_users (id, address, address_key, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (address_key) DO NOTHING`, strings.ToLower(rand.Text()), a.Text, a.Key, u.now().UnixMicro())
	if err != nil {
		return user{}, fmt.Errorf("make a user: %w", err)
	}
	return u.byAddress(ctx, a)
}

func (u users) byAddress(ctx context.Context, a address) (user, error) {
	return u.one(ctx, `SELECT id, address, address_key, password FROM council_users WHERE address_key = $1`, a.Key)
}

func (u users) byID(ctx context.Context, id string) (user, error) {
	return u.one(ctx, `SELECT id, address, address_key, password FROM council_users WHERE id = $1`, id)
}

func (u users) one(ctx context.Context, q, arg string) (user, error) {
	var found user
	var password sql.NullString
	err := u.db.QueryRow(ctx, q, arg).Scan(&found.ID, &found.Address.Text, &found.Address.Key, &password)
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, errNoUser
	}
	if err != nil {
		return user{}, fmt.Errorf("find a user: %w", err)
	}
	found.Password = password.String
	return found, nil
}
