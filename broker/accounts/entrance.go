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
// There is a row for each pinned subject and each piece of valid evidence, in
// every combination, and one row where there is none of either. Evidence that
// another link brought counts while that link lives ($3 is now).
const entering = `SELECT l.id, l.connector, l.issuer, l.subject, l.created_at, l.inherit, l.frozen_at IS NOT NULL, l.frozen_why, l.unlinked_at IS NOT NULL,
		a.id, a.subject_key, a.status, s.sector, s.subject, e.link_id, e.levels, e.valid_until
	FROM links l
	JOIN accounts a ON a.id = l.account_id
	LEFT JOIN subjects s ON s.account_id = a.id AND s.current
	LEFT JOIN evidence e ON e.account_id = a.id AND (e.valid_until IS NULL OR e.valid_until > $3) AND NOT EXISTS (
		SELECT 1 FROM links k WHERE k.id = e.link_id AND (k.frozen_at IS NOT NULL OR k.unlinked_at IS NOT NULL))`

// enter finds a link by its UNIQUE index.
const enter = entering + ` WHERE l.issuer = $1 AND l.subject = $2`

// find reads the entrance whose rows q selects. The error is ErrNotFound or
// ErrFrozen where nobody gets in by it; of one that is errDead, it tells whose it
// was.
func (a *Accounts) find(ctx context.Context, q string, args ...any) (entrance, error) {
	rows, err := a.db.Query(ctx, q, append(args, a.now().UnixMicro())...)
	if err != nil {
		return entrance{}, err
	}
	defer rows.Close()

	var e entrance
	var r entranceRow
	columns := r.columns(&e)
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return entrance{}, err
		}
		if err := r.addTo(&e); err != nil {
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
	created           int64
	frozen, dead      bool
	why, status       string
	inherit           sql.NullString
	sector, subject   sql.NullString
	broughtBy, levels sql.NullString
	validUntil        sql.NullInt64
}

func (r *entranceRow) columns(e *entrance) []any {
	return []any{
		&e.link.ID, &e.link.Connector, &e.link.Issuer, &e.link.Subject, &r.created, &r.inherit, &r.frozen, &r.why, &r.dead,
		&e.account.ID, &e.account.SubjectKey, &r.status, &r.sector, &r.subject, &r.broughtBy, &r.levels, &r.validUntil,
	}
}

// addTo adds the row to e. The order of the rows, and how often one comes, make
// no difference.
func (r *entranceRow) addTo(e *entrance) (err error) {
	if r.sector.Valid {
		if e.account.Subjects == nil {
			e.account.Subjects = map[string]string{}
		}
		e.account.Subjects[r.sector.String] = r.subject.String
	}
	if r.inherit.Valid {
		if e.link.Inherit, err = mapping.ParseAssurance(r.inherit.String); err != nil {
			return fmt.Errorf("link %s: %w", e.link.ID, err)
		}
	}
	if !r.levels.Valid {
		return nil
	}
	p := proof{}
	if p.level, err = mapping.ParseAssurance(r.levels.String); err != nil {
		return fmt.Errorf("evidence of account %s: %w", e.account.ID, err)
	}
	if r.validUntil.Valid {
		p.until = time.UnixMicro(r.validUntil.Int64)
	}
	e.account.Level = e.account.Level.Join(p.level.Person())
	if r.broughtBy.String == e.link.ID {
		e.link.Own = e.link.Own.Join(p.level.Person())
		e.own = append(e.own, p)
	}
	return nil
}

// usable says whether somebody gets in.
func (r *entranceRow) usable() error {
	if r.frozen {
		return &FrozenError{r.why}
	}
	if err := usable(r.status); err != nil {
		return err
	}
	if r.dead {
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
