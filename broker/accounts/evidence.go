package accounts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Evidence is what was proved of the person behind an account, and until when
// that holds. What an account or a link is worth is not stored anywhere: it is
// the join of the evidence that is valid at the moment of reading, so that it
// depends neither on the order in which evidence came nor on how often, and
// what has expired simply counts no more. Nothing has to be worked out anew at
// night. Evidence of a link that is frozen or dead does not count, and none counts
// for more than the connector that brought it is believed now.
//
// A sign-in that proves something of the person leaves a row for identity and one
// for residency. There is one for each level that the link ever proved by each
// connector, for several may lead to one provider; and all that later sign-ins do
// is to move its end on: so a lower one takes nothing away.

// policyVersion is the edition of the guidance by which levels are given.
const policyVersion = "GPG45-1.0"

// slack is how much longer evidence has to last to be worth a write.
const slack = 24 * time.Hour

// proof is something of the person that is proved for a time.
type proof struct {
	level mapping.Assurance
	until time.Time // the zero time: for good
}

// proofs are what the sign-in proves of the person from now on.
func (in SignIn) proofs(now time.Time) []proof {
	return slices.DeleteFunc([]proof{
		{mapping.Assurance{Identity: in.Level.Identity}, in.IdentityUntil},
		{mapping.Assurance{Residency: in.Level.Residency}, in.ResidencyUntil},
	}, func(p proof) bool { return p.level == mapping.Assurance{} || p.over(now) })
}

// over reports whether p counts no more.
func (p proof) over(now time.Time) bool { return !p.until.IsZero() && !p.until.After(now) }

// within reports whether q proves as much, and for about as long.
func (p proof) within(q proof) bool {
	lasts := q.until.IsZero() || !p.until.IsZero() && !p.until.After(q.until.Add(slack))
	return lasts && q.level.AtLeast(p.level)
}

// newTo returns the proofs that are more than what is known.
func newTo(known, proofs []proof) []proof {
	return slices.DeleteFunc(proofs, func(p proof) bool { return slices.ContainsFunc(known, p.within) })
}

// worth is what the proofs come to.
func worth(proofs []proof) mapping.Assurance {
	var a mapping.Assurance
	for _, p := range proofs {
		a = a.Join(p.level)
	}
	return a
}

// prove keeps what a sign-in proves of the person with what it said, where that is
// more than what is known, and adds the proof to the entrance. It is errRaced where
// the link does not lead to the account any more, and ErrTwoPeople where a link that
// never proved who somebody is proves to be somebody else's.
func (a *Accounts) prove(ctx context.Context, e entrance, in SignIn) (entrance, error) {
	proofs := newTo(e.own, in.proofs(a.now()))
	if len(proofs) == 0 {
		return e, nil
	}
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := holdLink(ctx, tx, e.link); err != nil {
			return err
		}
		if e.proved[e.link.ID].ever.Identity == mapping.P0 {
			if err := onePerson(ctx, tx, e.link, in); err != nil {
				return err
			}
		}
		proved, err := insertEvidence(ctx, tx, e.link, in, proofs, a.now())
		if err != nil || len(proved) == 0 {
			return err
		}
		claims, err := claimsOf(e.account.ID, e.link.ID, in.Said, in.At)
		if err != nil {
			return err
		}
		if err := insertClaims(ctx, tx, claims); err != nil {
			return err
		}
		return chain(ctx, tx, a.now(), proved...)
	})
	e.add(worth(proofs))
	return e, a.refused(ctx, "evidence.refused", e.account.ID, in, err)
}

// holdLink has whoever adds a way in to the account, or freezes, unlinks or moves this
// one, wait; where they were faster with the link, or the account is no more, it is
// errRaced.
func holdLink(ctx context.Context, tx *db.Tx, link Link) error {
	err := hold(ctx, tx, link.Account)
	if errors.Is(err, ErrNotFound) {
		return errRaced
	}
	if err != nil {
		return err
	}
	live, err := changes(tx.Exec(ctx, `UPDATE links SET connector = connector
		WHERE id = $1 AND account_id = $2 AND frozen_at IS NULL AND unlinked_at IS NULL`, link.ID, link.Account))
	if err == nil && !live {
		return errRaced
	}
	return err
}

// insertEvidence stores what a link proved, and says what is to be audited: nothing
// of what was known already.
func insertEvidence(ctx context.Context, tx *db.Tx, link Link, in SignIn, proofs []proof, now time.Time) ([]entry, error) {
	var recorded []entry
	for _, p := range proofs {
		changed, err := upsertEvidence(ctx, tx, link, in, p, now)
		if err != nil {
			return nil, err
		}
		if !changed {
			continue
		}
		detail := map[string]any{"link": link.ID, "connector": in.Connector, "levels": p.level.String()}
		if !p.until.IsZero() {
			detail["until"] = p.until.UTC().Format(time.RFC3339)
		}
		recorded = append(recorded, entry{Kind: "evidence.recorded", Account: link.Account, Actor: resident, Detail: detail})
	}
	return recorded, nil
}

// upsertEvidence reports whether it changed anything. The id is made of what the
// evidence is of, so that of many who store it one does.
func upsertEvidence(ctx context.Context, tx *db.Tx, link Link, in SignIn, p proof, now time.Time) (bool, error) {
	return changes(tx.Exec(ctx, `INSERT INTO evidence
			(id, account_id, link_id, connector, kind, levels, policy_version, checked_at, valid_until)
		VALUES ($1, $2, $3, $4, 'sign-in', $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET
			policy_version = excluded.policy_version, checked_at = excluded.checked_at, valid_until = excluded.valid_until
			WHERE evidence.valid_until <= $9 OR excluded.valid_until > evidence.valid_until + $10
				OR evidence.valid_until IS NOT NULL AND excluded.valid_until IS NULL`,
		strings.Join([]string{link.ID, in.Connector, p.level.String()}, "."), link.Account, link.ID, in.Connector,
		p.level.String(), policyVersion, in.At.UnixMicro(), micros(p.until),
		now.UnixMicro(), slack.Microseconds()))
}
