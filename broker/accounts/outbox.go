package accounts

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// tell leaves a message in the outbox: to an app, or to a resident where app is "".
// What it is about names accounts and records, not people or what is known of them:
// by which subject an app knows an account, or where a resident reads mail, is
// looked up when the message is sent.
func tell(ctx context.Context, tx *db.Tx, kind, app string, about map[string]any, now time.Time) error {
	return tellAlso(ctx, tx, kind, app, "", about, now)
}

// tellAlso is tell, with an e-mail address that the message goes to besides.
func tellAlso(ctx context.Context, tx *db.Tx, kind, app, address string, about map[string]any, now time.Time) error {
	payload := maps.Clone(about)
	payload["at"] = now.UTC().Format(time.RFC3339)
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outbox (id, kind, app, address, payload, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		newID(), kind, app, address, string(text), now.UnixMicro())
	return err
}

// notify leaves word to a resident of what was done to their account.
func notify(ctx context.Context, tx *db.Tx, account, what string, now time.Time) error {
	return tell(ctx, tx, "notice", "", map[string]any{"account": account, "what": what}, now)
}
