package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// Whoever adds a way in shows all that was ever proved, though it count for nothing
// today.
func TestJoinShowsAllThatWasEverProved(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		weak, strong := by(t, "google", "P0.Cl"), by(t, "proof", "P2.Cm")
		strong.IdentityUntil = noon.Add(day)
		acc, _, _ := enter(t, n, weak)
		join(t, n, acc.ID, strong, "P0.Cm") // nothing is proved before
		tell(t, n, freeze(t, strong, "hijacking"))
		for name, now := range map[string]node{
			"while its link is frozen": n,
			"when it is over":          n.at(noon.Add(2 * day)),
			"believed less":            n.believing(t, map[string]string{"google": "P0.Cm"}),
		} {
			_, _, err := now.Join(t.Context(), acc.ID, "", by(t, "mallory", "P0.Cm"), vector(t, "P1.Ch.F1.R3"))
			if !errors.Is(err, accounts.ErrUnproven) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := n.count(t, "links"); got != 2 {
			t.Errorf("%d links", got)
		}
		join(t, n, acc.ID, by(t, "gmail", "P0.Cm"), "P2.Cm")
	})
}

// Who comes back by a way in that was unlinked is no stranger to the account.
func TestUnlinkedComesBackToAProvedAccount(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		weak := by(t, "google", "P0.Cl")
		acc, _, _ := enter(t, n, weak)
		join(t, n, acc.ID, by(t, "proof", "P2.Cm"), "P0.Cm")
		tell(t, n, unlink(t, weak))
		if again, _, _ := enter(t, n, weak); again.ID != acc.ID {
			t.Error("another account")
		}
	})
}

// Nobody adds a way in while more is being proved: they wait, and then show too little.
// (In SQLite writers wait for each other in any case.)
func TestJoinWhileMoreIsProved(t *testing.T) {
	n := connect(t, postgres(t))
	alice := by(t, "google", "P0.Cm")
	acc, _, _ := enter(t, n, alice)
	alice.Level = vector(t, "P2.Cm")
	statements, joined := 0, 0
	watched := n.watched(t, func() {
		if statements++; statements <= 2 {
			return // the link is looked for, and a transaction begins
		}
		soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := n.Join(soon, acc.ID, "", by(t, fmt.Sprint("mallory", statements), "P0.Cm"), vector(t, "P0.Cm")); err == nil {
			joined++
		}
	})
	enter(t, watched, alice)
	if statements < 3 || joined > 0 {
		t.Errorf("%d ways in were added between %d statements", joined, statements)
	}
}

// born is a sign-in that proves somebody's date of birth, or only says it.
func born(tb testing.TB, issuer, level, date string, verified ...string) accounts.SignIn {
	in := by(tb, issuer, level)
	in.Said = mapping.Statement{Claims: mapping.Claims{"name": "Jo " + issuer, "birthdate": date}, Verified: verified}
	return in
}

func TestTwoPeopleOnOneAccount(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for name, test := range map[string]struct {
			before, joins accounts.SignIn
			refused       bool
		}{
			"one date":                      {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1984-03-09", "birthdate"), false},
			"another":                       {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1984-09-03", "birthdate"), true},
			"another year alone":            {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1985", "birthdate"), true},
			"the same year alone":           {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1984", "birthdate"), false},
			"the same day without a year":   {born(t, "a", "P2.Cm", "0000-03-09", "birthdate"), born(t, "b", "P1.Cm", "1984-03-09", "birthdate"), false},
			"another day without a year":    {born(t, "a", "P2.Cm", "0000-03-10", "birthdate"), born(t, "b", "P1.Cm", "1984-03-09", "birthdate"), true},
			"a year and a day":              {born(t, "a", "P2.Cm", "1984", "birthdate"), born(t, "b", "P1.Cm", "0000-03-09", "birthdate"), false},
			"only said by the new":          {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1985-03-09"), false},
			"only said by the old":          {born(t, "a", "P2.Cm", "1984-03-09"), born(t, "b", "P1.Cm", "1985-03-09", "birthdate"), false},
			"the new proves nobody":         {born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P0.Cm", "1985-03-09", "birthdate"), false},
			"the old proved nobody":         {born(t, "a", "P0.Cm.R2", "1984-03-09", "birthdate"), born(t, "b", "P1.Cm", "1985-03-09", "birthdate"), false},
			"a new name, as after marrying": {born(t, "a", "P2.Cm", "1984-03-09", "birthdate", "name"), born(t, "b", "P2.Cm", "1984-03-09", "birthdate", "name"), false},
		} {
			test.before.Subject, test.joins.Subject = name, name
			acc, _, _ := enter(t, n, test.before)
			tell(t, n, freeze(t, test.before, "hijacking")) // which takes nothing away
			links := n.count(t, "links")
			_, _, err := n.Join(t.Context(), acc.ID, "", test.joins, vector(t, "P2.Cm.R2"))
			if errors.Is(err, accounts.ErrTwoPeople) != test.refused || !test.refused && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := strings.HasSuffix(kinds(t, n), " link.refused"); got != test.refused {
				t.Errorf("%s: the audit says %s", name, kinds(t, n))
			}
			if made := n.count(t, "links") != links; made == test.refused {
				t.Errorf("%s: a link was made: %t", name, made)
			}
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
		for _, row := range n.dump(t, `SELECT detail FROM audit`) {
			if strings.Contains(row, "198") || strings.Contains(row, "-09") {
				t.Errorf("the audit says who: %s", row)
			}
		}
	})
}

// The same where a way in that was added before proves who somebody is only later.
func TestTwoPeopleLater(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, born(t, "a", "P0.Cm", "1984-03-09"))
		join(t, n, acc.ID, by(t, "b", "P0.Cm"), "P0.Cm")
		a, b := born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P2.Cm", "1985-03-09", "birthdate")
		a.At, b.At = noon.Add(time.Minute), noon.Add(2*time.Minute)
		enter(t, n, a)
		_, _, _, err := n.Enter(t.Context(), b)
		if !errors.Is(err, accounts.ErrTwoPeople) {
			t.Fatal(err)
		}
		if !strings.HasSuffix(kinds(t, n), " evidence.refused") {
			t.Error(kinds(t, n))
		}
		if said := n.dump(t, `SELECT value FROM claims WHERE value = '"1985-03-09"'`); len(said) > 0 {
			t.Error("what was refused is kept")
		}
		if acc, _, _ := enter(t, n, by(t, "b", "P0.Cm")); acc.Level.Identity != mapping.P2 {
			t.Errorf("the account is worth %s", acc.Level)
		}

		// A date that was put right at the provider that proved it is nobody else's.
		a.Said.Claims["birthdate"] = "1985-03-09"
		a.At, a.Level = noon.Add(3*time.Minute), vector(t, "P3.Cm")
		enter(t, n, a)
		enter(t, n, b)
		a.Said.Claims["birthdate"] = "1984-03-09"
		a.At, a.Level = noon.Add(4*time.Minute), vector(t, "P4.Cm")
		enter(t, n, a)
	})
}

// A date of birth that was proved goes on telling two people apart when its provider
// says another one, or the same, and does not vouch for it; until it vouches for another.
func TestTwoPeopleWhateverIsSaidLater(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		for name, later := range map[string]accounts.SignIn{
			"another date": born(t, "a", "P0.Cm", "1985-03-09"), "the same": born(t, "a", "P0.Cm", "1984-03-09"), "no date": born(t, "a", "P0.Cm", ""),
		} {
			proves, proved, said := born(t, "a", "P2.Cm", "1984-03-09", "birthdate"), born(t, "b", "P2.Cm", "1985-03-09", "birthdate"), later.Said
			proves.Subject, proved.Subject = name, name
			acc, link, _ := enter(t, n, proves)
			visits := func(after time.Duration, said mapping.Statement) {
				at := noon.Add(after)
				record(t, n, []string{name + at.String()}, []accounts.Visit{{Account: acc.ID, Link: link.ID, App: "tax", At: at, Said: said}})
			}
			visits(time.Hour, said)
			_, _, err := n.Join(t.Context(), acc.ID, link.ID, proved, vector(t, "P2.Cm"))
			if !errors.Is(err, accounts.ErrTwoPeople) {
				t.Errorf("%s: %v, want ErrTwoPeople", name, err)
			}
			other, _, _ := enter(t, n, proved)
			if _, err := n.MergeProved(t.Context(), acc.ID, other.ID); !errors.Is(err, accounts.ErrTwoPeople) {
				t.Errorf("%s: merged, %v", name, err)
			}
			visits(2*time.Hour, proved.Said) // it is put right
			visits(90*time.Minute, proves.Said)
			if _, err := n.MergeProved(t.Context(), acc.ID, other.ID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
