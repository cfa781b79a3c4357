package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

var (
	// ErrAnother says that the upstream subject leads in to another account.
	ErrAnother = errors.New("the way in belongs to another account")

	// ErrUnknownLink says that nobody signs in with that upstream subject.
	ErrUnknownLink = errors.New("no such link")
)

// FrozenError is ErrFrozen of a link, with what happened to it.
type FrozenError struct {
	What string // the provider's own word
}

// Error implements error.
func (e *FrozenError) Error() string { return "the link is frozen: " + e.What }

// Unwrap makes it an ErrFrozen.
func (e *FrozenError) Unwrap() error { return ErrFrozen }

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

// newLink is a link to an account by a sign-in, not yet stored.
func newLink(account string, in SignIn, inherit mapping.Assurance, now time.Time) Link {
	return Link{
		ID: newID(), Account: account, Connector: in.Connector, Issuer: in.Issuer, Subject: in.Subject,
		Created: now, Inherit: inherit, Own: worth(in.proofs(now)),
	}
}

// Join adds a way in to an account, for a person who has shown both: a session
// of the account, entered by the link by and worth inherit before it, and the sign-in
// in. A way in that leads there already is that link, and inherits no more than before.
// The error is ErrAnother where it leads to another account, ErrUnproven where
// inherit is less than was ever proved of the person, ErrTwoPeople where the sign-in
// proves to be somebody else's, ErrNotFound where by leads to the account no more, and
// ErrFrozen as for Enter.
func (a *Accounts) Join(ctx context.Context, account, by string, in SignIn, inherit mapping.Assurance) (Account, Link, error) {
	if err := in.check(); err != nil {
		return Account{}, Link{}, fmt.Errorf("join: %w", err)
	}
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBy(ctx, tx, account, by); err != nil {
			return err
		}
		return a.add(ctx, tx, newLink(account, in, inherit, a.now()), in, by)
	})
	if errors.Is(err, errRaced) {
		var owner string
		if owner, err = a.Whose(ctx, in.Issuer, in.Subject); err == nil && owner != account {
			err = ErrAnother
		}
	}
	if err = a.refused(ctx, "link.refused", account, in, err); err != nil {
		return Account{}, Link{}, fmt.Errorf("join: %w", err)
	}
	acc, link, _, err := a.Enter(ctx, in)
	return acc, link, err
}

// add makes a link to an account that is held. A subject that led there before, and
// was unlinked, is no stranger: it need not show more than itself.
func (a *Accounts) add(ctx context.Context, tx *db.Tx, link Link, in SignIn, by string) error {
	_, err := linkOf(ctx, tx, in.Issuer, in.Subject)
	if errors.Is(err, ErrUnknownLink) {
		err = shown(ctx, tx, link.Account, link.Inherit)
	}
	if err != nil {
		return err
	}
	made, err := insertLink(ctx, tx, link, in, by)
	if err != nil {
		return err
	}
	if err := onePerson(ctx, tx, link, in); err != nil {
		return err
	}
	if err := notify(ctx, tx, link.Account, "link-added", a.now()); err != nil {
		return err
	}
	return chain(ctx, tx, a.now(), made...)
}

// Whose is the account that an upstream subject leads in to, usable or not. It
// makes none: the error is ErrUnknownLink where nobody signs in with it.
func (a *Accounts) Whose(ctx context.Context, issuer, subject string) (account string, err error) {
	err = a.db.QueryRow(ctx, `SELECT account_id FROM links WHERE issuer = $1 AND subject = $2`, issuer, subject).Scan(&account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", ErrUnknownLink
	case err != nil:
		return "", fmt.Errorf("whose: %w", err)
	}
	return account, nil
}

// insertLink stores a link, added by whoever had come by another ("" for nobody), with
// what its first sign-in said and proved, and says what is to be audited. A dead link
// to the account comes to life: it keeps its id, whoever added it and that mail does
// not reach its address, and nothing else. Of several that race to make the same link
// one wins; the others wait for it and get errRaced, as does who finds it alive.
func insertLink(ctx context.Context, tx *db.Tx, link Link, in SignIn, by string) ([]entry, error) {
	id := link.ID
	err := tx.QueryRow(ctx, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at, last_used_at, inherit, added_by)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, `+lineOf(`$8`)+`)
		ON CONFLICT (issuer, subject) DO UPDATE SET connector = excluded.connector, created_at = excluded.created_at,
				last_used_at = excluded.last_used_at, inherit = excluded.inherit, unlinked_at = NULL
			WHERE links.account_id = excluded.account_id AND links.unlinked_at IS NOT NULL AND links.frozen_at IS NULL
		RETURNING id`,
		link.ID, link.Account, link.Connector, link.Issuer, link.Subject, link.Created.UnixMicro(), link.Inherit.String(), by).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errRaced
	}
	if err != nil {
		return nil, err
	}
	link.ID = id
	claims, err := claimsOf(link.Account, link.ID, in.Said, in.At)
	if err != nil {
		return nil, err
	}
	if err := insertClaims(ctx, tx, claims); err != nil {
		return nil, err
	}
	proved, err := insertEvidence(ctx, tx, link, in, in.proofs(link.Created), link.Created)
	made := entry{Kind: "link.created", Account: link.Account, Actor: resident, Detail: map[string]any{
		"link": link.ID, "connector": link.Connector, "inherit": link.Inherit.String(),
	}}
	if by != "" {
		made.Detail["by"] = by
	}
	return append([]entry{made}, proved...), err
}

// itsLine is lineOf, in a query of links.
const itsLine = `TRIM(id || ' ' || added_by)`

// lineOf is a link, and those by which it was added, as links.added_by has them.
func lineOf(link string) string {
	return `TRIM(` + link + ` || ' ' || COALESCE((SELECT l.added_by FROM links l WHERE l.id = ` + link + `), ''))`
}

// Freeze lets the upstream subject not lead in any more, because of what, the
// provider's own word for what happened. It tells whose the link is, and is
// ErrUnknownLink where there is none. A second time it changes nothing.
func (a *Accounts) Freeze(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.frozen", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		return changes(tx.Exec(ctx, `UPDATE links SET frozen_at = $2, frozen_why = $3 WHERE id = $1 AND frozen_at IS NULL`,
			l.ID, a.now().UnixMicro(), what))
	})
}

// Thaw lets it lead in again.
func (a *Accounts) Thaw(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.thawed", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		return changes(tx.Exec(ctx, `UPDATE links SET frozen_at = NULL, frozen_why = '' WHERE id = $1 AND frozen_at IS NOT NULL`, l.ID))
	})
}

// Unlink deletes what the provider said of the person and the evidence that it
// brought. The link is dead: it comes to life again, with nothing, when the
// person signs in by it once more. The account stays. A link that is frozen
// stays frozen.
func (a *Accounts) Unlink(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.unlinked", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		died, err := changes(tx.Exec(ctx, `UPDATE links SET unlinked_at = $2 WHERE id = $1 AND unlinked_at IS NULL`,
			l.ID, a.now().UnixMicro()))
		if err != nil || !died {
			return false, err
		}
		return true, forget(ctx, tx, l.Account, l.ID)
	})
}

// told does to a link what a provider told of its subject, and audits it where
// that changes anything. do must hold the link's row.
func (a *Accounts) told(ctx context.Context, kind, issuer, subject, what string, do func(*db.Tx, Link) (bool, error)) (Link, error) {
	var link Link
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		var err error
		if link, err = linkOf(ctx, tx, issuer, subject); err != nil {
			return err
		}
		changed, err := do(tx, link)
		if err != nil || !changed {
			return err
		}
		detail := map[string]any{"link": link.ID, "connector": link.Connector, "what": what}
		return chain(ctx, tx, a.now(), entry{Kind: kind, Account: link.Account, Actor: provider, Detail: detail})
	})
	if err != nil {
		return Link{}, fmt.Errorf("%s: %w", kind, err)
	}
	return link, nil
}

// linkOf finds whose a link is, and keeps others from moving it until tx ends; what
// it proves is not read.
func linkOf(ctx context.Context, tx *db.Tx, issuer, subject string) (Link, error) {
	l := Link{Issuer: issuer, Subject: subject}
	var created int64
	err := tx.QueryRow(ctx, `UPDATE links SET connector = connector WHERE issuer = $1 AND subject = $2
		RETURNING id, account_id, connector, created_at`, issuer, subject).Scan(&l.ID, &l.Account, &l.Connector, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return Link{}, ErrUnknownLink
	}
	l.Created = time.UnixMicro(created)
	return l, err
}
