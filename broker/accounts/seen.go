package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/mapping"
)

// What residents see of their own account.

// Used is an app that an account has signed in to.
type Used struct {
	App         string
	First, Last time.Time
	Released    []string // the names of the claims that it got last
}

// Used returns the apps that the account has signed in to and shares with, the latest
// first.
func (a *Accounts) Used(ctx context.Context, account string) ([]Used, error) {
	rows, err := a.db.Query(ctx, `SELECT app, first_used_at, last_used_at, released FROM services
		WHERE account_id = $1 AND (stopped_at IS NULL OR stopped_at < last_used_at) ORDER BY last_used_at DESC, app`, account)
	if err != nil {
		return nil, fmt.Errorf("services in use: %w", err)
	}
	defer rows.Close()

	var all []Used
	for rows.Next() {
		var u Used
		var first, last int64
		var released string
		if err := rows.Scan(&u.App, &first, &last, &released); err != nil {
			return nil, fmt.Errorf("services in use: %w", err)
		}
		u.First, u.Last = time.UnixMicro(first), time.UnixMicro(last)
		if err := json.Unmarshal([]byte(released), &u.Released); err != nil {
			return nil, fmt.Errorf("services in use: %w", err)
		}
		all = append(all, u)
	}
	return all, rows.Err()
}

// Check is something that was proved of a person.
type Check struct {
	Connector string            // that brought it
	Level     mapping.Assurance // of it as much as counts today
	At, Until time.Time         // Until is the zero time where it holds for good
}

// Checks returns what was proved of the person, the latest first, whether or not
// it counts today.
func (a *Accounts) Checks(ctx context.Context, account string) ([]Check, error) {
	rows, err := a.db.Query(ctx, `SELECT e.levels, e.connector, e.checked_at, e.valid_until, COALESCE(k.frozen_at, k.unlinked_at)
		FROM evidence e LEFT JOIN links k ON k.id = e.link_id
		WHERE e.account_id = $1 ORDER BY e.checked_at DESC, e.id`, account)
	if err != nil {
		return nil, fmt.Errorf("checks: %w", err)
	}
	defer rows.Close()

	var all []Check
	for rows.Next() {
		var r entranceRow
		var at int64
		if err := rows.Scan(&r.levels, &r.connector, &at, &r.validUntil, &r.silenced); err != nil {
			return nil, fmt.Errorf("checks: %w", err)
		}
		ever, err := vector(r.levels)
		if err != nil {
			return nil, fmt.Errorf("checks: %w", err)
		}
		counts := r.proof(ever.Person(), a.now(), a.cap)
		all = append(all, Check{Connector: r.connector.String, Level: counts.level, At: time.UnixMicro(at), Until: moment(r.validUntil)})
	}
	return all, rows.Err()
}

// Happening is one line of an account's history: a sign-in, a change, or a look of an
// officer's.
type Happening struct {
	At        time.Time
	Kind      string // SignedIn, LookedAt, or as the audit chain has it
	Actor     string // who did it, as the audit chain has it; "" elsewhere
	App       string // what it was about, where that is known
	Link      string
	Connector string
	What      string // of a way in that was changed: its own word for that
	SSO       bool   // of a sign-in: answered from the session, without the provider
	Officer   string // of a look of the council's: who looked,
	Reason    string // and why
}

// The kinds of a Happening that the audit chain does not have.
const (
	SignedIn = "signed-in"
	LookedAt = "looked-at"
)

// History returns the latest of what happened to the account before a time, some
// most of it, also while it was another one that has been merged into this. What
// happened at one moment is not taken apart.
func (a *Accounts) History(ctx context.Context, account string, before time.Time, most int) ([]Happening, error) {
	var all []Happening
	for _, read := range []func(context.Context, string, time.Time, int) ([]Happening, error){a.signIns, a.changed, a.looks} {
		some, err := read(ctx, account, before, most+1)
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b Happening) int { return b.At.Compare(a.At) })
	if len(all) <= most {
		return all, nil
	}
	end := most
	for end > 0 && all[end-1].At.Equal(all[most].At) {
		end--
	}
	return all[:cmp.Or(end, most)], nil
}

func (a *Accounts) signIns(ctx context.Context, account string, before time.Time, most int) ([]Happening, error) {
	rows, err := a.db.Query(ctx, `SELECT s.at, s.app, s.link_id, k.connector, s.sso
		FROM sign_ins s LEFT JOIN links k ON k.id = s.link_id
		WHERE s.account_id = $1 AND s.at < $2 ORDER BY s.at DESC LIMIT $3`, account, before.UnixMicro(), most)
	return happenings(rows, err, func(rows *sql.Rows) (h Happening, at int64, err error) {
		var connector sql.NullString
		err = rows.Scan(&at, &h.App, &h.Link, &connector, &h.SSO)
		h.Kind, h.Connector = SignedIn, connector.String
		return h, at, err
	})
}

// changed reads the audit chain. What was done to two of the accounts at once happened
// once.
func (a *Accounts) changed(ctx context.Context, account string, before time.Time, most int) ([]Happening, error) {
	rows, err := a.db.Query(ctx, mine+`SELECT at, kind, actor, detail FROM audit
		WHERE account IN (SELECT id FROM mine) AND at < $2 GROUP BY at, kind, actor, detail ORDER BY MAX(seq) DESC LIMIT $3`, account, before.UnixMicro(), most)
	return happenings(rows, err, func(rows *sql.Rows) (h Happening, at int64, err error) {
		var detail string
		if err := rows.Scan(&at, &h.Kind, &h.Actor, &detail); err != nil {
			return h, at, err
		}
		about := struct{ App, Link, Connector, What string }{}
		err = json.Unmarshal([]byte(detail), &about)
		h.App, h.Link, h.Connector, h.What = about.App, about.Link, about.Connector, about.What
		return h, at, err
	})
}

// looks reads who of the council's officers looked.
func (a *Accounts) looks(ctx context.Context, account string, before time.Time, most int) ([]Happening, error) {
	rows, err := a.db.Query(ctx, mine+`SELECT DISTINCT at, officer, reason FROM lookups
		WHERE `+theirs+` AND at < $2 ORDER BY at DESC LIMIT $3`, account, before.UnixMicro(), most)
	return happenings(rows, err, func(rows *sql.Rows) (h Happening, at int64, err error) {
		h.Kind = LookedAt
		err = rows.Scan(&at, &h.Officer, &h.Reason)
		return h, at, err
	})
}

func happenings(rows *sql.Rows, err error, scan func(*sql.Rows) (Happening, int64, error)) ([]Happening, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []Happening
	for rows.Next() {
		h, at, err := scan(rows)
		if err != nil {
			return nil, err
		}
		h.At = time.UnixMicro(at)
		all = append(all, h)
	}
	return all, rows.Err()
}
