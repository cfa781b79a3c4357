package message_test

import (
	"crypto"
	"errors"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// What an answer is refused for is held by the corpus of package attack. These
// tests hold what is read of one that is accepted.

// statement is all that can be said of Alice to the target.
func statement(t attack.Target) message.Statement {
	return message.Statement{
		ID: "_a", Issuer: t.Issuer, IssueInstant: t.Now,
		NameID: message.NameID{
			Value: " a<b>&é ", Format: message.Persistent,
			NameQualifier: t.Issuer, SPNameQualifier: t.Audience, SPProvidedID: "x",
		},
		Recipient: t.ACS, InResponseTo: t.InResponseTo, Audience: t.Audience,
		NotBefore: t.Now.Add(-time.Minute), NotOnOrAfter: t.Now.Add(5 * time.Minute),
		AuthnInstant: t.Now.Add(-time.Hour), SessionIndex: "_s", SessionNotOnOrAfter: t.Now.Add(8 * time.Hour),
		Context:     "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
		Authorities: []string{"https://a.example", "https://b.example"},
		Attributes: []message.Attribute{
			{
				Name: "urn:oid:0.9.2342.19200300.100.1.3", NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
				FriendlyName: "mail", Values: []string{"alice@example.org"},
			},
			{Name: "groups", Values: []string{`a<b>&"'é`, "", " spaced ", "two\nlines\tand a tab"}},
			{Name: "nothing"},
		},
	}
}

// answer is a response of the target's provider around an assertion, signed.
func answer(t testing.TB, target attack.Target, assertion *etree.Element) *etree.Element {
	t.Helper()
	signed, err := xmlsig.Sign(assertion, target.Provider, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	h := message.Header{
		ID: "_r", InResponseTo: target.InResponseTo, IssueInstant: target.Now, Destination: target.ACS, Issuer: target.Issuer,
	}
	return message.Response(h, message.Status{Code: message.Success}, signed)
}

// consumed is what is read of it.
func consumed(t testing.TB, target attack.Target, assertion *etree.Element, keys ...crypto.Decrypter) *message.Facts {
	t.Helper()
	m := binding.Received{Binding: binding.POST, Message: sent(t, answer(t, target, assertion))}
	facts, err := message.Consume(m, target.Expect(keys...))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func TestConsumeReadsAllThatIsSaid(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	s := statement(target)
	want := &message.Facts{
		AssertionID: s.ID, Until: target.Now.Add(6 * time.Minute), InResponseTo: target.InResponseTo,
		NameID: s.NameID, SessionIndex: s.SessionIndex, AuthnInstant: s.AuthnInstant,
		SessionNotOnOrAfter: s.SessionNotOnOrAfter, Context: s.Context, Authorities: s.Authorities, Attributes: s.Attributes,
	}
	if diff := cmp.Diff(want, consumed(t, target, s.Element())); diff != "" {
		t.Errorf("-said +read:\n%s", diff)
	}
}

// As little as may be said is read as nothing, not as something.
func TestConsumeReadsNoMore(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	s := statement(target)
	s.NameID, s.SessionIndex, s.SessionNotOnOrAfter = message.NameID{}, "", time.Time{}
	s.Authorities, s.Attributes = nil, nil
	want := &message.Facts{
		AssertionID: s.ID, Until: target.Now.Add(6 * time.Minute), InResponseTo: target.InResponseTo,
		AuthnInstant: s.AuthnInstant, Context: s.Context,
	}
	if diff := cmp.Diff(want, consumed(t, target, s.Element())); diff != "" {
		t.Errorf("-said +read:\n%s", diff)
	}
}

// Shibboleth refuses an AttributeStatement in which there is nothing.
func TestStatementHasNoEmptyAttributeStatement(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	s := statement(target)
	s.Attributes = nil
	if e := s.Element().FindElement("./AttributeStatement"); e != nil {
		t.Error("there is one")
	}
}

func TestConsumeReadsValues(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	for name, c := range map[string]struct {
		values string
		want   []string
	}{
		"text":                       {`<saml:AttributeValue>a</saml:AttributeValue>`, []string{"a"}},
		"white space is kept":        {"<saml:AttributeValue> a\n</saml:AttributeValue>", []string{" a\n"}},
		"empty":                      {`<saml:AttributeValue/>`, []string{""}},
		"nil":                        {`<saml:AttributeValue xsi:nil="true"/><saml:AttributeValue xsi:nil="1"/>`, nil},
		"not nil":                    {`<saml:AttributeValue xsi:nil="false">a</saml:AttributeValue>`, []string{"a"}},
		"nil of another namespace":   {`<saml:AttributeValue nil="true">a</saml:AttributeValue>`, []string{"a"}},
		"NameID":                     {`<saml:AttributeValue><saml:NameID Format="x">a</saml:NameID></saml:AttributeValue>`, []string{"a"}},
		"NameID of a source":         {`<saml:AttributeValue><saml:NameID NameQualifier="p" SPNameQualifier="s">a</saml:NameID></saml:AttributeValue>`, []string{"p!s!a"}},
		"NameID of a provider":       {`<saml:AttributeValue><saml:NameID NameQualifier="p">a</saml:NameID></saml:AttributeValue>`, []string{"p!!a"}},
		"NameID for an affiliation":  {`<saml:AttributeValue><saml:NameID SPNameQualifier="s">a</saml:NameID></saml:AttributeValue>`, []string{"!s!a"}},
		"qualifiers of no NameID":    {`<saml:AttributeValue><saml:x NameQualifier="p">a</saml:x></saml:AttributeValue>`, []string{"a"}},
		"NameID with space around":   {"<saml:AttributeValue>\n<saml:NameID>a</saml:NameID>\n</saml:AttributeValue>", []string{"a"}},
		"text beside an element":     {`<saml:AttributeValue>admin<saml:NameID>a</saml:NameID></saml:AttributeValue>`, nil},
		"text after an element":      {`<saml:AttributeValue><saml:NameID>a</saml:NameID>dmin</saml:AttributeValue>`, nil},
		"two elements":               {`<saml:AttributeValue><saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID></saml:AttributeValue>`, nil},
		"elements in an element":     {`<saml:AttributeValue><saml:NameID><saml:x>a</saml:x></saml:NameID></saml:AttributeValue>`, nil},
		"value of another namespace": {`<xsi:AttributeValue>a</xsi:AttributeValue>`, nil},
		"text of any type":           {`<saml:AttributeValue xsi:type="xs:anyURI">urn:a</saml:AttributeValue>`, []string{"urn:a"}},
		"text and CDATA":             {`<saml:AttributeValue>a<![CDATA[<b>]]>c</saml:AttributeValue>`, []string{"a<b>c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := statement(target)
			s.Attributes = []message.Attribute{{Name: "x"}}
			assertion := s.Element()
			part := gated(t, `<saml:Attribute Name="x" xmlns:saml="`+message.Assertion+`" xmlns:xs="urn:xs" `+
				`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+c.values+`</saml:Attribute>`)
			list := assertion.FindElement("./AttributeStatement")
			list.RemoveChildAt(0)
			list.AddChild(part.Tree())
			want := []message.Attribute{{Name: "x", Values: c.want}}
			if diff := cmp.Diff(want, consumed(t, target, assertion).Attributes); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Several attributes of one name would leave it to each reader which one counts.
func TestConsumeJoinsAttributesOfOneName(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	s := statement(target)
	s.Attributes = []message.Attribute{
		{Name: "a", NameFormat: "urn:1", Values: []string{"1"}},
		{Name: "b", Values: []string{"2"}},
		{Name: "a", NameFormat: "urn:2", Values: []string{"3", "4"}},
	}
	want := []message.Attribute{
		{Name: "a", NameFormat: "urn:1", Values: []string{"1", "3", "4"}},
		{Name: "b", Values: []string{"2"}},
	}
	if diff := cmp.Diff(want, consumed(t, target, s.Element()).Attributes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConsumeReadsProxyRestriction(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	assertion := statement(target).Element()
	proxy := assertion.FindElement("./Conditions").CreateElement("saml:ProxyRestriction")
	proxy.CreateAttr("Count", "0")
	proxy.CreateElement("saml:Audience").SetText("https://app.example")
	facts := consumed(t, target, assertion)
	if facts.ProxyCount == nil || *facts.ProxyCount != 0 {
		t.Errorf("count %v", facts.ProxyCount)
	}
	if diff := cmp.Diff([]string{"https://app.example"}, facts.ProxyAudiences); diff != "" {
		t.Error(diff)
	}
}

// Others write times to the millisecond, the nanosecond, another zone or none.
func TestConsumeReadsTimes(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	for _, layout := range []string{
		"2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.0000000Z", "2006-01-02T15:04:05", "2006-01-02T15:04:05.000+00:00",
	} {
		assertion := statement(target).Element()
		assertion.FindElement("./AuthnStatement").CreateAttr("AuthnInstant", target.Now.Format(layout))
		if got := consumed(t, target, assertion).AuthnInstant; !got.Equal(target.Now) {
			t.Errorf("%s: %v", layout, got)
		}
	}
	assertion := statement(target).Element()
	summer := time.FixedZone("BST", 3600)
	assertion.FindElement("./AuthnStatement").CreateAttr("AuthnInstant", target.Now.In(summer).Format(time.RFC3339))
	if got := consumed(t, target, assertion).AuthnInstant; !got.Equal(target.Now) {
		t.Errorf("summer time: %v", got)
	}
}

// The reasons for which a provider does not sign somebody in reach the caller,
// who shows a page for each.
func TestConsumeSaysWhyThereIsNoAssertion(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	want := message.Status{Code: message.Responder, Second: message.NoAuthnContext, Message: "<b>no</b>"}
	h := message.Header{ID: "_r", InResponseTo: target.InResponseTo, IssueInstant: target.Now, Destination: target.ACS}
	m := binding.Received{Binding: binding.POST, Message: sent(t, message.Response(h, want, nil))}
	_, err := message.Consume(m, target.Expect())
	failed, ok := errors.AsType[*message.StatusError](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(want, failed.Status); diff != "" {
		t.Error(diff)
	}
	if got := err.Error(); got != "response: status Responder, NoAuthnContext" {
		t.Errorf("%s", got)
	}
}
