package accounts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// proposed makes two accounts and proposes to merge them, or to undo that.
func proposed(tb testing.TB, n node, name string, toUndo bool) (kept accounts.Account, id string) {
	tb.Helper()
	kept, _ = known(tb, n, "google"+name, "P0.Cm")
	absorbed, _ := known(tb, n, "proof"+name, "P0.Cm")
	id, err := n.Propose(tb.Context(), kept.ID, absorbed.ID, "m.jones", "showed both passports")
	if toUndo && err == nil {
		err = n.Approve(tb.Context(), id, "a.khan")
	}
	if toUndo && err == nil {
		err = n.ProposeUndo(tb.Context(), id, "m.jones", "they are twins")
	}
	if err != nil {
		tb.Fatal(err)
	}
	return kept, id
}

// approved approves a proposal of either kind.
func approved(tb testing.TB, n node, id string, toUndo bool) error {
	tb.Helper()
	if !toUndo {
		return n.Approve(tb.Context(), id, "a.khan")
	}
	_, err := n.ApproveUndo(tb.Context(), id, "a.khan")
	return err
}

// What nobody has approved in two weeks has to be proposed anew.
func TestProposalsAreOverSomeTime(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		for name, toUndo := range map[string]bool{"merge": false, "undo": true} {
			_, id := proposed(t, n, name, toUndo)
			if err := approved(t, merging(n.at(noon.Add(14*day))), id, toUndo); !errors.Is(err, accounts.ErrDecided) {
				t.Errorf("%s after two weeks: %v, want ErrDecided", name, err)
			}
			if err := approved(t, merging(n.at(noon.Add(14*day-time.Second))), id, toUndo); err != nil {
				t.Errorf("%s in time: %v", name, err)
			}
		}
	})
}

// Either officer may withdraw a proposal, once, while nobody has approved it.
func TestProposalsAreWithdrawn(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n, ctx := merging(n), t.Context()
		for name, toUndo := range map[string]bool{"merge": false, "undo": true} {
			withdraw := n.WithdrawMerge
			if toUndo {
				withdraw = n.WithdrawUndo
			}
			for _, officer := range []string{"m.jones", "a.khan"} {
				kept, id := proposed(t, n, name+officer, toUndo)
				if err := withdraw(ctx, id, " "); !errors.Is(err, accounts.ErrNoReason) {
					t.Errorf("%s by nobody: %v", name, err)
				}
				if err := withdraw(ctx, id, officer); err != nil {
					t.Errorf("%s by %s: %v", name, officer, err)
				}
				for what, err := range map[string]error{
					"approved": approved(t, n, id, toUndo), "withdrawn again": withdraw(ctx, id, officer), "unknown": withdraw(ctx, "nothing", officer),
				} {
					if !errors.Is(err, accounts.ErrDecided) {
						t.Errorf("%s, %s: %v, want ErrDecided", name, what, err)
					}
				}
				all, err := n.Merges(ctx, kept.ID)
				if err != nil || len(all) != 1 || all[0].Withdrawn.IsZero() != toUndo || all[0].UndoProposedBy != "" {
					t.Errorf("%s: %+v, %v", name, all, err)
				}
				kind := map[bool]string{false: "merge.withdrawn", true: "split.withdrawn"}[toUndo]
				entries := n.dump(t, `SELECT actor FROM audit WHERE kind = $1 AND account = $2 AND detail LIKE $3`, kind, kept.ID, `%"officer":"`+officer+`"%`)
				if diff := cmp.Diff([]string{"actor=operator "}, entries); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
			_, id := proposed(t, n, name, toUndo)
			if err := approved(t, n, id, toUndo); err != nil {
				t.Fatal(err)
			}
			if err := withdraw(ctx, id, "m.jones"); !errors.Is(err, accounts.ErrDecided) {
				t.Errorf("%s is withdrawn when it is done: %v", name, err)
			}
		}
		if err := n.VerifyAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}
