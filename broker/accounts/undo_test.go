package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// TestUndoAfterChanges: what came by a way in goes where that goes, also what came
// since. What else came since stays with the account that was kept. What was ended
// does not come back.
func TestUndoAfterChanges(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, mine, theirs := couple(t, n)
		before := n.dump(t, `SELECT sector, subject, current FROM subjects WHERE account_id = $1 ORDER BY 1, 2`, absorbed.ID)
		id := merge(t, n, kept, absorbed)
		n = merging(n.at(noon.Add(day)))

		more := by(t, "proof", "P3.Cm") // by a way in of each
		more.At, more.Said.Claims["name"] = noon.Add(day), "Jo Smith"
		if acc, _, _ := enter(t, n, more); acc.ID != kept.ID {
			t.Fatalf("entered %s", acc.ID)
		}
		visit(t, n, kept, theirs, noon.Add(day), "library", "bins", "pool")
		visit(t, n, kept, mine, noon.Add(2*day), "bins")
		_, added := join(t, n, kept.ID, by(t, "late", "P0.Cm"), "P4.Ch.F1.R3")
		tell(t, n, unlink(t, by(t, "google", "P1.Cm")))
		if _, err := n.Withdraw(t.Context(), kept.ID, "library"); err != nil {
			t.Fatal(err)
		}
		if err := n.Say(t.Context(), kept.ID, mapping.Statement{Claims: mapping.Claims{"nickname": "both"}}); err != nil {
			t.Fatal(err)
		}
		n.exec(t, `DELETE FROM wishes WHERE app = 'absorbed'`) // it was granted
		n.exec(t, `DELETE FROM refresh_grants WHERE id = 'grant absorbed'`)

		left := undo(t, n, kept, id)
		slices.Sort(left)
		want := []string{"claims nickname", "refresh_grants grant absorbed", "services bins", "services library", "wishes absorbed"}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		whose := map[string]string{kept.ID: "kept", absorbed.ID: "absorbed"}
		for q, want := range map[string][]string{
			`SELECT account_id, connector AS what FROM links`:                                                                             {"absorbed proof", "kept google", "kept late"},
			`SELECT account_id, app AS what FROM services`:                                                                                {"absorbed benefits", "absorbed bins", "absorbed library", "kept bins", "kept library", "kept pool", "kept rates"},
			`SELECT account_id, app AS what FROM wishes`:                                                                                  {"absorbed rates", "kept kept", "kept rates"},
			`SELECT account_id, value AS what FROM claims WHERE name = 'nickname'`:                                                        {`absorbed "absorbed"`, `kept "both"`},
			`SELECT account_id, levels AS what FROM evidence WHERE link_id IS NOT NULL`:                                                   {"absorbed P0.C0.F0.R1", "absorbed P2.C0.F0.R0", "absorbed P3.C0.F0.R0"},
			`SELECT account_id, app AS what FROM sign_ins WHERE at = ` + micro(noon.Add(day)):                                             {"absorbed library"},
			`SELECT account_id, CASE WHEN withdrawn_at IS NULL THEN 'holds' ELSE 'ended' END AS what FROM consents`:                       {"absorbed ended", "kept ended"},
			`SELECT account_id, app AS what FROM services WHERE first_used_at < last_used_at AND last_used_at >= ` + micro(noon.Add(day)): {"kept bins"},
		} {
			var got []string
			for _, line := range n.dump(t, q) {
				account, what, _ := strings.Cut(strings.TrimPrefix(line, "account_id="), " what=")
				if whose[account] != "" {
					got = append(got, whose[account]+" "+strings.TrimSpace(what))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", q, diff)
			}
		}
		if diff := cmp.Diff(before, n.dump(t, `SELECT sector, subject, current FROM subjects WHERE account_id = $1 ORDER BY 1, 2`, absorbed.ID)); diff != "" {
			t.Errorf("subjects (-before +after):\n%s", diff)
		}
		for _, c := range []struct{ account, link string }{{absorbed.ID, theirs.ID}, {kept.ID, added.ID}} {
			if _, _, err := n.Reenter(t.Context(), c.account, c.link); err != nil {
				t.Errorf("%s by its own way in: %v", whose[c.account], err)
			}
		}
		if _, _, err := n.Reenter(t.Context(), kept.ID, theirs.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("kept by a way in that went back: %v", err)
		}
	})
}

// TestUndoLeavesNobodyOut: where all of the ways in of one of the two were removed
// since, the accounts stay together.
func TestUndoLeavesNobodyOut(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		for _, kind := range []string{"kept", "absorbed"} {
			kept, mine := known(t, n, "google"+kind, "P0.Cm")
			absorbed, theirs := known(t, n, "proof"+kind, "P0.Cm")
			id := merge(t, n, kept, absorbed)
			gone := map[string]accounts.Link{"kept": mine, "absorbed": theirs}[kind]
			if err := n.Remove(t.Context(), kept.ID, gone.ID); err != nil {
				t.Fatal(err)
			}
			before := whole(t, n)
			if _, err := n.UndoProved(t.Context(), kept.ID, id); !errors.Is(err, accounts.ErrLast) {
				t.Errorf("%s: %v, want ErrLast", kind, err)
			}
			if diff := cmp.Diff(before, whole(t, n)); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		}
	})
}

// TestMergesOfMerges are undone in reverse order, and only so.
func TestMergesOfMerges(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		third, _ := known(t, n, "github", "P0.Cm", "rates", "pool")
		last, _ := known(t, n, "works", "P0.Cm", "bins")
		keptBy := []accounts.Account{kept, kept, last}
		before := []map[string][]string{whole(t, n)}
		ids := []string{merge(t, n, kept, absorbed)}
		before = append(before, whole(t, n))
		ids = append(ids, merge(t, n, kept, third))
		before = append(before, whole(t, n))
		ids = append(ids, merge(t, n, last, kept))

		for i := len(ids) - 1; i >= 0; i-- {
			for j := range i {
				if _, err := n.UndoProved(t.Context(), keptBy[j].ID, ids[j]); !errors.Is(err, accounts.ErrLaterMerge) {
					t.Errorf("merge %d is undone before %d: %v", j, i, err)
				}
			}
			undo(t, n, keptBy[i], ids[i])
			if diff := cmp.Diff(before[i], whole(t, n)); diff != "" {
				t.Errorf("merge %d (-before +after):\n%s", i, diff)
			}
		}
	})
}

func micro(at time.Time) string { return fmt.Sprint(at.UnixMicro()) }

func TestUndoTooLate(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		id := merge(t, n, kept, absorbed)
		n = merging(n.at(noon.Add(month)))
		if _, err := n.UndoProved(t.Context(), kept.ID, id); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("after a month: %v, want ErrDecided", err)
		}
		n = merging(n.at(noon.Add(month - time.Second)))
		if _, err := n.UndoProved(t.Context(), absorbed.ID, id); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("by another: %v, want ErrDecided", err)
		}
		undo(t, n, kept, id)
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
			Merged: noon, ApprovedBy: "a.khan", Until: noon.Add(month), UndoReason: "they are twins", UndoProposedBy: "a.khan",
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
			{"money.example", absorbed.Subject("money.example")}, {"bins.example", absorbed.Subject("bins.example")},
			{"library.example", absorbed.Subject("library.example")}, {"planning.example", "first-absorbed"}, {"planning.example", "then-absorbed"},
		} {
			if err := n.Pin(t.Context(), other.ID, alias[0], alias[1]); !errors.Is(err, accounts.ErrTaken) {
				t.Errorf("%s of %s: %v, want ErrTaken", alias[1], alias[0], err)
			}
		}
	})
}

// TestLateVisits: a sign-in that is folded in only when the account was merged is the
// person's all the same, and its app goes on to know them by the subject that it was
// told.
func TestLateVisits(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, mine := known(t, n, "google", "P0.Cm", "bins")
		absorbed, theirs := known(t, n, "proof", "P0.Cm")
		before := whole(t, n)
		id := merge(t, n, kept, absorbed)
		for range 2 {
			visit(t, n, absorbed, theirs, noon.Add(time.Hour), "pool", "bins")
		}
		acc, _, err := n.Reenter(t.Context(), kept.ID, mine.ID)
		if err != nil {
			t.Fatal(err)
		}
		for sector, want := range map[string]accounts.Account{"pool.example": absorbed, "bins.example": kept, "parks.example": kept} {
			if got := acc.Subject(sector); got != want.Subject(sector) {
				t.Errorf("%s knows them as %s", sector, got)
			}
		}
		for table, want := range map[string]int{"services": 2, "sign_ins": 3} {
			if got := len(n.dump(t, `SELECT * FROM `+table+` WHERE account_id = $1`, kept.ID)); got != want {
				t.Errorf("%d rows in %s, want %d", got, table, want)
			}
		}
		undo(t, n, kept, id)
		after := whole(t, n)
		if diff := cmp.Diff(before["subjects"], after["subjects"]); diff != "" {
			t.Errorf("subjects (-before +after):\n%s", diff)
		}
	})
}

// TestMergeTogether has two nodes merge two accounts both ways, approve one proposal,
// and undo, all at once: one does.
func TestMergeTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{merging(one), merging(one.another(t))}
		kept, absorbed, _, _ := couple(t, nodes[0])
		before := whole(t, one)
		proposed, err := nodes[0].Propose(t.Context(), kept.ID, absorbed.ID, "m.jones", "because")
		if err != nil {
			t.Fatal(err)
		}
		together := func(tries int, do func(n node, i int) error) {
			t.Helper()
			var won atomic.Int64
			var g sync.WaitGroup
			for i := range tries {
				g.Go(func() {
					if do(nodes[i%2], i) == nil {
						won.Add(1)
					}
				})
			}
			g.Wait()
			if got := won.Load(); got != 1 {
				t.Errorf("%d won, want 1", got)
			}
		}
		together(6, func(n node, i int) error {
			switch i % 3 {
			case 0:
				return n.Approve(t.Context(), proposed, "a.khan")
			case 1:
				_, err := n.MergeProved(t.Context(), absorbed.ID, kept.ID)
				return err
			}
			_, err := n.MergeProved(t.Context(), kept.ID, absorbed.ID)
			return err
		})
		acc, _, _ := enter(t, nodes[1], by(t, "google", "P1.Cm"))
		if other, _, _ := enter(t, nodes[1], by(t, "proof", "P2.Cm.R1")); other.ID != acc.ID {
			t.Errorf("accounts %s and %s", acc.ID, other.ID)
		}
		all, err := nodes[0].Merges(t.Context(), acc.ID)
		if err != nil {
			t.Fatal(err)
		}
		done := all[slices.IndexFunc(all, func(m accounts.Merge) bool { return !m.Merged.IsZero() })]
		if err := nodes[0].ProposeUndo(t.Context(), done.ID, "m.jones", "because"); err != nil {
			t.Fatal(err)
		}
		together(4, func(n node, _ int) error {
			_, err := n.ApproveUndo(t.Context(), done.ID, "a.khan")
			return err
		})
		if diff := cmp.Diff(before, whole(t, one)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestMergeMeanwhile merges an account after somebody's sign-in has found it: they
// enter the one that was kept, and what they prove is known of it.
func TestMergeMeanwhile(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, _ := known(t, n, "google", "P0.Cm")
		in := by(t, "proof", "P0.Cm")
		absorbed, _, _ := enter(t, n, in)
		in.Level, in.IdentityUntil = vector(t, "P2.Cm"), time.Time{}
		var once sync.Once
		slow := n.watched(t, func() { once.Do(func() { merge(t, n, kept, absorbed) }) })
		if acc, _, _ := enter(t, slow, in); acc.ID != kept.ID || acc.Level.Identity != mapping.P2 {
			t.Errorf("entered %s, worth %s", acc.ID, acc.Level)
		}
		stranded(t, n, absorbed)
	})
}

// stranded makes sure that nothing stayed behind with a merged account.
func stranded(tb testing.TB, n node, absorbed accounts.Account) {
	tb.Helper()
	for _, table := range []string{"links", "claims", "likeness", "evidence", "sign_ins", "services", "subjects", "wishes", "consents"} {
		if left := n.dump(tb, `SELECT * FROM `+table+` WHERE account_id = $1`, absorbed.ID); len(left) > 0 {
			tb.Errorf("%s stayed behind: %v", table, left)
		}
	}
}

// TestMergeWhileInUse merges an account while its person signs in, proves something,
// adds a way in, uses apps and says something, on two nodes.
func TestMergeWhileInUse(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{merging(one), merging(one.another(t))}
		for round := range 5 {
			name := fmt.Sprint(round)
			kept, _ := known(t, nodes[0], "google"+name, "P0.Cm")
			in := by(t, "proof"+name, "P0.Cm")
			absorbed, link, _ := enter(t, nodes[0], in)
			refused := func(err error) {
				if err != nil && !errors.Is(err, accounts.ErrNotFound) {
					t.Error(err)
				}
			}
			var g sync.WaitGroup
			for i, do := range []func(n node){
				func(n node) { merge(t, n, kept, absorbed) },
				func(n node) { enter(t, n, in) },
				func(n node) {
					strong := in
					strong.Level, strong.IdentityUntil = vector(t, "P2.Cm"), time.Time{}
					enter(t, n, strong)
				},
				func(n node) { visit(t, n, absorbed, link, noon, "pool", "bins") },
				func(n node) {
					_, _, err := n.Join(t.Context(), absorbed.ID, by(t, "late"+name, "P0.Cm"), vector(t, "P4.Ch.F1.R3"))
					refused(err)
				},
				func(n node) {
					refused(n.Say(t.Context(), absorbed.ID, mapping.Statement{Claims: mapping.Claims{"nickname": "Jo"}}))
				},
				func(n node) {
					_, err := n.Undeliverable(t.Context(), in.Issuer, in.Subject, "email-disabled")
					refused(err)
				},
			} {
				g.Go(func() { do(nodes[i%2]) })
			}
			g.Wait()
			if acc, _, _ := enter(t, nodes[0], in); acc.ID != kept.ID {
				t.Errorf("entered %s, want %s", acc.ID, kept.ID)
			}
			stranded(t, nodes[0], absorbed)
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
