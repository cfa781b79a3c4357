package login

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// An app that is told how sure it is who somebody is, is not told a name beside
// that which nobody proved.
func TestKnownOfBorrowedIdentity(t *testing.T) {
	said := mapping.Statement{
		Claims: mapping.Claims{
			"name": "Somebody Else", "birthdate": "1984-03-09", "email": "alice@example.org", "email_verified": false,
		},
		Verified: []string{"birthdate"},
	}
	strong := mapping.Assurance{Authenticator: mapping.Cm}
	proved := mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}
	for name, test := range map[string]struct {
		proved, own mapping.Assurance
		name        bool
	}{
		"proved by another way in":  {strong, mapping.Assurance{}, false},
		"proved by this sign-in":    {proved, mapping.Assurance{}, true},
		"proved by this way before": {strong, proved.Person(), true},
	} {
		t.Run(name, func(t *testing.T) {
			f, s := Flow{Now: time.Now}, Session{Said: said, Proved: test.proved}
			f.weigh(&s, accounts.Account{Level: proved.Person()}, accounts.Link{Inherit: proved, Own: test.own})
			if s.Level != proved {
				t.Fatalf("the session is worth %s", s.Level)
			}
			want := said.Claims
			if !test.name {
				want = mapping.Claims{"birthdate": "1984-03-09", "email": "alice@example.org", "email_verified": false}
			}
			if diff := cmp.Diff(want, s.Known().Claims); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Of somebody who signs in once more, what the provider has stopped saying is told no
// more, unless it was asked something else.
func TestKnownOfOneQuestion(t *testing.T) {
	says := func(step string, claims mapping.Claims) Session {
		return Session{Link: "works", Step: step, Said: mapping.Statement{Claims: claims}}
	}
	before := says("sign_in", mapping.Claims{"name": "Alice", "groups": []any{"planning-officers"}})
	for step, want := range map[string]bool{"sign_in": false, "identity": true} {
		f := Flow{Now: time.Now}
		s := f.atop(says(step, mapping.Claims{"name": "Alice"}), before, accounts.Link{ID: "works"})
		if _, told := s.Known().Claims["groups"]; told != want {
			t.Errorf("%s: the groups of before are told: %t", step, told)
		}
	}
}
