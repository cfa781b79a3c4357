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
)

// carers is a hill with apps at which somebody can act for somebody else: care needs
// little, grant much, and gym is a third party's.
type carers struct {
	*hill
	mum, ann string // accounts
}

func newCarers(t *testing.T) *carers {
	t.Helper()
	c := &carers{hill: newHill(t)}
	care, grant, gym := app("care"), app("grant"), app("gym")
	care.Assurance, gym.Consent, gym.Purpose = config.Assurance{Authenticator: "Cl"}, "ask", text("To book your courts")
	grant.Assurance = config.Assurance{Identity: "P2", Authenticator: "Cm"}
	for _, flow := range c.flows {
		flow.Delegation = 365 * 24 * time.Hour
		for _, app := range []config.App{care, grant, gym} {
			app.Delegates = true
			flow.Apps[app.ID] = app
		}
	}
	c.mum, c.ann = c.lives("mum", "Cm"), c.lives("ann", "Cm")
	return c
}

// lives is the account of somebody who has signed in before.
func (c *carers) lives(person, level string) string {
	c.t.Helper()
	c.enters(c.browser(), "tax", c.middle, person, level)
	return c.front.issued().Account.ID
}

// names has one person name another, for a month.
func (c *carers) names(principal, delegate string, apps ...string) accounts.Delegation {
	c.t.Helper()
	code, _, err := c.flows[0].Invite(c.t.Context(), principal, "", apps, c.now().Add(30*24*time.Hour), "my carer")
	c.must(err)
	d, err := c.flows[1].Accounts.Accept(c.t.Context(), delegate, "", code)
	c.must(err)
	return d
}

// asks signs ann in to an app, up to the page that asks for whom.
func (c *carers) asks(b *browser, app string) page {
	c.t.Helper()
	b.get("/ask/" + app + "?by=middle")
	return c.asked(b, b.returns(c.middle, "ann", "Cm"))
}

func (c *carers) asked(b *browser, p page) page {
	c.t.Helper()
	if !strings.HasPrefix(p.to, "/acting?") {
		c.t.Fatalf("leads to %d %q, not to a question: %s", p.status, p.to, p.body)
	}
	shown := b.get(p.to)
	shown.mustShow(c.t, http.StatusOK, `id="self"`)
	return shown
}

func (c *carers) answer(b *browser, p page, answer string) page {
	c.t.Helper()
	return b.post("/acting", url.Values{"request": {found(c.t, p.body, `name="request" value="`)}, "answer": {answer}})
}

func TestActing(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care")
	c.visits()
	one := c.browser()
	question := c.asks(one, "care")
	question.mustShow(t, http.StatusOK, "App care", `value="`+d.ID+`"`, "For mum")
	one.node = 1
	c.answer(one, question, d.ID).mustLead(t, "https://care.example/in?person=mum")

	s := c.front.issued()
	if s.Account.ID != c.mum || s.Acting == nil || s.Acting.Delegate.ID != c.ann || s.Basis.Delegation != d.ID {
		t.Errorf("the app is answered for %s: %+v", s.Account.ID, s.Acting)
	}
	if got := s.Known().Claims.Text("name"); got != "mum" {
		t.Errorf("the app is told of %s", got)
	}
	if s.Acting.Subject("care.example") == s.Account.Subject("care.example") || s.Acting.Subject("care.example") == "" {
		t.Error("the two have one subject")
	}
	visits := c.visits()
	if len(visits) != 2 || visits[0].Account != c.mum || visits[0].Link != "" || visits[0].Said.Claims != nil || visits[0].SSO ||
		visits[1].Account != c.ann || visits[1].Link != s.Link || visits[1].Said.Claims.Text("name") != "ann" || visits[1].SSO ||
		visits[0].Delegation != d.ID || visits[1].Delegation != d.ID {
		t.Errorf("noted %+v", visits)
	}
}

// Everywhere but in that answer the delegate is themself.
func TestActingIsForOneAnswerAlone(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care")
	one := c.browser()
	c.answer(one, c.asks(one, "care"), d.ID).mustLead(t, "https://care.example/in?person=mum")
	one.get("/ask/tax").mustLead(t, "https://tax.example/in?person=ann")
	if s := c.front.issued(); s.Account.ID != c.ann || s.Acting != nil {
		t.Errorf("another app is answered for %s", s.Account.ID)
	}
	c.answer(one, c.asked(one, one.get("/ask/care")), "self").mustLead(t, "https://care.example/in?person=ann")
	if s := c.front.issued(); s.Account.ID != c.ann || s.Acting != nil || s.Basis.Delegation != "" {
		t.Errorf("the app is answered for %s", s.Account.ID)
	}
	// Pages of the broker's own are the delegate's.
	for account, want := range map[string]int{c.mum: 1, c.ann: 2} { // with that from which they come
		devices, err := c.flows[1].Sessions(t.Context(), account)
		if err != nil || len(devices) != want {
			t.Errorf("signed in on %d devices, want %d: %v", len(devices), want, err)
		}
	}
}

// What is proved while somebody acts is proved of them.
func TestWhatIsProvedWhileActingIsTheDelegates(t *testing.T) {
	c := newCarers(t)
	ann := c.proved("ann of strong", "Cm")
	d := c.names(c.mum, ann, "care", "grant")
	one := c.browser()
	one.get("/ask/care?by=strong")
	c.answer(one, c.asked(one, one.returns(c.strong, "ann of strong", "Cm")), d.ID).mustLead(t, "https://care.example/in?person=mum")
	one.get("/ask/grant").at(t, c.strong, "prove")
	question := c.asked(one, one.returns(c.strong, "ann of strong", "Cm.P2"))
	question.mustShow(t, http.StatusOK, `id="not-`+d.ID+`"`)
	for account, want := range map[string]int{c.mum: 0, ann: 1} {
		if checks, err := c.flows[0].Accounts.Checks(t.Context(), account); err != nil || len(checks) != want {
			t.Errorf("%d checks, want %d: %v", len(checks), want, err)
		}
	}
	if ways, err := c.flows[0].Accounts.Ways(t.Context(), c.mum); err != nil || len(ways) != 1 {
		t.Errorf("the principal has %d ways in, %v", len(ways), err)
	}
}

func TestActingAnswersAreChecked(t *testing.T) {
	c := newCarers(t)
	bob := c.lives("bob", "Cm")
	c.names(c.mum, c.ann, "care")
	theirs, elsewhere := c.names(c.mum, bob, "care"), c.names(bob, c.ann, "grant")
	for name, answer := range map[string]string{
		"somebody else's delegation": theirs.ID, "that of another app": elsewhere.ID, "an account": c.mum, "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			one := c.browser()
			c.asked(one, c.answer(one, c.asks(one, "care"), answer))
		})
	}
	one, two := c.browser(), c.browser()
	question := c.asks(one, "care")
	c.enters(two, "tax", c.middle, "bob", "Cm")
	c.answer(two, question, theirs.ID).mustShow(t, http.StatusBadRequest)
	c.answer(one, question, "self").mustLead(t, "https://care.example/in?person=ann")
	c.answer(one, question, "self").mustShow(t, http.StatusBadRequest)
	form := url.Values{"request": {found(t, c.asked(one, one.get("/ask/care")).body, `name="request" value="`)}, "answer": {"self"}}
	one.postAcross("/acting", form).mustShow(t, http.StatusForbidden)
}

// For whom one person has said that they act says nothing of who signs in next.
func TestActingIsAskedOfWhoeverIsThere(t *testing.T) {
	c := newCarers(t)
	bob := c.lives("bob", "Cm")
	c.names(c.mum, c.ann, "gym")
	c.names(c.mum, bob, "gym")
	one := c.browser()
	toConsent := c.answer(one, c.asks(one, "gym"), "self")
	consent := gym{c.hill}.asked(one, toConsent)
	_, err := c.flows[1].EndAll(t.Context(), c.ann, "")
	c.must(err)
	one.get("/ask/tax?by=middle")
	one.returns(c.middle, "bob", "Cm").mustLead(t, "https://tax.example/in?person=bob")
	c.asked(one, one.post("/consent", gym{c.hill}.form(consent, "agree")))
	if consents, err := c.flows[0].Accounts.Consents(t.Context(), bob); err != nil || len(consents) > 0 {
		t.Errorf("agreed: %v, %v", consents, err)
	}
}

// A session in which somebody acts is worth no more than either of the two.
func TestWorthOfActing(t *testing.T) {
	for name, tt := range map[string]struct{ mum, ann, want string }{
		"neither is proved":    {"Cm", "Cm", "P0.Cm"},
		"the principal alone":  {"Cm.P2", "Cm", "P0.Cm"},
		"the delegate alone":   {"Cm", "Cm.P2", "P0.Cm"},
		"both":                 {"Cm.P2", "Cm.P2", "P2.Cm"},
		"both, the one better": {"Cm.P2", "Cm.P1", "P1.Cm"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCarers(t)
			mum, ann := c.proved("mum of strong", tt.mum), c.proved("ann of strong", tt.ann)
			d := c.names(mum, ann, "care", "grant")
			one := c.browser()
			one.get("/ask/care?by=strong")
			c.answer(one, c.asked(one, one.returns(c.strong, "ann of strong", tt.ann)), d.ID)
			if s := c.front.issued(); s.Account.ID != mum || s.Level != vector(tt.want) {
				t.Errorf("worth %s, want %s", s.Level, tt.want)
			}
		})
	}
}

// proved is the account of somebody who has proved so much at the strong provider.
func (c *carers) proved(person, level string) string {
	c.t.Helper()
	b := c.browser()
	b.get("/ask/tax?by=strong")
	b.returns(c.strong, person, level).mustLead(c.t, "https://tax.example/in?person="+person)
	return c.front.issued().Account.ID
}

// An app that needs to know who somebody is must know it of both.
func TestActingReachesNoMoreThanThePrincipal(t *testing.T) {
	c := newCarers(t)
	ann := c.proved("ann of strong", "Cm.P2")
	unproved, proved := c.names(c.mum, ann, "grant"), c.names(c.proved("dad", "Cm.P2"), ann, "grant")
	one := c.browser()
	one.get("/ask/grant?by=strong")
	question := c.asked(one, one.returns(c.strong, "ann of strong", "Cm.P2"))
	question.mustShow(t, http.StatusOK, `value="`+proved.ID+`"`, `id="not-`+unproved.ID+`"`)
	if strings.Contains(question.body, `value="`+unproved.ID+`"`) {
		t.Error("somebody is offered who will not do")
	}
	question = c.asked(one, c.answer(one, question, unproved.ID))
	c.answer(one, question, proved.ID).mustLead(t, "https://grant.example/in?person=dad")
	if s := c.front.issued(); s.Level != vector("P2.Cm") {
		t.Errorf("worth %s", s.Level)
	}
}

func TestActingWithoutAPage(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care")
	one := c.browser()
	question := c.asks(one, "care")
	c.request(login.Request{App: "care", Passive: true})
	one.get("/ask").mustLead(t, "https://care.example/refused?why=whose_account")
	c.answer(one, question, d.ID).mustLead(t, "https://care.example/in?person=mum")
	one.get("/ask").mustLead(t, "https://care.example/in?person=mum")
	_, err := c.flows[1].EndDelegation(t.Context(), c.mum, d.ID)
	c.must(err)
	// The app would take the delegate for the principal.
	one.get("/ask").mustLead(t, "https://care.example/refused?why=whose_account")
	one.get("/ask/care").mustLead(t, "https://care.example/in?person=ann") // there is nobody to choose
}

// Nobody who cannot act for anybody is asked, nor at apps where nobody can.
func TestWhoIsNotAsked(t *testing.T) {
	c := newCarers(t)
	c.names(c.mum, c.ann, "care")
	bob := c.browser()
	c.enters(bob, "care", c.middle, "bob", "Cm")
	mum := c.browser()
	c.enters(mum, "care", c.middle, "mum", "Cm")
	ann := c.browser()
	c.enters(ann, "grants", c.strong, "ann of strong", "Cm.P2")
	ann = c.browser()
	c.enters(ann, "tax", c.middle, "ann", "Cm")
}

// Either side ends it, on the other node: what was issued under it is revoked, and
// nothing else.
func TestEndDelegation(t *testing.T) {
	for side := range 2 {
		c := newCarers(t)
		c.front.tell("care", way{tell: obeys})
		d := c.names(c.mum, c.ann, "care")
		one := c.browser()
		question := c.asks(one, "care")
		c.answer(one, question, d.ID).mustLead(t, "https://care.example/in?person=mum")
		c.answer(one, c.asked(one, one.get("/ask/care")), "self").mustLead(t, "https://care.example/in?person=ann")
		one.use("tax")
		receipt, err := c.flows[1].EndDelegation(t.Context(), []string{c.mum, c.ann}[side], d.ID)
		c.must(err)
		if got := c.front.ends(); len(got) != 1 || got[0] != "care" || strings.Join(c.front.toldApps(), "") != "care" || len(receipt.Ended) != 1 {
			t.Errorf("revoked %v, told %v, receipt %+v", got, c.front.toldApps(), receipt)
		}
		if want := (login.Withdrawal{Delegation: d.ID, App: "care"}); len(c.front.withdrawn) != 1 || c.front.withdrawn[0] != want {
			t.Errorf("withdrawn %+v", c.front.withdrawn)
		}
		one.use("tax")
		if _, err := c.flows[0].EndDelegation(t.Context(), c.mum, d.ID); err != nil || len(c.front.ends()) != 1 {
			t.Errorf("a second time: %v, revoked %v", err, c.front.ends())
		}
		bob := c.lives("bob", "Cm")
		if _, err := c.flows[0].EndDelegation(t.Context(), bob, d.ID); !errors.Is(err, accounts.ErrNoDelegation) {
			t.Errorf("somebody else ends it: %v", err)
		}
	}
}

// When an account is no more, apps lose what they have of it from those who acted for
// it, and from whom it acted for. A delegate's own session goes on.
func TestForgetEndsActing(t *testing.T) {
	for side := range 2 {
		c := newCarers(t)
		c.front.tell("care", way{tell: obeys})
		d := c.names(c.mum, c.ann, "care")
		one := c.browser()
		c.answer(one, c.asks(one, "care"), d.ID).mustLead(t, "https://care.example/in?person=mum")
		account := []string{c.mum, c.ann}[side]
		c.must(c.flows[1].Forget(t.Context(), account))
		if !slices.Contains(c.front.ends(), "care") || !slices.Contains(c.front.toldApps(), "care") {
			t.Errorf("revoked %v, told %v", c.front.ends(), c.front.toldApps())
		}
		for _, want := range []login.Withdrawal{{Delegation: d.ID, App: "care"}, {Account: account}} {
			if !slices.Contains(c.front.withdrawn, want) {
				t.Errorf("withdrawn %+v, not %+v", c.front.withdrawn, want)
			}
		}
		if account == c.mum {
			one.use("tax")
		}
	}
}

func TestEndDelegationWhileTheAppIsAnswered(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care")
	one := c.browser()
	question := c.asks(one, "care")
	c.front.meanwhile = func() {
		_, err := c.flows[1].EndDelegation(t.Context(), c.mum, d.ID)
		c.must(err)
	}
	got := c.answer(one, question, d.ID)
	if strings.HasPrefix(got.to, "https://") {
		t.Fatalf("leads to %q", got.to)
	}
	for range 3 {
		if strings.HasPrefix(got.to, "/acting?") {
			break
		}
		got = one.get(got.to)
	}
	// Nobody goes on as themself by surprise.
	c.answer(one, c.asked(one, got), "self").mustLead(t, "https://care.example/in?person=ann")
}

// Whoever stops sharing with an app goes on acting for others there.
func TestStopSharingIsForOneself(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care")
	one := c.browser()
	c.answer(one, c.asks(one, "care"), d.ID).mustLead(t, "https://care.example/in?person=mum")
	c.answer(one, c.asked(one, one.get("/ask/care")), "self").mustLead(t, "https://care.example/in?person=ann")
	_, err := c.flows[1].StopSharing(t.Context(), c.ann, "care")
	c.must(err)
	if got := c.front.ends(); len(got) != 1 {
		t.Errorf("revoked %v, want what the app had of her alone", got)
	}
	_, err = c.flows[1].StopSharing(t.Context(), c.mum, "care")
	c.must(err)
	if got := c.front.ends(); len(got) != 2 {
		t.Errorf("revoked %v, want what it had of the principal, too", got)
	}
	// Nobody begins again for her what she has stopped, but herself.
	one.get("/ask/care").mustLead(t, "https://care.example/in?person=ann")
	c.enters(c.browser(), "care", c.middle, "mum", "Cm")
	one.get("/ask/care").mustLead(t, "https://care.example/in?person=ann")
	again := c.names(c.mum, c.ann, "care")
	c.answer(one, c.asked(one, one.get("/ask/care")), again.ID).mustLead(t, "https://care.example/in?person=mum")
}

// Stopping at one app lets a delegate go on at another, at once.
func TestStopSharingIsAtOneApp(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "care", "grant")
	one := c.browser()
	question := c.asks(one, "care")
	c.front.meanwhile = func() {
		_, err := c.flows[1].StopSharing(t.Context(), c.mum, "grant")
		c.must(err)
	}
	c.answer(one, question, d.ID).mustLead(t, "https://care.example/in?person=mum")
	question = c.asked(one, one.get("/ask/care"))
	c.front.meanwhile = func() {
		_, err := c.flows[1].StopSharing(t.Context(), c.mum, "care")
		c.must(err)
	}
	if got := c.answer(one, question, d.ID); strings.HasPrefix(got.to, "https://") {
		t.Errorf("leads to %q", got.to)
	}
}

// When it is over it is over; the delegate's own session goes on.
func TestDelegationEnds(t *testing.T) {
	c := newCarers(t)
	code, _, err := c.flows[0].Invite(t.Context(), c.mum, "", []string{"care"}, c.now().Add(30*time.Minute), "")
	c.must(err)
	d, err := c.flows[0].Accounts.Accept(t.Context(), c.ann, "", code)
	c.must(err)
	one := c.browser()
	c.answer(one, c.asks(one, "care"), d.ID).mustLead(t, "https://care.example/in?person=mum")
	if over := c.flows[0].Over(c.front.issued()); !over.Equal(d.Until) {
		t.Errorf("what was issued is over at %s, the delegation at %s", over, d.Until)
	}
	c.answer(one, c.asked(one, one.get("/ask/care")), d.ID).mustLead(t, "https://care.example/in?person=mum") // by single sign-on
	question := c.asked(one, one.get("/ask/care"))
	c.pass(31 * time.Minute)
	c.asked(one, c.answer(one, question, d.ID))
	one.get("/ask/care").mustLead(t, "https://care.example/in?person=ann")
	one.use("tax")
}

func TestInviteIsBounded(t *testing.T) {
	c := newCarers(t)
	for name, tt := range map[string]struct {
		app   string
		until time.Duration
	}{"an app where nobody acts": {"tax", time.Hour}, "no app": {"nothing", time.Hour}, "for too long": {"care", 366 * 24 * time.Hour}} {
		if _, _, err := c.flows[0].Invite(t.Context(), c.mum, "", []string{tt.app}, c.now().Add(tt.until), ""); !errors.Is(err, login.ErrNotDelegable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only the principal agrees that their details are shared, and only they, and whoever
// acts, stop it.
func TestActingAtAThirdParty(t *testing.T) {
	c := newCarers(t)
	d := c.names(c.mum, c.ann, "gym")
	one := c.browser()
	question := c.asks(one, "gym")
	question.mustShow(t, http.StatusOK, `id="not-`+d.ID+`"`)
	question = c.asked(one, c.answer(one, question, d.ID))
	if s := c.front.issued(); s.Acting != nil {
		t.Fatal("something was issued")
	}
	_, err := c.flows[0].Accounts.Agree(t.Context(), c.mum, "", "gym", []string{"name"})
	c.must(err)
	c.answer(one, question, d.ID).mustLead(t, "https://gym.example/in?person=mum")
	if s := c.front.issued(); s.Basis.Consent == "" || s.Basis.Delegation != d.ID {
		t.Errorf("it rests on %+v", s.Basis)
	}
	if consents, err := c.flows[0].Accounts.Consents(t.Context(), c.ann); err != nil || len(consents) > 0 {
		t.Errorf("the delegate has agreed to %v, %v", consents, err)
	}
	_, err = c.flows[1].StopSharing(t.Context(), c.mum, "gym")
	c.must(err)
	if got := c.front.ends(); strings.Join(got, " ") != "gym" {
		t.Errorf("revoked %v", got)
	}
	if got := one.get("/ask/gym"); !strings.HasPrefix(got.to, "/consent?") { // as herself
		t.Errorf("leads to %q", got.to)
	}
}

// What a strong sign-in brought of the principal is not told to somebody who came by a
// weak one.
func TestActingTellsWhatMayBeTold(t *testing.T) {
	c := newCarers(t)
	b := c.browser()
	b.get("/ask/tax?by=strong")
	b.get(answerOf(c.strong, "mum of strong", "Cm.P2")+"&born=1950-01-01").mustLead(t, "https://tax.example/in?person=mum of strong")
	mum := c.front.issued().Account.ID
	for delegate, want := range map[string]string{"Cm": "", "Cm.P2": "1950-01-01"} {
		person := "delegate " + delegate
		d := c.names(mum, c.proved(person, delegate), "care")
		one := c.browser()
		one.get("/ask/care?by=strong")
		c.answer(one, c.asked(one, one.returns(c.strong, person, delegate)), d.ID)
		s := c.front.issued()
		if got := s.Known().Claims.Text("birthdate"); s.Account.ID != mum || got != want {
			t.Errorf("to a delegate worth %s the date of birth is %q, want %q", s.Level, got, want)
		}
	}
}
