package login_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// mine is the page of the broker's own that asks.
const mine = "/mine?of=me"

// mountOwn adds pages as residents' own rooms have them.
func mountOwn(handle func(string, web.Handler), flow *login.Flow) {
	handle("GET /here", func(w http.ResponseWriter, r *http.Request) error {
		s, err := flow.Current(r)
		if s != nil {
			_, err = w.Write([]byte("yes"))
		}
		return err
	})
	handle("GET /own", func(w http.ResponseWriter, r *http.Request) error { return flow.SignIn(w, r, mine) })
	handle("POST /own/refresh", func(w http.ResponseWriter, r *http.Request) error { return flow.Refresh(w, r, mine) })
	handle("POST /own/add/{connector}", func(w http.ResponseWriter, r *http.Request) error {
		s, err := flow.Current(r)
		if err != nil {
			return err
		}
		return flow.Add(w, r, s, r.PathValue("connector"), mine)
	})
}

// account is the account that a person enters by a provider, in a browser of their own.
func (h *hill) account(p *provider, person, level string) string {
	h.t.Helper()
	h.enters(h.browser(), "tax", p, person, level)
	return h.front.issued().Account.ID
}

// waysOf are the ways in to an account, by connector and subject.
func (h *hill) waysOf(account string) []string {
	h.t.Helper()
	ways, err := h.flows[0].Accounts.Ways(h.t.Context(), account)
	h.must(err)
	var all []string
	for _, w := range ways {
		all = append(all, w.Connector+" "+w.Subject)
	}
	return all
}

func (h *hill) mustHaveWays(account string, want ...string) {
	h.t.Helper()
	if got := h.waysOf(account); !equalSets(got, want) {
		h.t.Errorf("the account has the ways in %q, want %q", got, want)
	}
}

func equalSets(a, b []string) bool {
	count := map[string]int{}
	for _, x := range a {
		count[x]++
	}
	for _, x := range b {
		count[x]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestOwnSignIn(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	choice := one.get("/own")
	shown := one.get(choice.to)
	shown.mustShow(t, http.StatusOK, "Choose how to sign in", `id="idp-weak"`, `id="idp-middle"`, `id="idp-strong"`)
	one.get(found(t, shown.body, `id="cancel" href="`)).mustLead(t, "/")

	choice = one.get("/own")
	one.node = 1
	one.get(found(t, one.get(choice.to).body, `id="idp-middle" href="`)).at(t, h.middle, "")
	one.returns(h.middle, "alice", "Cm").mustLead(t, mine)
	one.get("/own").mustLead(t, mine)
	one.use("tax")
}

// A sign-in to the broker's own pages is one as to an app: residents see it.
func TestOwnSignInIsRecorded(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	choice := one.get("/own")
	one.get(strings.Replace(choice.to, "/choose", "/start/middle", 1))
	one.returns(h.middle, "alice", "Cm").mustLead(t, mine)
	one.get("/own").mustLead(t, mine) // which is none
	one.use("tax")
	alice := h.front.issued()

	ctx, done := context.WithCancel(t.Context())
	var visits []accounts.Visit
	err := store.Stream[accounts.Visit]{Name: "visits"}.Consume(ctx, h.flows[1].Store, func(_ context.Context, entries []store.Entry[accounts.Visit]) error {
		for _, e := range entries {
			visits = append(visits, e.Value)
		}
		if len(visits) >= 2 {
			done()
		}
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(visits) != 2 || visits[1].App != "tax" {
		t.Fatalf("visits: %+v", visits)
	}
	if v := visits[0]; v.App != "" || v.Account != alice.Account.ID || v.Link != alice.Link || v.SSO || !v.At.Equal(h.now()) {
		t.Errorf("recorded: %+v", v)
	}
}

// A change of how somebody signs in needs that they have just signed in.
func TestRefresh(t *testing.T) {
	h := newHill(t)
	flow := h.flows[0]
	if flow.Recent(nil) {
		t.Error("nobody has signed in just now")
	}
	for _, p := range []*provider{h.weak, h.middle} { // one that cannot be made to ask again, and one that can
		one := h.browser()
		one.post("/own/refresh", nil) // nobody is signed in
		h.enters(one, "tax", p, "alice-"+p.id, "Cl")
		one.post("/own/refresh", nil).mustLead(t, mine)
		h.pass(16 * time.Minute)
		one.use("tax")
		before := h.front.issued()
		if flow.Recent(&before) {
			t.Errorf("%s: single sign-on counts", p.id)
		}
		one.post("/own/refresh", nil).at(t, p, "")
		if force := p.attempt().Force; force != (p == h.middle) {
			t.Errorf("%s: force is %t", p.id, force)
		}
		one.node = 1
		one.returns(p, "alice-"+p.id, "Cl").mustLead(t, mine)
		one.use("tax")
		after := h.front.issued()
		if !flow.Recent(&after) || after.SID != before.SID {
			t.Errorf("%s: not recent, or another session", p.id)
		}
	}
}

// A session that another way in has a part in is refreshed like any other.
func TestRefreshAfterStepUp(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm")
	one.post("/own/add/weak", nil).at(t, h.weak, "")
	one.post("/who", who(t, one.get(one.returns(h.weak, "alice-w", "Cl").to), "join")).mustLead(t, mine)
	h.pass(16 * time.Minute)
	one.post("/own/refresh", nil).at(t, h.strong, "sign_in")
	one.returns(h.strong, "alice", "Cm").mustLead(t, mine)
	one.use("grants")
	if s := h.front.issued(); !h.flows[1].Recent(&s) || !s.Shows() {
		t.Error("the session is not recent, or not worth what is proved")
	}
}

// Somebody else at the provider refreshes nobody's session.
func TestRefreshBySomebodyElse(t *testing.T) {
	h := newHill(t)
	h.account(h.middle, "bob", "Cm")
	one := h.browser()
	h.enters(one, "tax", h.middle, "alice", "Cm")
	alice := h.front.issued()
	h.pass(16 * time.Minute)
	one.post("/own/refresh", nil).at(t, h.middle, "")
	shown := one.get(one.returns(h.middle, "bob", "Cm").to)
	shown.mustShow(t, http.StatusOK, "You signed in as someone else")
	got := one.post("/who", who(t, shown, "back"))
	for got.to != mine {
		if got.to == "" {
			t.Fatalf("ends at %d %s", got.status, got.body)
		}
		got = one.get(got.to)
	}
	one.use("tax")
	if s := h.front.issued(); s.SID != alice.SID || h.flows[0].Recent(&s) {
		t.Error("another session, or a recent one")
	}
}

// Nor does the person themselves refresh the session of whoever has sat down since.
func TestRefreshAfterThePersonHasChanged(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.middle, "alice", "Cm")
	h.pass(16 * time.Minute)
	one.post("/own/refresh", nil).at(t, h.middle, "")
	late := answerOf(h.middle, "alice", "Cm")
	h.pass(13 * time.Hour) // her session ends by itself
	h.enters(one, "tax", h.weak, "bob", "Cl")
	bob := h.front.issued()
	shown := h.brought(one, one.get(late))
	shown.mustShow(t, http.StatusOK, "You signed in as someone else", `id="switch"`, `id="back"`)
	one.use("tax")
	if s := h.front.issued(); s.SID != bob.SID || s.Account.ID != bob.Account.ID || s.Level != bob.Level {
		t.Error("alice is in bob's session")
	}
}

// Whoever gives up is where they began, and is told why it did not work.
func TestErrandFails(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	alice := h.front.issued().Account.ID
	one.post("/own/add/middle", nil).at(t, h.middle, "")
	shown := one.get(one.returns(h.middle, "", "").to)
	shown.mustShow(t, http.StatusOK, "You did not finish signing in", `id="again"`)
	one.get(found(t, shown.body, `id="again" href="`)).at(t, h.middle, "")
	shown = one.get(one.returns(h.middle, "", "").to)
	one.get(found(t, shown.body, `id="cancel" href="`)).mustLead(t, mine)
	h.mustHaveWays(alice, "weak alice")
	one.post("/own/add/nobody", nil).mustShow(t, http.StatusNotFound)
}
