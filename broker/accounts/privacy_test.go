package accounts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// written is a copy as its owner reads it.
func written(tb testing.TB, n node, s someone) (accounts.Copy, string) {
	tb.Helper()
	c, err := n.Export(tb.Context(), s.account.ID)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return c, string(text)
}

// A copy holds every row about the person, and nothing about anybody else.
func TestExport(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, al := two(t, n)
		absorbs(t, n, jo, al, 2) // and undone
		c, text := written(t, n, jo)
		for _, k := range accounts.OfPeople() {
			if len(c.Records[k.Title()]) == 0 {
				t.Errorf("nothing of %s", k.Title())
			}
		}
		for word, want := range map[string]bool{
			al.account.ID: false, al.link.ID: false, al.account.Subject("tax.example"): false,
			"smithson@example.org": false, "smithson-at": false, "Ms smithson": false,
			"my smithson": true, // what Jo calls him
			"my bloggs":   true, // what he calls Jo
			"Ms bloggs":   true, "bloggs@example.org": true, "bloggs-at-bins-now": true, "bloggs's work": true, "bloggs rang": true,
			jo.account.Subject("tax.example"): true, "o.fficer": true, "somebody else's": true,
			"subject_key": false, "code_hash": false, "bloggs's token": false,
		} {
			if got := strings.Contains(text, word); got != want {
				t.Errorf("%q is there: %v", word, got)
			}
		}
		verified := map[any]any{}
		for _, claim := range c.Records["claims"] {
			verified[claim["name"]] = claim["verified"]
		}
		if diff := cmp.Diff(map[any]any{"name": false, "email": true, "address": false, "nickname": false}, verified); diff != "" {
			t.Error(diff)
		}
	})
}

// Each row of the database is in the copies of those whom it is about: between them
// they hold all.
func TestExportsHoldEveryRow(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, al := two(t, n)
		rows := map[string]int{}
		for _, s := range []someone{jo, al} {
			c, _ := written(t, n, s)
			for _, k := range accounts.OfPeople() {
				if strings.HasSuffix(k.Title(), "_for_others") {
					continue // it is the other's, too
				}
				rows[k.Table()] += len(c.Records[k.Title()])
			}
		}
		for table, got := range rows {
			want := n.count(t, table)
			if table == "refresh_tokens" {
				want += 2 // with one, each acts for the other
			}
			if got != want {
				t.Errorf("%d rows of %s in both copies, want %d", got, table, want)
			}
		}
	})
}

// What was merged into an account is part of it.
func TestExportMerged(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, joToo := lives(t, n, "bloggs"), lives(t, n, "blaggs")
		n.exec(t, `UPDATE accounts SET status = 'merged', merged_into = $2 WHERE id = $1`, joToo.account.ID, jo.account.ID)
		if c, text := written(t, n, jo); !strings.Contains(text, "blaggs rang") || len(c.Records["accounts"]) != 2 || strings.Contains(text, "somebody else's") {
			t.Error(text)
		}
		if _, err := n.Export(t.Context(), joToo.account.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("of what is part of another: %v", err)
		}
	})
}

func TestExportOfNobody(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo := lives(t, n, "bloggs")
		n.leaves(t, jo).sweeps(t)
		for _, id := range []string{jo.account.ID, "nobody", "", "%"} {
			if c, err := n.Export(t.Context(), id); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("%s: %v, %v", id, c, err)
			}
		}
	})
}

// What ways in keep of their own is part of it.
func TestExportOfWays(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, _ := two(t, n)
		k := &keeper{known: map[string]string{"bloggs-at-idp": "hers", "smithson-at-idp": "his"}}
		n.Keepers = map[string]accounts.Keeper{"https://idp.example": k, "https://another.example": k}
		c, _ := written(t, n, jo)
		if diff := cmp.Diff(map[string][]any{"https://idp.example": {"hers"}}, c.Ways); diff != "" {
			t.Error(diff)
		}
		k.broken = errors.New("out of order")
		if _, err := n.Export(t.Context(), jo.account.ID); err == nil {
			t.Error("what is missing is not missed")
		}
	})
}

func TestLookups(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, _ := two(t, n)
		for _, l := range []accounts.Lookup{{Officer: "o.fficer"}, {Reason: "why"}, {}, {Officer: " ", Reason: "why"}, {Officer: "o.fficer", Reason: "\t"}} {
			if err := n.Look(t.Context(), jo.account.ID, l); !errors.Is(err, accounts.ErrNoReason) {
				t.Errorf("%v: %v", l, err)
			}
		}
		if err := n.Look(t.Context(), "nobody", accounts.Lookup{Officer: "o", Reason: "r"}); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		got, err := n.Lookups(t.Context(), jo.account.ID)
		want := []accounts.Lookup{{Officer: "o.fficer", Reason: "bloggs rang", What: "account.show", At: noon}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
	})
}

// What an officer does to an account bears their name, and is seen as a look at it.
func TestOfficersDelete(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		if _, err := n.DeleteBy(t.Context(), acc.ID, accounts.Lookup{Officer: "o.fficer"}); !errors.Is(err, accounts.ErrNoReason) {
			t.Errorf("for no reason: %v", err)
		}
		if _, err := n.DeleteBy(t.Context(), acc.ID, accounts.Lookup{Officer: "o.fficer", Reason: "moved away", What: "account.delete"}); err != nil {
			t.Error(err)
		}
		if err := n.UndeleteBy(t.Context(), acc.ID, accounts.Lookup{Officer: "a.nother", Reason: "came back", What: "account.undelete"}); err != nil {
			t.Error(err)
		}
		got := n.dump(t, `SELECT kind, actor, detail FROM audit WHERE kind LIKE 'account.%deleted' ORDER BY seq`)
		want := []string{
			`kind=account.deleted actor=operator detail={"officer":"o.fficer","until":"2026-03-01T12:00:00Z"} `,
			`kind=account.undeleted actor=operator detail={"officer":"a.nother"} `,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		looks, err := n.Lookups(t.Context(), acc.ID)
		if err != nil || len(looks) != 2 {
			t.Errorf("%v, %v", looks, err)
		}
	})
}
