package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/web"
)

// site is a Site with a mux behind Protect and its log in memory.
type site struct {
	*web.Site
	mux *http.ServeMux
	log bytes.Buffer
}

func newSite(t testing.TB, o web.Options) *site {
	t.Helper()
	s := &site{mux: http.NewServeMux()}
	o.Log = slog.New(slog.NewJSONHandler(&s.log, nil))
	if o.Look.Council == "" {
		o.Look.Council = "Strathmore Council"
	}
	made, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Site = made
	s.Mount(s.mux)
	return s
}

func (s *site) handle(pattern string, h web.Handler) { s.mux.Handle(pattern, s.Handle(h)) }

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Protect(s.mux).ServeHTTP(w, r)
	return w
}

func (s *site) get(target string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest("GET", target, nil))
}

// line returns the only line of the log.
func (s *site) line(t testing.TB) map[string]any {
	t.Helper()
	if n := strings.Count(s.log.String(), "\n"); n != 1 {
		t.Fatalf("%d log lines, want 1:\n%s", n, &s.log)
	}
	var line map[string]any
	if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

func TestNewRefusesWhatCannotBeShown(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    web.Options
	}{
		{"no log", web.Options{}},
		{"colour that escapes from the style sheet", web.Options{Log: slog.Default(), Look: web.Look{Colour: "red;}body{"}}},
		{"language without texts", web.Options{Log: slog.Default(), Look: web.Look{Languages: []string{"en", "ga"}}}},
		{"logo that is a page", web.Options{Log: slog.Default(), Look: web.Look{Logo: []byte("<p>"), LogoType: "text/html"}}},
	} {
		if _, err := web.New(tt.o); err == nil {
			t.Errorf("%s: New accepts it", tt.name)
		}
	}
}
