package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/web"
)

var errDown = errors.New("connection refused")

// translate knows one error of another room.
func translate(err error) *web.Error {
	if errors.Is(err, errDown) {
		return &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable, Retry: 1500 * time.Millisecond}
	}
	return nil
}

func TestErrorsBecomePages(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		shows  []string
		hides  []string
		log    string
	}{
		{
			name:   "an error with a message",
			err:    fmt.Errorf("callback: %w", &web.Error{Status: 400, Message: web.SignInExpired, App: "Council <tax>", Back: "https://tax.example/", Err: errors.New("no attempt")}),
			status: 400,
			shows:  []string{"This sign-in has expired", "Return to Council &lt;tax&gt;", `href="https://tax.example/"`},
			hides:  []string{"no attempt", "<tax>"},
			log:    "callback: sign_in_expired: no attempt",
		},
		{
			name:   "no name of the service",
			err:    &web.Error{Status: 400, Message: web.RequestInvalid, Back: "/"},
			status: 400,
			shows:  []string{"This request cannot be completed", "Start again"},
			log:    "request_invalid",
		},
		{
			name:   "no status",
			err:    &web.Error{Message: web.Internal},
			status: 500,
			shows:  []string{"Sorry, there is a problem with the service"},
			hides:  []string{"Start again"},
			log:    "internal",
		},
		{
			name:   "an error that nobody expected",
			err:    errors.New("pq: secret detail"),
			status: 500,
			shows:  []string{"Sorry, there is a problem with the service"},
			hides:  []string{"secret detail"},
			log:    "pq: secret detail",
		},
		{
			name:   "an outage",
			err:    fmt.Errorf("take attempt: %w", errDown),
			status: 503,
			shows:  []string{"The service is unavailable", "try again"},
			hides:  []string{"refused"},
			log:    "take attempt: connection refused",
		},
		{
			name:   "a message that is in no catalogue",
			err:    &web.Error{Status: 400, Message: "misspelt", Err: errors.New("the cause")},
			status: 500,
			shows:  []string{"Sorry, there is a problem with the service"},
			log:    "misspelt: the cause",
		},
		{
			name:   "a link that would run as script",
			err:    &web.Error{Status: 400, Message: web.RequestInvalid, Back: "javascript:alert(1)"},
			status: 400,
			hides:  []string{"javascript:"},
			log:    "request_invalid",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, web.Options{Translate: translate})
			s.handle("GET /", func(http.ResponseWriter, *http.Request) error { return tt.err })
			w := s.get("/x")
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			body := w.Body.String()
			for _, text := range tt.shows {
				if !strings.Contains(body, text) {
					t.Errorf("page lacks %q", text)
				}
			}
			for _, text := range tt.hides {
				if strings.Contains(body, text) {
					t.Errorf("page shows %q", text)
				}
			}
			line := s.line(t)
			if got, _ := line["err"].(string); !strings.HasPrefix(got, tt.log) {
				t.Errorf("log says %q, want %q", got, tt.log)
			}
			ref, _ := line["ref"].(string)
			if len(ref) != 8 || !strings.Contains(body, ref) || w.Header().Get("X-Request-ID") != ref {
				t.Errorf("reference %q is not on the page and in X-Request-ID %q", ref, w.Header().Get("X-Request-ID"))
			}
			if got := w.Header().Get("Retry-After"); (got == "2") != (tt.status == 503) {
				t.Errorf("Retry-After %q with status %d", got, tt.status)
			}
		})
	}
}

func TestErrorAfterPartOfTheAnswer(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		io.WriteString(w, "half")
		return errors.New("the rest is missing")
	})
	if w := s.get("/"); w.Code != 200 || w.Body.String() != "half" {
		t.Errorf("answer %d %q, want the half that was written", w.Code, w.Body)
	}
	if got := s.line(t)["err"]; got != "the rest is missing" {
		t.Errorf("log says %v", got)
	}
}

func TestClientThatDidNotWait(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.do(httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	if line := s.line(t); line["status"] != 499.0 || line["level"] != "INFO" {
		t.Errorf("logged as %v %v, want INFO 499", line["level"], line["status"])
	}
}

func TestUnroutedRequestsBecomePages(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("POST /sign-out", func(http.ResponseWriter, *http.Request) error { return nil })
	s.mux.HandleFunc("GET /own", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "its own words", 404) })
	for _, tt := range []struct {
		target, text string
		status       int
	}{
		{"/nowhere", "Page not found", 404},
		{"/sign-out", "This page cannot be opened in this way", 405},
		{"/own", "its own words", 404},
	} {
		w := s.get(tt.target)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.text) {
			t.Errorf("%s: %d %q, want %d with %q", tt.target, w.Code, w.Body, tt.status, tt.text)
		}
		if strings.Contains(w.Body.String(), "404 page") {
			t.Errorf("%s: the mux's own text is on the page", tt.target)
		}
	}
	if got := s.get("/sign-out").Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow %q, want POST", got)
	}
}

func TestHandleWithoutProtect(t *testing.T) {
	s := newSite(t, web.Options{})
	w := httptest.NewRecorder()
	h := s.Handle(func(http.ResponseWriter, *http.Request) error { return &web.Error{Status: 400, Message: web.NotFound} })
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 400 || !strings.Contains(w.Body.String(), "Page not found") {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
}
