package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// mine are the accounts of one person: $1, and those that were merged into it.
const mine = `WITH RECURSIVE mine (id) AS (
		SELECT CAST($1 AS TEXT) UNION SELECT a.id FROM accounts a JOIN mine ON a.merged_into = mine.id)
	`

// kept is a table that holds something about people: which of its rows are about
// one, what they are shown of them, and what becomes of them when they are
// erased. A test demands that every table is here, or said to hold nothing about
// people, and every column.
type kept struct {
	name  string // in a copy, where that is not the table's
	table string
	whose string // which rows are about the accounts in mine
	// shown are the columns that are shown: those marked as a time, as JSON, as a list
	// or as a flag as what they are.
	shown string
	// hidden are those that are not: they open something, or are about others.
	hidden string
	// left is what an erasure leaves of the rows; "" is nothing.
	left string
}

// ofPeople are all of them, in the order in which they are erased: who is referred
// to goes last.
var ofPeople = [...]kept{
	{
		table: "refresh_tokens", whose: `grant_id IN (SELECT id FROM refresh_grants WHERE ` + theirs + ` OR ` + byDelegate + `)`,
		shown: "grant_id created_at:time expires_at:time replaced_at:time", hidden: "hash parent",
	},
	{
		name: "refresh_grants_for_others", table: "refresh_grants", whose: byDelegate + ` AND account_id NOT IN (SELECT id FROM mine)`,
		shown:  "id link_id app act delegation_id auth_time:time created_at:time expires_at:time revoked_at:time",
		hidden: "account_id subject session scopes claims consent_id",
	},
	{
		table: "refresh_grants", whose: theirs,
		shown: "id account_id link_id app subject session scopes:json claims:json auth_time:time created_at:time expires_at:time " +
			"revoked_at:time consent_id delegation_id", hidden: "act",
	},
	{table: "wishes", whose: theirs, shown: "id account_id app connector level asked_at:time valid_until:time"},
	{table: "consents", whose: theirs, shown: "id account_id app claims:json agreed_at:time agreed_by:list withdrawn_at:time"},
	{
		table: "delegations", whose: theirs,
		shown: "id account_id delegate_id apps:json label code_expires_at:time created_at:time valid_until:time " +
			"accepted_at:time ended_at:time ended_by invited_by:list", hidden: "code_hash accepted_by",
	},
	{
		name: "delegations_for_others", table: "delegations", whose: `delegate_id IN (SELECT id FROM mine)`,
		shown: "id account_id delegate_id apps:json label created_at:time valid_until:time accepted_at:time ended_at:time ended_by accepted_by:list",
		// The invitation was the principal's.
		hidden: "code_hash code_expires_at invited_by",
		left:   `label = '', ended_by = CASE WHEN ended_at IS NULL THEN 'delegate' ELSE ended_by END, ended_at = COALESCE(ended_at, $2)`,
	},
	{table: "evidence", whose: theirs, shown: "id account_id link_id connector kind levels policy_version checked_at:time valid_until:time detail:json"},
	{table: "claims", whose: theirs, shown: "account_id link_id name value:json verified:flag said_at:time"},
	{table: "likeness", whose: theirs, shown: "account_id link_id kind key said_at:time"},
	{table: "services", whose: theirs, shown: "account_id app first_used_at:time last_used_at:time released:json stopped_at:time"},
	{table: "sign_ins", whose: theirs, shown: "id account_id link_id app at:time sso:flag delegation_id"},
	{
		table: "links", whose: theirs,
		shown: "id account_id connector issuer subject label created_at:time last_used_at:time frozen_at:time frozen_why unlinked_at:time " +
			"undeliverable_at:time inherit added_by:list",
		hidden: "undeliverable_of",
	},
	{
		// Their hashes stay, so that nobody else ever gets them; see retire.
		table: "subjects", whose: theirs, shown: "account_id sector subject current:flag", left: unchanged,
	},
	{
		table: "merges", whose: `kept IN (SELECT id FROM mine) OR absorbed IN (SELECT id FROM mine)`,
		shown: "id kept absorbed proposed_by proposed_at:time approved_by reason merged_at:time withdrawn_at:time withdrawn_by " +
			"undo_proposed_by undo_proposed_at:time undo_reason undone_at:time undone_by",
		hidden: "undo place", left: `undo = NULL, reason = '', undo_reason = ''`,
	},
	{
		// Who looked, when and what for stays, for officers answer for it; why they
		// did may name the person.
		table: "lookups", whose: theirs, shown: "id account_id officer reason what at:time", left: `reason = ''`,
	},
	{
		table: "outbox", whose: `EXISTS (SELECT 1 FROM mine WHERE outbox.payload LIKE '%"account":"' || mine.id || '"%')
			AND kind <> '` + purged + `'`,
		shown: "id kind app payload:json address created_at:time due_at:time tries delivered_at:time",
	},
	{
		// It names no one and is never changed, or nobody could rely on it.
		table: "audit", whose: `account IN (SELECT id FROM mine)`, shown: "seq at:time kind account actor detail:json", hidden: "previous hash",
		left: unchanged,
	},
	{
		table: "accounts", whose: `id IN (SELECT id FROM mine)`,
		shown: "id status created_at:time merged_into leaves_at:time leaves_why reminded_at:time", hidden: "subject_key",
		left: `status = 'erased', subject_key = '', leaves_why = '', reminded_at = NULL,
			leaves_at = CASE WHEN status = 'erased' THEN leaves_at ELSE $2 END`,
	},
}

const (
	theirs     = `account_id IN (SELECT id FROM mine)`
	byDelegate = `delegation_id IN (SELECT id FROM delegations WHERE delegate_id IN (SELECT id FROM mine))`
	unchanged  = "unchanged"
)

// rows are those about the person of an account.
func (k kept) rows(ctx context.Context, v db.Verbs, account string) ([]Row, error) {
	columns := strings.Fields(k.shown)
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i], _, _ = strings.Cut(column, ":")
	}
	rows, err := v.Query(ctx, mine+`SELECT `+strings.Join(names, ", ")+` FROM `+k.table+` WHERE `+k.whose+` ORDER BY 1, 2, 3`, account)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.table, err)
	}
	defer rows.Close()

	var all []Row
	for rows.Next() {
		row, err := scanRow(rows, columns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.table, err)
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// scanRow reads one row; what is not set is left out.
func scanRow(rows *sql.Rows, columns []string) (Row, error) {
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	if err := rows.Scan(values...); err != nil {
		return nil, err
	}
	row := Row{}
	for i, column := range columns {
		value := *values[i].(*any)
		name, kind, _ := strings.Cut(column, ":")
		if value == nil || kind == "time" && value == int64(0) { // which stands for over
			continue
		}
		switch kind {
		case "time":
			value = time.UnixMicro(value.(int64)).UTC()
		case "json":
			if err := json.Unmarshal([]byte(value.(string)), &value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case "list":
			var list []any
			for item := range strings.FieldsSeq(value.(string)) {
				list = append(list, item)
			}
			value = list
		case "flag":
			value = value == true || value == int64(1) // SQLite knows numbers
		}
		row[name] = value
	}
	return row, nil
}

// erase leaves nothing of the person of an account but what must stay.
func (k kept) erase(ctx context.Context, tx *db.Tx, account string, now time.Time) error {
	if k.left == unchanged {
		return nil
	}
	q := mine + `DELETE FROM ` + k.table
	if k.left != "" {
		q = mine + `UPDATE ` + k.table + ` SET ` + k.left
	}
	args := []any{account}
	if strings.Contains(k.left, "$2") {
		args = append(args, now.UnixMicro())
	}
	if _, err := tx.Exec(ctx, q+` WHERE `+k.whose, args...); err != nil {
		return fmt.Errorf("%s: %w", k.table, err)
	}
	return nil
}

// title is what the rows are called in a copy.
func (k kept) title() string { return cmp.Or(k.name, k.table) }
