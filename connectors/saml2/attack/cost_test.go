//go:build unix && !race

package attack_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// No document of an attacker costs more than 50 ms, however large it is. That
// is CPU time, and the least of several readings: the machine may be busy with
// others. The race detector takes time of its own.
func TestNoAttackIsDear(t *testing.T) {
	const dear, readings = 50 * time.Millisecond, 10
	target, key := attack.NewTarget(t)
	for _, d := range attack.Corpus(t, target) {
		if d.Refusal == "" {
			continue
		}
		least := time.Hour
		for range readings {
			x, r := target.Expect(key), d.Request(target.ACS, nil)
			if d.Demand != nil {
				d.Demand(&x)
			}
			start := spent(t)
			if m, err := binding.Read(r, x.Limits); err == nil {
				message.Consume(m, x)
			}
			if least = min(least, spent(t)-start); least < dear {
				break
			}
		}
		if least >= dear {
			t.Errorf("%s: refused after %v", d.Name, least)
		}
	}
}

// spent is the CPU time that this process has had. Nothing else runs in it
// while a test does that is not parallel.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
