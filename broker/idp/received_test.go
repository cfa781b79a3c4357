package idp_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// Each of these is told to the person, and to nobody else.
func TestRequestThatNobodyIsAnswered(t *testing.T) {
	b := newBed(t)
	element := func(change func(e *etree.Element)) *etree.Element {
		e := parking.request(b).Element()
		change(e)
		return e
	}
	without := func(attr string) *etree.Element {
		return element(func(e *etree.Element) { e.RemoveAttr(attr) })
	}
	with := func(attr, value string) *etree.Element {
		return element(func(e *etree.Element) { e.CreateAttr(attr, value) })
	}
	at := func(d time.Duration) *etree.Element {
		return parking.request(b, func(m *message.AuthnRequest) { m.IssueInstant = b.now().Add(d) }).Element()
	}
	tests := map[string]*etree.Element{
		"no Issuer":          element(func(e *etree.Element) { e.RemoveChild(e.SelectElement("Issuer")) }),
		"unknown Issuer":     element(func(e *etree.Element) { e.SelectElement("Issuer").SetText("https://nobody.example") }),
		"app of OpenID":      element(func(e *etree.Element) { e.SelectElement("Issuer").SetText("tax") }),
		"no ID":              without("ID"),
		"no Version":         without("Version"),
		"Version 1.1":        with("Version", "1.1"),
		"no IssueInstant":    without("IssueInstant"),
		"old":                at(-maxAge - time.Second),
		"from the future":    at(3*time.Minute + time.Second),
		"other Destination":  with("Destination", "https://other.example/saml/sso"),
		"Destination slash":  with("Destination", b.URL+"/saml/sso/"),
		"Destination of SLO": with("Destination", b.URL+"/saml/slo"),
		"artifact asked":     with("ProtocolBinding", binding.Artifact),
		"redirect asked":     with("ProtocolBinding", binding.Redirect),
		"no boolean":         with("ForceAuthn", "yes"),
		"another message":    message.LogoutRequest{Header: parking.request(b).Header, NameID: message.NameID{Value: "x"}}.Element(),
		"a response":         message.Response(parking.request(b).Header, message.Status{Code: message.Success}, nil),
		"foreign Comparison": parking.request(b, func(m *message.AuthnRequest) { m.Contexts, m.Comparison = []string{password}, "equal" }).Element(),
		"index and URL": element(func(e *etree.Element) {
			e.CreateAttr("AssertionConsumerServiceIndex", "0")
			e.CreateAttr("AssertionConsumerServiceURL", parking.acs)
		}),
		"index not a number":  with("AssertionConsumerServiceIndex", "first"),
		"two NameIDPolicies":  element(func(e *etree.Element) { e.CreateElement("samlp:NameIDPolicy"); e.CreateElement("samlp:NameIDPolicy") }),
		"script as ACS":       with("AssertionConsumerServiceURL", "javascript:alert(1)"),
		"ACS of another site": with("AssertionConsumerServiceURL", "https://evil.example/acs"),
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			b.get(newBrowser(t), b.redirect("/saml/sso", binding.Request, e, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
			b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, e, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
		})
	}
	if b.provider.visits() != 0 {
		t.Error("somebody was sent to the provider")
	}
}

// maxAge is how old a request may be: its five minutes, and the skew of clocks.
const maxAge = 8 * time.Minute

// Clocks differ.
func TestRequestOfAnotherClock(t *testing.T) {
	b := newBed(t)
	for _, d := range []time.Duration{-maxAge + time.Second, 3 * time.Minute} {
		m := parking.request(b, func(m *message.AuthnRequest) { m.IssueInstant = b.now().Add(d) })
		if a := b.ask(newBrowser(t), parking, m, ""); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d", d, a.StatusCode)
		}
	}
}

// Signatures: needed where the app is known to sign, and checked wherever there
// is one.
func TestSignatureOfRequest(t *testing.T) {
	with := func(change func(*config.AppSAML)) func(*config.App) {
		return func(a *config.App) { change(a.SAML) }
	}
	required := with(func(s *config.AppSAML) { s.Requests = "required" })
	neverSigned := with(func(s *config.AppSAML) { s.Requests = "never_signed" })
	none := xmlsig.Credential{}
	for _, test := range []struct {
		name   string
		p      partner
		change func(*config.App)
		key    xmlsig.Credential
		ok     bool
	}{
		{"signs", planning, nil, planning.key(), true},
		{"signs, unsigned", planning, nil, none, false},
		{"signs, with another's key", planning, nil, library.key(), false},
		{"never signed, unsigned", planning, neverSigned, none, true},
		{"never signed, with its key", planning, neverSigned, planning.key(), true},
		{"never signed, with another's key", planning, neverSigned, library.key(), false},
		{"may sign, unsigned", library, nil, none, true},
		{"may sign, with its key", library, nil, library.key(), true},
		{"may sign, with another's key", library, nil, planning.key(), false},
		{"may sign, with ours", library, nil, key("idp"), false},
		{"required, unsigned", library, required, none, false},
		{"required, with its key", library, required, library.key(), true},
		{"has no key, signed", parking, nil, parking.key(), false},
		{"has no key, required", parking, required, none, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			change := test.change
			if change == nil {
				change = func(*config.App) {}
			}
			b := newBed(t, test.p.registered(t, change))
			redirect := b.redirect("/saml/sso", binding.Request, test.p.request(b).Element(), "", test.key)
			posted := b.posted(binding.Request, test.p.request(b).Element(), "", test.key)
			for _, a := range []*answer{b.get(newBrowser(t), redirect), b.post(newBrowser(t), "/saml/sso", posted)} {
				if test.ok && a.StatusCode != http.StatusSeeOther {
					t.Errorf("status %d", a.StatusCode)
				}
				if !test.ok {
					a.isPage(t, http.StatusBadRequest)
				}
			}
		})
	}
}

// What an attacker does to a signed query. The library may sign or not: half a
// signature is none, and what is outside of it is not believed.
func TestSignedQueryIsTakenWhole(t *testing.T) {
	b := newBed(t)
	signed := func() url.Values {
		address := b.redirect("/saml/sso", binding.Request, library.request(b).Element(), "state", library.key())
		_, query, _ := strings.Cut(address, "?")
		values, err := url.ParseQuery(query)
		b.must(err)
		return values
	}
	change := func(name, value string) string {
		v := signed()
		v.Set(name, value)
		return v.Encode()
	}
	drop := func(name string) string {
		v := signed()
		v.Del(name)
		return v.Encode()
	}
	add := func(name, value string) string { return signed().Encode() + "&" + name + "=" + url.QueryEscape(value) }
	other := b.redirect("/saml/sso", binding.Request, library.request(b).Element(), "", xmlsig.Credential{})
	_, request, _ := strings.Cut(other, "SAMLRequest=")
	request, err := url.QueryUnescape(request)
	b.must(err)
	for name, query := range map[string]string{
		"without Signature":          drop("Signature"),
		"without SigAlg":             drop("SigAlg"),
		"without RelayState":         drop("RelayState"),
		"another RelayState":         change("RelayState", "https://evil.example"),
		"another request":            change("SAMLRequest", request),
		"two requests":               add("SAMLRequest", request),
		"two requests, other order":  "SAMLRequest=" + url.QueryEscape(request) + "&" + signed().Encode(),
		"name escaped":               add("SAML%52equest", request),
		"request and response":       add("SAMLResponse", request),
		"two RelayStates":            add("RelayState", "evil"),
		"two signatures":             add("Signature", "AAAA"),
		"SHA-1":                      change("SigAlg", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
		"HMAC":                       change("SigAlg", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
		"no algorithm":               change("SigAlg", ""),
		"empty Signature":            change("Signature", ""),
		"no base64":                  change("Signature", "*"),
		"RelayState of 2049 bytes":   change("RelayState", strings.Repeat("r", 2049)),
		"other encoding of messages": add("SAMLEncoding", "urn:other"),
	} {
		t.Run(name, func(t *testing.T) {
			b.get(newBrowser(t), b.URL+"/saml/sso?"+query).isPage(t, http.StatusBadRequest)
		})
	}
	// Lower-case escapes are as good as upper-case ones, where they are signed.
	if a := b.get(newBrowser(t), b.lowerCase(library)); a.StatusCode != http.StatusSeeOther {
		t.Errorf("lower-case escapes: status %d", a.StatusCode)
	}
}

// lowerCase is a request whose query is escaped as AD FS does it.
func (b *bed) lowerCase(p partner) string {
	b.t.Helper()
	address := b.redirect("/saml/sso", binding.Request, p.request(b).Element(), "a/b", xmlsig.Credential{})
	base, query, _ := strings.Cut(address, "?")
	lower := func(s string) string {
		for _, c := range []string{"2B", "2F", "3D", "3A"} {
			s = strings.ReplaceAll(s, "%"+c, "%"+strings.ToLower(c))
		}
		return s
	}
	signed, err := xmlsig.SignQuery(lower(query), p.key(), xmlsig.RSASHA256)
	b.must(err)
	return base + "?" + signed
}

// What is in the form and what is in the address must not be told apart by
// chance.
func TestPostedFormIsTakenWhole(t *testing.T) {
	b := newBed(t)
	fields := func() url.Values {
		return b.posted(binding.Request, library.request(b).Element(), "state", library.key())
	}
	unsigned := b.posted(binding.Request, library.request(b).Element(), "", xmlsig.Credential{})
	tests := map[string]func() (path string, form url.Values){
		"request in the address too": func() (string, url.Values) { return "/saml/sso?" + unsigned.Encode(), fields() },
		"RelayState in the address":  func() (string, url.Values) { return "/saml/sso?RelayState=evil", fields() },
		"two requests": func() (string, url.Values) {
			f := fields()
			f.Add("SAMLRequest", unsigned.Get("SAMLRequest"))
			return "/saml/sso", f
		},
		"request and response": func() (string, url.Values) {
			f := fields()
			f.Set("SAMLResponse", f.Get("SAMLRequest"))
			return "/saml/sso", f
		},
		"nothing":   func() (string, url.Values) { return "/saml/sso", url.Values{} },
		"no base64": func() (string, url.Values) { return "/saml/sso", url.Values{"SAMLRequest": {"*"}} },
		"no XML":    func() (string, url.Values) { return "/saml/sso", url.Values{"SAMLRequest": {"aGVsbG8="}} },
		"RelayState of 2049 bytes": func() (string, url.Values) {
			f := fields()
			f.Set("RelayState", strings.Repeat("r", 2049))
			return "/saml/sso", f
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path, form := test()
			b.post(newBrowser(t), path, form).isPage(t, http.StatusBadRequest)
		})
	}
	long := url.Values{"SAMLRequest": {strings.Repeat("A", 300<<10)}}
	b.post(newBrowser(t), "/saml/sso", long).isPage(t, http.StatusRequestEntityTooLarge)
}

// A request of many elements costs more than any request is worth.
func TestLargeRequest(t *testing.T) {
	b := newBed(t)
	e := parking.request(b).Element()
	extensions := etree.NewElement("samlp:Extensions")
	e.InsertChildAt(1, extensions)
	for range 1001 {
		extensions.CreateElement("samlp:x")
	}
	b.get(newBrowser(t), b.redirect("/saml/sso", binding.Request, e, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
	b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, e, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
}

func TestDeflateBomb(t *testing.T) {
	b := newBed(t)
	var small bytes.Buffer
	w, _ := flate.NewWriter(&small, flate.BestCompression)
	_, err := w.Write(bytes.Repeat([]byte(" "), 16<<20))
	b.must(err)
	b.must(w.Close())
	query := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(small.Bytes())}}
	b.get(newBrowser(t), b.URL+"/saml/sso?"+query.Encode()).isPage(t, http.StatusBadRequest)
}

// Bindings §3.4.5.2: a signature that says nothing of where it was sent may
// have been sent elsewhere.
func TestSignedRequestWithoutDestination(t *testing.T) {
	b := newBed(t)
	m := planning.request(b, func(m *message.AuthnRequest) { m.Destination = "" })
	b.ask(newBrowser(t), planning, m, "").isPage(t, http.StatusBadRequest)
	m = parking.request(b, func(m *message.AuthnRequest) { m.Destination = "" })
	if a := b.ask(newBrowser(t), parking, m, ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("unsigned: status %d", a.StatusCode)
	}
}

// Wrapping: the signed request is another's, and ours to read is beside it.
func TestWrappedRequest(t *testing.T) {
	b := newBed(t)
	signed, err := xmlsig.Sign(planning.request(b).Element(), planning.key(), xmlsig.RSASHA256)
	b.must(err)
	evil := planning.request(b, func(m *message.AuthnRequest) { m.ACSURL = planning.acs + "/second" }).Element()
	evil.CreateElement("samlp:Extensions").AddChild(signed)
	b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, evil, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)

	moved := signed.Copy()
	moved.CreateAttr("ForceAuthn", "true")
	b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, moved, "", xmlsig.Credential{})).isPage(t, http.StatusBadRequest)
}

func TestSHA1(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		b := newBed(t, planning.registered(t, func(a *config.App) { a.SAML.InsecureAllowSHA1 = allowed }))
		address := b.redirect("/saml/sso", binding.Request, planning.request(b).Element(), "", xmlsig.Credential{})
		base, query, _ := strings.Cut(address, "?")
		a := b.get(newBrowser(t), base+"?"+signSHA1(t, query, planning.key()))
		if got := a.StatusCode == http.StatusSeeOther; got != allowed {
			t.Errorf("allowed %v: status %d", allowed, a.StatusCode)
		}
		if a := b.ask(newBrowser(t), planning, planning.request(b), ""); a.StatusCode != http.StatusSeeOther {
			t.Errorf("SHA-256 with SHA-1 allowed %v: status %d", allowed, a.StatusCode)
		}
	}
}

// An encryption key signs nothing.
func TestEncryptionKeyDoesNotSign(t *testing.T) {
	b := newBed(t, library.registered(t, func(a *config.App) {
		text := library.metadata(t, func(p *metadata.Publication) { p.Certificates = p.Certificates[:1] })
		a.SAML.Metadata.Inline = strings.Replace(text, `use="signing"`, `use="encryption"`, 1)
	}))
	a := b.get(newBrowser(t), b.redirect("/saml/sso", binding.Request, library.request(b).Element(), "", library.key()))
	a.isPage(t, http.StatusBadRequest)
}

// What one request leaves in Redis is little, however long it is.
func TestLongRequestLeavesLittle(t *testing.T) {
	long := strings.Repeat("x", 12<<10)
	contexts := func(n int, class string) func(*message.AuthnRequest) {
		return func(m *message.AuthnRequest) {
			m.Comparison, m.Contexts = "exact", append(slices.Repeat([]string{class}, n), password)
		}
	}
	for name, change := range map[string]func(*message.AuthnRequest){
		"ID":           func(m *message.AuthnRequest) { m.ID = "_" + long },
		"Subject":      func(m *message.AuthnRequest) { m.Subject.Value = long + "@strathmore.example" },
		"hint":         func(m *message.AuthnRequest) { m.Subject.Value = strings.Repeat("ø", 200) + "@strathmore.example" },
		"one context":  contexts(1, long),
		"all contexts": contexts(400, "urn:example:class"),
		"at the bounds": func(m *message.AuthnRequest) {
			contexts(15, strings.Repeat("c", 256))(m)
			m.ID, m.Subject.Value = "_"+long[:255], strings.Repeat("s", 256)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			e := parking.request(b, change).Element()
			browser := newBrowser(t)
			a := b.post(browser, "/saml/sso", b.posted(binding.Request, e, long[:2<<10], xmlsig.Credential{}))
			kept := b.kept()
			if a.StatusCode == http.StatusSeeOther {
				b.get(browser, b.URL+a.Header.Get("Location")) // to the provider
				kept = max(kept, b.kept())
			}
			if kept > 10<<10 {
				t.Errorf("%d bytes are kept", kept)
			}
			if hint := b.provider.last.LoginHint; len(hint) > 256 {
				t.Errorf("a hint of %d bytes", len(hint))
			}
		})
	}
}

func TestLongLogoutIsRefused(t *testing.T) {
	b := newBed(t, library.registered(t, func(a *config.App) { a.SAML.Logout.InsecureUnsigned = true }))
	long := strings.Repeat("x", 12<<10)
	h := message.Header{ID: newID(), IssueInstant: b.now(), Destination: b.URL + "/saml/slo", Issuer: library.entityID}
	response := message.LogoutResponse{Header: h, Status: success}
	response.InResponseTo = "id-" + long
	post := func(parameter string, e *etree.Element) *answer {
		return b.post(newBrowser(t), "/saml/slo", b.posted(parameter, e, "", xmlsig.Credential{}))
	}
	post(binding.Response, response.Element()).isPage(t, http.StatusBadRequest)
	for _, m := range []message.LogoutRequest{
		{Header: h, NameID: message.NameID{Value: long}},
		{Header: h, NameID: message.NameID{Value: "x"}, SessionIndexes: []string{long}},
	} {
		post(binding.Request, m.Element()).isPage(t, http.StatusBadRequest)
	}
	if kept := b.kept(); kept != 0 {
		t.Errorf("%d bytes are kept", kept)
	}
}

// kept is how many bytes of values Redis holds.
func (b *bed) kept() int {
	b.t.Helper()
	n := 0
	for _, key := range b.redis.Keys() {
		if value, err := b.redis.Get(key); err == nil {
			n += len(value)
		}
	}
	return n
}

// A flood of requests is turned away and leaves nothing in Redis; what was
// accepted before it stays accepted.
func TestFloodOfRequests(t *testing.T) {
	b := newBed(t)
	accepted := parking.request(b)
	b.ask(newBrowser(t), parking, accepted, "")
	b.limit = store.Limit{PerMinute: 3}
	b.must(b.build(town(t)))
	var refused *answer
	for range 10 {
		m := parking.request(b)
		refused = b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, m.Element(), "", xmlsig.Credential{}))
		if refused.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	refused.isPage(t, http.StatusTooManyRequests)
	before := len(b.redis.Keys())
	for range 5 {
		m := parking.request(b)
		b.ask(newBrowser(t), parking, m, "").isPage(t, http.StatusTooManyRequests)
		b.post(newBrowser(t), "/saml/sso", b.posted(binding.Request, m.Element(), "", xmlsig.Credential{})).isPage(t, http.StatusTooManyRequests)
		m.NameIDFormat = "urn:other"
		b.ask(newBrowser(t), parking, m, "").isPage(t, http.StatusTooManyRequests)
		b.ask(newBrowser(t), parking, accepted, "").isPage(t, http.StatusTooManyRequests)
	}
	if after := len(b.redis.Keys()); after != before {
		t.Errorf("%d keys, then %d", before, after)
	}
	b.limit = store.Limit{}
	b.must(b.build(town(t)))
	b.ask(newBrowser(t), parking, accepted, "").isPage(t, http.StatusBadRequest)
}
