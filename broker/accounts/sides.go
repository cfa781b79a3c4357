package accounts

import (
	"context"
	"database/sql"
	"errors"
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
// delegation ended, a consent withdrawn. So it is with a way in of each side, which the
// provider said to be one.

// sides are the ways in that two accounts had when they were merged; and of those to the
// merged account as it is, the ones that go back, and the ones of which nobody knows
// whose they are.
type sides struct{ mine, theirs, back, strays []string }

// added are what residents add besides ways in: the columns that say whose it is, by
// which way in they had come, and when it began.
var added = [...]struct{ table, whose, by, began string }{
	{"consents", "account_id", "agreed_by", "agreed_at"},
	{"delegations", "account_id", "invited_by", "created_at"},
	{"delegations", "delegate_id", "accepted_by", "accepted_at"},
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
		s.mine = slices.DeleteFunc(s.mine, func(link string) bool { return slices.Contains(s.theirs, link) })
	}
	lines, err := column(tx.Query(ctx, `SELECT `+itsLine+` FROM links WHERE account_id = $1 ORDER BY id`, m.Kept))
	for _, line := range lines {
		link, _, _ := strings.Cut(line, " ")
		switch mine, theirs := s.of(line); {
		case mine == theirs:
			s.strays = append(s.strays, link)
		case theirs:
			s.back = with(s.back, strings.Fields(line))
		}
	}
	m.sides = s
	return err
}

// of says on which side a line begins: none where nobody knows, and both where two ways
// in have become one.
func (s sides) of(line string) (mine, theirs bool) {
	links := strings.Fields(line)
	return meet(links, s.mine), meet(links, s.theirs)
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
		makers, err := texts(tx.Query(ctx, fmt.Sprintf(`SELECT id, %s FROM %s WHERE %s = $1 AND %s > $2`,
			what.by, what.table, what.whose, what.began), m.Kept, m.Merged.UnixMicro()))
		if err != nil {
			return fmt.Errorf("%s: %w", what.table, err)
		}
		for id, line := range inOrder(makers, strings.Compare) {
			switch mine, theirs := m.sides.of(line); {
			case mine == theirs:
				err = m.end(ctx, tx, what.table, id)
			case theirs:
				_, err = m.giveBack(ctx, tx, what.table, what.whose, "id", []string{id})
			}
			if err != nil {
				return fmt.Errorf("%s: %w", what.table, err)
			}
		}
	}
	return nil
}

// end ends a consent or a delegation that has not ended before.
func (m *merged) end(ctx context.Context, tx *db.Tx, table, id string) error {
	if table == "consents" {
		ended, err := changes(tx.Exec(ctx, `UPDATE consents SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL`, id, m.now.UnixMicro()))
		if ended {
			m.left = append(m.left, table+" "+id)
		}
		return err
	}
	d, err := scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = $2, ended_by = 'council', code_hash = NULL
		WHERE id = $1 AND ended_at IS NULL RETURNING `+delegationColumns, id, m.now.UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	ended, err := d.tellEnded(ctx, tx, m.actor, m.now)
	m.done, m.left = append(m.done, ended...), append(m.left, table+" "+id)
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
