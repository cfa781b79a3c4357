package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What is decided here ends sessions, wherever it is decided: in the process of an
// officer's command there are none. So word is left in the outbox to the broker itself,
// as app "", and a node carries it out: at least once, whichever node comes first.

// What may be over: the kinds of such words.
const (
	Merged          = "subject-merged"     // one account has absorbed another
	Split           = "subject-split"      // and has given back what was the other one's
	DelegationEnded = "delegation-revoked" // nobody acts for somebody any more
)

// Over is what nobody goes on with who was signed in before.
type Over struct {
	What       string   `json:"-"`
	Account    string   `json:"account"`    // the one that was kept, or the principal's
	Absorbed   string   `json:"absorbed"`   // by it
	Delegation string   `json:"delegation"` // by id
	Apps       []string `json:"apps"`       // at which that has ended
}

const (
	overLease = time.Minute        // for which a word belongs to a node, and after which it is tried again
	overTime  = 7 * 24 * time.Hour // after which nobody is signed in who was before
	overMost  = 50                 // at once
)

// EndOver hands to end what is over, and is done with what end could do. What it could
// not it gets again.
func (a *Accounts) EndOver(ctx context.Context, end func(ctx context.Context, o Over) error) error {
	// The words to apps, which wait for others, are many: the index finds the last few.
	ids, err := column(a.db.Query(ctx, `SELECT id FROM outbox WHERE delivered_at IS NULL AND due_at > $1 AND due_at <= $2
		AND app = '' AND kind IN ('`+Merged+`', '`+Split+`', '`+DelegationEnded+`') ORDER BY due_at LIMIT $3`,
		a.now().Add(-overTime).UnixMicro(), a.now().UnixMicro(), overMost))
	for _, id := range ids {
		err = errors.Join(err, a.endOver(ctx, id, end))
	}
	if err != nil {
		return fmt.Errorf("what is over: %w", err)
	}
	return nil
}

func (a *Accounts) endOver(ctx context.Context, id string, end func(ctx context.Context, o Over) error) error {
	var o Over
	var about string
	err := a.db.QueryRow(ctx, `UPDATE outbox SET due_at = $2, tries = tries + 1 WHERE id = $1 AND due_at <= $3 AND delivered_at IS NULL
		RETURNING kind, payload`, id, a.now().Add(overLease).UnixMicro(), a.now().UnixMicro()).Scan(&o.What, &about)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // another node was faster
	}
	if err == nil {
		err = json.Unmarshal([]byte(about), &o)
	}
	if err == nil {
		err = end(ctx, o)
	}
	if err != nil {
		return err
	}
	_, err = a.db.Exec(ctx, `UPDATE outbox SET delivered_at = $2 WHERE id = $1`, id, a.now().UnixMicro())
	return err
}
