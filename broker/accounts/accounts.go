// Package accounts keeps the council identities: who a resident is to the
// council, whichever provider vouched for them today.
//
// An account has links, one for each upstream subject that leads in to it. A
// link is found by issuer and subject alone. An e-mail address, however well
// verified, never leads to an account: it can change hands, and two people can
// share one. A link is made at a person's first sign-in, with a new account, or
// by [Accounts.Join] for somebody who has proved both sides. Who resembles somebody
// known is asked before an account is made, and no more than that: see [ErrResembles].
//
// Where one person has two accounts all the same, one absorbs the other: see [Merge].
// Apps know them by what they knew them by before, and it can be undone.
//
// What people decide lives here as well: what apps may know of them (consents), who may
// act for them (delegations), and that they leave ([Accounts.Delete]). Whatever changes
// an account is chained (see [Accounts.VerifyAudit]) and left in the outbox for whom it
// concerns, in its transaction.
//
// An account has evidence, of what was proved of the person by which link and
// until when. It counts for no more than its connector is believed today. How much
// of it a sign-in is worth is said by [mapping.Effective].
//
// What a returning resident's sign-in adds to the account (when, which app,
// what the provider said) is not written by [Accounts.Enter] but folded in
// later by [Accounts.Record], many sign-ins at a time.
package accounts

import (
	"context"
	"crypto/rand"
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
	Ever       mapping.Assurance `json:"ever,omitzero"`      // what any evidence ever did, whether or not it counts today
	Words      []mapping.Word    `json:"-"`                  // what every source that leads in last said of the person; none where the sign-in says all of it anew
	Leaves     time.Time         `json:"leaves,omitzero"`    // when it is erased, which the resident has asked for; the zero time: never
}

// Subject is the account's identifier for the apps of a sector.
func (a Account) Subject(sector string) string {
	if pinned, ok := a.Subjects[sector]; ok {
		return pinned
	}
	return mapping.Pairwise(a.SubjectKey, sector)
}

// SignIn is one successful sign-in through a connector.
type SignIn struct {
	Connector string
	Issuer    string
	Subject   string
	Said      mapping.Statement
	Level     mapping.Assurance // what it proves, capped
	At        time.Time

	// Alone says that the person has no account yet, or wants another one: they were
	// asked where they resemble somebody.
	Alone bool

	// How long identity and residency stay proved by it; the zero time: for good.
	IdentityUntil, ResidencyUntil time.Time
}

// Accounts are the council identities in a database. The exported fields are set
// before the first use and do not change.
type Accounts struct {
	// CoolingOff is how long a resident may think again who has deleted their
	// account.
	CoolingOff time.Duration
	// Sector is the sector of an app, or "" where there is no such app any more.
	Sector func(app string) string
	// UndoTime is how long a merge of two accounts can be undone.
	UndoTime time.Duration
	// Keepers keep more of the people who sign in by them, by issuer.
	Keepers map[string]Keeper

	db  *db.DB
	now func() time.Time
	cap func(connector string) mapping.Assurance
}

// Open returns the accounts in d. cap is the most that a connector is believed:
// what evidence it brought when it was believed more counts for no more than
// that, and for nothing where the connector is gone.
func Open(d *db.DB, now func() time.Time, cap func(connector string) mapping.Assurance) *Accounts {
	return &Accounts{db: d, now: now, cap: cap}
}

// check refuses a sign-in of nobody in particular: everybody whose provider left
// the issuer or the subject out would share an account.
func (in SignIn) check() error {
	if in.Issuer == "" || in.Subject == "" {
		return errors.New("the sign-in has no issuer or no subject")
	}
	return nil
}

// Enter finds the account that the sign-in's issuer and subject are linked to,
// and makes it at the first sign-in, which first reports. A returning resident
// costs one SQL read, and a write only where the sign-in proves more of the
// person than is known, keeps an account that nobody had used for long, or brings
// another e-mail address than one that mail does not reach. The error is ErrFrozen
// where the account or the link may not be used, with the reason as a FrozenError
// where a provider gave one; and ErrResembles, and nothing is made, at a first
// sign-in that resembles an account, unless it is to be another one.
func (a *Accounts) Enter(ctx context.Context, in SignIn) (acc Account, link Link, first bool, err error) {
	if err := in.check(); err != nil {
		return Account{}, Link{}, false, fmt.Errorf("enter: %w", err)
	}
	e, err := a.find(ctx, enter, in.saidNow(), in.Issuer, in.Subject)
	switch {
	case errors.Is(err, errDead):
		// What the link is worth follows from this sign-in alone, as at the first.
		acc, link, err = a.Join(ctx, e.account.ID, "", in, in.Level)
		return acc, link, false, err
	case errors.Is(err, ErrNotFound) && e.link.ID == "":
		e, err = a.create(ctx, in)
		first = err == nil
	case err == nil:
		e, err = a.welcome(ctx, e, in)
	}
	if errors.Is(err, errRaced) {
		if e, err = a.find(ctx, enter, in.saidNow(), in.Issuer, in.Subject); err == nil {
			e, err = a.welcome(ctx, e, in)
		}
	}
	if err != nil {
		return Account{}, Link{}, false, fmt.Errorf("enter: %w", err)
	}
	return e.account, e.link, first, nil
}

// welcome writes down what a returning resident's sign-in changes.
func (a *Accounts) welcome(ctx context.Context, e entrance, in SignIn) (entrance, error) {
	if e.idle {
		if err := a.stay(ctx, e.account.ID); err != nil {
			return e, err
		}
	}
	if e.movesOn(in.Said) {
		if _, err := a.Deliverable(ctx, in.Issuer, in.Subject, otherAddress); err != nil {
			return e, err
		}
	}
	return a.prove(ctx, e, in)
}

// Reenter finds the account again that somebody entered by a link before, as
// both are now. The error is ErrFrozen where the account or the link may not be
// used, and ErrNotFound where the account is gone or the link leads to it no
// more.
func (a *Accounts) Reenter(ctx context.Context, account, link string) (Account, Link, error) {
	e, err := a.find(ctx, entering+` WHERE a.id = $2 AND l.id = $3`, nothing, account, link)
	if err != nil {
		return Account{}, Link{}, fmt.Errorf("reenter: %w", err)
	}
	return e.account, e.link, nil
}

var (
	// errRaced says that the link was made, moved or ended by somebody else meanwhile.
	errRaced = errors.New("the link was changed meanwhile")

	// errDead says that the link was unlinked.
	errDead = fmt.Errorf("the link is dead: %w", ErrNotFound)
)

// create makes an account with its first link.
func (a *Accounts) create(ctx context.Context, in SignIn) (entrance, error) {
	now := a.now()
	acc := Account{ID: newID(), SubjectKey: make([]byte, 32)}
	rand.Read(acc.SubjectKey)
	link := newLink(acc.ID, in, in.Level, now)
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		like := in.resembling()
		unlike, err := changes(tx.Exec(ctx, makeUnlike, acc.ID, acc.SubjectKey, now.UnixMicro(), like[0], like[1], in.Issuer, in.Subject))
		if err != nil {
			return err
		}
		if !unlike {
			return ErrResembles
		}
		made, err := insertLink(ctx, tx, link, in, "")
		if err != nil {
			return err
		}
		by := map[string]any{"link": link.ID, "connector": link.Connector}
		created := entry{Kind: "account.created", Account: acc.ID, Actor: resident, Detail: by}
		return chain(ctx, tx, now, append([]entry{created}, made...)...)
	})
	if err != nil {
		return entrance{}, fmt.Errorf("create an account: %w", err)
	}
	e := entrance{account: acc, link: link}
	e.add(link.Own)
	return e, nil
}

// newID returns a random identifier. It says nothing about the person.
func newID() string { return strings.ToLower(rand.Text()) }
