package resident_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestSignIns(t *testing.T) {
	b := open(t)
	w := b.browser()
	first := w.signIn("middle", "jo", "Cm")
	p := w.get("/my/sign-ins")
	p.shows(t, "Middle", "You are signed in with this one now", "You cannot remove this one")
	p.hides(t, `id="remove-0"`)
	w.post("/my/sign-ins/"+first.link+"/remove").shows(t, "You cannot remove your last way to sign in")
	w.post("/my/sign-ins").objects(t, "Select what you would like to sign in with")

	// A second account at the same provider, which the resident confirms.
	p = w.returns(w.post("/my/sign-ins", "connector", "middle"), "second", "Cm")
	w.post("/who", "request", found(t, p.body, `name="request" value="([^"]*)"`), "answer", "join").shows(t, "Ways to sign in")
	ways, err := b.people().Ways(t.Context(), first.account)
	if b.must(err); len(ways) != 2 {
		t.Fatalf("%d ways in", len(ways))
	}
	second := ways[1].ID
	if second == first.link {
		second = ways[0].ID
	}

	w.post("/my/sign-ins/"+second+"/name", "name", strings.Repeat("x", 61)).objects(t, "The name must have 60 characters or fewer")
	w.get("/my/sign-ins/"+second+"/name").hides(t, "<title>Error")
	w.post("/my/sign-ins/"+second+"/name", "name", "At <work>").shows(t, "The name is saved", "At <work>", "With Middle")
	w.get("/my/sign-ins").hides(t, "The name is saved")

	w.get("/my/sign-ins/"+second+"/remove").shows(t, "Remove At <work>?")
	w.post("/my/sign-ins/"+second+"/remove").shows(t, "It is removed")
	w.get("/my/sign-ins").hides(t, "At <work>")
	if p = w.get("/my/sign-ins/" + second + "/name"); p.status != http.StatusNotFound {
		t.Errorf("the page of what is gone: %s", p)
	}
}

// Nobody sees or changes the ways in to another's account.
func TestOthersWays(t *testing.T) {
	b := open(t)
	victim := b.browser().signIn("middle", "victim", "Cm")
	w := b.browser()
	w.signIn("weak", "thief", "Cl")
	for _, p := range []page{
		w.get("/my/sign-ins/" + victim.link + "/name"), w.get("/my/sign-ins/" + victim.link + "/remove"),
		w.post("/my/sign-ins/"+victim.link+"/name", "name", "mine"), w.post("/my/sign-ins/" + victim.link + "/remove"),
	} {
		if p.status != http.StatusNotFound && !strings.Contains(p.body, "You cannot remove your last way to sign in") {
			t.Errorf("%s", p)
		}
	}
	if ways, err := b.people().Ways(t.Context(), victim.account); err != nil || len(ways) != 1 || ways[0].Label != "" {
		t.Errorf("%v, %v", ways, err)
	}
}

// What is signed in by a way in that is removed is signed out, everywhere.
func TestRemovalEndsSessions(t *testing.T) {
	b := open(t)
	w := b.browser()
	first := w.signIn("middle", "jo", "Cm")
	p := w.returns(w.post("/my/sign-ins", "connector", "weak"), "other", "Cl")
	w.post("/who", "request", found(t, p.body, `name="request" value="([^"]*)"`), "answer", "join")
	other := b.browser()
	if other.signIn("weak", "other", "Cl").account != first.account {
		t.Fatal("the way was not added")
	}
	w.post("/my/sign-ins/"+other.session().link+"/remove").shows(t, "It is removed")
	if other.session() != (session{}) {
		t.Error("it is signed in still")
	}
	w.get("/").shows(t, "Hello")
}

// Of two accounts that became one, and may have been two people's, nobody takes the last
// way in away but who comes by it.
func TestRemovalOfTheOthersLastWay(t *testing.T) {
	b := open(t)
	w, other := b.browser(), b.browser()
	first, second := w.signIn("middle", "jo", "Cm"), other.signIn("middle", "second", "Cm")
	if _, err := b.people().MergeProved(t.Context(), first.account, second.account); err != nil {
		t.Fatal(err)
	}
	w.post("/my/sign-ins/"+second.link+"/remove").shows(t, "To remove it, sign in with it first")
	other = b.browser()
	other.signIn("middle", "second", "Cm")
	other.post("/my/sign-ins/" + second.link + "/remove")
	if ways, err := b.people().Ways(t.Context(), first.account); err != nil || len(ways) != 1 || other.session() != (session{}) {
		t.Errorf("%v, %v", ways, err)
	}
}

func TestDevices(t *testing.T) {
	b := open(t)
	w, other, stranger := b.browser(), b.browser(), b.browser()
	who := w.signIn("weak", "jo", "Cl")
	other.signIn("weak", "jo", "Cl")
	stranger.signIn("weak", "stranger", "Cl")
	p := w.get("/my/devices")
	p.shows(t, "This is where you are now", `id="device-1"`, "Sign out everywhere but here")
	p.hides(t, `id="device-2"`)

	sids := regexp.MustCompile(`name="device" value="([^"]*)"`).FindAllStringSubmatch(p.body, -1)
	for _, sid := range sids {
		stranger.post("/my/devices", "device", sid[1])
	}
	if w.session() == (session{}) || other.session() == (session{}) {
		t.Fatal("a stranger ended a session")
	}
	w.post("/my/devices", "others", "yes").shows(t, "The browser is signed out")
	if other.session() != (session{}) || w.session() != who {
		t.Error("not just the others were signed out")
	}
	other.signIn("weak", "jo", "Cl")
	w.post("/my/devices", "all", "yes").shows(t, "You are signed out")
	if other.session() != (session{}) || w.session() != (session{}) || stranger.session() == (session{}) {
		t.Error("not just these were signed out")
	}
}
