package message_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

func TestLogoutRequestIsReadAsItWasMade(t *testing.T) {
	t.Parallel()
	id := message.NameID{Value: " a<b>&é ", Format: message.Persistent, NameQualifier: "https://idp", SPNameQualifier: "https://sp", SPProvidedID: "x"}
	for name, want := range map[string]message.LogoutRequest{
		"plain":            {Header: header(), NameID: message.NameID{Value: "alice"}},
		"all of it":        {Header: header(), NameID: id, NotOnOrAfter: noon().Add(time.Minute), SessionIndexes: []string{"_s1", "_s2"}, Asynchronous: true},
		"one of a session": {Header: header(), NameID: id, SessionIndexes: []string{"_s1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := message.ParseLogoutRequest(sent(t, want.Element()).Element, nil, xmlenc.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-made +read:\n%s", diff)
			}
		})
	}
}

func TestLogoutRequestWithAnEncryptedID(t *testing.T) {
	t.Parallel()
	key, certificate := newKey(t)
	e := encryptID(t, message.LogoutRequest{Header: header(), NameID: message.NameID{Value: "alice", Format: message.Persistent}}, certificate)
	got, err := message.ParseLogoutRequest(sent(t, e).Element, []crypto.Decrypter{key}, xmlenc.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (message.NameID{Value: "alice", Format: message.Persistent}); got.NameID != want {
		t.Errorf("%+v", got.NameID)
	}
	if _, err := message.ParseLogoutRequest(sent(t, e).Element, nil, xmlenc.Policy{}); err == nil || err.Error() != "decryption failed" {
		t.Errorf("without the key: %v", err)
	}
}

// encryptID is the request with its NameID encrypted.
func encryptID(t *testing.T, m message.LogoutRequest, to *x509.Certificate) *etree.Element {
	t.Helper()
	e := m.Element()
	id := e.FindElement("./NameID")
	plain := id.Copy()
	plain.CreateAttr("xmlns:saml", message.Assertion)
	data, err := xmlenc.Encrypt(plain, to, xmlenc.AES256GCM, xmlenc.OAEPMGF1P)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := etree.NewElement("saml:EncryptedID")
	encrypted.AddChild(data)
	e.InsertChildAt(id.Index(), encrypted)
	e.RemoveChild(id)
	return e
}

func newKey(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, certificate
}

const logoutStart = `<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ` +
	`ID="_1" Version="2.0" IssueInstant="2026-11-20T12:00:00Z"`

func refusedLogouts() []refusal {
	const from, end = `><a:Issuer>https://sp.example</a:Issuer>`, `</p:LogoutRequest>`
	return []refusal{
		{"no NameID", logoutStart + from + end},
		{"NameID without text", logoutStart + from + `<a:NameID> </a:NameID>` + end},
		{"more than one name identifier", logoutStart + from + `<a:NameID>a</a:NameID><a:NameID>b</a:NameID>` + end},
		{"BaseID, which is not supported", logoutStart + from + `<a:BaseID/>` + end},
		{"no Issuer", logoutStart + `><a:NameID>a</a:NameID>` + end},
		{"malformed NotOnOrAfter", logoutStart + ` NotOnOrAfter="x"` + from + `<a:NameID>a</a:NameID>` + end},
		{"another Version than 2.0", strings.Replace(logoutStart, "2.0\" I", "1.1\" I", 1) + from + end},
		{"message of another kind", strings.ReplaceAll(logoutStart+from+end, "LogoutRequest", "LogoutResponse")},
	}
}

func TestLogoutRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range refusedLogouts() {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			if m, err := message.ParseLogoutRequest(gated(t, c.raw).Element, nil, xmlenc.Policy{}); err == nil || err.Error() != c.want {
				t.Errorf("%v, %+v", err, m)
			}
		})
	}
}

func TestLogoutResponseIsReadAsItWasMade(t *testing.T) {
	t.Parallel()
	h := header()
	h.InResponseTo = "_0"
	for _, s := range []message.Status{
		{Code: message.Success},
		{Code: message.Success, Second: message.PartialLogout},
		{Code: message.Responder, Second: message.UnknownPrincipal, Message: "nobody <here>"},
	} {
		want := message.LogoutResponse{Header: h, Status: s}
		got, err := message.ParseLogoutResponse(sent(t, want.Element()).Element)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-made +read:\n%s", diff)
		}
	}
}

func TestLogoutResponsesThatAreRefused(t *testing.T) {
	t.Parallel()
	const start = `<p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" IssueInstant="2026-11-20T12:00:00Z"`
	for _, c := range []struct{ want, raw string }{
		{"no Status", start + `/>`},
		{"no Status", start + `><p:Status><p:StatusCode/></p:Status></p:LogoutResponse>`},
		{"no ID", strings.Replace(start, "_1", "", 1) + `/>`},
	} {
		if m, err := message.ParseLogoutResponse(gated(t, c.raw).Element); err == nil || err.Error() != c.want {
			t.Errorf("%v, %+v; want %s", err, m, c.want)
		}
	}
}

func TestTimely(t *testing.T) {
	t.Parallel()
	const here = "https://idp.example/sso"
	type fix func(h *message.Header, end *time.Time)
	for _, c := range []struct {
		want string
		fix  fix
	}{
		{"", func(*message.Header, *time.Time) {}},
		{"", func(h *message.Header, _ *time.Time) { h.Destination = "" }},
		{"", func(h *message.Header, _ *time.Time) { h.IssueInstant = noon().Add(time.Minute) }},
		{"", func(h *message.Header, _ *time.Time) { h.IssueInstant = noon().Add(-5 * time.Minute) }},
		{"", func(_ *message.Header, end *time.Time) { *end = noon() }},
		{"another Destination", func(h *message.Header, _ *time.Time) { h.Destination += "/" }},
		{"IssueInstant in the future", func(h *message.Header, _ *time.Time) { h.IssueInstant = noon().Add(time.Minute + 1) }},
		{"IssueInstant too long ago", func(h *message.Header, _ *time.Time) { h.IssueInstant = noon().Add(-6 * time.Minute) }},
		{"NotOnOrAfter in the past", func(_ *message.Header, end *time.Time) { *end = noon().Add(-time.Minute) }},
	} {
		h, end := header(), time.Time{}
		c.fix(&h, &end)
		got := ""
		if err := h.Timely(here, end, noon(), time.Minute, 5*time.Minute); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v until %v: %q; want %q", h, end, got, c.want)
		}
	}
}

// FuzzLogoutRequest looks for a request that panics or that is read as another
// one once it is written again.
func FuzzLogoutRequest(f *testing.F) {
	f.Add(xmlgate.Bytes(message.LogoutRequest{
		Header: header(), NameID: message.NameID{Value: "alice", Format: message.Persistent},
		SessionIndexes: []string{"_s1", "_s2"}, NotOnOrAfter: noon(), Asynchronous: true,
	}.Element()))
	f.Add([]byte(logoutStart + `><a:Issuer/><a:EncryptedID/></p:LogoutRequest>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := xmlgate.Parse(raw, xmlgate.Limits{})
		if err != nil {
			return
		}
		first, err := message.ParseLogoutRequest(u.Element, nil, xmlenc.Policy{})
		if err != nil {
			return
		}
		again, err := xmlgate.Parse(xmlgate.Bytes(first.Element()), xmlgate.Limits{})
		if err != nil {
			t.Fatalf("not read again: %v", err)
		}
		second, err := message.ParseLogoutRequest(again.Element, nil, xmlenc.Policy{})
		if err != nil {
			t.Fatalf("not read again: %v", err)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
			t.Error(diff)
		}
	})
}
