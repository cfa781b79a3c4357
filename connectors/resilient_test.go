package connectors

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/councilid/councilid/config"
)

// script is a provider that answers with one status after another; 0 is a
// connection lost, and the last goes on for ever.
type script struct {
	statuses []int
	calls    int
}

func (s *script) RoundTrip(*http.Request) (*http.Response, error) {
	status := s.statuses[min(s.calls, len(s.statuses)-1)]
	s.calls++
	if status == 0 {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func (s *script) behind(n config.Network) (*resilient, circuitbreaker.CircuitBreaker[*http.Response]) {
	breaker := newBreaker(slog.New(slog.DiscardHandler))
	return newResilient(s, breaker, n), breaker
}

func request(t *testing.T, method string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://provider.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRetries(t *testing.T) {
	for name, test := range map[string]struct {
		method   string
		statuses []int
		status   int // of the last answer; 0 for an error
		calls    int
	}{
		"a GET that works":             {http.MethodGet, []int{200}, 200, 1},
		"a GET after a bad gateway":    {http.MethodGet, []int{502, 200}, 200, 2},
		"a GET after lost connections": {http.MethodGet, []int{0, 0, 200}, 200, 3},
		"a GET that never works":       {http.MethodGet, []int{503}, 503, 3},
		"a GET that never connects":    {http.MethodGet, []int{0}, 0, 3},
		"a GET that is not found":      {http.MethodGet, []int{404, 200}, 404, 1},
		"a GET too many":               {http.MethodGet, []int{429, 200}, 429, 1},
		"a POST after a bad gateway":   {http.MethodPost, []int{502, 200}, 502, 1},
		"a POST that is lost":          {http.MethodPost, []int{0, 200}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				provider := &script{statuses: test.statuses}
				transport, _ := provider.behind(config.Network{Timeout: 10 * time.Second, Attempts: 3})
				resp, err := transport.RoundTrip(request(t, test.method))
				switch {
				case test.status == 0 && err == nil:
					t.Error("no error")
				case test.status != 0 && (err != nil || resp.StatusCode != test.status):
					t.Errorf("got %v, %v; want status %d", resp, err, test.status)
				}
				if provider.calls != test.calls {
					t.Errorf("called %d times, want %d", provider.calls, test.calls)
				}
			})
		})
	}
}

// silent never answers.
type silent struct{ calls int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A resident who has waited for a whole time-out is not made to wait again.
func TestTimeOutIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &silent{}
		start := time.Now()
		transport := newResilient(provider, newBreaker(slog.New(slog.DiscardHandler)), config.Network{Timeout: 10 * time.Second, Attempts: 3})
		if _, err := transport.RoundTrip(request(t, http.MethodGet)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if took := time.Since(start); took > 10*time.Second || provider.calls != 1 {
			t.Errorf("took %s in %d calls", took, provider.calls)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &script{statuses: []int{500, 500, 500, 500, 500, 500, 200}}
		transport, breaker := provider.behind(config.Network{Timeout: 10 * time.Second, Attempts: 1})
		call := func() (int, error) {
			resp, err := transport.RoundTrip(request(t, http.MethodPost))
			if err != nil {
				return 0, err
			}
			return resp.StatusCode, nil
		}
		for range 5 {
			if status, err := call(); status != 500 {
				t.Fatal(status, err)
			}
		}
		if _, err := call(); !errors.Is(err, circuitbreaker.ErrOpen) || provider.calls != 5 {
			t.Errorf("after five failures: %v, %d calls", err, provider.calls)
		}
		time.Sleep(15 * time.Second) // in the bubble's own time
		if status, _ := call(); status != 500 || !breaker.IsOpen() {
			t.Errorf("the first call again answered %d, breaker is %s", status, breaker.State())
		}
		time.Sleep(15 * time.Second)
		if status, _ := call(); status != 200 || !breaker.IsClosed() {
			t.Errorf("the provider is back with %d, breaker is %s", status, breaker.State())
		}
	})
}

// answering is a provider with one answer.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// SOAP 1.1 §6.2: a fault comes with status 500, and is an answer to SOAP. Nothing
// else that comes with it is one.
func TestSOAPFaultIsAnAnswer(t *testing.T) {
	const fault = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>`
	for name, test := range map[string]struct {
		answer answering
		action string
		ok     bool
	}{
		"a fault":                    {answering{500, fault}, `"urn:a"`, true},
		"to what is no SOAP":         {answering{500, fault}, "", false},
		"of a gateway":               {answering{503, fault}, `"urn:a"`, false},
		"a web page":                 {answering{500, "<html>http://schemas.xmlsoap.org/soap/envelope/</html>"}, `"urn:a"`, false},
		"an envelope of another day": {answering{500, `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"/>`}, `"urn:a"`, false},
		"nothing":                    {answering{500, ""}, `"urn:a"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			breaker := newBreaker(slog.New(slog.DiscardHandler))
			transport := newResilient(test.answer, breaker, config.Network{Timeout: 10 * time.Second, Attempts: 1})
			for range 5 {
				r := request(t, http.MethodPost)
				if test.action != "" {
					r.Header.Set("SOAPAction", test.action)
				}
				resp, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				if body, _ := io.ReadAll(resp.Body); string(body) != test.answer.body || (resp.StatusCode == http.StatusOK) != test.ok {
					t.Errorf("answered %d %q", resp.StatusCode, body)
				}
			}
			if breaker.IsClosed() != test.ok {
				t.Errorf("breaker is %s", breaker.State())
			}
		})
	}
}

// Nobody is sent to a provider while the breaker is open. After that somebody
// must be, or it would stay open for ever.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Outbound{breaker: newBreaker(slog.New(slog.DiscardHandler))}
		if err := p.ready(); err != nil {
			t.Error(err)
		}
		p.breaker.Open()
		if err := p.ready(); !errors.Is(err, circuitbreaker.ErrOpen) {
			t.Errorf("error is %v", err)
		}
		time.Sleep(15 * time.Second)
		if err := p.ready(); err != nil {
			t.Error(err)
		}
	})
}

// Residents who leave do not make a provider look dead.
func TestLeavingDoesNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		breaker := newBreaker(slog.New(slog.DiscardHandler))
		transport := newResilient(&silent{}, breaker, config.Network{Timeout: 10 * time.Second, Attempts: 3})
		for range 10 {
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, leave)
			if _, err := transport.RoundTrip(request(t, http.MethodGet).WithContext(ctx)); !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
		}
		if !breaker.IsClosed() {
			t.Errorf("breaker is %s", breaker.State())
		}
	})
}
