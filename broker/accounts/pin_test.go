package accounts_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

func pin(t *testing.T, n node, acc accounts.Account, sector, subject string) {
	t.Helper()
	if err := n.Pin(t.Context(), acc.ID, sector, subject); err != nil {
		t.Fatal(err)
	}
}

func TestPin(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := signIn("https://idp.example", "someone")
		acc, _, _ := enter(t, n, in)
		// Anew, in place of another one, and back again: to be done twice does no harm.
		for _, subject := range []string{"legacy-1", "legacy-1", "legacy-2", "legacy-1"} {
			pin(t, n, acc, "planning.example", subject)
			again, _, _ := enter(t, n, in)
			if got := again.Subject("planning.example"); got != subject {
				t.Errorf("subject %s, want %s", got, subject)
			}
			if got, want := again.Subject("tax.example"), mapping.Pairwise(acc.SubjectKey, "tax.example"); got != want {
				t.Errorf("another sector's subject is %s, want %s", got, want)
			}
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What an account was known by once is never another's.
func TestPinTaken(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		in := signIn("https://idp.example", "somebody else")
		other, _, _ := enter(t, n, in)
		pin(t, n, acc, "planning.example", "legacy-1")
		pin(t, n, acc, "planning.example", "legacy-2")
		pin(t, n, other, "planning.example", "legacy-3")
		for _, subject := range []string{"legacy-1", "legacy-2"} {
			if err := n.Pin(t.Context(), other.ID, "planning.example", subject); !errors.Is(err, accounts.ErrTaken) {
				t.Errorf("%s: %v, want ErrTaken", subject, err)
			}
		}
		if again, _, _ := enter(t, n, in); again.Subject("planning.example") != "legacy-3" {
			t.Errorf("subject %s, want legacy-3 still", again.Subject("planning.example"))
		}
		pin(t, n, other, "tax.example", "legacy-1") // another sector is another matter
	})
}

func TestPinRefuses(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
	for _, tt := range []struct {
		account, status, sector, subject string
		want                             error
	}{
		{"nobody", "active", "planning.example", "legacy-1", accounts.ErrNotFound},
		{acc.ID, "frozen", "planning.example", "legacy-1", accounts.ErrFrozen},
		{acc.ID, "erased", "planning.example", "legacy-1", accounts.ErrNotFound},
		{acc.ID, "active", "", "legacy-1", nil},
		{acc.ID, "active", "planning.example", "", nil},
	} {
		n.exec(t, `UPDATE accounts SET status = $1 WHERE id = $2`, tt.status, acc.ID)
		err := n.Pin(t.Context(), tt.account, tt.sector, tt.subject)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	var rows int
	if err := n.db.QueryRow(t.Context(), `SELECT count(*) FROM subjects`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// The audit says which account was pinned in which sector, and not to what.
func TestPinIsAudited(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
	pin(t, n, acc, "planning.example", "legacy-1")
	var actor, detail string
	err := n.db.QueryRow(t.Context(), `SELECT actor, detail FROM audit WHERE kind = 'subject.pinned' AND account = $1`, acc.ID).Scan(&actor, &detail)
	if err != nil {
		t.Fatal(err)
	}
	if actor != "operator" || !strings.Contains(detail, "planning.example") || strings.Contains(detail, "legacy-1") {
		t.Errorf("by %s: %s", actor, detail)
	}
}

// Of several at once one is current.
func TestPinTogether(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		var g sync.WaitGroup
		for _, subject := range []string{"a", "b", "c", "d", "e"} {
			g.Go(func() {
				if err := n.Pin(t.Context(), acc.ID, "planning.example", subject); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		var all, current int
		err := n.db.QueryRow(t.Context(), `SELECT count(*), count(CASE WHEN current THEN 1 END) FROM subjects`).Scan(&all, &current)
		if err != nil || all != 5 || current != 1 {
			t.Errorf("%d subjects, %d current, %v; want 5 and one current", all, current, err)
		}
	})
}

// What apps were told before an import is nobody else's, either.
func TestPinKeepsWhatAppsWereTold(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		acc, link := known(t, n, "google", "P0.Cm", "rates")
		other, _ := known(t, n, "proof", "P0.Cm")
		pin(t, n, acc, "money.example", "legacy-1")
		pin(t, n, acc, "bins.example", "legacy-1") // who never told of them
		if err := n.Pin(t.Context(), other.ID, "money.example", acc.Subject("money.example")); !errors.Is(err, accounts.ErrTaken) {
			t.Errorf("%v, want ErrTaken", err)
		}
		if now, _, err := n.Reenter(t.Context(), acc.ID, link.ID); err != nil || now.Subject("money.example") != "legacy-1" {
			t.Errorf("known by %s, %v", now.Subject("money.example"), err)
		}
		if got := n.count(t, "subjects"); got != 3 {
			t.Errorf("%d subjects, want 3", got)
		}
	})
}
