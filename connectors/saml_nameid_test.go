package connectors_test

import (
	"testing"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// Whom a link hangs on for ever. No two of these are one.
func TestNameIDSubjects(t *testing.T) {
	const windows = "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName"
	seen := map[string]string{}
	for _, test := range []struct {
		name string
		id   message.NameID
		want string
	}{
		{"persistent", message.NameID{Value: "V", Format: message.Persistent}, "V"},
		{"unspecified", message.NameID{Value: "V", Format: message.Unspecified}, message.Unspecified + "!!!V"},
		{"e-mail address", message.NameID{Value: "V", Format: message.Email}, message.Email + "!!!V"},
		{"of Windows", message.NameID{Value: "V", Format: windows}, windows + "!!!V"},
		{"qualified", message.NameID{Value: "V", Format: message.Persistent, NameQualifier: "Q"}, message.Persistent + "!Q!!V"},
		{"for others", message.NameID{Value: "V", Format: message.Persistent, SPNameQualifier: "Q"}, message.Persistent + "!!Q!V"},
		{"looks qualified", message.NameID{Value: "Q!V", Format: message.Persistent}, message.Persistent + "!!!Q!V"},
		{"looks like another format", message.NameID{Value: message.Unspecified + "!!!V", Format: message.Persistent}, message.Persistent + "!!!" + message.Unspecified + "!!!V"},
		{"qualifier with a mark", message.NameID{Value: "V", Format: message.Persistent, NameQualifier: "Q!R"}, message.Persistent + "!Q%21R!!V"},
		{"qualifier that looks escaped", message.NameID{Value: "V", Format: message.Persistent, NameQualifier: "Q%21R"}, message.Persistent + "!Q%2521R!!V"},
		{"both qualifiers", message.NameID{Value: "V", Format: message.Persistent, NameQualifier: "Q", SPNameQualifier: "R"}, message.Persistent + "!Q!R!V"},
	} {
		h := newHandmade(t)
		a := h.attempt()
		s := h.statement(a)
		s.NameID = test.id
		got, err := h.finish(a, s)
		if err != nil || got.Subject != test.want {
			t.Errorf("%s: got %+v, %v; want %s", test.name, got, err, test.want)
			continue
		}
		if other, taken := seen[got.Subject]; taken {
			t.Errorf("%s and %s are one", test.name, other)
		}
		seen[got.Subject] = test.name
	}
}

// What says the same says it of the same person.
func TestNameIDSpellings(t *testing.T) {
	for _, test := range []struct {
		id   message.NameID
		want string
	}{
		{message.NameID{Value: "V"}, message.Unspecified + "!!!V"},
		{message.NameID{Value: "V", Format: message.Persistent, NameQualifier: idp}, "V"},
		{message.NameID{Value: "V", Format: message.Persistent, SPNameQualifier: spEntityID}, "V"},
	} {
		h := newHandmade(t)
		a := h.attempt()
		s := h.statement(a)
		s.NameID = test.id
		if got, err := h.finish(a, s); err != nil || got.Subject != test.want {
			t.Errorf("%+v: got %+v, %v; want %s", test.id, got, err, test.want)
		}
	}
}

// Core §3.4.1.1: whoever is asked for a format answers with it.
func TestNameIDFormatAskedFor(t *testing.T) {
	for _, test := range []struct {
		asked, got string
		ok         bool
	}{
		{"persistent", message.Persistent, true},
		{"persistent", message.Email, false},
		{"persistent", "", false},
		{"persistent", message.Transient, false},
		{"email", message.Email, true},
		{"email", message.Persistent, false},
		{"transient", message.Transient, true},
		{"transient", message.Persistent, false},
		{"unspecified", message.Unspecified, true},
		{"unspecified", message.Persistent, true}, // the provider's choice
		{"urn:a", "urn:a", true},
		{"urn:a", "urn:b", false},
		{"", message.Email, true},
	} {
		h := newHandmade(t)
		h.cfg.Subject, h.cfg.SAML.Request.NameIDFormat = "claims.uid", test.asked
		a := h.attempt()
		s := h.statement(a)
		s.NameID = message.NameID{Value: "V", Format: test.got}
		s.Attributes = []message.Attribute{{Name: "uid", Values: []string{"4711"}}}
		got, err := h.finish(a, s)
		if !test.ok {
			wantOutcome(t, got, err, connectors.Refused)
		} else if err != nil {
			t.Errorf("asked for %q, got %q: %v", test.asked, test.got, err)
		}
	}
}

// Where no NameID comes, there is none of a wrong format.
func TestNameIDFormatOfNone(t *testing.T) {
	h := newHandmade(t)
	h.cfg.Subject, h.cfg.SAML.Request.NameIDFormat = "claims.uid", "persistent"
	a := h.attempt()
	s := h.statement(a)
	s.NameID, s.Attributes = message.NameID{}, []message.Attribute{{Name: "uid", Values: []string{"4711"}}}
	if _, err := h.finish(a, s); err != nil {
		t.Error(err)
	}
}
