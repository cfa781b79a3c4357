package web_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/web"
	"github.com/google/go-cmp/cmp"
)

func nothing(http.ResponseWriter, *http.Request) error { return nil }

func TestSecurityHeaders(t *testing.T) {
	for _, secure := range []bool{true, false} {
		s := newSite(t, web.Options{Secure: secure})
		s.handle("GET /page", nothing)
		for _, target := range []string{"/page", "/nowhere"} {
			h := s.get(target).Header()
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
				"X-Content-Type-Options":  "nosniff",
				"Referrer-Policy":         "same-origin",
				"Permissions-Policy":      "camera=(), geolocation=(), microphone=(), payment=()",
				"Cache-Control":           "no-store",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", target, name, got, want)
				}
			}
			if got := h.Get("Strict-Transport-Security") != ""; got != secure {
				t.Errorf("%s: HSTS %v with https %v", target, got, secure)
			}
		}
	}
}

func TestHandlersCannotSpoilTheNextAnswersHeaders(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "public")
		w.Header().Add("Referrer-Policy", "unsafe-url")
		return nil
	})
	want := s.get("/nowhere").Header()
	s.get("/")
	got := s.get("/nowhere").Header()
	for _, h := range []http.Header{want, got} {
		h.Del("X-Request-Id")
		h.Del("Content-Length")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers changed (-before +after):\n%s", diff)
	}
}

func TestLogLine(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /callback/{connector}", func(w http.ResponseWriter, r *http.Request) error {
		web.Annotate(r, slog.String("app", "tax"))
		w.WriteHeader(http.StatusAccepted)
		_, err := io.WriteString(w, "four")
		return err
	})
	r := httptest.NewRequest("GET", "/callback/qqpath?code=qqquery&state=qqquery", nil)
	r.Header.Set("Cookie", "session=qqcookie")
	r.Header.Set("Authorization", "Bearer qqtoken")
	r.Header.Set("Referer", "https://qqreferer.example/")
	r.Header.Set("User-Agent", "qqagent")
	r.RemoteAddr = "192.0.2.7:4321"
	s.do(r)
	line := s.line(t)
	for _, key := range []string{"time", "took", "ref"} {
		if _, ok := line[key]; !ok {
			t.Errorf("the line has no %s", key)
		}
		delete(line, key)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "GET /callback/{connector}",
		"status": 202.0, "bytes": 4.0, "client": "192.0.2.7", "app": "tax",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
	if strings.Contains(s.log.String(), "qq") {
		t.Errorf("what people sent is in the log: %s", &s.log)
	}
}

func TestPanic(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /", func(http.ResponseWriter, *http.Request) error { panic("secret detail") })
	w := s.get("/")
	if w.Code != 500 || !strings.Contains(w.Body.String(), "Sorry, there is a problem with the service") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	line := s.line(t)
	if line["err"] != "panic: secret detail" || line["level"] != "ERROR" {
		t.Errorf("logged as %v %v", line["level"], line["err"])
	}
	if stack, _ := line["stack"].(string); !strings.Contains(stack, "TestPanic") {
		t.Errorf("the stack does not lead to the panic: %s", stack)
	}
}

// What panics after part of the answer must not look like a whole answer.
func TestPanicCutsTheAnswer(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /half", func(w http.ResponseWriter, r *http.Request) error {
		io.WriteString(w, "half")
		panic("no more")
	})
	s.handle("GET /abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	for _, target := range []string{"/half", "/abort"} {
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("%s: panic %v, want http.ErrAbortHandler", target, v)
				}
			}()
			s.get(target)
		}()
	}
	if n := strings.Count(s.log.String(), `"level":"ERROR"`); n != 2 {
		t.Errorf("%d lines of level ERROR, want 2:\n%s", n, &s.log)
	}
}

func TestCrossOrigin(t *testing.T) {
	s := newSite(t, web.Options{CrossOrigin: []string{"POST /callback/{connector}"}})
	s.handle("POST /sign-out", nothing)
	s.handle("POST /callback/{connector}", nothing)
	for _, tt := range []struct {
		target, site, origin string
		status               int
	}{
		{"/sign-out", "same-origin", "", 200},
		{"/sign-out", "cross-site", "", 403},
		{"/sign-out", "same-site", "", 403},
		{"/sign-out", "", "http://example.com", 200}, // httptest's host
		{"/sign-out", "", "https://evil.example", 403},
		{"/sign-out", "", "null", 403},
		{"/sign-out", "", "", 200}, // no browser
		{"/callback/apple", "cross-site", "https://appleid.apple.com", 200},
	} {
		r := httptest.NewRequest("POST", tt.target, nil)
		if tt.site != "" {
			r.Header.Set("Sec-Fetch-Site", tt.site)
		}
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		if w := s.do(r); w.Code != tt.status {
			t.Errorf("POST %s from %q %q: %d, want %d", tt.target, tt.site, tt.origin, w.Code, tt.status)
		}
	}
}

func TestRepeatedHeaders(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("POST /", nothing)
	for _, name := range []string{"Authorization", "Content-Type", "Origin", "Sec-Fetch-Site"} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Add(name, "same-origin")
		r.Header.Add(name, "cross-site")
		if w := s.do(r); w.Code != 400 {
			t.Errorf("%s twice: %d, want 400", name, w.Code)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("POST /", func(w http.ResponseWriter, r *http.Request) error { return r.ParseForm() })
	for size, status := range map[int]int{64<<10 - 2: 200, 64<<10 + 1: 413} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("a="+strings.Repeat("x", size)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if w := s.do(r); w.Code != status {
			t.Errorf("a body of %d bytes: %d, want %d", size+2, w.Code, status)
		}
	}
}

func TestLargeBodies(t *testing.T) {
	s := newSite(t, web.Options{Large: map[string]int64{"POST /callback/{connector}": 1 << 20}})
	parse := func(w http.ResponseWriter, r *http.Request) error { return r.ParseForm() }
	s.handle("POST /callback/{connector}", parse)
	s.handle("POST /callback", parse)
	for _, tt := range []struct {
		target string
		size   int
		status int
	}{
		{"/callback/works", 1<<20 - 2, 200},
		{"/callback/works", 1<<20 + 1, 413},
		{"/callback", 64<<10 + 1, 413},
	} {
		r := httptest.NewRequest("POST", tt.target, strings.NewReader("a="+strings.Repeat("x", tt.size)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if w := s.do(r); w.Code != tt.status {
			t.Errorf("%s: a body of %d bytes: %d, want %d", tt.target, tt.size+2, w.Code, tt.status)
		}
	}
}

func TestObserve(t *testing.T) {
	type observation struct {
		Route  string
		Status int
	}
	var got []observation
	s := newSite(t, web.Options{Observe: func(route string, status int, took time.Duration) {
		got = append(got, observation{route, status})
	}})
	s.handle("GET /choose", func(http.ResponseWriter, *http.Request) error { return errors.New("no") })
	s.get("/choose?request=x")
	s.get("/anything/at/all")
	want := []observation{{"GET /choose", 500}, {"", 404}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func BenchmarkProtect(b *testing.B) {
	s := newSite(b, web.Options{})
	s.handle("GET /jwks", nothing)
	s.log.Grow(1 << 10)
	h := s.Protect(s.mux)
	r := httptest.NewRequest("GET", "/jwks", nil)
	for b.Loop() {
		s.log.Reset()
		h.ServeHTTP(discard{http.Header{}}, r)
	}
}
