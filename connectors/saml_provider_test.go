package connectors_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/connectors/simulator"
)

const (
	spEntityID = "https://login.example.gov.uk/connectors/test/metadata"
	logoutURL  = "https://login.example.gov.uk/logout/test"
)

// samlProvider is a simulated SAML provider, whose clock the connector shares.
type samlProvider struct {
	t       testing.TB
	clock   *clock
	url     string
	cfg     config.Connector
	played  *simulator.Provider
	browser *http.Client
	logout  string // where the connector takes logout messages
}

// credential is ours. An RSA key takes its time, so there is one.
var credential = sync.OnceValue(func() xmlsig.Credential { return newCredential("broker") })

func newCredential(name string) xmlsig.Credential {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return xmlsig.Credential{Signer: key, Certificate: certificate}
}

// newSAMLProvider plays the provider of a connector file: of what an operator
// writes besides the label and the address of the metadata. Its keys are made
// in no time.
func newSAMLProvider(t testing.TB, lines ...string) *samlProvider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	p := &samlProvider{t: t, clock: newClock(), url: "http://" + server.Listener.Addr().String(), logout: logoutURL}
	p.cfg = p.load(lines)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	p.played, err = simulator.New(p.cfg, simulator.Options{
		Redirect: []string{callbackURL}, Now: p.clock.Now,
		Metadata: func(ctx context.Context) ([]byte, error) {
			body, _, err := p.open().(connectors.Publisher).Metadata(ctx)
			return body, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = p.played
	server.Start()
	t.Cleanup(server.Close)
	return p
}

func (p *samlProvider) load(lines []string) config.Connector {
	p.t.Helper()
	dir := p.t.TempDir()
	text := fmt.Sprintf("label: Town Hall\nsaml:\n  entity_id: %s\n  metadata: {url: %s, entity_id: %[2]s}\n%s\n",
		spEntityID, p.url+"/metadata", strings.Join(lines, "\n"))
	for file, text := range map[string]string{
		"broker.yaml": "issuer: http://localhost:8443\n", "connectors/test.yaml": text,
		"apps/planning.yaml": "label: Planning\noidc: {redirect_uris: [http://localhost/callback]}\n",
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		p.t.Fatal(err)
	}
	c := cfg.Connectors[0]
	c.Simulator = &config.Simulator{Algorithm: "ES256"}
	return c
}

// open opens the connector, to which nothing has happened yet.
func (p *samlProvider) open() connectors.Connector {
	p.t.Helper()
	return p.openWith(credential())
}

func (p *samlProvider) openWith(credentials ...xmlsig.Credential) connectors.Connector {
	p.t.Helper()
	c, err := connectors.Open(p.cfg, p.options(credentials...))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *samlProvider) options(credentials ...xmlsig.Credential) connectors.Options {
	return connectors.Options{
		Redirect: callbackURL, EntityID: spEntityID, Logout: p.logout, Now: p.clock.Now,
		Credentials: func() []xmlsig.Credential { return credentials },
	}
}

func (p *samlProvider) attempt() connectors.Attempt {
	a := newAttempt()
	a.Started = p.clock.Now()
	return a
}

// signIn makes the whole trip; choice is a persona, and a fault perhaps.
func (p *samlProvider) signIn(c connectors.Connector, a connectors.Attempt, choice ...string) (*connectors.Assertion, error) {
	p.t.Helper()
	start, err := c.Start(p.t.Context(), a)
	if err != nil {
		return nil, err
	}
	return c.Finish(p.t.Context(), a, p.travel(start, choice...))
}

// travel sends the browser where we say, and returns what it comes back with.
func (p *samlProvider) travel(to connectors.Redirect, choice ...string) *http.Request {
	p.t.Helper()
	chosen := url.Values{}
	for i, name := range []string{"persona", "fault"}[:len(choice)] {
		chosen.Set(name, choice[i])
	}
	var resp *http.Response
	var err error
	if to.Form == nil {
		resp, err = p.browser.Get(to.URL + "&" + chosen.Encode())
	} else {
		for name, value := range to.Form {
			chosen.Set(name, value)
		}
		resp, err = p.browser.PostForm(to.URL, chosen)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return p.carry(resp)
}

// carry is the request that the browser makes of an answer: a redirect, or a
// form that is posted on.
func (p *samlProvider) carry(resp *http.Response) *http.Request {
	p.t.Helper()
	defer func() { _ = resp.Body.Close() }()
	if location, err := resp.Location(); err == nil {
		return httptest.NewRequest(http.MethodGet, location.String(), nil)
	}
	root, err := html.Parse(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	var action string
	fields := url.Values{}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "form":
			action = attribute(n, "action")
		case n.Type == html.ElementNode && n.Data == "input":
			fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if len(fields) == 0 {
		p.t.Fatalf("%s, and nothing to post on", resp.Status)
	}
	r := httptest.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
