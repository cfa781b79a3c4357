package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// What an account has is of four kinds, by how it moves to another account and back.
//
// What came by a way in goes wherever that goes. Records with an id of their own
// move one by one. Of what an account has one of for each app or claim, two become
// one: those are written down as they were before and after. And an app that knew
// the absorbed account alone goes on knowing the person by that one's subject. Where
// it knew both, the kept account's stays current, and the other one's stays the
// person's own, as an alias that nobody else ever gets.
//
// Of what the two had agreed to the more careful holds: with an app from which one of
// them had withdrawn, nothing is shared before the person is asked again.

// byWay are the tables of what came by a way in.
var byWay = [...]string{"claims", "likeness", "evidence", "sign_ins"}

// records are the tables whose rows move one by one, with the column that says whose
// they are. A delegation from one account to the other stays as it is: nobody acts
// for themselves.
var records = [...]struct{ table, whose, which string }{
	{"evidence", "account_id", `link_id IS NULL`},
	{"sign_ins", "account_id", `link_id = ''`},
	{"refresh_grants", "account_id", `TRUE`},
	{"consents", "account_id", `TRUE`},
	{"delegations", "account_id", `COALESCE(delegate_id, '') <> $2`},
	{"delegations", "delegate_id", `account_id <> $2`},
}

// singles are the tables in which an account has one row for each key.
var singles = [...]single{
	{"services", "app", `TRUE`, used, sinceUsed},
	{"wishes", "app", `TRUE`, latest("asked_at"), asIs},
	{"claims", "name", `link_id = ''`, latest("said_at"), asIs},
	{"likeness", "kind", `link_id = ''`, latest("said_at"), asIs},
}

// trail is what a merge writes down so that it can be undone.
type trail struct {
	Kept     []string            `json:"kept,omitempty"`     // the kept account's own links
	Links    []string            `json:"links,omitempty"`    // that were the absorbed account's
	Ways     []string            `json:"ways,omitempty"`     // those, and the ones that were removed before and are part of its history
	Records  map[string][]string `json:"records,omitempty"`  // ids, by table and column
	Singles  map[string]change   `json:"singles,omitempty"`  // by table
	Doubted  []string            `json:"doubted,omitempty"`  // the consents that the merge ended
	Subjects []row               `json:"subjects,omitempty"` // the absorbed account's
	Told     []string            `json:"told,omitempty"`     // the apps that were told
}

// absorb moves all that an account has to another. Links come first: whoever signs
// in by one, or folds in what was said by it, waits, or was there before.
func (a *Accounts) absorb(ctx context.Context, tx *db.Tx, kept, absorbed string) (trail, error) {
	t := trail{Records: map[string][]string{}, Singles: map[string]change{}}
	var err error
	if t.Kept, err = column(tx.Query(ctx, `SELECT id FROM links WHERE account_id = $1 ORDER BY id`, kept)); err != nil {
		return t, fmt.Errorf("links: %w", err)
	}
	if t.Links, err = column(tx.Query(ctx, `UPDATE links SET account_id = $2 WHERE account_id = $1 RETURNING id`, absorbed, kept)); err != nil {
		return t, fmt.Errorf("links: %w", err)
	}
	if err := a.moveSubjects(ctx, tx, &t, kept, absorbed); err != nil {
		return t, fmt.Errorf("subjects: %w", err)
	}
	if err := t.moveByWay(ctx, tx, kept, absorbed); err != nil {
		return t, err
	}
	if err := t.doubt(ctx, tx, kept, absorbed, a.now()); err != nil {
		return t, fmt.Errorf("consents: %w", err)
	}
	for _, r := range records {
		moved, err := column(tx.Query(ctx, `UPDATE `+r.table+` SET `+r.whose+` = $2
			WHERE `+r.whose+` = $1 AND `+r.which+` RETURNING id`, absorbed, kept))
		if err != nil {
			return t, fmt.Errorf("%s: %w", r.table, err)
		}
		t.Records[r.table+"."+r.whose] = moved
	}
	for _, s := range singles {
		if err := t.moveSingles(ctx, tx, s, kept, absorbed); err != nil {
			return t, fmt.Errorf("%s: %w", s.table, err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE accounts SET status = 'merged', merged_into = $2 WHERE id = $1`, absorbed, kept)
	return t, err
}

// doubt ends what one of the accounts agrees to that an app is told, where the other one
// once did and does no more.
func (t *trail) doubt(ctx context.Context, tx *db.Tx, kept, absorbed string, now time.Time) (err error) {
	const others = `SELECT 1 FROM consents o WHERE o.app = consents.app AND o.account_id IN ($1, $2) AND o.account_id <> consents.account_id`
	t.Doubted, err = column(tx.Query(ctx, `UPDATE consents SET withdrawn_at = $3 WHERE account_id IN ($1, $2) AND withdrawn_at IS NULL
			AND EXISTS (`+others+`) AND NOT EXISTS (`+others+` AND o.withdrawn_at IS NULL)
		RETURNING id`, kept, absorbed, now.UnixMicro()))
	return err
}

func (t *trail) moveByWay(ctx context.Context, tx *db.Tx, kept, absorbed string) error {
	t.Ways = slices.Clone(t.Links)
	for _, table := range byWay {
		ways, err := column(tx.Query(ctx, `SELECT DISTINCT link_id FROM `+table+` WHERE account_id = $1 AND link_id <> ''`, absorbed))
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		t.Ways = with(t.Ways, ways)
		if _, err := tx.Exec(ctx, `UPDATE `+table+` SET account_id = $2 WHERE account_id = $1 AND link_id <> ''`, absorbed, kept); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// with is the union of two sets.
func with(set, more []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(set, more))))
}

func (t *trail) moveSingles(ctx context.Context, tx *db.Tx, s single, kept, absorbed string) error {
	theirs, err := s.rows(ctx, tx, absorbed)
	if err != nil || len(theirs) == 0 {
		return err
	}
	mine, err := s.rows(ctx, tx, kept)
	if err != nil {
		return err
	}
	c := s.unite(kept, mine, theirs)
	if err := s.replace(ctx, tx, absorbed, theirs, nil); err != nil {
		return err
	}
	t.Singles[s.table] = c
	return s.replace(ctx, tx, kept, c.Kept, c.After)
}

// moveSubjects lets the apps that know an account know another by the same subjects,
// unless they know that one, too.
func (a *Accounts) moveSubjects(ctx context.Context, tx *db.Tx, t *trail, kept, absorbed string) error {
	mine, err := a.knownAs(ctx, tx, kept)
	if err != nil {
		return err
	}
	theirs, err := a.knownAs(ctx, tx, absorbed)
	if err != nil {
		return err
	}
	if t.Subjects, err = readRows(tx.Query(ctx, `SELECT * FROM subjects WHERE account_id = $1 ORDER BY sector, subject`, absorbed)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE subjects SET account_id = $2, current = FALSE WHERE account_id = $1`, absorbed, kept); err != nil {
		return err
	}
	for sector, subject := range inOrder(theirs.subjects, strings.Compare) {
		_, both := mine.subjects[sector]
		if _, err := tx.Exec(ctx, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account_id, sector, subject) DO UPDATE SET current = excluded.current`, kept, sector, subject, !both); err != nil {
			return err
		}
	}
	t.Told = slices.DeleteFunc(theirs.apps, func(app string) bool { return mine.subjects[a.Sector(app)] == "" })
	return nil
}

// acquaintance is which apps know an account, and by which subjects their sectors do.
type acquaintance struct {
	apps     []string
	subjects map[string]string
}

// knownAs says who knows an account: the apps that it was used with, and those for
// whose sector a subject is pinned.
func (a *Accounts) knownAs(ctx context.Context, tx *db.Tx, account string) (acquaintance, error) {
	of := Account{ID: account}
	err := tx.QueryRow(ctx, `SELECT subject_key FROM accounts WHERE id = $1`, account).Scan(&of.SubjectKey)
	if err != nil {
		return acquaintance{}, err
	}
	if of.Subjects, err = texts(tx.Query(ctx, `SELECT sector, subject FROM subjects WHERE account_id = $1 AND current`, account)); err != nil {
		return acquaintance{}, err
	}
	known := acquaintance{subjects: maps.Clone(of.Subjects)}
	if known.apps, err = column(tx.Query(ctx, `SELECT app FROM services WHERE account_id = $1
		UNION SELECT app FROM refresh_grants WHERE account_id = $1 ORDER BY 1`, account)); err != nil {
		return acquaintance{}, err
	}
	for _, app := range known.apps {
		if sector := a.Sector(app); sector != "" {
			known.subjects[sector] = of.Subject(sector)
		}
	}
	return known, nil
}

// adopt is moveSubjects for an app of which it is learnt only now that it knew the
// account that was absorbed.
func (a *Accounts) adopt(ctx context.Context, tx *db.Tx, kept, absorbed, app string) error {
	sector := a.Sector(app)
	if sector == "" {
		return nil
	}
	mine, err := a.knownAs(ctx, tx, kept)
	if err != nil {
		return err
	}
	var key []byte
	if err := tx.QueryRow(ctx, `SELECT subject_key FROM accounts WHERE id = $1`, absorbed).Scan(&key); err != nil {
		return err
	}
	_, both := mine.subjects[sector]
	_, err = tx.Exec(ctx, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, sector, subject) DO NOTHING`, kept, sector, mapping.Pairwise(key, sector), !both)
	return err
}

// pack is the trail as it is stored.
func (t trail) pack() (string, error) {
	text, err := json.Marshal(t)
	return string(text), err
}
