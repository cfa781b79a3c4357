package council_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

func TestCode(t *testing.T) {
	onEach(t, func(b *bed) {
		w := b.browser()
		said := w.signIn("jo@example.org")
		want := &connectors.Assertion{
			Issuer: b.site + "/council", Subject: said.Subject, AuthTime: b.now(),
			Claims: mapping.Claims{"sub": said.Subject, "email": "jo@example.org", "email_verified": true},
			Signed: mapping.Signed{"council": {"method": "code"}},
		}
		if diff := cmp.Diff(want, said); diff != "" || said.Subject == "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		b.pass(time.Hour)
		if again := b.browser().signIn("Jo@EXAMPLE.org"); again.Subject != said.Subject {
			t.Error("the same address is another person")
		}
		if other := b.browser().signIn("jo.o@example.org"); other.Subject == said.Subject {
			t.Error("another address is the same person")
		}
	})
}
