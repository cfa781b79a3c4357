package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// ended is what a node is handed as over.
func ended(t *testing.T, n node, answer error) (all []accounts.Over) {
	t.Helper()
	err := n.EndOver(t.Context(), func(_ context.Context, o accounts.Over) error {
		all = append(all, o)
		return answer
	})
	if !errors.Is(err, answer) {
		t.Fatal(err)
	}
	return all
}

// What is over is handed out until it is done, and to one node at a time.
func TestEndOver(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		n.exec(t, `DELETE FROM outbox`)
		id := merge(t, n, kept, absorbed)
		want := []accounts.Over{{What: accounts.Merged, Account: kept.ID, Absorbed: absorbed.ID}}
		if diff := cmp.Diff(want, ended(t, n, errors.New("Redis is away"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if again := ended(t, n.another(t), nil); again != nil {
			t.Errorf("another node has %v meanwhile", again)
		}
		later := n.at(noon.Add(2 * time.Minute))
		if diff := cmp.Diff(want, ended(t, later, nil)); diff != "" {
			t.Errorf("tried again (-want +got):\n%s", diff)
		}
		if again := ended(t, n.at(noon.Add(time.Hour)), nil); again != nil {
			t.Errorf("%v was done", again)
		}
		undo(t, n, kept, id)
		if stale := ended(t, n.at(noon.Add(8*day)), nil); stale != nil {
			t.Errorf("nobody is signed in any more: %v", stale)
		}
		want[0].What = accounts.Split
		got := ended(t, n, nil)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("undone (-want +got):\n%s", diff)
		}
	})
}

// A delegation that runs out is told of as one that is ended, once.
func TestExpire(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, d := mumAndAnn(t, n)
		longer := accept(t, n, ann.ID, invite(t, n, mum.ID, 60*day, "tax"))
		invite(t, n, mum.ID, 2*day, "tax") // which nobody takes up
		n.exec(t, `DELETE FROM outbox`)
		later := n.at(d.Until)
		for _, n := range []node{n, later, later.another(t).at(d.Until)} {
			if err := n.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		told := n.dump(t, `SELECT kind, app FROM outbox ORDER BY kind, app`)
		want := []string{
			"kind=delegation-revoked app= ", "kind=delegation-revoked app=library ", "kind=delegation-revoked app=tax ",
			"kind=notice app= ", "kind=notice app= ",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]accounts.Over{{What: accounts.DelegationEnded, Account: mum.ID, Delegation: d.ID, Apps: d.Apps}}, ended(t, later, nil)); diff != "" {
			t.Errorf("over (-want +got):\n%s", diff)
		}
		given, _, err := n.Delegations(t.Context(), mum.ID)
		for _, g := range given {
			if err != nil || (g.ID == d.ID) != g.Ended.Equal(d.Until) || (g.ID == d.ID) != (g.EndedBy == "time") {
				t.Errorf("%+v, %v", g, err)
			}
		}
		if !longer.Holds(d.Until) || n.VerifyAudit(t.Context()) != nil {
			t.Error("another one is over, or the audit chain is broken")
		}
	})
}
