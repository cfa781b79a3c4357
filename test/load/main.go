// Command load drives whole federated logins through a broker and reports what
// they cost: authorize → provider → callback → token → userinfo, each by a
// browser that was never signed in, for residents whom the broker knows.
//
//	go run ./test/load                      # 5,000 logins, ES256
//	go run ./test/load --logins 20000 --alg RS256 --json
//
// It builds and starts the broker, and where they are installed a real Redis
// and PostgreSQL, each as a process of its own; the provider is simulated in
// this one. With --issuer it drives a running broker whose connector leads to
// a simulator, the demo's by default.
//
// Round trips and statements are counted by the broker's own hooks, CPU and
// memory by the broker's process, both read from its metrics.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"text/tabwriter"
)

// options are the command line.
type options struct {
	Logins, Residents, Workers int
	Alg                        string
	Embedded                   bool
	JSON                       bool
	Target                     target
}

// target is the broker under load.
type target struct {
	Issuer, Admin, ClientID, Secret, RedirectURI, Connector string
}

func main() {
	var o options
	flag.IntVar(&o.Logins, "logins", 5000, "logins to measure")
	flag.IntVar(&o.Residents, "residents", 500, "residents who log in again and again")
	flag.IntVar(&o.Workers, "workers", 8, "logins at a time")
	flag.StringVar(&o.Alg, "alg", "ES256", "signature of the ID tokens, ES256 or RS256 (ignored with --issuer)")
	flag.BoolVar(&o.Embedded, "embedded", false, "use the embedded stores even where real ones are installed")
	flag.BoolVar(&o.JSON, "json", false, "print one JSON object")
	flag.StringVar(&o.Target.Issuer, "issuer", "", "a running broker, such as http://127.0.0.1:8100")
	flag.StringVar(&o.Target.Admin, "admin", "http://127.0.0.1:8109", "its admin listener")
	flag.StringVar(&o.Target.ClientID, "client-id", "council-tax", "an app of it")
	flag.StringVar(&o.Target.Secret, "client-secret", "demo-secret-that-guards-nothing-at-all", "the app's secret")
	flag.StringVar(&o.Target.RedirectURI, "redirect-uri", "http://127.0.0.1:8111/callback", "the app's redirect URI")
	flag.StringVar(&o.Target.Connector, "connector", "works", "a connector that leads to a simulator")
	flag.Parse()

	debug.SetGCPercent(400) // the driver and the provider share the cores with what is measured
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	stage := &stage{Stores: "unknown", Alg: "unknown"}
	if o.Target.Issuer == "" {
		var err error
		if stage, err = setUp(ctx, o); err != nil {
			return err
		}
		defer stage.tearDown()
		o.Target = stage.Target
	}
	result, err := measure(ctx, o, stage)
	if err != nil {
		return err
	}
	if o.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		err = result.print(out)
	}
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d logins failed, the first: %s", result.Failed, result.FirstFailure)
	}
	return err
}

// result is what was measured.
type result struct {
	Logins       int     `json:"logins"`
	Failed       int     `json:"failed"`
	FirstFailure string  `json:"first_failure,omitempty"`
	PerSecond    float64 `json:"logins_per_s"`
	CPU          float64 `json:"cpu_ms_per_login"` // of the broker's process
	RoundTrips   float64 `json:"redis_round_trips_per_login"`
	Statements   float64 `json:"sql_statements_per_login"`
	P50          float64 `json:"p50_ms"`
	P95          float64 `json:"p95_ms"`
	P99          float64 `json:"p99_ms"`
	IdleRSS      float64 `json:"idle_rss_mib"` // before the first login
	RSS          float64 `json:"rss_mib"`      // the peak during the run
	ReadyMS      float64 `json:"ready_ms"`     // from start of a broker with existing keys to /readyz; 0 with --issuer
	Alg          string  `json:"alg"`
	Stores       string  `json:"stores"`
	Steps        []step  `json:"steps"`
}

// step is the latency of one step of a login, in milliseconds.
type step struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
	P99  float64 `json:"p99_ms"`
}

func (r *result) print(out io.Writer) error {
	fmt.Fprintf(out, "%d logins, %d failed (%s, %s)\n\n", r.Logins, r.Failed, r.Alg, r.Stores)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range []struct {
		name, unit string
		value      float64
	}{
		{"logins per second", "", r.PerSecond},
		{"CPU per login", "ms", r.CPU},
		{"Redis round trips per login", "", r.RoundTrips},
		{"SQL statements per login", "", r.Statements},
		{"RSS idle", "MiB", r.IdleRSS},
		{"RSS peak", "MiB", r.RSS},
		{"ready after", "ms", r.ReadyMS},
	} {
		fmt.Fprintf(t, "%s\t%.2f\t%s\t\n", line.name, line.value, line.unit)
	}
	fmt.Fprint(t, "\n\tp50 ms\tp95 ms\tp99 ms\t\n")
	for _, s := range append(r.Steps, step{"whole login", r.P50, r.P95, r.P99}) {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t\n", s.Name, s.P50, s.P95, s.P99)
	}
	return t.Flush()
}
