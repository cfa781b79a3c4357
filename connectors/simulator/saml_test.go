package simulator_test

import (
	"context"
	"crypto/rsa"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/connectors/simulator"
)

func TestSAMLChoicePage(t *testing.T) {
	for name, lines := range map[string][]string{"redirect": nil, "POST": {"  request: {binding: post}"}} {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, quick(t, lines...), simulator.Options{})
			c, a := s.connector(t), attempt()
			start, err := c.Start(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.send(start, nil)
			if err != nil {
				t.Fatal(err)
			}
			page := parse(t, resp)
			if got := text(all(page, "main")[0]); !strings.Contains(got, entityID+" asks who you are") {
				t.Errorf("the page says %.200s", got)
			}
			action := attribute(all(page, "form")[0], "action")
			if resp, err = s.browser.PostForm(action, url.Values{"persona": {"welsh-speaker"}}); err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			to, fields := postForm(t, resp)
			if to != callback {
				t.Errorf("posted to %s", to)
			}
			got, err := c.Finish(t.Context(), a, post(to, fields))
			if err != nil || got.Claims.Text("locale") != "cy" {
				t.Errorf("signed in as %+v, %v", got, err)
			}
		})
	}
}

func post(to string, fields url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, to, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// A page that posts a form on runs one script, and is a page without it.
func TestSAMLPostPage(t *testing.T) {
	s := playSAML(t, quick(t), simulator.Options{})
	start, err := s.connector(t).Start(t.Context(), attempt())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.send(start, url.Values{"persona": {"full-record"}})
	if err != nil {
		t.Fatal(err)
	}
	page := parse(t, resp)
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'sha256-") || strings.Contains(csp, "form-action") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}
	if got := text(all(page, "button")[0]); got != "Continue" {
		t.Errorf("the button says %q", got)
	}
}

// request is an AuthnRequest that the simulator accepts.
func request(s *stage) message.AuthnRequest {
	return message.AuthnRequest{
		Header: message.Header{ID: "_1", IssueInstant: time.Now(), Destination: s.base + "/idp/sso", Issuer: entityID},
		ACSURL: callback, ProtocolBinding: binding.POST,
	}
}

func TestSAMLRequestsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		bend  func(m *message.AuthnRequest)
		by    xmlsig.Credential
		relay string
	}{
		"unsigned":                     {by: xmlsig.Credential{}},
		"of another service provider":  {bend: func(m *message.AuthnRequest) { m.Issuer = "https://other.example" }},
		"for another address":          {bend: func(m *message.AuthnRequest) { m.Destination += "x" }},
		"to be answered elsewhere":     {bend: func(m *message.AuthnRequest) { m.ACSURL = "https://other.example/acs" }},
		"to be answered otherwise":     {bend: func(m *message.AuthnRequest) { m.ProtocolBinding = binding.Artifact }},
		"of an hour ago":               {bend: func(m *message.AuthnRequest) { m.IssueInstant = m.IssueInstant.Add(-time.Hour) }},
		"without ForceAuthn":           {lines: []string{"  request: {force: always}"}},
		"without contexts":             {lines: []string{`  request: {contexts: ["urn:a"]}`}},
		"without eIDAS":                {lines: []string{`  request: {eidas: {attributes: ["urn:a"]}}`}},
		"by redirect, where it POSTs":  {lines: []string{"  request: {binding: post}"}},
		"without RelayState":           {relay: "-"},
		"signed by somebody else":      {by: xmlsig.Credential{Signer: other(), Certificate: credential().Certificate}},
		"signed, sound, and therefore": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, quick(t, test.lines...), simulator.Options{})
			m := request(s)
			if test.bend != nil {
				test.bend(&m)
			}
			by, relay := credential(), state
			if test.by.Signer != nil || name == "unsigned" {
				by = test.by
			}
			if test.relay == "-" {
				relay = ""
			}
			address, err := binding.RedirectURL(s.base+"/idp/sso", binding.Request, m.Element(), relay, by, xmlsig.RSASHA256)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.browser.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			want := http.StatusBadRequest
			if strings.HasPrefix(name, "signed, sound") {
				want = http.StatusOK
			}
			if resp.StatusCode != want {
				t.Errorf("answered %s, want %d", resp.Status, want)
			}
		})
	}
}

// The service provider's metadata is fetched when first needed, and again when
// it has a new key.
func TestServiceProviderMetadataIsFetched(t *testing.T) {
	var s *stage
	calls := 0
	sp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, _, err := s.connector(t).(connectors.Publisher).Metadata(r.Context())
		if err != nil {
			t.Error(err)
		}
		w.Write(body)
	}))
	defer sp.Close()
	s = play(t, func(base string) config.Connector {
		cfg := quick(t)(base)
		cfg.SAML.EntityID = sp.URL
		return cfg
	}, simulator.Options{})
	for range 2 {
		if _, err := s.signIn(t, s.connector(t), "full-record"); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Errorf("fetched %d times", calls)
	}
}

func TestSAMLSignOutPage(t *testing.T) {
	s := playSAML(t, quick(t), simulator.Options{})
	page := s.open(t, s.base+"/idp/sign-out", http.StatusOK)
	if got := text(all(page, "h1")[0]); got != "Nobody is signed in" {
		t.Errorf("the page says %q", got)
	}
	if _, err := s.signIn(t, s.connector(t), "no-email"); err != nil {
		t.Fatal(err)
	}
	page = s.open(t, s.base+"/idp/sign-out", http.StatusOK)
	if got := text(all(page, "main")[0]); !strings.Contains(got, "Joan Price is signed in") {
		t.Errorf("the page says %q", got)
	}
}

// Like AD FS, the simulator ends no session of a NameID that is not to the
// letter the one it issued.
func TestSAMLLogoutWantsTheNameIDVerbatim(t *testing.T) {
	s := playSAML(t, quick(t), simulator.Options{})
	c := s.connector(t)
	got, err := s.signIn(t, c, "full-record")
	if err != nil {
		t.Fatal(err)
	}
	got.Session.Detail = []byte(strings.Replace(string(got.Session.Detail), `"sp_name_qualifier"`, `"sp_provided_id"`, 1))
	l := c.(connectors.Logouter)
	to, err := l.Logout(t.Context(), *got.Session, "1")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := l.ReadLogout(t.Context(), s.travel(t, to, nil))
	if err != nil || answer.OK {
		t.Errorf("answer is %+v, %v", answer, err)
	}
}

// Another implementation of a service provider is content with the simulator.
func TestCrewjamSignsIn(t *testing.T) {
	us := saml.ServiceProvider{
		EntityID: entityID, Key: credential().Signer.(*rsa.PrivateKey), Certificate: credential().Certificate,
		AcsURL: *address(t, callback), MetadataURL: *address(t, entityID), SloURL: *address(t, logout),
		SignatureMethod: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
	}
	s := play(t, samlConnector(t, "label: Town Hall"), simulator.Options{
		Metadata: func(context.Context) ([]byte, error) { return xml.Marshal(us.Metadata()) },
	})
	us.IDPMetadata = new(saml.EntityDescriptor)
	if err := xml.Unmarshal(s.fetch(t, s.base+"/idp/metadata"), us.IDPMetadata); err != nil {
		t.Fatal(err)
	}
	request, err := us.MakeAuthenticationRequest(s.base+"/idp/sso", saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	// crewjam signs what it sends by redirect as a whole, which no binding asks for.
	to, err := binding.RedirectURL(s.base+"/idp/sso", binding.Request, unsigned(request), state, credential(), xmlsig.RSASHA256)
	if err != nil {
		t.Fatal(err)
	}
	answer := s.travel(t, connectors.Redirect{URL: to}, url.Values{"persona": {"full-record"}})
	if err := answer.ParseForm(); err != nil {
		t.Fatal(err)
	}
	said, err := us.ParseResponse(answer, []string{request.ID})
	if invalid, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
		t.Fatal(invalid.PrivateErr)
	}
	if err != nil || said.Subject.NameID.Value == "" {
		t.Errorf("said %+v, %v", said, err)
	}
}

func unsigned(request *saml.AuthnRequest) *etree.Element {
	request.Signature = nil
	return request.Element()
}

func address(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (s *stage) fetch(t *testing.T, address string) []byte {
	t.Helper()
	resp, err := s.browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestSAMLMetadata(t *testing.T) {
	s := playSAML(t, quick(t), simulator.Options{})
	document := s.fetch(t, s.base+"/idp/metadata")
	e, err := metadata.Parse(document, metadata.IdentityProvider, s.base+"/idp/metadata", s.provider.Certificates(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(e.SSO) != 2 || len(e.SLO) != 3 || len(e.Artifact) != 1 || e.Artifact[0].Index == 0 || !e.WantAuthnRequestsSigned {
		t.Errorf("entity is %+v", e)
	}
	if err := s.provider.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.provider.Certificates()); n != 2 {
		t.Errorf("%d certificates after the rotation", n)
	}
	s.provider.RetireKeys()
	if n := len(s.provider.Certificates()); n != 1 {
		t.Errorf("%d certificates after the old one is retired", n)
	}
}

func TestSAMLNeedsAnAddress(t *testing.T) {
	cfg := quick(t)("http://127.0.0.1:1")
	cfg.SAML.Metadata.URL = ""
	if _, err := simulator.New(cfg, simulator.Options{Redirect: []string{callback}}); err == nil {
		t.Error("a provider without an address is played")
	}
}

// BenchmarkSAMLSignIn is what one sign-in costs the provider's side of a load
// test.
func BenchmarkSAMLSignIn(b *testing.B) {
	const base = "http://127.0.0.1:1"
	cfg := config.Connector{ID: "test", Label: config.Text{"": "Town Hall"}, SAML: &config.SAML{
		EntityID: entityID, Metadata: config.Metadata{URL: base + "/metadata", EntityID: base + "/metadata"},
	}}
	p, err := simulator.New(cfg, simulator.Options{
		Redirect: []string{callback}, Metadata: func(context.Context) ([]byte, error) { return spMetadata(), nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	m := request(&stage{})
	m.Destination = base + "/sso"
	ask, err := binding.RedirectURL(m.Destination, binding.Request, m.Element(), state, credential(), xmlsig.RSASHA256)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r := httptest.NewRequest(http.MethodGet, ask+"&persona=load-"+strconv.Itoa(n), nil)
		if answer := serve(p, r); answer.Code != http.StatusOK {
			b.Fatal(answer.Body)
		}
	}
}

func spMetadata() []byte {
	e, err := metadata.Build(metadata.Publication{
		Role: metadata.ServiceProvider, ID: entityID, Certificates: certificates(),
		ACS: []metadata.Endpoint{{Binding: binding.POST, Location: callback, Default: true}},
	}, time.Now(), xmlsig.Credential{})
	if err != nil {
		panic(err)
	}
	return xmlgate.Bytes(e)
}
