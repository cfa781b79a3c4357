package metadata_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

func TestPick(t *testing.T) {
	a, b := idp("https://a.example"), idp("https://b.example")
	nested := aggregate("", aggregate("", a), b)
	for _, c := range []struct{ name, document, id, want string }{
		{"the only one", a, "", ""},
		{"the only one, by name", a, "https://a.example", ""},
		{"one of two", aggregate("", a, b), "https://a.example", ""},
		{"nested", nested, "https://a.example", ""},
		{"the only one of an aggregate", aggregate("", a), "", ""},
		{"another", a, "https://b.example", `does not describe "https://b.example" but "https://a.example"`},
		{"none of two", nested, "https://c.example", `but "https://a.example", "https://b.example"`},
		{"which of two", nested, "", `describes "https://a.example", "https://b.example": say which`},
		{"twice", aggregate("", a, strings.Replace(a, "ID=", "id2=", 1)), "https://a.example", `describes "https://a.example" 2 times`},
		{"empty", aggregate(""), "", "but nothing"},
		{"many", aggregate("", strings.Split(strings.Repeat(`<EntityDescriptor entityID="x"/> `, 7), " ")...), "y", `"x" and 2 more`},
		{"something else", `<html xmlns="http://www.w3.org/1999/xhtml"/>`, "", "not SAML metadata"},
		{"in another namespace", `<EntityDescriptor entityID="https://a.example"/>`, "", "not SAML metadata"},
		{"not XML", `{"issuer": 1}`, "", "outside the root"},
	} {
		e, err := parse(c.document, c.id, nil)
		check(t, c.name, e, err, c.want)
		if err == nil && e.ID != "https://a.example" {
			t.Errorf("%s: %s", c.name, e.ID)
		}
	}
}

// check wants an entity or, with want, an error that says so and no entity.
func check(t *testing.T, name string, e *metadata.Entity, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && (e != nil || err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestSignature(t *testing.T) {
	a, b := idp("https://a.example"), idp("https://b.example")
	whole := sign(t, aggregate(`ID="_all"`, a, b), federation())
	each := aggregate("", sign(t, a, federation()), b)
	ours := signers(attacker(), federation())[1:]
	for _, c := range []struct {
		name, document string
		signer         []*x509.Certificate
		want           string
	}{
		{"the document", sign(t, a, federation()), ours, ""},
		{"one of the signers", sign(t, a, federation()), signers(renewed(), federation()), ""},
		{"the aggregate", whole, ours, ""},
		{"the entity in an unsigned aggregate", each, ours, ""},
		{"signed, and nobody asks", sign(t, a, attacker()), nil, ""},
		{"unsigned", a, ours, "the document's signature: not signed"},
		{"no signer, which is not the same as nobody asking", sign(t, a, federation()), []*x509.Certificate{}, "the document's signature"},
		{"signed by somebody else", sign(t, a, attacker()), ours, "the document's signature"},
		{"changed", strings.Replace(sign(t, a, federation()), "idp.example/sso", "evil.example/sso", 1), ours, "the document's signature"},
		{"an aggregate changed", strings.Replace(whole, "idp.example/sso", "evil.example/sso", 1), ours, "the document's signature"},
		{"an unsigned aggregate", aggregate("", a, b), ours, "the entity's signature: not signed"},
		{"another entity signed", aggregate("", a, sign(t, b, federation())), ours, "the entity's signature: not signed"},
		{"the entity signed by somebody else", aggregate("", sign(t, a, attacker()), b), ours, "the entity's signature"},
		{
			"a good entity in an aggregate signed by somebody else",
			sign(t, aggregate(`ID="_all"`, sign(t, a, federation())), attacker()), ours, "the document's signature",
		},
	} {
		e, err := parse(c.document, "https://a.example", c.signer)
		check(t, c.name, e, err, c.want)
		if err == nil && e.SSO[0].Location != "https://idp.example/sso" {
			t.Errorf("%s: %s", c.name, e.SSO[0].Location)
		}
	}
}

func TestValidity(t *testing.T) {
	role := func(attributes string) string {
		return `<IDPSSODescriptor ` + saml20 + ` ` + attributes + `>` + keyInfo("", provider()) + `</IDPSSODescriptor>`
	}
	until := func(d time.Duration) string { return `validUntil="` + now.Add(d).Format(time.RFC3339) + `"` }
	const id = "https://a.example"
	for _, c := range []struct {
		name, document string
		valid          time.Duration // from now; 0: for ever
		kept           time.Duration
		want           string
	}{
		{"for ever", entity(id, "", role("")), 0, 0, ""},
		{"for an hour", entity(id, until(time.Hour), role("")), time.Hour, 0, ""},
		{"the role for less", entity(id, until(2*time.Hour), role(until(time.Hour))), time.Hour, 0, ""},
		{"the document for less", aggregate(until(time.Minute), entity(id, until(time.Hour), role(""))), time.Minute, 0, ""},
		{
			"the shortest cacheDuration",
			aggregate(`cacheDuration="PT6H"`, entity(id, `cacheDuration="PT1H30M"`, role(`cacheDuration="P1D"`))), 0, 90 * time.Minute, "",
		},
		{"expired now", entity(id, until(0), role("")), 0, 0, "valid until 2026-11-23T12:00:00Z"},
		{"expired", entity(id, until(-time.Hour), role("")), 0, 0, "valid until 2026-11-23T11:00:00Z"},
		{"the role expired", entity(id, until(time.Hour), role(until(-time.Hour))), 0, 0, "valid until"},
		{"the document expired", aggregate(until(-time.Hour), entity(id, until(time.Hour), role(""))), 0, 0, "valid until"},
		{"no date", entity(id, `validUntil="tomorrow"`, role("")), 0, 0, "validUntil is not a date"},
		{"no duration", entity(id, `cacheDuration="an hour"`, role("")), 0, 0, "cacheDuration is not a duration"},
	} {
		e, err := parse(c.document, "", nil)
		check(t, c.name, e, err, c.want)
		if err != nil {
			continue
		}
		var want time.Time
		if c.valid != 0 {
			want = now.Add(c.valid)
		}
		if !e.ValidUntil.Equal(want) || e.CacheDuration != c.kept {
			t.Errorf("%s: valid until %v, kept for %v", c.name, e.ValidUntil, e.CacheDuration)
		}
	}
}

// The validUntil above an entity that is signed itself is not vouched for, but
// can still end it; one inside counts as it was signed.
func TestValidityOfSignedEntity(t *testing.T) {
	signed := sign(t, entity("https://a.example", `validUntil="2026-11-24T00:00:00Z"`,
		`<IDPSSODescriptor `+saml20+`>`+keyInfo("", provider())+`</IDPSSODescriptor>`), federation())
	for attribute, want := range map[string]string{
		"": "", `validUntil="2026-11-22T00:00:00Z"`: "valid until",
	} {
		e, err := parse(aggregate(attribute, signed), "", signers(federation()))
		check(t, attribute, e, err, want)
		if err == nil && e.ValidUntil.Day() != 24 {
			t.Errorf("valid until %v", e.ValidUntil)
		}
	}
}

func TestRole(t *testing.T) {
	sp := entity("https://a.example", "", `<SPSSODescriptor `+saml20+`/>`)
	old := entity("https://a.example", "", `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">`+
		keyInfo("", provider())+`</IDPSSODescriptor>`)
	none := entity("https://a.example", "", "")
	for _, c := range []struct{ name, document, want string }{
		{"an app", sp, "is not a SAML 2.0 identity provider: its roles are SPSSODescriptor"},
		{"SAML 1.1", old, "is not a SAML 2.0 identity provider: its roles are IDPSSODescriptor"},
		{"none", none, "its roles are none"},
		{"no entityID", strings.Replace(idp("https://a.example"), "entityID", "entity", 1), "no entityID"},
	} {
		e, err := parse(c.document, "", nil)
		check(t, c.name, e, err, c.want)
	}
	if _, err := metadata.Parse([]byte(sp), metadata.ServiceProvider, "", nil, now); err != nil {
		t.Errorf("an app without keys: %v", err)
	}
}

func TestKeys(t *testing.T) {
	keyValue := `<KeyDescriptor use="signing"><KeyInfo xmlns="` + dsig + `"><KeyValue><RSAKeyValue><Modulus>AQAB</Modulus>` +
		`<Exponent>AQAB</Exponent></RSAKeyValue></KeyValue></KeyInfo></KeyDescriptor>`
	broken := strings.Replace(keyInfo("", provider()), "<X509Certificate>", "<X509Certificate>!", 1)
	for _, c := range []struct {
		name, keys          string
		signing, encryption string
		want                string
	}{
		{"without use", keyInfo("", provider()), "provider", "provider", ""},
		{"one for each", keyInfo(`use="signing"`, provider()) + keyInfo(`use="encryption"`, renewed()), "provider", "renewed", ""},
		{"a renewal", keyInfo(`use="signing"`, provider()) + keyInfo(`use="signing"`, renewed()), "provider renewed", "", ""},
		{"nothing is encrypted to ECDSA", keyInfo("", elliptical()), "elliptical", "", ""},
		{"one that is broken", broken + keyInfo("", renewed()), "renewed", "renewed", ""},
		{
			"one that is broken in the same KeyDescriptor",
			strings.Replace(keyInfo("", renewed()), "<X509Data>", "<X509Data><X509Certificate>!</X509Certificate>", 1), "renewed", "renewed", "",
		},
		{"one that has no certificate", keyValue + keyInfo("", renewed()), "renewed", "renewed", ""},
		{"none", "", "", "", "there is no signing key"},
		{"none that signs", keyInfo(`use="encryption"`, provider()), "", "", "there is no signing key"},
		{"only a KeyValue", keyValue, "", "", "no key can be used: signing key: no X509Certificate"},
		{"only a broken one", broken, "", "", "no key can be used: general key: X509Certificate is not base64"},
	} {
		e, err := parse(entity("https://a.example", "", `<IDPSSODescriptor `+saml20+`>`+c.keys+`</IDPSSODescriptor>`), "", nil)
		check(t, c.name, e, err, c.want)
		if err != nil {
			continue
		}
		signing, encryption := strings.Join(subjects(e.Signing), " "), strings.Join(subjects(e.Encryption), " ")
		if signing != c.signing || encryption != c.encryption {
			t.Errorf("%s: signing %q, encryption %q", c.name, signing, encryption)
		}
	}
	e, err := metadata.Parse([]byte(entity("https://a.example", "", `<SPSSODescriptor `+saml20+`>`+keyValue+`</SPSSODescriptor>`)),
		metadata.ServiceProvider, "", nil, now)
	check(t, "an app with a KeyValue only", e, err, "no key can be used")
}

// A browser that is sent to one of these runs a script, or stays where it is.
func TestLocations(t *testing.T) {
	const post = `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"`
	bad := []string{
		"javascript:alert(1)", " javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,x", "vbscript:x",
		"file:///etc/passwd", "//evil.example/", "/saml", "https:saml", "https://", "", "http://a b/", "mailto:x@y",
		// These anybody on the way could read and change.
		"http://a.example/", "HTTP://a.example/", "http://127.0.0.1.example/", "http://10.0.0.1/", "http://localhost.example/",
	}
	for _, location := range bad {
		for _, c := range []struct{ element, attributes, want string }{
			{"SingleSignOnService", `Location="` + location + `"`, "SingleSignOnService: its Location is not"},
			{"ArtifactResolutionService", `index="0" Location="` + location + `"`, "ArtifactResolutionService: its Location is not"},
			{"AssertionConsumerService", `index="0" Location="` + location + `"`, "AssertionConsumerService: its Location is not"},
			{"SingleLogoutService", `Location="` + location + `"`, "SingleLogoutService: its Location is not"},
			{"SingleLogoutService", `Location="https://ok.example/" ResponseLocation="` + location + `"`, "SingleLogoutService: its ResponseLocation is not"},
		} {
			if location == "" && strings.Contains(c.attributes, "ResponseLocation") {
				continue // which means Location
			}
			e, err := parse(entity("https://a.example", "", `<IDPSSODescriptor `+saml20+`>`+keyInfo("", provider())+
				`<`+c.element+` `+post+` `+c.attributes+`/></IDPSSODescriptor>`), "", nil)
			check(t, c.element+" "+location, e, err, c.want)
		}
	}
	for _, attributes := range []string{
		`Location="http://localhost:8080/x"`, `Location="http://127.0.0.1:8080/x"`, `Location="http://[::1]/x"`, `Location="https://a.example/?x=y#z"`,
	} {
		e, err := parse(entity("https://a.example", "", `<IDPSSODescriptor `+saml20+`>`+keyInfo("", provider())+
			`<SingleSignOnService `+post+` `+attributes+`/></IDPSSODescriptor>`), "", nil)
		check(t, attributes, e, err, "")
	}
}

func TestIndex(t *testing.T) {
	for index, want := range map[string]string{
		"0": "", "65535": "", "-1": "index is not a number", "one": "index is not a number", "99999999999999999999": "index is not a number",
	} {
		e, err := metadata.Parse([]byte(entity("https://a.example", "", `<SPSSODescriptor `+saml20+
			`><AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://a.example" index="`+index+`"/></SPSSODescriptor>`)),
			metadata.ServiceProvider, "", nil, now)
		check(t, index, e, err, want)
	}
}

func TestFind(t *testing.T) {
	endpoints := []metadata.Endpoint{
		{Binding: binding.POST, Location: "first"},
		{Binding: binding.POST, Location: "default", Default: true},
		{Binding: binding.SOAP, Location: "soap"},
		{Binding: binding.SOAP, Location: "second soap"},
	}
	for _, c := range []struct {
		bindings []string
		want     string
	}{
		{[]string{binding.POST}, "default"},
		{[]string{binding.SOAP}, "soap"},
		{[]string{binding.Redirect, binding.SOAP, binding.POST}, "soap"},
		{[]string{binding.Redirect}, ""},
		{nil, ""},
	} {
		got, ok := metadata.Find(endpoints, c.bindings...)
		if got.Location != c.want || ok != (c.want != "") {
			t.Errorf("%v: %q, %t", c.bindings, got.Location, ok)
		}
	}
}

func TestResponse(t *testing.T) {
	if got := (metadata.Endpoint{Location: "a"}).Response(); got != "a" {
		t.Errorf("%s", got)
	}
	if got := (metadata.Endpoint{Location: "a", ResponseLocation: "b"}).Response(); got != "b" {
		t.Errorf("%s", got)
	}
}

func TestHugeDocuments(t *testing.T) {
	good := idp("https://a.example")
	if _, err := parse(aggregate("", good), "", nil); err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{
		"bytes":    aggregate("", good, strings.Repeat("<!-- a comment -->", 1<<20)),
		"elements": aggregate("", good, strings.Repeat("<a/>", 500_000)),
		"depth":    aggregate("", good, strings.Repeat("<a>", 1000)+strings.Repeat("</a>", 1000)),
	} {
		if _, err := parse(document, "", nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A regional federation fits.
func TestAggregate(t *testing.T) {
	entities := make([]string, 1000)
	for i := range entities {
		entities[i] = idp(fmt.Sprintf("https://%d.example", i))
	}
	e, err := parse(sign(t, aggregate(`ID="_all"`, entities...), federation()), "https://777.example", signers(federation()))
	check(t, "aggregate", e, err, "")
}
