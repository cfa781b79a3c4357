package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// A provider may come to know its people by other subjects: it has a new issuer, the
// council a new client there, or another sector. Rekeying has the same ways in lead to
// the same accounts under their new names, by a list that the provider gave, or by what
// people have proved since. What apps know residents by stays as it is, and nobody is
// ever taken for somebody by an e-mail address.

// Name is what a provider knows somebody by.
type Name struct{ Issuer, Subject string }

// Rename is the old and the new name of one way in.
type Rename struct {
	Line     int // of the list; 0 where there is none
	Old, New Name
}

// Whole reports whether it says all that it takes.
func (r Rename) Whole() bool {
	return r.Old.Issuer != "" && r.Old.Subject != "" && r.New.Issuer != "" && r.New.Subject != ""
}

// Conflict is why something cannot be renamed.
type Conflict struct {
	Line    int
	Account string // whose it is, where that is known
	Why     string
}

// Rekeying is what a list comes to.
type Rekeying struct {
	Renamed   int // ways in that get a new name
	United    int // ways in of which the person has linked the new one already: the two become one
	Unknown   int // names with which nobody signs in here
	Conflicts []Conflict
	moves     []move
}

// move is one way in that gets a new name; or, where the person has linked that
// already, two that become one.
type move struct {
	Rename
	from, to keyed
}

// keyed is a link as rekeying sees it.
type keyed struct {
	id, account, connector string
	silent                 bool // frozen or dead
}

// Rekey has an officer give the ways in by a connector their new names, all of them or,
// where there is a conflict, none. A dry run changes nothing, either. Whose way in it is
// sees who did it and why.
func (a *Accounts) Rekey(ctx context.Context, connector string, list []Rename, officer Lookup, dry bool) (Rekeying, error) {
	var r Rekeying
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if _, _, err := because(officer.Officer, officer.Reason); err != nil {
			return err
		}
		r = Rekeying{Conflicts: repeated(list)}
		if err := r.plan(ctx, tx, connector, list); err != nil || dry || len(r.Conflicts) > 0 || len(r.moves) == 0 {
			return err
		}
		if err := r.apply(ctx, tx); err != nil {
			return err
		}
		for account := range r.accounts() {
			if err := look(ctx, tx, account, officer, a.now()); err != nil {
				return err
			}
		}
		return chain(ctx, tx, a.now(), r.entries(connector, officer)...)
	})
	if err != nil {
		return Rekeying{}, fmt.Errorf("rekey: %w", err)
	}
	return r, nil
}

// repeated finds names that the list has twice.
func repeated(list []Rename) []Conflict {
	var conflicts []Conflict
	olds, news := map[Name]int{}, map[Name]int{}
	for _, r := range list {
		if first, ok := olds[r.Old]; ok {
			conflicts = append(conflicts, Conflict{Line: r.Line, Why: fmt.Sprintf("the old subject stands on line %d, too", first)})
		}
		if first, ok := news[r.New]; ok {
			conflicts = append(conflicts, Conflict{Line: r.Line, Why: fmt.Sprintf("the new subject stands on line %d, too", first)})
		}
		olds[r.Old], news[r.New] = r.Line, r.Line
	}
	return conflicts
}

// plan decides what to do about each rename.
func (r *Rekeying) plan(ctx context.Context, tx *db.Tx, connector string, list []Rename) error {
	leaving := map[Name]bool{}
	for _, rename := range list {
		leaving[rename.Old] = true
	}
	for _, rename := range list {
		from, known, err := keyedAs(ctx, tx, rename.Old)
		if err != nil {
			return err
		}
		to, taken, err := keyedAs(ctx, tx, rename.New)
		if err != nil {
			return err
		}
		switch why := obstacle(connector, from, to); {
		case !known:
			r.Unknown++
		case rename.Old == rename.New:
		case from.connector != connector:
			r.conflict(rename, from, fmt.Sprintf("the old subject leads in by connector %s", from.connector))
		case !taken || leaving[rename.New]:
			r.Renamed++
			r.moves = append(r.moves, move{rename, from, keyed{}})
		case why != "":
			r.conflict(rename, from, why)
		default:
			r.United++
			r.moves = append(r.moves, move{rename, from, to})
		}
	}
	return nil
}

// obstacle is why two ways in do not become one, or "".
func obstacle(connector string, from, to keyed) string {
	switch {
	case to.account != from.account:
		return "the new subject leads in to another account: the two have to be merged first"
	case to.connector != connector:
		return "the new subject leads in by connector " + to.connector
	case from.silent || to.silent:
		return "one of the two ways in is frozen, or was unlinked"
	}
	return ""
}

func (r *Rekeying) conflict(rename Rename, link keyed, why string) {
	r.Conflicts = append(r.Conflicts, Conflict{rename.Line, link.account, why})
}

// keyedAs finds the link of a name.
func keyedAs(ctx context.Context, tx *db.Tx, name Name) (l keyed, ok bool, err error) {
	err = tx.QueryRow(ctx, `SELECT id, account_id, connector, COALESCE(frozen_at, unlinked_at) IS NOT NULL
		FROM links WHERE issuer = $1 AND subject = $2`, name.Issuer, name.Subject).Scan(&l.id, &l.account, &l.connector, &l.silent)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	return l, err == nil, err
}

// errOvertaken says that somebody changed a link meanwhile.
var errOvertaken = errors.New("a way in was changed meanwhile: nothing was renamed, start over")

// apply carries out the moves. All old names go before a new one comes: two people may
// swap theirs.
func (r *Rekeying) apply(ctx context.Context, tx *db.Tx) error {
	for _, m := range r.moves {
		held, err := changes(tx.Exec(ctx, `UPDATE links SET issuer = 'rekeying', subject = id
			WHERE id = $1 AND account_id = $2 AND issuer = $3 AND subject = $4`, m.from.id, m.from.account, m.Old.Issuer, m.Old.Subject))
		if err != nil {
			return err
		}
		if !held {
			return errOvertaken
		}
	}
	for _, m := range r.moves {
		if err := m.apply(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// accounts are those whose ways in get new names, each once.
func (r *Rekeying) accounts() iter.Seq[string] {
	all := map[string]bool{}
	for _, m := range r.moves {
		all[m.from.account] = true
	}
	return maps.Keys(all)
}

// entries say what is to be audited.
func (r *Rekeying) entries(connector string, officer Lookup) (done []entry) {
	for _, m := range r.moves {
		renamed := officer.entry("link.rekeyed", m.from.account)
		renamed.Detail["link"], renamed.Detail["connector"] = m.from.id, connector
		if m.to.id != "" {
			renamed.Detail["with"] = m.to.id
		}
		done = append(done, renamed)
	}
	return done
}

func (m move) apply(ctx context.Context, tx *db.Tx) error {
	if m.to.id != "" {
		return m.unite(ctx, tx)
	}
	_, err := tx.Exec(ctx, `UPDATE links SET issuer = $2, subject = $3 WHERE id = $1`, m.from.id, m.New.Issuer, m.New.Subject)
	return err
}

// unite lets the way in of the new name take over what came by that of the old one,
// where it has nothing newer itself; and what that one proved, where it is for longer.
func (m move) unite(ctx context.Context, tx *db.Tx) error {
	for _, q := range []string{
		`UPDATE claims SET link_id = $2 WHERE link_id = $1 AND name NOT IN (SELECT name FROM claims WHERE link_id = $2)`,
		`DELETE FROM claims WHERE link_id = $1 AND $2 <> ''`,
		`UPDATE likeness SET link_id = $2 WHERE link_id = $1 AND kind NOT IN (SELECT kind FROM likeness WHERE link_id = $2)`,
		`DELETE FROM likeness WHERE link_id = $1 AND $2 <> ''`,
		`DELETE FROM evidence WHERE link_id = $2 AND valid_until IS NOT NULL AND EXISTS (SELECT 1 FROM evidence old WHERE old.link_id = $1
			AND evidence.id = $2 || substr(old.id, length($1) + 1) AND COALESCE(old.valid_until > evidence.valid_until, TRUE))`,
		`UPDATE evidence SET link_id = $2, id = $2 || substr(id, length($1) + 1)
			WHERE link_id = $1 AND $2 || substr(id, length($1) + 1) NOT IN (SELECT id FROM evidence WHERE link_id = $2)`,
		`DELETE FROM evidence WHERE link_id = $1 AND $2 <> ''`,
		`UPDATE sign_ins SET link_id = $2 WHERE link_id = $1`,
		`UPDATE refresh_grants SET link_id = $2 WHERE link_id = $1`,
		`UPDATE links SET created_at = old.created_at,
				last_used_at = CASE WHEN old.last_used_at > links.last_used_at THEN old.last_used_at ELSE links.last_used_at END,
				added_by = TRIM(links.added_by || ' ' || old.id || ' ' || old.added_by),
				label = CASE WHEN links.label = '' THEN old.label ELSE links.label END
			FROM links AS old WHERE old.id = $1 AND links.id = $2`,
		`DELETE FROM links WHERE id = $1 AND $2 <> ''`,
	} {
		if _, err := tx.Exec(ctx, q, m.from.id, m.to.id); err != nil {
			return err
		}
	}
	return nil
}

// Issuers are those of a connector's people.
func (a *Accounts) Issuers(ctx context.Context, connector string) ([]string, error) {
	issuers, err := column(a.db.Query(ctx, `SELECT DISTINCT issuer FROM links WHERE connector = $1 ORDER BY issuer`, connector))
	if err != nil {
		return nil, fmt.Errorf("issuers: %w", err)
	}
	return issuers, nil
}

// RenamesSince finds who has linked, since a time, another way in by the connector to
// the account that an earlier one leads to which they have not used since: those who
// came by a new name and proved that the account is theirs. Which of several is meant
// nobody can know; and a way in that was added in a session which proved less than the
// earlier one did may be somebody else's.
func (a *Accounts) RenamesSince(ctx context.Context, connector string, since time.Time) ([]Rename, []Conflict, error) {
	accounts, err := column(a.db.Query(ctx, `SELECT DISTINCT n.account_id FROM links n JOIN links o ON o.account_id = n.account_id
		WHERE n.connector = $1 AND n.created_at >= $2 AND o.connector = $1 AND o.created_at < $2 AND o.last_used_at < $2
		ORDER BY n.account_id`, connector, since.UnixMicro()))
	if err != nil {
		return nil, nil, fmt.Errorf("renames by sign-ins: %w", err)
	}
	var renames []Rename
	var conflicts []Conflict
	for _, account := range accounts {
		ways, err := a.Ways(ctx, account)
		if err != nil {
			return nil, nil, fmt.Errorf("renames by sign-ins: %w", err)
		}
		rename, why := renameOf(ways, connector, since)
		if why != "" {
			conflicts = append(conflicts, Conflict{Account: account, Why: why})
			continue
		}
		renames = append(renames, rename)
	}
	return renames, conflicts, nil
}

// renameOf is the one way in that came in the place of another, or why there is none.
func renameOf(ways []Way, connector string, since time.Time) (r Rename, why string) {
	var old, now []Way
	for _, w := range ways {
		switch {
		case w.Connector != connector:
		case !w.Created.Before(since):
			now = append(now, w)
		case w.Last.Before(since):
			old = append(old, w)
		}
	}
	if len(old) != 1 || len(now) != 1 {
		return Rename{}, fmt.Sprintf("%d ways in were not used since, and %d are new", len(old), len(now))
	}
	if !now[0].Inherit.AtLeast(old[0].Own.Person()) && old[0].Own.Person() != (mapping.Assurance{}) {
		return Rename{}, "the new way in was added in a session that proved less than the old one did"
	}
	return Rename{Old: Name{old[0].Issuer, old[0].Subject}, New: Name{now[0].Issuer, now[0].Subject}}, ""
}
