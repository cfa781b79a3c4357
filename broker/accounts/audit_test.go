package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/accounts"
)

// TestAuditNoticesEveryChange changes, one at a time, every column of every
// entry, takes entries out, and moves the head.
func TestAuditNoticesEveryChange(t *testing.T) {
	n := connect(t, sqlite(t))
	for i := range 3 {
		enter(t, n, signIn("https://idp.example", fmt.Sprint(i)))
	}
	if err := n.VerifyAudit(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.exec(t, `CREATE TABLE kept AS SELECT * FROM audit`)
	n.exec(t, `CREATE TABLE kept_head AS SELECT * FROM audit_head`)

	type change struct {
		sql   string
		entry int // the first broken one
	}
	var changes []change
	for seq := 1; seq <= 6; seq++ {
		for _, column := range []string{"kind", "account", "actor", "detail", "previous", "hash"} {
			changes = append(changes, change{fmt.Sprintf(`UPDATE audit SET %s = %[1]s || 'x' WHERE seq = %d`, column, seq), seq})
			changes = append(changes, change{fmt.Sprintf(`UPDATE audit SET %s = substr(%[1]s, 2) || 'x' WHERE seq = %d`, column, seq), seq})
		}
		changes = append(changes,
			change{fmt.Sprintf(`UPDATE audit SET at = at + 1 WHERE seq = %d`, seq), seq},
			change{fmt.Sprintf(`UPDATE audit SET seq = seq + 100 WHERE seq = %d`, seq), seq},
			change{fmt.Sprintf(`DELETE FROM audit WHERE seq = %d`, seq), seq})
	}
	changes = append(changes,
		change{`DELETE FROM audit`, 1},
		change{`DELETE FROM audit WHERE seq > 4`, 5},
		change{`UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 5)`, 6},
		change{`UPDATE audit_head SET seq = 7`, 7},
		change{`INSERT INTO audit SELECT 7, at, kind, account, actor, detail, hash, hash FROM audit WHERE seq = 6`, 7},
		// An entry put in another's place, and sound by itself.
		change{`UPDATE audit SET at = 1772366400000000, account = 'abc', detail = '{"name":"ŵ"}', hash = '` + pinned + `' WHERE seq = 1`, 2},
		// Where a column ends is part of what is hashed.
		change{`UPDATE audit SET kind = kind || substr(account, 1, 1), account = substr(account, 2) WHERE seq = 1`, 1},
	)
	for _, c := range changes {
		n.exec(t, c.sql)
		err := n.VerifyAudit(t.Context())
		if !errors.Is(err, accounts.ErrAudit) {
			t.Errorf("%s: %v", c.sql, err)
		} else if want := fmt.Sprintf("entry %d ", c.entry); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", c.sql, err, want)
		}
		n.exec(t, `DELETE FROM audit`)
		n.exec(t, `INSERT INTO audit SELECT * FROM kept`)
		n.exec(t, `UPDATE audit_head SET seq = k.seq, hash = k.hash FROM kept_head k`)
	}
	if err := n.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAuditIsTheSameEverywhere pins the encoding: an auditor's own program
// computes it from the description in audit.go.
func TestAuditIsTheSameEverywhere(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n.exec(t, `INSERT INTO audit (seq, at, kind, account, actor, detail, previous, hash) VALUES
			(1, 1772366400000000, 'account.created', 'abc', 'resident', '{"name":"ŵ"}', '', $1)`, pinned)
		n.exec(t, `UPDATE audit_head SET seq = 1, hash = $1`, pinned)
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// printf '1:1,16:1772366400000000,15:account.created,3:abc,8:resident,13:{"name":"ŵ"},0:,' | sha256sum
const pinned = "d5d88980671ebf39a317286bfd48539073c77f7e23437cbf80d363c418da9f4c"

// TestAuditIsPseudonymous looks for anything that names the person.
func TestAuditIsPseudonymous(t *testing.T) {
	n := connect(t, sqlite(t))
	in := signIn("https://idp.example", "10769150350006150715113082367")
	acc, link, _ := enter(t, n, in)
	audit := strings.Join(n.dump(t, `SELECT * FROM audit ORDER BY seq`), "\n")
	for _, secret := range []string{in.Subject, in.Issuer, "Jo Bloggs", "jo@example.org"} {
		if strings.Contains(audit, secret) {
			t.Errorf("audit shows %q", secret)
		}
	}
	for _, want := range []string{"kind=account.created account=" + acc.ID, "kind=link.created account=" + acc.ID, link.ID, `"connector":"google"`} {
		if !strings.Contains(audit, want) {
			t.Errorf("audit lacks %q:\n%s", want, audit)
		}
	}
}

// TestAuditGoesWithTheChange: what is rolled back is not audited.
func TestAuditGoesWithTheChange(t *testing.T) {
	n := connect(t, sqlite(t))
	n.exec(t, `DROP TABLE claims`) // makes every first sign-in fail half way
	if _, _, _, err := n.Enter(t.Context(), signIn("https://idp.example", "someone")); err == nil {
		t.Fatal("entered")
	}
	for _, table := range []string{"accounts", "links", "audit"} {
		if got := n.count(t, table); got != 0 {
			t.Errorf("%d rows in %s", got, table)
		}
	}
	if err := n.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAuditRewritten: whoever may write the whole table can make another chain that is
// sound by itself. Who has seen the end of the first one notices.
func TestAuditRewritten(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		seen, err := n.VerifyAuditSince(t.Context(), accounts.Head{})
		if err != nil || seen.Seq != 2 {
			t.Fatalf("%v, %v", seen, err)
		}
		if err := n.Pin(t.Context(), acc.ID, "tax.example", "x"); err != nil {
			t.Fatal(err)
		}
		if now, err := n.VerifyAuditSince(t.Context(), seen); err != nil || now.Seq != 3 {
			t.Errorf("gone on: %v, %v", now, err)
		}
		for name, change := range map[string]string{
			"cut off":      `DELETE FROM audit WHERE seq > 1`,
			"emptied":      `DELETE FROM audit`,
			"written anew": `DELETE FROM audit WHERE seq > 0`,
		} {
			n.exec(t, change)
			n.exec(t, `UPDATE audit_head SET seq = (SELECT COALESCE(MAX(seq), 0) FROM audit),
				hash = COALESCE((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '')`)
			if name == "written anew" {
				for _, to := range []string{"a", "b", "c"} {
					if err := n.Pin(t.Context(), acc.ID, "tax.example", to); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := n.VerifyAudit(t.Context()); err != nil {
				t.Errorf("%s: it is not sound by itself: %v", name, err)
			}
			if _, err := n.VerifyAuditSince(t.Context(), seen); !errors.Is(err, accounts.ErrAudit) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestAuditBeyondTheEnd: an entry that nobody appended, sound by itself, is noticed
// although the head is as it was.
func TestAuditBeyondTheEnd(t *testing.T) {
	n := connect(t, sqlite(t))
	n.exec(t, `INSERT INTO audit (seq, at, kind, account, actor, detail, previous, hash) VALUES
		(1, 1772366400000000, 'account.created', 'abc', 'resident', '{"name":"ŵ"}', '', $1)`, pinned)
	if err := n.VerifyAudit(t.Context()); !errors.Is(err, accounts.ErrAudit) {
		t.Error(err)
	}
}
