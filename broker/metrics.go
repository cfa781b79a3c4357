package broker

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/councilid/councilid/connectors"
)

// metrics are what operators watch. Label values come from the configuration
// and from fixed lists, never from requests.
type metrics struct {
	registry *prometheus.Registry
	signIns  *prometheus.CounterVec   // attempts by connector and outcome
	farewell *prometheus.CounterVec   // apps of sessions that ended, by outcome
	letters  *prometheus.CounterVec   // messages to residents, by what came of them
	events   *prometheus.CounterVec   // what providers told of accounts, by what followed
	upstream *prometheus.HistogramVec // calls to providers
	apps     *prometheus.HistogramVec // calls to apps
	redis    *prometheus.HistogramVec // round trips: a pipeline or a script is one
	sql      *prometheus.HistogramVec // statements
	http     *prometheus.HistogramVec // requests by route and status
}

// latency covers a cached answer and a provider's time-out.
var latency = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "councilid_sign_ins_total", Help: "Finished sign-in attempts by connector and outcome.",
		}, []string{"connector", "outcome"}),
		farewell: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "councilid_sign_outs_total", Help: "Apps of sessions that ended, by app and outcome: ended, failed or unable to be told.",
		}, []string{"app", "outcome"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "councilid_letters_total",
			Help: "Letters to residents by outcome: sent, refused for good, waits to be tried again, or given_up after the last try.",
		}, []string{"outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "councilid_provider_events_total",
			Help: "What providers told of accounts, by connector and what followed: an action, or refused, repeated, overtaken, unknown.",
		}, []string{"connector", "outcome"}),
		apps:     histogram("councilid_app_seconds", "Calls to apps.", "app", "call", "outcome"),
		upstream: histogram("councilid_upstream_seconds", "Calls to identity providers.", "connector", "call", "outcome"),
		redis:    histogram("councilid_redis_seconds", "Redis round trips; a pipeline counts once.", "outcome"),
		sql:      histogram("councilid_sql_seconds", "SQL statements.", "outcome"),
		http:     histogram("councilid_http_seconds", "Requests by route and status.", "route", "status"),
	}
	m.registry.MustRegister(m.signIns, m.farewell, m.letters, m.events, m.upstream, m.apps, m.redis, m.sql, m.http,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latency}, labels)
}

func (m *metrics) signIn(connector, outcome string) {
	m.signIns.WithLabelValues(connector, outcome).Inc()
}

func (m *metrics) sessionEnd(app, outcome string) {
	m.farewell.WithLabelValues(app, outcome).Inc()
}

func (m *metrics) letter(outcome string) {
	m.letters.WithLabelValues(outcome).Inc()
}

func (m *metrics) event(connector, outcome string) {
	m.events.WithLabelValues(connector, outcome).Inc()
}

func (m *metrics) appCall(app, call, outcome string, took time.Duration) {
	m.apps.WithLabelValues(app, call, outcome).Observe(took.Seconds())
}

func (m *metrics) upstreamCall(connector, call, outcome string, took time.Duration) {
	m.upstream.WithLabelValues(connector, call, outcome).Observe(took.Seconds())
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.http.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// observe returns the hook of a store that counts its calls in h.
func observe(h *prometheus.HistogramVec) func(err error, took time.Duration) {
	ok, failed := h.WithLabelValues("ok"), h.WithLabelValues("error")
	return func(err error, took time.Duration) {
		if err != nil {
			failed.Observe(took.Seconds())
			return
		}
		ok.Observe(took.Seconds())
	}
}

// breakers tells how each connector's circuit breaker stands, when asked.
type breakers struct{ broker *Broker }

var breakerState = prometheus.NewDesc("councilid_breaker_state",
	"1 for the state of the circuit breaker between the broker and a provider: closed, open or half-open.",
	[]string{"connector", "state"}, nil)

// Describe implements prometheus.Collector.
func (breakers) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- breakerState }

// Collect implements prometheus.Collector.
func (b breakers) Collect(values chan<- prometheus.Metric) {
	for _, way := range b.broker.current.Load().flow.Ways {
		if guarded, ok := way.Connector.(connectors.Guarded); ok {
			values <- prometheus.MustNewConstMetric(breakerState, prometheus.GaugeValue, 1, way.Config.ID, guarded.BreakerState())
		}
	}
}
