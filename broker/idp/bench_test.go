package idp_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/binding"
)

// What one sign-on costs when there is a session: the request read, the
// assertion signed and posted, Redis included.
func BenchmarkSignOn(b *testing.B) {
	bed := newBed(b)
	browser := newBrowser(b)
	bed.signOn(browser, planning, planning.request(bed))
	addresses := make([]string, b.N)
	for i := range addresses {
		addresses[i] = bed.redirect("/saml/sso", binding.Request, planning.request(bed).Element(), "", planning.key())
	}
	before := bed.trips.Load()
	b.ReportAllocs()
	b.ResetTimer()
	for _, address := range addresses {
		res, err := browser.Get(address)
		bed.must(err)
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("status %d, %v", res.StatusCode, err)
		}
		res.Body.Close()
	}
	b.ReportMetric(float64(bed.trips.Load()-before)/float64(b.N), "trips/op")
}
