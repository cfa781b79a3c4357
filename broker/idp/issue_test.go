package idp_test

import (
	"crypto/x509"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// plain is a document to read and to compare: what is random or ours for a
// test alone is replaced by its name.
func (b *bed) plain(raw []byte) string {
	b.t.Helper()
	text := strings.ReplaceAll(string(raw), b.URL, "https://login.example")
	for _, r := range []struct{ pattern, name string }{
		{`(<ds:DigestValue>)[^<]*`, "${1}DIGEST"},
		{`(<ds:SignatureValue>)[^<]*`, "${1}SIGNATURE"},
		{`(X509Certificate[^>]*>)[^<]{64,}`, "${1}CERTIFICATE"},
		{`id-[A-Z2-7]{26}`, "ID"},
		{`"_[A-Z2-7]{26}"`, `"REQUEST"`},
		{`(ID|URI)="(#?)_[0-9a-f]{32}"`, `${1}="${2}ID"`},
		{`SessionIndex="[^"]*"`, `SessionIndex="INDEX"`},
		{`>[A-Za-z0-9_-]{43}<`, ">PAIRWISE<"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.name)
	}
	doc := etree.NewDocument()
	b.must(doc.ReadFromString(text))
	doc.Indent(2)
	out, err := doc.WriteToString()
	b.must(err)
	return out
}

func TestResponse(t *testing.T) {
	b := newBed(t)
	b.at(time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC))
	browser, m := newBrowser(t), planning.request(b)
	f := b.signOn(browser, planning, m)
	b.facts(planning, m, f)
	golden(t, "response.xml", b.plain(bytesOf(t, f)))
}

// Each of sign and encrypt, read as a careful app reads it.
func TestSignAndEncrypt(t *testing.T) {
	for _, test := range []struct{ sign, encrypt, encryption, keyTransport string }{
		{"assertion", "never", "auto", "rsa-oaep-mgf1p"},
		{"response", "never", "auto", "rsa-oaep-mgf1p"},
		{"both", "never", "auto", "rsa-oaep-mgf1p"},
		{"assertion", "auto", "auto", "rsa-oaep-mgf1p"},
		{"response", "always", "aes128-gcm", "rsa-oaep"},
		{"both", "always", "aes256-cbc", "rsa-oaep"},
		{"both", "always", "aes256-gcm", "rsa-oaep-mgf1p"},
	} {
		t.Run(test.sign+" "+test.encrypt+" "+test.encryption, func(t *testing.T) {
			b := newBed(t, library.registered(t, func(a *config.App) {
				a.SAML.Sign, a.SAML.Encrypt, a.SAML.Encryption, a.SAML.KeyTransport = test.sign, test.encrypt, test.encryption, test.keyTransport
			}))
			m := library.request(b)
			f := b.signOn(newBrowser(t), library, m)
			b.facts(library, m, f, func(x *message.Expect) {
				x.Signed, x.Encrypted = test.sign, map[string]string{"never": "refused"}[test.encrypt]
				if x.Encrypted == "" {
					x.Encrypted = "required"
				}
			})
			if test.encrypt != "never" && strings.Contains(string(bytesOf(t, f)), "alice") {
				t.Error("readable")
			}
		})
	}
}

// The cipher is what the app says that it can.
func TestCipher(t *testing.T) {
	for name, test := range map[string]struct {
		methods string
		want    string
	}{
		"nothing said": {"", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"},
		"CBC":          {`<EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>`, "http://www.w3.org/2001/04/xmlenc#aes256-cbc"},
		"GCM":          {`<EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>`, "http://www.w3.org/2009/xmlenc11#aes256-gcm"},
		"short GCM":    {`<EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/>`, "http://www.w3.org/2009/xmlenc11#aes128-gcm"},
	} {
		t.Run(name, func(t *testing.T) {
			text := regexp.MustCompile(`<EncryptionMethod [^>]*>(</EncryptionMethod>)?`).ReplaceAllString(library.metadata(t), "")
			text = strings.Replace(text, "</KeyInfo></KeyDescriptor>", "</KeyInfo>"+test.methods+"</KeyDescriptor>", -1)
			b := newBed(t, library.registered(t, func(a *config.App) { a.SAML.Encrypt, a.SAML.Metadata.Inline = "auto", text }))
			m := library.request(b)
			f := b.signOn(newBrowser(t), library, m)
			b.facts(library, m, f, func(x *message.Expect) { x.Encrypted = "required" })
			e := f.received(t).Message.Tree().FindElement("//EncryptedData/EncryptionMethod")
			if got := e.SelectAttrValue("Algorithm", ""); got != test.want {
				t.Errorf("encrypted with %s", got)
			}
		})
	}
}

// An app that wants encryption and has no key is a mistake of the operator's,
// told at the start where it can be.
func TestNoKeyToEncryptTo(t *testing.T) {
	b := newBed(t)
	for _, p := range []partner{parking, library} {
		app := p.registered(t, func(a *config.App) {
			a.SAML.Encrypt = "always"
			if p == library {
				a.SAML.Metadata.Inline = library.metadata(t, func(p *metadata.Publication) { p.Encrypt = false })
			}
		})
		if err := b.build([]config.App{app}); err == nil {
			t.Errorf("%s is taken", p.id)
		}
	}
	// auto sends plain text to whom there is no key for.
	b.must(b.build([]config.App{parking.registered(t, func(a *config.App) { a.SAML.Encrypt = "auto" })}))
	m := parking.request(b)
	b.facts(parking, m, b.signOn(newBrowser(t), parking, m), func(x *message.Expect) { x.Encrypted = "refused" })
}

func TestAlgorithm(t *testing.T) {
	for _, alg := range []xmlsig.Algorithm{xmlsig.RSASHA256, xmlsig.RSASHA384, xmlsig.RSASHA512} {
		b := newBed(t, parking.registered(t, func(a *config.App) { a.SAML.Algorithm = string(alg) }))
		m := parking.request(b)
		f := b.signOn(newBrowser(t), parking, m)
		b.facts(parking, m, f, func(x *message.Expect) { x.Policy.Algorithms = []xmlsig.Algorithm{alg} })
	}
}

// A successor's certificate is published before it signs; the old key still
// decrypts.
func TestSuccessorOfKey(t *testing.T) {
	b := newBed(t)
	b.use("next", "idp")
	m := parking.request(b)
	f := b.signOn(newBrowser(t), parking, m)
	b.facts(parking, m, f, func(x *message.Expect) { x.Keys = []*x509.Certificate{key("next").Certificate} })
}

// Where the provider's session ends before ours would, ours and the app's end with it.
func TestProviderEndsTheSession(t *testing.T) {
	b := newBed(t)
	b.provider.ends = b.now().Add(time.Hour)
	if got := b.enter(newBrowser(t), planning).SessionNotOnOrAfter; !got.Equal(b.provider.ends) {
		t.Errorf("SessionNotOnOrAfter %s", got)
	}
}

// An app reads who authenticated the resident.
func TestAuthenticatingAuthority(t *testing.T) {
	b := newBed(t)
	if got := b.enter(newBrowser(t), planning).Authorities; !slices.Equal(got, []string{"https://provider.example"}) {
		t.Errorf("authorities %v", got)
	}
}

func TestTimes(t *testing.T) {
	b := newBed(t, parking.registered(t, func(a *config.App) { a.SAML.Lifetime = 7 * time.Minute }))
	browser, began := newBrowser(t), b.now()
	b.signOn(browser, parking, parking.request(b))
	b.pass(30 * time.Minute)
	m := parking.request(b)
	f := b.signOn(browser, parking, m)
	if end := b.facts(parking, m, f).SessionNotOnOrAfter; !end.Equal(began.Add(12 * time.Hour)) {
		t.Errorf("SessionNotOnOrAfter %s", end)
	}
	conditions := f.received(t).Message.Child(message.Assertion, "Assertion").Child(message.Assertion, "Conditions")
	for name, want := range map[string]time.Duration{"NotBefore": -time.Minute, "NotOnOrAfter": 7 * time.Minute} {
		got, err := time.Parse(time.RFC3339, conditions.Attr(name))
		if err != nil || !got.Equal(b.now().Add(want)) {
			t.Errorf("%s %s, %v", name, got, err)
		}
	}
}

// No address of the resident goes out: SPs that compare it refuse whoever comes
// by another way.
func TestNoAddressOfTheResident(t *testing.T) {
	b := newBed(t)
	f := b.signOn(newBrowser(t), parking, parking.request(b))
	text := strings.ReplaceAll(string(bytesOf(t, f)), b.URL, "")
	for _, word := range []string{"Address=", "SubjectLocality", "127.0.0.1"} {
		if strings.Contains(text, word) {
			t.Errorf("%s in %s", word, text)
		}
	}
}
