package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/councilid/councilid/config"
)

// Trace sends OpenTelemetry traces where the operator asked for them, and
// returns what flushes them at the end. Spans carry routes, durations and what
// the client says of itself, never paths and query strings, which may hold codes.
// What cannot be sent is lost, and logged.
func Trace(ctx context.Context, c config.Broker, log *slog.Logger) (flush func(context.Context) error, err error) {
	if c.Telemetry == nil {
		return func(context.Context) error { return nil }, nil
	}
	// What operators write is the base address; signals have paths of their own
	// below it (OpenTelemetry Protocol Exporter, endpoint URLs for OTLP/HTTP).
	address, err := url.JoinPath(c.Telemetry.OTLP, "v1", "traces")
	if err != nil {
		return nil, err
	}
	header, err := headersOf(os.Getenv)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, newCollector(address, header))
	if err != nil {
		return nil, err
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(c.Telemetry.Sample))),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName("councilid"))),
	)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry", "err", err) }))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func(ctx context.Context) error { return flushed(ctx, provider) }, nil
}

// flushTime is how long a stopping node waits for a collector.
const flushTime = 5 * time.Second

// flushed sends what was not sent yet. When the collector does not take it in
// time it is lost, which makes no failure of the broker's stop.
func flushed(ctx context.Context, provider *trace.TracerProvider) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	err := provider.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		otel.Handle(fmt.Errorf("the last traces were not sent: %w", err))
		return nil
	}
	return err
}

// traced wraps the public server in spans named by route.
func traced(c config.Broker, next http.Handler) http.Handler {
	if c.Telemetry == nil {
		return next
	}
	// Whoever calls must not decide what is traced.
	public := otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true })
	return otelhttp.NewHandler(pathless(next), "councilid", public)
}

// pathless puts the route in place of the path that a span has.
func pathless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			_, route, _ := strings.Cut(r.Pattern, " ")
			oteltrace.SpanFromContext(r.Context()).SetAttributes(semconv.URLPath(route))
		}()
		next.ServeHTTP(w, r)
	})
}
