package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Visit is one sign-in to one app, to be folded into the account.
type Visit struct {
	Account  string            `json:"account"`
	Link     string            `json:"link"`
	App      string            `json:"app"`
	At       time.Time         `json:"at"`
	Released []string          `json:"released"` // names only
	Said     mapping.Statement `json:"said"`     // what the provider said this time; empty for single sign-on
	SSO      bool              `json:"sso"`
}

// Record folds visits into the history of their accounts: the sign-ins, the
// services in use, when each link was last used and what its provider last
// said. ids[i] names visits[i].
//
// Visits may be handed in more than once, in any order and in any company: the
// outcome is the same, as of everything that is kept the earliest or the
// latest counts. Visits of accounts that are no more are left out.
func (a *Accounts) Record(ctx context.Context, ids []string, visits []Visit) error {
	const most = 500 // a transaction
	for i := 0; i < len(visits); i += most {
		end := min(i+most, len(visits))
		if err := a.record(ctx, ids[i:end], visits[i:end]); err != nil {
			return fmt.Errorf("record visits: %w", err)
		}
	}
	return nil
}

func (a *Accounts) record(ctx context.Context, ids []string, visits []Visit) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		live, err := liveLinks(ctx, tx, visits)
		if err != nil {
			return err
		}
		h, err := fold(ids, visits, live)
		if err != nil {
			return err
		}
		return h.store(ctx, tx)
	})
}

// liveLinks returns, for each account of the visits that still is, its links
// that are not dead: what their providers said does not come back.
func liveLinks(ctx context.Context, tx *db.Tx, visits []Visit) (map[string][]string, error) {
	accounts := make([]any, len(visits))
	for i, v := range visits {
		accounts[i] = v.Account
	}
	rows, err := tx.Query(ctx, `SELECT a.id, COALESCE(l.id, '')
		FROM accounts a
		LEFT JOIN links l ON l.account_id = a.id AND l.unlinked_at IS NULL
		WHERE a.status IN ('active', 'frozen') AND a.id IN `+tuples(1, len(accounts)), accounts...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	live := map[string][]string{}
	for rows.Next() {
		var account, link string
		if err := rows.Scan(&account, &link); err != nil {
			return nil, err
		}
		live[account] = append(live[account], link)
	}
	return live, rows.Err()
}

// history is what some visits come to.
type history struct {
	signIns  [][]any
	services map[pair]service // by account and app
	used     map[string]int64 // link to its last use
	claims   map[pair]claimRow
}

type service struct {
	first, last int64
	released    []string // at last
}

// fold adds up visits. What the provider said counts only while the link is
// the account's.
func fold(ids []string, visits []Visit, live map[string][]string) (*history, error) {
	h := &history{services: map[pair]service{}, used: map[string]int64{}, claims: map[pair]claimRow{}}
	for i, v := range visits {
		links, ok := live[v.Account]
		if !ok {
			continue
		}
		h.signIns = append(h.signIns, []any{ids[i], v.Account, v.Link, v.App, v.At.UnixMicro(), v.SSO})
		h.addService(v)
		if !slices.Contains(links, v.Link) {
			continue
		}
		h.used[v.Link] = max(h.used[v.Link], v.At.UnixMicro())
		if err := h.addClaims(v); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *history) addService(v Visit) {
	k, at := pair{v.Account, v.App}, v.At.UnixMicro()
	s, ok := h.services[k]
	if !ok {
		s = service{first: at, last: at, released: v.Released}
	}
	if at > s.last {
		s.last, s.released = at, v.Released
	}
	s.first = min(s.first, at)
	h.services[k] = s
}

func (h *history) addClaims(v Visit) error {
	claims, err := claimsOf(v.Account, v.Link, v.Said, v.At)
	if err != nil {
		return err
	}
	for k, c := range claims {
		if c.said > h.claims[k].said {
			h.claims[k] = c
		}
	}
	return nil
}

func (h *history) store(ctx context.Context, tx *db.Tx) error {
	err := insert(ctx, tx, `INSERT INTO sign_ins (id, account_id, link_id, app, at, sso)`, h.signIns,
		`ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return err
	}
	if err := insertServices(ctx, tx, h.services); err != nil {
		return err
	}
	if err := insertClaims(ctx, tx, h.claims); err != nil {
		return err
	}
	return updateUsed(ctx, tx, h.used)
}

// insertServices widens what is known of the use of each service.
func insertServices(ctx context.Context, tx *db.Tx, services map[pair]service) error {
	var rows [][]any
	for k, s := range inOrder(services) {
		released, err := json.Marshal(s.released)
		if err != nil {
			return err
		}
		rows = append(rows, []any{k[0], k[1], s.first, s.last, string(released)})
	}
	return insert(ctx, tx, `INSERT INTO services (account_id, app, first_used_at, last_used_at, released)`, rows,
		`ON CONFLICT (account_id, app) DO UPDATE SET
			first_used_at = CASE WHEN excluded.first_used_at < services.first_used_at
				THEN excluded.first_used_at ELSE services.first_used_at END,
			last_used_at = CASE WHEN excluded.last_used_at > services.last_used_at
				THEN excluded.last_used_at ELSE services.last_used_at END,
			released = CASE WHEN excluded.last_used_at > services.last_used_at
				THEN excluded.released ELSE services.released END`)
}

func updateUsed(ctx context.Context, tx *db.Tx, used map[string]int64) error {
	var args []any
	for link, at := range used {
		args = append(args, link, at)
	}
	if len(args) == 0 {
		return nil
	}
	// The first of the values matches no link: it tells PostgreSQL the types.
	_, err := tx.Exec(ctx, `UPDATE links SET last_used_at = used.column2
		FROM (VALUES ('', CAST(0 AS BIGINT)), `+tuples(len(used), 2)+`) AS used
		WHERE links.id = used.column1 AND (links.last_used_at IS NULL OR links.last_used_at < used.column2)`, args...)
	return err
}
