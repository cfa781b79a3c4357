package connectors_test

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkFinish is what a returning resident's sign-in costs here: the
// exchange of the code and the check of the ID token. The processor time is
// that of both sides, as the provider runs in the same process.
func BenchmarkFinish(b *testing.B) {
	p := newProvider(b)
	c, a := p.open(p.connector()), newAttempt()
	redirect, err := c.Start(b.Context(), a)
	if err != nil {
		b.Fatal(err)
	}
	start := processorTime(b)
	for b.Loop() {
		if _, err := c.Finish(b.Context(), a, callback(p.authorize(redirect.URL))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
