package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

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
					_, _, err := n.Join(t.Context(), absorbed.ID, "", by(t, "late"+name, "P0.Cm"), vector(t, "P4.Ch.F1.R3"))
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

// TestMergeWhileUnlinked: what a provider has taken back stays away, whoever was
// faster.
func TestMergeWhileUnlinked(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{merging(one), merging(one.another(t))}
		for round := range 10 {
			kept, _ := known(t, nodes[0], fmt.Sprint("google", round), "P0.Cm")
			in := by(t, fmt.Sprint("proof", round), "P2.Cm")
			absorbed, link, _ := enter(t, nodes[0], in)
			var g sync.WaitGroup
			g.Go(func() { merge(t, nodes[0], kept, absorbed) })
			g.Go(func() { tell(t, nodes[1], unlink(t, in)) })
			g.Wait()
			for _, table := range []string{"claims", "likeness", "evidence"} {
				if left := one.dump(t, `SELECT * FROM `+table+` WHERE link_id = $1`, link.ID); len(left) > 0 {
					t.Errorf("%s: %v", table, left)
				}
			}
		}
	})
}
