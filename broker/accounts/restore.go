package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// restore gives back to an account what it had when it was absorbed, with what came
// by its ways in since.
func (m *merged) restore(ctx context.Context, tx *db.Tx) error {
	lives, err := changes(tx.Exec(ctx, `UPDATE accounts SET status = 'active', merged_into = NULL
		WHERE id = $1 AND status = 'merged' AND merged_into = $2`, m.Absorbed, m.Kept))
	if err != nil {
		return err
	}
	if !lives {
		return ErrDecided // it was erased
	}
	for _, step := range []func(context.Context, *db.Tx) error{
		m.tellApart, m.undoubt, m.removeStrays, m.returnByWay, m.returnRecords, m.returnAdded, m.divide, m.returnSubjects, m.endMoved,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return m.reachable(ctx, tx)
}

// undoubt brings back the consents that the merge ended, but for an app from which
// anything was withdrawn since: whoever did that meant all of it.
func (m *merged) undoubt(ctx context.Context, tx *db.Tx) error {
	for _, id := range m.trail.Doubted {
		back, err := changes(tx.Exec(ctx, `UPDATE consents SET withdrawn_at = NULL WHERE id = $1
			AND NOT EXISTS (SELECT 1 FROM consents o WHERE o.account_id = $2 AND o.app = consents.app AND o.withdrawn_at > $3)
			AND NOT EXISTS (SELECT 1 FROM services s WHERE s.account_id = $2 AND s.app = consents.app AND s.stopped_at > $3)`,
			id, m.Kept, m.Merged.UnixMicro()))
		if err != nil {
			return err
		}
		if !back {
			m.left = append(m.left, "consents "+id)
		}
	}
	return nil
}

func (m *merged) returnByWay(ctx context.Context, tx *db.Tx) error {
	returned, err := m.giveBack(ctx, tx, "links", "account_id", "id", m.sides.back)
	if err != nil {
		return err
	}
	for _, table := range byWay {
		if _, err := m.giveBack(ctx, tx, table, "account_id", "link_id", with(m.trail.Ways, m.sides.back)); err != nil {
			return err
		}
	}
	m.miss("links", m.trail.Links, returned)
	return nil
}

func (m *merged) returnRecords(ctx context.Context, tx *db.Tx) error {
	for _, r := range records {
		ids := m.trail.Records[r.table+"."+r.whose]
		returned, err := m.giveBack(ctx, tx, r.table, r.whose, "id", ids)
		if err != nil {
			return err
		}
		m.miss(r.table, ids, returned)
	}
	return nil
}

// giveBack gives rows back by a column, and returns which values of that it found.
func (m *merged) giveBack(ctx context.Context, tx *db.Tx, table, whose, by string, values []string) ([]string, error) {
	var found []string
	for some := range slices.Chunk(values, 100) {
		n, args := len(some), []any{}
		for _, v := range some {
			args = append(args, v)
		}
		returned, err := column(tx.Query(ctx, fmt.Sprintf(`UPDATE %s SET %s = $%d WHERE %s = $%d AND %s IN %s RETURNING %s`,
			table, whose, n+1, whose, n+2, by, tuples(1, n), by), append(args, m.Absorbed, m.Kept)...))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		found = append(found, returned...)
	}
	return found, nil
}

// miss notes what was not found to give back.
func (m *merged) miss(table string, ids, found []string) {
	for _, id := range ids {
		if !slices.Contains(found, id) {
			m.left = append(m.left, table+" "+id)
		}
	}
}

func (m *merged) divide(ctx context.Context, tx *db.Tx) error {
	for _, s := range singles {
		c, moved := m.trail.Singles[s.table]
		if !moved {
			continue
		}
		now, err := s.rows(ctx, tx, m.Kept)
		if err != nil {
			return err
		}
		mine, theirs, changed := s.divide(c, now)
		if err := s.replace(ctx, tx, m.Kept, c.After, mine); err != nil {
			return err
		}
		if err := s.replace(ctx, tx, m.Absorbed, nil, theirs); err != nil {
			return err
		}
		for _, key := range changed {
			m.left = append(m.left, s.table+" "+key)
		}
	}
	return nil
}

// returnSubjects gives back the subjects that were pinned to the absorbed account,
// and those that follow from its key, which need not be.
func (m *merged) returnSubjects(ctx context.Context, tx *db.Tx) error {
	var key []byte
	if err := tx.QueryRow(ctx, `SELECT subject_key FROM accounts WHERE id = $1`, m.Absorbed).Scan(&key); err != nil {
		return err
	}
	mine, err := readRows(tx.Query(ctx, `SELECT sector, subject FROM subjects WHERE account_id = $1`, m.Kept))
	if err != nil {
		return err
	}
	theirs := func(r row) bool {
		same := func(pinned row) bool { return pinned["sector"] == r["sector"] && pinned["subject"] == r["subject"] }
		return r["subject"] == mapping.Pairwise(key, r["sector"].(string)) || slices.ContainsFunc(m.trail.Subjects, same)
	}
	for _, r := range mine {
		if !theirs(r) {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM subjects WHERE account_id = $1 AND sector = $2 AND subject = $3`,
			m.Kept, r["sector"], r["subject"]); err != nil {
			return err
		}
		if err := m.endGrants(ctx, tx, r["sector"], r["subject"]); err != nil {
			return err
		}
	}
	for _, r := range m.trail.Subjects {
		if err := insertRow(ctx, tx, "subjects", r); err != nil {
			return err
		}
	}
	return nil
}

// endGrants ends what apps of a sector were granted since for a subject that goes back,
// by somebody who came to the kept account or acted as it: they would go on as who has it
// now.
func (m *merged) endGrants(ctx context.Context, tx *db.Tx, sector, subject any) error {
	const which = `revoked_at IS NULL AND (account_id = $1 AND subject = $2
		OR act = $2 AND delegation_id IN (SELECT id FROM delegations WHERE delegate_id = $1))`
	apps, err := column(tx.Query(ctx, `SELECT DISTINCT app FROM refresh_grants WHERE `+which+` ORDER BY 1`, m.Kept, subject))
	if err != nil {
		return err
	}
	for _, app := range apps {
		if of := m.sector(app); of != sector && of != "" {
			continue // the same subject is somebody else there
		}
		if _, err := tx.Exec(ctx, `UPDATE refresh_grants SET revoked_at = $3 WHERE app = $4 AND `+which,
			m.Kept, subject, m.now.UnixMicro(), app); err != nil {
			return err
		}
	}
	return nil
}

// reachable makes sure that each of the accounts has a way in, or its person could
// never come back. One that is frozen or dead may lead in again.
func (m *merged) reachable(ctx context.Context, tx *db.Tx) error {
	for _, account := range []string{m.Kept, m.Absorbed} {
		err := tx.QueryRow(ctx, `SELECT id FROM links WHERE account_id = $1 LIMIT 1`, account).Scan(new(string))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLast
		}
		if err != nil {
			return err
		}
	}
	return nil
}
