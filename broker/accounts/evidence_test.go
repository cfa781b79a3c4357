package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

const day = 24 * time.Hour

func vector(tb testing.TB, text string) mapping.Assurance {
	tb.Helper()
	v, err := mapping.ParseAssurance(text)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// proving is a sign-in worth a vector until some time after noon; 0 is for good.
func proving(tb testing.TB, subject, level string, lasts time.Duration) accounts.SignIn {
	tb.Helper()
	in := signIn("https://idp.example", subject)
	in.Level = vector(tb, level)
	if lasts != 0 {
		in.IdentityUntil, in.ResidencyUntil = noon.Add(lasts), noon.Add(lasts)
	}
	return in
}

// worth holds what Enter says of an account and a link to what is wanted.
func worth(tb testing.TB, acc accounts.Account, link accounts.Link, level, own, inherit string) {
	tb.Helper()
	got := []string{acc.Level.String(), link.Own.String(), link.Inherit.String()}
	want := []string{vector(tb, level).String(), vector(tb, own).String(), vector(tb, inherit).String()}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("account's level, link's own and inherit (-want +got):\n%s", diff)
	}
}

func evidence(tb testing.TB, n node) []string {
	tb.Helper()
	return n.dump(tb, `SELECT link_id, levels, valid_until FROM evidence ORDER BY link_id, levels`)
}

// TestEvidence follows one person: what a sign-in proved stays proved for as long
// as it said, and what later ones do not prove takes nothing away.
func TestEvidence(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for _, step := range []struct {
			after        time.Duration // noon
			proves       string
			until        time.Duration
			level        string // of the account, and of the link's own
			rows, audits int
		}{
			{0, "P1.Cm", 100 * day, "P1", 1, 1},
			{0, "P1.Cm", 100 * day, "P1", 1, 1},
			{day, "P0.Cl", 365 * day, "P1", 1, 1},               // a weaker sign-in later
			{day, "P2.Cm", 50 * day, "P2", 2, 2},                // a stronger one that lasts less
			{day, "P0.Cm.R1", 60 * day, "P2.R1", 3, 3},          // of another kind
			{day, "P2.Cm", 51 * day, "P2.R1", 3, 3},             // not worth a write
			{day, "P1.Cm", 40 * day, "P2.R1", 3, 3},             // covered, and would end sooner
			{2 * day, "P2.Cm", 52 * day, "P2.R1", 3, 4},         // lasts longer
			{52 * day, "P0.Cm", 400 * day, "P1.R1", 3, 4},       // P2 is over
			{60 * day, "P0.Cm", 400 * day, "P1", 3, 4},          // R1 is
			{60 * day, "P2.Cm", 60*day + time.Hour, "P2", 3, 5}, // P2 again, for an hour
			{61 * day, "P3.Cm", 61 * day, "P1", 3, 5},           // it was over when it was said
			{61 * day, "P2.Cm", 61*day + time.Hour, "P2", 3, 6}, // less than a day longer, but it was over
			{100 * day, "P0.Cm", 0, "P0", 3, 6},                 // nothing is left
			{100 * day, "P2.Cm", 0, "P2", 3, 7},                 // for good
			{1000 * day, "P2.Cm", 1001 * day, "P2", 3, 7},       // which nothing prolongs
			{1000 * day, "P1.Cm.R3", 1001 * day, "P2.R3", 4, 8}, // both at once
			{1001 * day, "P0.Cm", 0, "P2", 4, 8},
		} {
			at := noon.Add(step.after)
			in := proving(t, "someone", step.proves, step.until)
			in.At = at
			acc, link, _ := enter(t, n.at(at), in)
			t.Log(step)
			worth(t, acc, link, step.level, step.level, "P1.Cm")
			again, sameLink, err := n.at(at).Reenter(t.Context(), acc.ID, link.ID)
			if err != nil {
				t.Fatal(err)
			}
			worth(t, again, sameLink, step.level, step.level, "P1.Cm")
			if got := n.count(t, "evidence"); got != step.rows {
				t.Errorf("%d rows, want %d:\n%s", got, step.rows, strings.Join(evidence(t, n), "\n"))
			}
			if got := len(n.dump(t, `SELECT seq FROM audit WHERE kind = 'evidence.recorded'`)); got != step.audits {
				t.Errorf("%d audit entries, want %d", got, step.audits)
			}
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestEvidenceCostsNothing: who proves nothing new is a returning resident like any
// other.
func TestEvidenceCostsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := proving(t, "someone", "P2.Cm.R1", 365*day)
		enter(t, n, in)
		before := everything(t, n)
		for _, level := range []string{"P2.Cm.R1", "P0.Cl", "P1.Ch"} {
			n.statements.Store(0)
			enter(t, n, proving(t, "someone", level, 365*day))
			if got := n.statements.Load(); got != 1 {
				t.Errorf("%s: %d statements, want 1", level, got)
			}
		}
		if diff := cmp.Diff(before, everything(t, n)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}

// How the sign-in was protected is not the person's: it is not kept.
func TestEvidenceIsOfThePerson(t *testing.T) {
	n := connect(t, sqlite(t))
	acc, link, _ := enter(t, n, proving(t, "someone", "P2.Ch.F1.R2", 0))
	worth(t, acc, link, "P2.R2", "P2.R2", "P2.Ch.F1.R2")
	var want []string
	for _, level := range []string{"P0.C0.F0.R2", "P2.C0.F0.R0"} {
		want = append(want, fmt.Sprintf("id=%s.%s.%s account_id=%s kind=sign-in levels=%s policy_version=GPG45-1.0 checked_at=%d valid_until=<nil> ",
			link.ID, link.Connector, level, acc.ID, level, noon.UnixMicro()))
	}
	got := n.dump(t, `SELECT id, account_id, kind, levels, policy_version, checked_at, valid_until FROM evidence ORDER BY levels`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	enter(t, n, proving(t, "somebody else", "P0.Ch.F1", 0))
	if got := n.count(t, "evidence"); got != 2 {
		t.Errorf("%d rows, want 2", got)
	}
}

// Identity and residency stay proved each for its own time.
func TestEvidenceEndsApart(t *testing.T) {
	n := connect(t, sqlite(t))
	in := proving(t, "someone", "P2.Cm.R1", 90*day)
	in.IdentityUntil = noon.Add(365 * day)
	enter(t, n, in)
	in.Level = mapping.Assurance{}
	for after, want := range map[time.Duration]string{0: "P2.R1", 89 * day: "P2.R1", 90 * day: "P2", 364 * day: "P2", 365 * day: "P0"} {
		acc, link, _ := enter(t, n.at(noon.Add(after)), in)
		worth(t, acc, link, want, want, "P2.Cm.R1")
	}
}

// TestEvidenceTogether is a person who proves who they are in many tabs, on two
// nodes: at the first sign-in, and later.
func TestEvidenceTogether(t *testing.T) {
	onEach(t, func(t *testing.T, one node) {
		nodes := []node{one, one.another(t)}
		for round, level := range []string{"P1.Cm", "P2.Cm"} {
			var g sync.WaitGroup
			for i := range 10 {
				g.Go(func() {
					acc, _, _, err := nodes[i%2].Enter(t.Context(), proving(t, "someone", level, 365*day))
					if err != nil || acc.Level != vector(t, level).Person() {
						t.Errorf("level %s, %v; want %s", acc.Level, err, level)
					}
				})
			}
			g.Wait()
			if got := len(one.dump(t, `SELECT seq FROM audit WHERE kind = 'evidence.recorded'`)); got != round+1 {
				t.Errorf("%d audit entries, want %d", got, round+1)
			}
		}
		if err := one.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestFrozenMeanwhile has a provider freeze or unlink what somebody proves who they
// are by, after it was read and before evidence is written: none is.
func TestFrozenMeanwhile(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for subject, told := range map[string]func(accounts.SignIn) telling{
			"frozen": func(in accounts.SignIn) telling { return freeze(t, in, "hijacking") },
			"dead":   func(in accounts.SignIn) telling { return unlink(t, in) },
		} {
			enter(t, n, proving(t, subject, "P0.Cl", 0))
			in := proving(t, subject, "P2.Cm", 0)
			var once sync.Once
			slow := n.watched(t, func() { once.Do(func() { tell(t, n, told(in)) }) })
			acc, _, _, err := slow.Enter(t.Context(), in)
			if err == nil || acc.ID != "" {
				t.Errorf("%s: entered %q, %v", subject, acc.ID, err)
			}
			if frozen := errors.Is(err, accounts.ErrFrozen); frozen != (subject == "frozen") {
				t.Errorf("%s: %v", subject, err)
			}
		}
		if got := evidence(t, n); len(got) != 0 {
			t.Errorf("evidence was kept: %v", got)
		}
	})
}

// A link that was made before anybody kept what it inherits borrows nothing.
func TestLinkWithoutInherit(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := proving(t, "someone", "P2.Cm", 0)
		enter(t, n, in)
		n.exec(t, `UPDATE links SET inherit = NULL`)
		acc, link, _ := enter(t, n, in)
		worth(t, acc, link, "P2", "P2", "P0")
	})
}

// A row that was tampered with is no level.
func TestEvidenceThatCannotBeRead(t *testing.T) {
	for _, change := range []string{`UPDATE evidence SET levels = 'P9'`, `UPDATE evidence SET levels = ''`, `UPDATE links SET inherit = 'all'`} {
		n := connect(t, sqlite(t))
		in := proving(t, "someone", "P2.Cm", 0)
		enter(t, n, in)
		n.exec(t, change)
		if acc, _, _, err := n.Enter(t.Context(), in); err == nil {
			t.Errorf("%s: entered with %s", change, acc.Level)
		}
	}
}

// TestOwnWordsAreProvedByNobody: what was proved of the person at a desk, say, makes
// nothing surer of what they say of themselves, and does not keep that to themselves.
func TestOwnWordsAreProvedByNobody(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, by(t, "google", "P0.Cm"))
		n.exec(t, `INSERT INTO evidence (id, account_id, kind, levels, policy_version, checked_at) VALUES ('desk', $1, 'desk', 'P3.C0.F0.R0', '', 1)`,
			acc.ID)
		if err := n.Say(t.Context(), acc.ID, mapping.Statement{Claims: mapping.Claims{"nickname": "Jo"}}); err != nil {
			t.Fatal(err)
		}
		acc, _, _ = enter(t, n, by(t, "google", "P0.Cm"))
		if acc.Level.Identity != mapping.P3 {
			t.Errorf("the person is proved to %s", acc.Level)
		}
		i := slices.IndexFunc(acc.Words, func(w mapping.Word) bool { return w.Source == mapping.Resident })
		if w := acc.Words[i]; w.Proved != (mapping.Assurance{}) || w.Guard != (mapping.Assurance{}) {
			t.Errorf("%s is proved to %s and kept to %s", w.Claim, w.Proved, w.Guard)
		}
	})
}
