package accounts_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// someone is a person of whom there is a row in every table that holds anything about
// people.
type someone struct {
	account accounts.Account
	link    accounts.Link
	words   []string // that appear in nothing but what is about them
}

// retention as an operator may have it.
var retention = accounts.Retention{SignIns: 100 * day, Inactive: 1000 * day, Delivered: 30 * day, Lookups: 500 * day}

func sector(app string) string {
	if app == "gone" {
		return ""
	}
	return app + ".example"
}

// lives fills the database with the life of somebody, of whom all that is written down
// bears their name.
func lives(tb testing.TB, n node, name string) someone {
	tb.Helper()
	in := accounts.SignIn{
		Connector: "works", Issuer: "https://idp.example", Subject: name + "-at-idp", At: noon,
		Said: mapping.Statement{
			Claims:   mapping.Claims{"name": "Ms " + name, "email": name + "@example.org", "address": map[string]any{"locality": name + "ton"}},
			Verified: []string{"email"},
		},
		Level: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm},
	}
	acc, link, _ := enter(tb, n, in)
	s := someone{account: acc, link: link, words: []string{name}}
	for _, app := range []string{"tax", "bins", "gone"} {
		s.words = append(s.words, acc.Subject(sector(app)))
	}
	ctx := tb.Context()
	must := func(_ any, err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	record(tb, n, []string{name + "-1", name + "-2"}, []accounts.Visit{
		{Account: acc.ID, Link: link.ID, App: "tax", At: noon, Released: []string{"sub"}, Said: in.Said},
		{Account: acc.ID, Link: link.ID, App: "gone", At: noon, Released: []string{"sub"}, SSO: true},
	})
	must(nil, n.Name(ctx, acc.ID, link.ID, name+"'s work"))
	must(nil, n.Say(ctx, acc.ID, mapping.Statement{Claims: mapping.Claims{"nickname": name}}))
	must(nil, n.Await(ctx, acc.ID, accounts.Wish{App: "tax", Connector: "post-office", Asked: noon}))
	must(n.Agree(ctx, acc.ID, "", "bins", []string{"email"}))
	must(nil, n.Pin(ctx, acc.ID, "bins.example", name+"-at-bins"))
	must(nil, n.Pin(ctx, acc.ID, "bins.example", name+"-at-bins-now"))
	must(nil, n.Look(ctx, acc.ID, accounts.Lookup{Officer: "o.fficer", Reason: name + " rang", What: "account.show"}))
	n.exec(tb, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at)
		VALUES ($1, $2, $3, 'tax', $4, 'session', '["openid"]', $5, 1, 1, 1)`,
		name+"'s grant", acc.ID, link.ID, acc.Subject("tax.example"), `{"name":"Ms `+name+`"}`)
	n.exec(tb, `INSERT INTO refresh_tokens (hash, grant_id, parent, created_at, expires_at) VALUES ($1, $2, '', 1, 1)`,
		name+"'s token", name+"'s grant")
	return s
}

// actsFor lets one person act for another.
func actsFor(tb testing.TB, n node, delegate, principal someone) accounts.Delegation {
	tb.Helper()
	code, _, err := n.Invite(tb.Context(), principal.account.ID, "", []string{"tax"}, noon.Add(100*day), "my "+delegate.words[0])
	if err != nil {
		tb.Fatal(err)
	}
	d, err := n.Accept(tb.Context(), delegate.account.ID, "", code)
	if err != nil {
		tb.Fatal(err)
	}
	id := delegate.words[0] + " for " + principal.words[0]
	n.exec(tb, `INSERT INTO refresh_grants
			(id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at, delegation_id, act)
		VALUES ($1, $2, $3, 'tax', $4, 'session', '["openid"]', '{}', 1, 1, 1, $5, $6)`,
		id, principal.account.ID, delegate.link.ID, principal.account.Subject("tax.example"), d.ID, delegate.account.Subject("tax.example"))
	n.exec(tb, `INSERT INTO refresh_tokens (hash, grant_id, parent, created_at, expires_at) VALUES ($1, $2, '', 1, 1)`, id, id)
	return d
}

// absorbs is a merge as the table has it.
func absorbs(tb testing.TB, n node, kept, absorbed someone, undone any) {
	tb.Helper()
	n.exec(tb, `INSERT INTO merges (id, kept, absorbed, proposed_by, approved_by, reason, merged_at, undone_at, undo, undo_reason)
		VALUES ($1, $2, $3, 'o.fficer', 'a.nother', $4, 1, $5, '{}', '')`,
		"merge of "+kept.words[0]+" and "+absorbed.words[0], kept.account.ID, absorbed.account.ID, "", undone)
}

// tables are those of the database.
func (n node) tables(tb testing.TB) []string {
	tb.Helper()
	q := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if n.options.Postgres != "" {
		q = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	var all []string
	for _, line := range n.dump(tb, q) {
		_, name, _ := strings.Cut(strings.TrimSpace(line), "=")
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// whole is every row of the database, with its table.
func (n node) whole(tb testing.TB) []string {
	tb.Helper()
	var all []string
	for _, table := range n.tables(tb) {
		for _, row := range n.dump(tb, `SELECT * FROM `+table) {
			all = append(all, table+": "+row)
		}
	}
	return all
}

// mentions are the rows that bear a word of somebody's.
func (s someone) mentions(rows []string) []string {
	return slices.DeleteFunc(slices.Clone(rows), func(row string) bool {
		return !slices.ContainsFunc(s.words, func(word string) bool { return strings.Contains(row, word) })
	})
}

// sweeps is a run of the janitor, which returns whose sessions it ended.
func (n node) sweeps(tb testing.TB) (left []string) {
	tb.Helper()
	n.exec(tb, `UPDATE chores SET due_at = 0`)
	n.Sector = sector
	err := n.Sweep(tb.Context(), retention, func(_ context.Context, account string) error {
		left = append(left, account)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return left
}
