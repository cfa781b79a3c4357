package accounts_test

import (
	"errors"
	"testing"

	"github.com/councilid/councilid/broker/accounts"
)

// together reports whether what is done to a way in by whoever has come by a link stays
// with them.
func together(tb testing.TB, n node, account string, link accounts.Link, in accounts.SignIn) bool {
	tb.Helper()
	ok, err := n.Together(tb.Context(), account, link.ID, accounts.Name{Issuer: in.Issuer, Subject: in.Subject})
	if err != nil {
		tb.Fatal(err)
	}
	return ok
}

// Two people who are taken for one look after their own ways in, not after each other's.
func TestTogether(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		links := map[string]accounts.Link{"google": m.mine, "proof": m.theirs}
		links["his"] = m.adds(t, m.mine, by(t, "his", "P0.Cm"))
		links["hers"] = m.adds(t, m.theirs, by(t, "hers", "P0.Cm"))
		links["last"] = m.adds(t, links["hers"], by(t, "last", "P0.Cm"))
		links["stray"] = m.adds(t, accounts.Link{}, by(t, "stray", "P0.Cm"))
		links["of stray"] = m.adds(t, links["stray"], by(t, "of stray", "P0.Cm"))
		sides := map[string]string{"google": "he", "his": "he", "proof": "she", "hers": "she", "last": "she"}
		for from, link := range links {
			for to := range links {
				want := from != to && sides[from] != "" && sides[from] == sides[to]
				if got := together(t, m.node, m.kept.ID, link, by(t, to, "P0.Cm")); got != want {
					t.Errorf("from %s to %s: %t", from, to, got)
				}
			}
		}
		if together(t, m.node, m.kept.ID, m.mine, by(t, "nobody", "P0.Cm")) {
			t.Error("with a way in that nobody uses")
		}
		m.undone(t)
		for from, want := range map[string]bool{"google": true, "proof": false} {
			if got := together(t, m.node, m.kept.ID, links[from], by(t, "his", "P0.Cm")); got != want {
				t.Errorf("afterwards, from %s to his: %t", from, got)
			}
		}
		if !together(t, m.node, m.absorbed.ID, m.theirs, by(t, "last", "P0.Cm")) {
			t.Error("afterwards, from hers to hers: false")
		}
	})
}

// TestTogetherAfterSeveralMerges, each of which may have been wrong.
func TestTogetherAfterSeveralMerges(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		people, links := map[string]accounts.Account{}, map[string]accounts.Link{}
		for _, who := range []string{"a", "b", "c", "d"} {
			people[who], links[who] = known(t, n, who, "P0.Cm")
		}
		twice := func(who, in string) {
			t.Helper()
			_, link, err := n.Join(t.Context(), people[in].ID, links[who].ID, by(t, who+who, "P0.Cm"), vector(t, "P0.Cm"))
			if err != nil {
				t.Fatal(err)
			}
			links[who+who] = link
		}
		twice("a", "a")
		merge(t, n, people["a"], people["b"])
		twice("b", "a")
		merge(t, n, people["a"], people["d"])
		twice("d", "a")
		last := merge(t, n, people["c"], people["a"])
		twice("c", "c")
		for from, link := range links {
			for to := range links {
				want := from != to && from[:1] == to[:1]
				if got := together(t, n, people["c"].ID, link, by(t, to, "P0.Cm")); got != want {
					t.Errorf("from %s to %s: %t", from, to, got)
				}
			}
		}
		if _, err := n.Together(t.Context(), people["a"].ID, links["a"].ID, accounts.Name{}); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("in an account that is no more: %v", err)
		}
		undo(t, n, people["c"], last)
		for to, want := range map[string]bool{"aa": true, "bb": false, "dd": false, "cc": false} {
			if got := together(t, n, people["a"].ID, links["a"], by(t, to, "P0.Cm")); got != want {
				t.Errorf("afterwards, from a to %s: %t", to, got)
			}
		}
	})
}

// Whose the ways in were, nobody knows where it was not written down; and nobody asks
// once the merge can be undone no more.
func TestTogetherInTime(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		m := mistake(t, n)
		m.adds(t, m.mine, by(t, "his", "P0.Cm"))
		hers, his := by(t, "proof", "P0.Cm"), by(t, "his", "P0.Cm")
		n.exec(t, `UPDATE merges SET undo = NULL WHERE id = $1`, m.merge)
		if together(t, m.node, m.kept.ID, m.mine, his) {
			t.Error("nobody knows whose his is")
		}
		soon := merging(n.at(noon.Add(month - 1)))
		if together(t, soon, m.kept.ID, m.mine, hers) {
			t.Error("the merge can be undone still")
		}
		late := merging(n.at(noon.Add(month)))
		if !together(t, late, m.kept.ID, m.mine, hers) || !together(t, late, m.kept.ID, m.mine, his) {
			t.Error("the merge can be undone no more")
		}
	})
}
