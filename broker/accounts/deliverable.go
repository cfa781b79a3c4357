package accounts

import (
	"context"

	"github.com/councilid/councilid/broker/db"
)

// Undeliverable keeps that mail does not reach the e-mail address which the
// upstream subject's provider gave, because of what, the provider's own word for
// what happened: a person has switched a relay off, say. The claim stays as it is, and
// so does this, when the link dies and comes to life again, until the provider says
// otherwise.
// It tells whose the link is, and is ErrUnknownLink where there is none. A second
// time it changes nothing.
func (a *Accounts) Undeliverable(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.undeliverable", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		return changes(tx.Exec(ctx, `UPDATE links SET undeliverable_at = $2 WHERE id = $1 AND undeliverable_at IS NULL`,
			l.ID, a.now().UnixMicro()))
	})
}

// Deliverable keeps that mail reaches it again.
func (a *Accounts) Deliverable(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.deliverable", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		return changes(tx.Exec(ctx, `UPDATE links SET undeliverable_at = NULL WHERE id = $1 AND undeliverable_at IS NOT NULL`, l.ID))
	})
}
