package idp_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// attributes are what the partner is told of the resident who signs in now.
func (b *bed) attributes(p partner) []message.Attribute {
	b.t.Helper()
	m := p.request(b)
	return b.facts(p, m, b.signOn(newBrowser(b.t), p, m)).Attributes
}

func TestRelease(t *testing.T) {
	const (
		basic       = mapping.NameFormatBasic
		uri         = mapping.NameFormatURI
		unspecified = mapping.NameFormatUnspecified
	)
	person := mapping.Claims{
		"address": map[string]any{"formatted": "1 High Street\nStrathmore"},
		"groups":  []any{"staff", "planning"}, "ward": "North", "number": "4711",
	}
	for name, test := range map[string]struct {
		style   string
		release []config.Release
		want    []message.Attribute
	}{
		"basic": {"basic", []config.Release{{As: "sub"}, {As: "name"}, {As: "email_verified"}}, []message.Attribute{
			{Name: "name", NameFormat: basic, Values: []string{"alice Example"}},
			{Name: "email_verified", NameFormat: basic, Values: []string{"true"}},
		}},
		"oid": {"oid", []config.Release{{As: "email"}, {As: "groups"}, {As: "ward"}}, []message.Attribute{
			{Name: "urn:oid:0.9.2342.19200300.100.1.3", NameFormat: uri, FriendlyName: "mail", Values: []string{"alice@strathmore.example"}},
			{Name: "urn:oid:1.3.6.1.4.1.5923.1.5.1.1", NameFormat: uri, FriendlyName: "isMemberOf", Values: []string{"staff", "planning"}},
			{Name: "ward", NameFormat: basic, Values: []string{"North"}},
		}},
		"adfs": {"adfs", []config.Release{{As: "email"}}, []message.Attribute{
			{Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", NameFormat: uri, Values: []string{"alice@strathmore.example"}},
		}},
		"named by the operator": {"oid", []config.Release{
			{As: "email", Attribute: "Mail", Friendly: "e-mail"},
			{As: "name", Attribute: "urn:example:name"},
			{As: "ward", Attribute: "urn:example:ward", NameFormat: "unspecified"},
		}, []message.Attribute{
			{Name: "Mail", NameFormat: basic, FriendlyName: "e-mail", Values: []string{"alice@strathmore.example"}},
			{Name: "urn:example:name", NameFormat: uri, Values: []string{"alice Example"}},
			{Name: "urn:example:ward", NameFormat: unspecified, Values: []string{"North"}},
		}},
		"computed": {"basic", []config.Release{
			{As: "council", Value: `"E07000123"`},
			{As: "teams", Value: `claims.groups.filter(g, g.startsWith("pl"))`},
			{As: "adult", Value: `claims.birthdate < "2008-01-01"`},
			{As: "score", Value: `1234567890.0`},
			{As: "address"},
		}, []message.Attribute{
			{Name: "council", NameFormat: basic, Values: []string{"E07000123"}},
			{Name: "teams", NameFormat: basic, Values: []string{"planning"}},
			{Name: "adult", NameFormat: basic, Values: []string{"true"}},
			{Name: "score", NameFormat: basic, Values: []string{"1234567890"}},
			{Name: "address", NameFormat: basic, Values: []string{"1 High Street\nStrathmore"}},
		}},
		"what is not there": {"basic", []config.Release{
			{As: "nickname"}, {As: "none", Value: "[]"}, {As: "object", Value: `{"a": 1}`}, {As: "broken", Value: "claims.ward.size() > 100 ? 1 : claims.nobody"},
		}, nil},
		"nothing": {"basic", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, planning.registered(t, func(a *config.App) { a.SAML.Attributes, a.Release = test.style, test.release }))
			b.provider.say("alice", person)
			if diff := cmp.Diff(test.want, b.attributes(planning)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Nothing leaves that is not on the app's list, in any part of the message.
func TestNoMoreThanReleased(t *testing.T) {
	b := newBed(t, parking.registered(t, func(a *config.App) { a.Release = []config.Release{{As: "ward"}} }))
	b.provider.say("alice", mapping.Claims{"ward": "North"})
	f := b.signOn(newBrowser(t), parking, parking.request(b))
	text := string(bytesOf(t, f))
	for _, secret := range []string{"alice", "Example", "1980", "+44", "4711"} {
		if strings.Contains(text, secret) {
			t.Errorf("the message tells %q", secret)
		}
	}
	if !strings.Contains(text, "North") {
		t.Error("the message does not tell the ward")
	}
}

// An e-mail address that nobody vouches for is not told, under any name: apps
// take whoever has it for its owner.
func TestUnverifiedEmail(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		b := newBed(t, planning.registered(t, func(a *config.App) {
			a.SAML.InsecureUnverifiedEmail = insecure
			a.Release = []config.Release{{As: "email"}, {As: "contact", Value: "claims.email"}}
		}))
		b.provider.say("mallory", mapping.Claims{"email": "alice@strathmore.example", "email_verified": false})
		want := 0
		if insecure {
			want = 2
		}
		if got := b.attributes(planning); len(got) != want {
			t.Errorf("insecure %v: %+v", insecure, got)
		}
		b.provider.signIn("alice")
		if got := b.attributes(planning); len(got) != 2 {
			t.Errorf("verified, insecure %v: %+v", insecure, got)
		}
	}
}

// An address that came in parts goes out in lines.
func TestAddressInParts(t *testing.T) {
	b := newBed(t, parking.registered(t, func(a *config.App) { a.Release = []config.Release{{As: "address"}} }))
	b.provider.say("alice", mapping.Claims{"address": map[string]any{"street_address": "1 High Street", "postal_code": "ST1 1AA"}})
	if got := b.attributes(parking); len(got) != 1 || got[0].Values[0] != "1 High Street\nST1 1AA" {
		t.Errorf("%+v", got)
	}
}

// Scoped values are those that we may speak for: a provider's word does not make
// anybody a person of the council's.
func TestScopedAttributes(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) {
		a.SAML.Attributes, a.Release = "eduperson", []config.Release{{As: "sub"}, {As: "preferred_username"}}
	}))
	for upn, scoped := range map[string]bool{
		"alice@strathmore.example": true, "alice@STRATHMORE.example": true, "alice@evil.example": false, "alice": false,
		"alice@evil.example@strathmore.example": false, "denied@strathmore.example": false,
	} {
		b.provider.say("alice", mapping.Claims{"upn": upn, "upn_verified": !strings.HasPrefix(upn, "denied")})
		got := b.attributes(planning)
		if want := 1; len(got) != want && !scoped || len(got) != 2 && scoped {
			t.Errorf("%s: %+v", upn, got)
			continue
		}
		id, scope, _ := strings.Cut(got[0].Values[0], "@")
		// SAML Subject Identifier Attributes 1.0 §3.4: no case, no underscore.
		if got[0].FriendlyName != "pairwise-id" || scope != "strathmore.example" || id != strings.ToLower(id) || strings.ContainsAny(id, "_.+/") {
			t.Errorf("%+v", got[0])
		}
	}
}

// What apps find accounts by is told only where the provider vouches for it,
// under whatever claim the operator keeps it.
func TestLoginNamesAreVouchedFor(t *testing.T) {
	for style, attribute := range map[string]string{
		"adfs":      "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
		"oid":       "urn:oid:0.9.2342.19200300.100.1.1",
		"eduperson": "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
	} {
		for claim, as := range map[string]string{"preferred_username": "", "ward": attribute} {
			b := newBed(t, planning.registered(t, func(a *config.App) {
				a.SAML.Attributes, a.Release = style, []config.Release{{As: claim, Attribute: as}}
			}))
			said := mapping.Claims{"upn": "admin@strathmore.example", "upn_verified": false, "ward": "admin@strathmore.example"}
			b.provider.say("mallory", said)
			if got := b.attributes(planning); len(got) != 0 {
				t.Errorf("%s, %s: %+v", style, claim, got)
			}
			said["upn_verified"] = true
			b.provider.say("mallory", said)
			if got := b.attributes(planning); claim == "preferred_username" && (len(got) != 1 || got[0].Name != attribute) {
				t.Errorf("%s, verified: %+v", style, got)
			}
		}
	}
}

// The subject is an attribute only where the operator names one.
func TestSubjectAsAttribute(t *testing.T) {
	b := newBed(t, planning.registered(t, func(a *config.App) {
		a.Release = []config.Release{{As: "sub", Attribute: "urn:example:subject"}}
	}))
	if got, name := b.attributes(planning), b.nameID(planning); len(got) != 1 || got[0].Values[0] != name.Value {
		t.Errorf("%+v", got)
	}
}
