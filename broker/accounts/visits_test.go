package accounts_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

func record(tb testing.TB, n node, ids []string, visits []accounts.Visit) {
	tb.Helper()
	if err := n.Record(tb.Context(), ids, visits); err != nil {
		tb.Fatal(err)
	}
}

// history is everything that Record writes.
func history(tb testing.TB, n node) map[string][]string {
	tb.Helper()
	return map[string][]string{
		"sign_ins": n.dump(tb, `SELECT * FROM sign_ins ORDER BY id`),
		"services": n.dump(tb, `SELECT * FROM services ORDER BY account_id, app`),
		"claims":   n.dump(tb, `SELECT * FROM claims ORDER BY link_id, name`),
		"links":    n.dump(tb, `SELECT id, last_used_at FROM links ORDER BY id`),
	}
}

func TestRecord(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
		said := mapping.Statement{Claims: mapping.Claims{"name": "Jo Smith", "phone_number": "+44 1632 960001"}, Verified: []string{"phone_number"}}
		record(t, n, []string{"1-0", "2-0", "3-0"}, []accounts.Visit{
			{Account: acc.ID, Link: link.ID, App: "tax", At: at(1), Released: []string{"sub", "email"}, Said: said},
			{Account: acc.ID, Link: link.ID, App: "bins", At: at(2), Released: []string{"sub"}, SSO: true},
			{Account: acc.ID, Link: link.ID, App: "tax", At: at(3), Released: []string{"sub"}, SSO: true},
		})

		micro := func(minutes int) int64 { return at(minutes).UnixMicro() }
		want := []string{
			fmt.Sprintf(`app=bins first_used_at=%d last_used_at=%d released=["sub"] `, micro(2), micro(2)),
			fmt.Sprintf(`app=tax first_used_at=%d last_used_at=%d released=["email","sub"] `, micro(1), micro(3)),
		}
		got := n.dump(t, `SELECT app, first_used_at, last_used_at, released FROM services WHERE account_id = $1 ORDER BY app`, acc.ID)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("services (-want +got):\n%s", diff)
		}

		want = []string{
			fmt.Sprintf("id=1-0 account_id=%s link_id=%s app=tax at=%d sso=0 ", acc.ID, link.ID, micro(1)),
			fmt.Sprintf("id=2-0 account_id=%s link_id=%s app=bins at=%d sso=1 ", acc.ID, link.ID, micro(2)),
			fmt.Sprintf("id=3-0 account_id=%s link_id=%s app=tax at=%d sso=1 ", acc.ID, link.ID, micro(3)),
		}
		if diff := cmp.Diff(want, n.dump(t, `SELECT id, account_id, link_id, app, at, CASE WHEN sso THEN 1 ELSE 0 END AS sso FROM sign_ins ORDER BY id`)); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{fmt.Sprintf("last_used_at=%d ", micro(3))}, n.dump(t, `SELECT last_used_at FROM links`)); diff != "" {
			t.Errorf("link (-want +got):\n%s", diff)
		}

		acc, _, err := n.Reenter(t.Context(), acc.ID, link.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]mapping.Word{
			{Claim: "email", Value: "jo@example.org", Verified: true, Link: link.ID, Source: "google", Said: noon},
			{Claim: "email_verified", Value: true, Link: link.ID, Source: "google", Said: noon},
			{Claim: "name", Value: "Jo Smith", Link: link.ID, Source: "google", Said: at(1)},
			{Claim: "phone_number", Value: "+44 1632 960001", Verified: true, Link: link.ID, Source: "google", Said: at(1)},
		}, acc.Words); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	})
}

// TestRecordAnyText: what providers say arrives as it was said, whatever letters it has.
func TestRecordAnyText(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		for i, name := range []string{`"Jo" \ 'O’Brien' <b>&amp;`, "tab\tline\nend", "Siân 🎉 \u2028", "nothing\x00there", "[]", "null"} {
			said := mapping.Statement{Claims: mapping.Claims{"name": name, "address": map[string]any{"locality": name}}}
			at := noon.Add(time.Duration(i+1) * time.Minute)
			record(t, n, []string{fmt.Sprint(i)}, []accounts.Visit{{Account: acc.ID, Link: link.ID, App: "tax", At: at, Said: said}})
			kept, _, err := n.Reenter(t.Context(), acc.ID, link.ID)
			if err != nil {
				t.Fatal(err)
			}
			got := mapping.Claims{}
			for _, w := range kept.Words {
				got[w.Claim] = w.Value
			}
			want := mapping.Claims{"name": name, "address": map[string]any{"locality": name}}
			if diff := cmp.Diff(want["name"], got["name"]) + cmp.Diff(want["address"], got["address"]); diff != "" {
				t.Errorf("%q (-want +got):\n%s", name, diff)
			}
		}
	})
}

// TestRecordAnyhow hands in the same visits shuffled, repeated and in other
// company: nothing must come out differently.
func TestRecordAnyhow(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		ids, visits := manyVisits(t, n, 200)
		n.exec(t, `DELETE FROM claims`)
		record(t, n, ids, visits)
		want := history(t, n)

		for seed := range uint64(10) {
			random := rand.New(rand.NewPCG(seed, seed))
			for _, q := range []string{`DELETE FROM sign_ins`, `DELETE FROM services`, `DELETE FROM claims`, `UPDATE links SET last_used_at = NULL`} {
				n.exec(t, q)
			}
			for _, part := range parts(random, len(visits)) {
				var someIDs []string
				var some []accounts.Visit
				for _, i := range part {
					someIDs, some = append(someIDs, ids[i]), append(some, visits[i])
				}
				record(t, n, someIDs, some)
			}
			if diff := cmp.Diff(want, history(t, n)); diff != "" {
				t.Fatalf("seed %d: (-in order +anyhow):\n%s", seed, diff)
			}
		}
	})
}

// manyVisits makes visits of three people to three apps, no two at one time.
func manyVisits(tb testing.TB, n node, count int) ([]string, []accounts.Visit) {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var people []accounts.Visit
	for i := range 3 {
		acc, link, _ := enter(tb, n, signIn("https://idp.example", fmt.Sprint(i)))
		people = append(people, accounts.Visit{Account: acc.ID, Link: link.ID})
	}
	var ids []string
	var visits []accounts.Visit
	for i, micros := range random.Perm(count) {
		v := people[random.IntN(len(people))]
		v.App, v.At = fmt.Sprint("app", random.IntN(3)), noon.Add(time.Duration(micros+1)*time.Microsecond)
		v.Released = []string{"sub", fmt.Sprint("claim", random.IntN(5))}
		if v.SSO = random.IntN(2) == 0; !v.SSO {
			v.Said.Claims = mapping.Claims{fmt.Sprint("claim", random.IntN(4)): random.IntN(100)}
		}
		ids, visits = append(ids, fmt.Sprint(i, "-0")), append(visits, v)
	}
	return ids, visits
}

// parts covers the numbers below n, in a random order, in overlapping parts,
// with repeats inside a part as well.
func parts(random *rand.Rand, n int) [][]int {
	all := append(random.Perm(n), random.Perm(n)[:n/2]...)
	var parts [][]int
	for len(all) > 0 {
		size := 1 + random.IntN(len(all))
		parts = append(parts, append(all[:size:size], all[0]))
		all = all[size:]
	}
	return parts
}

// TestRecordTogether has two nodes fold the same visits at once, one from the
// other end.
func TestRecordTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		ids, visits := manyVisits(t, one, 200)
		record(t, one, ids, visits)
		want := history(t, one)
		var g sync.WaitGroup
		for _, n := range []node{one, one.another(t)} {
			g.Go(func() {
				for i := 0; i < len(visits); i += 20 {
					if err := n.Record(t.Context(), ids[i:i+20], visits[i:i+20]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		g.Wait()
		if diff := cmp.Diff(want, history(t, one)); diff != "" {
			t.Errorf("(-alone +together):\n%s", diff)
		}
	})
}

// TestRecordLeavesOut drops what must not come back, and nothing else.
func TestRecordLeavesOut(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		here, hereLink, _ := enter(t, n, signIn("https://idp.example", "here"))
		erased, erasedLink, _ := enter(t, n, signIn("https://idp.example", "erased"))
		n.exec(t, `DELETE FROM claims`)
		n.exec(t, `UPDATE accounts SET status = 'erased' WHERE id = $1`, erased.ID)
		said := mapping.Statement{Claims: mapping.Claims{"name": "Jo"}}
		visit := accounts.Visit{App: "tax", At: noon.Add(time.Hour), Said: said}
		visits := []accounts.Visit{visit, visit, visit, visit, visit}
		visits[0].Account, visits[0].Link = "nobody", "nothing"
		visits[1].Account, visits[1].Link = erased.ID, erasedLink.ID
		visits[2].Account, visits[2].Link = here.ID, erasedLink.ID // another's link says nothing about me
		visits[3].Account, visits[3].Link = here.ID, "unlinked since"
		visits[4].Account, visits[4].Link = here.ID, hereLink.ID
		ids := []string{"1", "2", "3", "4", "5"}

		record(t, n, ids[:4], visits[:4])
		if got := n.count(t, "claims"); got != 0 {
			t.Errorf("%d claims, want none", got)
		}
		record(t, n, ids, visits)
		want := []string{
			"id=3 account_id=" + here.ID + " ", "id=4 account_id=" + here.ID + " ", "id=5 account_id=" + here.ID + " ",
		}
		if diff := cmp.Diff(want, n.dump(t, `SELECT id, account_id FROM sign_ins ORDER BY id`)); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		want = []string{"account_id=" + here.ID + " link_id=" + hereLink.ID + " "}
		if diff := cmp.Diff(want, n.dump(t, `SELECT account_id, link_id FROM claims`)); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		want = []string{fmt.Sprintf("last_used_at=%d ", noon.UnixMicro())}
		if diff := cmp.Diff(want, n.dump(t, `SELECT last_used_at FROM links WHERE id = $1`, erasedLink.ID)); diff != "" {
			t.Errorf("the erased account's link (-want +got):\n%s", diff)
		}
	})
}

// TestRecordOwnPages records a sign-in to the broker's own pages, which are no
// service in use.
func TestRecordOwnPages(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		at := noon.Add(time.Hour)
		record(t, n, []string{"1-0"}, []accounts.Visit{{Account: acc.ID, Link: link.ID, At: at}})
		if got := n.count(t, "services"); got != 0 {
			t.Errorf("%d services, want none", got)
		}
		want := []string{fmt.Sprintf("app= at=%d ", at.UnixMicro())}
		if diff := cmp.Diff(want, n.dump(t, `SELECT app, at FROM sign_ins`)); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{fmt.Sprintf("last_used_at=%d ", at.UnixMicro())}, n.dump(t, `SELECT last_used_at FROM links`)); diff != "" {
			t.Errorf("link (-want +got):\n%s", diff)
		}
	})
}

// TestRecordAnothersLink has a link in two people's visits: it speaks for the one
// whose it is.
func TestRecordAnothersLink(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		here, _, _ := enter(t, n, signIn("https://idp.example", "here"))
		other, link, _ := enter(t, n, signIn("https://idp.example", "other"))
		n.exec(t, `DELETE FROM claims`)
		visit := accounts.Visit{Link: link.ID, App: "tax", At: noon.Add(time.Hour), Said: mapping.Statement{Claims: mapping.Claims{"name": "Jo"}}}
		mine, theirs := visit, visit
		mine.Account, theirs.Account = here.ID, other.ID
		mine.At = mine.At.Add(time.Hour)
		record(t, n, []string{"1", "2"}, []accounts.Visit{mine, theirs})
		want := []string{"account_id=" + other.ID + " "}
		if diff := cmp.Diff(want, n.dump(t, `SELECT account_id FROM claims`)); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		want = []string{fmt.Sprintf("last_used_at=%d ", theirs.At.UnixMicro())}
		if diff := cmp.Diff(want, n.dump(t, `SELECT last_used_at FROM links WHERE id = $1`, link.ID)); diff != "" {
			t.Errorf("link (-want +got):\n%s", diff)
		}
	})
}

// TestRecordAfterUnlinking: what a provider said does not come back with a visit
// that is folded in later.
func TestRecordAfterUnlinking(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
		if _, err := n.Unlink(t.Context(), link.Issuer, link.Subject, "account-delete"); err != nil {
			t.Fatal(err)
		}
		record(t, n, []string{"1"}, []accounts.Visit{{
			Account: acc.ID, Link: link.ID, App: "tax", At: noon.Add(time.Hour), Said: mapping.Statement{Claims: mapping.Claims{"name": "Jo"}},
		}})
		if got := n.count(t, "claims"); got != 0 {
			t.Errorf("%d claims of a dead link", got)
		}
		if got := n.count(t, "sign_ins"); got != 1 {
			t.Errorf("%d sign-ins, want 1: the account lives", got)
		}
	})
}

func TestRecordNothing(t *testing.T) {
	n := connect(t, sqlite(t))
	record(t, n, nil, nil)
	record(t, n, []string{"1"}, []accounts.Visit{{Account: "nobody", At: noon}})
	if got := n.count(t, "sign_ins"); got != 0 {
		t.Errorf("%d sign-ins", got)
	}
}

// TestRecordIsCheap folds a thousand visits in two transactions of a few
// statements.
func TestRecordIsCheap(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		ids, visits := manyVisits(t, n, 1000)
		n.statements.Store(0)
		record(t, n, ids, visits)
		if got := n.statements.Load(); got > 22 { // begin, live, 5 of sign-ins, 3 of the rest, commit
			t.Errorf("%d statements, want 22 at most", got)
		}
		if got := n.count(t, "sign_ins"); got != len(visits) {
			t.Errorf("%d sign-ins, want %d", got, len(visits))
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	n := connect(b, postgres(b))
	ids, visits := manyVisits(b, n, 100)
	for b.Loop() {
		record(b, n, ids, visits)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(visits)), "µs/visit")
}
