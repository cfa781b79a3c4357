package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// Each kind of record is kept for as long as it is said, and no longer.
func TestRetention(t *testing.T) {
	for _, c := range []struct {
		table string
		row   string
		after time.Duration // it is deleted
	}{
		{"sign_ins", `INSERT INTO sign_ins (id, account_id, link_id, app, at, sso) VALUES ('x', $1, 'l', 'tax', $2, $3)`, retention.SignIns},
		{"lookups", `INSERT INTO lookups (id, account_id, officer, reason, what, at) VALUES ('x', $1, 'o', 'r', 'w', $2)`, retention.Lookups},
		{"wishes", `INSERT INTO wishes (id, account_id, app, connector, level, asked_at, valid_until) VALUES ('x', $1, 'tax', 'c', 'l', 1, $2)`, 0},
		{"outbox", `INSERT INTO outbox (id, kind, app, payload, created_at, due_at, delivered_at) VALUES ('x', 'subject-merged', 'tax', $1, 1, 1, $2)`, retention.Delivered},
		{"outbox", `INSERT INTO outbox (id, kind, app, payload, created_at, due_at, delivered_at) VALUES ('x', 'account-purged', 'tax', $1, 1, 1, $2)`, 0},
		{"outbox", `INSERT INTO outbox (id, kind, app, payload, created_at, due_at) VALUES ('x', 'notice', '', $1, $2, 1)`, retention.Delivered},
	} {
		onEach(t, func(t *testing.T, n node) {
			acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
			args := []any{acc.ID, noon.UnixMicro()}
			if strings.Contains(c.row, "$3") {
				args = append(args, true)
			}
			n.exec(t, c.row, args...)
			n.at(noon.Add(c.after - time.Second)).sweeps(t)
			if got := n.count(t, c.table); got != 1 {
				t.Errorf("%s: too early", c.row)
			}
			n.at(noon.Add(c.after + time.Second)).sweeps(t)
			if got := n.count(t, c.table); got != 0 {
				t.Errorf("%s: too late", c.row)
			}
		})
	}
}

// What nobody has delivered yet is never too old.
func TestUndeliveredStays(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n.exec(t, `INSERT INTO outbox (id, kind, app, payload, created_at, due_at) VALUES ('x', 'account-purged', 'tax', '{}', 1, 1)`)
		n.at(noon.Add(10000 * day)).sweeps(t)
		if got := n.count(t, "outbox"); got != 1 {
			t.Errorf("%d", got)
		}
	})
}

// A great many go as well, some at a time.
func TestRetentionOfMany(t *testing.T) {
	n := connect(t, sqlite(t))
	n.exec(t, `WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1501)
		INSERT INTO sign_ins (id, account_id, link_id, app, at, sso) SELECT n, 'a', 'l', 'tax', 0, false FROM i`)
	n.sweeps(t)
	if got := n.count(t, "sign_ins"); got != 0 {
		t.Errorf("%d are left", got)
	}
}

// reminders are what was said to whom, by day.
func (n node) reminders(tb testing.TB) []string {
	tb.Helper()
	return n.dump(tb, `SELECT kind, detail FROM audit WHERE kind IN ('account.inactive', 'account.kept', 'account.erased') ORDER BY seq`)
}

func inactive(until time.Time) string {
	return fmt.Sprintf(`kind=account.inactive detail={"until":%q} `, until.UTC().Format(time.RFC3339))
}

// Who does not sign in is reminded twice, and then their account is erased.
func TestInactive(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		over := noon.Add(retention.Inactive)
		for _, when := range []time.Duration{-31 * day, -30*day + time.Hour, -30*day + 2*time.Hour, -8 * day, -7*day + time.Hour, -day} {
			n.at(over.Add(when)).sweeps(t)
		}
		first, second := over.Add(time.Hour), over.Add(time.Hour)
		if diff := cmp.Diff([]string{inactive(first), inactive(second)}, n.reminders(t)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		want := []string{fmt.Sprintf(`app= payload={"account":%q,"at":%q,"until":%q,"what":"account-inactive"} `,
			acc.ID, over.Add(-7*day+time.Hour).UTC().Format(time.RFC3339), second.UTC().Format(time.RFC3339))}
		if diff := cmp.Diff(want, n.dump(t, `SELECT app, payload FROM outbox ORDER BY created_at DESC LIMIT 1`)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		n.at(over.Add(2 * time.Hour)).sweeps(t)
		if got := n.dump(t, `SELECT status FROM accounts`); !cmp.Equal(got, []string{"status=erased "}) {
			t.Error(got)
		}
	})
}

// However late the janitor comes, nobody loses an account without both reminders.
func TestInactiveJanitorIsLate(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		enter(t, n, signIn("https://idp.example", "someone"))
		one := noon.Add(5 * retention.Inactive)
		n.at(one).sweeps(t)
		two := one.Add(40 * day)
		n.at(two).sweeps(t)
		n.at(two.Add(7*day - time.Second)).sweeps(t)
		want := []string{inactive(one.Add(30 * day)), inactive(two.Add(7 * day))}
		if diff := cmp.Diff(want, n.reminders(t)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		n.at(two.Add(7 * day)).sweeps(t)
		if got := n.reminders(t); len(got) != 3 {
			t.Error(got)
		}
	})
}

// Whoever signs in keeps the account, and so does whoever acts for its owner.
func TestInactiveNoMore(t *testing.T) {
	over := noon.Add(retention.Inactive)
	reminded := over.Add(-29 * day)
	for how, uses := range map[string]func(t *testing.T, n node, in accounts.SignIn, acc, link string){
		"signed in": func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			if entered, _, _ := enter(t, n, in); !entered.Leaves.IsZero() {
				t.Error("they are told that they leave")
			}
			if got := n.dump(t, `SELECT leaves_why FROM accounts`); !cmp.Equal(got, []string{"leaves_why= "}) {
				t.Errorf("it is not kept at once: %v", got)
			}
			record(t, n, []string{"1-1"}, []accounts.Visit{{Account: acc, Link: link, App: "tax", At: reminded}})
		},
		"went on": func(t *testing.T, n node, _ accounts.SignIn, acc, link string) {
			record(t, n, []string{"1-1"}, []accounts.Visit{{Account: acc, Link: link, App: "tax", At: reminded, SSO: true}})
		},
		"somebody acted": func(t *testing.T, n node, _ accounts.SignIn, acc, _ string) {
			record(t, n, []string{"1-1"}, []accounts.Visit{{Account: acc, App: "tax", At: reminded}})
		},
	} {
		t.Run(how, func(t *testing.T) {
			onEach(t, func(t *testing.T, n node) {
				in := signIn("https://idp.example", "someone")
				acc, link, _ := enter(t, n, in)
				n.at(reminded).sweeps(t)
				uses(t, n.at(reminded.Add(time.Hour)), in, acc.ID, link.ID)
				for _, when := range []time.Duration{-28 * day, -6 * day, 2 * day} {
					n.at(over.Add(when)).sweeps(t)
				}
				got := n.dump(t, `SELECT status, leaves_why, reminded_at FROM accounts`)
				if diff := cmp.Diff([]string{"status=active leaves_why= reminded_at=<nil> "}, got); diff != "" {
					t.Error(diff)
				}
				if log := n.reminders(t); !strings.Contains(strings.Join(log, ""), "account.kept") {
					t.Error(log)
				}
			})
		})
	}
}

// TestSweepOnTwoNodes: what all nodes are called upon to do one does.
func TestSweepOnTwoNodes(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		jo := lives(t, one, "bloggs")
		enter(t, one, signIn("https://idp.example", "someone"))
		enter(t, one, accounts.SignIn{Connector: "works", Issuer: "https://idp.example", Subject: "else", At: noon})
		one.leaves(t, jo)
		later := noon.Add(retention.Inactive - 20*day)
		nodes := []node{one.at(later), one.another(t).at(later)}
		nodes[0].Sector, nodes[1].Sector = sector, sector
		var all sync.WaitGroup
		var left []string
		var mu sync.Mutex
		for i := range 8 {
			n := nodes[i%2]
			all.Go(func() {
				err := n.Sweep(t.Context(), retention, func(_ context.Context, account string) error {
					mu.Lock()
					defer mu.Unlock()
					left = append(left, account)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if diff := cmp.Diff([]string{jo.account.ID}, left); diff != "" {
			t.Error(diff)
		}
		until := later.Add(30 * day)
		if diff := cmp.Diff([]string{inactive(until), inactive(until), "kind=account.erased detail=null "}, one.reminders(t)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for kind, want := range map[string]int{"account-purged": 1, "notice": 2} {
			if got := len(one.dump(t, `SELECT id FROM outbox WHERE kind = $1`, kind)); got != want {
				t.Errorf("%d of %s, want %d", got, kind, want)
			}
		}
	})
}

// Even where two nodes do it at once, which a slow one and the next hour bring about,
// nothing is done twice.
func TestSweepTwiceAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		jo := lives(t, one, "bloggs")
		for i := range 20 {
			in := signIn("https://idp.example", fmt.Sprint(i))
			in.Alone = true
			enter(t, one, in)
		}
		one.leaves(t, jo)
		later := noon.Add(retention.Inactive - 20*day)
		nodes := []node{one.at(later), one.another(t).at(later)}
		nodes[0].Sector, nodes[1].Sector = sector, sector
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() { nodes[i%2].sweeps(t) })
		}
		all.Wait()
		for kind, want := range map[string]int{"account-purged": 1, "notice": 20} {
			if got := len(one.dump(t, `SELECT id FROM outbox WHERE kind = $1`, kind)); got != want {
				t.Errorf("%d of %s, want %d", got, kind, want)
			}
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One account that cannot be erased does not keep the others.
func TestSweepGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		jo, al := lives(t, n, "bloggs"), lives(t, n, "smithson")
		n.leaves(t, jo)
		n = n.leaves(t, al)
		stuck := errors.New("stuck")
		err := n.Sweep(t.Context(), retention, func(_ context.Context, account string) error {
			if account == min(jo.account.ID, al.account.ID) {
				return stuck
			}
			return nil
		})
		if !errors.Is(err, stuck) {
			t.Error(err)
		}
		if got := n.count(t, "links"); got != 1 {
			t.Errorf("%d links", got)
		}
	})
}
