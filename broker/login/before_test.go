package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
)

const (
	alices  = "alice@example.org"
	whether = "Have you signed in to the council in another way before?"
)

// mailed is the answer of a provider that knows the person's e-mail address.
func mailed(p *provider, person, level, email string) string {
	return answerOf(p, person, level) + "&email=" + url.QueryEscape(email)
}

// knows has the council know somebody by the weak provider, and their e-mail address.
func (h *hill) knows(person, email string) (account string) {
	h.t.Helper()
	b := h.browser()
	b.get("/ask/tax?by=weak")
	b.get(mailed(h.weak, person, "Cl", email)).mustLead(h.t, "https://tax.example/in?person="+person)
	return h.front.issued().Account.ID
}

// newcomer brings a browser before the question whether they have signed in before.
func (h *hill) newcomer(b *browser, person, email string) page {
	h.t.Helper()
	b.get("/ask/tax?by=middle").at(h.t, h.middle, "")
	got := b.get(mailed(h.middle, person, "Cm", email))
	if !strings.HasPrefix(got.to, "/before?") {
		h.t.Fatalf("leads to %d %q: %s", got.status, got.to, got.body)
	}
	return b.get(got.to)
}

func first(t *testing.T, p page) url.Values {
	t.Helper()
	return url.Values{"request": {found(t, p.body, `name="request" value="`)}, "answer": {"never"}}
}

func earlier(t *testing.T, p page, connector string) string {
	t.Helper()
	return found(t, p.body, `id="idp-`+connector+`" href="`)
}

func TestNewcomerWhoWasHereBefore(t *testing.T) {
	h := newHill(t)
	alice := h.knows("alice", alices)
	one := h.browser()
	shown := h.newcomer(one, "alice-m", alices)
	shown.mustShow(t, http.StatusOK, whether, `id="idp-weak"`, `id="idp-strong"`, `id="first"`, "Cancel and return to App tax")
	shown.mustNotShow(t, `id="idp-middle"`, "alice", "example.org")
	h.mustHaveWays(alice, "weak alice")

	one.node = 1
	one.get(earlier(t, shown, "weak")).at(t, h.weak, "")
	asked := h.brought(one, one.get(mailed(h.weak, "alice", "Cl", alices)))
	asked.mustShow(t, http.StatusOK, "Add Middle account to the account that you use with Weak account?", `id="join"`)
	form := who(t, asked, "join")
	one.post("/who", form).mustLead(t, "https://tax.example/in?person=alice-m")
	h.mustHaveWays(alice, "weak alice", "middle alice-m")
	one.node = 0
	one.post("/who", form).mustShow(t, http.StatusBadRequest)
	if s := h.front.issued(); s.Account.ID != alice || s.Connector != "middle" {
		t.Errorf("signed in to %s by %s", s.Account.ID, s.Connector)
	}

	// From now on nobody asks.
	two := h.browser()
	two.get("/ask/tax?by=middle")
	two.get(mailed(h.middle, "alice-m", "Cm", alices)).mustLead(t, "https://tax.example/in?person=alice-m")
}

// A recycled e-mail address: whoever has it now has nothing of whoever had it.
func TestNewcomerWithAnothersAddress(t *testing.T) {
	h := newHill(t)
	alice := h.knows("alice", alices)
	one := h.browser()
	shown := h.newcomer(one, "mallory", alices)
	if one.signedIn() {
		t.Error("signed in before it is known who it is")
	}

	// They come no further by a way in of their own, nor by giving up.
	one.get(earlier(t, shown, "strong")).at(t, h.strong, "sign_in")
	asked := h.brought(one, one.returns(h.strong, "mallory-s", "Cm"))
	one.post("/who", who(t, asked, "join")).mustLead(t, "https://tax.example/in?person=mallory")
	theirs := h.front.issued()
	if theirs.Account.ID == alice {
		t.Fatal("mallory is in alice's account")
	}
	h.mustHaveWays(theirs.Account.ID, "strong mallory-s", "middle mallory")
	two := h.browser()
	shown = h.newcomer(two, "mallory-2", alices)
	two.get(earlier(t, shown, "weak")).at(t, h.weak, "")
	two.get(two.get(two.returns(h.weak, "", "").to).to) // cancelled there
	if two.signedIn() {
		t.Error("signed in")
	}

	three := h.browser()
	form := first(t, h.newcomer(three, "mallory-3", alices))
	three.node = 1
	three.post("/before", form).mustLead(t, "https://tax.example/in?person=mallory-3")
	s := h.front.issued()
	if s.Account.ID == alice || s.Account.ID == theirs.Account.ID {
		t.Error("in another's account")
	}
	if got := s.Known().Claims.Text("name"); got != "mallory-3" {
		t.Errorf("apps are told %q", got)
	}
	h.mustHaveWays(alice, "weak alice")
	h.mustHaveWays(s.Account.ID, "middle mallory-3")

	// They are not asked again.
	four := h.browser()
	four.get("/ask/tax?by=middle")
	four.get(mailed(h.middle, "mallory-3", "Cm", alices)).mustLead(t, "https://tax.example/in?person=mallory-3")
}

// Whoever has signed in as before, too, may keep the two apart, and is not asked again.
func TestNewcomerWhoStaysApart(t *testing.T) {
	h := newHill(t)
	alice := h.knows("alice", alices)
	one := h.browser()
	one.get(earlier(t, h.newcomer(one, "partner", alices), "weak")).at(t, h.weak, "")
	asked := h.brought(one, one.get(mailed(h.weak, "alice", "Cl", alices)))
	one.post("/who", who(t, asked, "switch")).mustLead(t, "https://tax.example/in?person=partner")
	if s := h.front.issued(); s.Account.ID == alice {
		t.Error("in alice's account")
	}
	h.mustHaveWays(alice, "weak alice")
}

// Whomever a newcomer resembles, the page has the same words and ways, and takes
// them from nothing that is known of anybody.
func TestNewcomersSeeTheSamePage(t *testing.T) {
	h := newHill(t)
	h.knows("alice", alices)
	bob := h.browser()
	bob.get("/ask/tax?by=strong")
	bob.get(mailed(h.strong, "bob", "Cm", "bob@example.org")).mustLead(t, "https://tax.example/in?person=bob")
	bob.post("/who", who(t, h.adding(bob, h.weak, "bob-w", "Cl"), "join")).mustLead(t, mine)

	shown := func(person, email string) string {
		p := h.newcomer(h.browser(), person, email)
		return strings.ReplaceAll(p.body, first(t, p).Get("request"), "TAG")
	}
	if one, other := shown("somebody", alices), shown("another", "bob@example.org"); one != other {
		t.Errorf("one sees %s\nthe other %s", one, other)
	}
}

// What nobody vouches for leads to no question: else anybody could ask who is known.
func TestUnverifiedResemblesNobody(t *testing.T) {
	h := newHill(t)
	h.knows("alice", alices)
	one := h.browser()
	one.get("/ask/tax?by=middle")
	one.get(mailed(h.middle, "mallory", "Cm", alices)+"&unverified=yes").mustLead(t, "https://tax.example/in?person=mallory")

	// Nor does an address that was known without anybody vouching for it.
	two := h.browser()
	two.get("/ask/tax?by=weak")
	two.get(mailed(h.weak, "bob", "Cl", "bob@example.org") + "&unverified=yes")
	two = h.browser()
	two.get("/ask/tax?by=middle")
	two.get(mailed(h.middle, "bobs", "Cm", "bob@example.org")).mustLead(t, "https://tax.example/in?person=bobs")
}

// The answer is the newcomer's own, and counts once.
func TestNewcomerAnswersOnce(t *testing.T) {
	h := newHill(t)
	alice := h.knows("alice", alices)
	one, other := h.browser(), h.browser()
	other.get("/ask/tax")
	shown := h.newcomer(one, "mallory", alices)
	form := first(t, shown)
	other.post("/before", form).mustShow(t, http.StatusBadRequest, "started in another browser")
	other.get(earlier(t, shown, "weak")).mustShow(t, http.StatusBadRequest, "started in another browser")
	other.postFromElsewhere("/before", form).mustShow(t, http.StatusBadRequest)

	var all sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for i := range 10 {
		all.Go(func() {
			r, err := one.client.PostForm(h.nodes[i%2].URL+"/before", form)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(r.Header.Get("Location"), "https://tax.example/in?") {
				in++
			}
		})
	}
	all.Wait()
	if in != 1 {
		t.Errorf("%d answers counted", in)
	}
	h.mustHaveWays(alice, "weak alice")
}

// What a newcomer showed counts for some minutes: then somebody else may sit there.
func TestNewcomerWaitsTooLong(t *testing.T) {
	h := newHill(t)
	h.knows("alice", alices)
	one := h.browser()
	shown := h.newcomer(one, "mallory", alices)
	h.pass(16 * time.Minute)
	got := one.post("/before", first(t, shown))
	if !strings.HasPrefix(got.to, "/choose?") || one.signedIn() {
		t.Fatalf("leads to %d %q", got.status, got.to)
	}
	one.get(strings.Replace(got.to, "/choose", "/before", 1)).mustLead(t, got.to)
	one.get(strings.Replace(got.to, "/choose", "/before/weak", 1)).mustLead(t, got.to)
	one.get(strings.Replace(got.to, "/choose", "/start/middle", 1)).at(t, h.middle, "")
}

// An app that insists on a new sign-in gets one, and the newcomer is asked once.
func TestNewcomerOfAnAppThatInsists(t *testing.T) {
	h := newHill(t)
	h.knows("alice", alices)
	age := time.Hour
	for i, req := range []login.Request{{App: "tax", Force: true}, {App: "tax", MaxAge: &age}} {
		person := "mallory-" + string(rune('0'+i))
		one := h.browser()
		h.request(req)
		one.get(strings.Replace(one.get("/ask").to, "/choose", "/start/middle", 1)).at(t, h.middle, "")
		shown := one.get(one.get(mailed(h.middle, person, "Cm", alices)).to)
		one.post("/before", first(t, shown)).mustLead(t, "https://tax.example/in?person="+person)
	}
}

// In a step-up, too, whoever goes on alone is asked.
func TestStrangerWhoGoesOnAloneIsANewcomer(t *testing.T) {
	h := newHill(t)
	h.knows("alice", alices)
	one := h.browser()
	h.enters(one, "tax", h.weak, "bob", "Cl")
	bob := h.front.issued().Account.ID
	one.post("/own/add/middle", nil)
	h.brought(one, one.get(mailed(h.middle, "carol", "Cm", alices)))
	one.get("/ask/grants")
	choice := one.get("/ask/grants")
	one.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	asked := h.brought(one, one.get(mailed(h.strong, "carol-s", "Cm", alices)))
	got := one.post("/who", who(t, asked, "switch"))
	if !strings.HasPrefix(got.to, "/before?") || !one.signedIn() {
		t.Fatalf("leads to %d %q", got.status, got.to)
	}
	h.mustHaveWays(bob, "weak bob")
	one.post("/before", first(t, one.get(got.to))).at(t, h.strong, "prove")
	h.mustHaveWays(bob, "weak bob")
}

// A provider may send newcomers whom nobody asked for. They are asked as well.
func TestUnsolicitedNewcomer(t *testing.T) {
	h := newHill(t)
	for _, flow := range h.flows {
		saml := config.SAML{Response: config.SAMLResponse{UnsolicitedApp: "tax"}}
		flow.Ways = append(flow.Ways, h.way(h.works, config.Connector{SAML: &saml}))
	}
	alice := h.knows("alice", alices)
	one := h.browser()
	kept := one.postFromElsewhere("/callback/works", url.Values{"person": {"alice-w"}, "email": {alices}})
	shown := one.get(kept.to)
	shown.mustShow(t, http.StatusOK, "Do you want to continue with Works account?")
	got := one.post("/unsolicited/works", url.Values{"answer": {found(t, shown.body, `name="answer" value="`)}})
	if !strings.HasPrefix(got.to, "/before?") {
		t.Fatalf("leads to %d %q: %s", got.status, got.to, got.body)
	}
	shown = one.get(got.to)
	shown.mustShow(t, http.StatusOK, whether)
	one.get(earlier(t, shown, "weak")).at(t, h.weak, "")
	asked := h.brought(one, one.get(mailed(h.weak, "alice", "Cl", alices)))
	one.post("/who", who(t, asked, "join")).mustLead(t, "/landed?app=tax")
	h.mustHaveWays(alice, "weak alice", "works alice-w")
}
