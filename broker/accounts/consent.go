package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// ErrWithdrawn says that what somebody had agreed to, or let somebody else do, is
// over.
var ErrWithdrawn = errors.New("it was withdrawn")

// Consent is what a resident has agreed that an app may be told.
type Consent struct {
	ID     string
	App    string
	Claims []string // names, sorted
	At     time.Time
	Ended  time.Time // the zero time: it holds
}

// Covers reports whether the consent holds and is to all of the claims.
func (c Consent) Covers(names []string) bool {
	return c.Ended.IsZero() && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(c.Claims, name) })
}

// Agreed returns a consent of the account under which the app may be told the
// claims of those names, or ok false where there is none.
func (a *Accounts) Agreed(ctx context.Context, account, app string, names []string) (c Consent, ok bool, err error) {
	all, err := a.consents(ctx, `account_id = $1 AND app = $2`, account, app)
	if err != nil {
		return Consent{}, false, err
	}
	i := slices.IndexFunc(all, func(c Consent) bool { return c.Covers(names) })
	if i < 0 {
		return Consent{}, false, nil
	}
	return all[i], true, nil
}

// Consents returns what the account ever agreed to, the latest first.
func (a *Accounts) Consents(ctx context.Context, account string) ([]Consent, error) {
	return a.consents(ctx, `account_id = $1`, account)
}

func (a *Accounts) consents(ctx context.Context, where string, args ...any) ([]Consent, error) {
	rows, err := a.db.Query(ctx, `SELECT id, app, claims, agreed_at, withdrawn_at FROM consents
		WHERE `+where+` ORDER BY agreed_at DESC, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("consents: %w", err)
	}
	defer rows.Close()

	var all []Consent
	for rows.Next() {
		var c Consent
		var claims string
		var at int64
		var ended sql.NullInt64
		if err := rows.Scan(&c.ID, &c.App, &claims, &at, &ended); err != nil {
			return nil, fmt.Errorf("consents: %w", err)
		}
		c.At, c.Ended = time.UnixMicro(at), moment(ended)
		if err := json.Unmarshal([]byte(claims), &c.Claims); err != nil {
			return nil, fmt.Errorf("consents: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Agree keeps that the resident, who came in by a link, agrees that the app may be told
// the claims of those names.
func (a *Accounts) Agree(ctx context.Context, account, link, app string, names []string) (Consent, error) {
	c := Consent{ID: newID(), App: app, Claims: slices.Sorted(slices.Values(names)), At: a.now()}
	if c.Claims == nil {
		c.Claims = []string{}
	}
	claims, err := json.Marshal(c.Claims)
	if err != nil {
		return Consent{}, fmt.Errorf("agree: %w", err)
	}
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBy(ctx, tx, account, link); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO consents (id, account_id, app, claims, agreed_at, agreed_by) VALUES ($1, $2, $3, $4, $5, `+lineOf(`$6`)+`)`,
			c.ID, account, app, string(claims), c.At.UnixMicro(), link); err != nil {
			return err
		}
		return chain(ctx, tx, c.At, entry{Kind: "consent.given", Account: account, Actor: resident, Detail: map[string]any{
			"consent": c.ID, "app": app, "claims": c.Claims,
		}})
	})
	if err != nil {
		return Consent{}, fmt.Errorf("agree: %w", err)
	}
	return c, nil
}

// Withdraw ends that the account shares with an app: what it had agreed to is over, and
// so is that somebody acts for it there, and a message to the app is left. It returns
// the consents that ended by it. Where nothing was shared since the last time, it
// changes nothing.
func (a *Accounts) Withdraw(ctx context.Context, account, app string) (ended []string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		now := a.now()
		if ended, err = column(tx.Query(ctx, `UPDATE consents SET withdrawn_at = $3
			WHERE account_id = $1 AND app = $2 AND withdrawn_at IS NULL RETURNING id`, account, app, now.UnixMicro())); err != nil {
			return err
		}
		used, err := changes(tx.Exec(ctx, `UPDATE services SET stopped_at = $3
			WHERE account_id = $1 AND app = $2 AND (stopped_at IS NULL OR stopped_at < last_used_at)`, account, app, now.UnixMicro()))
		if err != nil {
			return err
		}
		lapsed, err := lapseAt(ctx, tx, account, app, now)
		if err != nil || len(ended) == 0 && !used && len(lapsed) == 0 {
			return err
		}
		if err := tell(ctx, tx, "sharing-stopped", app, map[string]any{"account": account}, now); err != nil {
			return err
		}
		stopped := entry{Kind: "sharing.stopped", Account: account, Actor: resident, Detail: map[string]any{"app": app, "consents": ended}}
		return chain(ctx, tx, now, append([]entry{stopped}, lapsed...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("withdraw: %w", err)
	}
	return ended, nil
}

// Basis is what something that was issued to an app rests on, besides a way in: ids,
// "" for none.
type Basis struct {
	Consent    string `json:"consent,omitempty"`
	Delegation string `json:"delegation,omitempty"`
}

// Hold keeps what a grant to an app rests on from being ended until tx ends. The error
// is ErrWithdrawn where it has ended, or where the link by which the grant was got does
// not lead in: whoever freezes that ends afterwards what rests on it.
func (a *Accounts) Hold(ctx context.Context, tx *db.Tx, app, link string, on Basis) error {
	if on.Consent != "" {
		if err := held(tx.Exec(ctx, `UPDATE consents SET app = app WHERE id = $1 AND withdrawn_at IS NULL`, on.Consent)); err != nil {
			return err
		}
	}
	if on.Delegation != "" {
		if err := a.holdDelegation(ctx, tx, app, on.Delegation); err != nil {
			return err
		}
	}
	err := tx.QueryRow(ctx, `SELECT l.id FROM links l JOIN accounts a ON a.id = l.account_id
		WHERE l.id = $1 AND l.frozen_at IS NULL AND l.unlinked_at IS NULL AND a.status = 'active'`, link).Scan(new(string))
	if errors.Is(err, sql.ErrNoRows) {
		return ErrWithdrawn
	}
	return err
}

func held(res sql.Result, err error) error {
	holds, err := changes(res, err)
	if err == nil && !holds {
		return ErrWithdrawn
	}
	return err
}
