package connectors_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// inside is a machine of our own network that a provider has no business with.
func inside(t *testing.T) (address string, called func() bool) {
	t.Helper()
	var mu sync.Mutex
	var hit bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hit = true
		writeJSON(w, claims{"sub": "24400320", "secret": "of the inside"})
	}))
	t.Cleanup(server.Close)
	return server.URL, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return hit
	}
}

func TestProviderLeadsInside(t *testing.T) {
	address, called := inside(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	byName := "http://localhost:" + u.Port() // a name that resolves to a private address, as a rebound one does

	for name, bend := range map[string]func(p *provider){
		"by a redirect": func(p *provider) {
			p.userinfo = claims{}
			p.on("/userinfo", http.RedirectHandler(address, http.StatusFound).ServeHTTP)
		},
		"by a redirect to a name": func(p *provider) {
			p.userinfo = claims{}
			p.on("/userinfo", http.RedirectHandler(byName, http.StatusFound).ServeHTTP)
		},
		"by its document":           func(p *provider) { p.discovery = claims{"userinfo_endpoint": address} },
		"by a name in its document": func(p *provider) { p.discovery = claims{"userinfo_endpoint": byName} },
		"by its keys":               func(p *provider) { p.discovery = claims{"jwks_uri": byName} },
		"by its token endpoint":     func(p *provider) { p.discovery = claims{"token_endpoint": byName} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			bend(p)
			got, err := p.signIn(p.open(p.connector()), newAttempt())
			wantOutcome(t, got, err, connectors.Unavailable)
			if !strings.Contains(err.Error(), "address is private") {
				t.Errorf("the cause is unclear: %v", err)
			}
			if called() {
				t.Error("the machine inside was called")
			}
		})
	}

	p := newProvider(t)
	p.discovery = claims{"userinfo_endpoint": byName}
	cfg := p.connector()
	cfg.Network.AllowPrivate = true
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil || !called() {
		t.Errorf("allow_private does not allow it: %v", err)
	}
}

func TestProviderLeadsToTheCloud(t *testing.T) {
	p := newProvider(t)
	p.discovery = claims{"userinfo_endpoint": "http://169.254.169.254/latest/meta-data"}
	cfg := p.connector()
	cfg.Network.AllowPrivate = true
	got, err := p.signIn(p.open(cfg), newAttempt())
	wantOutcome(t, got, err, connectors.Unavailable)
	if !strings.Contains(err.Error(), "link-local") {
		t.Errorf("the cause is unclear: %v", err)
	}
}

// A proxy resolves names itself, so that only what is private on its face can
// be refused here.
func TestProviderLeadsInsideThroughProxy(t *testing.T) {
	address, called := inside(t)
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Discovery, cfg.Network.Proxy = "http://provider.example/", address
	if _, err := p.open(cfg).Start(t.Context(), newAttempt()); err == nil || !called() {
		t.Errorf("the call did not go through the proxy: %v", err)
	}
	for _, private := range []string{"http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"} {
		p.discovery = claims{"userinfo_endpoint": private}
		cfg := p.connector()
		cfg.Network.Proxy = p.url // a proxy that answers by itself
		got, err := p.signIn(p.open(cfg), newAttempt())
		wantOutcome(t, got, err, connectors.Unavailable)
		if !strings.Contains(err.Error(), "address is private") {
			t.Errorf("the cause is unclear: %v", err)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Run("of a GET", func(t *testing.T) {
		p := newProvider(t)
		p.userinfo = claims{"sub": "24400320"}
		p.on("/moved", p.paths["/userinfo"])
		p.on("/userinfo", http.RedirectHandler("/moved", http.StatusFound).ServeHTTP)
		if _, err := p.signIn(p.open(p.connector()), newAttempt()); err != nil {
			t.Error(err)
		}
	})
	t.Run("of a GET to another host", func(t *testing.T) {
		p := newProvider(t)
		var told http.Header
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told = r.Header
			writeJSON(w, claims{})
		}))
		defer other.Close()
		p.on("/values", http.RedirectHandler(other.URL, http.StatusFound).ServeHTTP)
		cfg := p.connector()
		cfg.OIDC.ClientAuth, cfg.OIDC.PrivateKey = "private_key_jwt", config.NewSecret(pemOf(t, newKey(t)))
		p.client = func(*http.Request) bool { return true }
		cfg.OIDC.Calls = map[string]config.Call{"values": {URL: p.url + "/values", Assertion: "DIS-Client-Assertion", Query: "access_token"}}
		cfg.Network.AllowPrivate = true
		if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
			t.Fatal(err)
		}
		if told == nil || told.Get("DIS-Client-Assertion") != "" || told.Get("Referer") != "" || told.Get("Authorization") != "" {
			t.Errorf("another host was told %v", told)
		}
	})
	t.Run("of a GET in circles", func(t *testing.T) {
		p := newProvider(t)
		p.userinfo = claims{}
		p.on("/userinfo", http.RedirectHandler("/userinfo", http.StatusFound).ServeHTTP)
		got, err := p.signIn(p.open(p.connector()), newAttempt())
		wantOutcome(t, got, err, connectors.Unavailable)
		if n := p.called("/userinfo"); n != 4 {
			t.Errorf("called %d times, want 4", n)
		}
	})
	t.Run("of the code", func(t *testing.T) {
		p := newProvider(t)
		p.on("/moved", p.paths["/token"])
		p.on("/token", http.RedirectHandler("/moved", http.StatusTemporaryRedirect).ServeHTTP)
		got, err := p.signIn(p.open(p.connector()), newAttempt())
		wantOutcome(t, got, err, connectors.Unavailable)
		if p.called("/moved") != 0 {
			t.Error("the code and the secret were sent on")
		}
	})
}

func TestHTTPSIsNotLeft(t *testing.T) {
	p := newProvider(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, p.url+"/.well-known/openid-configuration", http.StatusFound)
	}))
	defer secure.Close()
	cfg := p.connector()
	cfg.OIDC.Discovery, cfg.Network.CA = secure.URL, writeCA(t, secure)
	_, err := p.open(cfg).Start(t.Context(), newAttempt())
	wantOutcome(t, nil, err, connectors.Unavailable)
	if !strings.Contains(err.Error(), "https to http") {
		t.Errorf("the cause is unclear: %v", err)
	}

	secure.Config.Handler = http.HandlerFunc(p.serveDiscovery)
	_, err = p.open(cfg).Start(t.Context(), newAttempt())
	wantOutcome(t, nil, err, connectors.Misconfigured) // its endpoints are http
}

// writeCA writes the certificate of server to a file, for network.ca.
func writeCA(t *testing.T, server *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
