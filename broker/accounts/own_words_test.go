package accounts_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

var ownEmail = mapping.Statement{Claims: mapping.Claims{"email": "own@example.org", "email_verified": true}, Verified: []string{"email"}}

// ownWords are what is kept that residents said.
func ownWords(tb testing.TB, n node) []string {
	tb.Helper()
	return n.dump(tb, `SELECT name, value, verified FROM claims WHERE link_id = '' ORDER BY name`)
}

func TestOwnWords(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, signIn("https://idp.example", "someone"))
		say := func(at time.Time, said mapping.Statement) {
			t.Helper()
			if err := n.at(at).Say(t.Context(), acc.ID, said); err != nil {
				t.Fatal(err)
			}
		}
		say(noon, mapping.Statement{Claims: mapping.Claims{"nickname": "Jo"}})
		// The last word counts, whichever node's clock is behind.
		say(noon.Add(-time.Minute), mapping.Statement{Claims: mapping.Claims{"nickname": "Josie"}})
		say(noon, ownEmail)
		found, err := n.Known(t.Context(), acc.ID)
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]any{}
		for _, w := range found.Words {
			if w.Source == mapping.Resident {
				own[w.Claim] = w.Value
			}
		}
		want := map[string]any{"nickname": "Josie", "email": "own@example.org", "email_verified": true}
		if diff := cmp.Diff(want, own); diff != "" {
			t.Errorf("own words (-want +got):\n%s", diff)
		}

		if err := n.Unsay(t.Context(), acc.ID, "nickname"); err != nil {
			t.Fatal(err)
		}
		audited := n.count(t, "audit")
		if err := n.Unsay(t.Context(), acc.ID, "nickname"); err != nil || n.count(t, "audit") != audited {
			t.Errorf("what was not said is taken back: %v", err)
		}
		if got := ownWords(t, n); len(got) != 2 {
			t.Errorf("own words: %v", got)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Of a new address the old one hears, and somebody who comes by the old one resembles
// the account no more.
func TestOwnAddress(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		acc, _, _ := enter(t, n, accounts.SignIn{Connector: "google", Issuer: "https://idp.example", Subject: "someone", At: noon})
		n.exec(t, `DELETE FROM outbox`)
		told := func() []string {
			t.Helper()
			return n.dump(t, `SELECT address FROM outbox WHERE kind = 'notice' AND payload LIKE '%email-changed%' ORDER BY address`)
		}
		if err := n.Say(t.Context(), acc.ID, ownEmail); err != nil {
			t.Fatal(err)
		}
		if likeness := n.count(t, "likeness"); likeness != 1 {
			t.Errorf("%d likenesses", likeness)
		}
		if err := n.Unsay(t.Context(), acc.ID, "email", "email_verified"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"address= ", "address=own@example.org "}, told()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if n.count(t, "likeness") != 0 || len(ownWords(t, n)) != 0 {
			t.Error("something is left of the address")
		}
	})
}

func TestReader(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		in := signIn("https://idp.example", "someone")
		in.Said.Claims["locale"] = "gd-GB"
		acc, _, _ := enter(t, n, in)
		reader := func() accounts.Reader {
			t.Helper()
			r, err := n.Reader(t.Context(), acc.ID)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if diff := cmp.Diff(accounts.Reader{Addresses: []string{"jo@example.org"}, Locale: "gd-GB"}, reader()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		own := mapping.Statement{Claims: mapping.Claims{"email": "own@example.org", "email_verified": true, "locale": "cy"}, Verified: []string{"email"}}
		if err := n.Say(t.Context(), acc.ID, own); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(accounts.Reader{Addresses: []string{"own@example.org", "jo@example.org"}, Locale: "cy"}, reader()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := n.Undeliverable(t.Context(), in.Issuer, in.Subject, "relay off"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"own@example.org"}, reader().Addresses); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
