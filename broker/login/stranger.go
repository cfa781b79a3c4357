package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// Whoever is asked to prove more in a session may come back as somebody that
// its account does not know: as themselves by a new way in, or as another person
// at the same computer. Which of the two only they can tell. Nothing is joined
// and nobody is switched before they have.

// recently is how long ago somebody may have shown who they are, for it to count
// where two ways in are joined.
const recently = 15 * time.Minute

// stranger is who came in place of the person who is signed in.
type stranger struct {
	In       arrival  `json:"in"`
	Account  string   `json:"account,omitempty"`  // that they lead to; "" for a new way in
	Shows    bool     `json:"shows,omitempty"`    // of a way in that is to be added: Session.Shows of that account
	Standing standing `json:"standing,omitzero"`  // the session in which they were asked; the zero one for nobody's
	Unproven bool     `json:"unproven,omitempty"` // the session shows less than was ever proved of its person
}

// joinable reports whether p's way in may be joined at all: it is new, or leads to
// another account that they show to be theirs, and want to add.
func (p *stranger) joinable() bool {
	return p.Account == "" || p.In.Adds && p.Shows && !p.known()
}

// known reports whether p's way in leads to the account that they came for.
func (p *stranger) known() bool { return p.Account == p.Standing.Account }

// brings reports whether p came by in, which leads nowhere yet.
func (p *stranger) brings(in arrival) bool {
	return p != nil && p.Account == "" && p.In.SignIn.Issuer == in.SignIn.Issuer && p.In.SignIn.Subject == in.SignIn.Subject
}

// elsewhere reports whether somebody else has signed in since p was asked.
func (p *stranger) elsewhere(s *Session) bool { return s != nil && s.Account.ID != p.Standing.Account }

// prove goes on with the answer to an attempt that was made in a session. old is
// the one that the browser has now: what it is worth today counts, not what it was
// when the person left.
func (f *Flow) prove(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, old *Session, at standing, in arrival, b *store.Batch) error {
	old, err := f.renewed(r.Context(), old, b)
	if err != nil {
		return f.inadmissible(w, r, v, l, in, b, err)
	}
	if old != nil && old.Account.ID == at.Account {
		at = *old.standing()
	}
	p, err := f.meet(r, in, at)
	switch {
	case err != nil:
		return f.inadmissible(w, r, v, l, in, b, err)
	case !p.known() || in.Adds || p.elsewhere(old):
		l.Stranger = p
		return f.lead(w, r, l, "/who", b)
	case f.situation(l, old).standing() == nil: // it is over, or another one that the app would not have taken
		return f.enterAlone(w, r, v, l, old, in, b)
	}
	s, err := f.admit(r, in, old)
	if err != nil {
		return f.inadmissible(w, r, v, l, in, b, err)
	}
	return f.proceed(w, r, v, l, old, s, b)
}

// meet is whoever came back from what was begun in the session at. Nobody is signed
// in yet.
func (f *Flow) meet(r *http.Request, in arrival, at standing) (*stranger, error) {
	p := &stranger{In: in, Standing: at}
	var err error
	p.Account, err = f.Accounts.Whose(r.Context(), in.SignIn.Issuer, in.SignIn.Subject)
	switch {
	case errors.Is(err, accounts.ErrUnknownLink):
		return p, nil
	case err != nil || !in.Adds:
		return p, err
	}
	s, err := f.admit(r, in, nil)
	p.Shows = s.Shows()
	return p, err
}

// handleWho asks who it is.
func (f *Flow) handleWho(w http.ResponseWriter, r *http.Request) error {
	l, s, err := f.resume(r, f.visitor(r), f.counted(r))
	if err != nil {
		return err
	}
	p := l.Stranger
	if !f.asks(p) {
		http.Redirect(w, r, l.link("/choose"), http.StatusSeeOther)
		return nil
	}
	page := web.Who{
		App: f.appLabel(r, l.Request.App), Provider: f.label(r, p.In.SignIn.Connector), Before: f.label(r, p.Standing.Connector),
		Proven: f.joins(p, s), Action: "/who", Fields: map[string]string{"request": l.tag},
	}
	if !p.elsewhere(s) {
		page.New, page.Adds, page.Yours = p.Account == "", p.In.Adds, p.In.Adds && p.known()
		page.Guarded = p.Unproven || !s.Shows() || !p.joinable()
	}
	return f.Site.Page(w, r, http.StatusOK, "who", page)
}

// asks reports whether it is to be asked about p, who came a moment ago. Later
// somebody else may sit there.
func (f *Flow) asks(p *stranger) bool { return p != nil && f.Now().Sub(p.In.SignIn.At) <= recently }

// joins reports whether p's way in may be joined to the account that s is signed
// in to: both have just been shown to be the person's.
func (f *Flow) joins(p *stranger, s *Session) bool {
	return p.joinable() && !p.Unproven && f.Recent(s) && s.Shows() && !p.elsewhere(s)
}

// Shows reports whether s is worth all that was ever proved of the person whose
// account it is in, though it count for nothing today. Who comes by less may be
// somebody else, who has only stolen a weak way in: with a proof of their own that
// they add, the account, and what apps know by it, would be two people's.
func (s *Session) Shows() bool { return s == nil || s.Level.AtLeast(s.Account.Ever) }

// answerWho does what the resident says. Of two answers one counts.
func (f *Flow) answerWho(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, s, err := f.claim(r, v)
	if err != nil {
		return err
	}
	b, p := f.Store.Batch(), l.Stranger
	switch answer := r.PostFormValue("answer"); {
	case !f.asks(p):
	case answer == "join" && f.joins(p, s):
		return f.join(w, r, v, l, s, b)
	case answer == "again" && p.joinable() && !p.elsewhere(s):
		return f.signInAgain(w, r, l, p.Standing, b)
	case answer == "switch":
		return f.switchTo(w, r, v, l, s, b)
	case answer == "join":
		return f.lead(w, r, l, "/who", b)
	default:
		f.Observe(p.In.SignIn.Connector, string(connectors.Cancelled))
	}
	l.Stranger, l.Errand = nil, nil
	return f.offer(w, r, l, b)
}

// join adds the way in to the account that is signed in. What it may borrow from
// other evidence is what this session is worth without it: a thief of a weak way in
// may bring a strong one of their own.
func (f *Flow) join(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, s *Session, b *store.Batch) error {
	p, in := l.Stranger, l.Stranger.In
	s, err := f.renewed(r.Context(), s, b)
	switch {
	case err != nil:
		return f.inadmissible(w, r, v, l, in, b, err)
	case s == nil:
		return f.lead(w, r, l, "/who", b)
	case p.Account != "":
		return f.merge(w, r, v, l, *s, b)
	}
	account, link, err := f.Accounts.Join(r.Context(), s.Account.ID, s.Link, in.SignIn, s.Level)
	switch {
	case errors.Is(err, accounts.ErrUnproven): // more was proved meanwhile
		p.Unproven = true
		return f.lead(w, r, l, "/who", b)
	case errors.Is(err, accounts.ErrAnother): // somebody was faster
		if l.Stranger, err = f.meet(r, in, p.Standing); err == nil {
			return f.lead(w, r, l, "/who", b)
		}
	}
	switch {
	case err != nil:
		return f.inadmissible(w, r, v, l, in, b, err)
	case in.Adds:
		return f.added(w, r, l, *s, b)
	}
	l.Stranger = nil
	return f.proceed(w, r, v, l, s, f.session(in, account, link, s), b)
}

// signInAgain has the resident show once more that the session's account is
// theirs, before another way in is joined to it.
func (f *Flow) signInAgain(w http.ResponseWriter, r *http.Request, l ongoing, at standing, b *store.Batch) error {
	way, ok := f.way(at.Connector)
	if !ok {
		l.Stranger = nil
		return f.offer(w, r, l, b)
	}
	l.Stranger.Unproven = false // as far as is known of the sign-in to come
	return f.start(w, r, l, &at, trip{way: way, ask: way.asks()[0], anew: way.canForce()}, b)
}

// switchTo goes on as whoever came, and ends the session that was there.
func (f *Flow) switchTo(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, old *Session, b *store.Batch) error {
	in := l.Stranger.In
	l.Stranger = nil
	return f.enterAlone(w, r, v, l, old, in, b)
}

// enterAlone makes a sign-in of its own of what was to prove more in a session, and
// goes on with it in place of old. The provider was not told to have the person sign
// in: where the app insists on that, it is told now. A newcomer's has been one from
// the start.
func (f *Flow) enterAlone(w http.ResponseWriter, r *http.Request, v visitor, l ongoing, old *Session, in arrival, b *store.Batch) error {
	if !in.SignIn.Alone && !in.Forced && (l.Request.Force || l.Request.MaxAge != nil) {
		way, _ := f.way(in.SignIn.Connector)
		return f.again(w, r, l, trip{way: way, ask: way.asks()[0]}, b)
	}
	return f.enterAnew(w, r, v, l, old, in, b)
}
