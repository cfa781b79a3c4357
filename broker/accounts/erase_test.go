package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// two are two people who act for each other, in a database of their own.
func two(tb testing.TB, n node) (jo, al someone) {
	tb.Helper()
	jo, al = lives(tb, n, "bloggs"), lives(tb, n, "smithson")
	actsFor(tb, n, jo, al)
	actsFor(tb, n, al, jo)
	return jo, al
}

// leaves deletes an account, and is the node when its time has come.
func (n node) leaves(tb testing.TB, s someone) node {
	tb.Helper()
	n.CoolingOff = 14 * day
	until, err := n.Delete(tb.Context(), s.account.ID)
	if err != nil || !until.Equal(noon.Add(14*day)) {
		tb.Fatalf("until %v, %v", until, err)
	}
	return n.at(until)
}

// Of somebody whose account is erased nothing stays but what says nothing of them; of
// everybody else everything does.
func TestErase(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, al := two(t, n)
		of := func(s someone) []string { return s.mentions(n.whole(t)) }
		for _, k := range accounts.OfPeople() {
			if k.Table() != "audit" && k.Table() != "merges" && !slices.ContainsFunc(of(jo), func(row string) bool { return strings.HasPrefix(row, k.Table()+": ") }) {
				t.Logf("no row of %s bears the name", k.Table())
			}
		}
		n = n.leaves(t, jo)
		if left := n.sweeps(t); !slices.Equal(left, []string{jo.account.ID}) {
			t.Errorf("sessions of %v ended", left)
		}
		for _, row := range of(jo) {
			if !strings.HasPrefix(row, "outbox: ") || !strings.Contains(row, "account-purged") {
				t.Errorf("left: %s", row)
			}
		}
		n.exec(t, `UPDATE outbox SET delivered_at = $1 WHERE kind = 'account-purged'`, noon.UnixMicro())
		n.sweeps(t)
		if left := of(jo); len(left) > 0 {
			t.Errorf("left once the apps know:\n%s", strings.Join(left, "\n"))
		}
		key := n.dump(t, `SELECT status, length(subject_key) AS key FROM accounts WHERE id = $1`, jo.account.ID)
		if diff := cmp.Diff([]string{"status=erased key=0 "}, key); diff != "" {
			t.Error(diff)
		}
		if len(of(al)) == 0 {
			t.Error("the other one is erased, too")
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Nobody ever gets a subject that apps knew somebody by who is no more, and who comes
// again is somebody new.
func TestErasedSubjectsAreNeverGivenAgain(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, al := two(t, n)
		n = n.leaves(t, jo)
		n.sweeps(t)
		n.sweeps(t)
		for sector, subject := range map[string]string{
			"tax.example": jo.account.Subject("tax.example"), "bins.example": "bloggs-at-bins-now", "Bins.example": "",
		} {
			if err := n.Pin(t.Context(), al.account.ID, sector, subject); subject != "" && !errors.Is(err, accounts.ErrTaken) {
				t.Errorf("%s in %s: %v", subject, sector, err)
			}
		}
		if err := n.Pin(t.Context(), al.account.ID, "bins.example", "bloggs-at-bins"); !errors.Is(err, accounts.ErrTaken) {
			t.Errorf("a subject of before: %v", err)
		}
		if err := n.Pin(t.Context(), al.account.ID, "bins.example", "sha256:00"); err == nil {
			t.Error("somebody is known by what looks like a hash")
		}
		again := lives(t, n, "bloggs-again")
		in := signIn("https://idp.example", "bloggs-at-idp")
		in.Alone = true
		acc, _, first := enter(t, n, in)
		if !first || acc.ID == jo.account.ID || acc.ID == again.account.ID || acc.Subject("tax.example") == jo.account.Subject("tax.example") {
			t.Errorf("%s comes again as %s", jo.account.ID, acc.ID)
		}
	})
}

// Of the accounts that were merged into one nothing stays, either.
func TestEraseMerged(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, joToo, al := lives(t, n, "bloggs"), lives(t, n, "blaggs"), lives(t, n, "smithson")
		n.exec(t, `UPDATE accounts SET status = 'merged', merged_into = $2 WHERE id = $1`, al.account.ID, joToo.account.ID)
		n.exec(t, `UPDATE accounts SET status = 'merged', merged_into = $2 WHERE id = $1`, joToo.account.ID, jo.account.ID)
		n = n.leaves(t, jo)
		n.sweeps(t)
		n.exec(t, `UPDATE outbox SET delivered_at = $1`, noon.UnixMicro())
		n.sweeps(t)
		for _, s := range []someone{jo, joToo, al} {
			if left := s.mentions(n.whole(t)); len(left) > 0 {
				t.Errorf("left of %s:\n%s", s.words[0], strings.Join(left, "\n"))
			}
		}
		if got := n.dump(t, `SELECT DISTINCT status, length(subject_key) AS key FROM accounts`); len(got) != 1 {
			t.Error(got)
		}
	})
}

// What apps are told is every subject that they may know the account by.
func TestAppsAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo := lives(t, n, "bloggs")
		record(t, n, []string{"9-9"}, []accounts.Visit{{Account: jo.account.ID, Link: jo.link.ID, App: "bins", At: noon}})
		n = n.leaves(t, jo)
		n.sweeps(t)
		n.sweeps(t)
		at := noon.Add(14 * day).UTC().Format(time.RFC3339)
		want := []string{
			fmt.Sprintf(`app=bins payload={"account":%q,"at":%q,"subjects":["bloggs-at-bins","bloggs-at-bins-now"]} `, jo.account.ID, at),
			fmt.Sprintf(`app=tax payload={"account":%q,"at":%q,"subjects":[%q]} `, jo.account.ID, at, jo.account.Subject("tax.example")),
		}
		if diff := cmp.Diff(want, n.dump(t, `SELECT app, payload FROM outbox ORDER BY app`)); diff != "" {
			t.Error(diff)
		}
	})
}

// Until its time has come an account can be used, and kept.
func TestUndelete(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo := lives(t, n, "bloggs")
		later := n.leaves(t, jo)
		if until, err := later.Delete(t.Context(), jo.account.ID); err != nil || !until.Equal(noon.Add(14*day)) {
			t.Errorf("deleted again: %v, %v", until, err)
		}
		in := signIn(jo.link.Issuer, jo.link.Subject)
		if acc, _, first := enter(t, n, in); first || !acc.Leaves.Equal(noon.Add(14*day)) {
			t.Errorf("first %v, leaves %v", first, acc.Leaves)
		}
		n.at(noon.Add(14 * day).Add(-time.Second)).sweeps(t)
		for range 2 {
			if err := later.Undelete(t.Context(), jo.account.ID); err != nil {
				t.Error(err)
			}
		}
		later.at(noon.Add(100 * day)).sweeps(t)
		if acc, _, first := enter(t, n, in); first || !acc.Leaves.IsZero() || acc.ID != jo.account.ID {
			t.Errorf("first %v, leaves %v", first, acc.Leaves)
		}
		if _, err := later.Delete(t.Context(), jo.account.ID); err != nil {
			t.Error(err)
		}
		later.at(noon.Add(100 * day)).sweeps(t)
		if _, err := n.Delete(t.Context(), jo.account.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("delete: %v", err)
		}
		if err := n.Undelete(t.Context(), jo.account.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("undelete: %v", err)
		}
	})
}

// TestEraseWhileSomebodySignsIn: whoever signs in on one node while another erases
// their account gets in to the old one before it ends, or to a new one; and what a
// node was writing about them does not outlive it.
func TestEraseWhileSomebodySignsIn(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for round := range 8 {
			name := fmt.Sprint("bloggs", round)
			jo := lives(t, n, name)
			here, there := n.leaves(t, jo), n.another(t).at(noon.Add(14*day))
			in := signIn(jo.link.Issuer, jo.link.Subject)
			in.Alone, in.Level = true, accounts.SignIn{}.Level
			var both sync.WaitGroup
			both.Go(func() { here.sweeps(t) })
			both.Go(func() {
				acc, link, first, err := there.Enter(t.Context(), in)
				if errors.Is(err, accounts.ErrNotFound) {
					return // it is ending: the person tries again
				}
				if err != nil || first == (acc.ID == jo.account.ID) {
					t.Errorf("first %v, %v", first, err)
				}
				if err := there.Record(t.Context(), []string{name + "-late"}, []accounts.Visit{
					{Account: jo.account.ID, Link: link.ID, App: "late", At: noon, Said: in.Said},
				}); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			here.sweeps(t)
			for _, table := range []string{"links", "claims", "services", "sign_ins"} {
				if left := n.dump(t, `SELECT * FROM `+table+` WHERE account_id = $1`, jo.account.ID); len(left) > 0 {
					t.Errorf("left in %s: %v", table, left)
				}
			}
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Of somebody who keeps an account at the last moment all is there, or nothing.
func TestKeepWhileItIsErased(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for round := range 8 {
			jo := lives(t, n, fmt.Sprint("bloggs", round))
			here, there := n.leaves(t, jo), n.another(t).at(noon.Add(14*day))
			var kept error
			var both sync.WaitGroup
			both.Go(func() { here.sweeps(t) })
			both.Go(func() { kept = there.Undelete(t.Context(), jo.account.ID) })
			both.Wait()
			_, _, err := n.Reenter(t.Context(), jo.account.ID, jo.link.ID)
			if (kept == nil) != (err == nil) {
				t.Errorf("kept: %v; reentered: %v", kept, err)
			}
		}
	})
}

// keeper is a way in that keeps a record of its own, and may be out of order.
type keeper struct {
	known  map[string]string
	broken error
}

func (k *keeper) Export(_ context.Context, subject string) (any, bool, error) {
	record, ok := k.known[subject]
	return record, ok, k.broken
}

func (k *keeper) Erase(_ context.Context, subject string) error {
	if k.broken == nil {
		delete(k.known, subject)
	}
	return k.broken
}

// An account whose way in cannot forget it yet, or whose sessions cannot be ended, has
// ended all the same, and is erased once they can.
func TestEraseIsFinishedLater(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		k := &keeper{known: map[string]string{"bloggs-at-idp": "hers", "smithson-at-idp": "his"}, broken: errors.New("out of order")}
		jo, al := two(t, n)
		n = n.leaves(t, jo)
		n.Keepers = map[string]accounts.Keeper{"https://idp.example": k}
		n.exec(t, `UPDATE chores SET due_at = 0`)
		if err := n.Sweep(t.Context(), retention, func(context.Context, string) error { return nil }); err == nil {
			t.Error("nobody hears of it")
		}
		if _, _, _, err := n.Enter(t.Context(), signIn(jo.link.Issuer, jo.link.Subject)); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("entered: %v", err)
		}
		k.broken = nil
		later := n.at(noon.Add(30 * day))
		later.Keepers = n.Keepers
		later.sweeps(t)
		if diff := cmp.Diff(map[string]string{"smithson-at-idp": "his"}, k.known); diff != "" {
			t.Error(diff)
		}
		if got := n.dump(t, `SELECT id FROM links WHERE account_id = $1`, jo.account.ID); len(got) > 0 {
			t.Error(got)
		}
		if _, _, err := n.Reenter(t.Context(), al.account.ID, al.link.ID); err != nil {
			t.Error(err)
		}
	})
}

// An account that somebody may not use can be erased all the same.
func TestEraseFrozen(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo := lives(t, n, "bloggs")
		n.exec(t, `UPDATE accounts SET status = 'frozen'`)
		n.leaves(t, jo).sweeps(t)
		if got := n.count(t, "links"); got != 0 {
			t.Errorf("%d links", got)
		}
	})
}

// A way in that somebody takes away from their account forgets them at once, for
// nothing leads to its record any more when the account is erased.
func TestRemovedWayForgets(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, _ := two(t, n)
		if _, _, err := n.Join(t.Context(), jo.account.ID, "", signIn("https://own.example", "jo"), jo.account.Level); err != nil {
			t.Fatal(err)
		}
		k := &keeper{known: map[string]string{"bloggs-at-idp": "hers", "smithson-at-idp": "his"}}
		n.Keepers = map[string]accounts.Keeper{"https://idp.example": k}
		if err := n.Remove(t.Context(), jo.account.ID, "", jo.link.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"smithson-at-idp": "his"}, k.known); diff != "" {
			t.Error(diff)
		}
	})
}
