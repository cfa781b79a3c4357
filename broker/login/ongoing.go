package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// loginTime is how long a resident may take from the app's request to the
// provider's answer.
const loginTime = time.Hour

// pending is an app's request that waits for the resident.
type pending struct {
	Request  Request       `json:"request"`
	Browser  string        `json:"browser"`            // the mark of the browser that it belongs to
	Patience time.Duration `json:"patience,omitempty"` // how long it waits, where that is longer than usual
	SID      string        `json:"sid,omitempty"`      // the session that it opened
	AuthTime time.Time     `json:"auth_time,omitzero"` // when the resident had authenticated, then
	Done     []stop        `json:"done,omitempty"`     // what succeeded: nothing is asked twice
	Settled  bool          `json:"settled,omitempty"`  // the resident does without what the app would only like
	Shared   bool          `json:"shared,omitempty"`   // others use the browser, too
	Anyway   bool          `json:"anyway,omitempty"`   // and tries providers that refuse the app's window that they are in
	Notice   *notice       `json:"notice,omitempty"`
	Stranger *stranger     `json:"stranger,omitempty"` // who came in place of the person who is signed in
	For      *principal    `json:"for,omitempty"`      // for whom the resident acts, once they have said so
	Errand   *errand       `json:"errand,omitempty"`   // what a page of the broker's own wants besides
	Apart    *apart        `json:"apart,omitempty"`    // who has proved to be another person than the account's
}

// notice is why the last attempt did not work.
type notice struct {
	Connector string             `json:"connector"`
	Outcome   connectors.Outcome `json:"outcome"`
	Reference string             `json:"reference"` // of the log line that says more
}

// attempt is one trip to a provider, until its answer comes.
type attempt struct {
	connectors.Attempt
	Connector string    `json:"connector"`
	Browser   string    `json:"browser"`
	Standing  *standing `json:"standing,omitempty"` // the session in which it is to prove more; nil for a sign-in of its own
	Wished    bool      `json:"wished,omitempty"`   // a wish of the app is kept for when the resident comes back
	Adds      bool      `json:"adds,omitempty"`     // it is to add a way in to the session's account

	handle store.Handle       // where it was found
	posted *store.Reply[kept] // what came of its answer, where that was posted
}

// standing is a session in which somebody proves more.
type standing struct {
	Account   string `json:"account"`
	Connector string `json:"connector"`
}

var (
	pendingTable = store.Table[pending]{Name: "pending"}
	attemptTable = store.Table[attempt]{Name: "attempt"}
)

// ongoing is a pending request with the tag that names it.
type ongoing struct {
	pending
	tag    string
	agreed string // to which sharing the resident has just agreed, by its mark
}

// handle names the request. It needs no secret: it is of use only in the
// browser that it is bound to.
func (l ongoing) handle() store.Handle { return store.Handle{Tag: l.tag} }

func (l ongoing) put(b *store.Batch) {
	pendingTable.Put(b, l.handle(), l.pending, max(loginTime, l.Patience))
}

// link is the address of a step of this login.
func (l ongoing) link(path string) string { return path + "?request=" + url.QueryEscape(l.tag) }

// interrupted is the page of a login that cannot go on for now, because of cause. It
// leads back to what is to be decided next.
func (l ongoing) interrupted(cause error) error {
	page := "/choose"
	switch {
	case l.Stranger.newcomer():
		page = "/before"
	case l.Stranger != nil:
		page = "/who"
	}
	return &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable, Back: l.link(page), Retry: 30 * time.Second, Err: cause}
}

// start sends the browser to the provider, for a sign-in of its own or to prove
// more in the session at; or back to the choice page where the provider cannot be
// reached. b gets the login's records and is executed.
func (f *Flow) start(w http.ResponseWriter, r *http.Request, l ongoing, at *standing, t trip, b *store.Batch) error {
	if t.way.refuses(r.UserAgent()) && !l.Anyway {
		l.Notice = &notice{Connector: t.way.Config.ID, Outcome: inApp}
		return f.offer(w, r, l, b)
	}
	state := store.Handle{Tag: l.tag, Secret: rand.Text()}
	a := f.newAttempt(r, l, at, t, state)
	a.Wished = f.await(r.Context(), l, at, t)
	to, err := t.way.Connector.Start(r.Context(), a.Attempt)
	if err != nil {
		return f.failed(w, r, l, t.way.Config.ID, err, b)
	}
	l.Notice, l.Patience = nil, max(l.Patience, t.way.patience())
	l.put(b)
	a.State = "" // the key says it; the record need not
	attemptTable.Put(b, state, a, t.way.patience())
	if err := b.Exec(r.Context()); err != nil {
		return errors.Join(err, f.withdraw(r.Context(), err, l, state))
	}
	web.Annotate(r, slog.String("app", l.Request.App), slog.String("connector", t.way.Config.ID), slog.String("step", t.ask.Step))
	return f.send(w, r, to)
}

// send sends the browser where a connector or a front end wants it.
func (f *Flow) send(w http.ResponseWriter, r *http.Request, to connectors.Redirect) error {
	if to.Form != nil {
		return f.Site.Post(w, r, to.URL, to.Form)
	}
	http.Redirect(w, r, to.URL, http.StatusSeeOther)
	return nil
}

// withdraw deletes what was written for a step that the rate limit refused:
// the count and the writing share a round trip, and a flood of requests must
// not fill Redis. state is that of the attempt, if there was one.
func (f *Flow) withdraw(ctx context.Context, refused error, l ongoing, state store.Handle) error {
	if _, exceeded := errors.AsType[*store.Exceeded](refused); !exceeded {
		return nil
	}
	b := f.Store.Batch()
	pendingTable.Delete(b, l.handle())
	if state.Tag != "" {
		attemptTable.Delete(b, state)
	}
	return b.Exec(ctx)
}

// newAttempt makes what one trip needs. The nonce and the verifier are fresh
// for each, so that no answer fits two.
func (f *Flow) newAttempt(r *http.Request, l ongoing, at *standing, t trip, state store.Handle) attempt {
	req := l.Request
	a := attempt{Connector: t.way.Config.ID, Browser: l.Browser, Standing: at, Adds: t.adds, Attempt: connectors.Attempt{
		Started:   f.Now(),
		State:     state.String(),
		Nonce:     oauth2.GenerateVerifier(), // as long as a verifier: providers want some thirty characters
		Verifier:  oauth2.GenerateVerifier(),
		Step:      t.ask.Step,
		Force:     t.anew || at == nil && (req.insists() || l.Shared && t.way.canForce()), // who proves more has signed in as they should
		Locales:   append([]string{f.Site.Language(r)}, req.Locales...),
		LoginHint: req.LoginHint,
	}}
	if at == nil {
		a.MaxAge = req.MaxAge
	}
	return a
}

// offer leads the browser to the choice page.
func (f *Flow) offer(w http.ResponseWriter, r *http.Request, l ongoing, b *store.Batch) error {
	return f.lead(w, r, l, "/choose", b)
}

// lead keeps the request and leads the browser to a page about it.
func (f *Flow) lead(w http.ResponseWriter, r *http.Request, l ongoing, page string, b *store.Batch) error {
	l.put(b)
	if err := b.Exec(r.Context()); err != nil {
		return errors.Join(err, f.withdraw(r.Context(), err, l, store.Handle{}))
	}
	http.Redirect(w, r, l.link(page), http.StatusSeeOther)
	return nil
}

// failed keeps the request and leads to a page that says in plain words why the
// attempt did not work, and how to go on.
func (f *Flow) failed(w http.ResponseWriter, r *http.Request, l ongoing, connector string, cause error, b *store.Batch) error {
	web.Annotate(r, slog.String("app", l.Request.App))
	l.Notice = &notice{Connector: connector, Outcome: f.fell(r, connector, cause), Reference: web.Reference(r)}
	return f.offer(w, r, l, b)
}

// fell counts and logs an attempt that did not work.
func (f *Flow) fell(r *http.Request, connector string, cause error) connectors.Outcome {
	outcome := outcomeOf(cause)
	f.Observe(connector, string(outcome))
	web.Annotate(r, slog.String("connector", connector), slog.String("outcome", string(outcome)), slog.String("cause", cause.Error()))
	return outcome
}

// resume reads the request that r names, and makes sure that it belongs to this
// browser, whose session it returns as well. It executes b.
func (f *Flow) resume(r *http.Request, v visitor, b *store.Batch) (ongoing, *Session, error) {
	l := ongoing{tag: r.FormValue("request")}
	found, current := pendingTable.Get(b, l.handle()), v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return l, nil, err
	}
	s := f.live(v, current)
	var ok bool
	if l.pending, ok = found.Value(); !ok {
		return l, s, f.stale(r, v, s != nil)
	}
	return l, s, f.sameBrowser(r, v, l.Browser)
}

// claim is resume for a step that ends the request, or is to be taken once: of
// several one finds it.
func (f *Flow) claim(r *http.Request, v visitor) (ongoing, *Session, error) {
	l := ongoing{tag: r.FormValue("request")}
	b := f.counted(r)
	taken, current := pendingTable.Take(b, l.handle()), v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return l, nil, err
	}
	s := f.live(v, current)
	var ok bool
	if l.pending, ok = taken.Value(); !ok {
		return l, s, f.stale(r, v, s != nil)
	}
	if err := f.sameBrowser(r, v, l.Browser); err != nil {
		return l, s, errors.Join(err, f.restore(r.Context(), l, f.Store.Batch()))
	}
	return l, s, nil
}

// sameBrowser refuses what belongs to another browser: the defence against
// login CSRF and against mixing up two people.
func (f *Flow) sameBrowser(r *http.Request, v visitor, mark string) error {
	if subtle.ConstantTimeCompare([]byte(v.browser.mark()), []byte(mark)) == 1 {
		return nil
	}
	message := web.SignInElsewhere
	if !v.known {
		message = web.CookiesOff
	}
	return f.lost(r, v, message, errors.New("the login belongs to another browser"))
}

// stale is the answer to a step of a login that is over: an old tab, the back
// button, or an hour's pause.
func (f *Flow) stale(r *http.Request, v visitor, signedIn bool) error {
	message := web.SignInExpired
	if signedIn {
		message = web.SignInFinished
	}
	return f.lost(r, v, message, errors.New("no such login, or it is over"))
}

// lost is a page that tells a resident what happened and leads on: to the app
// of the browser's last login, or to the broker's own front page.
func (f *Flow) lost(r *http.Request, v visitor, message string, cause error) error {
	e := &web.Error{Status: http.StatusBadRequest, Message: message, Back: "/", Err: cause}
	if app, ok := f.Apps[v.browser.App]; ok {
		e.App, e.Back = app.Label.In(f.Site.Language(r)), app.Home
	}
	return e
}

// outcomeOf is the outcome that a connector's error carries.
func outcomeOf(err error) connectors.Outcome {
	if failure, ok := errors.AsType[*connectors.Failure](err); ok {
		return failure.Outcome
	}
	return connectors.Unavailable
}

// restore adds to b that a taken request is put back, so that nothing is lost
// by an attempt that did not count, and runs b even when the resident has gone.
func (f *Flow) restore(ctx context.Context, l ongoing, b *store.Batch) error {
	l.put(b)
	return b.Exec(context.WithoutCancel(ctx))
}
