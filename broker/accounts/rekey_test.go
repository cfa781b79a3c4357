package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

func oldName(subject string) accounts.Name {
	return accounts.Name{Issuer: "https://old.example", Subject: subject}
}

func newName(subject string) accounts.Name {
	return accounts.Name{Issuer: "https://new.example", Subject: subject}
}

// comes signs somebody in whom the provider knows by a name.
func comes(tb testing.TB, n node, name accounts.Name) (accounts.Account, accounts.Link, bool) {
	tb.Helper()
	in := signIn(name.Issuer, name.Subject)
	in.Alone = true
	return enter(tb, n, in)
}

func rekey(tb testing.TB, n node, dry bool, list ...accounts.Rename) accounts.Rekeying {
	tb.Helper()
	for i := range list {
		list[i].Line = i + 1
	}
	r, err := n.Rekey(tb.Context(), "google", list, accounts.Lookup{Officer: "m.jones", Reason: "case 17", What: "rekey"}, dry)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// lines are what conflicts are about.
func lines(r accounts.Rekeying) (all []string) {
	for _, c := range r.Conflicts {
		all = append(all, fmt.Sprint(c.Line, " ", c.Why))
	}
	return all
}

// Everybody keeps their account and what apps know them by, also where two people
// swap names.
func TestRekey(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		before := map[string]accounts.Account{}
		for _, s := range []string{"a", "b", "c"} {
			before[s], _, _ = comes(t, n, oldName(s))
		}
		list := []accounts.Rename{
			{Old: oldName("a"), New: oldName("b")},
			{Old: oldName("b"), New: oldName("a")},
			{Old: oldName("c"), New: newName("c")},
			{Old: oldName("nobody"), New: newName("nobody")},
		}
		rows := everything(t, n)
		r := rekey(t, n, true, list...)
		if diff := cmp.Diff(rows, everything(t, n)); diff != "" {
			t.Errorf("a dry run changes:\n%s", diff)
		}
		if r.Renamed != 3 || r.Unknown != 1 || r.United != 0 || len(r.Conflicts) > 0 {
			t.Errorf("%+v", r)
		}
		if again := rekey(t, n, false, list...); again.Renamed != 3 {
			t.Errorf("%+v", again)
		}
		for name, was := range map[accounts.Name]string{oldName("b"): "a", oldName("a"): "b", newName("c"): "c"} {
			acc, _, first := comes(t, n, name)
			if first || acc.ID != before[was].ID || acc.Subject("tax.example") != before[was].Subject("tax.example") {
				t.Errorf("%v is not who %s was", name, was)
			}
		}
		if _, _, first := comes(t, n, oldName("c")); !first {
			t.Error("an old name leads in")
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Whatever is in the way is named with its line, and then nothing is renamed.
func TestRekeyConflicts(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for _, s := range []string{"a", "b", "c", "d"} {
			comes(t, n, oldName(s))
		}
		comes(t, n, newName("b"))
		other := signIn("https://old.example", "other")
		other.Connector, other.Alone = "github", true
		enter(t, n, other)
		rows := everything(t, n)
		r := rekey(t, n, false,
			accounts.Rename{Old: oldName("a"), New: newName("a")},
			accounts.Rename{Old: oldName("b"), New: newName("b")},
			accounts.Rename{Old: oldName("a"), New: newName("x")},
			accounts.Rename{Old: oldName("c"), New: newName("a")},
			accounts.Rename{Old: oldName("other"), New: newName("o")},
			accounts.Rename{Old: oldName("d"), New: oldName("d")})
		want := []string{
			"3 the old subject stands on line 1, too", "4 the new subject stands on line 1, too",
			"2 the new subject leads in to another account: the two have to be merged first",
			"5 the old subject leads in by connector github",
		}
		if diff := cmp.Diff(want, lines(r)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(rows, everything(t, n)); diff != "" {
			t.Errorf("changed:\n%s", diff)
		}
	})
}

// provenAs is a sign-in that proves an identity.
func provenAs(name accounts.Name) accounts.SignIn {
	in := signIn(name.Issuer, name.Subject)
	in.Alone, in.Level = true, mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}
	in.Said.Claims = mapping.Claims{"name": "Jo Bloggs", "birthdate": "1990-01-01"}
	return in
}

// Somebody who has linked their new name keeps all that came by the old one.
func TestRekeyBySignIns(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, old, _ := enter(t, n, provenAs(oldName("a")))
		later := n.at(noon.Add(10 * day))
		in := signIn(newName("a").Issuer, "a")
		in.At = noon.Add(10 * day)
		in.Said.Claims["name"] = "Jo Smith"
		_, link, err := later.Join(t.Context(), acc.ID, "", in, mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm})
		if err != nil {
			t.Fatal(err)
		}
		record(t, n, []string{"1-1"}, []accounts.Visit{{Account: acc.ID, Link: old.ID, App: "tax", At: noon}})

		list, conflicts, err := n.RenamesSince(t.Context(), "google", noon.Add(day))
		if err != nil || len(conflicts) > 0 || !slices.Equal(list, []accounts.Rename{{Old: oldName("a"), New: newName("a")}}) {
			t.Fatalf("%v, %v, %v", list, conflicts, err)
		}
		if r := rekey(t, n, false, list...); r.United != 1 || r.Renamed != 0 {
			t.Errorf("%+v", r)
		}
		again, now, _ := enter(t, later, in)
		if again.ID != acc.ID || now.ID != link.ID || now.Own.Identity != mapping.P2 || again.Level.Identity != mapping.P2 {
			t.Errorf("%+v by %+v", again, now)
		}
		words := map[string]any{}
		for _, w := range again.Words {
			words[w.Claim] = w.Value
		}
		if words["birthdate"] != "1990-01-01" || words["name"] != "Jo Smith" {
			t.Error(words)
		}
		for _, q := range []string{`id FROM links`, `link_id FROM claims`, `link_id FROM evidence`, `link_id FROM sign_ins`, `link_id FROM likeness`} {
			for _, row := range n.dump(t, `SELECT `+q) {
				if strings.Contains(row, old.ID) {
					t.Errorf("%s: %s", q, row)
				}
			}
		}
		if _, _, first := comes(t, n, oldName("a")); !first {
			t.Error("the old name leads in")
		}
	})
}

// Nobody gets what was proved of somebody by adding a way in of their own to a session
// that proved less, and nobody's two ways in are taken for one.
func TestRekeyBySignInsOfOthers(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		since, later := noon.Add(day), n.at(noon.Add(10*day))
		joins := func(acc accounts.Account, subject string, inherit mapping.Assurance) {
			in := signIn(newName("").Issuer, subject)
			in.At = noon.Add(10 * day)
			if _, _, err := later.Join(t.Context(), acc.ID, "", in, inherit); err != nil {
				t.Fatal(err)
			}
		}
		thief, _, _ := enter(t, n, provenAs(oldName("thief")))
		joins(thief, "thief", mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm})
		n.exec(t, `UPDATE links SET inherit = 'P0.Cl.F0.R0' WHERE subject = 'thief' AND issuer = $1`, newName("").Issuer) // which Join refuses
		several, _, _ := enter(t, n, provenAs(oldName("several")))
		joins(several, "one", mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm})
		joins(several, "two", mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm})
		uses, link, _ := enter(t, n, provenAs(oldName("uses both")))
		joins(uses, "uses both", mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm})
		record(t, n, []string{"1-1"}, []accounts.Visit{{Account: uses.ID, Link: link.ID, App: "tax", At: since.Add(time.Hour)}})

		list, conflicts, err := n.RenamesSince(t.Context(), "google", since)
		if err != nil || len(list) > 0 {
			t.Errorf("%v, %v", list, err)
		}
		why := map[string]string{}
		for _, c := range conflicts {
			why[c.Account] = c.Why
		}
		want := map[string]string{
			thief.ID:   "the new way in was added in a session that proved less than the old one did",
			several.ID: "1 ways in were not used since, and 2 are new",
		}
		if diff := cmp.Diff(want, why); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// A way in that was frozen does not come to life by another name.
func TestRekeyFrozen(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := comes(t, n, oldName("a"))
		if _, err := n.Freeze(t.Context(), "https://old.example", "a", "hijacked"); err != nil {
			t.Fatal(err)
		}
		if r := rekey(t, n, false, accounts.Rename{Old: oldName("a"), New: newName("a")}); r.Renamed != 1 {
			t.Errorf("%+v", r)
		}
		if _, _, _, err := n.Enter(t.Context(), signIn("https://new.example", "a")); err == nil {
			t.Error("it leads in")
		}
		if _, _, err := n.Join(t.Context(), acc.ID, "", signIn("https://newer.example", "a"), mapping.Assurance{}); err != nil {
			t.Fatal(err)
		}
		r := rekey(t, n, false, accounts.Rename{Old: newName("a"), New: accounts.Name{Issuer: "https://newer.example", Subject: "a"}})
		if diff := cmp.Diff([]string{"1 one of the two ways in is frozen, or was unlinked"}, lines(r)); diff != "" {
			t.Error(diff)
		}
	})
}

// Whoever gives ways in new names says who they are and why; everybody whose it is can
// read that, and the audit chain has it.
func TestRekeyByAnOfficer(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, provenAs(oldName("a")))
		other, _, _ := enter(t, n, provenAs(oldName("b")))
		list := []accounts.Rename{{Old: oldName("a"), New: newName("a")}}
		for _, nobody := range []accounts.Lookup{{}, {Officer: "m.jones", Reason: " "}, {Reason: "case 17"}} {
			for _, dry := range []bool{true, false} {
				if _, err := n.Rekey(t.Context(), "google", list, nobody, dry); !errors.Is(err, accounts.ErrNoReason) {
					t.Errorf("%+v: %v, want ErrNoReason", nobody, err)
				}
			}
		}
		rekey(t, n, true, list...)
		if looks, err := n.Lookups(t.Context(), acc.ID); err != nil || len(looks) > 0 {
			t.Errorf("before anything is done: %+v, %v", looks, err)
		}
		rekey(t, n, false, list...)
		want := []accounts.Lookup{{Officer: "m.jones", Reason: "case 17", What: "rekey", At: noon}}
		if looks, err := n.Lookups(t.Context(), acc.ID); err != nil || !cmp.Equal(want, looks) {
			t.Errorf("%+v, %v", looks, err)
		}
		if looks, err := n.Lookups(t.Context(), other.ID); err != nil || len(looks) > 0 {
			t.Errorf("of another: %+v, %v", looks, err)
		}
		if got := n.dump(t, `SELECT actor FROM audit WHERE kind = 'link.rekeyed' AND account = $1 AND detail LIKE '%"officer":"m.jones"%'`, acc.ID); len(got) != 1 {
			t.Errorf("the audit: %q", got)
		}
	})
}

// Whichever of two ways in that become one has proved the same for longer, it stays
// proved, and the one was last used when either was.
func TestRekeyKeepsTheLongerProof(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		for i, c := range []struct{ old, now, want time.Duration }{{100 * day, 10 * day, 100 * day}, {10 * day, 100 * day, 100 * day}, {0, 10 * day, 0}, {10 * day, 0, 0}} {
			subject := fmt.Sprint(i)
			old, now := provenAs(oldName(subject)), provenAs(newName(subject))
			if c.old != 0 {
				old.IdentityUntil = noon.Add(c.old)
			}
			if c.now != 0 {
				now.IdentityUntil = noon.Add(c.now)
			}
			acc, was, _ := enter(t, n, old)
			_, is := join(t, n, acc.ID, now, "P2.Cm")
			record(t, n, []string{subject}, []accounts.Visit{{Account: acc.ID, Link: was.ID, App: "tax", At: noon.Add(time.Hour)}})
			if r := rekey(t, n, false, accounts.Rename{Old: oldName(subject), New: newName(subject)}); r.United != 1 {
				t.Fatalf("%+v", r)
			}
			until := "<nil>"
			if c.want != 0 {
				until = micro(noon.Add(c.want))
			}
			got := n.dump(t, `SELECT e.valid_until, l.last_used_at FROM evidence e JOIN links l ON l.id = e.link_id WHERE l.id = $1`, is.ID)
			if want := fmt.Sprintf("valid_until=%s last_used_at=%s ", until, micro(noon.Add(time.Hour))); len(got) != 1 || got[0] != want {
				t.Errorf("%v: %q, want %q", c, got, want)
			}
		}
	})
}
