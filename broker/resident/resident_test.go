package resident_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
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
		if p.status != http.StatusMethodNotAllowed && !strings.Contains(p.body, "Choose how to sign in") {
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
	w.post("/who", "request", found(t, p.body, `name="request" value="([^"]*)"`), "answer", "join").shows(t, "How you sign in")
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

func TestOwnWords(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	for facet, wrong := range map[string]string{
		"phone_number": "Enter a telephone number", "nickname": "It must have 60 characters or fewer",
	} {
		w.post("/my/details/"+facet, "said", " ").objects(t, "Enter something")
		typed := strings.Repeat("x", 61)
		p := w.post("/my/details/"+facet, "said", typed)
		p.objects(t, wrong)
		p.shows(t, `value="`+typed+`"`)
	}
	for typed, want := range map[string]string{
		"01632 960 001": "+441632960001", "+44 (0)1632 960001": "+441632960001", "00353 1 234 5678": "+35312345678", "+1-202-555-0143": "+12025550143",
	} {
		w.post("/my/details/phone_number", "said", typed).shows(t, "is saved", want)
	}
	for _, typed := range []string{"12345", "+0123456789", "0", "+44", "ring me", "01632 96000'1"} {
		w.post("/my/details/phone_number", "said", typed).objects(t, "Enter a telephone number")
	}
	w.post("/my/details/nickname", "said", "  Josie ").shows(t, "is saved", "Josie")
	w.get("/").shows(t, "Hello, Josie")
	w.post("/my/details/nickname", "unsay", "yes").shows(t, "is deleted")
	w.get("/my/details").hides(t, "Josie")
	for _, facet := range []string{"name", "birthdate", "sub", "council_number", "locale"} {
		if p := w.post("/my/details/"+facet, "said", "01632 960001"); p.status != http.StatusNotFound {
			t.Errorf("%s: %s", facet, p)
		}
		w.post("/my/details/"+facet, "unsay", "yes")
	}
	if claims := claimsOf(b, who); claims["phone_number_verified"] != false || claims["name"] != "jo" {
		t.Errorf("known of them: %v", claims)
	}
}

// claimsOf are what apps would be told of a resident at best.
func claimsOf(b *bed, who session) mapping.Claims {
	b.Helper()
	findings, err := b.people().Explain(b.Context(), who.account, mapping.Precedence{})
	b.must(err)
	return mapping.Told(findings).Claims
}

// code is the code in the last letter to an address.
func code(b *bed, address string) string {
	b.Helper()
	letters := b.post.Letters(address)
	if len(letters) == 0 {
		b.Fatalf("there is no letter")
	}
	return found(b, letters[len(letters)-1].Body, `(?m)^ +(\d{6})$`)
}

func found(t testing.TB, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s in %s", pattern, text)
	}
	return m[1]
}

// An address is kept when the code that was sent to it was typed, and vouched for.
func TestEmail(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	for _, typed := range []string{"", "jo", "jo@", "jo@example", "Jo <jo@new.example.org>", "a@b.org, c@d.org", "a@b.org\nBcc: c@d.org"} {
		w.post("/my/details/email", "said", typed).objects(t, "Enter an email address in the right format")
	}
	p := w.post("/my/details/email", "said", " new@example.org ")
	p.shows(t, "Check your email", "new@example.org")
	if claimsOf(b, who)["email"] != "jo@example.org" {
		t.Error("the address counts before it was shown to be read")
	}
	w.node = 1
	p = w.post(p.at.String(), "code", "000000")
	p.objects(t, "This is not the code that we sent")
	digits := code(b, "new@example.org")
	w.post(p.at.String(), "code", digits[:3]+" "+digits[3:]).shows(t, "checked and saved", "new@example.org")
	if claims := claimsOf(b, who); claims["email"] != "new@example.org" || claims["email_verified"] != true {
		t.Errorf("known of them: %v", claims)
	}
	w.post(p.at.String(), "code", digits).objects(t, "too old, was used or was guessed at too often")

	// Whoever changes it next, the old address hears of it.
	p = w.post("/my/details/email", "said", "newer@example.org")
	w.post(p.at.String(), "code", code(b, "newer@example.org"))
	var address string
	b.must(b.sql.QueryRow(t.Context(), `SELECT address FROM outbox WHERE address <> '' AND kind = 'notice'`).Scan(&address))
	if address != "new@example.org" {
		t.Errorf("told at %q", address)
	}
	w.post("/my/details/email", "unsay", "yes").shows(t, "is deleted")
	if claimsOf(b, who)["email"] != "jo@example.org" {
		t.Error("the address was not forgotten")
	}
}

// A code serves once, for a while, in the session that asked; and is not guessed.
func TestEmailCodes(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	asked := func() (string, string) {
		p := w.post("/my/details/email", "said", "new@example.org")
		p.shows(t, "Check your email")
		return p.at.String(), code(b, "new@example.org")
	}
	const spent = "too old, was used or was guessed at too often"

	at, digits := asked()
	other := b.browser()
	other.signIn("weak", "thief", "Cl")
	other.post(at, "code", digits).objects(t, spent)
	w.post(at, "code", digits).objects(t, spent) // whoever tried has used it up

	at, digits = asked()
	for range 4 {
		w.post(at, "code", "12345x").objects(t, "This is not the code")
	}
	w.post(at, "code", "12345x").objects(t, spent)
	w.post(at, "code", digits).objects(t, spent)

	at, digits = asked()
	b.pass(10 * time.Minute)
	w.post(at, "code", digits).objects(t, spent)
	w.get(at[:strings.Index(at, "?")]).objects(t, spent)

	at, digits = asked()
	var wins, all = make(chan bool, 10), sync.WaitGroup{}
	for i := range 10 {
		one := *w
		one.node = i % 2
		all.Go(func() {
			answer := one.request(http.MethodPost, at, map[string][]string{"code": {digits}})
			answer.Body.Close()
			wins <- answer.Header.Get("Location") == "/my/details"
		})
	}
	all.Wait()
	close(wins)
	n := 0
	for won := range wins {
		if won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("of ten %d redeemed the code", n)
	}

	for range 2 {
		asked()
	}
	w.post("/my/details/email", "said", "new@example.org").objects(t, "You have asked for many codes")
	w.post("/my/details/email", "said", "another@example.org").objects(t, "You have asked for many codes")
	other.post("/my/details/email", "said", "new@example.org").objects(t, "You have asked for many codes")
}

func TestEmailWithoutMail(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	b.post.Refuse(true)
	w.post("/my/details/email", "said", "new@example.org").objects(t, "The code could not be sent")
	b.pages[0].Post = nil
	w.post("/my/details/email", "said", "new@example.org").objects(t, "The code could not be sent")
}

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

func TestDelegates(t *testing.T) {
	b := open(t)
	mother, daughter := b.browser(), b.browser()
	mother.signIn("middle", "mother", "Cm")
	daughter.signIn("weak", "daughter", "Cl")
	soon := b.now().Add(30 * 24 * time.Hour)
	date := []string{"day", fmt.Sprint(soon.Day()), "month", fmt.Sprint(int(soon.Month())), "year", fmt.Sprint(soon.Year())}
	invite := func(fields ...string) page { return mother.post("/my/delegates/invite", append(date, fields...)...) }

	invite("app", "tax").objects(t, "Enter what you call them")
	invite("label", "Ann").objects(t, "Select at least one service")
	invite("label", "Ann", "app", "hidden").objects(t, "Select at least one service")
	late := []string{"day", "1", "month", "1", "year", fmt.Sprint(b.now().Year() + 2), "label", "Ann", "app", "tax"}
	mother.post("/my/delegates/invite", late...).objects(t, "The date is too far in the future")
	for _, wrong := range [][2]string{{"day", "32"}, {"month", "13"}, {"year", "2020"}, {"year", "x"}, {"day", ""}} {
		fields := []string{"label", "Ann", "app", "tax"}
		for i := 0; i < len(date); i += 2 {
			if date[i] == wrong[0] {
				fields = append(fields, wrong[0], wrong[1])
			} else {
				fields = append(fields, date[i], date[i+1])
			}
		}
		mother.post("/my/delegates/invite", fields...).objects(t, "Enter a date in the future")
	}

	p := invite("label", "Ann", "app", "tax")
	p.shows(t, "Ann", "Council tax", "They have not typed the code yet")
	invitation := found(t, p.body, `id="invitation"[^>]*>([^<]*)<`)
	mother.get("/my/delegates").hides(t, invitation)
	mother.post("/my/delegates/accept", "code", invitation).objects(t, "This is a code of your own")
	daughter.post("/my/delegates/accept", "code", "AAAA-BBBB-CCCC-DDDD").objects(t, "Nobody has been given this code")
	p = daughter.post("/my/delegates/accept", "code", strings.ToLower(strings.ReplaceAll(invitation, "-", " ")))
	p.shows(t, "You may act for them now", "Somebody who calls you “Ann”", "Council tax")
	daughter.post("/my/delegates/accept", "code", invitation).objects(t, "Nobody has been given this code")

	id := found(t, p.body, `name="end" value="([^"]*)"`)
	stranger := b.browser()
	stranger.signIn("weak", "stranger", "Cl")
	stranger.post("/my/delegates", "end", id)
	mother.get("/my/delegates").shows(t, "Ann")
	daughter.post("/my/delegates", "end", id).shows(t, "It has ended")
	mother.get("/my/delegates").shows(t, "Nobody may act for you")
	mother.post("/my/delegates", "end", id).shows(t, "It has ended") // the other side was faster

	for range 10 {
		stranger.post("/my/delegates/accept", "code", "AAAA")
	}
	stranger.post("/my/delegates/accept", "code", "AAAA").objects(t, "You have typed many codes")
}

func TestLanguageIsKept(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	w.post("/my/language", "language", "gd").shows(t, `lang="gd"`, "Chaidh an cànan agaibh a shàbhaladh")
	w.get("/").shows(t, `<html class="govuk-template" lang="gd">`)
	if got := claimsOf(b, who)["locale"]; got != "gd" {
		t.Errorf("the locale is %v", got)
	}
	if p := w.post("/my/language", "language", "fr"); p.status != http.StatusNotFound {
		t.Errorf("a language that there is not: %s", p)
	}
}
