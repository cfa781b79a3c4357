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
}

// entering selects a link and everything that a login needs in one statement.
// There is a row for each pinned subject and each piece of evidence, in every
// combination, and one row where there is none of either. Which evidence counts
// is decided below: most people have none, and a longer statement costs them
// more than an old row costs the others.
const entering = `SELECT l.id, l.connector, l.issuer, l.subject, l.created_at, l.inherit, l.frozen_at, l.frozen_why, l.unlinked_at,
		a.id, a.subject_key, a.status, s.sector, s.subject,
		e.levels, e.connector, e.valid_until, e.link_id, COALESCE(k.frozen_at, k.unlinked_at)
	FROM links l
	JOIN accounts a ON a.id = l.account_id
	LEFT JOIN subjects s ON s.account_id = a.id AND s.current
	LEFT JOIN evidence e ON e.account_id = a.id
	LEFT JOIN links k ON k.id = e.link_id`

// enter finds a link by its UNIQUE index.
const enter = entering + ` WHERE l.issuer = $1 AND l.subject = $2`

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
	return e, r.usable()
}

// entranceRow is what one row has besides the texts of an entrance.
type entranceRow struct {
	created         int64
	inherit         sql.NullString
	frozen, dead    sql.NullInt64 // since when
	why, status     string
	sector, subject sql.NullString

	levels     sql.NullString
	connector  sql.NullString // by which it came, if by one
	validUntil sql.NullInt64
	broughtBy  sql.NullString // the link
	silenced   sql.NullInt64  // since when that is frozen or dead
}

func (r *entranceRow) columns(e *entrance) []any {
	return []any{
		&e.link.ID, &e.link.Connector, &e.link.Issuer, &e.link.Subject, &r.created, &r.inherit, &r.frozen, &r.why, &r.dead,
		&e.account.ID, &e.account.SubjectKey, &r.status, &r.sector, &r.subject,
		&r.levels, &r.connector, &r.validUntil, &r.broughtBy, &r.silenced,
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
	p, err := r.proof(now)
	if err != nil {
		return fmt.Errorf("evidence of account %s: %w", e.account.ID, err)
	}
	p.level = r.counted(p.level, cap)
	e.account.Level = e.account.Level.Join(p.level)
	if r.broughtBy.String == e.link.ID {
		e.link.Own = e.link.Own.Join(p.level)
		e.own = append(e.own, p)
	}
	return nil
}

// proof is what the evidence of the row proves, where it has not expired; the zero
// proof for nothing.
func (r *entranceRow) proof(now time.Time) (proof, error) {
	p := proof{until: moment(r.validUntil)}
	if p.over(now) {
		return proof{}, nil
	}
	level, err := vector(r.levels)
	p.level = level.Person()
	return p, err
}

// counted is as much of it as counts today.
func (r *entranceRow) counted(level mapping.Assurance, cap func(connector string) mapping.Assurance) mapping.Assurance {
	switch {
	case r.silenced.Valid:
		return mapping.Assurance{}
	case r.connector.Valid:
		return level.Meet(cap(r.connector.String))
	}
	return level
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
