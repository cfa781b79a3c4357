package login_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/councilid/councilid/broker/login"
)

// copied is a browser with the same cookies at this moment, as another tab that has
// sent its request already.
func (b *browser) copied() *browser {
	b.t.Helper()
	tab := b.bed.browser()
	at, err := url.Parse(b.nodes[0].URL)
	b.must(err)
	tab.client.Jar.SetCookies(at, b.cookies())
	return tab
}

// One person is answered in two tabs at once: their session goes on in one place.
func TestTwoTabsOneSession(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	sid := b.front.issued().SID
	first := one.postFromElsewhere("/callback/works", one.ask("waste", b.works, "alice")).to
	second := one.postFromElsewhere("/callback/works", one.ask("parks", b.works, "alice")).to
	tab := one.copied()
	tab.node = 1
	b.front.meanwhile = func() { // while the first is answered, which has looked for the session
		tab.get(second).mustLead(t, "https://parks.example/in?person=alice")
	}
	one.get(first).mustLead(t, "https://waste.example/in?person=alice")
	if got := b.front.issued().SID; got != sid {
		t.Errorf("the session is called %s, want %s", got, sid)
	}
	if one.cookie("session") == tab.cookie("session") || !one.signedIn() || tab.signedIn() {
		t.Errorf("signed in where it was answered last %t, in the other place %t", one.signedIn(), tab.signedIn())
	}
	_, err := b.flows[0].EndSession(context.WithoutCancel(t.Context()), sid, login.Leaving{})
	b.must(err)
	if one.signedIn() || tab.signedIn() {
		t.Error("signed in after the session has ended")
	}
	for _, app := range []string{"tax", "waste", "parks"} {
		if b.front.count(app+" unable") != 1 {
			t.Errorf("%s was forgotten", app)
		}
	}
}

// A session that moves while it is being ended ends where it has moved to.
func TestSessionMovesWhileItEnds(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	sid := b.front.issued().SID
	b.mu.Lock()
	b.next = func() { one.signIn("tax", b.works, "alice") }
	b.mu.Unlock()
	done, err := b.flows[0].EndSession(t.Context(), sid, login.Leaving{})
	b.must(err)
	if one.signedIn() || len(done.Unable) != 1 {
		t.Errorf("signed in %t, receipt %+v", one.signedIn(), done)
	}
}

// Somebody presses the button ten times, on two nodes.
func TestTenJoinsAtOnce(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	form := who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join")
	var joined atomic.Int64
	var all sync.WaitGroup
	for i := range 10 {
		tab := *one
		tab.node = i % 2
		all.Go(func() {
			switch got := tab.post("/who", form); got.status {
			case http.StatusOK: // on the way to the provider
				joined.Add(1)
			case http.StatusBadRequest, http.StatusSeeOther: // finished in another tab
			default:
				t.Errorf("status %d: %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if joined.Load() != 1 {
		t.Fatalf("%d of ten joined", joined.Load())
	}
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")
	s := h.mustBeWorth("P2.Cm")
	var links int
	h.must(h.sql.QueryRow(t.Context(), `SELECT COUNT(*) FROM links WHERE account_id = $1`, s.Account.ID).Scan(&links))
	devices, err := h.flows[0].Sessions(t.Context(), s.Account.ID)
	h.must(err)
	if links != 2 || len(devices) != 1 || !one.signedIn() {
		t.Errorf("%d ways in and %d sessions", links, len(devices))
	}
}
