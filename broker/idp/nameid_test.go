package idp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// nameID is what the partner knows the resident by who signs in now.
func (b *bed) nameID(p partner, change ...func(*message.AuthnRequest)) message.NameID {
	b.t.Helper()
	m := p.request(b, change...)
	return b.facts(p, m, b.signOn(newBrowser(b.t), p, m)).NameID
}

func format(f string) func(*message.AuthnRequest) {
	return func(m *message.AuthnRequest) { m.NameIDFormat = f }
}

// A resident has one lasting name per app, and no two apps can tell that theirs
// are one person's.
func TestPersistentIsPairwise(t *testing.T) {
	b := newBed(t)
	alice := b.nameID(planning)
	if again := b.nameID(planning, format(message.Persistent)); again != alice {
		t.Errorf("%+v, then %+v", alice, again)
	}
	if alice.NameQualifier != b.entityID() || alice.SPNameQualifier != planning.entityID {
		t.Errorf("qualifiers of %+v", alice)
	}
	if other := b.nameID(library); other.Value == alice.Value {
		t.Error("two apps share a name")
	}
	b.provider.signIn("bob")
	if bob := b.nameID(planning); bob.Value == alice.Value {
		t.Error("two residents share a name")
	}
}

// Apps of one sector know a resident by one name, as OpenID apps do.
func TestSectorSharesNames(t *testing.T) {
	sector := func(a *config.App) { a.Sector = "shared.example" }
	b := newBed(t, planning.registered(t, sector), library.registered(t, sector))
	if one, other := b.nameID(planning), b.nameID(library); one.Value != other.Value {
		t.Errorf("%s and %s", one.Value, other.Value)
	}
}

// A transient name lasts as long as the session, and neither another session of
// the resident's nor another app has the same.
func TestTransient(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	name := func(browser *http.Client, p partner) message.NameID {
		m := p.request(b, format(message.Transient))
		facts := b.facts(p, m, b.signOn(browser, p, m))
		if facts.NameID.Value == facts.SessionIndex {
			t.Error("the name is the SessionIndex")
		}
		return facts.NameID
	}
	one := name(browser, planning)
	if one.Format != message.Transient || one.SPNameQualifier != planning.entityID {
		t.Errorf("%+v", one)
	}
	if again := name(browser, planning); again != one {
		t.Errorf("%+v, then %+v", one, again)
	}
	for _, other := range []message.NameID{name(browser, library), name(newBrowser(t), planning)} {
		if other.Value == one.Value {
			t.Errorf("%+v and %+v", one, other)
		}
	}
}

func TestEmailFormat(t *testing.T) {
	b := newBed(t)
	want := message.NameID{Value: "alice@strathmore.example", Format: message.Email}
	if got := b.nameID(planning, format(message.Email)); got != want {
		t.Errorf("%+v", got)
	}
}

// unspecified is no wish (Core §8.3.1), except of an app that gets just that.
func TestUnspecifiedFormat(t *testing.T) {
	b := newBed(t)
	if got := b.nameID(planning, format(message.Unspecified)); got.Format != message.Persistent {
		t.Errorf("%+v", got)
	}
	b = newBed(t, planning.registered(t, func(a *config.App) { a.SAML.NameID.Formats = []string{"transient", "unspecified"} }))
	if got := b.nameID(planning, format(message.Unspecified)); got.Format != message.Unspecified || got.NameQualifier != "" {
		t.Errorf("%+v", got)
	}
	if got := b.nameID(planning); got.Format != message.Transient {
		t.Errorf("%+v", got)
	}
}

func TestNoQualifiers(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) { *a.SAML.NameID.Qualifiers = false }))
	if got := b.nameID(planning); got.NameQualifier != "" || got.SPNameQualifier != "" {
		t.Errorf("%+v", got)
	}
}

func TestNameIDValue(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) {
		a.SAML.NameID.Value = `"E" + claims.employee_number`
		a.SAML.NameID.Formats = []string{"unspecified", "persistent", "transient"}
	}))
	b.provider.say("alice", mapping.Claims{"number": "4711"})
	for _, f := range []string{message.Unspecified, message.Persistent} {
		if got := b.nameID(planning, format(f)); got.Value != "E4711" || got.Format != f {
			t.Errorf("%+v", got)
		}
	}
	if got := b.nameID(planning, format(message.Transient)); got.Value == "E4711" {
		t.Error("a transient name tells who it is")
	}
	for name, number := range map[string]any{"absent": nil, "empty": "", "long": strings.Repeat("1", 256)} {
		b.provider.say("alice", mapping.Claims{"number": number})
		m := planning.request(b)
		if got := b.status(planning, m, b.signOn(newBrowser(t), planning, m)); got.Second != message.InvalidNameIDPolicy {
			t.Errorf("%s: status %+v", name, got)
		}
	}
}

// What is made of claims follows the way in: an app sees by each what it saw before,
// while accounts are one and when they are two again.
func TestNameIDValueOutlastsAMerge(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) { a.SAML.NameID.Value = "claims.employee_number" }))
	b.accounts.UndoTime, b.accounts.Sector = time.Hour, func(string) string { return "" } // as the broker has it
	numbers := map[string]string{"alice": "4711", "bob": "0815"}
	check := func(when string) {
		t.Helper()
		for person, number := range numbers {
			b.provider.say(person, mapping.Claims{"number": number})
			if got := b.nameID(planning); got.Value != number {
				t.Errorf("%s: %s is %q, want %q", when, person, got.Value, number)
			}
		}
	}
	check("before")
	var accounts []string
	for person := range numbers {
		account, err := b.accounts.Whose(t.Context(), "https://provider.example", person)
		b.must(err)
		accounts = append(accounts, account)
	}
	id, err := b.accounts.Propose(t.Context(), accounts[0], accounts[1], "one", "test")
	b.must(err)
	b.must(b.accounts.Approve(t.Context(), id, "two"))
	check("merged")
	b.must(b.accounts.ProposeUndo(t.Context(), id, "one", "test"))
	_, err = b.accounts.ApproveUndo(t.Context(), id, "two")
	b.must(err)
	check("taken apart")
}

// An identifier that a legacy system gave out is kept.
func TestPinnedNameID(t *testing.T) {
	for _, value := range []string{"", "claims.employee_number"} {
		b := newBed(t, planning.registered(t, func(a *config.App) { a.SAML.NameID.Value = value }))
		b.provider.say("alice", mapping.Claims{"number": "4711"})
		b.nameID(planning)
		b.pin("planning.example", "legacy-0815")
		if got := b.nameID(planning); got.Value != "legacy-0815" {
			t.Errorf("%+v", got)
		}
	}
}

// pin gives the one account there is a subject of a sector's, as an import does.
func (b *bed) pin(sector, subject string) {
	b.t.Helper()
	acc, _, _, err := b.accounts.Enter(b.t.Context(), accounts.SignIn{
		Connector: "upstream", Issuer: "https://provider.example", Subject: "alice", At: b.now(),
	})
	b.must(err)
	b.must(b.accounts.Pin(b.t.Context(), acc.ID, sector, subject))
}

// A session has one index per app, which stays while it lasts, and no two apps
// can tell that theirs are one.
func TestSessionIndex(t *testing.T) {
	b := newBed(t)
	browser := newBrowser(t)
	in := func(p partner) string {
		m := p.request(b)
		return b.facts(p, m, b.signOn(browser, p, m)).SessionIndex
	}
	one := in(planning)
	if again := in(planning); again != one {
		t.Errorf("%s, then %s", one, again)
	}
	if other := in(library); other == one {
		t.Error("two apps share an index")
	}
	browser = newBrowser(t)
	if other := in(planning); other == one {
		t.Error("two sessions share an index")
	}
}
