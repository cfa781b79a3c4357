package login_test

import (
	"html"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/mapping"
)

// withoutSQL does something while the database is away.
func (h *hill) withoutSQL(do func()) {
	h.t.Helper()
	broken, err := db.Open(h.t.Context(), db.Options{SQLite: filepath.Join(h.t.TempDir(), "broken.db")})
	h.must(err)
	h.must(broken.Close())
	whole := h.flows[0].Accounts
	for _, flow := range h.flows {
		flow.Accounts = accounts.Open(broken, h.now, h.cap)
	}
	do()
	for _, flow := range h.flows {
		flow.Accounts = whole
	}
}

// outage holds a page to what is said while a store is away, and returns where it
// leads on.
func (p page) outage(t *testing.T) string {
	t.Helper()
	p.mustShow(t, http.StatusServiceUnavailable, "We cannot sign you in at the moment", `id="reference"`)
	if !strings.Contains(p.body, `id="back"`) {
		return ""
	}
	return html.UnescapeString(found(t, p.body, `id="back" href="`))
}

// The database goes exactly when somebody proves more, and when they answer who they
// are: the login goes on from there.
func TestDatabaseIsDownInAStepUp(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	choice := one.get("/ask/grants")
	one.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	var way string
	h.withoutSQL(func() { way = one.returns(h.strong, "alice-s", "Cm").outage(t) })
	one.get(found(t, one.get(way).body, `id="idp-strong" href="`)).at(t, h.strong, "sign_in")
	asked := one.get(one.returns(h.strong, "alice-s", "Cm").to)

	for _, answer := range []string{"join", "switch"} {
		h.withoutSQL(func() { way = one.post("/who", who(t, asked, answer)).outage(t) })
		if answer == "switch" { // the stranger alone was to go on: they are asked again how
			one.get(found(t, one.get(way).body, `id="idp-strong" href="`))
			way = one.returns(h.strong, "alice-s", "Cm").to
		}
		asked = one.get(way)
		asked.mustShow(t, http.StatusOK, `id="join"`)
	}
	one.post("/who", who(t, asked, "join")).at(t, h.strong, "prove")
	h.withoutSQL(func() { way = one.returns(h.strong, "alice-s", "P2.Cm").outage(t) })
	one.get(found(t, one.get(way).body, `id="idp-strong" href="`)).at(t, h.strong, "prove")
	one.returns(h.strong, "alice-s", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice-s")
	h.mustBeWorth("P2.Cm")
}

// Whoever puts off what an app would like to know does so when the database is back.
func TestDatabaseIsDownAtLater(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}})
	shown := one.get(one.get("/ask").to)
	var way string
	h.withoutSQL(func() { way = one.get(found(t, shown.body, `id="later" href="`)).outage(t) })
	one.get(one.get(way).to).mustLead(t, "https://tax.example/in?person=alice")
}

// The same of Redis: what was being sent can be sent again.
func TestRedisIsDownInAStepUp(t *testing.T) {
	h := newHill(t)
	server := miniredis.RunT(t)
	state, err := store.Open(store.Options{Redis: &redis.UniversalOptions{Addrs: []string{server.Addr()}, MaxRetries: -1}})
	h.must(err)
	t.Cleanup(func() { state.Close() })
	for _, flow := range h.flows {
		flow.Store = state
	}
	without := func(do func() page) {
		t.Helper()
		server.SetError("LOADING Redis is loading the dataset in memory")
		do().outage(t)
		server.SetError("")
	}

	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	choice := one.get("/ask/grants")
	one.get(strings.Replace(choice.to, "/choose", "/start/strong", 1)).at(t, h.strong, "sign_in")
	answer := answerOf(h.strong, "alice-s", "Cm")
	without(func() page { return one.get(answer) })
	at := one.get(answer).to
	without(func() page { return one.get(at) })
	form := who(t, one.get(at), "join")
	without(func() page { return one.post("/who", form) })
	one.post("/who", form).at(t, h.strong, "prove")
	answer = answerOf(h.strong, "alice-s", "P2.Cm")
	without(func() page { return one.get(answer) })
	one.get(answer).mustLead(t, "https://grants.example/in?person=alice-s")
	h.mustBeWorth("P2.Cm")
}
