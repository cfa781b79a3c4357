package council_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/connectors"
)

func TestExport(t *testing.T) {
	onEachWith(t, "council: {passwords: true}\n", func(b *bed) {
		b.withPassword("jo@example.org")
		d := b.newDevice()
		subject := b.browser().signIn("jo@example.org").Subject
		w := b.browser()
		p := w.byPassword(w.get(b.site+"/council/email/account"), "jo@example.org", good)
		p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "jo@example.org")})
		w.submit(p, "make-passkey", map[string]string{"credential": d.make(p), "name": "My phone"})
		b.browser().byPasskey(d)

		got, ok, err := b.ways[1].Export(t.Context(), subject)
		want := council.Record{
			Subject: subject, Address: "jo@example.org", Created: b.now().UTC(), Password: true,
			Passkeys: []council.PasskeyRecord{{ID: text(d.id), Name: "My phone", Device: make([]byte, 16), Created: b.now().UTC(), Used: b.now().UTC()}},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(council.PasskeyRecord{}, "PublicKey")); diff != "" || !ok || err != nil {
			t.Errorf("ok is %v, %v, -want +got:\n%s", ok, err, diff)
		}
		if len(got.Passkeys) != 1 || len(got.Passkeys[0].PublicKey) == 0 {
			t.Error("there is no public key")
		}
		written, err := json.Marshal(got)
		if err != nil || strings.Contains(string(written), "argon2") {
			t.Errorf("%v: %s", err, written)
		}
		if _, ok, err := b.ways[1].Export(t.Context(), "nobody"); ok || err != nil {
			t.Errorf("of nobody: %v, %v", ok, err)
		}
	})
}

// Whoever is erased is gone, whatever they were in the middle of, and others are
// not.
func TestErase(t *testing.T) {
	onEachWith(t, "council: {passwords: true}\n", func(b *bed) {
		d, other := b.newDevice(), b.newDevice()
		b.withPasskey(other, "al@example.org")
		subject := b.withPasskey(d, "jo@example.org").Subject
		atDesk, signedIn := b.browser(), b.browser()
		desk := atDesk.accountByPasskey(d)
		_, offer := signedIn.start(connectors.Attempt{Step: "two_factors"})

		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if err := b.ways[i%2].Erase(t.Context(), subject); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if p := atDesk.get(desk.at.String()); p.at.Path != "/council/email/sign-in" {
			t.Errorf("the account page: %d at %s", p.status, p.at)
		}
		if p := signedIn.submit(offer, "use-passkey", map[string]string{"credential": d.use(offer)}); strings.HasPrefix(p.at.Path, "/callback") {
			t.Error("the passkey signs in")
		}
		if _, ok, err := b.ways[0].Export(t.Context(), subject); ok || err != nil {
			t.Errorf("something is left: %v, %v", ok, err)
		}
		if again := b.browser().signIn("jo@example.org"); again.Subject == subject {
			t.Error("the address still leads to the user")
		}
		if said, _ := b.browser().byPasskey(other); said == nil {
			t.Error("somebody else is erased, too")
		}
		if err := b.ways[0].Erase(t.Context(), subject); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

// Who is about to make a passkey is told that they are too late.
func TestEraseDuringAVisit(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	p = w.byCode(p, "jo@example.org")
	var subject string
	b.must(b.sql.QueryRow(t.Context(), `SELECT id FROM council_users`).Scan(&subject))
	b.must(b.ways[0].Erase(t.Context(), subject))
	if q := w.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)}); q.status != http.StatusBadRequest {
		t.Errorf("%d at %s", q.status, q.at)
	}

	// Nor does anybody sign in as who is no more.
	a, p := w.start(connectors.Attempt{})
	p = w.submit(w.byCode(p, "jo@example.org"), "later", nil)
	b.must(b.sql.QueryRow(t.Context(), `SELECT id FROM council_users`).Scan(&subject))
	b.must(b.ways[0].Erase(t.Context(), subject))
	if said, err := w.finish(a, p); outcomeOf(err) != connectors.Refused {
		t.Errorf("signed in as %v, %v", said, err)
	}
}
