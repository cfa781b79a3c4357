package message_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// usual is a statement with as many attributes as providers send.
func usual(t attack.Target) message.Statement {
	s := statement(t)
	s.Attributes = nil
	for i := range 10 {
		s.Attributes = append(s.Attributes, message.Attribute{
			Name:       fmt.Sprintf("urn:oid:1.3.6.1.4.1.5923.1.1.1.%d", i),
			NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri", FriendlyName: "attribute", Values: []string{"a usual value"},
		})
	}
	return s
}

// BenchmarkConsume reads an answer as a connector does, from the form's field.
func BenchmarkConsume(b *testing.B) {
	target, key := attack.NewTarget(b)
	plain := answer(b, target, usual(target).Element())
	sealed := plain.Copy()
	assertion := sealed.FindElement("./Assertion")
	data, err := xmlenc.Encrypt(assertion, target.Recipient, xmlenc.AES256GCM, xmlenc.OAEPMGF1P)
	if err != nil {
		b.Fatal(err)
	}
	sealed.RemoveChild(assertion)
	sealed.AddChild(message.Encrypted(data))
	for name, e := range map[string]*etree.Element{"signed": plain, "encrypted": sealed} {
		b.Run(name, func(b *testing.B) {
			field := base64.StdEncoding.EncodeToString(xmlgate.Bytes(e))
			for b.Loop() {
				u := unfolded(b, field)
				if _, err := message.Consume(binding.Received{Binding: binding.POST, Message: u}, target.Expect(key)); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b)
		})
	}
}

func unfolded(b *testing.B, field string) xmlgate.Unverified {
	raw, err := base64.StdEncoding.DecodeString(field)
	if err != nil {
		b.Fatal(err)
	}
	u, err := xmlgate.Parse(raw, xmlgate.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// BenchmarkIssue makes an answer as an identity provider does.
func BenchmarkIssue(b *testing.B) {
	target, _ := attack.NewTarget(b)
	s := usual(target)
	h := message.Header{ID: "_r", InResponseTo: "_q", IssueInstant: target.Now, Destination: target.ACS, Issuer: target.Issuer}
	for b.Loop() {
		signed, err := xmlsig.Sign(s.Element(), target.Provider, xmlsig.RSASHA256)
		if err != nil {
			b.Fatal(err)
		}
		binding.Form(binding.Response, message.Response(h, message.Status{Code: message.Success}, signed), "state")
	}
	perSecond(b)
}

// BenchmarkHostile1MiB reads the dearest of what anybody may send: as many
// elements as there may be in as many bytes, under a signature that is genuine
// but of something else.
func BenchmarkHostile1MiB(b *testing.B) {
	target, key := attack.NewTarget(b)
	h := message.Header{ID: "_r", InResponseTo: target.InResponseTo, IssueInstant: target.Now, Destination: target.ACS, Issuer: target.Issuer}
	e, err := xmlsig.Sign(message.Response(h, message.Status{Code: message.Success}, usual(target).Element()), target.Provider, xmlsig.RSASHA256)
	if err != nil {
		b.Fatal(err)
	}
	padding := strings.Repeat("a&", 4)
	for range 19_000 {
		x := e.CreateElement("samlp:x")
		x.CreateAttr("a", padding)
	}
	raw := xmlgate.Bytes(e)
	for b.Loop() {
		u, err := xmlgate.Parse(raw, xmlgate.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := message.Consume(binding.Received{Binding: binding.POST, Message: u}, target.Expect(key)); err == nil {
			b.Fatal("accepted")
		}
	}
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
}
