package accounts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// marked are the links of which mail does not reach the address, with since when.
func marked(tb testing.TB, n node) []string {
	tb.Helper()
	return n.dump(tb, `SELECT id, undeliverable_at FROM links WHERE undeliverable_at IS NOT NULL`)
}

func undeliverable(tb testing.TB, in accounts.SignIn, what string) telling {
	return func(n node) (accounts.Link, error) {
		return n.Undeliverable(tb.Context(), in.Issuer, in.Subject, what)
	}
}

func TestUndeliverable(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		apple, google := by(t, "apple", "P0.Cl"), by(t, "google", "P0.Cl")
		acc, _, _ := enter(t, n, apple)
		join(t, n, acc.ID, google, "P0.Cl")
		link := tell(t, n, undeliverable(t, apple, "email-disabled"))
		first := marked(t, n)
		if link.Account != acc.ID || len(first) != 1 || !strings.Contains(first[0], link.ID) {
			t.Errorf("told of %+v, marked are %v", link, first)
		}
		tell(t, n.at(noon.Add(day)), undeliverable(t, apple, "email-disabled"))
		if diff := cmp.Diff(first, marked(t, n)); diff != "" {
			t.Errorf("a second time (-first +second):\n%s", diff)
		}
		if back, _, _ := enter(t, n, apple); back.ID != acc.ID || n.count(t, "claims") != 6 {
			t.Error("the way in, or the address, is gone")
		}
		for range 2 {
			if _, err := n.Deliverable(t.Context(), apple.Issuer, apple.Subject, "email-enabled"); err != nil {
				t.Fatal(err)
			}
		}
		if got := marked(t, n); len(got) != 0 {
			t.Errorf("still marked: %v", got)
		}
		if got, want := kinds(t, n), "account.created link.created link.created link.undeliverable link.deliverable"; got != want {
			t.Errorf("audit says %s, want %s", got, want)
		}
		detail := n.dump(t, `SELECT actor, detail FROM audit WHERE kind = 'link.undeliverable'`)[0]
		if !strings.Contains(detail, "actor=provider") || !strings.Contains(detail, `"what":"email-disabled"`) || strings.Contains(detail, apple.Subject) {
			t.Error(detail)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestUndeliverableOfNobody(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		if _, err := undeliverable(t, by(t, "apple", "P0.Cl"), "email-disabled")(n); !errors.Is(err, accounts.ErrUnknownLink) {
			t.Errorf("got %v, want ErrUnknownLink", err)
		}
	})
}

// What the provider said of the address holds for a link that comes to life again,
// until the provider says that mail arrives.
func TestUndeliverableStays(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		apple := by(t, "apple", "P0.Cl")
		enter(t, n, apple)
		tell(t, n, undeliverable(t, apple, "email-disabled"))
		tell(t, n, unlink(t, apple))
		acc, _, _ := enter(t, n, apple)
		if got := marked(t, n); len(got) != 1 {
			t.Errorf("marked is %v", got)
		}
		reader := func() []string {
			r, err := n.Reader(t.Context(), acc.ID)
			if err != nil {
				t.Fatal(err)
			}
			return r.Addresses
		}
		if got := reader(); len(got) != 0 {
			t.Errorf("mail goes to %v", got)
		}
		if _, err := n.Deliverable(t.Context(), apple.Issuer, apple.Subject, "email-enabled"); err != nil {
			t.Fatal(err)
		}
		if got := reader(); len(got) != 1 {
			t.Errorf("mail goes to %v", got)
		}
	})
}

// It was said of one address, and not of another one that the provider vouches for
// afterwards: of a link that comes to life again, and of one that is alive.
func TestUndeliverableIsOfOneAddress(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		brings := func(from, address string, vouched bool) accounts.SignIn {
			in := by(t, from, "P0.Cl")
			in.At, in.Said = noon.Add(day), mapping.Statement{Claims: mapping.Claims{"email": address}}
			if vouched {
				in.Said.Verified = []string{"email"}
			}
			return in
		}
		for from, tt := range map[string]struct {
			dies    bool
			address string
			vouched bool
			gone    bool
		}{
			"dead":        {true, "other@example.org", true, true},
			"same":        {true, "RELAY@example.org", true, false},
			"alive":       {false, "other@example.org", true, true},
			"alive, same": {false, "relay@example.org", true, false},
			"unvouched":   {false, "other@example.org", false, false},
			"silent":      {true, "", true, false},
		} {
			in := brings(strings.ReplaceAll(from, ", ", "-"), "relay@example.org", true)
			in.At, in.Alone = noon, true
			enter(t, n, in)
			link := tell(t, n, undeliverable(t, in, "email-disabled"))
			if tt.dies {
				tell(t, n, unlink(t, in))
			}
			enter(t, n, brings(in.Connector, tt.address, tt.vouched))
			if gone := !slices.ContainsFunc(marked(t, n), func(row string) bool { return strings.Contains(row, link.ID) }); gone != tt.gone {
				t.Errorf("%s: the mark is gone: %t", from, gone)
			}
		}
		if got := n.dump(t, `SELECT id FROM links WHERE undeliverable_at IS NULL AND undeliverable_of <> ''`); len(got) != 0 {
			t.Errorf("hashes of %v are left", got)
		}
		if got := n.dump(t, `SELECT detail FROM audit WHERE kind = 'link.deliverable'`); len(got) != 2 || strings.Contains(strings.Join(got, ""), "example.org") {
			t.Errorf("the audit has %v", got)
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
