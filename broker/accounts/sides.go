package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/db"
)

// Where two people were taken for one, both go on to use the account, each by their
// own ways in, and add to it. What is added is whose the way in is by which whoever
// adds it has come: that is all that anybody has shown. So when the accounts are taken
// apart, it goes with that one, however many ways in were added by one another in
// between. Of what nobody knows whose it is, nobody has the use: a way in is removed, a
// delegation ended, a consent withdrawn.

// sides are ways in to a merged account, whether or not they are there still, by whose
// they are; and of those that are there, the ones of which nobody knows.
type sides struct{ mine, theirs, strays []string }

// added are what residents add besides ways in: the columns that say whose it is, by
// which way in they had come, when it began, and when it ended.
var added = [...]struct{ table, whose, by, began, ended string }{
	{"consents", "account_id", "agreed_by", "agreed_at", "withdrawn_at"},
	{"delegations", "account_id", "invited_by", "created_at", "ended_at"},
	{"delegations", "delegate_id", "accepted_by", "accepted_at", "ended_at"},
}

// tellApart says whose the ways in to the kept account are. Those of a merge of which
// the kept account's own were not written down are the ones that it had by then.
func (m *merged) tellApart(ctx context.Context, tx *db.Tx) error {
	s := sides{mine: m.trail.Kept, theirs: m.trail.Links}
	var err error
	if len(s.mine) == 0 {
		s.mine, err = column(tx.Query(ctx, `SELECT id FROM links WHERE account_id = $1 AND created_at <= $2`, m.Kept, m.Merged.UnixMicro()))
		if err != nil {
			return err
		}
	}
	origins, err := column(tx.Query(ctx, `SELECT id || ' ' || added_by FROM links WHERE account_id = $1 ORDER BY id`, m.Kept))
	for _, origin := range origins {
		line := strings.Fields(origin) // all of it is on one side
		switch {
		case meet(line, m.trail.Links):
			s.theirs = with(s.theirs, line)
		case meet(line, s.mine):
			s.mine = with(s.mine, line)
		default:
			s.strays = append(s.strays, line[0])
		}
	}
	m.sides = s
	return err
}

// meet reports whether two sets have something in common.
func meet(set, other []string) bool {
	return slices.ContainsFunc(set, func(s string) bool { return slices.Contains(other, s) })
}

// removeStrays removes the ways in of which nobody knows whose they are. Whoever owns
// one is told at its own address.
func (m *merged) removeStrays(ctx context.Context, tx *db.Tx) error {
	for _, link := range m.sides.strays {
		_, removed, err := dropLink(ctx, tx, m.Kept, link, m.actor, m.now)
		if err != nil {
			return err
		}
		m.done, m.left = append(m.done, removed), append(m.left, "links "+link)
	}
	return nil
}

// returnAdded gives back what was added by ways in that go back, and ends what was
// added since by nobody knows whom.
func (m *merged) returnAdded(ctx context.Context, tx *db.Tx) error {
	for _, what := range added {
		if _, err := m.giveBack(ctx, tx, what.table, what.whose, what.by, m.sides.theirs); err != nil {
			return err
		}
		makers, err := texts(tx.Query(ctx, fmt.Sprintf(`SELECT id, %s FROM %s WHERE %s = $1 AND %s > $2 AND %s IS NULL`,
			what.by, what.table, what.whose, what.began, what.ended), m.Kept, m.Merged.UnixMicro()))
		if err != nil {
			return fmt.Errorf("%s: %w", what.table, err)
		}
		for id, by := range inOrder(makers, strings.Compare) {
			if slices.Contains(m.sides.mine, by) {
				continue
			}
			if err := m.end(ctx, tx, what.table, id); err != nil {
				return fmt.Errorf("%s: %w", what.table, err)
			}
		}
	}
	return nil
}

// end ends a consent or a delegation.
func (m *merged) end(ctx context.Context, tx *db.Tx, table, id string) error {
	m.left = append(m.left, table+" "+id)
	if table == "consents" {
		_, err := tx.Exec(ctx, `UPDATE consents SET withdrawn_at = $2 WHERE id = $1`, id, m.now.UnixMicro())
		return err
	}
	d, err := scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = $2, ended_by = 'council', code_hash = NULL
		WHERE id = $1 RETURNING `+delegationColumns, id, m.now.UnixMicro()))
	if err != nil {
		return err
	}
	ended, err := d.tellEnded(ctx, tx, m.actor, m.now)
	m.done = append(m.done, ended...)
	return err
}

// endMoved ends what apps were granted since to somebody who had come by a way in that
// is now the other account's, or acted under a delegation that is: they would go on as
// who has it now, or for them.
func (m *merged) endMoved(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE refresh_grants SET revoked_at = $4 WHERE revoked_at IS NULL AND (
			created_at > $3 AND link_id IN (SELECT id FROM links WHERE account_id = $2)
			OR account_id = $1 AND delegation_id IN (SELECT id FROM delegations WHERE account_id = $2)
			OR link_id IN (SELECT id FROM links WHERE account_id = $1)
				AND delegation_id IN (SELECT id FROM delegations WHERE delegate_id = $2))`,
		m.Kept, m.Absorbed, m.Merged.UnixMicro(), m.now.UnixMicro())
	return err
}
