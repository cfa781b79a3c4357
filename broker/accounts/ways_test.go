package accounts_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

func ways(tb testing.TB, n node, account string) []accounts.Way {
	tb.Helper()
	all, err := n.Ways(tb.Context(), account)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestWays(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, google, _ := enter(t, n, by(t, "google", "P0.Cl"))
		n = n.at(noon.Add(time.Hour))
		in := by(t, "proof", "P2.Cm.R1")
		_, proof := join(t, n, acc.ID, in, "P1.Cm")
		if err := n.Name(t.Context(), acc.ID, google.ID, "  my\t old\u200b\naccount "); err != nil {
			t.Fatal(err)
		}
		visit(t, n, acc, google, noon.Add(2*time.Hour), "tax")
		want := []accounts.Way{
			{Link: google, Label: "my old account", Last: noon.Add(2 * time.Hour), Usable: true},
			{Link: proof, Last: noon.Add(time.Hour), Usable: true},
		}
		if diff := cmp.Diff(want, ways(t, n, acc.ID)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		tell(t, n, freeze(t, in, "hijacking"))
		want[1].Frozen, want[1].Usable, want[1].Own = "hijacking", false, mapping.Assurance{}
		if diff := cmp.Diff(want, ways(t, n, acc.ID)); diff != "" {
			t.Errorf("frozen (-want +got):\n%s", diff)
		}
		tell(t, n, thaw(t, in))
		tell(t, n, unlink(t, in))
		want[1].Frozen, want[1].Dead = "", true
		if diff := cmp.Diff(want, ways(t, n, acc.ID)); diff != "" {
			t.Errorf("dead (-want +got):\n%s", diff)
		}
		n = n.believing(t, map[string]string{"proof": "P4.Ch"})
		if all := ways(t, n, acc.ID); all[0].Usable {
			t.Error("a way in is usable whose connector is gone")
		}
		if all := ways(t, n, "nobody"); len(all) != 0 {
			t.Errorf("nobody has %v", all)
		}
	})
}

func TestName(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, by(t, "google", "P0.Cl"))
		other, _, _ := enter(t, n, by(t, "proof", "P0.Cl"))
		if err := n.Name(t.Context(), other.ID, link.ID, "mine"); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("another's: %v, want ErrNotFound", err)
		}
		if err := n.Name(t.Context(), acc.ID, link.ID, strings.Repeat("ŵ", 100)); err != nil {
			t.Fatal(err)
		}
		if got := ways(t, n, acc.ID)[0].Label; got != strings.Repeat("ŵ", 60) {
			t.Errorf("it is called %q", got)
		}
		if log := n.dump(t, `SELECT detail FROM audit WHERE kind = 'link.named'`); len(log) != 1 || strings.Contains(log[0], "ŵ") {
			t.Error(log)
		}
		told := n.dump(t, `SELECT payload FROM outbox WHERE kind = 'notice'`)
		if len(told) != 1 || !strings.Contains(told[0], `"what":"link-named"`) || strings.Contains(told[0], "ŵ") {
			t.Error(told)
		}
	})
}

func TestWayChanged(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in, gone := by(t, "google", "P0.Cl"), by(t, "proof", "P0.Cl")
		acc, link, _ := enter(t, n, in)
		enter(t, n, gone)
		tell(t, n, unlink(t, gone))
		for _, way := range []accounts.Name{{Issuer: in.Issuer, Subject: in.Subject}, {Issuer: in.Issuer, Subject: "nobody"}, {Issuer: gone.Issuer, Subject: gone.Subject}} {
			if err := n.WayChanged(t.Context(), way, "password_set"); err != nil {
				t.Fatal(err)
			}
		}
		history, err := n.History(t.Context(), acc.ID, noon.Add(time.Hour), 1)
		want := []accounts.Happening{{At: noon, Kind: "way.changed", Actor: "resident", Link: link.ID, Connector: "google", What: "password_set"}}
		if diff := cmp.Diff(want, history, cmpopts.EquateApproxTime(0)); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if log := n.dump(t, `SELECT account FROM audit WHERE kind = 'way.changed'`); len(log) != 1 {
			t.Errorf("noted: %v", log)
		}
	})
}

// TestRemove: whoever signs in by what was removed is somebody new, and what came by
// it is forgotten. The address that its provider vouched for is told.
func TestRemove(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, proof := by(t, "google", "P0.Cm"), by(t, "proof", "P2.Cm.R1")
		acc, link, _ := enter(t, n, google)
		_, other := join(t, n, acc.ID, proof, "P2.Cm.R1")
		stranger, _, _ := enter(t, n, by(t, "other", "P0.Cl"))
		if err := n.Remove(t.Context(), stranger.ID, "", other.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("by another: %v, want ErrNotFound", err)
		}
		n.exec(t, `DELETE FROM outbox`)
		if err := n.Remove(t.Context(), acc.ID, "", other.ID); err != nil {
			t.Fatal(err)
		}
		if err := n.Remove(t.Context(), acc.ID, "", other.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("twice: %v, want ErrNotFound", err)
		}
		for _, table := range []string{"claims", "likeness", "evidence"} {
			if left := n.dump(t, `SELECT * FROM `+table+` WHERE link_id = $1`, other.ID); len(left) > 0 {
				t.Errorf("%s has %v", table, left)
			}
		}
		if _, _, err := n.Reenter(t.Context(), acc.ID, other.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("reentered: %v", err)
		}
		if again, _, first := enter(t, n, proof); !first || again.ID == acc.ID {
			t.Errorf("entered %s by what was removed", again.ID)
		}
		told := n.dump(t, `SELECT app, address, payload FROM outbox WHERE kind = 'notice'`)
		if len(told) != 1 || !strings.HasPrefix(told[0], "app= address=jo@example.org payload=") || strings.Count(told[0], "example.org") != 1 ||
			!strings.Contains(told[0], `"what":"link-removed"`) || !strings.Contains(told[0], acc.ID) {
			t.Error(told)
		}
		if _, kept, err := n.Reenter(t.Context(), acc.ID, link.ID); err != nil || kept.ID != link.ID {
			t.Errorf("the other way in: %v", err)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRemoveLast: the last way in that leads in stays, whatever else there is.
func TestRemoveLast(t *testing.T) {
	for what, c := range map[string]struct {
		then func(t *testing.T, n node, other accounts.SignIn) node
		want error
	}{
		"alone":        {nil, accounts.ErrLast},
		"with another": {func(_ *testing.T, n node, _ accounts.SignIn) node { return n }, nil},
		"with a frozen": {func(t *testing.T, n node, other accounts.SignIn) node {
			tell(t, n, freeze(t, other, "hijacking"))
			return n
		}, accounts.ErrLast},
		"with a dead": {func(t *testing.T, n node, other accounts.SignIn) node { tell(t, n, unlink(t, other)); return n }, accounts.ErrLast},
		"with one whose connector is gone": {func(t *testing.T, n node, _ accounts.SignIn) node {
			return n.believing(t, map[string]string{"google": "P0.Cl"})
		}, accounts.ErrLast},
	} {
		onEach(t, func(t *testing.T, n node) {
			acc, link, _ := enter(t, n, by(t, "google", "P0.Cl"))
			if c.then != nil {
				other := by(t, "other", "P0.Cl")
				join(t, n, acc.ID, other, "P0.Cl")
				n = c.then(t, n, other)
			}
			before := everything(t, n)
			if err := n.Remove(t.Context(), acc.ID, "", link.ID); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
			if diff := cmp.Diff(before, everything(t, n)); (diff == "") != (c.want != nil) {
				t.Errorf("%s (-before +after):\n%s", what, diff)
			}
		})
	}
}

func TestRemoveOfUnusable(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, link, _ := enter(t, n, by(t, "google", "P0.Cl"))
	join(t, n, acc.ID, by(t, "other", "P0.Cl"), "P0.Cl")
	n.exec(t, `UPDATE accounts SET status = 'frozen'`)
	for _, err := range []error{n.Remove(t.Context(), acc.ID, "", link.ID), n.Name(t.Context(), acc.ID, link.ID, "mine")} {
		if !errors.Is(err, accounts.ErrFrozen) {
			t.Errorf("%v, want ErrFrozen", err)
		}
	}
}

// TestRemoveTogether has a person remove all of their ways in at once, on two nodes:
// one stays. And who signs in by one meanwhile is let in, or is somebody new.
func TestRemoveTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		in := by(t, "0", "P0.Cm")
		acc, first, _ := enter(t, one, in)
		links := []accounts.Link{first}
		for _, connector := range []string{"1", "2", "3"} {
			_, link := join(t, one, acc.ID, by(t, connector, "P0.Cm"), "P0.Cm")
			links = append(links, link)
		}
		var removed atomic.Int64
		var g sync.WaitGroup
		for i, link := range links {
			g.Go(func() {
				if err := nodes[i%2].Remove(t.Context(), acc.ID, "", link.ID); err == nil {
					removed.Add(1)
				} else if !errors.Is(err, accounts.ErrLast) {
					t.Error(err)
				}
			})
			g.Go(func() {
				strong := by(t, links[0].Connector, "P2.Cm")
				entered, link, _, err := nodes[i%2].Enter(t.Context(), strong)
				if err != nil && !errors.Is(err, accounts.ErrNotFound) || (entered.ID == acc.ID) != (err == nil && link.ID == links[0].ID) {
					t.Errorf("entered %s by %s: %v", entered.ID, link.ID, err)
				}
			})
		}
		g.Wait()
		if got := removed.Load(); got != 3 {
			t.Errorf("%d were removed, want 3", got)
		}
		if all := ways(t, one, acc.ID); len(all) != 1 {
			t.Errorf("%d ways in are left, want 1", len(all))
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
