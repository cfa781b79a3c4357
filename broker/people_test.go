package broker

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// openFolder opens a broker with the council's own way in and whatever else more says
// of that.
func openFolder(t *testing.T, more string) *Broker {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"broker.yaml":             "issuer: http://localhost:8080\nmail: {smtp: terminal, from: council@example.org}\n",
		"connectors/council.yaml": "preset: council\n" + more,
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
	b, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
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
