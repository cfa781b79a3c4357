package message_test

import (
	"crypto/x509"
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// artifactResponse answers request id with a message, or none.
func artifactResponse(target attack.Target, id string, s message.Status, inner *etree.Element) *etree.Element {
	e := message.Response(message.Header{ID: "_ar", InResponseTo: id, IssueInstant: target.Now, Issuer: target.Issuer}, s, inner)
	e.Tag = "ArtifactResponse"
	return e
}

func TestResolved(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	stranger, _ := attack.NewTarget(t)
	success := message.Status{Code: message.Success}
	genuine := func() *etree.Element { return answer(t, target, statement(target).Element()) }
	signed := func(c xmlsig.Credential, e *etree.Element) *etree.Element {
		e, err := xmlsig.Sign(e, c, xmlsig.RSASHA256)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	altered := func(alter func(e *etree.Element)) *etree.Element {
		e := artifactResponse(target, "_q", success, genuine())
		alter(e)
		return e
	}
	for _, c := range []struct {
		name, want string
		e          *etree.Element
	}{
		{"unsigned, the assertion is signed", "", artifactResponse(target, "_q", success, genuine())},
		{"signed", "", signed(target.Provider, artifactResponse(target, "_q", success, genuine()))},
		{"no Issuer", "", altered(func(e *etree.Element) { e.RemoveChild(e.FindElement("./Issuer")) })},
		{"signed by somebody else", "signature does not match", signed(stranger.Provider, artifactResponse(target, "_q", success, genuine()))},
		{"another request's", "answer to another request", artifactResponse(target, "_other", success, genuine())},
		{"nobody's", "answer to another request", artifactResponse(target, "", success, genuine())},
		{"another provider's", "another Issuer", altered(func(e *etree.Element) { e.FindElement("./Issuer").SetText("https://other") })},
		{"Version", "another Version than 2.0", altered(func(e *etree.Element) { e.CreateAttr("Version", "1.1") })},
		{"refused", "status Responder, RequestDenied", artifactResponse(target, "_q", message.Status{Code: message.Responder, Second: message.RequestDenied}, nil)},
		{"not known", "artifact that stands for no response", artifactResponse(target, "_q", success, nil)},
		{"two", "more than one Response", altered(func(e *etree.Element) { e.AddChild(etree.NewElement("samlp:Response")) })},
		{"not asked for", "message of another kind", genuine()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := binding.Received{Binding: binding.SOAP, Message: sent(t, c.e)}
			inner, err := message.Resolved(m, "_q", target.Issuer, []*x509.Certificate{target.Provider.Certificate}, xmlsig.Policy{})
			if c.want != "" {
				if err == nil || err.Error() != c.want {
					t.Errorf("%v; want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := message.Consume(inner, target.Expect()); err != nil {
				t.Error(err)
			}
		})
	}
}

// That the ArtifactResponse is signed says nothing of the response inside,
// which has to be signed itself.
func TestResolvedIsNoProof(t *testing.T) {
	t.Parallel()
	target, _ := attack.NewTarget(t)
	unsigned := message.Response(message.Header{ID: "_r", InResponseTo: target.InResponseTo, IssueInstant: target.Now},
		message.Status{Code: message.Success}, statement(target).Element())
	e, err := xmlsig.Sign(artifactResponse(target, "_q", message.Status{Code: message.Success}, unsigned), target.Provider, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	m := binding.Received{Binding: binding.SOAP, Message: sent(t, e)}
	inner, err := message.Resolved(m, "_q", target.Issuer, []*x509.Certificate{target.Provider.Certificate}, xmlsig.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := message.Consume(inner, target.Expect()); err == nil || err.Error() != "assertion: nothing is signed" {
		t.Errorf("%v", err)
	}
}
