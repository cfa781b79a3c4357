package accounts_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
)

func agreed(tb testing.TB, n node, account, app string, names ...string) (string, bool) {
	tb.Helper()
	c, ok, err := n.Agreed(tb.Context(), account, app, names)
	if err != nil {
		tb.Fatal(err)
	}
	return c.ID, ok
}

func agree(tb testing.TB, n node, account, app string, names ...string) accounts.Consent {
	tb.Helper()
	c, err := n.Agree(tb.Context(), account, "", app, names)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func withdraw(tb testing.TB, n node, account, app string) []string {
	tb.Helper()
	ended, err := n.Withdraw(tb.Context(), account, app)
	if err != nil {
		tb.Fatal(err)
	}
	return ended
}

// Consent is to an app, to claims by name, and of one account: to nothing else.
func TestConsentCoversWhatWasAgreed(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		other, _, _ := enter(t, n, signIn("https://idp.example", "somebody else"))
		if _, ok := agreed(t, n, acc.ID, "gym"); ok {
			t.Error("nobody agreed to be known to the app at all")
		}
		c := agree(t, n, acc.ID, "gym", "name", "email")
		for _, test := range []struct {
			account, app string
			names        string
			want         bool
		}{
			{acc.ID, "gym", "name email", true},
			{acc.ID, "gym", "name", true},
			{acc.ID, "gym", "", true},
			{acc.ID, "gym", "name email birthdate", false},
			{acc.ID, "pool", "name", false},
			{other.ID, "gym", "name", false},
		} {
			id, ok := agreed(t, n, test.account, test.app, strings.Fields(test.names)...)
			if ok != test.want || ok && id != c.ID {
				t.Errorf("%s is told %q: %v by %q", test.app, test.names, ok, id)
			}
		}
		// Two consents that each leave something out are none to both.
		agree(t, n, acc.ID, "gym", "birthdate")
		if _, ok := agreed(t, n, acc.ID, "gym", "name", "birthdate"); ok {
			t.Error("two consents count as one")
		}
	})
}

func TestWithdraw(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		first, second := agree(t, n, acc.ID, "gym", "name"), agree(t, n, acc.ID, "gym", "name", "email")
		pool := agree(t, n, acc.ID, "pool", "name")
		visit := accounts.Visit{Account: acc.ID, Link: link.ID, App: "gym", At: noon, Released: []string{"name"}}
		if err := n.Record(t.Context(), []string{"1-0"}, []accounts.Visit{visit}); err != nil {
			t.Fatal(err)
		}
		ended := withdraw(t, n.at(noon.Add(time.Hour)), acc.ID, "gym")
		if len(ended) != 2 || !strings.Contains(first.ID+second.ID, ended[0]) || !strings.Contains(first.ID+second.ID, ended[1]) {
			t.Errorf("withdrew %v", ended)
		}
		if _, ok := agreed(t, n, acc.ID, "gym", "name"); ok {
			t.Error("the consent still counts")
		}
		if id, ok := agreed(t, n, acc.ID, "pool", "name"); !ok || id != pool.ID {
			t.Error("another app's consent went with it")
		}
		told := n.dump(t, `SELECT app, payload FROM outbox WHERE kind = 'sharing-stopped'`)
		if len(told) != 1 || !strings.Contains(told[0], "app=gym") || !strings.Contains(told[0], acc.ID) || strings.Contains(told[0], "name") {
			t.Errorf("told %v", told)
		}

		before := everything(t, n)
		if again := withdraw(t, n.at(noon.Add(2*time.Hour)), acc.ID, "gym"); len(again) != 0 {
			t.Errorf("withdrew %v again", again)
		}
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("a second time (-once +twice):\n%s", diff)
		}
		// Whoever signs in again shares again, and can stop again.
		visit.At = noon.Add(3 * time.Hour)
		if err := n.Record(t.Context(), []string{"2-0"}, []accounts.Visit{visit}); err != nil {
			t.Fatal(err)
		}
		withdraw(t, n.at(noon.Add(4*time.Hour)), acc.ID, "gym")
		if n.count(t, "outbox") != 2 {
			t.Error("the app is not told of the second time")
		}
		all, err := n.Consents(t.Context(), acc.ID)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d consents, %v", len(all), err)
		}
		for _, c := range all {
			if c.Ended.IsZero() != (c.App == "pool") {
				t.Errorf("%s ended at %s", c.App, c.Ended)
			}
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What the principal stops nobody begins again for them: it is delegated no more.
func TestWithdrawEndsWhatIsDelegated(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, both := mumAndAnn(t, n)
		one := accept(t, n, ann.ID, invite(t, n, mum.ID, 30*day, "tax"))
		open := invite(t, n, mum.ID, 30*day, "tax")
		elsewhere := accept(t, n, mum.ID, invite(t, n, ann.ID, 30*day, "tax"))
		withdraw(t, n, mum.ID, "tax")
		if got := principals(t, n, ann.ID, "tax"); got != nil {
			t.Errorf("the delegate acts for %v", got)
		}
		if got := principals(t, n, ann.ID, "library"); len(got) != 1 {
			t.Errorf("at another app she acts for %v", got)
		}
		if _, err := n.Accept(t.Context(), ann.ID, "", open); !errors.Is(err, accounts.ErrInvitation) {
			t.Errorf("the invitation is open: %v", err)
		}
		if got := principals(t, n, mum.ID, "tax"); len(got) != 1 {
			t.Errorf("the principal acts for %v", got)
		}
		for id, want := range map[string]bool{both.ID: true, one.ID: false, elsewhere.ID: true} {
			given, received, err := n.Delegations(t.Context(), ann.ID)
			i := slices.IndexFunc(append(given, received...), func(d accounts.Delegation) bool { return d.ID == id })
			if d := append(given, received...)[i]; err != nil || d.Holds(noon) != want {
				t.Errorf("%+v, %v", d, err)
			}
		}
		if told := n.dump(t, `SELECT app FROM outbox WHERE kind = 'delegation-revoked' AND app <> ''`); len(told) != 2 {
			t.Errorf("told %v", told)
		}
		before := everything(t, n)
		withdraw(t, n, mum.ID, "tax")
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("a second time (-once +twice):\n%s", diff)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Whoever begins something under a consent while it is withdrawn finds it withdrawn,
// or is found by what follows.
func TestConsentIsHeldOrWithdrawn(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		other := n.another(t)
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		for range 20 {
			c := agree(t, n, acc.ID, "gym", "name")
			var wg sync.WaitGroup
			var began, found bool
			wg.Go(func() {
				err := n.db.InTx(t.Context(), func(tx *db.Tx) error {
					if err := n.Hold(t.Context(), tx, "gym", link.ID, accounts.Basis{Consent: c.ID}); err != nil {
						return err
					}
					_, err := tx.Exec(t.Context(), `INSERT INTO wishes (id, account_id, app, connector, level, asked_at)
						VALUES ($1, $2, $1, '', '', 0)`, c.ID, acc.ID)
					return err
				})
				if began = err == nil; err != nil && !errors.Is(err, accounts.ErrWithdrawn) {
					t.Error(err)
				}
			})
			wg.Go(func() {
				withdraw(t, other, acc.ID, "gym")
				found = len(other.dump(t, `SELECT 1 FROM wishes WHERE id = $1`, c.ID)) > 0
			})
			wg.Wait()
			if began && !found {
				t.Fatal("began under a consent that was withdrawn, and was not found")
			}
		}
	})
}

// TestMergeIsAsCareful: what one of two accounts had withdrawn is not shared by way of
// the other. Undoing it is exact, unless it was withdrawn since.
func TestMergeIsAsCareful(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for name, c := range map[string]struct {
			kept, absorbed string // what each did, in order: agree and withdraw
			want           bool
		}{
			"both agree":                   {"a", "a", true},
			"one agrees":                   {"", "a", true},
			"the absorbed one withdrew":    {"a", "aw", false},
			"the kept one withdrew":        {"aw", "a", false},
			"the kept one withdrew before": {"awa", "a", true},
			"both withdrew":                {"aw", "aw", false},
			"one did, and never agreed":    {"aw", "", false},
		} {
			n := merging(n)
			both := func(name string) (kept, absorbed accounts.Account, mine accounts.Link) {
				kept, mine = known(t, n, "google"+name, "P0.Cm", "gym")
				absorbed, _ = known(t, n, "proof"+name, "P0.Cm")
				for account, did := range map[string]string{kept.ID: c.kept, absorbed.ID: c.absorbed} {
					for _, step := range did {
						if step == 'a' {
							agree(t, n, account, "gym", "email")
							continue
						}
						withdraw(t, n, account, "gym")
					}
				}
				return kept, absorbed, mine
			}
			kept, absorbed, _ := both(name)
			before := whole(t, n)
			id := merge(t, n, kept, absorbed)
			if _, ok := agreed(t, n, kept.ID, "gym", "email"); ok != c.want {
				t.Errorf("%s: agreed %t after the merge", name, ok)
			}
			undo(t, n, kept, id)
			if diff := cmp.Diff(before, whole(t, n)); diff != "" {
				t.Errorf("%s (-before +after):\n%s", name, diff)
			}

			for when, asked := range map[string]bool{"asked again": true, "not asked": false} {
				if !asked && c.kept == "aw" {
					continue // they see nothing that they could stop
				}
				kept, absorbed, mine := both(name + when)
				id := merge(t, n, kept, absorbed)
				later := merging(n.at(noon.Add(day)))
				if asked {
					if _, err := later.Agree(t.Context(), kept.ID, mine.ID, "gym", []string{"email"}); err != nil {
						t.Fatal(err)
					}
				}
				withdraw(t, later, kept.ID, "gym")
				undo(t, later, kept, id)
				for _, account := range []string{kept.ID, absorbed.ID} {
					if _, ok := agreed(t, n, account, "gym", "email"); ok {
						t.Errorf("%s, %s: what was withdrawn comes back", name, when)
					}
				}
			}
		}
	})
}
