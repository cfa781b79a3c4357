package attack_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// FuzzConsume looks for an answer that is accepted and says anything but what
// the provider said of Alice. A seed other than zero moves, copies and renames
// parts of the document, which finds in minutes what changing bytes would not
// in years.
func FuzzConsume(f *testing.F) {
	p := newProvider(f)
	for i, raw := range p.answers(f) {
		f.Add(raw, uint64(0))
		f.Add(raw, uint64(i+1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		p.holds(t, mutated(raw, seed))
	})
}

// The same for some hundred fixed seeds. Some of the documents are accepted
// still, or the test would prove nothing.
func TestMutatedAnswers(t *testing.T) {
	t.Parallel()
	p, accepted := newProvider(t), 0
	for _, raw := range p.answers(t) {
		for seed := range uint64(300) {
			if p.holds(t, mutated(raw, seed)) {
				accepted++
			}
		}
	}
	if accepted < 10 || accepted > 800 {
		t.Errorf("%d of 900 accepted", accepted)
	}
}

// provider signs with a key that is the same in every process of a fuzz run, or
// none would accept what another signed.
type provider struct {
	attack.Target
	said *message.Facts // of Alice
}

func newProvider(tb testing.TB) provider {
	tb.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	p := provider{
		Target: attack.Target{
			Issuer: "https://idp.example", Audience: "https://sp.example", ACS: "https://sp.example/acs",
			InResponseTo: "id-1", Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
			Provider: xmlsig.Credential{Signer: key, Certificate: certificate},
		},
	}
	for _, raw := range p.answers(tb) {
		if p.said, err = p.consume(raw); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

// answers are about Alice, with the assertion, the response or both signed.
func (p provider) answers(tb testing.TB) [][]byte {
	tb.Helper()
	sign := func(e *etree.Element) *etree.Element {
		signed, err := xmlsig.Sign(e, p.Provider, xmlsig.ECDSASHA256)
		if err != nil {
			tb.Fatal(err)
		}
		return signed
	}
	assertion := message.Statement{
		ID: "_a", Issuer: p.Issuer, IssueInstant: p.Now, NameID: message.NameID{Value: attack.Alice},
		Recipient: p.ACS, InResponseTo: p.InResponseTo, Audience: p.Audience,
		NotBefore: p.Now, NotOnOrAfter: p.Now.Add(time.Minute), AuthnInstant: p.Now, SessionIndex: "_s",
		Attributes: []message.Attribute{{Name: "mail", Values: []string{"alice@example.org"}}},
	}.Element
	response := func(assertion *etree.Element) *etree.Element {
		h := message.Header{ID: "_r", InResponseTo: p.InResponseTo, IssueInstant: p.Now, Destination: p.ACS, Issuer: p.Issuer}
		return message.Response(h, message.Status{Code: message.Success}, assertion)
	}
	return [][]byte{
		xmlgate.Bytes(response(sign(assertion()))),
		xmlgate.Bytes(sign(response(assertion()))),
		xmlgate.Bytes(sign(response(sign(assertion())))),
	}
}

func (p provider) consume(raw []byte) (*message.Facts, error) {
	u, err := xmlgate.Parse(raw, xmlgate.Limits{})
	if err != nil {
		return nil, err
	}
	return message.Consume(binding.Received{Binding: binding.POST, Message: u}, p.Expect())
}

// holds reports whether a document is accepted, and fails the test if it is
// about anybody or anything else.
func (p provider) holds(tb testing.TB, raw []byte) bool {
	tb.Helper()
	facts, err := p.consume(raw)
	if err != nil {
		return false
	}
	if diff := cmp.Diff(p.said, facts); diff != "" {
		tb.Errorf("accepted, but not what the provider said (-said +read):\n%s\n%s", diff, raw)
	}
	return true
}

// mutated is the document with its parts moved about, if it is one.
func mutated(raw []byte, seed uint64) []byte {
	doc := etree.NewDocument()
	if seed == 0 || doc.ReadFromBytes(raw) != nil || doc.Root() == nil {
		return raw
	}
	r := mathrand.New(mathrand.NewPCG(seed, 0))
	for range 1 + r.IntN(5) {
		mutate(doc.Root(), r)
	}
	return xmlgate.Bytes(doc.Root())
}

// mutate changes one thing.
func mutate(root *etree.Element, r *mathrand.Rand) {
	all := append(root.FindElements(".//*"), root)
	pick := func() *etree.Element { return all[r.IntN(len(all))] }
	from, to := pick(), pick()
	place := func(e *etree.Element) { to.InsertChildAt(r.IntN(len(to.Child)+1), e) }
	switch r.IntN(8) {
	case 0: // a copy of a part, elsewhere, with a new ID
		e := from.Copy()
		if e.SelectAttr("ID") != nil {
			e.CreateAttr("ID", "_new")
		}
		place(e)
	case 1: // a copy that says it is the administrator's
		e := from.Copy()
		for _, id := range e.FindElements(".//NameID") {
			id.SetText(attack.Admin)
		}
		place(e)
	case 2: // a wrapper around a part
		if parent := from.Parent(); parent != nil && from != root {
			e := etree.NewElement(pick().FullTag())
			i := from.Index()
			parent.RemoveChild(from)
			e.AddChild(from)
			parent.InsertChildAt(i, e)
		}
	case 3: // a part gone
		if from != root && from.Parent() != nil {
			from.Parent().RemoveChild(from)
		}
	case 4: // a part of another name
		from.Space, from.Tag = to.Space, to.Tag
	case 5: // a text of another
		from.SetText(to.Text())
	case 6: // an attribute of another
		if len(to.Attr) > 0 {
			a := to.Attr[r.IntN(len(to.Attr))]
			from.CreateAttr(a.FullKey(), a.Value)
		}
	case 7: // white space, or nothing at all
		from.CreateText([]string{" ", "\n", ""}[r.IntN(3)])
	}
}
