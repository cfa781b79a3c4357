package connectors

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/councilid/councilid/config"
)

// maxAnswer bounds what a provider may answer where the call says nothing
// else. Discovery documents and key sets are some kilobytes.
const maxAnswer = 1 << 20

var errTooLarge = errors.New("the answer is too large")

type limitKey struct{}

// limited is ctx for a call whose answer may have so many bytes.
func limited(ctx context.Context, limit int64) context.Context {
	return context.WithValue(ctx, limitKey{}, limit)
}

func limitOf(ctx context.Context) int64 {
	if limit, ok := ctx.Value(limitKey{}).(int64); ok {
		return limit
	}
	return maxAnswer
}

// resilient is the transport of an Outbound. Each try is bounded in time and
// size and reads its answer to the end, so that a provider that trickles is
// treated as one that is silent. A GET is tried again when that may help; a
// POST, which may spend an authorization code, never is.
type resilient struct {
	next    http.RoundTripper
	timeout time.Duration
	get     failsafe.Executor[*http.Response]
	post    failsafe.Executor[*http.Response]
}

func newResilient(next http.RoundTripper, breaker circuitbreaker.CircuitBreaker[*http.Response], n config.Network) *resilient {
	retry := retrypolicy.NewBuilder[*http.Response]().
		HandleIf(failed).
		AbortOnErrors(circuitbreaker.ErrOpen, errPrivate, errTooLarge).
		WithMaxAttempts(n.Attempts).
		WithMaxDuration(n.Timeout/2). // after a time-out the resident has waited long enough
		WithBackoff(100*time.Millisecond, time.Second).
		WithJitterFactor(0.5).
		ReturnLastFailure().
		Build()
	return &resilient{
		next:    next,
		timeout: n.Timeout,
		get:     failsafe.With[*http.Response](retry, breaker),
		post:    failsafe.With[*http.Response](breaker),
	}
}

// newBreaker opens when half of the last ten calls failed, and lets one call
// try again every fifteen seconds.
func newBreaker(log *slog.Logger) circuitbreaker.CircuitBreaker[*http.Response] {
	return circuitbreaker.NewBuilder[*http.Response]().
		HandleIf(failed).
		WithFailureThresholdRatio(5, 10).
		WithDelay(15 * time.Second).
		WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("circuit breaker changed", "from", e.OldState.String(), "to", e.NewState.String())
		}).
		Build()
}

// failed reports whether a call failed by the provider's fault. A resident
// who leaves cancels the call; that is nobody's fault.
func failed(resp *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, context.Canceled)
	}
	return resp.StatusCode >= http.StatusInternalServerError
}

// RoundTrip implements [http.RoundTripper].
func (t *resilient) RoundTrip(r *http.Request) (*http.Response, error) {
	executor := t.post
	if r.Method == http.MethodGet {
		executor = t.get
	}
	return executor.WithContext(r.Context()).Get(func() (*http.Response, error) { return t.try(r) })
}

func (t *resilient) try(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	r = r.Clone(ctx)
	r.Header.Set("User-Agent", "councilid") // GitHub and GOV.UK One Login refuse calls without one
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}

	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	limit := limitOf(ctx)
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case int64(len(body)) > limit:
		return nil, errTooLarge
	}
	if resp.StatusCode == http.StatusInternalServerError && r.Header.Get("SOAPAction") != "" && envelope(body) {
		// SOAP 1.1 §6.2: a fault comes with status 500. It is the answer of a
		// party that works, to a message that anybody may have led us to send.
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// envelope reports whether an answer is SOAP.
func envelope(body []byte) bool {
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if root, ok := token.(xml.StartElement); ok {
			return root.Name == xml.Name{Space: "http://schemas.xmlsoap.org/soap/envelope/", Local: "Envelope"}
		}
	}
}
