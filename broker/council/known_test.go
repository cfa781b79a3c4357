package council_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
)

// stranger is a browser in the n-th network that somebody else has.
func (b *bed) stranger(n int) *browser {
	b.Helper()
	w := b.browser()
	w.from = fmt.Sprintf("192.0.2.%d", n)
	return w
}

// asksForCodes has codes sent until that is refused, and reports how many were.
func (w *browser) asksForCodes(address string, most int) int {
	w.Helper()
	_, p := w.start(connectors.Attempt{})
	for n := range most {
		if q := w.submit(p, "send", map[string]string{"address": address}); strings.Contains(q.body, "sent many codes") {
			return n
		}
	}
	return most
}

// Whoever has codes sent to somebody's address from many networks keeps them out
// of other browsers, and not of the one that they have signed in with before.
func TestStrangersUseUpCodes(t *testing.T) {
	b := open(t, "")
	jo := b.browser()
	jo.signIn("jo@example.org")
	for n := range 4 {
		b.stranger(n).asksForCodes("jo@example.org", 6)
	}
	thief := b.stranger(5)
	thief.signIn("thief@example.org") // is known, but not for this address
	forger := b.stranger(6)
	forger.setCookie("council-known", store.NewHandle().String())
	for name, w := range map[string]*browser{"a new browser": b.stranger(7), "somebody else's": thief, "a cookie that was made up": forger} {
		if n := w.asksForCodes("jo@example.org", 1); n != 0 {
			t.Errorf("%s gets %d codes more", name, n)
		}
	}
	jo.from, jo.node = "192.0.2.1", 1 // in the network of one of them, too
	if n := jo.asksForCodes("jo@example.org", 7); n != 6 {
		t.Errorf("the browser of the address's owner gets %d codes, want 6", n)
	}
}

// It is the same with passwords.
func TestStrangersUseUpPasswords(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.withPassword("jo@example.org")
	b.cheapen() // or the limits fill up again meanwhile
	jo := b.browser()
	jo.signIn("jo@example.org")
	tries := func(w *browser, password string, most int) int {
		for n := range most {
			_, p := w.start(connectors.Attempt{})
			if p = w.byPassword(p, "jo@example.org", password); strings.Contains(p.body, "tried too often") {
				return n
			}
		}
		return most
	}
	for n := range 5 {
		tries(b.stranger(n), "wrong", 20)
	}
	if n := tries(b.stranger(5), good, 1); n != 0 {
		t.Error("strangers go on guessing")
	}
	if n := tries(jo, "wrong", 19) + tries(jo, good, 1); n != 20 {
		t.Errorf("the owner is kept out at %d", n)
	}
	if n := tries(jo, good, 1); n != 0 {
		t.Error("a browser that is known guesses for ever")
	}
}

// One browser is known for several people, and keeps its cookie; what that says is
// nothing.
func TestKnownForSeveral(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	w.signIn("jo@example.org")
	before := w.cookie("council-known")
	w.signIn("al@example.org")
	if _, ok := store.ParseHandle(before); !ok || w.cookie("council-known") != before {
		t.Errorf("the cookie was %q and is %q", before, w.cookie("council-known"))
	}
	for _, address := range []string{"jo@example.org", "al@example.org"} {
		for n := range 4 {
			b.stranger(n).asksForCodes(address, 6)
		}
		if n := w.asksForCodes(address, 1); n != 1 {
			t.Errorf("%s is kept out", address)
		}
	}
}
