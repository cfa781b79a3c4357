package login_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/login"
)

// shares says on the choice page that others use the browser, too, and returns that
// page.
func (b *browser) shares(t *testing.T, choice page) page {
	t.Helper()
	shown := b.get(choice.to)
	shown.mustShow(t, http.StatusOK, `id="shared"`, `aria-checked="false"`)
	ticked := b.post("/shared", url.Values{"request": {found(t, shown.body, `name="request" value="`)}, "shared": {"yes"}})
	shown = b.get(ticked.to)
	shown.mustShow(t, http.StatusOK, `aria-checked="true"`)
	return shown
}

// Two residents, one after the other, at a computer that is not theirs.
func TestSharedComputer(t *testing.T) {
	h := newHill(t)
	h.front.tell("tax", way{tell: obeys})
	one := h.browser()
	one.node = 1
	shown := one.shares(t, one.get("/ask/tax"))
	one.node = 0
	one.get(found(t, shown.body, `id="idp-middle" href="`)).at(t, h.middle, "")
	if !h.middle.attempt().Force {
		t.Error("the provider lets in whoever is signed in there")
	}
	one.returns(h.middle, "alice", "Cm").mustLead(t, "https://tax.example/in?person=alice")
	alice := h.front.issued()

	// No other app gets in on that, nor the same one again.
	for _, app := range []string{"waste", "tax"} {
		if got := one.get("/ask/" + app); !strings.HasPrefix(got.to, "/choose?") {
			t.Fatalf("%s leads to %d %q", app, got.status, got.to)
		}
		h.request(login.Request{App: app, Passive: true})
		one.get("/ask").mustLead(t, "https://"+app+".example/refused?why=login_required")
	}
	if got := one.get("/own"); !strings.HasPrefix(got.to, "/choose?") {
		t.Fatalf("her own pages lead to %d %q", got.status, got.to)
	}

	// She leaves without signing out. Whoever comes next sees nothing of her, and
	// ends what there was.
	shown = one.get(one.get("/ask/waste").to)
	shown.mustShow(t, http.StatusOK, `aria-checked="true"`, "Choose how to sign in to App waste")
	shown.mustNotShow(t, "alice", "The way you used last time")
	one.get(found(t, shown.body, `id="idp-middle" href="`)).at(t, h.middle, "")
	if !h.middle.attempt().Force {
		t.Error("the provider lets alice in again")
	}
	one.returns(h.middle, "bob", "Cm").mustLead(t, "https://waste.example/in?person=bob")
	bob := h.front.issued()
	if bob.Account.ID == alice.Account.ID || bob.SID == alice.SID {
		t.Error("bob is in alice's account or session")
	}
	if !slices.Contains(h.front.revoked, "tax") || !slices.Contains(h.front.told, "tax") {
		t.Error("what was issued to alice is good still")
	}
	if devices, err := h.flows[1].Sessions(t.Context(), alice.Account.ID); err != nil || len(devices) != 0 {
		t.Errorf("alice is signed in still: %v, %v", devices, err)
	}
	if hints := one.cookie("browser"); strings.Contains(hints, "middle") || strings.Contains(hints, "tax") || strings.Contains(hints, "waste") {
		t.Errorf("the browser keeps %q", hints)
	}
}

// Signing out there ends the app and the provider, and leaves nothing in the browser.
func TestSharedComputerSignOut(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	b.works.out.URL = "https://works.example/bye"
	one := b.browser()
	one.get("/ask/library?by=works") // somebody before
	shown := one.shares(t, one.get("/ask/tax"))
	one.get(found(t, shown.body, `id="idp-works" href="`))
	form := url.Values{"RelayState": {b.works.attempt().State}, "nonce": {b.works.attempt().Nonce}, "person": {"alice"}, "index": {"1"}}
	one.get(one.postFromElsewhere("/callback/works", form).to).mustLead(t, "https://tax.example/in?person=alice")
	got := one.post("/sign-out", nil)
	got.mustLead(t, "https://works.example/bye")
	if !slices.Contains(b.front.told, "tax") || one.signedIn() {
		t.Error("the app was not told, or alice is signed in still")
	}
	hints := one.cookie("browser")
	if parts := strings.Split(hints, "."); len(parts) != 3 || parts[1] != "" || parts[2] != "" {
		t.Errorf("the browser keeps %q", hints)
	}
}

// A session there is over soon, whatever it rests on.
func TestSharedComputerIsForgottenSoon(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	shown := one.shares(t, one.get("/ask/tax"))
	one.get(found(t, shown.body, `id="idp-middle" href="`))
	one.returns(h.middle, "alice", "Cm")
	if s := h.front.issued(); !s.Shared || s.Idle != 10*time.Minute {
		t.Errorf("shared %t, idle for %s", s.Shared, s.Idle)
	}
	// A way in that is added there, or a new sign-in, does not change that.
	shown = one.get(one.get("/own").to)
	one.get(found(t, shown.body, `id="idp-middle" href="`)).at(t, h.middle, "")
	one.returns(h.middle, "alice", "Cm").mustLead(t, mine)
	asked := h.adding(one, h.weak, "alice-w", "Cl")
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	h.pass(16 * time.Minute)
	one.post("/own/refresh", nil).at(t, h.middle, "")
	one.returns(h.middle, "alice", "Cm").mustLead(t, mine)
	devices, err := h.flows[0].Sessions(t.Context(), h.front.issued().Account.ID)
	h.must(err)
	if len(devices) != 1 || !devices[0].Shared {
		t.Errorf("devices: %+v", devices)
	}
	if got := one.get("/ask/tax"); !strings.HasPrefix(got.to, "/choose?") {
		t.Errorf("leads to %d %q", got.status, got.to)
	}
}

// The tick is the resident's own, for this sign-in, and can be taken back.
func TestSharedIsTakenBack(t *testing.T) {
	h := newHill(t)
	one, other := h.browser(), h.browser()
	other.get("/ask/tax")
	shown := one.shares(t, one.get("/ask/tax"))
	form := url.Values{"request": {found(t, shown.body, `name="request" value="`)}, "shared": {"no"}}
	other.post("/shared", form).mustShow(t, http.StatusBadRequest, "started in another browser")
	shown = one.get(one.post("/shared", form).to)
	shown.mustShow(t, http.StatusOK, `aria-checked="false"`)
	one.get(found(t, shown.body, `id="idp-middle" href="`))
	one.returns(h.middle, "alice", "Cm").mustLead(t, "https://tax.example/in?person=alice")
	one.use("waste")
	if strings.Count(one.cookie("browser"), "middle") != 1 {
		t.Error("the way used last is not remembered")
	}

	// Somebody who proves more is not asked.
	shown = one.get(one.get("/ask/grants").to)
	shown.mustNotShow(t, `id="shared"`)
}

// A tab in which nobody said so does not make the session one of a browser that nobody
// else uses.
func TestSharedInAnotherTab(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	tab := one.get(one.get("/ask/waste").to)
	shown := one.shares(t, one.get("/ask/tax"))
	one.get(found(t, shown.body, `id="idp-middle" href="`))
	one.returns(h.middle, "alice", "Cm").mustLead(t, "https://tax.example/in?person=alice")
	one.get(found(t, tab.body, `id="idp-middle" href="`)).at(t, h.middle, "")
	one.returns(h.middle, "alice", "Cm").mustLead(t, "https://waste.example/in?person=alice")
	if s := h.front.issued(); !s.Shared || s.Idle != 10*time.Minute {
		t.Errorf("shared %t, idle for %s", s.Shared, s.Idle)
	}
}
