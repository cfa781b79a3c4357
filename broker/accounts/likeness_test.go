package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// newcomer is a first sign-in by a provider that vouches for some claims.
func newcomer(subject string, claims mapping.Claims, verified ...string) accounts.SignIn {
	in := signIn("https://idp.example", subject)
	in.Said, in.Alone = mapping.Statement{Claims: claims, Verified: verified}, false
	return in
}

func person(name, born, postcode string) mapping.Claims {
	return mapping.Claims{"name": name, "birthdate": born, "address": map[string]any{"postal_code": postcode, "locality": "Ayr"}}
}

var ofPerson = []string{"name", "birthdate", "address"}

func TestResembles(t *testing.T) {
	email := func(address string) mapping.Claims { return mapping.Claims{"email": address} }
	onEach(t, func(t *testing.T, n node) {
		for i, c := range []struct {
			known, comes       mapping.Claims
			vouches, vouchesTo []string // the first provider, and the second
			want               bool
		}{
			{email("jo@example.org"), email(" Jo@EXAMPLE.org"), []string{"email"}, []string{"email"}, true},
			{email("jo@example.org"), email("jo@example.org"), nil, []string{"email"}, false},
			{email("jo@example.org"), email("jo@example.org"), []string{"email"}, nil, false},
			{email("jo.b@example.org"), email("job@example.org"), []string{"email"}, []string{"email"}, false},
			{email("jo+a@example.org"), email("jo@example.org"), []string{"email"}, []string{"email"}, false},
			{email(""), email(""), []string{"email"}, []string{"email"}, false},
			{mapping.Claims{}, mapping.Claims{}, []string{"email"}, []string{"email"}, false},
			{email("jo@example.org"), mapping.Claims{"phone_number": "jo@example.org"}, []string{"email"}, []string{"phone_number"}, false},

			{person("Siân O’Brien-Smith", "1990-05-01", "ka7 1aa"), person("SIAN  OBRIEN SMITH", "1990-05-01", "KA71AA"), ofPerson, ofPerson, true},
			{
				mapping.Claims{"given_name": "Jo", "family_name": "Bloggs", "birthdate": "1990-05-01", "address": map[string]any{"postal_code": "KA7 1AA"}},
				person("Jo Bloggs", "1990-05-01", "KA7 1AA"),
				[]string{"given_name", "family_name", "birthdate", "address"},
				ofPerson, true,
			},
			{person("Jo Bloggs", "1990-05-01", "KA7 1AA"), person("Jo Bloggs", "1990-05-02", "KA7 1AA"), ofPerson, ofPerson, false},
			{person("Jo Bloggs", "1990-05-01", "KA7 1AA"), person("Jo Bloggs", "1990-05-01", "KA7 1AB"), ofPerson, ofPerson, false},
			{person("Jo Bloggs", "1990-05-01", "KA7 1AA"), person("Sam Bloggs", "1990-05-01", "KA7 1AA"), ofPerson, ofPerson, false},
			{person("Jo Bloggs", "1990-05-01", "KA7 1AA"), person("Jo Bloggs", "1990-05-01", "KA7 1AA"), ofPerson[:2], ofPerson, false},
			{person("Jo Bloggs", "1990-05-01", "KA7 1AA"), person("Jo Bloggs", "1990-05-01", "KA7 1AA"), ofPerson, ofPerson[1:], false},
			{person("Jo Bloggs", "0000-05-01", "KA7 1AA"), person("Jo Bloggs", "0000-05-01", "KA7 1AA"), ofPerson, ofPerson, false},
			{person("Jo Bloggs", "1990", "KA7 1AA"), person("Jo Bloggs", "1990", "KA7 1AA"), ofPerson, ofPerson, false},
			{person("- -", "1990-05-01", "KA7 1AA"), person("...", "1990-05-01", "KA7 1AA"), ofPerson, ofPerson, false},
		} {
			for _, table := range []string{"likeness", "claims", "evidence", "links", "accounts"} {
				n.exec(t, `DELETE FROM `+table)
			}
			if _, _, first := enter(t, n, newcomer("somebody", c.known, c.vouches...)); !first {
				t.Fatalf("case %d: not the first", i)
			}
			before := everything(t, n)
			in := newcomer("newcomer", c.comes, c.vouchesTo...)
			acc, link, first, err := n.Enter(t.Context(), in)
			if errors.Is(err, accounts.ErrResembles) != c.want || (err == nil) == c.want {
				t.Errorf("case %d: %v, resembles %t", i, err, c.want)
			}
			if !c.want {
				continue
			}
			if acc.ID != "" || link.ID != "" || first {
				t.Errorf("case %d: entered %q by %q", i, acc.ID, link.ID)
			}
			if diff := cmp.Diff(before, everything(t, n)); diff != "" {
				t.Errorf("case %d: something was made (-before +after):\n%s", i, diff)
			}
			in.Alone = true
			if _, _, first := enter(t, n, in); !first {
				t.Errorf("case %d: who is somebody else is not let in", i)
			}
			in.Alone = false
			enter(t, n, in) // and is not asked again
		}
	})
}

// TestResemblesWhom: the latest word of each way in counts, and that of a way in or
// an account that is no more does not.
func TestResemblesWhom(t *testing.T) {
	at := noon.Add(time.Hour)
	for what, c := range map[string]struct {
		then func(t *testing.T, n node, in accounts.SignIn, acc, link string)
		want bool
	}{
		"nothing happened": {func(*testing.T, node, accounts.SignIn, string, string) {}, true},
		"a newer address": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			says(t, n, acc, link, at, mapping.Claims{"email": "new@example.org"}, "email")
		}, false},
		"an older address": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			says(t, n, acc, link, noon.Add(-time.Hour), mapping.Claims{"email": "old@example.org"}, "email")
		}, true},
		"no word of it": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			says(t, n, acc, link, at, mapping.Claims{"name": "Jo"})
		}, true},
		"vouched for no more": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			says(t, n, acc, link, at, mapping.Claims{"email": "jo@example.org"})
		}, false},
		"vouched for by the council": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			says(t, n, acc, link, at, mapping.Claims{"email": "jo@example.org"})
			err := n.Say(t.Context(), acc, mapping.Statement{Claims: mapping.Claims{"email": "jo@example.org"}, Verified: []string{"email"}})
			if err != nil {
				t.Fatal(err)
			}
		}, true},
		"unlinked": {func(t *testing.T, n node, in accounts.SignIn, _, _ string) {
			tell(t, n, unlink(t, in))
		}, false},
		"removed": {func(t *testing.T, n node, in accounts.SignIn, acc, link string) {
			more := newcomer("more", nil)
			more.Alone = true
			join(t, n, acc, more, "P4.Ch.F1.R3")
			if err := n.Remove(t.Context(), acc, "", link); err != nil {
				t.Fatal(err)
			}
		}, false},
		"frozen": {func(t *testing.T, n node, in accounts.SignIn, _, _ string) { tell(t, n, freeze(t, in, "hijacking")) }, true},
		"account frozen": {func(t *testing.T, n node, in accounts.SignIn, acc, _ string) {
			n.exec(t, `UPDATE accounts SET status = 'frozen'`)
		}, false},
		"account erased": {func(t *testing.T, n node, in accounts.SignIn, acc, _ string) {
			n.exec(t, `UPDATE accounts SET status = 'erased'`)
		}, false},
	} {
		onEach(t, func(t *testing.T, n node) {
			in := newcomer("somebody", mapping.Claims{"email": "jo@example.org"}, "email")
			acc, link, _ := enter(t, n, in)
			c.then(t, n, in, acc.ID, link.ID)
			_, _, _, err := n.Enter(t.Context(), newcomer("newcomer", mapping.Claims{"email": "jo@example.org"}, "email"))
			if errors.Is(err, accounts.ErrResembles) != c.want {
				t.Errorf("%s: %v, resembles %t", what, err, c.want)
			}
		})
	}
}

// says has a provider say something at a later sign-in.
func says(tb testing.TB, n node, account, link string, at time.Time, claims mapping.Claims, verified ...string) {
	tb.Helper()
	record(tb, n, []string{fmt.Sprint(at)}, []accounts.Visit{{
		Account: account, Link: link, App: "tax", At: at, Said: mapping.Statement{Claims: claims, Verified: verified},
	}})
}

// TestFirstSignInsTogether: somebody's own first sign-in in many tabs does not
// resemble itself.
func TestFirstSignInsTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		var firsts atomic.Int64
		var g sync.WaitGroup
		for i := range 12 {
			g.Go(func() {
				if _, _, first := enter(t, nodes[i%2], newcomer("somebody", mapping.Claims{"email": "jo@example.org"}, "email")); first {
					firsts.Add(1)
				}
			})
		}
		g.Wait()
		if got := firsts.Load(); got != 1 {
			t.Errorf("%d are the first", got)
		}
	})
}

// TestLikenessIsHashed: what is compared tells nobody who it is about.
func TestLikenessIsHashed(t *testing.T) {
	n := connect(t, sqlite(t))
	claims := person("Jo Bloggs", "1990-05-01", "KA7 1AA")
	claims["email"] = "jo@example.org"
	enter(t, n, newcomer("somebody", claims, append(ofPerson, "email")...))
	rows := n.dump(t, `SELECT kind, key, length(key) AS size FROM likeness WHERE kind <> 'birthdate' ORDER BY kind`)
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "kind=email key=") || !strings.HasPrefix(rows[1], "kind=person key=") {
		t.Fatal(rows)
	}
	for _, row := range rows {
		if !strings.Contains(row, "size=64 ") || strings.Contains(strings.ToLower(row), "bloggs") || strings.Contains(row, "example") {
			t.Error(row)
		}
	}
}

// TestLikenessIsCheap: it costs a first sign-in one statement, and a batch of visits
// one more.
func TestLikenessIsCheap(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		costs := func(in accounts.SignIn) int64 {
			n.statements.Store(0)
			enter(t, n, in)
			return n.statements.Load()
		}
		without := costs(newcomer("nobody", mapping.Claims{"email": "jo@example.org"}))
		if with := costs(newcomer("somebody", mapping.Claims{"email": "jo@example.org"}, "email")); with > without+1 {
			t.Errorf("%d statements, and %d without", with, without)
		}
		n.exec(t, `DELETE FROM likeness`)
		n.statements.Store(0)
		acc, link, _ := enter(t, n, newcomer("somebody", mapping.Claims{}, "email"))
		var ids []string
		var visits []accounts.Visit
		for i := range 50 {
			ids = append(ids, fmt.Sprint(i))
			visits = append(visits, accounts.Visit{
				Account: acc.ID, Link: link.ID, App: "tax", At: noon.Add(time.Duration(i) * time.Second),
				Said: mapping.Statement{Claims: mapping.Claims{"email": "jo@example.org"}, Verified: []string{"email"}},
			})
		}
		n.statements.Store(0)
		record(t, n, ids, visits)
		// Begin, links, accounts, sign-ins, services, claims, likeness, commit.
		if got := n.statements.Load(); got > 8 {
			t.Errorf("%d statements for a batch, want 8 at most", got)
		}
		if got := n.count(t, "likeness"); got != 1 {
			t.Errorf("%d likenesses, want 1", got)
		}
	})
}

func TestResemblingUsesTheIndex(t *testing.T) {
	args := []any{"a", []byte{1}, 1, "key of nobody", "", "i", "s"}
	t.Run("sqlite", func(t *testing.T) {
		plan := strings.Join(connect(t, sqlite(t)).dump(t, `EXPLAIN QUERY PLAN `+accounts.MakeUnlike, args...), "\n")
		if strings.Contains(plan, "SCAN l") || strings.Contains(plan, "SCAN a\n") || !strings.Contains(plan, "likeness_by_key (key=?)") {
			t.Error(plan)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		n := connect(t, postgres(t))
		n.exec(t, `INSERT INTO accounts (id, subject_key, status, created_at) SELECT 'a' || i, '', 'active', 0 FROM generate_series(1, 20000) i`)
		n.exec(t, `INSERT INTO likeness (account_id, link_id, kind, key, said_at)
			SELECT 'a' || i, 'l' || i, 'email', 'k' || i, 0 FROM generate_series(1, 20000) i`)
		n.exec(t, `INSERT INTO links (id, account_id, connector, issuer, subject, created_at)
			SELECT 'l' || i, 'a' || i, 'c', 'i', 's' || i, 0 FROM generate_series(1, 20000) i`)
		n.exec(t, `ANALYZE`)
		plan := strings.Join(n.dump(t, `EXPLAIN `+accounts.MakeUnlike, args...), "\n")
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "likeness_by_key") {
			t.Error(plan)
		}
	})
}
