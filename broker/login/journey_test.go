package login_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// People who go to a Post Office come back days later, in whichever browser the
// provider's e-mail is opened in.
func TestLanding(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	one.get("/ask/grants").at(t, h.strong, "sign_in")
	one.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	account := h.wish(t, one)

	h.pass(10 * 24 * time.Hour)
	two := h.browser()
	two.get("/landing/strong").at(t, h.strong, "sign_in")
	two.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	got := two.returns(h.strong, "alice", "P2.Cm")
	got.mustLead(t, "/landed?app=grants")
	two.get(got.to).mustShow(t, http.StatusOK, "You have proved who you are", "Go on to App grants",
		`href="https://grants.example/start?from=us&amp;iss=https%3A%2F%2Flogin.example&amp;target_link_uri=https%3A%2F%2Fgrants.example%2F"`)
	two.use("grants")
	if wishes, err := h.flows[0].Accounts.Awaited(t.Context(), account); err != nil || len(wishes) != 0 {
		t.Errorf("still awaited: %v, %v", wishes, err)
	}

	// Whoever is signed in already proves it at once.
	three := h.browser()
	h.enters(three, "tax", h.strong, "bob", "Cm")
	three.get("/ask/grants").at(t, h.strong, "prove")
	three.get("/landing/strong").at(t, h.strong, "prove")
	got = three.returns(h.strong, "bob", "Cm") // too early: the result is not there yet
	three.get(got.to).mustShow(t, http.StatusOK, "You are signed in", "We do not have the result", "Go on to App grants")
	three.get("/landing/strong").at(t, h.strong, "prove")
	got = three.returns(h.strong, "bob", "P2.Cm")
	three.get(got.to).mustShow(t, http.StatusOK, "You have proved who you are")
}

// wish is whose wish is kept: of whoever is signed in in the browser.
func (h *hill) wish(t *testing.T, b *browser) (account string) {
	t.Helper()
	b.use("tax")
	account = h.front.issued().Account.ID
	wishes, err := h.flows[0].Accounts.Awaited(t.Context(), account)
	h.must(err)
	if len(wishes) != 1 || wishes[0].App != "grants" || wishes[0].Connector != "strong" || wishes[0].Level != vector("P2.Cm") {
		t.Fatalf("awaited: %+v", wishes)
	}
	if wait := wishes[0].Until.Sub(h.now()); wait < 16*24*time.Hour {
		t.Errorf("awaited for %s", wait)
	}
	return account
}

// Whoever goes back and sets off again wishes for nothing new.
func TestWishIsWrittenOnce(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	account := h.front.issued().Account.ID
	wish := func() accounts.Wish {
		t.Helper()
		wishes, err := h.flows[0].Accounts.Awaited(t.Context(), account)
		h.must(err)
		return wishes[len(wishes)-1]
	}
	first := wish()
	h.pass(30 * time.Minute)
	one.get("/ask/grants").at(t, h.strong, "prove")
	if again := wish(); again.ID != first.ID {
		t.Error("written twice")
	}
	h.pass(time.Minute)
	h.request(login.Request{App: "waste", Levels: []mapping.Assurance{vector("P2.Cm")}})
	one.get("/ask").at(t, h.strong, "prove")
	if second := wish(); second.App != "waste" {
		t.Error("the latest wish is not another app's")
	}
	h.pass(time.Minute)
	one.get("/ask/grants").at(t, h.strong, "prove")
	if third := wish(); third.App != "grants" {
		t.Error("the latest wish is not that of the app asked for last")
	}
	kept := wish()
	h.pass(2 * 24 * time.Hour)
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	if later := wish(); !later.Until.After(kept.Until) {
		t.Error("nobody waits for longer than the first time")
	}
}

// Nobody waits for those who only sign in, and nothing is written of them.
func TestNoWishWithoutProof(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	wishes, err := h.flows[0].Accounts.Awaited(t.Context(), h.front.issued().Account.ID)
	if err != nil || len(wishes) != 0 {
		t.Errorf("awaited: %v, %v", wishes, err)
	}
	got := one.get("/landing/strong")
	got.mustLead(t, "/landed?app=")
	one.get(got.to).mustShow(t, http.StatusOK, "Go on to App tax") // the last one here
}

func TestLandingIsOfPatientProviders(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	one.get("/landing/weak").mustShow(t, http.StatusNotFound)
	one.get("/landing/nobody").mustShow(t, http.StatusNotFound)
	one.get("/landed?app=grants").mustLead(t, "/")
	one.get("/landing/strong").at(t, h.strong, "sign_in")
	got := one.returns(h.strong, "", "")
	shown := one.get(got.to)
	shown.mustShow(t, http.StatusOK, "You did not finish signing in")
	one.get(found(t, shown.body, `id="cancel" href="`)).mustLead(t, "/")
}

// An answer that nobody waits for any more leads to a new sign-in, and is not
// looked at.
func TestLateAnswers(t *testing.T) {
	h := newHill(t)
	one, two := h.browser(), h.browser()
	one.get("/ask/grants").at(t, h.strong, "sign_in")
	late := answerOf(h.strong, "alice", "P2.Cm")
	const again = "Sign in once more to go on"
	two.get("/ask/tax")
	looked := h.strong.examined()
	for name, got := range map[string]page{
		"in another browser":        two.get(late),
		"in a browser without ours": h.browser().get(late),
		"of an unknown state":       two.get("/callback/strong?code=c&state=" + strings.Repeat("A", 26) + "." + strings.Repeat("A", 26)),
		"without a state":           two.get("/callback/strong?code=c"),
		"posted":                    two.postFromElsewhere("/callback/strong", map[string][]string{"code": {"c"}}),
	} {
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, again) || !strings.Contains(got.body, `href="/landing/strong"`) {
			t.Errorf("%s: %d %q %s", name, got.status, got.to, got.body)
		}
	}
	if h.strong.examined() != looked {
		t.Error("an answer was looked at")
	}
	two.get("/callback/weak?code=c").mustShow(t, http.StatusBadRequest, expired) // nobody takes long there

	// It is spent; the login itself goes on.
	one.get(late).mustShow(t, http.StatusBadRequest, again)
	tag, _, _ := strings.Cut(h.strong.attempt().State, ".")
	one.get("/start/strong?request="+tag).at(t, h.strong, "sign_in")
}

func TestPatience(t *testing.T) {
	h := newHill(t)
	for _, flow := range h.flows {
		flow.Ways[1].Config.Patience = 7 * 24 * time.Hour
	}
	one := h.browser()
	one.get("/ask/tax?by=middle")
	one.get(answerOf(h.middle, "", "")) // cancelled: the request goes on, and waits as long
	h.browser().get("/callback/middle?code=c").mustShow(t, http.StatusBadRequest, "Sign in once more to go on")
}

// Singpass wants 30 characters of a nonce, SPID 32; OpenID Connect's conformance
// suite warns of more than 43.
func TestNonceIsLongEnough(t *testing.T) {
	h := newHill(t)
	h.browser().get("/ask/tax?by=strong")
	if n := len(h.strong.attempt().Nonce); n < 32 || n > 43 {
		t.Errorf("the nonce has %d characters", n)
	}
}

func TestInAppBrowser(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	one.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0]"
	shown := one.get(one.get("/ask/tax?by=strong").to)
	shown.mustShow(t, http.StatusOK, "Open this page in your browser", "https://tax.example/", `id="idp-weak"`, `id="idp-middle"`)
	if strings.Contains(shown.body, `id="idp-strong"`) {
		t.Error("it offers what does not work here")
	}
	one.get(html.UnescapeString(found(t, shown.body, `id="again" href="`))).at(t, h.strong, "sign_in")
	one.returns(h.strong, "alice", "Cm").mustLead(t, "https://tax.example/in?person=alice")
	h.browser().get("/ask/tax?by=strong").at(t, h.strong, "sign_in")
}

func TestGivingUpSaysWhy(t *testing.T) {
	h := newHill(t)
	for outcome, want := range map[string]login.Refusal{
		"cancelled": login.AccessDenied, "declined": login.AccessDenied, "no_consent": login.AccessDenied, "refused": login.AccessDenied,
		"try_later": login.Unavailable, "unavailable": login.Unavailable, "misconfigured": login.Unavailable, "unmet": login.Unmet,
		"too_young": login.AccessDenied, "gone": login.AccessDenied, "not_allowed": login.AccessDenied,
	} {
		one := h.browser()
		one.get("/ask/grants").at(t, h.strong, "sign_in")
		got := one.get(one.get(answerOf(h.strong, "", "") + "&outcome=" + outcome).to)
		got.mustShow(t, http.StatusOK, "Strong account", `id="again"`, "Cancel and return to App grants", `id="reference"`)
		one.get(found(t, got.body, `id="cancel" href="`)).mustLead(t, "https://grants.example/refused?why="+string(want))
	}
}

// A frozen way in says what the provider told, and leaves the others.
func TestFrozenWayIn(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	_, err := h.flows[0].Accounts.Freeze(t.Context(), "https://strong.example", "alice", "account-disabled/hijacking")
	h.must(err)
	two := h.browser()
	two.get("/ask/tax?by=strong")
	got := two.get(two.returns(h.strong, "alice", "Cm").to)
	got.mustShow(t, http.StatusOK, "You cannot sign in with Strong account for now", "somebody else may have used", `id="idp-weak"`)
	if two.signedIn() || strings.Contains(got.body, `id="again"`) {
		t.Error("signed in by a frozen way in, or sent there again")
	}
	one.get(one.get("/ask/waste").to).mustShow(t, http.StatusOK, "Choose how to sign in") // its sessions are over
}

// How long somebody stays signed in is bounded by the provider that they came
// from.
func TestConnectorBoundsTheSession(t *testing.T) {
	h := newHill(t)
	for _, flow := range h.flows {
		flow.Ways[0].Config.Session = config.SessionLimit{Idle: 20 * time.Minute, Lifetime: time.Hour}
	}
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	for range 3 {
		h.pass(19 * time.Minute)
		one.use("tax")
	}
	h.pass(4 * time.Minute)
	if one.signedIn() {
		t.Error("signed in after the connector's lifetime")
	}
	two := h.browser()
	h.enters(two, "tax", h.middle, "bob", "Cm")
	h.pass(59 * time.Minute)
	two.use("tax")
}

// What a session owes to an earlier sign-in ends with that.
func TestSteppedUpSessionDoesNotOutlastWhatItRestsOn(t *testing.T) {
	h, one := risen(t)
	if age := h.now().Sub(h.front.issued().Started); age != 10*time.Minute {
		t.Errorf("it began %s ago", age)
	}
	one.use("tax")

	// The way in on which it rests is frozen.
	_, err := h.flows[0].Accounts.Freeze(t.Context(), "https://strong.example", "alice", "account-disabled")
	h.must(err)
	if got := one.get("/ask/tax"); got.to == "https://tax.example/in?person=alice-m" {
		t.Error("signed in on the strength of a frozen way in")
	}
}

// What was proved in one tab is not asked for in another.
func TestProvedInAnotherTab(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	waits := one.get("/ask/grants").to
	one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join"))
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")
	one.get(one.get(waits).to).mustLead(t, "https://grants.example/in?person=alice-s")
}

func (h *hill) alwaysPhishingResistant() *mapping.Rules {
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims: map[string]string{"name": "claims.name"}, Cap: vector("Cl.F1"),
		Levels: map[string]mapping.Level{"authenticator": {Always: "Cl"}, "phishing": {Always: "F1"}},
	})
	if len(mistakes) > 0 {
		h.t.Fatal(mistakes)
	}
	return rules
}
