package simulator_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	entityID = "https://broker.example/connectors/test/metadata"
	logout   = "https://broker.example/logout/test"
)

// credential is the broker's. An RSA key takes its time, so there is one.
var credential = sync.OnceValue(func() xmlsig.Credential {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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
})

// other is a key that is nobody's.
var other = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func certificates() []*x509.Certificate { return []*x509.Certificate{credential().Certificate} }

// samlConnector loads a SAML connector as an operator would write it, lines besides the
// address of its metadata.
func samlConnector(t *testing.T, lines ...string) func(base string) config.Connector {
	return func(base string) config.Connector {
		t.Helper()
		dir := t.TempDir()
		text := append([]string{
			"saml:", "  entity_id: " + entityID,
			"  metadata: {url: " + base + "/idp/metadata, entity_id: " + base + "/idp/metadata}",
		}, lines...)
		write(t, filepath.Join(dir, "broker.yaml"), "issuer: http://localhost:8443")
		write(t, filepath.Join(dir, "connectors", "test.yaml"), strings.Join(text, "\n"))
		cfg, err := config.Load(dir, connectors.Presets())
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Connectors[0]
	}
}

// quick is a provider without a preset, whose keys are made in no time.
func quick(t *testing.T, lines ...string) func(base string) config.Connector {
	return func(base string) config.Connector {
		cfg := samlConnector(t, append(lines, "label: Town Hall")...)(base)
		cfg.Simulator = &config.Simulator{Algorithm: "ES256"}
		return cfg
	}
}

// playSAML puts a SAML provider on stage, whose service provider is the
// broker's own connector.
func playSAML(t *testing.T, describe func(base string) config.Connector, o simulator.Options) *stage {
	t.Helper()
	var s *stage
	o.Metadata = func(ctx context.Context) ([]byte, error) {
		body, _, err := s.connector(t).(connectors.Publisher).Metadata(ctx)
		return body, err
	}
	s = play(t, describe, o)
	return s
}

// connector opens the stage's connector, to which nothing has happened yet.
func (s *stage) connector(t testing.TB) connectors.Connector {
	t.Helper()
	return s.connectorAt(t, time.Now)
}

func (s *stage) connectorAt(t testing.TB, now func() time.Time) connectors.Connector {
	t.Helper()
	c, err := connectors.Open(s.cfg, connectors.Options{
		Redirect: callback, EntityID: entityID, Logout: logout, Now: now,
		Credentials: func() []xmlsig.Credential { return []xmlsig.Credential{credential()} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// travel sends the browser where a connector says, with more parameters, and
// returns what it comes back with.
func (s *stage) travel(t testing.TB, to connectors.Redirect, more url.Values) *http.Request {
	t.Helper()
	resp, err := s.send(to, more)
	if err != nil {
		t.Fatal(err)
	}
	return returned(t, resp)
}

// returned is the request that a browser makes because of an answer.
func returned(t testing.TB, resp *http.Response) *http.Request {
	t.Helper()
	defer resp.Body.Close()
	if location, err := resp.Location(); err == nil {
		location.Fragment = "" // which no browser sends
		return httptest.NewRequest(http.MethodGet, location.String(), nil)
	}
	action, fields := postForm(t, resp)
	r := httptest.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (s *stage) send(to connectors.Redirect, more url.Values) (*http.Response, error) {
	if to.Form == nil {
		return s.browser.Get(to.URL + "&" + more.Encode())
	}
	form := url.Values{}
	for name, value := range to.Form {
		form.Set(name, value)
	}
	maps.Copy(form, more)
	return s.browser.PostForm(to.URL, form)
}

// postForm reads the form that a page posts on.
func postForm(t testing.TB, resp *http.Response) (action string, fields url.Values) {
	t.Helper()
	root := parse(t, resp)
	fields = url.Values{}
	for _, input := range all(root, "input") {
		fields.Set(attribute(input, "name"), attribute(input, "value"))
	}
	forms := all(root, "form")
	if len(forms) != 1 || len(fields) == 0 {
		t.Fatalf("%s is no form to be posted on: %s", resp.Status, text(root))
	}
	return attribute(forms[0], "action"), fields
}

func parse(t testing.TB, resp *http.Response) *html.Node {
	t.Helper()
	defer resp.Body.Close()
	root, err := html.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// signIn makes the whole trip as a persona.
func (s *stage) signIn(t testing.TB, c connectors.Connector, persona string) (*connectors.Assertion, error) {
	t.Helper()
	return s.signInByStep(t, c, persona, "")
}

func (s *stage) signInByStep(t testing.TB, c connectors.Connector, persona, step string) (*connectors.Assertion, error) {
	t.Helper()
	a := attempt()
	a.Started, a.Step = time.Now(), step
	start, err := c.Start(t.Context(), a)
	if err != nil {
		return nil, err
	}
	r := s.travel(t, start, url.Values{"persona": {persona}})
	if got := relayState(t, r); got != state {
		return nil, &connectors.Failure{Outcome: connectors.Refused, Err: errState} // by the broker, which asks for the attempt
	}
	return c.Finish(t.Context(), a, r)
}

func relayState(t testing.TB, r *http.Request) string {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	return r.Form.Get("RelayState")
}
