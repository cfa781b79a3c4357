package accounts_test

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)

func signIn(issuer, subject string) accounts.SignIn {
	return accounts.SignIn{
		Connector: "google", Issuer: issuer, Subject: subject, At: noon, Alone: true,
		Said: mapping.Statement{
			Claims:   mapping.Claims{"name": "Jo Bloggs", "email": "jo@example.org", "email_verified": true},
			Verified: []string{"email"},
		},
	}
}

func enter(tb testing.TB, n node, in accounts.SignIn) (accounts.Account, accounts.Link, bool) {
	tb.Helper()
	acc, link, first, err := n.Enter(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return acc, link, first
}

func TestEnter(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := signIn("https://accounts.google.com", "10769150350006150715113082367")
		acc, link, first := enter(t, n, in)
		if !first {
			t.Error("the first sign-in is not the first")
		}
		want := accounts.Link{ID: link.ID, Account: acc.ID, Connector: in.Connector, Issuer: in.Issuer, Subject: in.Subject, Created: noon}
		if diff := cmp.Diff(want, link); diff != "" {
			t.Errorf("link (-want +got):\n%s", diff)
		}

		in.Said.Claims["email"] = "another@example.org"
		again, sameLink, first := enter(t, n, in)
		if first {
			t.Error("the second sign-in is the first")
		}
		if diff := cmp.Diff(acc, again); diff != "" {
			t.Errorf("account (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(link, sameLink); diff != "" {
			t.Errorf("link (-first +second):\n%s", diff)
		}

		reentered, sameLink, err := n.Reenter(t.Context(), acc.ID, link.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(acc, reentered, butWords); diff != "" {
			t.Errorf("account (-entered +reentered):\n%s", diff)
		}
		if diff := cmp.Diff(link, sameLink); diff != "" {
			t.Errorf("link (-entered +reentered):\n%s", diff)
		}
	})
}

// A returning resident costs one SQL read.
func TestEnterReadsOnce(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := signIn("https://idp.example", "someone")
		acc, _, _ := enter(t, n, in)
		n.exec(t, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, 'a.example', 'one', $2)`, acc.ID, true)
		n.exec(t, `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, 'b.example', 'two', $2)`, acc.ID, true)
		before := everything(t, n)
		n.statements.Store(0)
		enter(t, n, in)
		if got := n.statements.Load(); got != 1 {
			t.Errorf("%d statements, want 1", got)
		}
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("a returning resident's sign-in changed (-before +after):\n%s", diff)
		}
	})
}

// butWords leaves out what is read only of somebody who does not say it anew.
var butWords = cmpopts.IgnoreFields(accounts.Account{}, "Words")

func everything(tb testing.TB, n node) map[string][]string {
	tb.Helper()
	tables := map[string][]string{}
	for _, table := range []string{"accounts", "links", "claims", "subjects", "evidence", "wishes", "outbox", "services", "sign_ins", "audit", "audit_head"} {
		tables[table] = n.dump(tb, `SELECT * FROM `+table+` ORDER BY 1, 2, 3`)
	}
	return tables
}

func TestEnterUsesTheIndex(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		plan := strings.Join(connect(t, sqlite(t)).dump(t, `EXPLAIN QUERY PLAN `+accounts.EnterQuery, ",", "i", "s"), "\n")
		if strings.Contains(plan, "SCAN") || !strings.Contains(plan, "(issuer=? AND subject=?)") {
			t.Error(plan)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		n := connect(t, postgres(t))
		n.exec(t, `INSERT INTO accounts (id, subject_key, status, created_at) SELECT 'a' || i, '', 'active', 0 FROM generate_series(1, 5000) i`)
		n.exec(t, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at)
			SELECT 'l' || i, 'a' || i, 'c', 'i', 's' || i, 0 FROM generate_series(1, 5000) i`)
		n.exec(t, `INSERT INTO subjects (account_id, sector, subject, current) SELECT 'a' || i, 'x', 's' || i, true FROM generate_series(1, 5000) i`)
		n.exec(t, `INSERT INTO evidence (id, account_id, link_id, kind, levels, policy_version, checked_at)
			SELECT 'e' || i, 'a' || i, 'l' || i, 'sign-in', 'P2.C0.F0.R0', '', 0 FROM generate_series(1, 5000) i`)
		n.exec(t, `INSERT INTO claims (account_id, link_id, name, value, verified, said_at)
			SELECT 'a' || i, 'l' || i, 'name', '""', false, 0 FROM generate_series(1, 5000) i`)
		n.exec(t, `ANALYZE`)
		plan := strings.Join(n.dump(t, `EXPLAIN `+accounts.EnterQuery, ",", "i", "s77"), "\n")
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "Index Scan using links_issuer_subject_key") {
			t.Error(plan)
		}
	})
}

// TestEnterTogether is a person's first sign-in in many tabs, on two nodes.
func TestEnterTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		ids := make([]string, 20)
		var firsts atomic.Int64
		var g sync.WaitGroup
		for i := range ids {
			g.Go(func() {
				acc, _, first, err := nodes[i%2].Enter(t.Context(), signIn("https://idp.example", "someone"))
				if err != nil {
					t.Error(err)
				}
				if first {
					firsts.Add(1)
				}
				ids[i] = acc.ID
			})
		}
		g.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("accounts %s and %s for one person", ids[0], id)
			}
		}
		if n := firsts.Load(); n != 1 {
			t.Errorf("%d sign-ins made the account, want 1", n)
		}
		for table, want := range map[string]int{"accounts": 1, "links": 1, "claims": 3, "audit": 2} {
			if got := one.count(t, table); got != want {
				t.Errorf("%d rows in %s, want %d", got, table, want)
			}
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestManyEnterTogether is the first sign-ins of many people: each gets an
// account, and the audit chain stays one chain.
func TestManyEnterTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		var g sync.WaitGroup
		for i := range 20 {
			g.Go(func() {
				if _, _, _, err := nodes[i%2].Enter(t.Context(), signIn("https://idp.example", string(rune('a'+i)))); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		if got := one.count(t, "accounts"); got != 20 {
			t.Errorf("%d accounts, want 20", got)
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestNeverJoinedByEmail: a verified e-mail address that two providers agree
// on does not make two people one.
func TestNeverJoinedByEmail(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		google, _, _ := enter(t, n, signIn("https://accounts.google.com", "1"))
		github, _, first := enter(t, n, signIn("https://github.com", "1"))
		other, _, _ := enter(t, n, signIn("https://accounts.google.com", "2"))
		if !first || google.ID == github.ID || google.ID == other.ID {
			t.Errorf("accounts %s, %s and %s; want three", google.ID, github.ID, other.ID)
		}
		if cmp.Equal(google.SubjectKey, github.SubjectKey) || google.Subject("tax.example") == github.Subject("tax.example") {
			t.Error("two accounts share a subject")
		}
	})
}

func TestEnterNeedsIssuerAndSubject(t *testing.T) {
	n := connect(t, sqlite(t))
	for _, in := range []accounts.SignIn{signIn("", "someone"), signIn("https://idp.example", ""), signIn("", "")} {
		if acc, _, _, err := n.Enter(t.Context(), in); err == nil {
			t.Errorf("issuer %q, subject %q: entered %s", in.Issuer, in.Subject, acc.ID)
		}
	}
	if got := n.count(t, "accounts"); got != 0 {
		t.Errorf("%d accounts were made", got)
	}
}

// TestIssuerAndSubjectAreExact: what differs in a letter's case, or in where
// one ends and the other begins, is another person.
func TestIssuerAndSubjectAreExact(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for i, in := range []accounts.SignIn{
			signIn("https://idp.example", "someone"), signIn("https://idp.example", "Someone"),
			signIn("https://idp.example", "someone "), signIn("https://idp.example/", "someone"),
			signIn("https://idp.examples", "omeone"),
		} {
			if _, _, first := enter(t, n, in); !first {
				t.Errorf("case %d: %q at %q is somebody else's", i, in.Subject, in.Issuer)
			}
		}
	})
}

func TestUnusable(t *testing.T) {
	for _, c := range []struct {
		change string
		want   error
	}{
		{`UPDATE accounts SET status = 'frozen'`, accounts.ErrFrozen},
		{`UPDATE links SET frozen_at = 1`, accounts.ErrFrozen},
		{`UPDATE accounts SET status = 'erased'`, accounts.ErrNotFound},
		{`UPDATE accounts SET status = 'merged'`, accounts.ErrNotFound},
	} {
		onEach(t, func(t *testing.T, n node) {
			in := signIn("https://idp.example", "someone")
			acc, link, _ := enter(t, n, in)
			n.exec(t, c.change)
			got, _, _, err := n.Enter(t.Context(), in)
			if !errors.Is(err, c.want) || got.ID != "" {
				t.Errorf("%s: entered %q, %v; want %v", c.change, got.ID, err, c.want)
			}
			got, _, err = n.Reenter(t.Context(), acc.ID, link.ID)
			if !errors.Is(err, c.want) || got.ID != "" {
				t.Errorf("%s: reentered %q, %v; want %v", c.change, got.ID, err, c.want)
			}
			if got := n.count(t, "accounts"); got != 1 {
				t.Errorf("%s: %d accounts, want 1", c.change, got)
			}
		})
	}
}

// An account is reentered by its own links only.
func TestReenterByAnotherLink(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, link, _ := enter(t, n, signIn("https://idp.example", "someone"))
	other, _, _ := enter(t, n, signIn("https://idp.example", "somebody else"))
	for _, pair := range [][2]string{{"nobody", link.ID}, {acc.ID, "no link"}, {other.ID, link.ID}} {
		if got, _, err := n.Reenter(t.Context(), pair[0], pair[1]); !errors.Is(err, accounts.ErrNotFound) || got.ID != "" {
			t.Errorf("account %s by link %s: %q, %v; want ErrNotFound", pair[0], pair[1], got.ID, err)
		}
	}
}

func TestIdentifiersAreRandom(t *testing.T) {
	n, m := connect(t, sqlite(t)), connect(t, sqlite(t))
	a, l, _ := enter(t, n, signIn("https://idp.example", "someone"))
	b, k, _ := enter(t, m, signIn("https://idp.example", "someone"))
	if a.ID == b.ID || l.ID == k.ID || cmp.Equal(a.SubjectKey, b.SubjectKey) {
		t.Error("an identifier follows from who the person is")
	}
	if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(a.ID) || len(a.SubjectKey) != 32 {
		t.Errorf("id %q, a key of %d bytes", a.ID, len(a.SubjectKey))
	}
}

func TestSubject(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := signIn("https://idp.example", "someone")
		acc, link, _ := enter(t, n, in)
		if got, want := acc.Subject("tax.example"), mapping.Pairwise(acc.SubjectKey, "tax.example"); got != want {
			t.Errorf("subject %s, want the pairwise %s", got, want)
		}
		if acc.Subject("tax.example") == acc.Subject("bins.example") {
			t.Error("two sectors know the account by one subject")
		}

		pin := `INSERT INTO subjects (account_id, sector, subject, current) VALUES ($1, $2, $3, $4)`
		n.exec(t, pin, acc.ID, "tax.example", "pinned", true)
		n.exec(t, pin, acc.ID, "tax.example", "retired", false)
		n.exec(t, pin, acc.ID, "library.example", "reader", true)
		acc, _, _ = enter(t, n, in)
		if diff := cmp.Diff(map[string]string{"tax.example": "pinned", "library.example": "reader"}, acc.Subjects); diff != "" {
			t.Errorf("pinned subjects (-want +got):\n%s", diff)
		}
		if again, _, err := n.Reenter(t.Context(), acc.ID, link.ID); err != nil || !cmp.Equal(acc, again, butWords) {
			t.Errorf("reentered: %v, %v; want %v", again.Subjects, err, acc.Subjects)
		}
		if got := acc.Subject("tax.example"); got != "pinned" {
			t.Errorf("subject %s, want the pinned one", got)
		}
		if got, want := acc.Subject("bins.example"), mapping.Pairwise(acc.SubjectKey, "bins.example"); got != want {
			t.Errorf("subject %s, want the pairwise %s", got, want)
		}
	})
}

func TestEnterWithoutDatabase(t *testing.T) {
	n := connect(t, sqlite(t))
	n.db.Close()
	_, _, first, err := n.Enter(t.Context(), signIn("https://idp.example", "someone"))
	if err == nil || errors.Is(err, accounts.ErrNotFound) || first {
		t.Errorf("first %v, %v", first, err)
	}
}

func BenchmarkEnter(b *testing.B) {
	for name, options := range map[string]func(testing.TB) db.Options{"sqlite": sqlite, "postgres": postgres} {
		b.Run(name, func(b *testing.B) {
			n := connect(b, options(b))
			in := signIn("https://idp.example", "someone")
			enter(b, n, in)
			b.ReportAllocs()
			for b.Loop() {
				enter(b, n, in)
			}
		})
	}
}
