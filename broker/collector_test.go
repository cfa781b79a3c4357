package broker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/test/logbook"
)

// received is a request that a collector got.
type received struct {
	*http.Request
	spans []*tracepb.ResourceSpans
}

func receive(r *http.Request) (received, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return received{}, err
	}
	var data tracepb.TracesData
	err = proto.Unmarshal(body, &data)
	return received{r, data.GetResourceSpans()}, err
}

// A request to the broker arrives as a span at an operator's collector, which
// is a hosted one and wants a key.
func TestTraceArrives(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret,authorization=Bearer%20a%2Cb")
	got := make(chan received, 2)
	hosted := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		one, err := receive(r)
		if err != nil {
			t.Error(err)
		}
		got <- one
	}))
	t.Cleanup(hosted.Close)

	c := config.Broker{Telemetry: &config.Telemetry{OTLP: hosted.URL + "/otlp/", Sample: 1}}
	flush, err := Trace(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /deletion-status/{code}", http.NotFoundHandler())
	site, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	asked := httptest.NewRequest(http.MethodGet, "/deletion-status/a-code?code=a-code", http.NoBody)
	traced(c, site.Protect(mux)).ServeHTTP(httptest.NewRecorder(), asked)
	if err := flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	if len(got) != 1 {
		t.Fatalf("%d requests came", len(got))
	}
	one := <-got
	for name, want := range map[string]string{
		"Content-Type": "application/x-protobuf", "User-Agent": "councilid",
		"X-Api-Key": "secret", "Authorization": "Bearer a,b",
	} {
		if got := one.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if one.Method != http.MethodPost || one.URL.Path != "/otlp/v1/traces" {
		t.Errorf("it came by %s %s", one.Method, one.URL)
	}
	if service := attribute(one.spans[0].GetResource().GetAttributes(), "service.name"); service != "councilid" {
		t.Errorf("service.name is %q", service)
	}
	span := one.spans[0].GetScopeSpans()[0].GetSpans()[0]
	if span.GetName() != "GET /deletion-status/{code}" || attribute(span.GetAttributes(), "url.path") != "/deletion-status/{code}" {
		t.Errorf("the span is %v", span)
	}
	if strings.Contains(span.String(), "a-code") {
		t.Error("the span holds what stands in the path or the query")
	}
}

func attribute(all []*commonpb.KeyValue, key string) string {
	i := slices.IndexFunc(all, func(a *commonpb.KeyValue) bool { return a.GetKey() == key })
	if i < 0 {
		return ""
	}
	return all[i].GetValue().GetStringValue()
}

// script is what a collector answers, try by try, and its last answer to all
// that come after. No answer breaks the connection.
type script []*http.Response

type scripted struct {
	answers script
	got     []received
	at      []time.Duration // since the first
	start   time.Time
}

// RoundTrip implements [http.RoundTripper].
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.got == nil {
		s.start = time.Now()
	}
	one, err := receive(r)
	if err != nil {
		return nil, err
	}
	s.got = append(s.got, one)
	s.at = append(s.at, time.Since(s.start))
	answer := s.answers[min(len(s.got), len(s.answers))-1]
	switch {
	case answer == nil:
		return nil, io.ErrUnexpectedEOF
	case answer == silence:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	own := *answer // the client changes it
	return &own, nil
}

var silence = answer(0)

// answer is one with headers, given as name and value in turn.
func answer(status int, headers ...string) *http.Response {
	header := http.Header{}
	for pair := range slices.Chunk(headers, 2) {
		header.Set(pair[0], pair[1])
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody}
}

func (s *scripted) collector() *collector {
	c := newCollector("http://collector.example/v1/traces", http.Header{})
	c.http.Transport = s
	return c
}

// window is when the last try comes, in milliseconds since the first.
type window struct{ least, most int64 }

// OTLP/HTTP Response says which answers mean what. Time stands as long as
// anybody works, so that what passes was waited.
func TestCollectorAnswers(t *testing.T) {
	t.Parallel()
	taken := answer(http.StatusOK)
	for name, tt := range map[string]struct {
		answers script
		err     string
		tries   int
		last    window
	}{
		"success":              {script{taken}, "", 1, window{}},
		"another success":      {script{answer(202)}, "", 1, window{}},
		"bad data":             {script{answer(400)}, "400 Bad Request", 1, window{}},
		"no key":               {script{answer(401)}, "401 Unauthorized", 1, window{}},
		"a fault":              {script{answer(500, "Retry-After", "1")}, "500 Internal Server Error", 1, window{}},
		"moved":                {script{answer(307, "Location", "http://elsewhere.example/")}, "307 Temporary Redirect", 1, window{}},
		"told to wait":         {script{answer(503, "Retry-After", "7"), taken}, "", 2, window{7000, 10500}},
		"told to come at once": {script{answer(429, "Retry-After", "0"), taken}, "", 2, window{}},
		"told nonsense":        {script{answer(429, "Retry-After", "-7"), taken}, "", 2, window{800, 1200}},
		"told for centuries":   {script{answer(429, "Retry-After", "99999999999999999999"), taken}, "", 2, window{800, 1200}},
		"told for too long":    {script{answer(503, "Retry-After", "3600")}, "503 Service Unavailable", 1, window{}},
		"told nothing":         {script{answer(502), answer(504), taken}, "", 3, window{2400, 3600}},
		"broken off":           {script{nil, taken}, "", 2, window{800, 1200}},
		"broken off, bad data": {script{nil, answer(400)}, "400 Bad Request", 2, window{800, 1200}},
		"silence":              {script{silence, taken}, "", 2, window{10800, 11200}},
		"away for good":        {script{answer(503)}, "503 Service Unavailable", 5, window{12000, 18000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{answers: tt.answers}
				sent := []*tracepb.ResourceSpans{{SchemaUrl: "the same each time"}}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // as the batcher does
				defer cancel()
				err := s.collector().UploadTraces(ctx, sent)

				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("it ended with %v, want %q", err, tt.err)
				}
				if len(s.got) != tt.tries {
					t.Fatalf("there were %d tries, want %d", len(s.got), tt.tries)
				}
				if took := s.at[len(s.at)-1].Milliseconds(); took < tt.last.least || took > tt.last.most {
					t.Errorf("the last try came after %d ms, want %d to %d", took, tt.last.least, tt.last.most)
				}
				for _, one := range s.got {
					if !proto.Equal(one.spans[0], sent[0]) || one.URL.Host != "collector.example" {
						t.Errorf("%s got %v", one.URL, one.spans)
					}
				}
			})
		})
	}
}

// Nodes that lost a collector at the same time do not come back at the same
// time (OTLP/HTTP Connection).
func TestCollectorIsNotStormed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var back [2]time.Duration
		for i := range back {
			s := &scripted{answers: script{nil, answer(http.StatusOK)}}
			if err := s.collector().UploadTraces(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			back[i] = s.at[1]
		}
		if back[0] == back[1] {
			t.Errorf("both came back after %v", back[0])
		}
	})
}

// A batch is given up when the time that the SDK grants is over, and after a
// minute where it grants any.
func TestCollectorGivesUp(t *testing.T) {
	t.Parallel()
	for granted, want := range map[time.Duration]time.Duration{30 * time.Second: 30 * time.Second, time.Hour: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), granted)
			defer cancel()
			s, start := &scripted{answers: script{answer(429, "Retry-After", "500")}}, time.Now()
			if err := s.collector().UploadTraces(ctx, nil); err == nil {
				t.Error("the spans were taken")
			}
			if took := time.Since(start); took != want {
				t.Errorf("of %v it took %v, want %v", granted, took, want)
			}
		})
	}
}

// A node that stops does not wait long for a collector, and that is no error.
func TestFlushGivesUp(t *testing.T) {
	before := otel.GetErrorHandler()
	t.Cleanup(func() { otel.SetErrorHandler(before) })
	synctest.Test(t, func(t *testing.T) {
		var said logbook.Log
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { _, _ = io.WriteString(&said, err.Error()+"\n") }))
		s := &scripted{answers: script{silence}}
		exporter, err := otlptrace.New(t.Context(), s.collector())
		if err != nil {
			t.Fatal(err)
		}
		provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
		_, span := provider.Tracer("").Start(t.Context(), "last")
		span.End()

		start := time.Now()
		if err := flushed(t.Context(), provider); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != flushTime {
			t.Errorf("it took %v", took)
		}
		if got, want := said.String(), "the last traces were not sent: context deadline exceeded\n"; got != want {
			t.Errorf("%q was said, want %q", got, want)
		}
		time.Sleep(time.Minute) // the SDK gives up, too
	})
}

func TestHeadersOf(t *testing.T) {
	t.Parallel()
	const all, traces = "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	for name, tt := range map[string]struct {
		environment url.Values
		want        http.Header
		err         string
	}{
		"none":                  {want: http.Header{}},
		"two":                   {environment: url.Values{all: {"a=1, B = 2"}}, want: http.Header{"A": {"1"}, "B": {"2"}}},
		"percent-encoded":       {environment: url.Values{all: {"a=%20x%2Cy%3D+"}}, want: http.Header{"A": {" x,y=+"}}},
		"equals signs":          {environment: url.Values{all: {"authorization=Basic Zm9vOmI="}}, want: http.Header{"Authorization": {"Basic Zm9vOmI="}}},
		"empty value":           {environment: url.Values{all: {"a="}}, want: http.Header{"A": {""}}},
		"traces have their own": {environment: url.Values{all: {"a=1"}, traces: {"b=2"}}, want: http.Header{"B": {"2"}}},
		"no value":              {environment: url.Values{all: {"secret"}}, err: all},
		"no name":               {environment: url.Values{traces: {"=secret"}}, err: traces},
		"nothing after a comma": {environment: url.Values{all: {"a=secret,"}}, err: all},
		"not percent-encoded":   {environment: url.Values{all: {"a=secret%zz"}}, err: all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := headersOf(tt.environment.Get)
			if !cmp.Equal(got, tt.want) {
				t.Errorf("headers: %v", cmp.Diff(tt.want, got))
			}
			switch {
			case tt.err == "" && err == nil:
			case err == nil || !strings.HasPrefix(err.Error(), tt.err+" "):
				t.Errorf("it ended with %v, want %q", err, tt.err)
			case strings.Contains(err.Error(), "secret"):
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// The broker starts without its collector, and not with headers that it cannot read.
func TestTraceStarts(t *testing.T) {
	c := config.Broker{Telemetry: &config.Telemetry{OTLP: "http://collector.invalid", Sample: 1}}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "secret")
	if _, err := Trace(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("headers that cannot be read were taken")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "")
	flush, err := Trace(t.Context(), c, slog.New(slog.DiscardHandler))
	if err := errors.Join(err, flush(t.Context())); err != nil {
		t.Error(err)
	}
}
