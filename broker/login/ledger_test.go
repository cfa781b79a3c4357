package login_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/broker/login"
)

// Apps are told at once, and none of them for longer than a resident waits.
func TestAppsAreToldTogether(t *testing.T) {
	b := newBed(t)
	var both sync.WaitGroup
	both.Add(2)
	together := func(ctx context.Context) (bool, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("no end to waiting")
		}
		both.Done()
		both.Wait()
		return true, nil
	}
	b.front.tell("tax", way{tell: together})
	b.front.tell("waste", way{tell: together})
	b.session("tax", "waste").post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut)
}

// A resident who closes the browser has signed out all the same.
func TestSignOutGoesOnWithoutTheResident(t *testing.T) {
	b := newBed(t)
	ctx, leave := context.WithCancel(t.Context())
	b.front.tell("tax", way{tell: func(ctx context.Context) (bool, error) {
		leave()
		return true, ctx.Err()
	}})
	one := b.session("tax")
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/sign-out", nil)
	for _, c := range one.cookies() {
		r.AddCookie(c)
	}
	b.nodes[0].Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
	if n := b.front.count("tax ended"); n != 1 {
		t.Errorf("tax ended %d times", n)
	}
}

// Somebody else signs in in the same browser: the session before is over, and
// its apps are told.
func TestAnotherPersonSignsIn(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	one := b.session("tax")
	one.signIn("waste", b.works, "bob")
	if !slices.Equal(b.front.told, []string{"tax"}) {
		t.Errorf("told %v", b.front.told)
	}
}

// The same person again: one session, in which everything issued is told.
func TestSamePersonSignsInAgain(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	one := b.session("tax")
	one.signIn("waste", b.works, "alice")
	if len(b.front.told) != 0 {
		t.Errorf("told %v", b.front.told)
	}
	one.post("/sign-out", nil)
	if !slices.Equal(b.front.told, []string{"tax"}) {
		t.Errorf("told %v", b.front.told)
	}
}

func TestEndSession(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{tell: obeys})
	b.front.tell("parks", way{ask: "https://parks.example/slo"})
	one := b.session("tax", "waste", "parks")
	sid := b.front.sid
	for _, wrong := range []string{"", "x", one.cookie("session")} {
		got, err := b.flows[1].EndSession(t.Context(), wrong, login.Leaving{})
		b.must(err)
		b.mustBe(got, login.Receipt{})
	}
	if !one.signedIn() {
		t.Fatal("what is no SID ends a session")
	}
	got, err := b.flows[1].EndSession(t.Context(), sid, login.Leaving{Protocol: "test", App: "tax"})
	b.must(err)
	b.mustBe(got, login.Receipt{Ended: []string{"tax", "waste"}, Unable: []string{"parks"}, Providers: []string{"works"}})
	if one.signedIn() {
		t.Error("still signed in")
	}
	got, err = b.flows[0].EndSession(t.Context(), sid, login.Leaving{})
	b.must(err)
	b.mustBe(got, login.Receipt{})
}

// Whoever signs in again keeps the session under another cookie. An app that
// knew it before can end it all the same.
func TestEndSessionThatMoved(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	sid, cookie := b.front.sid, one.cookie("session")
	one.signIn("waste", b.works, "alice")
	if b.front.sid != sid || one.cookie("session") == cookie {
		t.Fatalf("session %s became %s", sid, b.front.sid)
	}
	got, err := b.flows[1].EndSession(t.Context(), sid, login.Leaving{Protocol: "test", App: "tax"})
	b.must(err)
	if !slices.Contains(got.Ended, "tax") || one.signedIn() {
		t.Errorf("receipt %+v, signed in %v", got, one.signedIn())
	}
}

// The session ends between the look-up and the answer: the app gets nothing,
// for nobody would tell it of the end.
func TestSessionEndsWhileAnAppIsAnswered(t *testing.T) {
	b := newBed(t)
	one := b.session("tax")
	b.front.meanwhile = func() {
		_, err := b.flows[1].EndSession(t.Context(), b.front.sid, login.Leaving{})
		b.must(err)
	}
	if got := one.get("/ask/waste"); !strings.HasPrefix(got.to, "/choose?") {
		t.Errorf("leads to %d %q", got.status, got.to)
	}
}

// Apps that can be told through a browser alone are counted where it is another
// person's by now.
func TestAnotherPersonSignsInAndAnAppIsNotTold(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo"})
	one := b.session("tax")
	one.signIn("waste", b.works, "bob")
	if n := b.front.count("tax unable"); n != 1 {
		t.Errorf("counted %d times", n)
	}
}
