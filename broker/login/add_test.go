package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// adding brings a browser, signed in, before the question whether somebody who came
// from a provider is to be added.
func (h *hill) adding(b *browser, p *provider, person, level string) page {
	h.t.Helper()
	step := ""
	if p == h.strong {
		step = "sign_in"
	}
	b.post("/own/add/"+p.id, nil).at(h.t, p, step)
	return h.brought(b, b.returns(p, person, level))
}

// brought is the page that asks who came.
func (h *hill) brought(b *browser, got page) page {
	h.t.Helper()
	if !strings.HasPrefix(got.to, "/who?") {
		h.t.Fatalf("leads to %d %q: %s", got.status, got.to, got.body)
	}
	return b.get(got.to)
}

func (p page) mustNotShow(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			t.Errorf("the page has %q: %s", text, p.body)
		}
	}
}

func TestAdd(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	before := h.front.issued()
	asked := h.adding(one, h.middle, "alice-m", "Cm")
	asked.mustShow(t, http.StatusOK, "Add Middle account to the account that you use with Weak account?", `id="join"`, `id="back"`)
	asked.mustNotShow(t, `id="switch"`, "alice")
	if !h.middle.attempt().Force {
		t.Error("the provider may answer with whoever is signed in there")
	}
	h.mustHaveWays(before.Account.ID, "weak alice")
	one.node = 1
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	h.mustHaveWays(before.Account.ID, "weak alice", "middle alice-m")

	// The session stays what it was.
	one.use("tax")
	if s := h.front.issued(); s.SID != before.SID || s.Connector != "weak" || s.Level != before.Level {
		t.Errorf("the session has changed: %s by %s", s.Level, s.Connector)
	}
	if got := h.account(h.middle, "alice-m", "Cm"); got != before.Account.ID {
		t.Error("the new way leads elsewhere")
	}
}

// Two identities at one provider are fine.
func TestAddAtTheSameProvider(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.middle, "alice", "Cm")
	alice := h.front.issued().Account.ID
	asked := h.adding(one, h.middle, "alice-2", "Cm")
	asked.mustShow(t, http.StatusOK, "You used another Middle account account than before", `id="join"`)
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	h.mustHaveWays(alice, "middle alice", "middle alice-2")
}

func TestAddWhatIsYours(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued()
	one.post("/who", who(t, h.adding(one, h.middle, "alice-m", "Cm"), "join")).mustLead(t, mine)
	for _, came := range []struct {
		by     *provider
		person string
	}{{h.weak, "alice"}, {h.middle, "alice-m"}} {
		asked := h.adding(one, came.by, came.person, "Cm")
		asked.mustShow(t, http.StatusOK, "You have added this", "already")
		asked.mustNotShow(t, `id="join"`, `id="switch"`, `id="again"`)
		for _, answer := range []string{"join", "again"} { // typed by hand
			if got := one.post("/who", who(t, asked, answer)); strings.Contains(got.body, "example/sso") || got.to == mine {
				t.Errorf("%s leads to %d %q", answer, got.status, got.to)
			}
			asked = h.adding(one, came.by, came.person, "Cm")
		}
		one.ends(one.post("/who", who(t, asked, "back")), mine)
	}
	h.mustHaveWays(alice.Account.ID, "weak alice", "middle alice-m")
	one.use("tax")
	if s := h.front.issued(); s.SID != alice.SID {
		t.Error("another session")
	}
}

// ends follows redirects until one leads there.
func (b *browser) ends(got page, to string) {
	b.t.Helper()
	for range 5 {
		if got.to == to {
			return
		}
		if got.to == "" {
			break
		}
		got = b.get(got.to)
	}
	b.t.Fatalf("ends at %d %q, not at %q: %s", got.status, got.to, to, got.body)
}

// Whoever signed in some time ago shows first that the account is theirs still.
func TestAddNeedsARecentSignIn(t *testing.T) {
	h := newHill(t)
	for _, p := range []*provider{h.weak, h.middle} {
		one := h.browser()
		h.enters(one, "tax", p, "alice-"+p.id, "Cl")
		alice := h.front.issued().Account.ID
		h.pass(16 * time.Minute)
		one.post("/own/add/strong", nil).at(t, p, "")
		one.node = 1
		one.returns(p, "alice-"+p.id, "Cl").at(t, h.strong, "sign_in")
		asked := h.brought(one, one.returns(h.strong, "strong-"+p.id, "Cm"))
		asked.mustShow(t, http.StatusOK, `id="join"`)

		// It does not count for ever, and neither does what was shown at the other.
		h.pass(10 * time.Minute)
		one.post("/who", who(t, asked, "join")).mustLead(t, mine)
		h.mustHaveWays(alice, p.id+" alice-"+p.id, "strong strong-"+p.id)
	}

	two := h.browser()
	h.enters(two, "tax", h.middle, "bob", "Cm")
	bob := h.front.issued().Account.ID
	asked := h.adding(two, h.strong, "bob-s", "Cm")
	h.pass(16 * time.Minute)
	two.ends(two.post("/who", who(t, asked, "join")), mine)
	h.mustHaveWays(bob, "middle bob")
}

// More is proved of one of the two than the sign-in shows by which it was entered:
// a thief of a weak way in takes nobody over, and hands nobody a proof.
func TestAddProvedAccount(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "carol", "Cm")
	carol := h.front.issued().Account.ID
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.returns(h.strong, "carol", "P2.Cm")
	one.post("/who", who(t, h.adding(one, h.weak, "carol-w", "Cl"), "join")).mustLead(t, mine)

	two := h.browser()
	h.enters(two, "tax", h.middle, "mallory", "Cm")
	mallory := h.front.issued().Account.ID
	asked := h.adding(two, h.weak, "carol-w", "Cl")
	asked.mustShow(t, http.StatusOK, "You have proved who you are to the council in one of the two accounts", `id="back"`)
	asked.mustNotShow(t, `id="join"`, `id="again"`, `id="switch"`)
	for _, answer := range []string{"join", "again"} {
		if got := two.post("/who", who(t, asked, answer)); got.to == mine || strings.Contains(got.body, "example/sso") {
			t.Errorf("%s leads to %d %q", answer, got.status, got.to)
		}
		asked = h.adding(two, h.weak, "carol-w", "Cl")
	}

	// The other way round.
	three := h.browser()
	h.enters(three, "tax", h.weak, "carol-w", "Cl")
	asked = h.adding(three, h.middle, "mallory", "Cm")
	asked.mustShow(t, http.StatusOK, "You have proved who you are to the council in one of the two accounts")
	if got := three.post("/who", who(t, asked, "join")); got.to == mine {
		t.Error("merged")
	}
	h.mustHaveWays(carol, "strong carol", "weak carol-w")
	h.mustHaveWays(mallory, "middle mallory")
}

// More is proved of the other account while the page is open.
func TestAddIsWeighedAgain(t *testing.T) {
	h := newHill(t)
	two := h.browser()
	h.enters(two, "tax", h.strong, "carol", "Cm")
	carol := h.front.issued().Account.ID
	two.post("/who", who(t, h.adding(two, h.weak, "carol-w", "Cl"), "join"))

	one := h.browser()
	h.enters(one, "tax", h.middle, "mallory", "Cm")
	asked := h.adding(one, h.weak, "carol-w", "Cl")
	asked.mustShow(t, http.StatusOK, `id="join"`)
	two.get("/ask/grants").at(t, h.strong, "prove")
	two.returns(h.strong, "carol", "P2.Cm")
	got := one.post("/who", who(t, asked, "join"))
	h.brought(one, got).mustShow(t, http.StatusOK, "You have proved who you are to the council in one of the two accounts")
	h.mustHaveWays(carol, "strong carol", "weak carol-w")
}

// Login CSRF: whoever can make the resident's browser follow a link adds nothing
// of theirs to the resident's account, and nothing of the resident's to their own.
func TestAddIsTheResidentsOwn(t *testing.T) {
	h := newHill(t)
	alice, mallory := h.browser(), h.browser()
	h.enters(alice, "tax", h.weak, "alice", "Cl")
	hers := h.front.issued().Account.ID
	h.enters(mallory, "tax", h.weak, "mallory", "Cl")
	theirs := h.front.issued().Account.ID

	// Mallory starts, and has alice finish.
	mallory.post("/own/add/middle", nil).at(t, h.middle, "")
	lure := answerOf(h.middle, "alice-m", "Cm")
	alice.node = 1
	alice.get(lure).mustShow(t, http.StatusBadRequest, "started in another browser")
	mallory.get(lure).mustShow(t, http.StatusBadRequest) // the answer is spent

	// Mallory's own answer, in alice's browser: on its own, while she adds a way,
	// and in the name of her attempt.
	mallory.post("/own/add/middle", nil).at(t, h.middle, "")
	own := answerOf(h.middle, "mallory-m", "Cm")
	alice.post("/own/add/middle", nil).at(t, h.middle, "")
	attempt := h.middle.attempt()
	alice.get(own).mustShow(t, http.StatusBadRequest, "started in another browser")
	forged, err := url.Parse(own)
	h.must(err)
	query := forged.Query()
	query.Set("state", attempt.State)
	got := alice.get("/callback/middle?" + query.Encode())
	alice.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks")

	// A page that another site opens, or posts to, joins nothing.
	asked := h.adding(alice, h.middle, "mallory-m", "Cm") // she is signed in there as mallory, unawares
	asked.mustShow(t, http.StatusOK, "Add Middle account", `id="join"`)
	form := who(t, asked, "join")
	alice.get("/who?"+form.Encode()).mustShow(t, http.StatusOK, "Add Middle account")
	alice.postFromElsewhere("/who", form).mustShow(t, http.StatusBadRequest)
	mallory.post("/who", form).mustShow(t, http.StatusBadRequest, "started in another browser")
	h.mustHaveWays(hers, "weak alice")
	h.mustHaveWays(theirs, "weak mallory")

	// Nor does another site begin it.
	r, err := http.NewRequest(http.MethodPost, h.nodes[1].URL+"/own/add/middle", nil)
	h.must(err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	alice.read(alice.client.Do(r)).mustShow(t, http.StatusForbidden)
}

// Of many presses of the button one counts, whichever node they come to; and none
// later, when the way in has been taken away again.
func TestAddOnce(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued().Account.ID
	form := who(t, h.adding(one, h.middle, "alice-m", "Cm"), "join")
	var all sync.WaitGroup
	var mu sync.Mutex
	joined := 0
	for i := range 10 {
		all.Go(func() {
			r, err := one.client.PostForm(h.nodes[i%2].URL+"/who", form)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(r.Header.Get("Location"), mine) {
				joined++
			}
		})
	}
	all.Wait()
	if joined != 1 {
		t.Errorf("%d presses counted", joined)
	}
	h.mustHaveWays(alice, "weak alice", "middle alice-m")

	ways, err := h.flows[0].Accounts.Ways(t.Context(), alice)
	h.must(err)
	h.must(h.flows[0].Accounts.Remove(t.Context(), alice, "", ways[1].ID))
	one.post("/who", form).mustShow(t, http.StatusBadRequest)
	one.get(answerOf(h.middle, "alice-m", "Cm")).mustShow(t, http.StatusBadRequest)
	if got := h.waysOf(alice); len(got) > 1 && func() bool { w, err := h.flows[0].Accounts.Ways(t.Context(), alice); return err != nil || w[1].Usable }() {
		t.Errorf("the way in leads in again: %q", got)
	}
}

// Two residents add the same way in at once: it becomes one's, and the other is
// told whose it is not.
func TestAddRaces(t *testing.T) {
	h := newHill(t)
	for i := range 5 {
		person := "new-" + string(rune('a'+i))
		var browsers [2]*browser
		var owners [2]string
		var forms [2]url.Values
		for n := range browsers {
			browsers[n] = h.browser()
			browsers[n].node = n
			h.enters(browsers[n], "tax", h.weak, person+string(rune('0'+n)), "Cl")
			owners[n] = h.front.issued().Account.ID
			forms[n] = who(t, h.adding(browsers[n], h.middle, person, "Cm"), "join")
		}
		var both sync.WaitGroup
		var got [2]*http.Response
		for n, b := range browsers {
			both.Go(func() {
				var err error
				if got[n], err = b.client.PostForm(h.nodes[n].URL+"/who", forms[n]); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		winner := 0
		if !strings.HasSuffix(got[0].Header.Get("Location"), mine) {
			winner = 1
		}
		loser := 1 - winner
		browsers[winner].read(got[winner], nil).mustLead(t, mine)
		shown := h.brought(browsers[loser], browsers[loser].read(got[loser], nil))
		shown.mustShow(t, http.StatusOK, "leads to another council account")
		if n := len(h.waysOf(owners[winner])); n != 2 {
			t.Errorf("the winner has %d ways in", n)
		}
		if n := len(h.waysOf(owners[loser])); n != 1 {
			t.Errorf("the loser has %d ways in", n)
		}
	}
}

// Somebody else has sat down by the time the answer comes.
func TestAddAfterThePersonHasChanged(t *testing.T) {
	h := newHill(t)
	h.account(h.middle, "bob", "Cm")
	for _, known := range []bool{false, true} {
		one := h.browser()
		h.enters(one, "tax", h.weak, "alice", "Cl")
		alice := h.front.issued().Account.ID
		one.post("/own/add/strong", nil).at(t, h.strong, "sign_in")
		late := answerOf(h.strong, "alice-s", "Cm")
		if known { // the way in is alice's
			two := h.browser()
			h.enters(two, "tax", h.weak, "alice", "Cl")
			two.post("/who", who(t, h.adding(two, h.strong, "alice-s", "Cm"), "join")).mustLead(t, mine)
		}
		h.pass(13 * time.Hour) // her session ends by itself
		h.enters(one, "tax", h.middle, "bob", "Cm")
		bob := h.front.issued()
		asked := h.brought(one, one.get(late))
		asked.mustShow(t, http.StatusOK, "You signed in as someone else", `id="switch"`, `id="back"`)
		asked.mustNotShow(t, `id="join"`, `id="again"`)
		for _, answer := range []string{"again", "join"} {
			if got := one.post("/who", who(t, asked, answer)); got.to == mine || strings.Contains(got.body, "example/sso") {
				t.Fatalf("%s leads to %d %q", answer, got.status, got.to)
			}
			one.use("tax")
			if s := h.front.issued(); s.SID != bob.SID {
				t.Fatalf("%s switched the person", answer)
			}
		}
		h.mustHaveWays(bob.Account.ID, "middle bob")
		if known {
			h.mustHaveWays(alice, "weak alice", "strong alice-s")
		} else {
			h.mustHaveWays(alice, "weak alice")
		}
	}

	// Or they have signed in here while she was away: nothing of hers is finished here.
	one := h.browser()
	h.enters(one, "tax", h.weak, "carol", "Cl")
	carol := h.front.issued().Account.ID
	one.post("/own/add/strong", nil).at(t, h.strong, "sign_in")
	late := answerOf(h.strong, "carol-s", "Cm")
	one.get("/ask/tax?force&by=middle").at(t, h.middle, "")
	one.returns(h.middle, "bob", "Cm").mustLead(t, "https://tax.example/in?person=bob")
	one.get(late).mustShow(t, http.StatusBadRequest, "Sign in once more")
	h.mustHaveWays(carol, "weak carol")
}

// Her session is over by the time she comes back: she shows again that the account
// is hers.
func TestAddAfterTheSessionEnded(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.middle, "alice", "Cm")
	alice := h.front.issued().Account.ID
	one.post("/own/add/strong", nil).at(t, h.strong, "sign_in")
	h.pass(13 * time.Hour)
	asked := h.brought(one, one.returns(h.strong, "alice-s", "Cm"))
	asked.mustShow(t, http.StatusOK, `id="again"`)
	asked.mustNotShow(t, `id="join"`)
	one.post("/who", who(t, asked, "again")).at(t, h.middle, "")
	asked = h.brought(one, one.returns(h.middle, "alice", "Cm"))
	one.post("/who", who(t, asked, "join")).mustLead(t, mine)
	h.mustHaveWays(alice, "middle alice", "strong alice-s")
}

// A way in that may not be used is added to nobody.
func TestAddFrozen(t *testing.T) {
	h := newHill(t)
	h.account(h.middle, "bob", "Cm")
	_, err := h.flows[0].Accounts.Freeze(t.Context(), "https://middle.example", "bob", "hijacking")
	h.must(err)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued().Account.ID
	one.post("/own/add/middle", nil).at(t, h.middle, "")
	one.get(one.returns(h.middle, "bob", "Cm").to).mustShow(t, http.StatusOK, "for now")
	h.mustHaveWays(alice, "weak alice")
}
