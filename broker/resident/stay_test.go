package resident_test

import (
	"encoding/json"
	"testing"
	"time"
)

// stays is what the script of the pages is told.
func (w *browser) stays() (stay struct {
	Seconds int
	Last    bool
},
) {
	w.Helper()
	w.must(json.Unmarshal([]byte(w.post("/my/stay").body), &stay))
	return stay
}

// Pages say how long their reader stays signed in, and who presses the button does so
// for as long again; but not beyond the session's lifetime.
func TestStaying(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	w.get("/my/proof").shows(t, "If you do nothing on these pages for 60 minutes, we sign you out", `data-seconds="3600" data-last="false"`)
	for range 11 {
		b.pass(55 * time.Minute)
		if got := w.stays(); got.Seconds != 3600 || got.Last {
			t.Fatalf("stays %+v", got)
		}
	}
	b.pass(55 * time.Minute)
	if got := w.stays(); got.Seconds != 60*60 || !got.Last {
		t.Errorf("at the end of the session: %+v", got)
	}
	p := w.get("/my/proof")
	p.hides(t, "If you do nothing")
	p.shows(t, "We sign you out at", `data-last="true"`)
	b.pass(time.Hour)
	if got := w.stays(); got.Seconds != 0 || !got.Last {
		t.Errorf("after it: %+v", got)
	}
	if got := b.browser().stays(); got.Seconds != 0 {
		t.Errorf("nobody stays %+v", got)
	}
}

// Who sends a form too late is told that it was not heeded, and led back to it.
func TestTooLate(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	b.pass(13 * time.Hour)
	p := w.post("/my/details/nickname", "said", "Jojo")
	p.shows(t, "You have been signed out", "was not saved", `href="/my/details/nickname"`)
	p.hides(t, "Jojo", `id="nav-home"`)
	p = w.returns(w.chooses(w.get(w.link(p, "again")), "weak"), "jo", "Cl")
	p.shows(t, "What would you like to be called?")
	p.hides(t, "Jojo")
}

// Who has to sign in again before a form is heeded finds in it what they typed; nobody
// else does.
func TestWhatWasTypedComesBack(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("middle", "jo", "Cm")
	b.pass(16 * time.Minute)
	p := w.post("/my/details/nickname", "said", "Jojo")
	p.shows(t, "Sign in again to go on", "What you typed is kept")
	w.get("/my/details").hides(t, "Jojo")
	p = w.post("/my/details/nickname", "said", "Jojo")
	p = w.returns(w.post(p.at.Path, "again", "yes"), "jo", "Cm")
	if p.at.Path != "/my/details/nickname" {
		t.Fatalf("led to %s", p)
	}
	p.shows(t, `value="Jojo"`)
	p.hides(t, "<title>Error")
	w.get("/my/details/nickname").hides(t, `value="Jojo"`)

	b.pass(16 * time.Minute)
	w.get("/my/details/nickname").hides(t, "What you typed is kept")
	w.post("/my/details/nickname", "said", "Jojo")
	other := w.post("/my/details/nickname", "again", "yes")
	p = w.returns(other, "somebody", "Cm")
	p.hides(t, "Jojo")
	w.get("/my/details/nickname").hides(t, "Jojo")
}
