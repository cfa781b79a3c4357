package accounts

import (
	"context"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Undeliverable keeps that mail does not reach the e-mail address which the
// upstream subject's provider gave, because of what, the provider's own word for
// what happened: a person has switched a relay off, say. The claim stays as it is, and
// so does this, when the link dies and comes to life again, until the provider says
// otherwise, or vouches for another address.
// It tells whose the link is, and is ErrUnknownLink where there is none. A second
// time it changes nothing.
func (a *Accounts) Undeliverable(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.undeliverable", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		address, err := addressOf(ctx, tx, l.Account, l.ID)
		if err != nil {
			return false, err
		}
		return changes(tx.Exec(ctx, `UPDATE links SET undeliverable_at = $2, undeliverable_of = $3 WHERE id = $1 AND undeliverable_at IS NULL`,
			l.ID, a.now().UnixMicro(), addressKey(l.ID, address)))
	})
}

// Deliverable keeps that mail reaches it again.
func (a *Accounts) Deliverable(ctx context.Context, issuer, subject, what string) (Link, error) {
	return a.told(ctx, "link.deliverable", issuer, subject, what, func(tx *db.Tx, l Link) (bool, error) {
		return changes(tx.Exec(ctx, `UPDATE links SET undeliverable_at = NULL, undeliverable_of = '' WHERE id = $1 AND undeliverable_at IS NOT NULL`, l.ID))
	})
}

// otherAddress is what happened to an address that mail does not reach where the
// provider vouches for another one.
const otherAddress = "other-address"

// movesOn reports whether mail did not reach the address of the entrance's link, and
// the provider now vouches for another one.
func (e *entrance) movesOn(said mapping.Statement) bool {
	if e.undeliverable == "" || !vouched(said, "email") {
		return false
	}
	now := addressKey(e.link.ID, said.Claims.Text("email"))
	return now != "" && now != e.undeliverable
}

// addressKey is the hash by which an address of a link is known again, or "" where
// there is none. It is another one for each link: nobody finds out who shares one.
func addressKey(link, address string) string {
	return keyOf("address", true, link, spelled(address))
}
