package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

const month = 30 * day

// merging is the node with what an operator says of merges. The apps rates and
// benefits share a sector.
func merging(n node) node {
	n.UndoTime = month
	n.Sector = func(app string) string {
		if app == "rates" || app == "benefits" {
			return "money.example"
		}
		return app + ".example"
	}
	return n
}

// known makes a resident who has proved something and has used apps.
func known(tb testing.TB, n node, connector, level string, apps ...string) (accounts.Account, accounts.Link) {
	tb.Helper()
	in := by(tb, connector, level)
	acc, link, _ := enter(tb, n, in)
	visit(tb, n, acc, link, noon, apps...)
	acc, link, _ = enter(tb, n, in)
	return acc, link
}

// visit has somebody use apps.
func visit(tb testing.TB, n node, acc accounts.Account, link accounts.Link, at time.Time, apps ...string) {
	tb.Helper()
	var ids []string
	var visits []accounts.Visit
	for i, app := range apps {
		ids = append(ids, fmt.Sprint(link.ID, at.UnixMicro(), app))
		visits = append(visits, accounts.Visit{
			Account: acc.ID, Link: link.ID, App: app, At: at.Add(time.Duration(i) * time.Second), Released: []string{"sub"},
			Said: mapping.Statement{Claims: mapping.Claims{"email": "jo@example.org"}, Verified: []string{"email"}},
		})
	}
	record(tb, n, ids, visits)
}

func merge(tb testing.TB, n node, kept, absorbed accounts.Account) string {
	tb.Helper()
	id, err := n.MergeProved(tb.Context(), kept.ID, absorbed.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func undo(tb testing.TB, n node, kept accounts.Account, id string) []string {
	tb.Helper()
	left, err := n.UndoProved(tb.Context(), kept.ID, id)
	if err != nil {
		tb.Fatal(err)
	}
	return left
}

// whole is every row of every table, but for what is written down of a merge and
// stays: the audit chain, merges, and messages.
func whole(tb testing.TB, n node) map[string][]string {
	tb.Helper()
	names := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	if n.options.Postgres != "" {
		names = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	tables := map[string][]string{}
	for _, line := range n.dump(tb, names) {
		name := strings.TrimSuffix(strings.TrimPrefix(line, "name="), " ")
		if slices.Contains([]string{"audit", "audit_head", "merges", "outbox", "goose_db_version"}, name) {
			continue
		}
		tables[name] = n.dump(tb, `SELECT * FROM `+name)
		slices.Sort(tables[name])
	}
	return tables
}

// everywhere gives an account something in every table that a merge moves.
func everywhere(tb testing.TB, n node, acc accounts.Account, link accounts.Link, name string) {
	tb.Helper()
	ctx := tb.Context()
	_, consent := n.Agree(ctx, acc.ID, "", "library", []string{"email", name})
	code, _, invitation := n.Invite(ctx, acc.ID, "", []string{"rates"}, noon.Add(100*day), name)
	helper, _, _ := enter(tb, n, signIn("https://helpers.example", name))
	_, accepted := n.Accept(ctx, helper.ID, "", code)
	code, _, invited := n.Invite(ctx, helper.ID, "", []string{"rates"}, noon.Add(100*day), name)
	_, accepts := n.Accept(ctx, acc.ID, "", code)
	said := mapping.Statement{Claims: mapping.Claims{"nickname": name, "email": name + "@example.org"}, Verified: []string{"email"}}
	for _, err := range []error{
		consent, invitation, accepted, invited, accepts,
		n.Say(ctx, acc.ID, said),
		n.Await(ctx, acc.ID, accounts.Wish{App: "rates", Connector: "post-office", Asked: noon}),
		n.Await(ctx, acc.ID, accounts.Wish{App: name, Connector: "post-office", Asked: noon}),
		n.Pin(ctx, acc.ID, "planning.example", "first-"+name),
		n.Pin(ctx, acc.ID, "planning.example", "then-"+name),
		n.Pin(ctx, acc.ID, name+".example", "pinned-"+name),
		n.Name(ctx, acc.ID, link.ID, "my "+name),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	n.exec(tb, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at)
		VALUES ($1, $2, $3, 'rates', 'as before', 'session', '["openid"]', '{}', 1, 1, 1)`, "grant "+name, acc.ID, link.ID)
	n.exec(tb, `INSERT INTO evidence (id, account_id, kind, levels, policy_version, checked_at) VALUES ($1, $2, 'desk', 'P3.C0.F0.R0', '', 1)`,
		"desk "+name, acc.ID)
	n.exec(tb, `INSERT INTO sign_ins (id, account_id, link_id, app, at, sso) VALUES ($1, $2, '', 'rates', 1, $3)`, "acted "+name, acc.ID, false)
}

// couple is two accounts of one person, with something of every kind each.
func couple(tb testing.TB, n node) (kept, absorbed accounts.Account, by, way accounts.Link) {
	tb.Helper()
	kept, by = known(tb, n, "google", "P1.Cm", "rates", "bins")
	absorbed, way = known(tb, n, "proof", "P2.Cm.R1", "benefits", "library", "bins")
	everywhere(tb, n, kept, by, "kept")
	everywhere(tb, n, absorbed, way, "absorbed")
	return kept, absorbed, by, way
}

func TestMerge(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, by, way := couple(t, n)
		before := kept
		merge(t, n, kept, absorbed)

		if _, _, err := n.Reenter(t.Context(), absorbed.ID, way.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("the absorbed account is entered: %v", err)
		}
		for _, link := range []accounts.Link{by, way} {
			acc, _, err := n.Reenter(t.Context(), kept.ID, link.ID)
			if err != nil {
				t.Fatal(err)
			}
			if acc.Level.Identity != mapping.P3 || acc.Level.Residency != mapping.R1 {
				t.Errorf("by %s the account is worth %s", link.Connector, acc.Level)
			}
			// Known by one of them alone, by both, by neither.
			for sector, want := range map[string]string{
				"library.example": absorbed.Subject("library.example"), "money.example": before.Subject("money.example"),
				"bins.example": before.Subject("bins.example"), "planning.example": "then-kept", "kept.example": "pinned-kept",
				"absorbed.example": "pinned-absorbed", "parks.example": before.Subject("parks.example"),
			} {
				if got := acc.Subject(sector); got != want {
					t.Errorf("%s knows the person as %s, want %s", sector, got, want)
				}
			}
		}
		for table, whose := range map[string]string{
			"links": "account_id", "claims": "account_id", "likeness": "account_id", "subjects": "account_id", "evidence": "account_id",
			"services": "account_id", "sign_ins": "account_id", "refresh_grants": "account_id", "wishes": "account_id",
			"consents": "account_id", "delegations": "account_id", "delegations ": "delegate_id",
		} {
			if left := n.dump(t, `SELECT * FROM `+table+` WHERE `+whose+` = $1`, absorbed.ID); len(left) > 0 {
				t.Errorf("%s stayed with the absorbed account: %v", table, left)
			}
		}
		merged := n.dump(t, `SELECT status, merged_into FROM accounts WHERE id = $1`, absorbed.ID)
		if diff := cmp.Diff([]string{"status=merged merged_into=" + kept.ID + " "}, merged); diff != "" {
			t.Error(diff)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Apps that knew both are told that they did; the person is, once. Nobody writes down
// more than ids.
func TestMergeTells(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		n.exec(t, `DELETE FROM outbox`)
		id := merge(t, n, kept, absorbed)
		about := fmt.Sprintf(`payload={"absorbed":"%s","account":"%s","at":"%s","merge":"%s"} `,
			absorbed.ID, kept.ID, noon.UTC().Format(time.RFC3339), id)
		want := []string{
			fmt.Sprintf(`kind=notice app= payload={"account":"%s","at":"%s","what":"accounts-merged"} `, kept.ID, noon.UTC().Format(time.RFC3339)),
			"kind=subject-merged app= " + about, // to the broker itself
			"kind=subject-merged app=benefits " + about, "kind=subject-merged app=bins " + about,
		}
		// rates knew the absorbed account by its refresh grant.
		want = append(want, "kind=subject-merged app=rates "+about)
		if diff := cmp.Diff(want, n.dump(t, `SELECT kind, app, payload FROM outbox ORDER BY kind, app`)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		undo(t, n, kept, id)
		got := strings.Join(n.dump(t, `SELECT kind, app FROM outbox ORDER BY kind, app`), "")
		if strings.Count(got, "kind=subject-split") != 4 || strings.Count(got, "kind=notice") != 3 {
			t.Error(got)
		}
		for _, kind := range []string{"accounts.merged", "accounts.split"} {
			entries := n.dump(t, `SELECT account, actor FROM audit WHERE kind = $1 ORDER BY seq`, kind)
			want := []string{"account=" + kept.ID + " actor=resident ", "account=" + absorbed.ID + " actor=resident "}
			if diff := cmp.Diff(want, entries); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
	})
}

// TestUndo: a merge that is undone has never been.
func TestUndo(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		for range 2 { // and may be made again
			before := whole(t, n)
			id := merge(t, n, kept, absorbed)
			if cmp.Equal(before, whole(t, n)) {
				t.Fatal("the merge changed nothing")
			}
			if left := undo(t, n, kept, id); len(left) != 0 {
				t.Errorf("did not go back: %v", left)
			}
			if diff := cmp.Diff(before, whole(t, n)); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
			if _, err := n.UndoProved(t.Context(), kept.ID, id); !errors.Is(err, accounts.ErrDecided) {
				t.Errorf("undone twice: %v", err)
			}
		}
	})
}

// TestOfficers merge and take apart by two, with a reason, and what the person did
// they may take apart, but not the other way round.
func TestOfficers(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n, ctx := merging(n), t.Context()
		kept, absorbed, _, _ := couple(t, n)
		before := whole(t, n)
		for _, who := range [][2]string{{"", "rang us"}, {"m.jones", " "}} {
			if _, err := n.Propose(ctx, kept.ID, absorbed.ID, who[0], who[1]); err == nil {
				t.Errorf("%q proposes because of %q", who[0], who[1])
			}
		}
		id, err := n.Propose(ctx, kept.ID, absorbed.ID, "m.jones", "showed both passports")
		if err != nil {
			t.Fatal(err)
		}
		for _, same := range []string{"m.jones", "M.Jones ", ""} {
			if err := n.Approve(ctx, id, same); err == nil || same != "" && !errors.Is(err, accounts.ErrSameOfficer) {
				t.Errorf("%q approves: %v", same, err)
			}
		}
		if diff := cmp.Diff(before, whole(t, n)); diff != "" {
			t.Errorf("a proposal changed (-before +after):\n%s", diff)
		}
		if err := n.Approve(ctx, id, "a.khan"); err != nil {
			t.Fatal(err)
		}
		for _, again := range []string{id, "nothing"} {
			if err := n.Approve(ctx, again, "a.khan"); !errors.Is(err, accounts.ErrDecided) {
				t.Errorf("approves %s: %v, want ErrDecided", again, err)
			}
		}
		if _, err := n.UndoProved(ctx, kept.ID, id); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("the resident undoes it: %v", err)
		}
		if _, err := n.ApproveUndo(ctx, id, "a.khan"); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("what nobody proposed is approved: %v", err)
		}
		if err := n.ProposeUndo(ctx, id, "a.khan", "they are twins"); err != nil {
			t.Fatal(err)
		}
		if _, err := n.ApproveUndo(ctx, id, "A.Khan"); !errors.Is(err, accounts.ErrSameOfficer) {
			t.Errorf("the same undoes: %v", err)
		}
		if left, err := n.ApproveUndo(ctx, id, "m.jones"); err != nil || len(left) != 0 {
			t.Fatal(left, err)
		}
		if diff := cmp.Diff(before, whole(t, n)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		all, err := n.Merges(ctx, absorbed.ID)
		want := []accounts.Merge{{
			ID: id, Kept: kept.ID, Absorbed: absorbed.ID, Reason: "showed both passports", Proposed: noon, ProposedBy: "m.jones",
			Merged: noon, ApprovedBy: "a.khan", Until: noon.Add(month), UndoReason: "they are twins", UndoProposed: noon, UndoProposedBy: "a.khan",
			Undone: noon, UndoneBy: "m.jones",
		}}
		if diff := cmp.Diff(want, all); diff != "" || err != nil {
			t.Error(diff, err)
		}
		log := strings.Join(n.dump(t, `SELECT kind, actor, detail FROM audit`), "\n")
		for _, part := range []string{
			`kind=merge.proposed actor=operator`, `kind=accounts.merged actor=operator`, `kind=split.proposed actor=operator`,
			`kind=accounts.split actor=operator`, `"officer":"m.jones"`, `"officer":"a.khan"`,
		} {
			if !strings.Contains(log, part) {
				t.Errorf("the audit chain does not say %s", part)
			}
		}
		for _, word := range []string{"passports", "twins", "example.org"} {
			if strings.Contains(log, word) {
				t.Errorf("the audit chain says %s", word)
			}
		}
	})
}

func TestMergeRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n, ctx := merging(n), t.Context()
		n.CoolingOff = day
		kept, _ := known(t, n, "google", "P0.Cm")
		for what, c := range map[string]struct {
			do   func(account string)
			want error
		}{
			"frozen":  {func(account string) { n.exec(t, `UPDATE accounts SET status = 'frozen' WHERE id = $1`, account) }, accounts.ErrFrozen},
			"erased":  {func(account string) { n.exec(t, `UPDATE accounts SET status = 'erased' WHERE id = $1`, account) }, accounts.ErrNotFound},
			"leaving": {func(account string) { n.Delete(ctx, account) }, accounts.ErrLeaving},
			"merged": {func(account string) {
				other, _ := known(t, n, "other", "P0.Cm")
				merge(t, n, other, accounts.Account{ID: account})
			}, accounts.ErrNotFound},
		} {
			unusable, _ := known(t, n, what, "P0.Cm")
			proposed, err := n.Propose(ctx, kept.ID, unusable.ID, "m.jones", "because")
			if err != nil {
				t.Fatal(err)
			}
			c.do(unusable.ID)
			before := whole(t, n)
			for _, sides := range [][2]string{{kept.ID, unusable.ID}, {unusable.ID, kept.ID}} {
				if _, err := n.MergeProved(ctx, sides[0], sides[1]); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", what, err, c.want)
				}
				if _, err := n.Propose(ctx, sides[0], sides[1], "m.jones", "because"); !errors.Is(err, c.want) {
					t.Errorf("%s is proposed: %v, want %v", what, err, c.want)
				}
			}
			if err := n.Approve(ctx, proposed, "a.khan"); !errors.Is(err, c.want) {
				t.Errorf("%s is approved: %v, want %v", what, err, c.want)
			}
			if diff := cmp.Diff(before, whole(t, n)); diff != "" {
				t.Errorf("%s (-before +after):\n%s", what, diff)
			}
		}
		if _, err := n.MergeProved(ctx, kept.ID, kept.ID); err == nil {
			t.Error("an account is merged with itself")
		}
		if _, err := n.MergeProved(ctx, kept.ID, "nobody"); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// TestMergeOfTwoPeople: dates of birth that are proved tell two people apart, whoever
// presses which button.
func TestMergeOfTwoPeople(t *testing.T) {
	n := merging(connect(t, sqlite(t)))
	born := func(connector, date string) accounts.Account {
		in := by(t, connector, "P2.Cm")
		in.Said = mapping.Statement{Claims: mapping.Claims{"birthdate": date}, Verified: []string{"birthdate"}}
		acc, _, _ := enter(t, n, in)
		return acc
	}
	jo, sam, again := born("proof", "1990-05-01"), born("post-office", "1992-05-01"), born("gov", "1990-05-01")
	if _, err := n.MergeProved(t.Context(), jo.ID, sam.ID); !errors.Is(err, accounts.ErrTwoPeople) {
		t.Errorf("%v, want ErrTwoPeople", err)
	}
	merge(t, n, jo, again)
}

// TestAliases: what an app knew a merged account by is never somebody else's.
func TestAliases(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		other, _ := known(t, n, "other", "P0.Cm")
		merge(t, n, kept, absorbed)
		for _, alias := range [][2]string{
			{"money.example", absorbed.Subject("money.example")},
			{"bins.example", absorbed.Subject("bins.example")},
			{"library.example", absorbed.Subject("library.example")},
			{"planning.example", "first-absorbed"},
			{"planning.example", "then-absorbed"},
		} {
			if err := n.Pin(t.Context(), other.ID, alias[0], alias[1]); !errors.Is(err, accounts.ErrTaken) {
				t.Errorf("%s of %s: %v, want ErrTaken", alias[1], alias[0], err)
			}
		}
	})
}
