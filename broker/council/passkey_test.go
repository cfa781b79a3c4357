package council_test

import (
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors"
)

// withPasskey signs somebody in by a code and has them make a passkey.
func (b *bed) withPasskey(d *device, address string) *connectors.Assertion {
	b.Helper()
	w := b.browser()
	a, p := w.start(connectors.Attempt{})
	p = w.byCode(p, address)
	p = w.submit(p, "make-passkey", map[string]string{"credential": d.make(p)})
	said, err := w.finish(a, p)
	b.must(err)
	return said
}

// byPasskey is a whole sign-in by a passkey.
func (w *browser) byPasskey(d *device) (*connectors.Assertion, page) {
	w.Helper()
	a, p := w.start(connectors.Attempt{})
	p = w.submit(p, "use-passkey", map[string]string{"credential": d.use(p)})
	if !strings.HasPrefix(p.at.Path, "/callback/") {
		return nil, p
	}
	said, err := w.finish(a, p)
	w.must(err)
	return said, p
}

func method(said *connectors.Assertion) any {
	if said == nil {
		return nil
	}
	return said.Signed["council"]["method"]
}

func TestPasskey(t *testing.T) {
	onEach(t, func(b *bed) {
		d := b.newDevice()
		first := b.withPasskey(d, "jo@example.org")
		if method(first) != "code" {
			t.Errorf("to have made a passkey is not to have signed in by it: %v", method(first))
		}
		w := b.browser()
		w.node = 1
		said, _ := w.byPasskey(d)
		if method(said) != "passkey" || said.Subject != first.Subject {
			t.Errorf("by %v as %v, want a passkey of %s", method(said), said, first.Subject)
		}
		if letters := b.post.Wait(t, "jo@example.org", 2); !strings.Contains(letters[1].Body, "a passkey was added") {
			t.Errorf("nobody was told of the passkey: %s", letters[1].Body)
		}
	})
}

// Each of these is a check of WebAuthn Level 3 §7.2.
func TestPasskeyRefused(t *testing.T) {
	b := open(t, "")
	good := b.newDevice()
	b.withPasskey(good, "jo@example.org")
	for name, bend := range map[string]func(*device){
		"another origin":          func(d *device) { d.origin = "http://localhost.evil.example" },
		"another port":            func(d *device) { d.origin = "http://localhost:1" },
		"another relying party":   func(d *device) { d.rpID = "evil.example" },
		"nobody there":            func(d *device) { d.flags &^= present },
		"nobody verified":         func(d *device) { d.flags &^= verified },
		"another kind of passkey": func(d *device) { d.flags &^= synced },
		"another key":             func(d *device) { d.key = b.newDevice().key },
		"an unknown credential":   func(d *device) { d.id = []byte("unknown-unknown-") },
		"an unknown user":         func(d *device) { d.user = []byte("nobody") },
		"no user":                 func(d *device) { d.user = nil },
		"somebody else's passkey": func(d *device) { d.user = []byte(b.browser().signIn("al@example.org").Subject) },
	} {
		t.Run(name, func(t *testing.T) {
			bent := *good
			bend(&bent)
			said, p := b.browser().byPasskey(&bent)
			if said != nil || !strings.Contains(p.body, "could not sign you in with that passkey") {
				t.Errorf("signed in, or not told why not: %d at %s", p.status, p.at)
			}
		})
	}
	if said, _ := b.browser().byPasskey(good); method(said) != "passkey" {
		t.Error("the device itself does not sign in any more")
	}
}

// Of new passkeys, too.
func TestNewPasskeyRefused(t *testing.T) {
	b := open(t, "")
	taken := b.newDevice()
	b.withPasskey(taken, "taken@example.org")
	for name, bend := range map[string]func(*device){
		"another origin":        func(d *device) { d.origin = "http://localhost.evil.example" },
		"another relying party": func(d *device) { d.rpID = "evil.example" },
		"nobody verified":       func(d *device) { d.flags &^= verified },
		"somebody's already":    func(d *device) { d.id = taken.id },
	} {
		t.Run(name, func(t *testing.T) {
			d, w := b.newDevice(), b.browser()
			bend(d)
			_, p := w.start(connectors.Attempt{})
			p = w.byCode(p, "jo@example.org")
			p = w.submit(p, "make-passkey", map[string]string{"credential": d.make(p)})
			if !strings.Contains(p.body, "could not save that passkey") {
				t.Errorf("%d at %s", p.status, p.at)
			}
		})
	}
}

// An answer counts once, on any node, and for the page that asked.
func TestPasskeyAnswersOnce(t *testing.T) {
	b := open(t, "")
	d := b.newDevice()
	b.withPasskey(d, "jo@example.org")
	one, other := b.browser(), b.browser()
	_, p := one.start(connectors.Attempt{})
	_, q := other.start(connectors.Attempt{})
	answer := map[string]string{"credential": d.use(p)}
	if q := other.submit(q, "use-passkey", answer); strings.HasPrefix(q.at.Path, "/callback/") {
		t.Error("the answer to another page signs in")
	}
	if q := one.submit(p, "use-passkey", answer); !strings.HasPrefix(q.at.Path, "/callback/") {
		t.Fatalf("the answer does not sign in: %d at %s", q.status, q.at)
	}
	one.node = 1
	if q := one.submit(p, "use-passkey", answer); strings.HasPrefix(q.at.Path, "/callback/") {
		t.Error("the answer signs in twice")
	}
}

// A device-bound passkey counts its uses; a copy of it gives itself away.
func TestCopiedPasskeyIsRefused(t *testing.T) {
	onEach(t, func(b *bed) {
		d := b.newDevice()
		d.flags, d.count = present|verified, 1
		b.withPasskey(d, "jo@example.org")
		clone := *d
		for range 2 {
			if said, p := b.browser().byPasskey(d); method(said) != "passkey" {
				t.Fatalf("the passkey does not sign in: %s", p.body)
			}
		}
		if said, _ := b.browser().byPasskey(&clone); said != nil {
			t.Error("a copy signs in")
		}
		shared := b.newDevice()
		shared.count = 7
		b.withPasskey(shared, "al@example.org")
		shared.count = 3 // another of the owner's devices
		if said, _ := b.browser().byPasskey(shared); said == nil {
			t.Error("a passkey that devices share is held to one device's counter")
		}
	})
}
