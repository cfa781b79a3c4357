package accounts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// mistaken are two people who were taken for one, and one of whom comes later.
type mistaken struct {
	node
	kept, absorbed accounts.Account
	mine, theirs   accounts.Link
	merge          string
}

// mistake merges two people's accounts. Everything after that happens a day later.
func mistake(tb testing.TB, n node) mistaken {
	tb.Helper()
	m := mistaken{node: merging(n)}
	m.kept, m.mine = known(tb, m.node, "google", "P0.Cm")
	m.absorbed, m.theirs = known(tb, m.node, "proof", "P0.Cm")
	m.merge = merge(tb, m.node, m.kept, m.absorbed)
	m.node = merging(n.at(noon.Add(day)))
	return m
}

// adds has whoever comes by a link add another way in.
func (m mistaken) adds(tb testing.TB, by accounts.Link, in accounts.SignIn) accounts.Link {
	tb.Helper()
	_, link, err := m.Join(tb.Context(), m.kept.ID, by.ID, in, in.Level)
	if err != nil {
		tb.Fatal(err)
	}
	return link
}

// undone is what does not go back, without ids.
func (m mistaken) undone(tb testing.TB) (left []string) {
	tb.Helper()
	for _, what := range undo(tb, m.node, m.kept, m.merge) {
		table, _, _ := strings.Cut(what, " ")
		left = append(left, table)
	}
	slices.Sort(left)
	return left
}

// leads has somebody sign in by a way in, and says to which account it leads.
func (m mistaken) leads(tb testing.TB, in accounts.SignIn) string {
	tb.Helper()
	in.Alone = true
	switch acc, _, _ := enter(tb, m.node, in); acc.ID {
	case m.kept.ID:
		return "kept"
	case m.absorbed.ID:
		return "absorbed"
	}
	return "another"
}

// TestWaysInGoWithWhoAddedThem: nobody stays in the other person's account by a way in
// that they added to it while both were taken for one, by whatever detour.
func TestWaysInGoWithWhoAddedThem(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		hers := m.adds(t, m.theirs, by(t, "hers", "P0.Cm"))
		between := m.adds(t, hers, by(t, "between", "P0.Cm"))
		m.adds(t, between, by(t, "last", "P0.Cm"))
		m.adds(t, m.mine, by(t, "his", "P0.Cm"))
		m.adds(t, accounts.Link{}, by(t, "stray", "P0.Cm"))
		for _, link := range []accounts.Link{between, m.theirs} { // what was in between is no more
			if err := m.Remove(t.Context(), m.kept.ID, "", link.ID); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"links", "links"}, m.undone(t)); diff != "" { // one was removed before, one is nobody's known
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for way, want := range map[string]string{
			"google": "kept", "his": "kept", "hers": "absorbed", "last": "absorbed", "stray": "another", "between": "another", "proof": "another",
		} {
			if got := m.leads(t, by(t, way, "P0.Cm")); got != want {
				t.Errorf("%s leads to %s, want %s", way, got, want)
			}
		}
		if got := n.dump(t, `SELECT actor FROM audit WHERE kind = 'link.removed' ORDER BY seq`); len(got) != 3 {
			t.Errorf("removals in the audit: %q", got)
		}
		if err := m.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Neither of two people who are taken for one locks the other out for good.
func TestRemoveLastOfOther(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		stray := m.adds(t, accounts.Link{}, by(t, "stray", "P0.Cm"))
		removes := func(n node, by, link accounts.Link, want error) {
			t.Helper()
			before := everything(t, n)
			if err := n.Remove(t.Context(), m.kept.ID, by.ID, link.ID); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if diff := cmp.Diff(before, everything(t, n)); (diff == "") != (want != nil) {
				t.Errorf("(-before +after):\n%s", diff)
			}
		}
		for _, by := range []accounts.Link{m.mine, stray, {}} {
			removes(m.node, by, m.theirs, accounts.ErrLastOfOther)
		}
		removes(m.node, m.theirs, m.mine, accounts.ErrLastOfOther)
		removes(m.node, m.mine, stray, nil)
		removes(m.node, stray, m.mine, accounts.ErrNotFound)

		hers := m.adds(t, m.theirs, by(t, "hers", "P0.Cm"))
		removes(m.node, m.mine, m.theirs, nil) // she has another one
		removes(m.node, m.mine, hers, accounts.ErrLastOfOther)
		removes(m.node.at(noon.Add(100*day)), m.mine, hers, nil)
	})
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		if err := m.Remove(t.Context(), m.kept.ID, m.theirs.ID, m.theirs.ID); err != nil {
			t.Errorf("her own: %v", err)
		}
	})
}

// What came by a way in goes with it, and what apps were granted by it ends.
func TestAddedWayInTakesItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		hers := m.adds(t, m.theirs, by(t, "hers", "P1.Cm"))
		visit(t, m.node, m.kept, hers, noon.Add(day), "pool")
		for id, link := range map[string]accounts.Link{"his": m.mine, "hers": hers} {
			n.exec(t, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at)
				VALUES ($1, $2, $3, 'pool', 'somebody', 'session', '[]', '{}', 1, $4, 1)`, id, m.kept.ID, link.ID, noon.Add(day).UnixMicro())
		}
		m.undone(t)
		for _, table := range []string{"claims", "evidence", "likeness", "sign_ins"} {
			if got := n.dump(t, `SELECT DISTINCT account_id FROM `+table+` WHERE link_id = $1`, hers.ID); !slices.Equal(got, []string{"account_id=" + m.absorbed.ID + " "}) {
				t.Errorf("%s of %q", table, got)
			}
		}
		if got := n.dump(t, `SELECT id FROM refresh_grants WHERE revoked_at IS NOT NULL`); !slices.Equal(got, []string{"id=hers "}) {
			t.Errorf("revoked: %q", got)
		}
	})
}

// A session by a way in that went back a moment ago changes nothing any more.
func TestNobodyAddsByAWayInThatWentBack(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		code, _, err := m.Invite(t.Context(), resident(t, n, "mum").ID, "", []string{"bins"}, noon.Add(10*day), "")
		if err != nil {
			t.Fatal(err)
		}
		m.undone(t)
		_, _, joins := m.Join(t.Context(), m.kept.ID, m.theirs.ID, by(t, "hers", "P0.Cm"), vector(t, "P0.Cm"))
		_, _, invites := m.Invite(t.Context(), m.kept.ID, m.theirs.ID, []string{"bins"}, noon.Add(10*day), "")
		_, accepts := m.Accept(t.Context(), m.kept.ID, m.theirs.ID, code)
		_, agrees := m.Agree(t.Context(), m.kept.ID, m.theirs.ID, "bins", []string{"name"})
		for i, err := range []error{joins, invites, accepts, agrees} {
			if !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("%d: %v, want ErrNotFound", i, err)
			}
		}
	})
}

// TestDelegationsGoWithWhoMadeThem, and consents do. Whose they are that nobody knows of
// are over.
func TestDelegationsGoWithWhoMadeThem(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		mum, ann := resident(t, n, "mum"), resident(t, n, "ann")
		whose := map[string]string{m.mine.ID: "his", m.theirs.ID: "hers", "": "nobody's"}
		received := map[string]string{}
		for link, side := range whose {
			code, _, err := m.Invite(t.Context(), m.kept.ID, link, []string{"bins"}, noon.Add(10*day), side)
			if err != nil {
				t.Fatal(err)
			}
			given := accept(t, m.node, ann.ID, code)
			n.exec(t, `INSERT INTO refresh_grants
					(id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at, delegation_id, act)
				VALUES ($1, $2, 'of ann', 'bins', 'somebody', 'session', '[]', '{}', 1, $3, 1, $4, 'ann')`,
				"for "+side, m.kept.ID, noon.Add(day).UnixMicro(), given.ID)
			d, err := m.Accept(t.Context(), m.kept.ID, link, invite(t, m.node, mum.ID, 10*day, "bins"))
			if err != nil {
				t.Fatal(err)
			}
			received[d.ID] = side
			if _, err := m.Agree(t.Context(), m.kept.ID, link, "gym", []string{side}); err != nil {
				t.Fatal(err)
			}
		}
		n.exec(t, `DELETE FROM outbox`)
		if diff := cmp.Diff([]string{"consents", "delegations", "delegations"}, m.undone(t)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for _, c := range []struct {
			account accounts.Account
			side    string
		}{{m.kept, "his"}, {m.absorbed, "hers"}} {
			given, taken, err := m.Delegations(t.Context(), c.account.ID)
			hold := func(d accounts.Delegation) bool { return !d.Holds(noon.Add(day + time.Second)) }
			given, taken = slices.DeleteFunc(given, hold), slices.DeleteFunc(taken, hold)
			if err != nil || len(given) != 1 || given[0].Label != c.side || len(taken) != 1 || received[taken[0].ID] != c.side {
				t.Errorf("%s: given %+v, taken %+v, %v", c.side, given, taken, err)
			}
			for _, side := range whose {
				if _, ok := agreed(t, n, c.account.ID, "gym", side); ok != (side == c.side) {
					t.Errorf("%s agreed to what %s did: %t", c.side, side, ok)
				}
			}
		}
		told := n.dump(t, `SELECT kind, app FROM outbox WHERE kind = 'delegation-revoked' AND app <> ''`)
		if diff := cmp.Diff([]string{"kind=delegation-revoked app=bins ", "kind=delegation-revoked app=bins "}, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := n.dump(t, `SELECT id FROM refresh_grants WHERE revoked_at IS NOT NULL`); !slices.Equal(got, []string{"id=for hers "}) {
			t.Errorf("revoked: %q", got) // nothing is refreshed under the one that has ended
		}
		if err := m.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A new name of a way in, which its owner linked while the accounts were merged, goes
// with the one whose place it took.
func TestRekeyedWayInGoesBack(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		renamed := by(t, "proof", "P0.Cm")
		renamed.Issuer = "https://new.example"
		m.adds(t, m.theirs, renamed)
		old := by(t, "proof", "P0.Cm")
		list := []accounts.Rename{{Old: accounts.Name{Issuer: old.Issuer, Subject: old.Subject}, New: accounts.Name{Issuer: renamed.Issuer, Subject: renamed.Subject}}}
		if r, err := m.Rekey(t.Context(), "proof", list, accounts.Lookup{Officer: "m.jones", Reason: "case 17"}, false); err != nil || r.United != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		m.undone(t)
		if got := m.leads(t, renamed); got != "absorbed" {
			t.Errorf("it leads to %s", got)
		}
	})
}

// A merge that was made before it was written down whose the ways in were can be undone
// all the same.
func TestUndoOfAnOldMerge(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		n.exec(t, `UPDATE merges SET undo = REPLACE(undo, '"kept":', '"once":') WHERE id = $1`, m.merge)
		m.adds(t, m.mine, by(t, "his", "P0.Cm"))
		m.adds(t, m.theirs, by(t, "hers", "P0.Cm"))
		m.adds(t, accounts.Link{}, by(t, "stray", "P0.Cm"))
		if diff := cmp.Diff([]string{"links"}, m.undone(t)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for way, want := range map[string]string{"google": "kept", "his": "kept", "proof": "absorbed", "hers": "absorbed", "stray": "another"} {
			if got := m.leads(t, by(t, way, "P0.Cm")); got != want {
				t.Errorf("%s leads to %s, want %s", way, got, want)
			}
		}
	})
}

// What somebody did by a way in that is there no more is theirs all the same.
func TestAddedByAWayInThatIsNoMore(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		hers := m.adds(t, m.theirs, by(t, "hers", "P0.Cm"))
		if _, err := m.Agree(t.Context(), m.kept.ID, hers.ID, "gym", []string{"name"}); err != nil {
			t.Fatal(err)
		}
		if err := m.Remove(t.Context(), m.kept.ID, "", hers.ID); err != nil {
			t.Fatal(err)
		}
		m.undone(t)
		if _, ok := agreed(t, n, m.absorbed.ID, "gym", "name"); !ok {
			t.Error("what she agreed to is over")
		}
		if _, ok := agreed(t, n, m.kept.ID, "gym", "name"); ok {
			t.Error("he is said to have agreed")
		}
	})
}

// A way in of each side that a provider said to be one is nobody's: it may be either
// one's.
func TestWaysInOfBothSidesThatBecameOne(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		m.adds(t, m.mine, by(t, "his", "P0.Cm"))
		renamed := by(t, "google", "P0.Cm")
		renamed.Issuer = "https://new.example"
		m.adds(t, m.theirs, renamed)
		was := by(t, "google", "P0.Cm")
		list := []accounts.Rename{{Old: accounts.Name{Issuer: was.Issuer, Subject: was.Subject}, New: accounts.Name{Issuer: renamed.Issuer, Subject: renamed.Subject}}}
		if r, err := m.Rekey(t.Context(), "google", list, accounts.Lookup{Officer: "m.jones", Reason: "case 17"}, false); err != nil || r.United != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if diff := cmp.Diff([]string{"links"}, m.undone(t)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for way, want := range map[string]string{"his": "kept", "proof": "absorbed"} {
			if got := m.leads(t, by(t, way, "P0.Cm")); got != want {
				t.Errorf("%s leads to %s, want %s", way, got, want)
			}
		}
		if got := m.leads(t, renamed); got != "another" {
			t.Errorf("it leads to %s", got)
		}
	})
}

// What is stopped while two accounts are one is stopped for both, also by whom the one
// let act for the other before.
func TestStoppedForBoth(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		for i, side := range []string{"kept", "absorbed"} {
			kept, _ := known(t, n, "google"+side, "P0.Cm", "gym")
			absorbed, _ := known(t, n, "proof"+side, "P0.Cm", "gym")
			people := []accounts.Account{kept, absorbed}
			d := accept(t, n, people[1-i].ID, invite(t, n, people[i].ID, 100*day, "gym"))
			id := merge(t, n, kept, absorbed)
			withdraw(t, n, kept.ID, "gym")
			undo(t, n, kept, id)
			if _, _, err := n.Delegation(t.Context(), d.ID, "gym"); !errors.Is(err, accounts.ErrWithdrawn) {
				t.Errorf("for the one that was %s: %v, want ErrWithdrawn", side, err)
			}
		}
	})
}
