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

// TestUndoAfterChanges: what came by a way in goes where that goes, also what came
// since. What else came since stays with the account that was kept; but for a way in of
// which nobody knows whose it is. What was ended does not come back.
func TestUndoAfterChanges(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, mine, theirs := couple(t, n)
		pinned := `SELECT sector, subject, current FROM subjects WHERE account_id = $1 ORDER BY 1, 2`
		before := n.dump(t, pinned, absorbed.ID)
		id := merge(t, n, kept, absorbed)
		n = merging(n.at(noon.Add(day)))

		more := by(t, "proof", "P3.Cm") // by a way in of each
		more.At, more.Said.Claims["name"] = noon.Add(day), "Jo Smith"
		if acc, _, _ := enter(t, n, more); acc.ID != kept.ID {
			t.Fatalf("entered %s", acc.ID)
		}
		visit(t, n, kept, theirs, noon.Add(day), "library", "bins", "pool")
		visit(t, n, kept, mine, noon.Add(2*day), "bins")
		_, stray := join(t, n, kept.ID, by(t, "late", "P0.Cm"), "P4.Ch.F1.R3")
		tell(t, n, unlink(t, by(t, "google", "P1.Cm")))
		if _, err := n.Withdraw(t.Context(), kept.ID, "library"); err != nil {
			t.Fatal(err)
		}
		if err := n.Say(t.Context(), kept.ID, mapping.Statement{Claims: mapping.Claims{"nickname": "both"}}); err != nil {
			t.Fatal(err)
		}
		n.exec(t, `DELETE FROM wishes WHERE app = 'absorbed'`) // it was granted
		n.exec(t, `DELETE FROM refresh_grants WHERE id = 'grant absorbed'`)

		left := undo(t, n, kept, id)
		slices.Sort(left)
		want := []string{
			"claims nickname", "links " + stray.ID, "refresh_grants grant absorbed", "services bins", "services library", "wishes absorbed",
		}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		whose := map[string]string{kept.ID: "kept", absorbed.ID: "absorbed"}
		since := micro(noon.Add(day))
		for _, c := range []struct{ what, from, want string }{
			{"connector", `links`, "absorbed proof, kept google"},
			{
				"app", `services`,
				"absorbed benefits, absorbed bins, absorbed library, kept bins, kept library, kept pool, kept rates",
			},
			{"app", `services WHERE first_used_at < last_used_at AND last_used_at >= ` + since, "kept bins"},
			{"app", `wishes`, "absorbed rates, kept kept, kept rates"},
			{"value", `claims WHERE name = 'nickname'`, `absorbed "absorbed", kept "both"`},
			{"levels", `evidence WHERE link_id IS NOT NULL`, "absorbed P0.C0.F0.R1, absorbed P2.C0.F0.R0, absorbed P3.C0.F0.R0"},
			{"app", `sign_ins WHERE at = ` + since, "absorbed library"},
			{"app", `consents WHERE withdrawn_at IS NOT NULL`, "absorbed library, kept library"},
		} {
			var got []string
			for _, line := range n.dump(t, `SELECT account_id, `+c.what+` FROM `+c.from) {
				account, what, _ := strings.Cut(strings.TrimPrefix(line, "account_id="), " "+c.what+"=")
				if whose[account] != "" {
					got = append(got, whose[account]+" "+strings.TrimSpace(what))
				}
			}
			slices.Sort(got)
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("%s of %s: %s, want %s", c.what, c.from, got, c.want)
			}
		}
		if diff := cmp.Diff(before, n.dump(t, pinned, absorbed.ID)); diff != "" {
			t.Errorf("subjects (-before +after):\n%s", diff)
		}
		if _, _, err := n.Reenter(t.Context(), absorbed.ID, theirs.ID); err != nil {
			t.Errorf("absorbed by its own way in: %v", err)
		}
		for _, link := range []accounts.Link{theirs, stray} {
			if _, _, err := n.Reenter(t.Context(), kept.ID, link.ID); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("kept by %s: %v", link.Connector, err)
			}
		}
	})
}

// TestUndoEndsGrants: an app that knew the absorbed account alone knows the kept one by
// the same subject while they are merged. What it was granted then is not to go on, or
// it would take one person for the other.
func TestUndoEndsGrants(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, mine := known(t, n, "google", "P0.Cm", "rates")
		absorbed, theirs := known(t, n, "proof", "P0.Cm", "bins")
		helped, _ := known(t, n, "github", "P0.Cm")
		code, d, err := n.Invite(t.Context(), helped.ID, "", []string{"bins"}, noon.Add(day), "")
		if err != nil {
			t.Fatal(err)
		}
		subject := absorbed.Subject("bins.example")
		grant := func(id string, acc accounts.Account, link accounts.Link, subject, act, delegation string) {
			n.exec(t, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at,
				expires_at, act, delegation_id) VALUES ($1, $2, $3, 'bins', $4, 'session', '[]', '{}', 1, 1, 1, $5, $6)`,
				id, acc.ID, link.ID, subject, act, delegation)
		}
		grant("before", absorbed, theirs, subject, "", "")
		id := merge(t, n, kept, absorbed)
		if now, _, err := n.Reenter(t.Context(), kept.ID, mine.ID); err != nil || now.Subject("bins.example") != subject {
			t.Fatalf("known by %s, %v", now.Subject("bins.example"), err)
		}
		if _, err := n.Accept(t.Context(), kept.ID, "", code); err != nil {
			t.Fatal(err)
		}
		grant("since", kept, mine, subject, "", "")
		grant("other app", kept, mine, "another", "", "")
		grant("acting", helped, mine, "helped", subject, d.ID)
		n = merging(n.at(noon.Add(time.Hour)))
		if _, _, err := n.Invite(t.Context(), kept.ID, "", []string{"bins"}, noon.Add(day), ""); err != nil {
			t.Fatal(err)
		}
		left := undo(t, n, kept, id)
		if len(left) != 1 || !strings.HasPrefix(left[0], "delegations ") {
			t.Errorf("left: %q", left)
		}
		want := []string{"id=acting ", "id=since "}
		if diff := cmp.Diff(want, n.dump(t, `SELECT id FROM refresh_grants WHERE revoked_at IS NOT NULL ORDER BY id`)); diff != "" {
			t.Errorf("revoked (-want +got):\n%s", diff)
		}
	})
}

// TestUndoLeavesNobodyOut: where all of the ways in of one of the two were removed
// since, the accounts stay together.
func TestUndoLeavesNobodyOut(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		for _, kind := range []string{"kept", "absorbed"} {
			kept, mine := known(t, n, "google"+kind, "P0.Cm")
			absorbed, theirs := known(t, n, "proof"+kind, "P0.Cm")
			id := merge(t, n, kept, absorbed)
			gone := map[string]accounts.Link{"kept": mine, "absorbed": theirs}[kind]
			if err := n.Remove(t.Context(), kept.ID, gone.ID, gone.ID); err != nil {
				t.Fatal(err)
			}
			before := whole(t, n)
			if _, err := n.UndoProved(t.Context(), kept.ID, id); !errors.Is(err, accounts.ErrLast) {
				t.Errorf("%s: %v, want ErrLast", kind, err)
			}
			if diff := cmp.Diff(before, whole(t, n)); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		}
	})
}

// TestMergesOfMerges are undone in reverse order, and only so.
func TestMergesOfMerges(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		third, _ := known(t, n, "github", "P0.Cm", "rates", "pool")
		last, _ := known(t, n, "works", "P0.Cm", "bins")
		keptBy := []accounts.Account{kept, kept, last}
		before := []map[string][]string{whole(t, n)}
		ids := []string{merge(t, n, kept, absorbed)}
		before = append(before, whole(t, n))
		ids = append(ids, merge(t, n, kept, third))
		before = append(before, whole(t, n))
		ids = append(ids, merge(t, n, last, kept))

		for i := len(ids) - 1; i >= 0; i-- {
			for j := range i {
				if _, err := n.UndoProved(t.Context(), keptBy[j].ID, ids[j]); !errors.Is(err, accounts.ErrLaterMerge) {
					t.Errorf("merge %d is undone before %d: %v", j, i, err)
				}
			}
			undo(t, n, keptBy[i], ids[i])
			if diff := cmp.Diff(before[i], whole(t, n)); diff != "" {
				t.Errorf("merge %d (-before +after):\n%s", i, diff)
			}
		}
	})
}

func micro(at time.Time) string { return fmt.Sprint(at.UnixMicro()) }

func TestUndoTooLate(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, absorbed, _, _ := couple(t, n)
		id := merge(t, n, kept, absorbed)
		n = merging(n.at(noon.Add(month)))
		if _, err := n.UndoProved(t.Context(), kept.ID, id); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("after a month: %v, want ErrDecided", err)
		}
		n = merging(n.at(noon.Add(month - time.Second)))
		if _, err := n.UndoProved(t.Context(), absorbed.ID, id); !errors.Is(err, accounts.ErrDecided) {
			t.Errorf("by another: %v, want ErrDecided", err)
		}
		undo(t, n, kept, id)
	})
}

// TestLateVisits: a sign-in that is folded in only when the account was merged is the
// person's all the same, and its app goes on to know them by the subject that it was
// told.
func TestLateVisits(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, mine := known(t, n, "google", "P0.Cm", "bins")
		absorbed, theirs := known(t, n, "proof", "P0.Cm")
		before := whole(t, n)
		id := merge(t, n, kept, absorbed)
		for range 2 {
			visit(t, n, absorbed, theirs, noon.Add(time.Hour), "pool", "bins")
		}
		acc, _, err := n.Reenter(t.Context(), kept.ID, mine.ID)
		if err != nil {
			t.Fatal(err)
		}
		for sector, want := range map[string]accounts.Account{"pool.example": absorbed, "bins.example": kept, "parks.example": kept} {
			if got := acc.Subject(sector); got != want.Subject(sector) {
				t.Errorf("%s knows them as %s", sector, got)
			}
		}
		for table, want := range map[string]int{"services": 2, "sign_ins": 3} {
			if got := len(n.dump(t, `SELECT * FROM `+table+` WHERE account_id = $1`, kept.ID)); got != want {
				t.Errorf("%d rows in %s, want %d", got, table, want)
			}
		}
		undo(t, n, kept, id)
		after := whole(t, n)
		if diff := cmp.Diff(before["subjects"], after["subjects"]); diff != "" {
			t.Errorf("subjects (-before +after):\n%s", diff)
		}
	})
}

// Who stops sharing what the other one used has not used it.
func TestUndoLeavesNoUseOfTheOther(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, _ := known(t, n, "google", "P0.Cm", "bins")
		absorbed, _ := known(t, n, "proof", "P0.Cm", "bins", "library")
		before := n.dump(t, `SELECT account_id, app, first_used_at, last_used_at FROM services ORDER BY 1, 2`)
		id := merge(t, n, kept, absorbed)
		for _, app := range []string{"bins", "library"} {
			withdraw(t, n, kept.ID, app)
		}
		undo(t, n, kept, id)
		if diff := cmp.Diff(before, n.dump(t, `SELECT account_id, app, first_used_at, last_used_at FROM services ORDER BY 1, 2`)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		stopped := n.dump(t, `SELECT app FROM services WHERE account_id = $1 AND stopped_at IS NOT NULL`, kept.ID)
		if diff := cmp.Diff([]string{"app=bins "}, stopped); diff != "" {
			t.Errorf("stopped (-want +got):\n%s", diff)
		}
	})
}

// Apps of two sectors may know two people by one name: what one of them was granted goes
// on.
func TestUndoEndsGrantsOfTheSector(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		n = merging(n)
		kept, mine := known(t, n, "google", "P0.Cm", "rates")
		absorbed, _ := known(t, n, "proof", "P0.Cm", "bins")
		pin(t, n, kept, "money.example", "7")
		pin(t, n, absorbed, "bins.example", "7")
		n.exec(t, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at)
			VALUES ('before', $1, $2, 'rates', '7', 'session', '[]', '{}', 1, 1, 1)`, kept.ID, mine.ID)
		undo(t, n, kept, merge(t, n, kept, absorbed))
		if got := n.dump(t, `SELECT id FROM refresh_grants WHERE revoked_at IS NOT NULL`); len(got) > 0 {
			t.Errorf("revoked: %q", got)
		}
	})
}
