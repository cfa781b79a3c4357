package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

var (
	// ErrLast says that nobody could get in to the account any more.
	ErrLast = errors.New("it is the last usable way in")
	// ErrLastOfOther says that nobody could get in any more to one of two accounts that
	// were merged, were they taken apart again.
	ErrLastOfOther = errors.New("it is the last usable way in of one of two accounts that were merged")
)

// Way is one way in to an account, as the resident sees it.
type Way struct {
	Link
	Label  string    // what the resident calls it; "": nothing
	Last   time.Time // when it was last used
	Frozen string    // what happened to it, in the provider's own word; "": nothing did
	Dead   bool      // the provider has ended it: it leads in again when the person signs in by it once more
	Usable bool      // somebody gets in by it now
}

// Ways are the ways in to an account, the oldest first.
func (a *Accounts) Ways(ctx context.Context, account string) ([]Way, error) {
	rows, err := a.db.Query(ctx, `SELECT l.id, l.connector, l.issuer, l.subject, l.label, l.created_at, l.last_used_at, l.inherit,
			l.frozen_at, l.frozen_why, l.unlinked_at, e.levels, e.connector, e.valid_until
		FROM links l LEFT JOIN evidence e ON e.account_id = l.account_id AND e.link_id = l.id
		WHERE l.account_id = $1 ORDER BY l.created_at, l.id`, account)
	if err != nil {
		return nil, fmt.Errorf("ways: %w", err)
	}
	defer rows.Close()

	var ways []Way
	for rows.Next() {
		w, err := a.scanWay(rows)
		if err != nil {
			return nil, fmt.Errorf("ways: %w", err)
		}
		w.Account = account
		if last := len(ways) - 1; last >= 0 && ways[last].ID == w.ID { // a row for each piece of evidence
			ways[last].Own = ways[last].Own.Join(w.Own)
			continue
		}
		ways = append(ways, w)
	}
	return ways, rows.Err()
}

func (a *Accounts) scanWay(rows *sql.Rows) (Way, error) {
	var w Way
	var r entranceRow
	var used sql.NullInt64
	err := rows.Scan(&w.ID, &w.Connector, &w.Issuer, &w.Subject, &w.Label, &r.created, &used, &r.inherit,
		&r.frozen, &r.why, &r.dead, &r.levels, &r.connector, &r.validUntil)
	if err != nil {
		return w, err
	}
	w.Created, w.Last, w.Dead = time.UnixMicro(r.created), moment(used), r.dead.Valid
	if r.frozen.Valid {
		w.Frozen = cmp.Or(r.why, "frozen")
	}
	w.Usable = !r.frozen.Valid && !r.dead.Valid && a.leads(w.Connector)
	if w.Inherit, err = vector(r.inherit); err != nil {
		return w, err
	}
	ever, err := vector(r.levels)
	r.silenced = cmp.Or(r.frozen, r.dead)
	w.Own = r.proof(ever.Person(), a.now(), a.cap).level
	return w, err
}

// leads reports whether somebody can sign in by a connector: it is configured, and
// not disabled.
func (a *Accounts) leads(connector string) bool { return a.cap(connector) != mapping.Assurance{} }

// longestLabel is how many characters a label may have.
const longestLabel = 60

// Name sets what the resident calls a way in to their account. Of a long label only
// the beginning is kept, and nothing that does not show. The error is ErrNotFound
// where the way in leads to the account no more.
func (a *Accounts) Name(ctx context.Context, account, link, label string) error {
	label = legible(label)
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := hold(ctx, tx, account); err != nil {
			return err
		}
		var connector string
		err := tx.QueryRow(ctx, `UPDATE links SET label = $3 WHERE id = $1 AND account_id = $2 RETURNING connector`,
			link, account, label).Scan(&connector)
		if err != nil {
			return gone(err)
		}
		if err := notify(ctx, tx, account, "link-named", a.now()); err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), entry{Kind: "link.named", Account: account, Actor: resident, Detail: map[string]any{
			"link": link, "connector": connector,
		}})
	})
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	return nil
}

func legible(label string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, label)
	letters := []rune(strings.Join(strings.Fields(shown), " "))
	return strings.TrimSpace(string(letters[:min(len(letters), longestLabel)]))
}

// gone is err, or ErrNotFound where there was no row.
func gone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Remove takes a way in away from an account, with all that came by it but the
// history; the council's own forgets who signed in by it. Whoever signs in by it
// again is somebody new. by is the link by which whoever removes it has come. The error
// is ErrLast where nobody could get in any more; ErrLastOfOther where that holds of one
// of two people who may have been taken for one, unless it is their own doing; and
// ErrNotFound where either way in leads to the account no more.
func (a *Accounts) Remove(ctx context.Context, account, by, link string) error {
	var removed Name
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdBy(ctx, tx, account, by); err != nil { // of two that remove one each, the second sees what is left
			return err
		}
		if err := a.spare(ctx, tx, account, by, link); err != nil {
			return err
		}
		name, done, err := dropLink(ctx, tx, account, link, resident, a.now())
		if err != nil {
			return err
		}
		removed = name
		return chain(ctx, tx, a.now(), done)
	})
	if keeper, ok := a.Keepers[removed.Issuer]; ok && err == nil {
		err = keeper.Erase(ctx, removed.Subject)
	}
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}

// dropLink deletes a link with all that came by it, and says what is to be audited. Who
// removes it may not be who owns it: the address that it brought is told as well.
func dropLink(ctx context.Context, tx *db.Tx, account, link, actor string, now time.Time) (removed Name, done entry, err error) {
	address, err := addressOf(ctx, tx, account, link)
	if err != nil {
		return Name{}, entry{}, err
	}
	var connector string
	err = tx.QueryRow(ctx, `DELETE FROM links WHERE id = $1 AND account_id = $2 RETURNING connector, issuer, subject`, link, account).
		Scan(&connector, &removed.Issuer, &removed.Subject)
	if err != nil {
		return Name{}, entry{}, gone(err)
	}
	if err := forget(ctx, tx, account, link); err != nil {
		return Name{}, entry{}, err
	}
	about := map[string]any{"account": account, "what": "link-removed", "link": link}
	if err := tellAlso(ctx, tx, "notice", "", address, about, now); err != nil {
		return Name{}, entry{}, err
	}
	detail := map[string]any{"link": link, "connector": connector}
	return removed, entry{Kind: "link.removed", Account: account, Actor: actor, Detail: detail}, nil
}

// spare makes sure that somebody gets in to an account without a link; and where
// somebody else takes it away, whoever owns it.
func (a *Accounts) spare(ctx context.Context, tx *db.Tx, account, by, link string) error {
	usable, err := texts(tx.Query(ctx, `SELECT id, connector FROM links
		WHERE account_id = $1 AND frozen_at IS NULL AND unlinked_at IS NULL`, account))
	if err != nil {
		return err
	}
	maps.DeleteFunc(usable, func(other, connector string) bool { return other == link || !a.leads(connector) })
	switch {
	case len(usable) == 0:
		return ErrLast
	case by == link:
		return nil
	}
	return a.spareOwner(ctx, tx, account, link, slices.Sorted(maps.Keys(usable)))
}

// WayChanged notes that how somebody signs in by a way in was changed: what is the way's
// own word for it, without personal data. Of a way in that leads nowhere nothing is noted.
func (a *Accounts) WayChanged(ctx context.Context, way Name, what string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		done := entry{Kind: "way.changed", Actor: resident, Detail: map[string]any{"what": what}}
		var link, connector string
		err := tx.QueryRow(ctx, `UPDATE links SET connector = connector WHERE issuer = $1 AND subject = $2 AND unlinked_at IS NULL
			RETURNING id, account_id, connector`, way.Issuer, way.Subject).Scan(&link, &done.Account, &connector)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		done.Detail["link"], done.Detail["connector"] = link, connector
		return chain(ctx, tx, a.now(), done)
	})
	if err != nil {
		return fmt.Errorf("note that a way in was changed: %w", err)
	}
	return nil
}

// forget deletes what came by a link.
func forget(ctx context.Context, tx *db.Tx, account, link string) error {
	for _, table := range []string{"claims", "likeness", "evidence"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account_id = $1 AND link_id = $2`, account, link); err != nil {
			return err
		}
	}
	return nil
}

// addressOf is the e-mail address that the provider of a link vouches for, or "".
func addressOf(ctx context.Context, tx *db.Tx, account, link string) (string, error) {
	var value string
	err := tx.QueryRow(ctx, `SELECT c.value FROM claims c JOIN links l ON l.id = c.link_id
		WHERE c.account_id = $1 AND c.link_id = $2 AND c.name = 'email' AND c.verified AND l.undeliverable_at IS NULL`,
		account, link).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var address string
	err = json.Unmarshal([]byte(value), &address)
	return address, err
}
