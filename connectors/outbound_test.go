package connectors_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// party answers calls, and counts them.
func party(t *testing.T, serve http.HandlerFunc) (address string, calls *atomic.Int64) {
	t.Helper()
	calls = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func outbound(t *testing.T, written ...string) *connectors.Outbound {
	t.Helper()
	out, err := connectors.OpenOutbound("party", config.Network{Attempts: 3}, written, connectors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOutboundGet(t *testing.T) {
	address, _ := party(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Method, r.Header.Get("Accept"))
	})
	body, err := outbound(t, address).Get(t.Context(), "metadata", address+"/metadata", 100)
	if got, want := string(body), "GET */*"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestOutboundPost(t *testing.T) {
	address, _ := party(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Header.Get("Content-Type"), r.Header.Get("SOAPAction"), body)
	})
	body, err := outbound(t, address).Post(t.Context(), "logout", address, "text/xml",
		http.Header{"Soapaction": {"an action"}}, []byte("<a/>"), 100)
	if got, want := string(body), "text/xml an action <a/>"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// OpenID Connect Back-Channel Logout 1.0 §2.8: 204 is a success as well.
func TestOutboundPostWithoutContent(t *testing.T) {
	address, _ := party(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if _, err := outbound(t, address).Post(t.Context(), "logout", address, "text/plain", nil, nil, 100); err != nil {
		t.Error(err)
	}
}

func TestOutboundIsGuarded(t *testing.T) {
	secret, calls := party(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") })
	leading, _ := party(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, secret, http.StatusFound) })
	out := outbound(t, leading)
	for name, address := range map[string]string{"directly": secret, "by a redirect": leading} {
		if _, err := out.Get(t.Context(), "metadata", address, 100); err == nil {
			t.Errorf("%s: the inside was called", name)
		}
	}
	if _, err := out.Post(t.Context(), "logout", secret, "text/xml", nil, nil, 100); err == nil {
		t.Error("a POST reached the inside")
	}
	if calls.Load() > 0 {
		t.Error("the inside was called all the same")
	}
}

func TestOutboundLimitsAnswers(t *testing.T) {
	address, _ := party(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", 2<<20)) })
	out := outbound(t, address)
	if body, err := out.Get(t.Context(), "metadata", address, 2<<20); err != nil || len(body) != 2<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	if _, err := out.Get(t.Context(), "metadata", address, 2<<20-1); err == nil {
		t.Error("a byte too many was read")
	}
}

func TestOutboundRetries(t *testing.T) {
	address, calls := party(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	out := outbound(t, address)
	_, err := out.Post(t.Context(), "logout", address, "text/xml", nil, nil, 100)
	if f, ok := errors.AsType[*connectors.Failure](err); !ok || f.Outcome != connectors.Unavailable {
		t.Errorf("error is %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("a POST was sent %d times", n)
	}
	if _, err := out.Get(t.Context(), "metadata", address, 100); err == nil || calls.Load() != 4 {
		t.Errorf("a GET was sent %d times: %v", calls.Load()-1, err)
	}
}

func TestOutboundObserves(t *testing.T) {
	address, _ := party(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	var seen []string
	out, err := connectors.OpenOutbound("party", config.Network{}, []string{address}, connectors.Options{
		Observe: func(who, call, outcome string, _ time.Duration) { seen = append(seen, who, call, outcome) },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = out.Post(t.Context(), "logout", address, "text/xml", nil, nil, 100)
	if got, want := strings.Join(seen, " "), "party logout try_later"; got != want {
		t.Errorf("observed %q, want %q", got, want)
	}
}
