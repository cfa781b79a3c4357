package accounts_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/accounts"
)

// Whoever has the code sees who asks them, before they say yes or no; and no is no.
func TestDecline(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann := resident(t, n, "mum"), resident(t, n, "ann")
		code := invite(t, n, mum.ID, 30*day, "tax")
		d, principal, err := n.Invited(t.Context(), ann.ID, strings.ToLower(code))
		if err != nil || principal.ID != mum.ID || d.Label != "my daughter" || len(d.Apps) != 1 || !d.Until.Equal(noon.Add(30*day)) {
			t.Errorf("invited to %+v by %s, %v", d, principal.ID, err)
		}
		for who, account := range map[string]string{"mum": mum.ID, "whoever guesses": ann.ID} {
			code, want := code, accounts.ErrOneself
			if who != "mum" {
				code, want = "AAAA-BBBB-CCCC-DDDD", accounts.ErrInvitation
			}
			if _, _, err := n.Invited(t.Context(), account, code); !errors.Is(err, want) {
				t.Errorf("%s is told %v", who, err)
			}
			if err := n.Decline(t.Context(), account, code); !errors.Is(err, accounts.ErrInvitation) {
				t.Errorf("%s declines: %v", who, err)
			}
		}
		if err := n.Decline(t.Context(), ann.ID, code); err != nil {
			t.Fatal(err)
		}
		if _, _, err := n.Invited(t.Context(), ann.ID, code); !errors.Is(err, accounts.ErrInvitation) {
			t.Errorf("she is invited still: %v", err)
		}
		if given, _, err := n.Delegations(t.Context(), mum.ID); err != nil || len(given) != 1 || given[0].Ended.IsZero() || given[0].Delegate != "" {
			t.Errorf("the invitation is %+v, %v", given, err)
		}
		if notices := n.dump(t, `SELECT payload FROM outbox WHERE kind = 'notice' AND payload LIKE '%delegation-declined%'`); len(notices) != 1 || !strings.Contains(notices[0], mum.ID) {
			t.Errorf("told: %v", notices)
		}
	})
}
