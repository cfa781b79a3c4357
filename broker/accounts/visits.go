package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Visit is one sign-in to one app, to be folded into the account.
type Visit struct {
	Account  string            `json:"account"`
	Link     string            `json:"link"`
	App      string            `json:"app"` // "" for the broker's own pages, which are no service
	At       time.Time         `json:"at"`
	Released []string          `json:"released"` // names only
	Said     mapping.Statement `json:"said"`     // what the provider said this time; empty for single sign-on
	SSO      bool              `json:"sso"`
	// Delegation is that under which somebody acted for somebody else, by id: there
	// is a visit of each. The principal's has no link.
	Delegation string `json:"delegation,omitempty"`
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

// record folds visits in. Links come first: whoever merges two accounts waits, and
// then finds all that is theirs, or was there before.
func (a *Accounts) record(ctx context.Context, ids []string, visits []Visit) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		live, err := useLinks(ctx, tx, visits)
		if err != nil {
			return err
		}
		open, err := openAccounts(ctx, tx, visits)
		if err != nil {
			return err
		}
		here, err := a.follow(ctx, tx, visits, open, live)
		if err != nil {
			return err
		}
		h, err := fold(ids, here, open, live)
		if err != nil {
			return err
		}
		return h.store(ctx, tx)
	})
}

// openAccounts returns which accounts of the visits still are, each with the one that
// it is now: itself, or the one that it was merged into.
func openAccounts(ctx context.Context, tx *db.Tx, visits []Visit) (map[string]string, error) {
	accounts := make([][]any, len(visits))
	for i, v := range visits {
		accounts[i] = []any{v.Account}
	}
	list, err := listOf(accounts)
	if err != nil {
		return nil, err
	}
	return texts(tx.Query(ctx, `WITH RECURSIVE now (id, at, status, merged_into) AS (
			SELECT id, id, status, merged_into FROM accounts WHERE id IN (SELECT r.value ->> 0 FROM `+tx.Elements+` AS r)
			UNION SELECT now.id, a.id, a.status, a.merged_into FROM now JOIN accounts a ON a.id = now.merged_into
		) SELECT id, at FROM now WHERE status IN ('active', 'frozen')`, list))
}

// follow makes visits of accounts that were merged since visits of those that they
// are now, which their apps go on to know by the same subject.
func (a *Accounts) follow(ctx context.Context, tx *db.Tx, visits []Visit, open, live map[string]string) ([]Visit, error) {
	here := slices.Clone(visits)
	var late []Visit
	for i, v := range visits {
		now := open[v.Account]
		if now == "" || now == v.Account {
			continue
		}
		if err := a.adopt(ctx, tx, now, v.Account, v.App); err != nil {
			return nil, err
		}
		here[i].Account, open[now] = now, now
		late = append(late, here[i])
	}
	moved, err := useLinks(ctx, tx, late)
	maps.Copy(live, moved)
	return here, err
}

// useLinks says when the links of the visits were last used, and returns those
// that are not dead, with the account that each leads to. It holds them until tx
// ends: whoever unlinks one meanwhile waits, and then finds all that its provider said.
func useLinks(ctx context.Context, tx *db.Tx, visits []Visit) (map[string]string, error) {
	used := map[pair]int64{}
	for _, v := range visits {
		k := pair{v.Link, v.Account}
		used[k] = max(used[k], v.At.UnixMicro())
	}
	if len(used) == 0 {
		return nil, nil
	}
	var rows [][]any
	for k, at := range inOrder(used, pair.compare) {
		rows = append(rows, []any{k[0], k[1], at})
	}
	list, err := listOf(rows)
	if err != nil {
		return nil, err
	}
	return texts(tx.Query(ctx, `UPDATE links SET last_used_at =
			CASE WHEN links.last_used_at > used.at THEN links.last_used_at ELSE used.at END
		FROM (SELECT r.value ->> 0 AS link, r.value ->> 1 AS account, CAST(r.value ->> 2 AS BIGINT) AS at FROM `+tx.Elements+` AS r) AS used
		WHERE links.id = used.link AND links.account_id = used.account AND links.unlinked_at IS NULL
			AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = links.account_id AND a.status IN ('active', 'frozen'))
		RETURNING links.id, links.account_id`, list))
}

// history is what some visits come to.
type history struct {
	signIns  [][]any
	services map[pair]service // by account and app
	said     sayings
}

type service struct {
	first, last int64
	released    []string // ever
}

// fold adds up the visits of open accounts. What the provider said counts only
// while the link is the account's.
func fold(ids []string, visits []Visit, open, live map[string]string) (*history, error) {
	h := &history{services: map[pair]service{}, said: newSayings()}
	for i, v := range visits {
		if open[v.Account] == "" {
			continue
		}
		h.signIns = append(h.signIns, []any{ids[i], v.Account, v.Link, v.App, v.At.UnixMicro(), v.SSO, v.Delegation})
		h.addService(v)
		if live[v.Link] != v.Account {
			continue
		}
		if err := h.said.add(v.Account, v.Link, v.Said, v.At); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *history) addService(v Visit) {
	if v.App == "" {
		return
	}
	k, at := pair{v.Account, v.App}, v.At.UnixMicro()
	s, ok := h.services[k]
	if !ok {
		s = service{first: at, last: at}
	}
	s.first, s.last, s.released = min(s.first, at), max(s.last, at), with(s.released, v.Released)
	h.services[k] = s
}

func (h *history) store(ctx context.Context, tx *db.Tx) error {
	err := insert(ctx, tx, `INSERT INTO sign_ins (id, account_id, link_id, app, at, sso, delegation_id)`, h.signIns,
		`ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return err
	}
	if err := insertServices(ctx, tx, h.services); err != nil {
		return err
	}
	return insertClaims(ctx, tx, h.said)
}

// insertServices widens what is known of the use of each service. What the app was told
// before, it knows: names are only ever added.
func insertServices(ctx context.Context, tx *db.Tx, services map[pair]service) error {
	var rows [][]any
	for k, s := range inOrder(services, pair.compare) {
		released, err := json.Marshal(s.released)
		if err != nil {
			return err
		}
		rows = append(rows, []any{k[0], k[1], s.first, s.last, string(released)})
	}
	if len(rows) == 0 {
		return nil
	}
	list, err := listOf(rows)
	if err != nil {
		return err
	}
	known, err := releasedOf(tx.Query(ctx, inserting(tx, `INSERT INTO services (account_id, app, first_used_at, last_used_at, released)`, rows[0],
		`ON CONFLICT (account_id, app) DO UPDATE SET
			first_used_at = CASE WHEN excluded.first_used_at < services.first_used_at
				THEN excluded.first_used_at ELSE services.first_used_at END,
			last_used_at = CASE WHEN excluded.last_used_at > services.last_used_at
				THEN excluded.last_used_at ELSE services.last_used_at END
		RETURNING account_id, app, released`), list))
	if err != nil {
		return err
	}
	for _, r := range rows {
		k := pair{r[0].(string), r[1].(string)}
		if known[k] == r[4] {
			continue // for most people
		}
		if err := addReleased(ctx, tx, k, known[k], services[k].released); err != nil {
			return err
		}
	}
	return nil
}

// releasedOf reads what apps were told, by account and app, as it is stored.
func releasedOf(rows *sql.Rows, err error) (map[pair]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	all := map[pair]string{}
	for rows.Next() {
		var k pair
		var released string
		if err := rows.Scan(&k[0], &k[1], &released); err != nil {
			return nil, err
		}
		all[k] = released
	}
	return all, rows.Err()
}

// addReleased adds what an app was told to what it is known to have been told.
func addReleased(ctx context.Context, tx *db.Tx, k pair, known string, told []string) error {
	var before []string
	if err := json.Unmarshal([]byte(known), &before); err != nil {
		return err
	}
	all := with(before, told)
	if len(all) == len(before) {
		return nil
	}
	released, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE services SET released = $3 WHERE account_id = $1 AND app = $2`, k[0], k[1], string(released))
	return err
}
