package login_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func TestDevices(t *testing.T) {
	h := newHill(t)
	desk, phone, other := h.browser(), h.browser(), h.browser()
	desk.agent, phone.agent = firefox, safari
	h.enters(desk, "tax", h.middle, "alice", "Cm")
	alice := h.front.issued().Account.ID
	h.pass(time.Minute)
	h.enters(phone, "tax", h.middle, "alice", "Cm")
	atPhone := h.front.issued().SID
	h.enters(other, "tax", h.middle, "bob", "Cm")
	bob := h.front.issued()

	h.pass(time.Minute)
	desk.use("waste") // single sign-on is a use
	devices, err := h.flows[1].Sessions(t.Context(), alice)
	h.must(err)
	if len(devices) != 2 {
		t.Fatalf("devices: %+v", devices)
	}
	first, second := devices[0], devices[1]
	slices.Sort(first.Apps)
	if first.Browser != "Firefox" || first.System != "Windows" || first.Connector != "middle" || !slices.Equal(first.Apps, []string{"tax", "waste"}) {
		t.Errorf("used last: %+v", first)
	}
	if !first.Used.Equal(h.now()) || h.now().Sub(first.Since) != 2*time.Minute || h.now().Sub(second.Used) != time.Minute {
		t.Errorf("used %s, since %s, the other %s", first.Used, first.Since, second.Used)
	}
	if second.Browser != "Safari" || second.System != "iPhone" || second.SID != atPhone || !slices.Equal(second.Apps, []string{"tax"}) {
		t.Errorf("used before: %+v", second)
	}

	// Nobody ends a session of somebody else.
	if done, err := h.flows[0].EndDevice(t.Context(), alice, bob.SID); err != nil || len(done.Ended) > 0 || !other.signedIn() {
		t.Errorf("bob's session: %+v, %v", done, err)
	}
	done, err := h.flows[0].EndDevice(t.Context(), alice, atPhone)
	if err != nil || phone.signedIn() || !desk.signedIn() || !slices.Equal(done.Unable, []string{"tax"}) {
		t.Errorf("the phone's session: %+v, %v", done, err)
	}
	if devices, err := h.flows[0].Sessions(t.Context(), alice); err != nil || len(devices) != 1 {
		t.Errorf("devices: %+v, %v", devices, err)
	}
}

// All but one end down to their apps, at whichever node their browser was.
func TestEndAll(t *testing.T) {
	h := newHill(t)
	h.front.tell("tax", way{tell: obeys})
	h.front.tell("waste", way{tell: func(context.Context) (bool, error) { return true, errors.New("status 500") }})
	var browsers []*browser
	var sids []string
	for i := range 4 {
		b := h.browser()
		b.node = i % 2
		h.enters(b, "tax", h.middle, "alice", "Cm")
		b.use("waste")
		browsers, sids = append(browsers, b), append(sids, h.front.issued().SID)
	}
	alice := h.front.issued().Account.ID
	done, err := h.flows[1].EndAll(t.Context(), alice, sids[3])
	if err != nil || !slices.Equal(done.Ended, []string{"tax"}) || !slices.Equal(done.Failed, []string{"waste"}) {
		t.Errorf("%+v, %v", done, err)
	}
	for i, b := range browsers {
		if b.signedIn() != (i == 3) {
			t.Errorf("browser %d: signed in %t", i, b.signedIn())
		}
		if i < 3 {
			b.node = 1 - b.node
			if got := b.get("/ask/tax"); got.to == "" || b.signedIn() {
				t.Errorf("browser %d gets in at the other node: %q", i, got.to)
			}
		}
	}
	if told := len(h.front.told); told != 6 {
		t.Errorf("%d apps were told, want 2 of each of 3 sessions", told)
	}
}

// Whoever signs in again keeps the session, which is listed once, and under the
// account that it is in.
func TestDevicesFollowTheSession(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.middle, "alice", "Cm")
	alice := h.front.issued().Account.ID
	one.get("/ask/tax?force&by=middle")
	one.returns(h.middle, "alice", "Cm")
	if devices, err := h.flows[0].Sessions(t.Context(), alice); err != nil || len(devices) != 1 {
		t.Errorf("devices: %+v, %v", devices, err)
	}
	one.get("/ask/tax?force&by=middle")
	one.returns(h.middle, "bob", "Cm")
	bob := h.front.issued().Account.ID
	for account, want := range map[string]int{alice: 0, bob: 1} {
		if devices, err := h.flows[0].Sessions(t.Context(), account); err != nil || len(devices) != want {
			t.Errorf("devices: %+v, %v", devices, err)
		}
	}
}

// A device that is ended while its browser signs in to another app is ended: that
// app is told, or the browser gets nothing.
func TestEndingADeviceRacesWithItsUse(t *testing.T) {
	h := newHill(t)
	for range 10 {
		one := h.browser()
		h.enters(one, "tax", h.middle, "alice", "Cm")
		s := h.front.issued()
		var both sync.WaitGroup
		both.Go(func() { one.get("/ask/waste") })
		both.Go(func() {
			if _, err := h.flows[1].EndDevice(t.Context(), s.Account.ID, s.SID); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if one.signedIn() {
			t.Fatal("signed in still")
		}
	}
}
