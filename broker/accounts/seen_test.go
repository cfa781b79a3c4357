package accounts_test

import (
	"testing"
	"time"

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
