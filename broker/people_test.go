package broker

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// openFolder opens a broker with the council's own way in and whatever else more says
// of that.
func openFolder(t *testing.T, more string) *Broker {
	t.Helper()
	b, err := Open(t.Context(), loadFolder(t, "", more), slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// loadFolder is a folder, with more of the broker and of the council's own way in.
func loadFolder(t *testing.T, broker, own string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"broker.yaml":             "issuer: http://localhost:8080\nmail: {smtp: terminal, from: council@example.org}\n" + broker,
		"connectors/council.yaml": "preset: council\n" + own,
		"connectors/google.yaml":  "preset: google\nclient_id: councilid\nclient_secret: file:secret\n",
		"secret":                  "secret\n",
		"apps/tax.yaml":           "label: Tax\noidc: {redirect_uris: [https://tax.example.org/callback]}\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Who showed an address and never came to be anybody's account is forgotten after a
// while, with what they made: nobody else is, whatever the broker was called when they
// last signed in.
func TestCouncilForgetsTheUnfinished(t *testing.T) {
	b := openFolder(t, "")
	people := b.current.Load().flow.Accounts
	link := func(issuer, subject string) {
		t.Helper()
		_, _, _, err := people.Enter(t.Context(), accounts.SignIn{Connector: "council", Issuer: issuer, Subject: subject, At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	month := time.Now().Add(-30 * 24 * time.Hour)
	for subject, created := range map[string]time.Time{
		"linked": month, "moved": month, "gone": month.Add(-time.Second), "keyed": month.Add(-time.Second), "new": month.Add(time.Minute),
	} {
		if _, err := b.db.Exec(t.Context(), `INSERT INTO council_users (id, address, address_key, changes, created_at)
			VALUES ($1, $2, $2, 0, $3)`, subject, subject+"@example.org", created.UnixMicro()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.db.Exec(t.Context(), `INSERT INTO council_passkeys (id, user_id, name, credential, bound, sign_count, created_at)
		VALUES ('key', 'keyed', '', '{}', FALSE, 0, 0)`); err != nil {
		t.Fatal(err)
	}
	link("http://localhost:8080/council", "linked")
	link("https://old.example.org/council", "moved")
	for range 2 {
		if err := b.current.Load().tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for subject, want := range map[string]int{"linked": 1, "moved": 1, "gone": 0, "keyed": 0, "new": 1} {
		var got int
		if err := b.db.QueryRow(t.Context(), `SELECT count(*) FROM council_users WHERE id = $1`, subject).Scan(&got); err != nil || got != want {
			t.Errorf("%d of %s, want %d, %v", got, subject, want, err)
		}
	}
}

// What the council's own way in keeps of somebody is in their copy, and goes with their
// account, also where nobody may sign in by it any more.
func TestCouncilKeepsAndForgets(t *testing.T) {
	for _, more := range []string{"", "disabled: true\n"} {
		b := openFolder(t, more)
		people := b.current.Load().flow.Accounts
		for subject, issuer := range map[string]string{
			"jo": "http://localhost:8080/council", "al": "http://localhost:8080/council", "mo": "https://accounts.google.com",
		} {
			if _, err := b.db.Exec(t.Context(), `INSERT INTO council_users (id, address, address_key, changes, created_at)
				VALUES ($1, $2, $2, 0, $3)`, subject, subject+"@example.org", time.Now().UnixMicro()); err != nil {
				t.Fatal(err)
			}
			acc, _, _, err := people.Enter(t.Context(), accounts.SignIn{Connector: "council", Issuer: issuer, Subject: subject, At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			c, err := people.Export(t.Context(), acc.ID)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(c.Ways)
			if err != nil || strings.Contains(string(text), subject+"@example.org") != (subject != "mo") {
				t.Errorf("%v, %s", err, text)
			}
			if subject == "al" {
				continue
			}
			if _, err := people.Delete(t.Context(), acc.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.db.Exec(t.Context(), `UPDATE accounts SET leaves_at = 1 WHERE leaves_at IS NOT NULL`); err != nil {
			t.Fatal(err)
		}
		if err := b.current.Load().tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		// mo's subject at another provider is somebody else's at the council's own.
		for subject, want := range map[string]int{"jo": 0, "al": 1, "mo": 1} {
			var got int
			if err := b.db.QueryRow(t.Context(), `SELECT count(*) FROM council_users WHERE id = $1`, subject).Scan(&got); err != nil || got != want {
				t.Errorf("%d of %s, want %d, %v", got, subject, want, err)
			}
		}
		var erased int
		if err := b.db.QueryRow(t.Context(), `SELECT count(*) FROM accounts WHERE status = 'erased'`).Scan(&erased); err != nil || erased != 2 {
			t.Errorf("%d accounts are erased, %v", erased, err)
		}
	}
}

// Officers merge accounts, and take them apart, as they have been used until that very
// moment: an app that has just come to know one of them goes on knowing it.
func TestOfficersMergeWhatHasJustHappened(t *testing.T) {
	ctx, redis := t.Context(), miniredis.RunT(t)
	cfg := loadFolder(t, fmt.Sprintf("redis: {addresses: [%q]}\ndatabase: {sqlite: councilid.db}\n", redis.Addr()), "")
	d, err := db.Open(ctx, db.Options{SQLite: cfg.Broker.Database.SQLite})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := OpenRegister(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	comes := func(subject string) (accounts.Account, accounts.Link) {
		acc, link, _, err := r.Enter(ctx, accounts.SignIn{Connector: "google", Issuer: "https://accounts.google.com", Subject: subject, At: time.Now(), Alone: true})
		if err != nil {
			t.Fatal(err)
		}
		return acc, link
	}
	kept, mine := comes("kept")
	absorbed, theirs := comes("absorbed")
	if err := r.Record(ctx, []string{"1-1"}, []accounts.Visit{{Account: absorbed.ID, Link: theirs.ID, App: "tax", At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	visits := func(account, link string) {
		visit, err := json.Marshal(accounts.Visit{Account: account, Link: link, App: "tax", At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := redis.XAdd("visits", "*", []string{"v", string(visit)}); err != nil {
			t.Fatal(err)
		}
	}
	visits(kept.ID, mine.ID)
	id, err := r.Propose(ctx, kept.ID, absorbed.ID, "m.jones", "case 17")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Approve(ctx, id, "a.khan"); err != nil {
		t.Fatal(err)
	}
	sector := r.Sector("tax")
	if now, _ := comes("kept"); now.ID != kept.ID || now.Subject(sector) != kept.Subject(sector) {
		t.Errorf("the app knows them as %s, want %s", now.Subject(sector), kept.Subject(sector))
	}

	visits(kept.ID, theirs.ID)
	if err := r.ProposeUndo(ctx, id, "m.jones", "case 18"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ApproveUndo(ctx, id, "a.khan"); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{kept.ID, absorbed.ID} {
		if all, err := r.History(ctx, account, time.Now().Add(time.Hour), 100); err != nil || signIns(all) != map[string]int{kept.ID: 1, absorbed.ID: 2}[account] {
			t.Errorf("%d sign-ins of %s, %v", signIns(all), account, err)
		}
	}
}

func signIns(all []accounts.Happening) (n int) {
	for _, h := range all {
		if h.Kind == accounts.SignedIn {
			n++
		}
	}
	return n
}

// Of an app that knows people by their claims nothing is kept when accounts are merged.
func TestSectorsOfMerges(t *testing.T) {
	cfg := &config.Config{Apps: []config.App{
		{ID: "tax", Sector: "tax.example", OIDC: &config.AppOIDC{}},
		{ID: "planning", Sector: "planning.example", SAML: &config.AppSAML{}},
		{ID: "parking", Sector: "parking.example", SAML: &config.AppSAML{NameID: config.AppNameID{Value: "claims.employee_number"}}},
	}}
	people := people(nil, cfg)
	for app, want := range map[string]string{"tax": "tax.example", "planning": "planning.example", "parking": "", "gone": ""} {
		if got := people.Sector(app); got != want {
			t.Errorf("%s: %q, want %q", app, got, want)
		}
	}
}
