package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/councilid/councilid/mapping"
)

// An entrance is a link, the account that it leads to, and the valid evidence
// that it brought.
type entrance struct {
	account Account
	link    Link
	own     []proof
	proved  map[string]worthOf // by link
	idle    bool               // the account is to be erased unless somebody signs in

	undeliverable string // of the link: which address it is that mail does not reach, as addressKey has it
}

// worthOf is what evidence of one link proves of the person: valid evidence, and
// any that there ever was.
type worthOf struct{ valid, ever mapping.Assurance }

// add adds what a sign-in proves by the link of the entrance.
func (e *entrance) add(proved mapping.Assurance) {
	e.link.Own = e.link.Own.Join(proved)
	e.note(e.link.ID, proved, proved)
	e.attribute()
}

// note adds evidence of a link.
func (e *entrance) note(link string, valid, ever mapping.Assurance) {
	if e.proved == nil {
		e.proved = map[string]worthOf{}
	}
	of := e.proved[link]
	e.proved[link] = worthOf{of.valid.Join(valid), of.ever.Join(ever)}
	e.account.Level, e.account.Ever = e.account.Level.Join(valid), e.account.Ever.Join(ever)
}

// attribute says of every word what was proved where it came from. Evidence that came by
// no way in is not of what residents say of themselves.
func (e *entrance) attribute() {
	for i := range e.account.Words {
		w := &e.account.Words[i]
		if w.Link == "" {
			continue
		}
		w.Proved, w.Guard = e.proved[w.Link].valid, e.proved[w.Link].ever
	}
}

// entering selects a link and everything that a login needs in one statement.
// There is a row for each pinned subject and each piece of evidence, in every
// combination, and one row where there is none of either. Which evidence counts
// is decided below: most people have none, and a longer statement costs them
// more than an old row costs the others.
const entering = `SELECT l.id, l.connector, l.issuer, l.subject, l.created_at, l.inherit, l.frozen_at, l.frozen_why, l.unlinked_at, l.undeliverable_of,
		a.id, a.subject_key, a.status, a.leaves_at, a.leaves_why, s.sector, s.subject,
		e.levels, e.connector, e.valid_until, e.link_id, COALESCE(k.frozen_at, k.unlinked_at),
		` + saidOf + `
	FROM links l
	JOIN accounts a ON a.id = l.account_id
	LEFT JOIN subjects s ON s.account_id = a.id AND s.current
	LEFT JOIN evidence e ON e.account_id = a.id
	LEFT JOIN links k ON k.id = e.link_id`

// enter finds a link by its UNIQUE index.
const enter = entering + ` WHERE l.issuer = $2 AND l.subject = $3`

// find reads the entrance whose rows q selects. The error is ErrNotFound or
// ErrFrozen where nobody gets in by it; of one that is errDead, it tells whose it
// was.
func (a *Accounts) find(ctx context.Context, q string, args ...any) (entrance, error) {
	rows, err := a.db.Query(ctx, q, args...)
	if err != nil {
		return entrance{}, err
	}
	defer rows.Close()

	var e entrance
	var r entranceRow
	columns, now := r.columns(&e), a.now()
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return entrance{}, err
		}
		if err := r.addTo(&e, now, a.cap); err != nil {
			return entrance{}, err
		}
	}
	if err := rows.Err(); err != nil {
		return entrance{}, err
	}
	e.link.Account, e.link.Created = e.account.ID, time.UnixMicro(r.created)
	if e.idle = r.leavesWhy == inactive; !e.idle {
		e.account.Leaves = moment(r.leaves)
	}
	if e.account.Words, err = parseWords(r.said.String); err != nil {
		return entrance{}, fmt.Errorf("account %s: %w", e.account.ID, err)
	}
	e.attribute()
	return e, r.usable()
}

// entranceRow is what one row has besides the texts of an entrance.
type entranceRow struct {
	created         int64
	inherit         sql.NullString
	frozen, dead    sql.NullInt64 // since when
	why, status     string
	leaves          sql.NullInt64
	leavesWhy       string
	sector, subject sql.NullString

	levels     sql.NullString
	connector  sql.NullString // by which it came, if by one
	validUntil sql.NullInt64
	broughtBy  sql.NullString // the link
	silenced   sql.NullInt64  // since when that is frozen or dead

	said sql.NullString // see saidOf; the same in every row
}

func (r *entranceRow) columns(e *entrance) []any {
	return []any{
		&e.link.ID, &e.link.Connector, &e.link.Issuer, &e.link.Subject, &r.created, &r.inherit, &r.frozen, &r.why, &r.dead, &e.undeliverable,
		&e.account.ID, &e.account.SubjectKey, &r.status, &r.leaves, &r.leavesWhy, &r.sector, &r.subject,
		&r.levels, &r.connector, &r.validUntil, &r.broughtBy, &r.silenced, &r.said,
	}
}

// addTo adds the row to e. The order of the rows, and how often one comes, make
// no difference.
func (r *entranceRow) addTo(e *entrance, now time.Time, cap func(connector string) mapping.Assurance) error {
	if r.sector.Valid {
		if e.account.Subjects == nil {
			e.account.Subjects = map[string]string{}
		}
		e.account.Subjects[r.sector.String] = r.subject.String
	}
	var err error
	if e.link.Inherit, err = vector(r.inherit); err != nil {
		return fmt.Errorf("link %s: %w", e.link.ID, err)
	}
	if !r.levels.Valid {
		return nil // there is no evidence
	}
	ever, err := vector(r.levels)
	if err != nil {
		return fmt.Errorf("evidence of account %s: %w", e.account.ID, err)
	}
	p := r.proof(ever.Person(), now, cap)
	e.note(r.broughtBy.String, p.level, ever.Person())
	if r.broughtBy.String == e.link.ID {
		e.link.Own = e.link.Own.Join(p.level)
		e.own = append(e.own, p)
	}
	return nil
}

// proof is as much of what the evidence of the row proved as counts today.
func (r *entranceRow) proof(ever mapping.Assurance, now time.Time, cap func(connector string) mapping.Assurance) proof {
	p := proof{ever, moment(r.validUntil)}
	switch {
	case p.over(now):
		return proof{}
	case r.silenced.Valid:
		p.level = mapping.Assurance{}
	case r.connector.Valid:
		p.level = ever.Meet(cap(r.connector.String))
	}
	return p
}

// vector reads a vector that is stored; NULL is the least.
func vector(text sql.NullString) (mapping.Assurance, error) {
	if !text.Valid {
		return mapping.Assurance{}, nil
	}
	return mapping.ParseAssurance(text.String)
}

// usable says whether somebody gets in.
func (r *entranceRow) usable() error {
	if r.frozen.Valid {
		return &FrozenError{r.why}
	}
	if err := usable(r.status); err != nil {
		return err
	}
	if r.dead.Valid {
		return errDead
	}
	return nil
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
