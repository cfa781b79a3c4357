package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
)

// gym is a hill with an app of a third party, to which residents have to agree.
type gym struct{ *hill }

func newGym(t *testing.T) gym {
	t.Helper()
	g := gym{newHill(t)}
	third := app("gym")
	third.Consent, third.Purpose = "ask", text("To book your courts")
	for _, flow := range g.flows {
		flow.Apps["gym"] = third
	}
	return g
}

// comes is somebody who signs in to the gym, up to its question.
func (g gym) comes(b *browser, person string) page {
	g.t.Helper()
	b.get("/ask/gym?by=middle")
	return g.asked(b, b.get(answerOf(g.middle, person, "Cm")+"&email="+person+"@example.org"))
}

// asked follows to the page that asks.
func (g gym) asked(b *browser, p page) page {
	g.t.Helper()
	if !strings.HasPrefix(p.to, "/consent?") {
		g.t.Fatalf("leads to %d %q, not to a question: %s", p.status, p.to, p.body)
	}
	shown := b.get(p.to)
	shown.mustShow(g.t, http.StatusOK, "App gym", "To book your courts", `id="agree"`, `id="decline"`)
	return shown
}

// form is the page's form with an answer.
func (g gym) form(p page, answer string) url.Values {
	g.t.Helper()
	return url.Values{
		"request": {found(g.t, p.body, `name="request" value="`)}, "shown": {found(g.t, p.body, `name="shown" value="`)}, "answer": {answer},
	}
}

// visits are what the histories of accounts get that nobody has read before.
func (h *hill) visits() []accounts.Visit {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	var all []accounts.Visit
	stream := store.Stream[accounts.Visit]{Name: "visits"}
	err := stream.Consume(ctx, h.flows[0].Store, func(_ context.Context, entries []store.Entry[accounts.Visit]) error {
		for _, e := range entries {
			all = append(all, e.Value)
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		h.t.Fatal(err)
	}
	return all
}

const atGym = "https://gym.example/in?person=alice"

func TestNothingIsIssuedBeforeConsent(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	question := g.comes(one, "alice")
	question.mustShow(t, http.StatusOK, `id="claim-name">alice`, `id="claim-email">alice@example.org`)
	if s := g.front.issued(); s.SID != "" {
		t.Fatal("something was issued before the resident agreed")
	}
	one.node = 1
	one.post("/consent", g.form(question, "agree")).mustLead(t, atGym)
	s := g.front.issued()
	if s.Basis.Consent == "" {
		t.Error("what was issued rests on no consent")
	}
	var by string
	g.must(g.sql.QueryRow(t.Context(), `SELECT agreed_by FROM consents WHERE id = $1`, s.Basis.Consent).Scan(&by))
	if by != s.Link {
		t.Errorf("agreed by %q, want %q", by, s.Link)
	}
	shares, _ := g.front.Shares(login.Request{}, s)
	for name, value := range shares.Claims {
		if text, ok := value.(string); ok && !strings.Contains(question.body, `id="claim-`+name+`">`+text) {
			t.Errorf("%s was told and not shown", name)
		}
	}
	one.get("/ask/gym").mustLead(t, atGym) // asked once
	two := g.browser()
	two.get("/ask/gym?by=middle")
	two.get(answerOf(g.middle, "alice", "Cm")+"&email=alice@example.org").mustLead(t, atGym) // in whichever browser
}

// A sign-in with a page in its middle is one all the same: what the provider said in it
// is kept.
func TestQuestionsDoNotMakeItSingleSignOn(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	g.enters(one, "tax", g.middle, "alice", "Cm")
	one.get("/ask/gym?force&by=middle")
	question := g.asked(one, one.get(answerOf(g.middle, "alice", "Cm")+"&email=new@example.org"))
	one.post("/consent", g.form(question, "agree")).mustLead(t, atGym)
	visits := g.visits()
	if last := visits[len(visits)-1]; last.App != "gym" || last.SSO || last.Said.Claims.Text("email") != "new@example.org" {
		t.Errorf("noted %+v", last)
	}
	one.get("/ask/gym").mustLead(t, atGym)
	visits = g.visits()
	if last := visits[len(visits)-1]; last.App != "gym" || !last.SSO || last.Said.Claims != nil {
		t.Errorf("noted of single sign-on %+v", last)
	}
}

func TestConsentIsAskedAgain(t *testing.T) {
	for name, change := range map[string]func(g gym, account string){
		"for more claims": func(g gym, _ string) { g.front.withheld = nil },
		"for as many, while away, too": func(g gym, _ string) {
			g.front.lasting = true
		},
		"after it was withdrawn": func(g gym, account string) {
			if _, err := g.flows[1].StopSharing(g.t.Context(), account, "gym"); err != nil {
				g.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGym(t)
			g.front.withheld = []string{"email", "email_verified"}
			one := g.browser()
			one.post("/consent", g.form(g.comes(one, "alice"), "agree")).mustLead(t, atGym)
			change(g, g.front.issued().Account.ID)
			g.request(login.Request{App: "gym", Passive: true})
			one.get("/ask").mustLead(t, "https://gym.example/refused?why=consent")
			question := g.asked(one, one.get("/ask/gym"))
			one.post("/consent", g.form(question, "agree")).mustLead(t, atGym)
			one.get("/ask/gym").mustLead(t, atGym)
			one.get("/ask").mustLead(t, atGym)
		})
	}
}

func TestPromptConsent(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	one.post("/consent", g.form(g.comes(one, "alice"), "agree")).mustLead(t, atGym)
	before := g.front.issued().Basis.Consent
	g.request(login.Request{App: "gym", Consent: true})
	question := g.asked(one, one.get("/ask"))
	one.post("/consent", g.form(question, "agree")).mustLead(t, atGym)
	if after := g.front.issued().Basis.Consent; after != before {
		t.Error("the same was agreed to twice")
	}
	g.request(login.Request{App: "tax", Consent: true})
	one.get("/ask").mustLead(t, "https://tax.example/in?person=alice") // where it is implied there is nothing to ask
}

func TestDecline(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	question := g.comes(one, "alice")
	one.post("/consent", g.form(question, "decline")).mustLead(t, "https://gym.example/refused?why=declined")
	one.get("/ask/tax").mustLead(t, "https://tax.example/in?person=alice") // still signed in
	g.asked(one, one.get("/ask/gym"))
	one.post("/consent", g.form(question, "agree")).mustShow(t, http.StatusBadRequest) // that request is over
}

// The answer counts in the browser, the session and for the request in which it was
// asked for, for what was shown, and once.
func TestConsentCannotBePhished(t *testing.T) {
	for name, try := range map[string]func(t *testing.T, g gym, one *browser, question page) page{
		"from another site": func(_ *testing.T, g gym, one *browser, question page) page {
			return one.postFromElsewhere("/consent", g.form(question, "agree"))
		},
		"from another site, with cookies": func(_ *testing.T, g gym, one *browser, question page) page {
			return one.postAcross("/consent", g.form(question, "agree"))
		},
		"in another browser": func(_ *testing.T, g gym, _ *browser, question page) page {
			two := g.browser()
			g.enters(two, "tax", g.middle, "mallory", "Cm")
			return two.post("/consent", g.form(question, "agree"))
		},
		"without what was shown": func(_ *testing.T, g gym, one *browser, question page) page {
			form := g.form(question, "agree")
			form.Del("shown")
			return one.post("/consent", form)
		},
		"of another request": func(_ *testing.T, g gym, one *browser, question page) page {
			form := g.form(question, "agree")
			form.Set("request", g.form(g.asked(one, one.get("/ask/gym")), "")["request"][0])
			return one.post("/consent", form)
		},
		"when there is more to be told": func(_ *testing.T, g gym, one *browser, question page) page {
			g.front.withheld = nil
			return one.post("/consent", g.form(question, "agree"))
		},
		"when somebody else has signed in": func(_ *testing.T, g gym, one *browser, question page) page {
			g.enters(one, "tax", g.weak, "bob", "Cl")
			return one.post("/consent", g.form(question, "agree"))
		},
		"to nothing": func(_ *testing.T, g gym, one *browser, question page) page {
			return one.post("/consent", g.form(question, ""))
		},
		"by a link": func(_ *testing.T, g gym, one *browser, question page) page {
			return one.get("/consent?" + g.form(question, "agree").Encode())
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGym(t)
			g.front.withheld = []string{"email", "email_verified"}
			one := g.browser()
			got := try(t, g, one, g.comes(one, "alice"))
			if strings.HasPrefix(got.to, "https://gym.example/") {
				t.Errorf("leads to %q", got.to)
			}
			if s := g.front.issued(); s.Basis.Consent != "" {
				t.Error("something was issued")
			}
			account, err := g.flows[0].Accounts.Whose(t.Context(), "https://middle.example", "alice")
			g.must(err)
			if consents, err := g.flows[0].Accounts.Consents(t.Context(), account); err != nil || len(consents) > 0 {
				t.Errorf("agreed: %v, %v", consents, err)
			}
		})
	}
}

func TestConsentIsAnsweredOnce(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	form := g.form(g.comes(one, "alice"), "agree")
	one.post("/consent", form).mustLead(t, atGym)
	one.node = 1
	one.post("/consent", form).mustShow(t, http.StatusBadRequest)
}

// The other node stops at once what the app had, and tells it. What other apps have
// stays.
func TestStopSharing(t *testing.T) {
	g := newGym(t)
	g.front.tell("gym", way{tell: obeys})
	g.front.tell("tax", way{tell: obeys})
	one, two := g.browser(), g.browser()
	one.post("/consent", g.form(g.comes(one, "alice"), "agree")).mustLead(t, atGym)
	account := g.front.issued().Account.ID
	two.get("/ask/gym?by=middle")
	two.get(answerOf(g.middle, "alice", "Cm")+"&email=alice@example.org").mustLead(t, atGym)
	two.use("tax")
	bob := g.browser()
	bob.post("/consent", g.form(g.comes(bob, "bob"), "agree")).mustLead(t, "https://gym.example/in?person=bob")

	receipt, err := g.flows[1].StopSharing(t.Context(), account, "gym")
	g.must(err)
	if strings.Join(receipt.Ended, " ") != "gym" || len(receipt.Failed)+len(receipt.Unable) > 0 {
		t.Errorf("receipt %+v", receipt)
	}
	if got := strings.Join(g.front.ends(), " "); got != "gym gym" {
		t.Errorf("revoked %q, want what both browsers had", got)
	}
	if got := g.front.toldApps(); strings.Join(got, " ") != "gym gym" {
		t.Errorf("told %q", got)
	}
	if want := (login.Withdrawal{Account: account, App: "gym"}); len(g.front.withdrawn) != 1 || g.front.withdrawn[0] != want {
		t.Errorf("withdrawn %+v", g.front.withdrawn)
	}
	two.use("tax") // the session goes on
	g.asked(two, two.get("/ask/gym"))
	if _, err := g.flows[0].StopSharing(t.Context(), account, "gym"); err != nil || len(g.front.ends()) != 2 {
		t.Errorf("a second time: %v, revoked %v", err, g.front.ends())
	}
}

// Of an answer to the app and a withdrawal on the other node at once, the withdrawal
// wins: what is issued under it is found, or not handed out.
func TestStopSharingWhileTheAppIsAnswered(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	one.post("/consent", g.form(g.comes(one, "alice"), "agree")).mustLead(t, atGym)
	account := g.front.issued().Account.ID
	g.front.meanwhile = func() {
		_, err := g.flows[1].StopSharing(t.Context(), account, "gym")
		g.must(err)
	}
	got := one.get("/ask/gym")
	if strings.HasPrefix(got.to, "https://") {
		t.Fatalf("leads to %q", got.to)
	}
	for range 3 {
		if strings.HasPrefix(got.to, "/consent?") {
			break
		}
		got = one.get(got.to)
	}
	g.asked(one, got)

	// The same in the very sign-in.
	g.front.meanwhile = func() {
		_, err := g.flows[1].StopSharing(t.Context(), account, "gym")
		g.must(err)
	}
	if got := one.post("/consent", g.form(g.asked(one, one.get("/ask/gym")), "agree")); strings.HasPrefix(got.to, "https://") {
		t.Fatalf("leads to %q", got.to)
	}
	if _, ok, _ := g.flows[0].Accounts.Agreed(t.Context(), account, "gym", []string{"name"}); ok {
		t.Error("the consent holds")
	}
}

// Where consent is implied nobody asks for it, SQL and Redis included.
func TestImpliedConsentCostsNothing(t *testing.T) {
	g := newGym(t)
	one := g.browser()
	one.post("/consent", g.form(g.comes(one, "alice"), "agree"))
	cost := func(app string) (trips, statements int64) {
		trips, statements = g.trips.Load(), g.statements.Load()
		one.use(app)
		return g.trips.Load() - trips, g.statements.Load() - statements
	}
	trips, statements := cost("tax")
	if trips != 2 || statements != 1 {
		t.Errorf("single sign-on costs %d round trips and %d statements, want 2 and 1", trips, statements)
	}
	if trips, statements := cost("gym"); trips != 2 || statements != 2 {
		t.Errorf("with a consent to look up it costs %d round trips and %d statements, want 2 and 2", trips, statements)
	}
}
