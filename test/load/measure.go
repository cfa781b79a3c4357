package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measure makes every resident known, and then measures their returns.
func measure(ctx context.Context, o options, s *stage) (*result, error) {
	r := &result{Logins: o.Logins, Alg: s.Alg, Stores: s.Stores, ReadyMS: s.ReadyMS}
	d := newDriver(o)
	idle, err := scrape(ctx, o.Target.Admin)
	if err != nil {
		return nil, err
	}
	r.IdleRSS = idle.rss()
	if first := d.drive(ctx, o.Residents); first.failed > 0 {
		return nil, fmt.Errorf("%d first logins failed: %s", first.failed, first.firstFailure)
	}
	if err := settle(ctx, o.Target.Admin); err != nil {
		return nil, err
	}

	before, err := scrape(ctx, o.Target.Admin)
	if err != nil {
		return nil, err
	}
	peak := watch(ctx, o.Target.Admin)
	started := time.Now()
	run := d.drive(ctx, o.Logins)
	took := time.Since(started)
	after, err := scrape(ctx, o.Target.Admin)
	if err != nil {
		return nil, err
	}
	r.RSS = max(peak(), after.rss())

	n := float64(o.Logins)
	r.Failed, r.FirstFailure = run.failed, run.firstFailure
	r.PerSecond = n / took.Seconds()
	r.CPU = (after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) * 1000 / n
	r.RoundTrips = (after["councilid_redis_seconds_count"] - before["councilid_redis_seconds_count"]) / n
	r.Statements = (after["councilid_sql_seconds_count"] - before["councilid_sql_seconds_count"]) / n
	for i, name := range stepNames {
		p := percentiles(run.steps[i])
		r.Steps = append(r.Steps, step{name, p[0], p[1], p[2]})
	}
	whole := percentiles(run.whole)
	r.P50, r.P95, r.P99 = whole[0], whole[1], whole[2]
	return r, nil
}

// outcome is what a number of logins gave.
type outcome struct {
	steps        [len(stepNames)][]time.Duration
	whole        []time.Duration
	failed       int
	firstFailure string
}

// drive runs n logins, residents in turn, several at a time.
func (d *driver) drive(ctx context.Context, n int) *outcome {
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	o := &outcome{}
	for range d.workers {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n) && ctx.Err() == nil; i = next.Add(1) {
				times, err := d.login(ctx, int(i)%d.residents)
				mu.Lock()
				o.add(times, err)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	o.failed = n - len(o.whole)
	return o
}

func (o *outcome) add(times [len(stepNames)]time.Duration, err error) {
	if err != nil {
		if o.firstFailure == "" {
			o.firstFailure = err.Error()
		}
		return
	}
	var whole time.Duration
	for i, t := range times {
		o.steps[i] = append(o.steps[i], t)
		whole += t
	}
	o.whole = append(o.whole, whole)
}

// percentiles are the 50th, 95th and 99th in milliseconds.
func percentiles(times []time.Duration) [3]float64 {
	var p [3]float64
	if len(times) == 0 {
		return p
	}
	slices.Sort(times)
	for i, share := range []float64{.50, .95, .99} {
		p[i] = float64(times[int(share*float64(len(times)-1))].Microseconds()) / 1000
	}
	return p
}

// metrics are the broker's own figures, summed over labels.
type metrics map[string]float64

func (m metrics) rss() float64 { return m["process_resident_memory_bytes"] / (1 << 20) }

func scrape(ctx context.Context, admin string) (metrics, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("read the broker's metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	m := metrics{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if i := strings.LastIndex(lines.Text(), " "); i > 0 {
			value = lines.Text()[i+1:]
		}
		name, _, _ = strings.Cut(name, "{")
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] += f
		}
	}
	return m, nil
}

// settle waits until the broker has folded what the first logins left: until
// no SQL statement comes for two seconds.
func settle(ctx context.Context, admin string) error {
	last := -1.0
	for {
		m, err := scrape(ctx, admin)
		if err != nil {
			return err
		}
		if m["councilid_sql_seconds_count"] == last {
			return nil
		}
		last = m["councilid_sql_seconds_count"]
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

// watch notes the broker's memory until the function that it returns is
// called, which says the highest.
func watch(ctx context.Context, admin string) func() float64 {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan float64)
	go func() {
		var peak float64
		for tick := time.NewTicker(500 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				done <- peak
				return
			case <-tick.C:
				if m, err := scrape(ctx, admin); err == nil {
					peak = max(peak, m.rss())
				}
			}
		}
	}()
	return func() float64 { stop(); return <-done }
}
