// Package accounts keeps the council identities: who a resident is to the
// council, whichever provider vouched for them today.
//
// An account has links, one for each upstream subject that leads in to it. A
// link is found by issuer and subject alone. An e-mail address, however well
// verified, never leads to an account: it can change hands, and two people can
// share one. A link is made at a person's first sign-in, with a new account.
//
// What a returning resident's sign-in adds to the account (when, which app,
// what the provider said) is not written by [Accounts.Enter] but folded in
// later by [Accounts.Record], many sign-ins at a time.
package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

var (
	// ErrFrozen says that the account, or the link that leads in to it, may
	// not be used for now.
	ErrFrozen = errors.New("the account or its link is frozen")

	// ErrNotFound says that there is no such account, or not any more.
	ErrNotFound = errors.New("no such account")
)

// Account is one council identity.
type Account struct {
	ID         string            `json:"id"`
	SubjectKey []byte            `json:"subject_key"`        // derives the pairwise subjects
	Subjects   map[string]string `json:"subjects,omitempty"` // sector to subject, where one is pinned (a merge, an import)
	Level      mapping.Assurance `json:"level,omitzero"`     // what valid evidence proves of the person, whichever way in brought it
}

// Subject is the account's identifier for the apps of a sector.
func (a Account) Subject(sector string) string {
	if pinned, ok := a.Subjects[sector]; ok {
		return pinned
	}
	return mapping.Pairwise(a.SubjectKey, sector)
}

// Link is one way in to an account.
type Link struct {
	ID        string
	Account   string // where it leads
	Connector string
	Issuer    string
	Subject   string
	Created   time.Time
	Inherit   mapping.Assurance // what the session was worth in which it was linked: the most that it borrows from other evidence
	Own       mapping.Assurance // what valid evidence that it brought itself proves
}

// SignIn is one successful sign-in through a connector.
type SignIn struct {
	Connector string
	Issuer    string
	Subject   string
	Said      mapping.Statement
	Level     mapping.Assurance // what it proves, capped
	Until     time.Time         // how long identity and residency stay proved by it
	At        time.Time
}

// Accounts are the council identities in a database.
type Accounts struct {
	db  *db.DB
	now func() time.Time
}

// Open returns the accounts in d.
func Open(d *db.DB, now func() time.Time) *Accounts { return &Accounts{db: d, now: now} }

// Enter finds the account that the sign-in's issuer and subject are linked to,
// and makes it at the first sign-in, which first reports. A returning resident
// costs one SQL read and no write. The error is ErrFrozen where the account or
// the link may not be used.
func (a *Accounts) Enter(ctx context.Context, in SignIn) (acc Account, link Link, first bool, err error) {
	if in.Issuer == "" || in.Subject == "" {
		// Everybody whose provider left one out would share an account.
		return Account{}, Link{}, false, errors.New("enter: the sign-in has no issuer or no subject")
	}
	acc, link, err = a.find(ctx, in.Issuer, in.Subject)
	if !errors.Is(err, ErrNotFound) {
		return acc, link, false, err
	}
	acc, link, err = a.create(ctx, in)
	if errors.Is(err, errRaced) {
		acc, link, err = a.find(ctx, in.Issuer, in.Subject)
		return acc, link, false, err
	}
	return acc, link, err == nil, err
}

// entering selects a link and everything that a login needs in one statement.
// There is a row for each pinned subject, and one row without where there is
// none.
const entering = `SELECT l.id, l.connector, l.issuer, l.subject, l.created_at, l.frozen_at IS NOT NULL,
		a.id, a.subject_key, a.status, s.sector, s.subject
	FROM links l
	JOIN accounts a ON a.id = l.account_id
	LEFT JOIN subjects s ON s.account_id = a.id AND s.current`

// enter finds a link by its UNIQUE index.
const enter = entering + ` WHERE l.issuer = $1 AND l.subject = $2`

func (a *Accounts) find(ctx context.Context, issuer, subject string) (Account, Link, error) {
	acc, link, err := a.one(ctx, enter, issuer, subject)
	if err != nil {
		return Account{}, Link{}, fmt.Errorf("enter: %w", err)
	}
	return acc, link, nil
}

// Reenter finds the account again that somebody entered by a link before, as
// both are now. The error is ErrFrozen where the account or the link may not be
// used, and ErrNotFound where the account is gone or the link leads to it no
// more.
func (a *Accounts) Reenter(ctx context.Context, account, link string) (Account, Link, error) {
	acc, l, err := a.one(ctx, entering+` WHERE a.id = $1 AND l.id = $2`, account, link)
	if err != nil {
		return Account{}, Link{}, fmt.Errorf("reenter: %w", err)
	}
	return acc, l, nil
}

// one reads the link whose rows q selects, and the account.
func (a *Accounts) one(ctx context.Context, q string, args ...any) (Account, Link, error) {
	rows, err := a.db.Query(ctx, q, args...)
	if err != nil {
		return Account{}, Link{}, err
	}
	defer rows.Close()

	var acc Account
	var link Link
	var created int64
	var frozen bool
	var status string
	var sector, subject sql.NullString
	for rows.Next() {
		err := rows.Scan(&link.ID, &link.Connector, &link.Issuer, &link.Subject, &created, &frozen,
			&acc.ID, &acc.SubjectKey, &status, &sector, &subject)
		if err != nil {
			return Account{}, Link{}, err
		}
		if sector.Valid {
			if acc.Subjects == nil {
				acc.Subjects = map[string]string{}
			}
			acc.Subjects[sector.String] = subject.String
		}
	}
	if err := rows.Err(); err != nil {
		return Account{}, Link{}, err
	}
	if frozen {
		return Account{}, Link{}, ErrFrozen
	}
	link.Account, link.Created = acc.ID, time.UnixMicro(created)
	return acc, link, usable(status)
}

// usable says what an account's status means to whoever wants to use it.
func usable(status string) error {
	switch status {
	case "active":
		return nil
	case "frozen":
		return ErrFrozen
	}
	return ErrNotFound // "", merged, erased
}

// errRaced says that the link was made by somebody else meanwhile.
var errRaced = errors.New("the link exists")

// create makes an account with its first link.
func (a *Accounts) create(ctx context.Context, in SignIn) (Account, Link, error) {
	now := a.now()
	acc := Account{ID: newID(), SubjectKey: make([]byte, 32)}
	rand.Read(acc.SubjectKey)
	link := Link{ID: newID(), Account: acc.ID, Connector: in.Connector, Issuer: in.Issuer, Subject: in.Subject, Created: now}
	claims, err := claimsOf(acc.ID, link.ID, in.Said, in.At)
	if err != nil {
		return Account{}, Link{}, fmt.Errorf("create an account: %w", err)
	}
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := insertAccount(ctx, tx, acc, link); err != nil {
			return err
		}
		if err := insertClaims(ctx, tx, claims); err != nil {
			return err
		}
		by := map[string]any{"link": link.ID, "connector": link.Connector}
		return chain(ctx, tx, now,
			entry{Kind: "account.created", Account: acc.ID, Actor: resident, Detail: by},
			entry{Kind: "link.created", Account: acc.ID, Actor: resident, Detail: by})
	})
	if err != nil {
		return Account{}, Link{}, fmt.Errorf("create an account: %w", err)
	}
	return acc, link, nil
}

// insertAccount inserts an account with one link. Of several that race to make
// the same link one wins; the others wait for it and get errRaced.
func insertAccount(ctx context.Context, tx *db.Tx, acc Account, link Link) error {
	created := link.Created.UnixMicro()
	_, err := tx.Exec(ctx, `INSERT INTO accounts (id, subject_key, status, created_at) VALUES ($1, $2, 'active', $3)`,
		acc.ID, acc.SubjectKey, created)
	if err != nil {
		return err
	}
	res, err := tx.Exec(ctx, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at, last_used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (issuer, subject) DO NOTHING`,
		link.ID, acc.ID, link.Connector, link.Issuer, link.Subject, created)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errRaced)
	}
	return nil
}

// newID returns a random identifier. It says nothing about the person.
func newID() string { return strings.ToLower(rand.Text()) }
