package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	signedOut = "You are signed out"
	partly    = "You are signed out here, but not everywhere"
)

// session signs alice in to apps, in a new browser.
func (b *bed) session(apps ...string) *browser {
	b.t.Helper()
	one := b.browser()
	one.signIn(apps[0], b.works, "alice")
	for _, app := range apps[1:] {
		one.use(app)
	}
	return one
}

// receipt is what the app that started was answered with, the only one.
func (b *bed) receipt() login.Receipt {
	b.t.Helper()
	b.front.mu.Lock()
	defer b.front.mu.Unlock()
	if len(b.front.left) != 1 {
		b.t.Fatalf("the starter was answered %d times", len(b.front.left))
	}
	return b.front.left[0]
}

func (b *bed) mustBe(got, want login.Receipt) {
	b.t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		b.t.Errorf("receipt (-want +got):\n%s", diff)
	}
}

// mustAsk holds the answer to a question to the app, by redirect.
func (b *bed) mustAsk(got page, app string) {
	b.t.Helper()
	if want := "https://" + app + ".example/slo?id=" + b.front.question(app); got.to != want || b.front.question(app) == "" {
		b.t.Fatalf("leads to %d %q, want %q: %s", got.status, got.to, want, got.body)
	}
}

// answer is an app's answer to a question.
func answer(app, id string, done bool) string {
	query := url.Values{"app": {app}, "id": {id}}
	if done {
		query.Set("done", "1")
	}
	return "/answered?" + query.Encode()
}

func TestSignOut(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{tell: obeys})
	one := b.session("tax", "waste")
	got := one.post("/sign-out", nil)
	got.mustShow(t, http.StatusOK, signedOut, "<li>App waste</li>", "<li>App tax</li>", "still be signed in to Work account")
	if one.signedIn() {
		t.Error("still signed in")
	}
	if slices.Sort(b.front.revoked); !slices.Equal(b.front.revoked, []string{"tax", "waste"}) {
		t.Errorf("revoked at %v", b.front.revoked)
	}
	for what, want := range map[string]int{"waste ended": 1, "tax unable": 1} {
		if got := b.front.count(what); got != want {
			t.Errorf("%s counted %d times", what, got)
		}
	}
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut, "the account that you used") // again, and nothing
	if len(b.front.told) != 1 {
		t.Errorf("told %v", b.front.told)
	}
}

func TestSignOutByApp(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: fails, ask: "https://tax.example/slo"}) // it started: nobody asks it
	b.front.tell("waste", way{tell: obeys})
	one := b.session("tax", "waste")
	one.get("/leave/tax").mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax", "waste"}, Provider: "works"})
	if !b.receipt().Whole() || one.signedIn() {
		t.Error("not whole, or still signed in")
	}
}

func TestLeaveWithoutSession(t *testing.T) {
	b := newBed(t)
	b.browser().get("/leave/tax").mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{})
}

// An app that cannot be told holds up nobody; one that failed is named to the
// resident before the starter is answered.
func TestUnableAndFailed(t *testing.T) {
	b := newBed(t)
	one := b.session("tax", "waste")
	one.get("/leave/tax").mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Unable: []string{"waste"}, Provider: "works"})

	b = newBed(t)
	b.front.tell("waste", way{tell: fails})
	one = b.session("tax", "waste")
	got := one.get("/leave/tax")
	got.mustShow(t, http.StatusOK, partly, "Services that have not signed you out", "<li>App waste</li>", "Return to App tax")
	if len(b.front.left) != 0 {
		t.Error("the starter was answered before the resident read the receipt")
	}
	on := found(t, got.body, `id="back" href="`)
	b.browser().get(on).mustShow(t, http.StatusOK, signedOut) // in another browser: nothing
	one.get(on).mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Failed: []string{"waste"}, Provider: "works"})
}

// found is the text of the page from after the first mark to a quote.
func found(t *testing.T, body, mark string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, mark)
	if !ok {
		t.Fatalf("the page lacks %s: %s", mark, body)
	}
	text, _, _ := strings.Cut(rest, `"`)
	return text
}

func TestAppsAreAskedThroughTheBrowser(t *testing.T) {
	b := newBed(t)
	b.works.out = connectors.Redirect{URL: "https://works.example/slo"}
	for _, app := range []string{"waste", "parks"} {
		b.front.tell(app, way{ask: "https://" + app + ".example/slo"})
	}
	one := b.session("tax", "waste", "parks")
	first := one.get("/leave/tax")
	if one.signedIn() {
		t.Error("signed in while others are told")
	}
	order := []string{"waste", "parks"}
	if strings.Contains(first.to, "parks") {
		order = []string{"parks", "waste"}
	}
	b.mustAsk(first, order[0])
	one.node = 1 // the answers may come to any node
	second := one.get(answer(order[0], b.front.question(order[0]), true))
	b.mustAsk(second, order[1])
	one.get(answer(order[1], b.front.question(order[1]), false)).mustLead(t, "https://works.example/slo") // the provider is last
	got := one.get("/logout/works?signed=1&ok&answers=" + b.works.question())
	got.mustShow(t, http.StatusOK, partly, "Return to App tax")
	if strings.Contains(got.body, "Work account") {
		t.Error("the page says that the resident may be signed in at the provider, which has said otherwise")
	}
	one.get(found(t, got.body, `id="back" href="`)).mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax", order[0]}, Failed: []string{order[1]}})
}

func TestAppIsAskedByForm(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo", posted: true})
	one := b.session("tax")
	got := one.post("/sign-out", nil)
	got.mustShow(t, http.StatusOK, `action="https://tax.example/slo"`, b.front.question("tax"))
	one.get(answer("tax", b.front.question("tax"), true)).mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
}

func TestAskFails(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{err: errors.New("no metadata")})
	one := b.session("tax")
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, partly, "<li>App tax</li>")
}

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
	one.get(answer("waste", id, true)).mustShow(t, http.StatusOK, signedOut) // too late: nothing changes
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, partly, "<li>App waste</li>", "still be signed in to Work account")
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut, "the account that you used") // it is over
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

	alice.get(answer("tax", "made-up", true)).mustShow(t, http.StatusOK, signedOut)
	alice.get(answer("tax", "", true)).mustShow(t, http.StatusOK, signedOut)
	alice.get(answer("waste", theirs, true)).mustShow(t, http.StatusOK, signedOut) // of another browser's sign-out
	mallory.get(answer("tax", hers, false)).mustShow(t, http.StatusOK, signedOut)  // and in another browser
	alice.get("/sign-out/continue?id="+hers).mustShow(t, http.StatusOK, signedOut)
	if n := b.front.count("tax ended") + b.front.count("tax failed"); n != 0 {
		t.Errorf("tax's fate is known %d times before it answered", n)
	}
	got := alice.get(answer("tax", hers, true))
	got.mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
	if again := alice.get(answer("tax", hers, true)); strings.Contains(again.body, "App tax") {
		t.Error("an answer counts twice")
	}
}

// An answer to nothing, in a browser that is signed in, does not say otherwise.
func TestAnswerWhileSignedIn(t *testing.T) {
	one := newBed(t).session("tax")
	one.get(answer("tax", "made-up", true)).mustLead(t, "/")
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

// Two tabs sign out at once: one does it, and both are told.
func TestSignOutTwice(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	one := b.session("tax")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut) })
	}
	all.Wait()
	if len(b.front.told) != 1 {
		t.Errorf("told %v", b.front.told)
	}
}

// Whoever copied the browser's cookies before finds nothing after.
func TestSignOutRenewsTheBrowser(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{ask: "https://tax.example/slo"})
	one := b.session("tax")
	before := one.cookie("browser")
	copied := b.browser()
	at, err := url.Parse(b.nodes[0].URL)
	b.must(err)
	copied.client.Jar.SetCookies(at, one.cookies())
	b.mustAsk(one.post("/sign-out", nil), "tax")
	if one.cookie("browser") == before || one.cookie("session") != "" {
		t.Error("the cookies stay")
	}
	copied.get(answer("tax", b.front.question("tax"), false)).mustShow(t, http.StatusOK, signedOut)
	if n := b.front.count("tax failed"); n != 0 {
		t.Error("the copy answers for the app")
	}
}

func TestProviderCannotBeAsked(t *testing.T) {
	b := newBed(t)
	b.works.out, b.works.fail = connectors.Redirect{URL: "https://works.example/slo"}, errors.New("no metadata")
	one := b.session("tax")
	one.get("/leave/tax").mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Provider: "works"})
}

func TestProviderRefuses(t *testing.T) {
	b := newBed(t)
	b.works.out = connectors.Redirect{URL: "https://works.example/slo"}
	one := b.session("tax")
	one.get("/leave/tax").mustLead(t, "https://works.example/slo")
	if got := string(b.works.said.Detail); got != `"alice"` {
		t.Errorf("the provider is asked to end %s", got)
	}
	one.get("/logout/works?signed=1&answers="+b.works.question()).mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Provider: "works"})
}

// Only who was asked can answer, though others know the question.
func TestOnlyWhoWasAskedAnswers(t *testing.T) {
	b := newBed(t)
	b.front.tell("waste", way{ask: "https://waste.example/slo"})
	one := b.session("tax", "waste")
	b.mustAsk(one.get("/leave/tax"), "waste")
	id := b.front.question("waste")
	one.get(answer("parks", id, true)).mustShow(t, http.StatusOK, signedOut)
	one.get("/logout/works?signed=1&ok&answers="+id).mustShow(t, http.StatusOK, signedOut)
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
	one.get(answer("waste", b.front.question("waste"), true)).mustShow(t, http.StatusOK, "<li>App waste</li>")
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
	one.get(answer("waste", id, true)).mustLead(t, "/")
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

// A sign-out that the store fails half way is done whole by the next try.
func TestSignOutFailsHalfWay(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{tell: obeys})
	one := b.session("tax")
	ledger, batch := store.Index{Name: "uses"}, b.flows[0].Store.Batch()
	ledger.Add(batch, b.front.sid, "not an entry", time.Hour)
	b.must(batch.Exec(t.Context()))
	one.post("/sign-out", nil).mustShow(t, http.StatusInternalServerError)
	if !one.signedIn() {
		t.Fatal("the session is lost, and tax was not told")
	}
	ledger.Delete(batch, b.front.sid)
	b.must(batch.Exec(t.Context()))
	one.use("tax")
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
}
