package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// What happened is told in order, page by page, and nothing twice or never.
func TestHistory(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		other, _, _ := enter(t, n, signIn("https://idp.example", "other"))
		var ids []string
		var visits []accounts.Visit
		for i := range 25 {
			ids = append(ids, string(rune('a'+i)))
			visits = append(visits, accounts.Visit{Account: acc.ID, Link: link.ID, App: "tax", At: noon.Add(time.Duration(i/3) * time.Minute), SSO: i%2 == 0})
		}
		if err := n.Record(t.Context(), ids, visits); err != nil {
			t.Fatal(err)
		}
		if err := n.Look(t.Context(), acc.ID, accounts.Lookup{Officer: "sam", Reason: "a call", What: "account.show"}); err != nil {
			t.Fatal(err)
		}
		var all []accounts.Happening
		for before := noon.Add(time.Hour); ; {
			page, err := n.History(t.Context(), acc.ID, before, 8)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			all = append(all, page...)
			before = page[len(page)-1].At
		}
		kinds := map[string]int{}
		for i, h := range all {
			kinds[h.Kind]++
			if i > 0 && h.At.After(all[i-1].At) {
				t.Errorf("%s comes too late", h.Kind)
			}
		}
		if kinds[accounts.SignedIn] != 25 || kinds[accounts.LookedAt] != 1 || kinds["account.created"] != 1 || kinds["link.created"] != 1 {
			t.Errorf("happened: %v", kinds)
		}
		if page, err := n.History(t.Context(), other.ID, noon.Add(time.Hour), 50); err != nil || len(page) != 2 {
			t.Errorf("of another: %v, %v", page, err)
		}
	})
}

// TestHistoryOfAMergedAccount: whoever an account has absorbed, its resident sees who
// looked at either, and what was done to either, once; until they are taken apart.
func TestHistoryOfAMergedAccount(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, _ := known(t, n, "google", "P0.Cm")
		absorbed, theirs := known(t, n, "proof", "P0.Cm")
		if err := n.Name(t.Context(), absorbed.ID, theirs.ID, "work"); err != nil {
			t.Fatal(err)
		}
		look := accounts.Lookup{Officer: "m.jones", Reason: "case 17", What: "account.show"}
		if err := n.Look(t.Context(), absorbed.ID, look); err != nil {
			t.Fatal(err)
		}
		id := merge(t, n, kept, absorbed)
		if err := n.LookAtMerge(t.Context(), id, accounts.Lookup{Officer: "a.khan", Reason: "case 18", What: "undo.propose"}); err != nil {
			t.Fatal(err)
		}
		history := func(account string) map[string]int {
			all, err := n.History(t.Context(), account, noon.Add(day), 100)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, h := range all {
				seen[strings.TrimSpace(h.Kind+" "+h.Reason)]++
			}
			return seen
		}
		want := map[string]int{
			"looked-at case 17": 1, "looked-at case 18": 1, "link.named": 1, "accounts.merged": 1, "account.created": 2, "link.created": 2,
		}
		if diff := cmp.Diff(want, history(kept.ID)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if looks, err := n.Lookups(t.Context(), kept.ID); err != nil || len(looks) != 2 {
			t.Errorf("looks: %+v, %v", looks, err)
		}
		undo(t, n, kept, id)
		want = map[string]int{"looked-at case 18": 1, "accounts.merged": 1, "accounts.split": 1, "account.created": 1, "link.created": 1}
		if diff := cmp.Diff(want, history(kept.ID)); diff != "" {
			t.Errorf("taken apart (-want +got):\n%s", diff)
		}
	})
}
