package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// noon is when everything in these tests happens.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 123_000_000, time.UTC) }

func header() message.Header {
	return message.Header{
		ID: "_1", IssueInstant: noon(), Destination: "https://idp.example/sso", Issuer: "https://sp.example",
	}
}

// sent is a message as its receiver gets it.
func sent(t testing.TB, e *etree.Element) xmlgate.Unverified {
	t.Helper()
	return gated(t, string(xmlgate.Bytes(e)))
}

func gated(t testing.TB, raw string) xmlgate.Unverified {
	t.Helper()
	u, err := xmlgate.Parse([]byte(raw), xmlgate.Limits{})
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return u
}

func TestAuthnRequestIsReadAsItWasMade(t *testing.T) {
	t.Parallel()
	index, hops := 0, 2
	for name, want := range map[string]message.AuthnRequest{
		"plain": {Header: header()},
		"all of it": {
			Header: header(), ACSURL: "https://sp.example/acs", ProtocolBinding: "urn:binding",
			Subject:    message.NameID{Value: "alice", Format: message.Email},
			ForceAuthn: true, IsPassive: true, NameIDFormat: message.Persistent, AllowCreate: true, SPNameQualifier: "https://q",
			Contexts: []string{"urn:a", "urn:b"}, Comparison: "minimum", RequesterIDs: []string{"https://app", "https://other"},
		},
		"index":           {Header: header(), ACSIndex: &index},
		"no proxy":        {Header: header(), ProxyCount: &index},
		"providers":       {Header: header(), ProxyCount: &hops, ProviderIDs: []string{"https://a", "https://b"}},
		"contexts":        {Header: header(), Contexts: []string{"urn:a"}, Comparison: "exact"},
		"qualifier alone": {Header: header(), SPNameQualifier: "https://q"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := sent(t, want.Element())
			got, err := message.ParseAuthnRequest(u.Element)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-made +read:\n%s", diff)
			}
			if got := message.Issuer(u); got != "https://sp.example" {
				t.Errorf("issuer %q", got)
			}
		})
	}
}

// The schema has the children in this order, and strict readers hold to it.
func TestAuthnRequestHasItsPartsInOrder(t *testing.T) {
	t.Parallel()
	extension := etree.NewElement("x:SPType")
	extension.CreateAttr("xmlns:x", "urn:x")
	m := message.AuthnRequest{
		Header: header(), NameIDFormat: message.Transient, Contexts: []string{"urn:a"}, Comparison: "exact",
		RequesterIDs: []string{"https://app"}, Subject: message.NameID{Value: "alice"},
		Extensions: []*etree.Element{extension},
	}
	var got []string
	for _, c := range m.Element().ChildElements() {
		got = append(got, c.Tag)
	}
	want := "Issuer Extensions Subject NameIDPolicy RequestedAuthnContext Scoping"
	if strings.Join(got, " ") != want {
		t.Errorf("%v; want %s", got, want)
	}
	// Logins at the same time share the extension, so each message has a copy.
	m.Element()
	if extension.Parent() != nil {
		t.Error("the extension was taken, not copied")
	}
}

const requestStart = `<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ` +
	`ID="_1" Version="2.0" IssueInstant="2026-11-20T12:00:00Z"`

// refusal is a document and what its refusal says.
type refusal struct{ want, raw string }

func refusedRequests() []refusal {
	const from = `><a:Issuer>https://sp.example</a:Issuer>`
	const end = `</p:AuthnRequest>`
	return []refusal{
		{"no Issuer", requestStart + `/>`},
		{"no Issuer", requestStart + `><a:Issuer> </a:Issuer>` + end},
		{"Issuer that is no entity", requestStart + `><a:Issuer Format="urn:x">https://sp.example</a:Issuer>` + end},
		{"more than one Issuer", requestStart + from + from[1:] + end},
		{"more than one Scoping", requestStart + from + `<p:Scoping/><p:Scoping/>` + end},
		{"more than one IDPList", requestStart + from + `<p:Scoping><p:IDPList/><p:IDPList/></p:Scoping>` + end},
		{"malformed ProxyCount", requestStart + from + `<p:Scoping ProxyCount="-1"/>` + end},
		{"no ID", strings.Replace(requestStart, "_1", "", 1) + from + end},
		{"another Version than 2.0", strings.Replace(requestStart, "2.0\" I", "2.1\" I", 1) + from + end},
		{"no IssueInstant", strings.Replace(requestStart, "IssueInstant", "Instant", 1) + from + end},
		{"malformed IssueInstant", strings.Replace(requestStart, "T12", "T25", 1) + from + end},
		{"message of another kind", strings.ReplaceAll(requestStart+from+end, "AuthnRequest", "LogoutRequest")},
		{"AssertionConsumerServiceIndex beside what it excludes", requestStart + ` AssertionConsumerServiceIndex="1" AssertionConsumerServiceURL="https://x"` + from + end},
		{"AssertionConsumerServiceIndex beside what it excludes", requestStart + ` AssertionConsumerServiceIndex="1" ProtocolBinding="urn:x"` + from + end},
		{"malformed AssertionConsumerServiceIndex", requestStart + ` AssertionConsumerServiceIndex="-1"` + from + end},
		{"malformed ForceAuthn", requestStart + ` ForceAuthn="yes"` + from + end},
		{"malformed IsPassive", requestStart + ` IsPassive="TRUE"` + from + end},
		{"malformed AllowCreate", requestStart + from + `<p:NameIDPolicy AllowCreate="2"/>` + end},
		{"more than one NameIDPolicy", requestStart + from + `<p:NameIDPolicy/><p:NameIDPolicy/>` + end},
		{"empty RequestedAuthnContext", requestStart + from + `<p:RequestedAuthnContext/>` + end},
		{"unknown Comparison", requestStart + from +
			`<p:RequestedAuthnContext Comparison="any"><a:AuthnContextClassRef>urn:a</a:AuthnContextClassRef></p:RequestedAuthnContext>` + end},
		{"more than one RequestedAuthnContext", requestStart + from + `<p:RequestedAuthnContext/><p:RequestedAuthnContext/>` + end},
		{"more than one Subject", requestStart + from + `<a:Subject/><a:Subject/>` + end},
		{"BaseID, which is not supported", requestStart + from + `<a:Subject><a:BaseID/></a:Subject>` + end},
		{"more than one name identifier", requestStart + from + `<a:Subject><a:NameID>a</a:NameID><a:NameID>b</a:NameID></a:Subject>` + end},
		{"NameID without text", requestStart + from + `<a:Subject><a:NameID/></a:Subject>` + end},
	}
}

func TestAuthnRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range refusedRequests() {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			if m, err := message.ParseAuthnRequest(gated(t, c.raw).Element); err == nil || err.Error() != c.want {
				t.Errorf("%v, %+v", err, m)
			}
		})
	}
}

// Each reason has a document, as those of Consume have in package attack.
func TestEveryReasonHasADocument(t *testing.T) {
	t.Parallel()
	all := slices.Concat(refusedRequests(), refusedLogouts())
	for reason, pattern := range attack.Reasons(t, "request.go", "logout.go") {
		if !slices.ContainsFunc(all, func(c refusal) bool { return pattern.MatchString(c.want) }) {
			t.Errorf("no document is refused for %q", reason)
		}
	}
}

// What a request asks for in words that we do not know must not be taken for
// no wish at all.
func TestAuthnRequestWishesAreNotLost(t *testing.T) {
	t.Parallel()
	raw := requestStart + ` ForceAuthn="1" IsPassive="0"><a:Issuer> https://sp.example
	</a:Issuer><p:RequestedAuthnContext><a:AuthnContextDeclRef>urn:declared</a:AuthnContextDeclRef></p:RequestedAuthnContext></p:AuthnRequest>`
	m, err := message.ParseAuthnRequest(gated(t, raw).Element)
	if err != nil {
		t.Fatal(err)
	}
	if !m.ForceAuthn || m.IsPassive || m.Issuer != "https://sp.example" {
		t.Errorf("%+v", m)
	}
	if diff := cmp.Diff([]string{"urn:declared"}, m.Contexts); diff != "" {
		t.Error(diff)
	}
}
