package accounts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

func wish(tb testing.TB, app, level string, asked, until time.Duration) accounts.Wish {
	tb.Helper()
	return accounts.Wish{App: app, Connector: "proof", Level: vector(tb, level), Asked: noon.Add(asked), Until: noon.Add(until)}
}

func await(tb testing.TB, n node, account string, w accounts.Wish) {
	tb.Helper()
	if err := n.Await(tb.Context(), account, w); err != nil {
		tb.Fatal(err)
	}
}

func awaited(tb testing.TB, n node, account string) []accounts.Wish {
	tb.Helper()
	wishes, err := n.Awaited(tb.Context(), account)
	if err != nil {
		tb.Fatal(err)
	}
	return wishes
}

func TestWishes(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		other, _, _ := enter(t, n, signIn("https://idp.example", "somebody else"))
		tax, bins, library := wish(t, "tax", "P2.Cm", 0, 16*day), wish(t, "bins", "R1.Cm", -day, 2*day), wish(t, "library", "P1.Cm", -2*day, 0)
		for _, w := range []accounts.Wish{wish(t, "tax", "P1.Cm", -3*day, 20*day), tax, bins, library} {
			await(t, n, acc.ID, w)
		}
		await(t, n, other.ID, tax)

		// library's is over; tax's second replaced the first.
		got := awaited(t, n, acc.ID)
		if len(got) != 2 {
			t.Fatalf("%d wishes, want 2: %+v", len(got), got)
		}
		bins.ID, tax.ID = got[0].ID, got[1].ID
		if diff := cmp.Diff([]accounts.Wish{bins, tax}, got); diff != "" || bins.ID == "" || tax.ID == "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		before := everything(t, n)
		await(t, n, acc.ID, tax) // handed in twice
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("(-once +twice):\n%s", diff)
		}
		if got := awaited(t, n.at(noon.Add(2*day)), acc.ID); len(got) != 1 || got[0].App != "tax" {
			t.Errorf("two days later: %+v", got)
		}

		for range 2 { // a second time nothing is left to grant
			if err := n.Grant(t.Context(), acc.ID, tax.ID, "nothing"); err != nil {
				t.Fatal(err)
			}
		}
		if got := awaited(t, n, acc.ID); len(got) != 1 || got[0].App != "bins" {
			t.Errorf("after the grant: %+v", got)
		}
		if got := awaited(t, n, other.ID); len(got) != 1 {
			t.Errorf("somebody else's: %+v", got)
		}
		want := "account.created link.created account.created link.created wish.kept wish.kept wish.kept wish.kept wish.kept wish.granted"
		if got := kinds(t, n); got != want {
			t.Errorf("audit says %s, want %s", got, want)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestGrantTells leaves each app one message, which says nothing of the person.
func TestGrantTells(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		await(t, n, acc.ID, wish(t, "tax", "P2.Cm", 0, 16*day))
		id := awaited(t, n, acc.ID)[0].ID
		if err := n.Grant(t.Context(), acc.ID, id); err != nil {
			t.Fatal(err)
		}
		var kind, app, text string
		var created, due int64
		err := n.db.QueryRow(t.Context(), `SELECT kind, app, payload, created_at, due_at FROM outbox WHERE delivered_at IS NULL`).
			Scan(&kind, &app, &text, &created, &due)
		if err != nil || kind != "assurance-level-change" || app != "tax" || created != noon.UnixMicro() || due != created {
			t.Errorf("%s to %s, made %d, due %d, %v", kind, app, created, due, err)
		}
		var payload map[string]string
		if err := json.Unmarshal([]byte(text), &payload); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"account": acc.ID, "app": "tax", "level": "P2.Cm.F0.R0", "at": noon.UTC().Format(time.RFC3339)}
		if diff := cmp.Diff(want, payload); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestGrantRefuses: nobody grants another's wish, nor one that is over.
func TestGrantRefuses(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
	other, _, _ := enter(t, n, signIn("https://idp.example", "somebody else"))
	await(t, n, acc.ID, wish(t, "tax", "P2.Cm", 0, day))
	id := awaited(t, n, acc.ID)[0].ID
	for _, c := range []struct {
		n       node
		account string
		ids     []string
	}{{n, other.ID, []string{id}}, {n.at(noon.Add(day)), acc.ID, []string{id}}, {n, acc.ID, nil}} {
		if err := c.n.Grant(t.Context(), c.account, c.ids...); err != nil {
			t.Error(err)
		}
	}
	if got := n.count(t, "outbox"); got != 0 {
		t.Errorf("%d messages", got)
	}
	for status, want := range map[string]error{"frozen": accounts.ErrFrozen, "erased": accounts.ErrNotFound} {
		n.exec(t, `UPDATE accounts SET status = $1 WHERE id = $2`, status, acc.ID)
		if err := n.Await(t.Context(), acc.ID, wish(t, "bins", "P1.Cm", 0, day)); !errors.Is(err, want) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// TestGrantTogether: of two nodes that see a wish come true one tells the app.
func TestGrantTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		acc, _, _ := enter(t, one, signIn("https://idp.example", "someone"))
		var ids []string
		for app := range strings.FieldsSeq("tax bins library planning") {
			await(t, one, acc.ID, wish(t, app, "P1.Cm", 0, day))
		}
		for _, w := range awaited(t, one, acc.ID) {
			ids = append(ids, w.ID)
		}
		var g sync.WaitGroup
		for i := range 10 {
			g.Go(func() {
				if err := nodes[i%2].Grant(t.Context(), acc.ID, ids[i%4], ids[(i+1)%4], ids[(i+2)%4]); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		want := []string{"app=bins ", "app=library ", "app=planning ", "app=tax "}
		if diff := cmp.Diff(want, one.dump(t, `SELECT app FROM outbox ORDER BY app`)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if got := len(awaited(t, one, acc.ID)); got != 0 {
			t.Errorf("%d wishes are left", got)
		}
	})
}
