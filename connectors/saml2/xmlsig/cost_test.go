//go:build unix && !race

package xmlsig_test

import (
	"syscall"
	"testing"
	"time"
)

// A mebibyte is to be refused within 50 ms. That is CPU time, the least of
// several readings, and twice as much is let pass: a machine that is busy with
// others is slower. The race detector takes time of its own.
func TestHostileDocumentsAreRefusedSoon(t *testing.T) {
	const dear, readings = 100 * time.Millisecond, 10
	key := ours(t)
	for name, document := range hostile(t, key) {
		least := time.Hour
		for range readings {
			before := spent(t)
			_ = refuse([]byte(document), key)
			if least = min(least, spent(t)-before); least < dear {
				break
			}
		}
		if least >= dear {
			t.Errorf("%s: refused after %v", name, least)
		}
	}
}

// spent is the CPU time that this process has had.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
