package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

func TestMoreElsewhere(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	before := h.front.issued()
	shown := one.get(one.get("/ask/grants").to)
	shown.mustShow(t, http.StatusOK, "App grants needs to be more sure who you are", `id="idp-strong"`, "Not now, return to App grants")
	for _, weaker := range []string{`id="idp-weak"`, `id="idp-middle"`} {
		if strings.Contains(shown.body, weaker) {
			t.Errorf("the page offers %s", weaker)
		}
	}
	one.get(found(t, shown.body, `id="idp-strong" href="`)).at(t, h.strong, "sign_in")
	asked := one.get(one.returns(h.strong, "alice-m", "Cm").to)
	asked.mustShow(t, http.StatusOK, "Add Strong account to the account that you use with Weak account?")
	if strings.Contains(asked.body, "alice") {
		t.Error("the page tells who it is")
	}
	one.post("/who", who(t, asked, "join")).at(t, h.strong, "prove")
	one.returns(h.strong, "alice-m", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-m")
	after := h.mustBeWorth("P2.Cm")
	if after.Account.ID != before.Account.ID || after.SID != before.SID || after.Account.Subject("x") != before.Account.Subject("x") {
		t.Error("the account or its subject has changed")
	}
	var by string
	h.must(h.sql.QueryRow(t.Context(), `SELECT added_by FROM links WHERE id = $1`, after.Link).Scan(&by))
	if by != before.Link {
		t.Errorf("it was added by %q, want %q", by, before.Link)
	}

	// Either way leads there, and the weak one is worth no more than before.
	two := h.browser()
	h.enters(two, "tax", h.strong, "alice-m", "Cm")
	if got := h.mustBeWorth("P2.Cm"); got.Account.ID != before.Account.ID {
		t.Error("the new way leads elsewhere")
	}
	three := h.browser()
	h.enters(three, "tax", h.weak, "alice", "Cl")
	h.mustBeWorth("P0.Cl")
}

func who(t *testing.T, p page, answer string) url.Values {
	t.Helper()
	return url.Values{"request": {found(t, p.body, `name="request" value="`)}, "answer": {answer}}
}

// joining brings a browser, signed in at the weak provider, before the question
// whether somebody new at another is the same person.
func (h *hill) joining(b *browser, p *provider, app, person, level string) page {
	h.t.Helper()
	choice := b.get(strings.TrimSuffix("/ask/"+app, "/")) // "" is what was requested last
	b.get(strings.Replace(choice.to, "/choose", "/start/"+p.id, 1))
	got := b.returns(p, person, level)
	if !strings.HasPrefix(got.to, "/who?") {
		h.t.Fatalf("leads to %d %q: %s", got.status, got.to, got.body)
	}
	return b.get(got.to)
}

// A way in that is added in a weak session borrows nothing of what another proves
// later.
func TestWeakLinkInheritsLittle(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
	one.post("/who", who(t, h.joining(one, h.middle, "", "alice-m", "Cm"), "join")).mustLead(t, "https://tax.example/in?person=alice-m")
	one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join"))
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")

	two := h.browser()
	two.get("/ask/tax?by=middle")
	two.returns(h.middle, "alice-m", "Cm").mustLead(t, "https://tax.example/in?person=alice-m")
	if s := h.mustBeWorth("P0.Cm"); s.Account.Level.Identity != mapping.P2 {
		t.Fatal("it is another account, which proves nothing")
	}
}

// Whoever comes by a weak way in to the account of a person who is proved cannot
// add one that proves themselves: they may be a thief with an identity of their
// own.
func TestProvedAccountIsNotShared(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join"))
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")

	for _, tt := range []struct {
		by                 *provider
		app, person, level string
	}{
		{h.strong, "grants", "mallory-s", "Cm"},
		{h.middle, "grants", "mallory-m", "Cm"},
	} {
		two := h.browser()
		h.enters(two, "tax", h.weak, "alice", "Cl")
		if tt.by == h.middle {
			h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
			tt.app = ""
		}
		asked := h.joining(two, tt.by, tt.app, tt.person, tt.level)
		asked.mustShow(t, http.StatusOK, "cannot be added to this account now", `id="switch"`, `id="back"`)
		if strings.Contains(asked.body, `id="join"`) || strings.Contains(asked.body, `id="again"`) {
			t.Error("it is offered")
		}
		if got := two.post("/who", who(t, asked, "join")); !strings.HasPrefix(got.to, "/who?") {
			t.Errorf("%s was added: %d %q", tt.person, got.status, got.to)
		}
	}
}

// A way in is joined by the person's own press of the button, in their own
// browser, and once.
func TestJoinIsTheResidentsOwn(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	asked := h.joining(one, h.strong, "grants", "mallory", "Cm")
	form := who(t, asked, "join")

	r, err := http.NewRequest(http.MethodPost, h.nodes[0].URL+"/who", strings.NewReader(form.Encode()))
	h.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	one.read(one.client.Do(r)).mustShow(t, http.StatusForbidden)
	one.get("/who?"+form.Encode()).mustShow(t, http.StatusOK, "Add Strong account") // a link joins nothing

	other := h.browser()
	h.enters(other, "tax", h.weak, "mallory", "Cl")
	other.post("/who", form).mustShow(t, http.StatusBadRequest, "started in another browser")
	h.browser().postFromElsewhere("/who", form).mustShow(t, http.StatusBadRequest, "does not accept cookies")

	one.post("/who", form).at(t, h.strong, "prove")
	one.post("/who", form).mustLead(t, strings.Replace("/choose?request=X", "X", form.Get("request"), 1)) // nothing is asked any more
}

// Whoever left a session open some time ago is asked to sign in again before
// another way in is joined to their account.
func TestJoinNeedsARecentSignIn(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.pass(16 * time.Minute)
	asked := h.joining(one, h.strong, "grants", "alice-s", "Cm")
	asked.mustShow(t, http.StatusOK, "Sign in with Weak account again")
	if strings.Contains(asked.body, `id="join"`) {
		t.Error("the page offers to join at once")
	}
	again := one.post("/who", who(t, asked, "join"))
	if !strings.HasPrefix(again.to, "/who?") {
		t.Fatalf("joined: %d %q %s", again.status, again.to, again.body)
	}
	one.post("/who", who(t, asked, "again")).at(t, h.weak, "")
	back := one.returns(h.weak, "alice", "Cl")
	proven := one.get(back.to)
	proven.mustShow(t, http.StatusOK, `id="join"`)
	one.post("/who", who(t, proven, "join")).at(t, h.strong, "prove")

	// Both count from when they were shown, and what was asked is forgotten.
	two := h.browser()
	h.enters(two, "tax", h.weak, "bob", "Cl")
	asked = h.joining(two, h.strong, "grants", "bob-s", "Cm")
	h.pass(16 * time.Minute)
	if late := two.post("/who", who(t, asked, "join")); !strings.HasPrefix(late.to, "/choose?") {
		t.Errorf("joined: %d %q %s", late.status, late.to, late.body)
	}
	two.use("tax")
	if s := h.front.issued(); s.Connector != "weak" {
		t.Error("the session has changed")
	}

	three := h.browser()
	h.enters(three, "tax", h.weak, "carol", "Cl")
	h.pass(16 * time.Minute)
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
	choice := three.get("/ask")
	three.get(strings.Replace(choice.to, "/choose", "/start/middle", 1))
	asked = three.get(three.returns(h.middle, "carol-m", "Cm").to)
	three.post("/who", who(t, asked, "again")).at(t, h.weak, "")
	h.pass(16 * time.Minute)
	three.returns(h.weak, "carol", "Cl").mustLead(t, choice.to)
}

func TestSomebodyElseProvesMore(t *testing.T) {
	h := newHill(t)
	h.enters(h.browser(), "tax", h.strong, "bob", "Cm")
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued()

	asked := h.joining(one, h.strong, "grants", "bob", "Cm")
	asked.mustShow(t, http.StatusOK, "You signed in as someone else")
	if strings.Contains(asked.body, `id="join"`) {
		t.Error("the page offers to join two people")
	}
	for _, answer := range []string{"join", "again", "nonsense"} { // typed by hand
		got := one.post("/who", who(t, asked, answer))
		one.use("tax")
		if s := h.front.issued(); s.Account.ID != alice.Account.ID {
			t.Fatalf("%s switched the person", answer)
		}
		if strings.HasPrefix(got.to, "/choose?") {
			asked = h.joining(one, h.strong, "grants", "bob", "Cm")
		}
	}
	back := one.post("/who", who(t, asked, "back"))
	one.get(back.to).mustShow(t, http.StatusOK, "needs to be more sure who you are")

	asked = h.joining(one, h.strong, "grants", "bob", "Cm")
	one.post("/who", who(t, asked, "switch")).at(t, h.strong, "prove")
	if !slices.Contains(h.front.revoked, "tax") {
		t.Error("what was issued to alice is good still")
	}
	one.returns(h.strong, "bob", "P2.Cm").mustLead(t, "https://grants.example/in?person=bob")
	if s := h.mustBeWorth("P2.Cm"); s.Account.ID == alice.Account.ID || s.SID == alice.SID {
		t.Error("bob is in alice's account or session")
	}
}

// The same at one provider: another account there is another person, or a new
// way in.
func TestAnotherAccountAtTheSameProvider(t *testing.T) {
	h := newHill(t)
	h.enters(h.browser(), "tax", h.strong, "bob", "Cm")
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	got := one.returns(h.strong, "bob", "P2.Cm")
	one.get(got.to).mustShow(t, http.StatusOK, "You signed in as someone else")
	one.get("/ask/tax").mustLead(t, "https://tax.example/in?person=alice")

	one.get("/ask/grants").at(t, h.strong, "prove")
	got = one.returns(h.strong, "carol", "P2.Cm")
	asked := one.get(got.to)
	asked.mustShow(t, http.StatusOK, "You used another Strong account account than before")
	one.post("/who", who(t, asked, "switch")).mustLead(t, "https://grants.example/in?person=carol")
}

// The session that was to be stepped up has ended, or is another's, by the time
// the answer comes.
func TestSessionEndsMeanwhile(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	h.pass(2 * time.Hour)
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")

	two := h.browser()
	h.enters(two, "tax", h.weak, "bob", "Cl")
	choice := two.get("/ask/grants")
	two.get(strings.Replace(choice.to, "/choose", "/start/strong", 1))
	h.pass(2 * time.Hour)
	asked := two.get(two.returns(h.strong, "bob-s", "Cm").to)
	asked.mustShow(t, http.StatusOK, "Sign in with Weak account again")
	two.post("/who", who(t, asked, "again")).at(t, h.weak, "")
	proven := two.get(two.returns(h.weak, "bob", "Cl").to)
	two.post("/who", who(t, proven, "join")).at(t, h.strong, "prove")
}

// What was proved of a person once keeps strangers out for good: while the way in that
// proved it is frozen, when the proof is over, or when the council believes its
// provider less.
func TestJoinShowsAllThatWasEverProved(t *testing.T) {
	for name, meanwhile := range map[string]func(h *hill){
		"frozen": func(h *hill) {
			_, err := h.flows[0].Accounts.Freeze(h.t.Context(), "https://strong.example", "alice-s", "account-disabled")
			h.must(err)
		},
		"over":          func(h *hill) { h.pass(3 * time.Hour) },
		"believed less": func(h *hill) { h.believes(h.strong, config.Assurance{Authenticator: "Cm"}) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHill(t)
			one := h.browser()
			h.enters(one, "tax", h.weak, "alice", "Cl")
			one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join"))
			one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")
			meanwhile(h)

			two := h.browser()
			h.enters(two, "tax", h.weak, "alice", "Cl")
			h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("Cm")}, Essential: true})
			asked := h.joining(two, h.middle, "", "mallory", "Cm")
			asked.mustShow(t, http.StatusOK, "cannot be added to this account now", "contact the council")
			got := two.post("/who", who(t, asked, "join"))
			two.get(got.to).mustShow(t, http.StatusOK, "cannot be added to this account now")
			if _, err := h.flows[0].Accounts.Whose(t.Context(), "https://middle.example", "mallory"); !errors.Is(err, accounts.ErrUnknownLink) {
				t.Errorf("joined: %v", err)
			}
		})
	}
}

// The database decides, whatever the session remembers.
func TestMoreIsProvedMeanwhile(t *testing.T) {
	h := newHill(t)
	one, two := h.browser(), h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	h.enters(two, "tax", h.strong, "alice", "Cl")
	h.needsTwo(two, h.middle)
	asked := two.get(two.returns(h.middle, "mallory", "Cm").to)
	asked.mustShow(t, http.StatusOK, `id="join"`)
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	got := two.post("/who", who(t, asked, "join"))
	refused := two.get(got.to)
	refused.mustShow(t, http.StatusOK, "cannot be added to this account now")
	if strings.Contains(refused.body, `id="join"`) {
		t.Error("it is offered still")
	}
}

// believes has the council believe a provider other things than before.
func (h *hill) believes(p *provider, cap config.Assurance) {
	h.t.Helper()
	ways := h.flows[0].Ways // of both nodes
	for i := range ways {
		if c := ways[i].Config; c.ID == p.id {
			c.Cap = cap
			ways[i] = h.way(p, c)
		}
	}
}

// What is proved is not put on top of a session whose way in was frozen meanwhile.
func TestNothingRestsOnWhatWasFrozen(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	one.post("/who", who(t, h.joining(one, h.strong, "grants", "alice-s", "Cm"), "join"))
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")

	two := h.browser()
	h.enters(two, "tax", h.weak, "alice", "Cl")
	before := h.front.issued()
	choice := two.get("/ask/grants")
	two.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	_, err := h.flows[0].Accounts.Freeze(t.Context(), "https://weak.example", "alice", "account-disabled")
	h.must(err)
	two.returns(h.strong, "alice-s", "Cm").mustLead(t, "https://grants.example/in?person=alice-s")
	if s := h.mustBeWorth("P2.Cm"); s.SID == before.SID || len(s.Earlier) > 0 {
		t.Error("it goes on in the session of a frozen way in")
	}
	if !slices.Contains(h.front.revoked, "tax") {
		t.Error("what was issued by a frozen way in is good still")
	}
}
