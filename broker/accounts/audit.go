package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// The audit chain says what was done to which identity, when and by whom. It
// is pseudonymous: people appear by account id alone, never by name, e-mail
// address or a provider's subject.
//
// Each entry's hash is the SHA-256, in hexadecimal, of the entry's columns
// seq, at, kind, account, actor, detail and previous in this order, each as a
// netstring of its bytes ("5:hello,"), numbers in decimal. previous is the hash of the
// entry before, "" for the first. So an entry cannot be changed or taken out
// without changing all that follow. Whoever may rewrite the whole table can
// still do so: an operator who keeps the head of the chain somewhere else will
// notice.

// ErrAudit says that the audit chain is not as it was written.
var ErrAudit = errors.New("the audit chain is broken")

const (
	resident = "resident" // the actor of what residents do to their own accounts
	operator = "operator" // the actor of what is done by a command
	provider = "provider" // the actor of what a provider told
	janitor  = "janitor"  // the actor of what was due
)

// entry is one thing that was done.
type entry struct {
	Kind    string         // account.created …
	Account string         // whose
	Actor   string         // who did it: resident, operator, provider, or an operator's account
	Detail  map[string]any // without personal data
}

// auditRow is an entry in its place in the chain.
type auditRow struct {
	seq, at                                      int64
	kind, account, actor, detail, previous, hash string
}

func (r auditRow) sum() string {
	var b strings.Builder
	for _, column := range []string{
		strconv.FormatInt(r.seq, 10), strconv.FormatInt(r.at, 10),
		r.kind, r.account, r.actor, r.detail, r.previous,
	} {
		fmt.Fprintf(&b, "%d:%s,", len(column), column)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// chain appends entries. It locks the head of the chain until tx ends, so it
// comes last in a transaction.
func chain(ctx context.Context, tx *db.Tx, at time.Time, entries ...entry) error {
	var last auditRow
	err := tx.QueryRow(ctx, `UPDATE audit_head SET seq = seq + $1 WHERE one = 1 RETURNING seq, hash`, len(entries)).Scan(&last.seq, &last.hash)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	last.seq -= int64(len(entries))
	var rows [][]any
	for _, e := range entries {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		r := auditRow{
			seq: last.seq + 1, at: at.UnixMicro(), kind: e.Kind, account: e.Account, actor: e.Actor,
			detail: string(detail), previous: last.hash,
		}
		r.hash = r.sum()
		rows = append(rows, []any{r.seq, r.at, r.kind, r.account, r.actor, r.detail, r.previous, r.hash})
		last = r
	}
	if err := insert(ctx, tx, `INSERT INTO audit (seq, at, kind, account, actor, detail, previous, hash)`, rows, ``); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE audit_head SET hash = $1 WHERE one = 1`, last.hash); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Head is the end of the chain, as somebody saw it.
type Head struct {
	Seq  int64
	Hash string
}

// VerifyAudit checks the whole chain. The error is ErrAudit, with the first entry that
// is not as it was written.
func (a *Accounts) VerifyAudit(ctx context.Context) error {
	_, err := a.VerifyAuditSince(ctx, Head{})
	return err
}

// VerifyAuditSince is VerifyAudit by somebody who has seen where the chain ended
// before, and kept that where nobody can write who may write the database: the chain
// must go on from there. It returns where it ends now.
func (a *Accounts) VerifyAuditSince(ctx context.Context, seen Head) (Head, error) {
	first, err := a.auditHead(ctx) // what is appended meanwhile lies beyond it
	if err != nil {
		return Head{}, fmt.Errorf("verify the audit chain: %w", err)
	}
	last, err := a.verifyRows(ctx, first, seen)
	if err != nil {
		return Head{}, fmt.Errorf("verify the audit chain: %w", err)
	}
	newest, err := a.auditHead(ctx)
	switch {
	case err != nil:
		return Head{}, fmt.Errorf("verify the audit chain: %w", err)
	case last.Seq < first.Seq:
		return Head{}, fmt.Errorf("%w: entry %d is missing", ErrAudit, last.Seq+1)
	case last.Seq < seen.Seq:
		return Head{}, fmt.Errorf("%w: entry %d is missing, which was there before", ErrAudit, last.Seq+1)
	case last.Seq > newest.Seq:
		return Head{}, fmt.Errorf("%w: entry %d was put beyond the end", ErrAudit, newest.Seq+1)
	}
	return last, nil
}

func (a *Accounts) auditHead(ctx context.Context) (Head, error) {
	var h Head
	err := a.db.QueryRow(ctx, `SELECT seq, hash FROM audit_head`).Scan(&h.Seq, &h.Hash)
	return h, err
}

// verifyRows checks the entries, of which the hashes of two are known, and returns the
// last.
func (a *Accounts) verifyRows(ctx context.Context, head, seen Head) (Head, error) {
	rows, err := a.db.Query(ctx, `SELECT seq, at, kind, account, actor, detail, previous, hash FROM audit ORDER BY seq`)
	if err != nil {
		return Head{}, err
	}
	defer rows.Close()

	var last auditRow
	for rows.Next() {
		var r auditRow
		if err := rows.Scan(&r.seq, &r.at, &r.kind, &r.account, &r.actor, &r.detail, &r.previous, &r.hash); err != nil {
			return Head{}, err
		}
		if err := r.follows(last); err != nil {
			return Head{}, err
		}
		switch {
		case r.seq == seen.Seq && r.hash != seen.Hash:
			return Head{}, fmt.Errorf("%w: entry %d, or one before it, was written anew since it was seen", ErrAudit, r.seq)
		case r.seq == head.Seq && r.hash != head.Hash:
			return Head{}, fmt.Errorf("%w: entry %d is not the head of the chain", ErrAudit, r.seq)
		}
		last = r
	}
	return Head{last.seq, last.hash}, rows.Err()
}

func (r auditRow) follows(last auditRow) error {
	switch {
	case r.seq != last.seq+1:
		return fmt.Errorf("%w: entry %d is missing", ErrAudit, last.seq+1)
	case r.hash != r.sum():
		return fmt.Errorf("%w: entry %d was changed", ErrAudit, r.seq)
	case r.previous != last.hash:
		return fmt.Errorf("%w: entry %d does not follow entry %d", ErrAudit, r.seq, last.seq)
	}
	return nil
}
