package resident_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
)

func TestServices(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "jo", "Cm")
	w.get("/my/services").shows(t, "You have not signed in to a service yet")
	b.uses(who, "tax")
	b.uses(who, "hidden")
	p := w.get("/my/services")
	p.shows(t, "Council tax", "Council hidden", "<li>Name</li>", "<li>Email address</li>", "<li>council_number</li>")
	p.hides(t, "<li>sub</li>")
	w.get("/my/services/tax/stop").shows(t, "Stop sharing with Council tax?")
	p = w.post("/my/services/tax/stop")
	p.shows(t, "Sharing has stopped", "Council hidden")
	p.hides(t, "Council tax")
	b.pass(time.Minute)
	b.uses(who, "tax")
	w.get("/my/services").shows(t, "Council tax")
	if p := w.get("/my/services/library/stop"); p.status != http.StatusNotFound {
		t.Errorf("to stop what never began: %s", p)
	}
}

func TestActivity(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "jo", "Cm")
	b.uses(who, "tax")
	b.must(b.people().Look(t.Context(), who.account, accounts.Lookup{Officer: "Sam Officer", Reason: "a call about the bill", What: "account.show"}))
	w.get("/my/activity").shows(t, "Your account was created", "Signed in to Council tax with Middle",
		"Sam Officer of the council looked at your account: a call about the bill")
	for range 120 {
		b.pass(time.Hour)
		b.uses(who, "library")
	}
	w.returns(w.chooses(w.get("/my/activity"), "middle"), "jo", "Cm")
	lines, address := 0, "/my/activity"
	for range 10 {
		p := w.get(address)
		lines += strings.Count(p.body, `class="council-log__time"`)
		if !strings.Contains(p.body, `id="older"`) {
			p.shows(t, "Your account was created")
			break
		}
		address = w.link(p, "older")
	}
	if lines < 123 {
		t.Errorf("%d lines, want 123 at least", lines)
	}
	stranger := b.browser()
	stranger.signIn("weak", "stranger", "Cl")
	stranger.get("/my/activity").hides(t, "Sam Officer", "Council tax")
}

func TestDownload(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "jo", "Cm")
	p := w.post("/my/data")
	if got := p.header.Get("Content-Disposition"); !strings.Contains(got, "attachment") {
		t.Errorf("Content-Disposition %q", got)
	}
	var copied struct {
		Account string         `json:"account"`
		Records map[string]any `json:"records"`
	}
	b.must(json.Unmarshal([]byte(p.body), &copied))
	if copied.Account != who.account || copied.Records["links"] == nil {
		t.Errorf("the copy is of %q", copied.Account)
	}
}

func TestDeletion(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "jo", "Cm")
	b.uses(who, "tax")
	w.get("/my/delete").shows(t, "You have 14 days", "Council tax", "What we must keep, and why")
	w.post("/my/delete").objects(t, "Select the box if you are sure")
	w.post("/my/delete", "sure", "yes").shows(t, "Your account will be deleted", "Keep my account")
	w.get("/").shows(t, "It will be deleted on")
	b.pass(24 * time.Hour)

	// Whoever comes back may keep it.
	w = b.browser()
	if w.signIn("middle", "jo", "Cm") != who {
		t.Fatal("the account is gone already")
	}
	w.post("/my/delete", "keep", "yes").shows(t, "Your account stays")
	w.get("/").hides(t, "It will be deleted on")
}
