package resident_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// everywhere are the addresses of all pages.
var everywhere = []string{
	"/my/sign-ins", "/my/details", "/my/details/email", "/my/details/nickname", "/my/details/phone_number", "/my/proof", "/my/services",
	"/my/devices", "/my/activity", "/my/data", "/my/delete", "/my/delegates", "/my/delegates/invite", "/my/delegates/accept", "/my/language",
}

// Whoever is not signed in does so first, and comes back to the page.
func TestPagesAskForASignIn(t *testing.T) {
	b := open(t)
	for _, address := range everywhere {
		w := b.browser()
		p := w.get(address)
		p.shows(t, "Choose how to sign in")
		p.hides(t, "Recent activity")
		if p = w.returns(w.chooses(p, "weak"), "jo", "Cl"); p.at.Path != address || p.status != http.StatusOK {
			t.Errorf("%s: came back to %s", address, p)
		}
	}
	for _, address := range everywhere {
		p := b.browser().post(address, "again", "yes", "all", "yes", "sure", "yes")
		if p.status != http.StatusMethodNotAllowed && !strings.Contains(p.body, "You have been signed out") {
			t.Errorf("POST %s without a session: %s", address, p)
		}
	}
	b.browser().get("/").shows(t, "Your account with Strathmore Council", `id="sign-in"`)
}

// Other sites' forms do nothing.
func TestOtherSitesPostNothing(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.nodes[0].URL+"/my/delete", strings.NewReader("sure=yes"))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := w.client.Do(r)
	b.must(err)
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("answered %d", answer.StatusCode)
	}
	w.get("/my/delete").hides(t, "will be deleted on")
}

// What shows or changes much asks for a sign-in of a moment ago, and comes back.
func TestCarefulPages(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "jo", "Cm")
	b.uses(who, "tax")
	b.pass(16 * time.Minute)
	for _, address := range []string{
		"/my/sign-ins/" + who.link + "/remove", "/my/details/email", "/my/details/phone_number", "/my/data", "/my/delegates/invite",
	} {
		p := w.get(address)
		p.shows(t, "Sign in again to go on", "with Middle")
		p = w.post(address, "again", "yes")
		if p.at.Host != "middle.example" {
			t.Fatalf("%s: led to %s", address, p)
		}
		if p = w.returns(p, "jo", "Cm"); p.at.Path != address {
			t.Errorf("%s: came back to %s", address, p)
		}
		p.hides(t, "Sign in again to go on")
		b.pass(16 * time.Minute)
	}
	for address, fields := range map[string][]string{
		"/my/delete":                           {"sure", "yes"},
		"/my/data":                             {},
		"/my/details/nickname":                 {"said", "Mallory"},
		"/my/sign-ins/" + who.link + "/remove": {},
		"/my/delegates/invite":                 {"label", "me", "app", "tax", "day", "1", "month", "1", "year", fmt.Sprint(b.now().Year() + 1)},
		"/my/details/email":                    {"said", "mallory@example.org"},
		"/my/details/email/code?sent=x.y":      {"code", "1"},
	} {
		w.post(address, fields...).shows(t, "Sign in again to go on")
	}
	w.get("/").hides(t, "will be deleted")
	w.get("/my/details").hides(t, "Mallory")
	if len(b.post.Letters("mallory@example.org")) != 0 {
		t.Error("a code was sent")
	}
}

// In a session that is worth less than is proved of the person, nothing is changed,
// and nothing is seen of what the stronger way in brought.
func TestWeakSessions(t *testing.T) {
	b := open(t)
	strong := b.browser()
	who := strong.signIn("strong", "Josephine", "P2.Cm")
	p := strong.post("/my/sign-ins", "connector", "weak")
	p = strong.returns(p, "jo", "Cl")
	if p.at.Path == "/who" {
		p = strong.post("/who", "request", found(t, p.body, `name="request" value="([^"]*)"`), "answer", "join")
	}
	if p.at.Path != "/my/sign-ins" {
		t.Fatalf("led to %s", p)
	}
	strong.get("/my/details").shows(t, "Josephine")
	strong.get("/my/proof").shows(t, "You have proved who you are")

	weak := b.browser()
	if got := weak.signIn("weak", "jo", "Cl"); got.account != who.account {
		t.Fatal("the way was not added")
	}
	weak.get("/").hides(t, "Josephine")
	weak.get("/my/details").shows(t, "Sign in as safely as before to see it")
	weak.get("/my/details").hides(t, "Josephine")
	weak.get("/my/data").shows(t, "You have proved more about yourself than you show with Weak")
	weak.post("/my/data").hides(t, "Josephine")
	weak.post("/my/sign-ins/"+who.link+"/remove").shows(t, "You have proved more about yourself")
	weak.post("/my/delete", "sure", "yes").shows(t, "You have proved more about yourself")
	if ways, err := b.people().Ways(t.Context(), who.account); err != nil || len(ways) != 2 {
		t.Errorf("%d ways in, %v", len(ways), err)
	}
	p = weak.chooses(weak.post("/my/data", "again", "yes"), "strong")
	if p = weak.returns(p, "Josephine", "P2.Cm"); p.at.Path != "/my/data" || strings.Contains(p.body, "You have proved more") {
		t.Errorf("led to %s", p)
	}
}

func TestHome(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "Jo", "Cm")
	p := w.get("/")
	p.shows(t, "Hello, Jo", `id="tile-tax"`, `href="https://tax.example/"`, "Streets", "Potholes", "1 way to sign in", "Who you are is not checked")
	p.hides(t, "Services you use", "tile-hidden", "Council hidden")
	b.uses(who, "tax")
	p = w.get("/")
	p.shows(t, "Services you use", "Last used")
	if using := strings.Index(p.body, `id="using"`); strings.Index(p.body, `id="tile-tax"`) < using || strings.Count(p.body, `id="tile-tax"`) != 1 {
		t.Error("the service in use does not come first")
	}
	w.language = "cy"
	w.get("/").shows(t, "Helo, Jo", "Cyngor tax", "Tyllau")
}

// A page is of the account as it is now, on whichever node.
func TestFrozenAccounts(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	_, err := b.people().Freeze(t.Context(), "https://weak.example", "jo", "hijacked")
	b.must(err)
	w.node = 1
	w.get("/my/details").hides(t, "jo@example.org")
	w.get("/").shows(t, `id="sign-in"`)
}

// What a form says is said on its page, the last of it, and once.
func TestWordsStayOnTheirPage(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	for _, typed := range []string{"one", "two"} {
		w.request(http.MethodPost, "/my/details/phone_number", map[string][]string{"said": {typed}}).Body.Close()
	}
	w.get("/my/details/phone_number").shows(t, "<title>Error", `value="two"`)
	w.get("/my/details/phone_number").hides(t, "<title>Error", `value="two"`)
	w.request(http.MethodPost, "/my/details/phone_number", map[string][]string{"said": {"one"}}).Body.Close()
	w.get("/my/details/nickname").hides(t, "<title>Error")
}

// Whoever uses the pages stays signed in, and sees when they did.
func TestPagesUseTheSession(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	b.pass(5 * time.Minute)
	w.get("/my/proof")
	devices, err := b.flows[1].Sessions(t.Context(), who.account)
	if b.must(err); len(devices) != 1 || !devices[0].Used.Equal(b.now()) {
		t.Errorf("devices: %+v", devices)
	}
}
