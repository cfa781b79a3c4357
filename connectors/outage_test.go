package connectors_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors"
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<!doctype html><title>Planned maintenance</title>"))
}

func flood(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"access_token":"`))
	for range 50 {
		if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<20)); err != nil {
			return
		}
	}
}

// hang keeps its client waiting, after the headers if flushed.
func hang(flushed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that its client left
		if flushed {
			_, _ = w.Write([]byte("{"))
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

func TestOutage(t *testing.T) {
	paths := []string{"/.well-known/openid-configuration", "/keys", "/token", "/userinfo"}
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  connectors.Outcome
	}{
		"500":               {status(500), connectors.Unavailable},
		"503":               {status(503), connectors.Unavailable},
		"404":               {status(404), connectors.Unavailable},
		"429":               {status(429), connectors.TryLater},
		"an HTML page":      {page, connectors.Unavailable},
		"a JSON list":       {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, []int{1}) }, connectors.Unavailable},
		"50 MB":             {flood, connectors.Unavailable},
		"silence":           {hang(false), connectors.Unavailable},
		"half an answer":    {hang(true), connectors.Unavailable},
		"a connection lost": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, connectors.Unavailable},
	} {
		for _, path := range paths {
			t.Run(name+" at "+path, func(t *testing.T) {
				t.Parallel()
				p := newProvider(t)
				p.userinfo = claims{"sub": "24400320"}
				cfg := p.connector()
				cfg.Network.Timeout = 200 * time.Millisecond
				p.on(path, test.serve)
				got, err := p.signIn(p.open(cfg), newAttempt())
				wantOutcome(t, got, err, test.want)
				if p.called(path) == 0 {
					t.Error("the provider was not called")
				}
			})
		}
	}
}

// One flood is enough.
func TestFloodIsNotRetried(t *testing.T) {
	p := newProvider(t)
	p.on("/.well-known/openid-configuration", flood)
	cfg := p.connector()
	cfg.Network.Attempts = 3
	_, err := p.open(cfg).Start(t.Context(), newAttempt())
	wantOutcome(t, nil, err, connectors.Unavailable)
	if n := p.called("/.well-known/openid-configuration"); n != 1 || !strings.Contains(err.Error(), "too large") {
		t.Errorf("called %d times: %v", n, err)
	}
}

func TestResidentLeaves(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	ctx, leave := context.WithCancel(t.Context())
	p.on("/token", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		leave()
		<-r.Context().Done()
	})
	a := newAttempt()
	redirect, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(ctx, a, callback(p.authorize(redirect.URL)))
	wantOutcome(t, got, err, connectors.Unavailable)
}

func TestProviderDownAtStartRecovers(t *testing.T) {
	p := newProvider(t)
	discovery := p.paths["/.well-known/openid-configuration"]
	p.on("/.well-known/openid-configuration", status(502))
	c := p.open(p.connector())

	for range 3 {
		_, err := c.Start(t.Context(), newAttempt())
		wantOutcome(t, nil, err, connectors.Unavailable)
	}
	if n := p.called("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the dead provider was called %d times, want 1", n)
	}
	p.on("/.well-known/openid-configuration", discovery)
	p.clock.advance(5 * time.Second)
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
}

func TestDiscoveryIsRefreshed(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	start := func() string {
		t.Helper()
		redirect, err := c.Start(t.Context(), newAttempt())
		if err != nil {
			t.Fatal(err)
		}
		address, _, _ := strings.Cut(redirect.URL, "?")
		return strings.TrimPrefix(address, p.url)
	}
	start()
	p.discovery = claims{"authorization_endpoint": p.url + "/new"}
	if got := start(); got != "/authorize" {
		t.Errorf("went to %s", got)
	}
	p.clock.advance(time.Hour)
	for start() != "/new" { // the refresh is in the background
		if t.Context().Err() != nil {
			t.Fatal("never refreshed")
		}
	}
}

func TestDiscoveryOfAnotherIssuer(t *testing.T) {
	for name, document := range map[string]claims{
		"another issuer":    {"issuer": "https://evil.example"},
		"a slash more":      {"issuer": "ISSUER/"},
		"no issuer":         {"issuer": nil},
		"no token endpoint": {"token_endpoint": nil},
		"no keys":           {"jwks_uri": nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			if iss, ok := document["issuer"].(string); ok {
				document["issuer"] = strings.Replace(iss, "ISSUER", p.url, 1)
			}
			p.discovery = document
			_, err := p.open(p.connector()).Start(t.Context(), newAttempt())
			wantOutcome(t, nil, err, connectors.Misconfigured)
		})
	}
}

// A provider whose document changes hands overnight keeps its old one here.
func TestDiscoveryThatFlipsIsNotTaken(t *testing.T) {
	p := newProvider(t)
	warned := make(chan string, 10)
	cfg := p.connector()
	c, err := connectors.Open(cfg, connectors.Options{
		Redirect: callbackURL, Now: p.clock.Now,
		Log: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) { warned <- string(b) }), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Fatal(err)
	}
	p.discovery = claims{"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"}
	p.clock.advance(time.Hour)
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
	if line := <-warned; !strings.Contains(line, "evil.example") {
		t.Errorf("the log says %q", line)
	}
	p.clock.advance(5 * time.Second)
	if _, err := p.signIn(c, newAttempt()); err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

func TestDiscoveryKnowsAliases(t *testing.T) {
	p := newProvider(t)
	p.discovery = claims{"issuer": p.url + "/new-name"}
	cfg := p.connector()
	cfg.OIDC.IssuerAliases = []string{p.url + "/new-name"}
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
}

func TestEndpointsWithoutDiscovery(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Endpoints.Authorization = p.url + "/authorize"
	cfg.OIDC.Endpoints.Token = p.url + "/token"
	cfg.OIDC.Endpoints.JWKS = p.url + "/keys"
	if _, err := p.signIn(p.open(cfg), newAttempt()); err != nil {
		t.Error(err)
	}
	if p.called("/.well-known/openid-configuration") != 0 {
		t.Error("discovery was fetched all the same")
	}
}

func TestManyAtOnceShareOneDiscovery(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Start(context.Background(), newAttempt()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := p.called("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("discovery was fetched %d times, want 1", n)
	}
}

// A provider that keeps failing is left alone, and nobody is sent to it.
func TestBreakerKeepsPeopleFromADeadProvider(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	if got := c.(connectors.Guarded).BreakerState(); got != "closed" {
		t.Errorf("breaker is %s at first", got)
	}
	p.on("/token", status(500))
	for range 5 {
		got, err := p.signIn(c, newAttempt())
		wantOutcome(t, got, err, connectors.Unavailable)
	}
	if got := c.(connectors.Guarded).BreakerState(); got != "open" {
		t.Errorf("breaker is %s after five failures", got)
	}
	_, err := c.Start(t.Context(), newAttempt())
	wantOutcome(t, nil, err, connectors.Unavailable)
	got, err := c.Finish(t.Context(), newAttempt(), callback(url.Values{"code": {"x"}}))
	wantOutcome(t, got, err, connectors.Unavailable)
	if n := p.called("/token"); n != 5 {
		t.Errorf("the token endpoint was called %d times, want 5", n)
	}
}

func TestObserve(t *testing.T) {
	p := newProvider(t)
	p.userinfo = claims{"sub": "24400320"}
	p.on("/userinfo", status(500))
	var mu sync.Mutex
	var got []string
	c, err := connectors.Open(p.connector(), connectors.Options{
		Redirect: callbackURL, Now: p.clock.Now,
		Observe: func(connector, call, outcome string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, connector+" "+call+" "+outcome)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(c, newAttempt()); err == nil {
		t.Error("no error")
	}
	want := "test discovery ok, test token ok, test jwks ok, test userinfo unavailable"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("observed %s\nwant     %s", got, want)
	}
}
