package test

import (
	"net/http"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Officers merge accounts and take them apart by a command, which is another process:
// the nodes end what was live of those accounts, and nothing else. What lasts goes on.
func TestOfficersMergeIsOverAtTheNodes(t *testing.T) {
	t.Parallel()
	c := newCarers(t)
	d, err := db.Open(t.Context(), db.Options{Postgres: c.database})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	officers := accounts.Open(d, time.Now, func(string) mapping.Assurance { return mapping.Assurance{} })
	officers.UndoTime, officers.Sector = time.Hour, func(app string) string { return app }
	third := c.NewBrowser(t)
	third.Persona = "load-2"
	mum, bystander := c.signsIn(t, c.mum), c.signsIn(t, third)
	online, lasting := c.signsIn(t, c.ann), c.signsIn(t, c.ann)
	refreshed := c.tax.Refresh(lasting)
	var kept, absorbed string
	if err := d.QueryRow(t.Context(), `SELECT k.account_id, a.account_id FROM refresh_grants k, refresh_grants a WHERE k.subject = $1 AND a.subject = $2`,
		mum.ID.Subject, online.ID.Subject).Scan(&kept, &absorbed); err != nil {
		t.Fatal(err)
	}

	id, err := officers.Propose(t.Context(), kept, absorbed, "one", "test")
	if err == nil {
		err = officers.Approve(t.Context(), id, "two")
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, func() bool { return worth(c.tax, online)+worth(c.tax, refreshed) == 2*http.StatusUnauthorized })
	if signedIn(c.tax, c.ann) || !signedIn(c.tax, c.mum) {
		t.Error("the session of the absorbed account goes on, or that of the other does not")
	}
	refreshed = c.tax.Refresh(refreshed)
	if refreshed.ID.Subject != online.ID.Subject || worth(c.tax, refreshed) != http.StatusOK {
		t.Error("what the app may do while nobody is there has ended")
	}

	if err := officers.ProposeUndo(t.Context(), id, "one", "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := officers.ApproveUndo(t.Context(), id, "two"); err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, func() bool { return worth(c.tax, refreshed) == http.StatusUnauthorized })
	await(t, 30*time.Second, func() bool { return !signedIn(c.tax, c.mum) })
	if status := worth(c.tax, bystander); status != http.StatusOK || !signedIn(c.tax, third) {
		t.Errorf("somebody else's token is answered %d", status)
	}
}
