package binding_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

func soap(inside string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">` + inside + `</s:Envelope>`
}

func TestReadSOAP(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"a message", soap(`<s:Body>` + message + `</s:Body>`), "<nil>"},
		{"an empty header", soap(`<s:Header/><s:Body>` + message + `</s:Body>`), "<nil>"},
		{"a header to be ignored", soap(`<s:Header><t xmlns="urn:t" s:mustUnderstand="0" mustUnderstand="1"/></s:Header><s:Body>` + message + `</s:Body>`), "<nil>"},

		{"a header to be understood", soap(`<s:Header><t xmlns="urn:t" s:mustUnderstand="1"/></s:Header><s:Body>` + message + `</s:Body>`), "SOAP header that must be understood"},
		{"no XML", `x`, "text outside the root element"},
		{"no envelope", message, "not a SOAP 1.1 envelope"},
		{"SOAP 1.2", `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>`, "not a SOAP 1.1 envelope"},
		{"nothing in the envelope", soap(``), "SOAP envelope of an unexpected shape"},
		{"no body", soap(`<s:Header/>`), "SOAP envelope of an unexpected shape"},
		{"two bodies", soap(`<s:Body>` + message + `</s:Body><s:Body/>`), "SOAP envelope of an unexpected shape"},
		{"a header behind", soap(`<s:Body>` + message + `</s:Body><s:Header/>`), "SOAP envelope of an unexpected shape"},
		{"something else", soap(`<Body>` + message + `</Body>`), "SOAP envelope of an unexpected shape"},
		{"an empty body", soap(`<s:Body/>`), "SOAP body without one message"},
		{"two messages", soap(`<s:Body>` + message + `<b/></s:Body>`), "SOAP body without one message"},

		{"a fault", soap(`<s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>alice</faultstring></s:Fault></s:Body>`), "SOAP fault Server"},
		{"a fault of a finer kind", soap(`<s:Body><s:Fault><faultcode>s:Client.alice</faultcode></s:Fault></s:Body>`), "SOAP fault Client"},
		{"a fault of their own", soap(`<s:Body><s:Fault><faultcode>alice</faultcode></s:Fault></s:Body>`), "SOAP fault"},
		{"a fault of no kind", soap(`<s:Body><s:Fault/></s:Body>`), "SOAP fault"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := binding.ReadSOAP([]byte(tt.body), xmlgate.Limits{})
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err == nil) != m.Message.Exists() {
				t.Error("returned a message and an error, or neither")
			}
		})
	}
}

func TestCall(t *testing.T) {
	key := credential(t)
	signed, err := xmlsig.Sign(element(t, message), key, xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	echo := func(_ context.Context, to, action string, envelope []byte) ([]byte, error) {
		if to != "https://sp.example/soap" || action != "http://www.oasis-open.org/committees/security" {
			t.Errorf("posted to %s with %s", to, action)
		}
		return envelope, nil
	}
	m, err := binding.Call(t.Context(), echo, "https://sp.example/soap", signed, xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Binding != binding.SOAP || m.Parameter != "" || m.RelayState != "" {
		t.Errorf("got %+v", m)
	}
	if _, err := m.Verify([]*x509.Certificate{key.Certificate}, xmlsig.Policy{}); err != nil {
		t.Error(err)
	}

	down := errors.New("down")
	_, err = binding.Call(t.Context(), func(context.Context, string, string, []byte) ([]byte, error) { return nil, down }, "", signed, xmlgate.Limits{})
	if !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	if _, err := binding.Call(t.Context(), echo, "", nil, xmlgate.Limits{}); err == nil {
		t.Error("sent nothing")
	}
}

func TestEnvelopeTakesACopy(t *testing.T) {
	e := element(t, message)
	before := e.Parent()
	envelope, err := binding.Envelope(e)
	if err != nil || !strings.Contains(string(envelope), message) {
		t.Errorf("got %s, %v", envelope, err)
	}
	if e.Parent() != before {
		t.Error("the message was taken from its place")
	}
}
