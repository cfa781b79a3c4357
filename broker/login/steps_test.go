package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// hill is a bed with providers of different strength:
//
//	weak    one factor, and nobody can make it ask again
//	middle  two factors
//	strong  two factors and, in a second step, identity; in person if need be
//
// and an app, grants, that needs to know who somebody is.
type hill struct {
	*bed
	weak, middle, strong *provider
}

func newHill(t *testing.T) *hill {
	t.Helper()
	h := &hill{bed: newBed(t), weak: &provider{id: "weak"}, middle: &provider{id: "middle"}, strong: &provider{id: "strong"}}
	ways := []login.Way{
		h.way(h.weak, config.Connector{Cap: config.Assurance{Authenticator: "Cl"}, OIDC: &config.OIDC{Force: "never"}}),
		h.way(h.middle, config.Connector{Cap: config.Assurance{Authenticator: "Cm"}, OIDC: &config.OIDC{}}),
		h.way(h.strong, config.Connector{
			Cap: config.Assurance{Identity: "P2", Authenticator: "Cm"}, OIDC: &config.OIDC{}, Landing: true, WebViews: "refused",
			Ask: []config.Ask{
				{Step: "sign_in", Reaches: config.Assurance{Authenticator: "Cm"}},
				{Step: "prove", After: "sign_in", Reaches: config.Assurance{Identity: "P2", Authenticator: "Cm"}},
			},
		}),
	}
	for _, flow := range h.flows {
		flow.Ways, flow.Issuer = ways, "https://login.example"
		for _, id := range []string{"tax", "waste"} {
			app := app(id)
			app.Assurance = config.Assurance{Authenticator: "Cl"}
			flow.Apps[id] = app
		}
		grants := app("grants")
		grants.Assurance = config.Assurance{Identity: "P2", Authenticator: "Cm"}
		grants.OIDC = &config.AppOIDC{InitiateLoginURI: "https://grants.example/start?from=us"}
		flow.Apps["grants"] = grants
	}
	return h
}

// way is a way whose provider signs how sure it is, in our own letters.
func (h *hill) way(p *provider, c config.Connector) login.Way {
	h.t.Helper()
	c.ID, c.Label = p.id, text(strings.ToUpper(p.id[:1])+p.id[1:]+" account")
	each := func(letters ...string) map[string]string {
		words := map[string]string{}
		for _, l := range letters {
			words[l] = l
		}
		return words
	}
	c.Levels.Identity = &config.Level{Fresh: 2 * time.Hour}
	rules, mistakes := mapping.CompileRules(mapping.RuleSource{
		Claims:   map[string]string{"name": "claims.name", "email": "claims.email", "birthdate": "claims.birthdate"},
		Verified: []string{"birthdate"}, Email: mapping.EmailPolicy{Policy: "claim"}, Cap: c.Cap.Vector(),
		Levels: map[string]mapping.Level{
			"authenticator": {From: "id_token", Value: "claims.level", Map: each("Cl", "Cm", "Ch")},
			"identity":      {From: "id_token", Value: "claims.level", Map: each("P1", "P2", "P3")},
		},
	})
	if len(mistakes) > 0 {
		h.t.Fatal(mistakes)
	}
	return login.Way{Config: c, Connector: p, Rules: rules}
}

// request is what an app asks for next, at GET /ask.
func (h *hill) request(req login.Request) {
	req.Protocol, req.Reply = "test", json.RawMessage(`{}`)
	h.front.request = req
}

func vector(text string) mapping.Assurance {
	a, err := mapping.ParseAssurance(text)
	if err != nil {
		panic(err)
	}
	return a
}

// at makes sure that the browser is on its way to the provider, in that step.
func (p page) at(t *testing.T, who *provider, step string) {
	t.Helper()
	if !strings.Contains(p.body, "https://"+who.id+".example/sso") {
		t.Fatalf("leads to %d %q, not to %s: %s", p.status, p.to, who.id, p.body)
	}
	if got := who.attempt().Step; got != step {
		t.Fatalf("%s is asked %q, want %q", who.id, got, step)
	}
}

// returns comes back from a provider as that person, who proved so much.
func (b *browser) returns(p *provider, person, level string) page {
	b.t.Helper()
	return b.get(answerOf(p, person, level))
}

func answerOf(p *provider, person, level string) string {
	a := p.attempt()
	return "/callback/" + p.id + "?" + url.Values{"state": {a.State}, "nonce": {a.Nonce}, "person": {person}, "level": {level}}.Encode()
}

// enters signs in to an app that needs little.
func (h *hill) enters(b *browser, app string, p *provider, person, level string) {
	h.t.Helper()
	b.get("/ask/" + app + "?by=" + p.id)
	b.returns(p, person, level).mustLead(h.t, "https://"+app+".example/in?person="+person)
}

func (h *hill) mustBeWorth(level string) login.Session {
	h.t.Helper()
	s := h.front.issued()
	if s.Level != vector(level) {
		h.t.Errorf("the session is worth %s, want %s", s.Level, level)
	}
	return s
}

func TestSignInThenProve(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	one.get("/ask/grants").at(t, h.strong, "sign_in")
	// The second trip follows at once, on another node.
	one.node = 1
	one.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	h.mustBeWorth("P2.Cm")
	if n := h.front.count("strong success"); n != 2 {
		t.Errorf("%d trips counted", n)
	}

	// Whoever comes back is known: the second trip is not needed.
	two := h.browser()
	two.get("/ask/grants").at(t, h.strong, "sign_in")
	two.returns(h.strong, "alice", "Cm").mustLead(t, "https://grants.example/in?person=alice")
	h.mustBeWorth("P2.Cm")

	// In a live session evidence expires, too.
	h.pass(50 * time.Minute)
	two.use("grants")
	h.pass(50 * time.Minute)
	two.use("tax")
	h.pass(50 * time.Minute)
	two.get("/ask/grants").at(t, h.strong, "prove")
	two.use("tax")
	h.mustBeWorth("P0.Cm")
}

// A sign-in that an app insists on is insisted on once.
func TestForceThenProve(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	never := time.Duration(0)
	h.request(login.Request{App: "grants", Force: true, MaxAge: &never, Connector: "strong"})
	one.get("/ask").at(t, h.strong, "sign_in")
	if !h.strong.attempt().Force {
		t.Error("not forced")
	}
	one.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	if a := h.strong.attempt(); a.Force || a.MaxAge != nil {
		t.Error("forced twice")
	}
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
}

// A sign-in that an app insists on is not had by another one that takes its place
// while more is proved: in another tab, on the provider's word that somebody had
// signed in there an hour ago.
func TestForceThenProveInAnotherSession(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	hourAgo := "&" + url.Values{"since": {h.now().Add(-time.Hour).Format(time.RFC3339)}}.Encode()
	h.request(login.Request{App: "grants", Force: true, Connector: "strong"})
	one.get("/ask").at(t, h.strong, "sign_in")
	one.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	proof := answerOf(h.strong, "alice", "P2.Cm")
	_, err := h.flows[0].EndAll(t.Context(), h.front.issued().Account.ID, "")
	h.must(err)
	one.get("/ask/tax?by=strong").at(t, h.strong, "sign_in")
	one.get(answerOf(h.strong, "alice", "Cm")+hourAgo).mustLead(t, "https://tax.example/in?person=alice")
	one.get(proof+hourAgo).at(t, h.strong, "sign_in")
	if !h.strong.attempt().Force {
		t.Error("an old sign-in will do")
	}
}

func TestMoreAtTheSameProvider(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	before := h.front.issued()
	one.get("/ask/grants").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "P2.Cm").mustLead(t, "https://grants.example/in?person=alice")
	after := h.mustBeWorth("P2.Cm")
	if after.SID != before.SID || after.Account.ID != before.Account.ID {
		t.Error("it is another session, or another account")
	}
	one.use("tax")
	h.mustBeWorth("P2.Cm")
}

// The step is the broker's to choose, whatever stands in the address bar.
func TestStepsCannotBeChosenByHand(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.strong, "alice", "Cm")
	one.get("/ask/grants").at(t, h.strong, "prove")
	prove := h.strong.attempt()
	tag, _, _ := strings.Cut(prove.State, ".")
	one.get("/start/strong?request="+tag+"&step=sign_in&Step=sign_in").at(t, h.strong, "prove")
	one.get("/start/weak?request="+tag).mustLead(t, "/choose?request="+tag)

	// What was answered to another step does not pass for an answer to this one.
	two := h.browser()
	two.get("/ask/grants").at(t, h.strong, "sign_in")
	signIn := answerOf(h.strong, "bob", "P2.Cm")
	two.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")
	two.get(signIn).mustShow(t, http.StatusBadRequest)
	mixed := query(signIn)
	mixed.Set("state", h.strong.attempt().State)
	got := two.get("/callback/strong?" + mixed.Encode())
	two.get(got.to).mustShow(t, http.StatusOK, "did not pass our safety checks")
}

func TestPassiveNeverShowsAPage(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.request(login.Request{App: "grants", Passive: true})
	one.get("/ask").mustLead(t, "https://grants.example/refused?why=login_required")
	h.enters(one, "tax", h.weak, "alice", "Cl")
	one.get("/ask").mustLead(t, "https://grants.example/refused?why=interaction")
	h.request(login.Request{App: "tax", Passive: true, Levels: []mapping.Assurance{vector("P2.Cm")}})
	one.get("/ask").mustLead(t, "https://tax.example/in?person=alice")
}

func TestEssentialUnmetKeepsTheSession(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P4.Ch")}, Essential: true})
	one.get("/ask").mustLead(t, "https://tax.example/refused?why=unmet")
	one.get("/ask/tax").mustLead(t, "https://tax.example/in?person=alice")

	// What is essential cannot be put off, by an address typed by hand.
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}, Essential: true})
	choice := one.get("/ask").to
	one.get(strings.Replace(choice, "/choose", "/later", 1)).mustLead(t, choice)

	// So it does when the provider did not deliver.
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}, Essential: true})
	two := h.browser()
	two.get("/ask").at(t, h.strong, "sign_in")
	two.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")
	two.returns(h.strong, "bob", "P1.Cm").mustLead(t, "https://tax.example/refused?why=unmet")
	two.get("/ask/tax").mustLead(t, "https://tax.example/in?person=bob")
	h.mustBeWorth("P1.Cm")
}

// What an app would like to know is asked once, and it makes do with less.
func TestVoluntaryLoopsEnd(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}})
	one.get("/ask").at(t, h.strong, "sign_in")
	one.returns(h.strong, "alice", "Cm").at(t, h.strong, "prove")
	one.returns(h.strong, "alice", "Cm").mustLead(t, "https://tax.example/in?person=alice")
	h.mustBeWorth("P0.Cm")
}

// A request for less than the app's registered minimum gets the minimum.
func TestNobodyLowersTheMinimum(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	h.request(login.Request{App: "grants", Levels: []mapping.Assurance{vector("C0"), vector("Cl")}, Essential: true})
	one.get(one.get("/ask").to).mustShow(t, http.StatusOK, "needs to be more sure who you are")
	h.request(login.Request{App: "grants", Levels: []mapping.Assurance{vector("Cl")}, Connector: "weak"})
	two := h.browser()
	two.get("/ask").at(t, h.strong, "sign_in")
	two.returns(h.strong, "bob", "Cm").at(t, h.strong, "prove")
	two.returns(h.strong, "bob", "P1.Cm").mustLead(t, "https://grants.example/refused?why=unmet")
}

func TestNotNow(t *testing.T) {
	h := newHill(t)
	one := h.browser()
	h.enters(one, "tax", h.weak, "alice", "Cl")
	shown := one.get(one.get("/ask/grants").to)
	if strings.Contains(shown.body, `id="later"`) {
		t.Error("the minimum can be put off")
	}
	one.get(found(t, shown.body, `id="cancel" href="`)).mustLead(t, "https://grants.example/refused?why=access_denied")
	one.use("tax")

	h.request(login.Request{App: "tax", Levels: []mapping.Assurance{vector("P2.Cm")}})
	shown = one.get(one.get("/ask").to)
	later := found(t, shown.body, `id="later" href="`)
	one.get(later).mustLead(t, "https://tax.example/in?person=alice")
	one.get(later).mustShow(t, http.StatusBadRequest, "You are already signed in")

	// Without a session every way is open then.
	two := h.browser()
	two.get("/ask").at(t, h.strong, "sign_in")
	cancelled := two.get(two.returns(h.strong, "", "").to)
	cancelled.mustShow(t, http.StatusOK, "You did not finish signing in", `id="again"`)
	choice := two.get(two.get(found(t, cancelled.body, `id="later" href="`)).to)
	choice.mustShow(t, http.StatusOK, `id="idp-weak"`, `id="idp-middle"`, `id="idp-strong"`)
}
