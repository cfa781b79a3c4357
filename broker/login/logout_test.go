package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
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
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax", "waste"}, Providers: []string{"works"}})
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
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Unable: []string{"waste"}, Providers: []string{"works"}})

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
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Failed: []string{"waste"}, Providers: []string{"works"}})
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
	one.get(one.get(answer("tax", b.front.question("tax"), true)).to).mustShow(t, http.StatusOK, signedOut, "<li>App tax</li>")
}

func TestAskFails(t *testing.T) {
	b := newBed(t)
	b.front.tell("tax", way{err: errors.New("no metadata")})
	one := b.session("tax")
	one.post("/sign-out", nil).mustShow(t, http.StatusOK, partly, "<li>App tax</li>")
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
	copied.answersNothing(answer("tax", b.front.question("tax"), false))
	if n := b.front.count("tax failed"); n != 0 {
		t.Error("the copy answers for the app")
	}
}

func TestProviderCannotBeAsked(t *testing.T) {
	b := newBed(t)
	b.works.out, b.works.fail = connectors.Redirect{URL: "https://works.example/slo"}, errors.New("no metadata")
	one := b.session("tax")
	one.get("/leave/tax").mustLead(t, "https://tax.example/left")
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Providers: []string{"works"}})
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
	b.mustBe(b.receipt(), login.Receipt{Ended: []string{"tax"}, Providers: []string{"works"}})
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
