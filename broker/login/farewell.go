package login

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// A sign-out goes on through the browser where apps or the provider can be
// asked there only: one question at a time, each with an id that its answer
// carries. What waits for the answer is kept under the browser's mark and that
// id, so that an answer which comes late, twice, from elsewhere or to another
// browser finds nothing and changes nothing.

// farewellTime is how long an app or provider may take to answer.
const farewellTime = 10 * time.Minute

// farewell is a sign-out on its way.
type farewell struct {
	Leaving   Leaving   `json:"leaving"`
	Known     bool      `json:"known"` // there was a session: the receipt says all
	Receipt   Receipt   `json:"receipt"`
	Rest      []Use     `json:"rest,omitempty"`      // still to be asked,
	Providers []Earlier `json:"providers,omitempty"` // and last of all, those who vouched for the resident
	Asked     Party     `json:"asked,omitzero"`      // who is being asked
	Hops      int       `json:"hops,omitempty"`      // questions since the browser was shown a page

	answered bool // by this very request
}

var (
	farewellTable = store.Table[farewell]{Name: "farewell"} // by the browser's mark and the question
	askedTable    = store.Table[question]{Name: "asked"}    // the question, by the browser's mark alone
	leavingTable  = store.Table[bool]{Name: "leaving"}      // sessions that were taken, by their handle
	receiptTable  = store.Table[farewell]{Name: "receipt"}  // what the resident reads before the starter is answered
)

// goOn asks the next app, or provider, and answers whoever started when nobody is left to be asked.
func (f *Flow) goOn(w http.ResponseWriter, r *http.Request, who browser, bye farewell) error {
	id := rand.Text()
	to := f.askNext(r.Context(), &bye, id)
	if to.URL == "" {
		return f.depart(w, r, who, bye)
	}
	bye.Hops++
	pause := to.Form == nil && bye.Hops == maxHops
	if pause || to.Form != nil {
		bye.Hops = 0
	}
	b, q := f.Store.Batch(), question{bye.Asked, id}
	farewellTable.Put(b, q.handle(who), bye, farewellTime)
	askedTable.Put(b, who.handle(), q, farewellTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	if pause {
		return f.Site.Onward(w, r, to.URL)
	}
	return f.send(w, r, to)
}

// maxHops is how many apps are asked by redirects alone, one after the other:
// each needs two and may need some of its own, and browsers follow some twenty.
const maxHops = 6

// question is what somebody is asked: the name of the answer.
type question struct {
	Party Party  `json:"party"`
	ID    string `json:"id"`
}

// handle is where the sign-out waits for the answer, in the browser of who was
// asked and for nobody else.
func (q question) handle(who browser) store.Handle {
	return store.Handle{Tag: who.mark(), Secret: fingerprint("question", q.Party.Protocol, q.Party.App, q.Party.Connector, q.ID)}
}

// askNext is where the next one who can be asked is asked question id: the
// zero Redirect when there is nobody left.
func (f *Flow) askNext(ctx context.Context, bye *farewell, id string) connectors.Redirect {
	for len(bye.Rest) > 0 {
		u := bye.Rest[0]
		bye.Rest = bye.Rest[1:]
		to, err := f.ask(ctx, u, id)
		switch {
		case err != nil:
			missed(ctx, u.App, err)
			f.outcome(bye, u.App, failed)
		case to.URL == "":
			f.outcome(bye, u.App, unable)
		default:
			bye.Asked = Party{Protocol: u.Protocol, App: u.App}
			return to
		}
	}
	return f.askProvider(ctx, bye, id)
}

// ask asks the app of u, unless its front end is gone since.
func (f *Flow) ask(ctx context.Context, u Use, id string) (connectors.Redirect, error) {
	front, ok := f.FrontEnds[u.Protocol]
	if !ok {
		return connectors.Redirect{}, nil
	}
	return front.Ask(ctx, u, id)
}

// askProvider asks the next provider that can be asked, each once. Of the others the
// receipt says that the resident may still be signed in there.
func (f *Flow) askProvider(ctx context.Context, bye *farewell, id string) connectors.Redirect {
	for len(bye.Providers) > 0 {
		at := bye.Providers[0]
		bye.Providers = bye.Providers[1:]
		way, _ := f.way(at.Connector)
		logouter, ok := way.Connector.(connectors.Logouter)
		if at.Provider == nil || !ok {
			continue
		}
		to, err := logouter.Logout(ctx, *at.Provider, id)
		if err != nil {
			missed(ctx, at.Connector, err)
		}
		if err == nil && to.URL != "" {
			bye.Asked = Party{Connector: at.Connector}
			return to
		}
	}
	return connectors.Redirect{}
}

// hear enters the answer to the question that was waiting.
func (f *Flow) hear(bye *farewell, done bool) {
	switch {
	case bye.Asked.App == "" && done:
		bye.Receipt.left(bye.Asked.Connector)
	case bye.Asked.App == "":
	case done:
		f.outcome(bye, bye.Asked.App, ended)
	default:
		f.outcome(bye, bye.Asked.App, failed)
	}
}

// takeFarewell takes what waits in this browser for the answer to q: of two
// answers one finds it. Nothing waits any more when somebody has signed in here.
func (f *Flow) takeFarewell(ctx context.Context, who browser, q question) (farewell, bool, error) {
	b := f.Store.Batch()
	asked, taken := askedTable.Get(b, who.handle()), farewellTable.Take(b, q.handle(who))
	if err := b.Exec(ctx); err != nil {
		return farewell{}, false, err
	}
	current, waits := asked.Value()
	bye, ok := taken.Value()
	return bye, ok && waits && current == q, nil
}

// leadOn goes on with the sign-out that waits for the answer to q though there is none: the resident has come back without it. An app that
// starts another sign-out meanwhile is the one that is answered.
func (f *Flow) leadOn(w http.ResponseWriter, r *http.Request, v visitor, q question, l Leaving) error {
	bye, ok, err := f.takeFarewell(r.Context(), v.browser, q)
	if err != nil {
		return err
	}
	if !ok {
		return f.answer(w, r, farewell{Leaving: l, Receipt: Receipt{UnderWay: true}})
	}
	f.hear(&bye, false)
	if !l.own() {
		bye.Leaving = l
	}
	return f.goOn(w, r, v.browser, bye)
}

// nothingWaits is the answer to an answer that nobody waits for.
func (f *Flow) nothingWaits(w http.ResponseWriter, r *http.Request) error {
	s, err := f.Current(r)
	if err != nil {
		return err
	}
	if s != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return f.answer(w, r, farewell{})
}

// depart answers whoever started a sign-out. Where an app failed, the resident
// reads that first, and is led on by a link. At the address of somebody's answer,
// which is nobody else's to see, there is no page: it would stay there.
func (f *Flow) depart(w http.ResponseWriter, r *http.Request, who browser, bye farewell) error {
	own := bye.Leaving.own()
	if own && !bye.answered || !own && len(bye.Receipt.Failed) == 0 {
		return f.answer(w, r, bye)
	}
	id := rand.Text()
	b := f.Store.Batch()
	receiptTable.Put(b, store.Handle{Tag: who.mark(), Secret: id}, bye, farewellTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	onward := "/sign-out/continue?id=" + url.QueryEscape(id)
	if own {
		http.Redirect(w, r, onward, http.StatusSeeOther)
		return nil
	}
	page := f.signedOut(r, bye)
	page.Back = onward
	return f.Site.Page(w, r, http.StatusOK, "signed_out", page)
}

// handleContinue answers whoever started, when the resident has read the
// receipt.
func (f *Flow) handleContinue(w http.ResponseWriter, r *http.Request) error {
	b := f.Store.Batch()
	found := receiptTable.Get(b, store.Handle{Tag: f.visitor(r).browser.mark(), Secret: r.URL.Query().Get("id")})
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	bye, ok := found.Value()
	if !ok {
		return f.nothingWaits(w, r)
	}
	return f.answer(w, r, bye)
}

// answer answers whoever started.
func (f *Flow) answer(w http.ResponseWriter, r *http.Request, bye farewell) error {
	l := bye.Leaving
	switch {
	case l.own():
		return f.Site.Page(w, r, http.StatusOK, "signed_out", f.signedOut(r, bye))
	case l.Protocol != "":
		front, err := f.front(l.Protocol)
		if err != nil {
			return err
		}
		return front.Left(w, r, l, bye.Receipt)
	}
	return f.answerProvider(w, r, l, bye.Receipt)
}

// signedOut is the receipt as residents read it.
func (f *Flow) signedOut(r *http.Request, bye farewell) web.SignedOut {
	l, done := bye.Leaving, bye.Receipt
	page := web.SignedOut{
		App: f.appLabel(r, l.App), Back: l.Back, Providers: f.labels(r, done.Providers), AnyProvider: !bye.Known,
		Ended: f.appLabels(r, done.Ended), Failed: f.appLabels(r, done.Failed), Unable: f.appLabels(r, done.Unable),
	}
	if l.Connector != "" {
		page.App = f.label(r, l.Connector)
	}
	if page.Back == "" {
		page.Back = f.Apps[l.App].Home
	}
	return page
}
