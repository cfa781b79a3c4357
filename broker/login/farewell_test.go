package login_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// The resident comes back from an app that does not answer: the rest goes on,
// and the app is named.
func TestSilentApp(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	b.works.out = connectors.Redirect{URL: "https://works.example/slo"}
	one := b.session("waste")
	b.mustAsk(one.post("/sign-out", nil), "waste")
	id := b.front.question("waste")
	one.post("/sign-out", nil).mustLead(t, "https://works.example/slo")
	one.answersNothing(answer("waste", id, true)) // too late: nothing changes
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, partly, "<li>App waste</li>", "still be signed in to Work account")
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut, "the account that you used") // it is over
}

// answersNothing brings an answer that nobody waits for. It is not asked for again when
// the page that the resident is shown is loaded again.
func (b *browser) answersNothing(answer string) {
	b.t.Helper()
	got := b.get(answer)
	got.mustLead(b.t, "/sign-out/continue")
	b.get(got.to).mustShow(b.t, http.StatusOK, signedOut)
}

// Whoever started last is answered.
func TestAnotherAppStartsMeanwhile(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("tax", "waste", "parks")
	b.mustAsk(one.get("/leave/tax"), "waste")
	got := one.get("/leave/parks?certain=1")
	got.mustShow(t, http.StatusOK, partly, "<li>App waste</li>", "Return to App parks")
	one.get(found(t, got.body, `id="back" href="`)).mustLead(t, "https://parks.example/left")
}

// What is not the answer that is waited for, in the browser that waits for it,
// changes nothing.
func TestForeignAnswers(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo"})
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	alice, mallory := b.session("tax"), b.session("waste")
	b.mustAsk(alice.post("/sign-out", nil), "tax")
	b.mustAsk(mallory.post("/sign-out", nil), "waste")
	hers, theirs := b.front.question("tax"), b.front.question("waste")

	alice.answersNothing(answer("tax", "made-up", true))
	alice.answersNothing(answer("tax", "", true))
	alice.answersNothing(answer("waste", theirs, true)) // of another browser's sign-out
	mallory.answersNothing(answer("tax", hers, false))  // and in another browser
	alice.get("/sign-out/continue?id="+hers).mustShow(t, http.StatusOK, signedOut)
	if n := b.front.count("tax ended") + b.front.count("tax failed"); n != 0 {
		t.Errorf("tax's fate is known %d times before it answered", n)
	}
	got := alice.get(answer("tax", hers, true))
	if strings.Contains(got.to, hers) {
		t.Errorf("the receipt is at %q", got.to)
	}
	alice.get(got.to).mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
	if again := alice.get(answer("tax", hers, true)); strings.Contains(again.body, "App tax") {
		t.Error("an answer counts twice")
	}
}

// An answer to nothing, in a browser that is signed in, does not say otherwise.
func TestAnswerWhileSignedIn(t *testing.T) {
	one := newBed(t).session("tax")
	one.get(one.get(answer("tax", "made-up", true)).to).mustLead(t, "/")
	if !one.signedIn() {
		t.Error("signed out by an answer to nothing")
	}
}

func TestOneAnswerWins(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo"})
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("tax", "waste")
	first := one.post("/sign-out", nil)
	app := "tax"
	if strings.Contains(first.to, "waste") {
		app = "waste"
	}
	id := b.front.question(app)
	var all sync.WaitGroup
	asked := make([]bool, 10)
	for i := range asked {
		all.Go(func() { asked[i] = strings.Contains(one.get(answer(app, id, true)).to, "/slo?id=") })
	}
	all.Wait()
	if n := len(slices.DeleteFunc(asked, func(went bool) bool { return !went })); n != 1 {
		t.Errorf("%d of ten answers led on", n)
	}
}

// Only who was asked can answer, though others know the question.
func TestOnlyWhoWasAskedAnswers(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("tax", "waste")
	b.mustAsk(one.get("/leave/tax"), "waste")
	id := b.front.question("waste")
	one.answersNothing(answer("parks", id, true))
	one.answersNothing("/logout/works?signed=1&ok&answers=" + id)
	if n := b.front.count("waste ended"); n != 0 {
		t.Error("another answered for waste")
	}
	one.get(answer("waste", id, true)).mustLead(t, "https://tax.example/left")
}

// Another site that sends the browser to sign out does not make the broker pass
// over the app that is being asked; who starts is told that it is not all done.
func TestUncertainSignOutLeadsNobodyOn(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("tax", "waste")
	b.mustAsk(one.post("/sign-out", nil), "waste")
	one.get("/leave/parks").mustLead(t, "https://parks.example/left")
	if got := b.receipt(); got.Whole() || !got.UnderWay {
		t.Errorf("receipt %+v", got)
	}
	one.get(one.get(answer("waste", b.front.question("waste"), true)).to).mustShow(t, http.StatusOK, "<li>App waste</li>")
}

// Nobody who signs in at a shared computer hears of a sign-out that got stuck
// there, nor can answer it.
func TestSignInDropsWhatWasStuck(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("waste")
	b.mustAsk(one.post("/sign-out", nil), "waste")
	id := b.front.question("waste")
	one.signIn("tax", b.works, "bob")
	one.get(one.get(answer("waste", id, true)).to).mustLead(t, "/")
	if got := one.post("/sign-out", nil); strings.Contains(got.body, "App waste") {
		t.Errorf("bob reads of alice's apps: %s", got.body)
	}
}

// Browsers follow some twenty redirects.
func TestLongSignOutPauses(t *testing.T) {
	b := newBed(t)
	apps := []string{"tax"}
	for i := range 8 {
		app := "app" + strconv.Itoa(i)
		for _, flow := range b.flows {
			flow.Apps[app] = config.App{ID: app, Label: text("App " + app)}
		}
		b.front.tell(app, way{ask: "https://" + app + ".example/slo"})
		apps = append(apps, app)
	}
	one := b.session(apps...)
	got := one.get("/leave/tax")
	pages := 0
	for asked := 1; ; asked++ {
		if got.status == http.StatusOK {
			pages++
			got.to = found(t, got.body, `id="continue" href="`)
			if asked != 6 {
				t.Errorf("a page after %d questions", asked)
			}
		}
		app, rest, ok := strings.Cut(strings.TrimPrefix(got.to, "https://"), ".example/slo?id=")
		if !ok {
			break
		}
		got = one.get(answer(app, rest, true))
	}
	got.mustLead(t, "https://tax.example/left")
	if pages != 1 || len(b.receipt().Ended) != 9 {
		t.Errorf("%d pages, receipt %+v", pages, b.receipt())
	}
}

// A sign-out that comes while another request ends the session does not claim
// that all is done.
func TestSignOutWhileAnotherIsUnderWay(t *testing.T) {
	b := newBed(t)
	one := b.session("tax", "waste")
	copied := b.browser()
	at, err := url.Parse(b.nodes[0].URL)
	b.must(err)
	copied.client.Jar.SetCookies(at, one.cookies())
	b.front.tell("waste", way{tell: func(context.Context) (bool, error) {
		copied.get("/leave/tax").mustLead(t, "https://tax.example/left")
		return true, nil
	}})
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut)
	if got := b.receipt(); got.Whole() || !got.UnderWay {
		t.Errorf("receipt %+v", got)
	}
}
