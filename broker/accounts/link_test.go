package accounts_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// by is a sign-in at another provider.
func by(tb testing.TB, issuer, level string) accounts.SignIn {
	tb.Helper()
	in := proving(tb, "someone", level, 365*day)
	in.Connector, in.Issuer = issuer, "https://"+issuer+".example"
	return in
}

func join(tb testing.TB, n node, account string, in accounts.SignIn, inherit string) (accounts.Account, accounts.Link) {
	tb.Helper()
	acc, link, err := n.Join(tb.Context(), account, "", in, vector(tb, inherit))
	if err != nil {
		tb.Fatal(err)
	}
	return acc, link
}

// telling is what a provider tells a node of somebody.
type telling func(n node) (accounts.Link, error)

func tell(tb testing.TB, n node, told telling) accounts.Link {
	tb.Helper()
	link, err := told(n)
	if err != nil {
		tb.Fatal(err)
	}
	return link
}

func freeze(tb testing.TB, in accounts.SignIn, what string) telling {
	return func(n node) (accounts.Link, error) { return n.Freeze(tb.Context(), in.Issuer, in.Subject, what) }
}

func thaw(tb testing.TB, in accounts.SignIn) telling {
	return func(n node) (accounts.Link, error) {
		return n.Thaw(tb.Context(), in.Issuer, in.Subject, "account-enabled")
	}
}

func unlink(tb testing.TB, in accounts.SignIn) telling {
	return func(n node) (accounts.Link, error) {
		return n.Unlink(tb.Context(), in.Issuer, in.Subject, "account-delete")
	}
}

// kinds are what the audit says was done, in order.
func kinds(tb testing.TB, n node) string {
	tb.Helper()
	var all []string
	for _, line := range n.dump(tb, `SELECT kind FROM audit ORDER BY seq`) {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(line, "kind="), " "))
	}
	return strings.Join(all, " ")
}

func TestJoin(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, proof := by(t, "google", "P0.Cl"), by(t, "proof", "P2.Cm.R1")
		first, _, _ := enter(t, n, google)
		acc, link := join(t, n, first.ID, proof, "P2.Cm.R1")
		if acc.ID != first.ID || link.Account != first.ID || acc.Subject("tax.example") != first.Subject("tax.example") {
			t.Errorf("joined account %s, want %s", acc.ID, first.ID)
		}
		worth(t, acc, link, "P2.R1", "P2.R1", "P2.Cm.R1")
		if len(acc.Words) != 6 {
			t.Errorf("%d words, want what both providers said", len(acc.Words))
		}

		before := everything(t, n)
		again, sameLink := join(t, n, first.ID, proof, "P4.Ch.F1.R3")
		if diff := cmp.Diff([]any{acc, link}, []any{again, sameLink}); diff != "" {
			t.Errorf("joined again (-first +second):\n%s", diff)
		}
		entered, enteredBy, _ := enter(t, n, proof)
		if diff := cmp.Diff([]any{acc, link}, []any{entered, enteredBy}); diff != "" {
			t.Errorf("(-joined +entered):\n%s", diff)
		}
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("joining again changed (-before +after):\n%s", diff)
		}
		if got, want := kinds(t, n), "account.created link.created link.created evidence.recorded evidence.recorded"; got != want {
			t.Errorf("audit says %s, want %s", got, want)
		}
		detail := n.dump(t, `SELECT actor, detail FROM audit WHERE seq = 3`)[0]
		if !strings.Contains(detail, "resident") || !strings.Contains(detail, `"inherit":"P2.Cm.F0.R1"`) || !strings.Contains(detail, link.ID) {
			t.Error(detail)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestWeakLink: a way in that was linked when nobody knew who the person was
// does not become strong when they prove it later by another.
func TestWeakLink(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, gmail, proof := by(t, "google", "P0.Cl"), by(t, "gmail", "P0.Cm"), by(t, "proof", "P2.Cm")
		acc, _, _ := enter(t, n, google)
		join(t, n, acc.ID, gmail, "P0.Cm")
		join(t, n, acc.ID, proof, "P2.Cm")
		for _, c := range []struct {
			in                   accounts.SignIn
			proves, own, inherit string
			want, why            string
		}{
			{google, "P0.Cl", "P0", "P0.Cl", "P0.Cl", "linked weakly"},
			{google, "P0.Cm", "P0", "P0.Cl", "P0.Cm", "linked weakly, though strong today"},
			{gmail, "P0.Cm", "P0", "P0.Cm", "P0.Cm", "linked when nothing was proved"},
			{proof, "P0.Cm", "P2", "P2.Cm", "P2.Cm", "which proved it before"},
			{proof, "P0.Cl", "P2", "P2.Cm", "P0.Cl", "and is not protected enough today"},
		} {
			c.in.Level = vector(t, c.proves)
			acc, link, _ := enter(t, n, c.in)
			worth(t, acc, link, "P2", c.own, c.inherit)
			got := mapping.Effective(c.in.Level, link.Own, acc.Level, link.Inherit)
			if got != vector(t, c.want) {
				t.Errorf("%s, %s: %s, want %s", c.in.Connector, c.why, got, c.want)
			}
		}
		// One that is linked in a session that was worth P2 is, when it is strong.
		join(t, n, acc.ID, by(t, "work", "P0.Cm"), "P2.Cm")
		acc, link, _ := enter(t, n, by(t, "work", "P0.Cm"))
		if got := mapping.Effective(vector(t, "P0.Cm"), link.Own, acc.Level, link.Inherit); got != vector(t, "P2.Cm") {
			t.Errorf("linked in a proved session: %s, want P2.Cm", got)
		}
	})
}

func TestJoinRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mine, _, _ := enter(t, n, by(t, "google", "P0.Cl"))
		theirs := by(t, "proof", "P2.Cm")
		enter(t, n, theirs)
		nobody := theirs
		nobody.Subject = ""
		before := everything(t, n)
		for _, c := range []struct {
			account string
			in      accounts.SignIn
			want    error
		}{
			{mine.ID, theirs, accounts.ErrAnother},
			{mine.ID, nobody, nil},
			{"nothing", by(t, "new", "P0.Cl"), accounts.ErrNotFound},
		} {
			acc, link, err := n.Join(t.Context(), c.account, "", c.in, vector(t, "P0.Cl"))
			if err == nil || c.want != nil && !errors.Is(err, c.want) || acc.ID != "" || link.ID != "" {
				t.Errorf("%s joined %s: %v", c.in.Issuer, acc.ID, err)
			}
		}
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}

		// What is dead is still theirs.
		tell(t, n, unlink(t, theirs))
		if _, _, err := n.Join(t.Context(), mine.ID, "", theirs, vector(t, "P0.Cl")); !errors.Is(err, accounts.ErrAnother) {
			t.Errorf("their dead link: %v, want ErrAnother", err)
		}
		tell(t, n, freeze(t, by(t, "google", "P0.Cl"), "hijacking"))
		if _, _, err := n.Join(t.Context(), mine.ID, "", by(t, "google", "P0.Cl"), vector(t, "P0.Cl")); !errors.Is(err, accounts.ErrFrozen) {
			t.Errorf("my frozen link: %v, want ErrFrozen", err)
		}
		n.exec(t, `UPDATE accounts SET status = 'frozen' WHERE id = $1`, mine.ID)
		if _, _, err := n.Join(t.Context(), mine.ID, "", by(t, "new", "P0.Cl"), vector(t, "P0.Cl")); !errors.Is(err, accounts.ErrFrozen) {
			t.Errorf("a frozen account: %v, want ErrFrozen", err)
		}
	})
}

// TestJoinTogether has two accounts claim one way in, and a first sign-in by it,
// all at once on two nodes: one of them has it.
func TestJoinTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		first, _, _ := enter(t, one, by(t, "google", "P0.Cl"))
		second, _, _ := enter(t, one, by(t, "github", "P0.Cl"))
		in := by(t, "proof", "P2.Cm")
		owners := make([]string, 12)
		var g sync.WaitGroup
		for i := range owners {
			g.Go(func() {
				var acc accounts.Account
				var err error
				switch n := nodes[i%2]; i % 3 {
				case 0:
					acc, _, _, err = n.Enter(t.Context(), in)
				case 1:
					acc, _, err = n.Join(t.Context(), first.ID, "", in, vector(t, "P2.Cm"))
				case 2:
					acc, _, err = n.Join(t.Context(), second.ID, "", in, vector(t, "P2.Cm"))
				}
				if err != nil && !errors.Is(err, accounts.ErrAnother) {
					t.Error(err)
				}
				owners[i] = acc.ID
			})
		}
		g.Wait()
		owner, _, _ := enter(t, one, in)
		for i, id := range owners {
			if id != "" && id != owner.ID {
				t.Errorf("%d: joined %s, and the link leads to %s", i, id, owner.ID)
			}
		}
		if got := len(one.dump(t, `SELECT id FROM links WHERE issuer = $1`, in.Issuer)); got != 1 {
			t.Errorf("%d links", got)
		}
		if got := len(one.dump(t, `SELECT seq FROM audit WHERE kind = 'evidence.recorded'`)); got != 1 {
			t.Errorf("evidence was recorded %d times, want once", got)
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFreeze(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, proof := by(t, "google", "P0.Cl"), by(t, "proof", "P2.Cm.R1")
		acc, _, _ := enter(t, n, google)
		_, link := join(t, n, acc.ID, proof, "P2.Cm.R1")
		for range 2 { // a second time changes nothing, whatever is said then
			got := tell(t, n, freeze(t, proof, "hijacking"))
			want := accounts.Link{ID: link.ID, Account: acc.ID, Connector: "proof", Issuer: proof.Issuer, Subject: proof.Subject, Created: noon}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			tell(t, n, freeze(t, proof, "bulk-account"))
		}
		_, _, _, err := n.Enter(t.Context(), proof)
		_, _, againErr := n.Reenter(t.Context(), acc.ID, link.ID)
		_, _, joinErr := n.Join(t.Context(), acc.ID, "", proof, vector(t, "P2.Cm"))
		for _, err := range []error{err, againErr, joinErr} {
			frozen, ok := errors.AsType[*accounts.FrozenError](err)
			if !ok || frozen.What != "hijacking" || !errors.Is(err, accounts.ErrFrozen) {
				t.Errorf("%v, want it frozen for hijacking", err)
			}
		}
		// The account is used by its other link, without what the frozen one proved.
		acc, googleLink, _ := enter(t, n, google)
		worth(t, acc, googleLink, "P0", "P0", "P0.Cl")

		for range 2 {
			tell(t, n, thaw(t, proof))
		}
		acc, link, _ = enter(t, n, proof)
		worth(t, acc, link, "P2.R1", "P2.R1", "P2.Cm.R1")
		if got, want := kinds(t, n), "account.created link.created link.created evidence.recorded evidence.recorded link.frozen link.thawed"; got != want {
			t.Errorf("audit says %s, want %s", got, want)
		}
		detail := n.dump(t, `SELECT account, actor, detail FROM audit WHERE kind = 'link.frozen'`)[0]
		if !strings.Contains(detail, acc.ID) || !strings.Contains(detail, "actor=provider") || !strings.Contains(detail, `"what":"hijacking"`) || strings.Contains(detail, proof.Subject) {
			t.Error(detail)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestUnlink(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, proof := by(t, "google", "P0.Cl"), by(t, "proof", "P2.Cm.R1")
		first, _, _ := enter(t, n, google)
		_, link := join(t, n, first.ID, proof, "P2.Cm.R1")
		for range 2 {
			if got := tell(t, n, unlink(t, proof)); got.ID != link.ID || got.Account != first.ID {
				t.Errorf("unlinked %+v", got)
			}
		}
		for _, table := range []string{"claims", "evidence"} {
			if got := n.dump(t, `SELECT * FROM `+table+` WHERE link_id = $1`, link.ID); len(got) != 0 {
				t.Errorf("%s: %v", table, got)
			}
		}
		if got := n.count(t, "claims"); got != 3 {
			t.Errorf("%d claims, want the 3 of the other link", got)
		}
		if _, _, err := n.Reenter(t.Context(), first.ID, link.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("reentered by a dead link: %v, want ErrNotFound", err)
		}
		acc, googleLink, _ := enter(t, n, google)
		worth(t, acc, googleLink, "P0", "P0", "P0.Cl")

		// It comes to life with what this sign-in proves and nothing else.
		later := n.at(noon.Add(day))
		back, backLink, isFirst := enter(t, later, by(t, "proof", "P1.Cm"))
		if back.ID != first.ID || backLink.ID != link.ID || isFirst || !backLink.Created.Equal(noon.Add(day)) {
			t.Errorf("came back to %s by %+v, first %t", back.ID, backLink, isFirst)
		}
		worth(t, back, backLink, "P1", "P1", "P1.Cm")
		if got := n.count(t, "claims"); got != 6 {
			t.Errorf("%d claims, want 6", got)
		}
		const want = "account.created link.created link.created evidence.recorded evidence.recorded link.unlinked link.created evidence.recorded"
		if got := kinds(t, n); got != want {
			t.Errorf("audit says %s, want %s", got, want)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A frozen link does not come to life by being unlinked, and a dead one that was
// frozen not before it is thawed.
func TestUnlinkFrozen(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := by(t, "google", "P0.Cl")
		acc, _, _ := enter(t, n, in)
		tell(t, n, unlink(t, in))
		tell(t, n, freeze(t, in, "hijacking"))
		if _, _, _, err := n.Enter(t.Context(), in); !errors.Is(err, accounts.ErrFrozen) {
			t.Errorf("entered by a frozen dead link: %v", err)
		}
		if _, _, err := n.Join(t.Context(), acc.ID, "", in, vector(t, "P0.Cl")); !errors.Is(err, accounts.ErrFrozen) {
			t.Errorf("joined a frozen dead link: %v", err)
		}
		tell(t, n, thaw(t, in))
		if again, _, first := enter(t, n, in); again.ID != acc.ID || first {
			t.Errorf("came back to %s, first %t; want %s", again.ID, first, acc.ID)
		}
	})
}

func TestUnknownLink(t *testing.T) {
	n := connect(t, sqlite(t))
	in := by(t, "google", "P0.Cl")
	for _, told := range []telling{freeze(t, in, "hijacking"), thaw(t, in), unlink(t, in)} {
		if link, err := told(n); !errors.Is(err, accounts.ErrUnknownLink) || link.ID != "" {
			t.Errorf("%+v, %v; want ErrUnknownLink", link, err)
		}
	}
	if got := n.count(t, "audit"); got != 0 {
		t.Errorf("%d audit entries", got)
	}
}

// TestToldTogether has two nodes told the same, while the person signs in.
func TestToldTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		in := by(t, "google", "P0.Cl")
		enter(t, one, in)
		var g sync.WaitGroup
		for _, told := range []telling{unlink(t, in), freeze(t, in, "hijacking")} {
			for i := range 6 {
				g.Go(func() {
					if _, err := told(nodes[i%2]); err != nil {
						t.Error(err)
					}
				})
			}
		}
		g.Wait()
		for _, kind := range []string{"link.frozen", "link.unlinked"} {
			if got := len(one.dump(t, `SELECT seq FROM audit WHERE kind = $1`, kind)); got != 1 {
				t.Errorf("%s was done %d times, want once", kind, got)
			}
		}
		tell(t, one, thaw(t, in))
		ids := make([]string, 10)
		for i := range ids {
			g.Go(func() {
				acc, _, first, err := nodes[i%2].Enter(t.Context(), in)
				if err != nil || first {
					t.Errorf("first %t, %v", first, err)
				}
				ids[i] = acc.ID
			})
		}
		g.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("came back to %s and %s", id, ids[0])
			}
		}
		if got := len(one.dump(t, `SELECT seq FROM audit WHERE kind = 'link.created'`)); got != 2 {
			t.Errorf("the link was made %d times, want twice", got)
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
