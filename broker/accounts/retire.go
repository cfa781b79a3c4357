package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/councilid/councilid/broker/db"
)

// A subject by which apps knew an account that was erased is kept as its hash, so
// that nobody else ever gets it. Whoever has the subject can find out that it was
// somebody's who is no more; from a hash nobody gets back to a subject that was
// derived.

// retired is what is kept of a subject.
func retired(sector, subject string) string {
	sum := sha256.Sum256([]byte(sector + "\x00" + subject))
	return retiredPrefix + hex.EncodeToString(sum[:])
}

// retiredPrefix begins no subject that an app knows anybody by.
const retiredPrefix = "sha256:"

// names are what the apps of each sector know an account by, in any of the accounts
// that were merged into it.
type names struct {
	Account
	pinned []pinned
}

type pinned struct{ account, sector, subject string }

// namesOf reads them.
func namesOf(ctx context.Context, tx *db.Tx, account string) (names, error) {
	n := names{Account: Account{ID: account, Subjects: map[string]string{}}}
	err := tx.QueryRow(ctx, `SELECT subject_key FROM accounts WHERE id = $1`, account).Scan(&n.SubjectKey)
	if err != nil {
		return names{}, gone(err)
	}
	rows, err := tx.Query(ctx, mine+`SELECT account_id, sector, subject, current FROM subjects WHERE `+theirs, account)
	if err != nil {
		return names{}, err
	}
	defer rows.Close()

	for rows.Next() {
		var p pinned
		var current bool
		if err := rows.Scan(&p.account, &p.sector, &p.subject, &current); err != nil {
			return names{}, err
		}
		if n.pinned = append(n.pinned, p); current && p.account == account {
			n.Subjects[p.sector] = p.subject
		}
	}
	return n, rows.Err()
}

// in are all those of a sector.
func (n names) in(sector string) []string {
	all := []string{n.Subject(sector)}
	for _, p := range n.pinned {
		if p.sector == sector {
			all = append(all, p.subject)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// retire puts hashes in the place of the subjects of an account that has ended.
// Those that were derived are kept as well where an app was told of them, lest an
// operator pins somebody to one.
func (a *Accounts) retire(ctx context.Context, tx *db.Tx, account string) error {
	n, err := namesOf(ctx, tx, account)
	if err != nil || len(n.SubjectKey) == 0 {
		return err // it was done before
	}
	sectors, err := a.sectorsOf(ctx, tx, account)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, sector := range sectors {
		rows = append(rows, []any{account, sector, retired(sector, n.Subject(sector)), false})
	}
	for _, p := range n.pinned {
		rows = append(rows, []any{account, p.sector, retired(p.sector, p.subject), false})
	}
	if _, err := tx.Exec(ctx, mine+`DELETE FROM subjects WHERE `+theirs, account); err != nil {
		return err
	}
	return insert(ctx, tx, `INSERT INTO subjects (account_id, sector, subject, current)`, rows, `ON CONFLICT DO NOTHING`)
}

// sectorsOf are the sectors of the apps that the account has signed in to, by app.
func (a *Accounts) sectorsOf(ctx context.Context, tx *db.Tx, account string) (map[string]string, error) {
	apps, err := texts(tx.Query(ctx, mine+`SELECT DISTINCT app, '' FROM services WHERE `+theirs, account))
	if err != nil {
		return nil, err
	}
	for app := range apps {
		if a.Sector != nil {
			apps[app] = a.Sector(app)
		}
		if apps[app] == "" {
			delete(apps, app)
		}
	}
	return apps, nil
}

// reissued reports whether a subject was that of an account which was erased.
func reissued(ctx context.Context, tx *db.Tx, sector, subject string) (bool, error) {
	var taken bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM subjects WHERE sector = $1 AND subject = $2)`,
		sector, retired(sector, subject)).Scan(&taken)
	return taken, err
}
