package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

var (
	// ErrInvitation says that nobody is invited by the code, or not any more.
	ErrInvitation = errors.New("the invitation is unknown, used or over")

	// ErrNoDelegation says that the account has no such delegation on either side.
	ErrNoDelegation = errors.New("no such delegation")

	// ErrOneself says that nobody can act for themselves.
	ErrOneself = errors.New("the invitation is the account's own")
)

// Delegation lets one person act for another at some apps. The delegate signs in as
// themselves and says for whom they act; what they may do there, the app decides.
// Nobody can pass on what was delegated to them: it is no part of their account.
type Delegation struct {
	ID        string
	Principal string // the account for which somebody acts
	Delegate  string // the account that acts; "" until the invitation is accepted
	Apps      []string
	Label     string    // what the principal calls the delegate
	Created   time.Time // when the principal invited somebody
	Until     time.Time // when it is over
	Expires   time.Time // when nobody can accept the invitation any more
	Accepted  time.Time // the zero time: nobody has
	Ended     time.Time // the zero time: nobody has ended it, and nobody was told that it is over
	EndedBy   string    // which of them did: principal or delegate; council, where nobody knows any more whose it is; or time
}

// Holds reports whether the delegate may act.
func (d Delegation) Holds(now time.Time) bool {
	return !d.Accepted.IsZero() && d.Ended.IsZero() && d.Until.After(now)
}

// invitationTime is how long an invitation may be accepted.
const invitationTime = 7 * 24 * time.Hour

// Invite lets whoever gets the code first act for the account at the apps, until a
// time. link is the way in by which the resident came, and label what they call whom
// they invite. The code is kept nowhere.
func (a *Accounts) Invite(ctx context.Context, account, link string, apps []string, until time.Time, label string) (
	code string, d Delegation, err error,
) {
	now := a.now()
	if len(apps) == 0 || !until.After(now) {
		return "", Delegation{}, errors.New("invite: to no app, or for no time")
	}
	d = Delegation{
		ID: newID(), Principal: account, Apps: slices.Compact(slices.Sorted(slices.Values(apps))), Label: label,
		Created: now, Until: until, Expires: earliest(until, now.Add(invitationTime)),
	}
	list, err := json.Marshal(d.Apps)
	if err != nil {
		return "", Delegation{}, fmt.Errorf("invite: %w", err)
	}
	code = newCode()
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBy(ctx, tx, account, link); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO delegations
				(id, account_id, apps, label, code_hash, code_expires_at, created_at, valid_until, invited_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, `+lineOf(`$9`)+`)`,
			d.ID, account, string(list), label, hashOfCode(code), d.Expires.UnixMicro(), now.UnixMicro(), until.UnixMicro(), link); err != nil {
			return err
		}
		if err := notify(ctx, tx, account, "delegation-invited", now); err != nil {
			return err
		}
		return chain(ctx, tx, now, entry{Kind: "delegation.invited", Account: account, Actor: resident, Detail: map[string]any{
			"delegation": d.ID, "apps": d.Apps, "until": until.UTC().Format(time.RFC3339),
		}})
	})
	if err != nil {
		return "", Delegation{}, fmt.Errorf("invite: %w", err)
	}
	return code, d, nil
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// newCode is 80 random bits in four groups of letters and digits, to be handed over
// on paper or by telephone.
func newCode() string {
	text := rand.Text()
	return strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:16]}, "-")
}

// hashOfCode is the hash of a code as somebody may have typed it.
func hashOfCode(code string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))))
	return hex.EncodeToString(sum[:])
}

// Accept takes up an invitation, for a resident who came in by a link. Of many who do one becomes the delegate; the error
// is ErrInvitation for the others, and ErrOneself for the principal, whose
// invitation stays.
func (a *Accounts) Accept(ctx context.Context, account, link, code string) (d Delegation, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBy(ctx, tx, account, link); err != nil {
			return err
		}
		now, hash := a.now(), hashOfCode(code)
		var principal string
		err := tx.QueryRow(ctx, `SELECT account_id FROM delegations WHERE code_hash = $1`, hash).Scan(&principal)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrInvitation
		case err != nil:
			return err
		case principal == account:
			return ErrOneself
		}
		d, err = scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET delegate_id = $1, accepted_at = $2, accepted_by = `+lineOf(`$4`)+`, code_hash = NULL
			WHERE code_hash = $3 AND code_expires_at > $2 AND ended_at IS NULL
				AND account_id IN (SELECT id FROM accounts WHERE status = 'active')
			RETURNING `+delegationColumns, account, now.UnixMicro(), hash, link))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrInvitation
		}
		if err != nil {
			return err
		}
		accepted, err := d.tellBoth(ctx, tx, "delegation.accepted", "delegation-accepted", resident, now)
		if err != nil {
			return err
		}
		return chain(ctx, tx, now, accepted...)
	})
	if err != nil {
		return Delegation{}, fmt.Errorf("accept: %w", err)
	}
	return d, nil
}

// Delegations returns who may or might act for the account, and for whom it may,
// whether or not that is over, the latest first.
func (a *Accounts) Delegations(ctx context.Context, account string) (given, received []Delegation, err error) {
	all, err := a.delegations(ctx, `account_id = $1 OR delegate_id = $1`, account)
	for _, d := range all {
		if d.Principal == account {
			given = append(given, d)
		} else {
			received = append(received, d)
		}
	}
	return given, received, err
}

// ActsFor returns under what the account may act for somebody else at the app.
func (a *Accounts) ActsFor(ctx context.Context, account, app string) ([]Delegation, error) {
	all, err := a.delegations(ctx, `delegate_id = $1 AND ended_at IS NULL AND valid_until > $2
		AND account_id IN (SELECT id FROM accounts WHERE status = 'active')`, account, a.now().UnixMicro())
	return slices.DeleteFunc(all, func(d Delegation) bool { return !slices.Contains(d.Apps, app) }), err
}

// Delegation returns one that holds at an app, and the principal's account as it is
// now. The error is ErrWithdrawn where it does not hold there, or the principal's
// account may not be used or has no way in that may: nobody acts for somebody who is
// kept out.
func (a *Accounts) Delegation(ctx context.Context, id, app string) (Delegation, Account, error) {
	found, err := a.delegations(ctx, `id = $1`, id)
	if err != nil {
		return Delegation{}, Account{}, err
	}
	if len(found) == 0 || !found[0].Holds(a.now()) || !slices.Contains(found[0].Apps, app) {
		return Delegation{}, Account{}, ErrWithdrawn
	}
	principal, err := a.principal(ctx, found[0])
	return found[0], principal, err
}

// principal is the account for which d lets somebody act. The error is ErrWithdrawn
// where it may not be used.
func (a *Accounts) principal(ctx context.Context, d Delegation) (Account, error) {
	e, err := a.find(ctx, entering+` WHERE a.id = $2 AND l.id =
		(SELECT MIN(id) FROM links WHERE account_id = $2 AND `+leadsIn+`)`, nothing, d.Principal)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrFrozen) {
		return Account{}, errors.Join(ErrWithdrawn, err)
	}
	if err != nil {
		return Account{}, fmt.Errorf("delegation: %w", err)
	}
	return e.account, nil
}

// leadsIn is true of links by which somebody gets in.
const leadsIn = `frozen_at IS NULL AND unlinked_at IS NULL`

// holdDelegation is Hold of a delegation.
func (a *Accounts) holdDelegation(ctx context.Context, tx *db.Tx, app, id string) error {
	d, err := scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET label = label
		WHERE id = $1 AND ended_at IS NULL AND valid_until > $2
			AND EXISTS (SELECT 1 FROM accounts p WHERE p.id = delegations.account_id AND p.status = 'active')
			AND EXISTS (SELECT 1 FROM links l WHERE l.account_id = delegations.account_id AND `+leadsIn+`)
		RETURNING `+delegationColumns, id, a.now().UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !slices.Contains(d.Apps, app) {
		return ErrWithdrawn
	}
	return err
}

// Revoke ends a delegation for either side, at once and for good, and leaves a
// message to each of its apps and to both. A second time it changes nothing. The error
// is ErrNoDelegation where it is no delegation of the account.
func (a *Accounts) Revoke(ctx context.Context, account, id string) (d Delegation, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		now := a.now()
		d, err = scanDelegation(tx.QueryRow(ctx, `UPDATE delegations SET ended_at = $3, code_hash = NULL,
				ended_by = CASE WHEN account_id = $2 THEN 'principal' ELSE 'delegate' END
			WHERE id = $1 AND (account_id = $2 OR delegate_id = $2) AND ended_at IS NULL
			RETURNING `+delegationColumns, id, account, now.UnixMicro()))
		if errors.Is(err, sql.ErrNoRows) { // it has ended before, or is not theirs
			d, err = scanDelegation(tx.QueryRow(ctx, `SELECT `+delegationColumns+` FROM delegations
				WHERE id = $1 AND (account_id = $2 OR delegate_id = $2)`, id, account))
			if errors.Is(err, sql.ErrNoRows) {
				return ErrNoDelegation
			}
			return err
		}
		if err != nil {
			return err
		}
		ended, err := d.tellEnded(ctx, tx, resident, now)
		if err != nil {
			return err
		}
		return chain(ctx, tx, now, ended...)
	})
	if err != nil {
		return Delegation{}, fmt.Errorf("revoke: %w", err)
	}
	return d, nil
}

// tellEnded leaves word that d has ended, and says what is to be audited.
func (d Delegation) tellEnded(ctx context.Context, tx *db.Tx, actor string, now time.Time) ([]entry, error) {
	if !d.Accepted.IsZero() { // no app ever heard of the others
		for _, app := range append([]string{""}, d.Apps...) { // the broker itself first
			about := map[string]any{"account": d.Principal, "delegation": d.ID}
			if app == "" {
				about["apps"] = d.Apps
			}
			if err := tell(ctx, tx, DelegationEnded, app, about, now); err != nil {
				return nil, err
			}
		}
	}
	notice := "delegation-ended"
	if actor == janitor {
		notice = "delegation-over"
	}
	return d.tellBoth(ctx, tx, "delegation.ended", notice, actor, now)
}

// tellBoth tells both sides what was done to d, and says what is to be audited of each.
// Of whom it is the other side learns what it is shown, not who that is to the council.
func (d Delegation) tellBoth(ctx context.Context, tx *db.Tx, kind, notice, actor string, now time.Time) ([]entry, error) {
	sides := []string{d.Principal}
	if d.Delegate != "" {
		sides = append(sides, d.Delegate)
	}
	var entries []entry
	for _, side := range sides {
		if err := notify(ctx, tx, side, notice, now); err != nil {
			return nil, err
		}
		entries = append(entries, entry{Kind: kind, Account: side, Actor: actor, Detail: map[string]any{"delegation": d.ID, "apps": d.Apps}})
	}
	return entries, nil
}

const delegationColumns = `id, account_id, delegate_id, apps, label, created_at, valid_until, code_expires_at, accepted_at, ended_at, ended_by`

func (a *Accounts) delegations(ctx context.Context, where string, args ...any) ([]Delegation, error) {
	return delegations(ctx, a.db.Verbs, where, args...)
}

func delegations(ctx context.Context, v db.Verbs, where string, args ...any) ([]Delegation, error) {
	rows, err := v.Query(ctx, `SELECT `+delegationColumns+` FROM delegations WHERE `+where+` ORDER BY created_at DESC, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("delegations: %w", err)
	}
	defer rows.Close()

	var all []Delegation
	for rows.Next() {
		d, err := scanDelegation(rows)
		if err != nil {
			return nil, fmt.Errorf("delegations: %w", err)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

func scanDelegation(row interface{ Scan(dest ...any) error }) (Delegation, error) {
	var d Delegation
	var delegate sql.NullString
	var apps string
	var created, until, expires int64
	var accepted, ended sql.NullInt64
	if err := row.Scan(&d.ID, &d.Principal, &delegate, &apps, &d.Label, &created, &until, &expires, &accepted, &ended, &d.EndedBy); err != nil {
		return Delegation{}, err
	}
	d.Delegate, d.Accepted, d.Ended = delegate.String, moment(accepted), moment(ended)
	d.Created, d.Until, d.Expires = time.UnixMicro(created), time.UnixMicro(until), time.UnixMicro(expires)
	err := json.Unmarshal([]byte(apps), &d.Apps)
	return d, err
}
