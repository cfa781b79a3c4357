package broker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// exportTime bounds what one batch may take. The SDK's batcher allows 30 s,
	// unless the operator tells it otherwise.
	exportTime = time.Minute
	tryTime    = 10 * time.Second
	tries      = 5 // that are refused at once take about 15 s, so that a collector may restart meanwhile
)

// collector is where traces are sent, by OTLP over HTTP. OpenTelemetry's own
// client for this links all of gRPC, which the broker does not speak.
//
// A collector that keeps some spans only and says so (OTLP, "Partial Success")
// is not asked again; that it refused the others is for its log to tell.
type collector struct {
	address string
	header  http.Header
	http    *http.Client
	retry   failsafe.Executor[any]
}

var _ otlptrace.Client = (*collector)(nil)

// newCollector sends to an address, with what the header has besides.
func newCollector(address string, header http.Header) *collector {
	header.Set("Content-Type", "application/x-protobuf")
	header.Set("User-Agent", "councilid")
	retry := retrypolicy.NewBuilder[any]().
		HandleIf(mayPass).
		WithMaxAttempts(tries).
		WithBackoff(time.Second, tryTime).
		WithJitterFactor(0.2).
		WithDelayFunc(pause).
		ReturnLastFailure().
		Build()
	return &collector{
		address: address,
		header:  header,
		http: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 90 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       tryTime,
		},
		retry: failsafe.With(retry),
	}
}

// Start implements [otlptrace.Client]. The first spans open the connection:
// the broker starts whether or not the collector is up.
func (*collector) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client].
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements [otlptrace.Client].
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// trace.proto, TracesData: on the wire it is ExportTraceServiceRequest, whose package needs gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	var last error // why the last try failed says more than that the time is up
	err = c.retry.WithContext(ctx).Run(func() error {
		last = c.post(ctx, body)
		return last
	})
	return cmp.Or(last, err)
}

func (c *collector) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = c.header.Clone()
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// Read to its end, so that the connection serves again. What does not fit costs the connection.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 == 2 {
		return nil
	}
	refused := &refusal{status: resp.StatusCode, after: -1}
	// OTLP, "OTLP/HTTP Throttling": the interval is in seconds.
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 32); err == nil {
		refused.after = time.Duration(seconds) * time.Second
	}
	return refused
}

// refusal is an answer other than success.
type refusal struct {
	status int
	after  time.Duration // how long to leave the collector alone, negative where it does not say
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the collector answered %d %s", r.status, http.StatusText(r.status))
}

// mayPass reports whether the same spans may be sent again: when there was no
// answer, and for four that OTLP lists under "Failures". No other may be tried again.
func mayPass(_ any, err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return err != nil
	}
	switch refused.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause is what the collector asks for before the next try, or -1, which
// leaves it to the backoff. The jitter takes away up to a fifth, and nobody
// may be back too early: hence a quarter more.
func pause(e failsafe.ExecutionAttempt[any]) time.Duration {
	refused, ok := errors.AsType[*refusal](e.LastError())
	if !ok || refused.after < 0 {
		return -1
	}
	return refused.after * 5 / 4
}

// headersOf reads what hosted collectors want to be sent, such as an API key,
// from the variables that OpenTelemetry has for it; the one for traces wins.
func headersOf(environment func(string) string) (http.Header, error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"} {
		list := environment(name)
		if list == "" {
			continue
		}
		header, ok := parseHeaders(list)
		if !ok { // the list stays out of the error: it holds secrets
			return nil, fmt.Errorf("%s must be name=value,name=value with values percent-encoded", name)
		}
		return header, nil
	}
	return http.Header{}, nil
}

// parseHeaders takes a list apart that is written as the W3C's baggage is,
// without properties (OpenTelemetry Protocol Exporter, "Specifying headers via
// environment variables").
func parseHeaders(list string) (http.Header, bool) {
	header := http.Header{}
	for member := range strings.SplitSeq(list, ",") {
		name, encoded, ok := strings.Cut(member, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(encoded))
		if !ok || name == "" || err != nil {
			return nil, false
		}
		header.Set(name, value)
	}
	return header, true
}
