package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// deed lets somebody act for somebody else.
type deed struct {
	id, code       string
	principal      origins
	delegate       origins // nil: nobody has accepted
	apps           []string
	until, expires time.Time
	ended          bool
}

// holds reports whether the delegate may act, which nobody does for themselves.
func (o oracle) holds(d *deed, at time.Time) bool {
	return d.delegate != nil && !d.ended && at.Before(d.until) && o.whose(d.principal) != o.whose(d.delegate)
}

func (w *world) invites() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account := w.whose(session.of)
	d := &deed{principal: session.of, apps: []string{"benefits", "bins", "tax"}[w.IntN(3):], until: w.now.Add(time.Duration(1+w.IntN(30)) * 2 * day)}
	code, made, err := w.Invite(w.Context(), account, session.link, d.apps, d.until, "my helper")
	w.must(err)
	d.id, d.code, d.expires = made.ID, code, d.until
	if week := w.now.Add(7 * day); week.Before(d.expires) {
		d.expires = week
	}
	w.deeds = append(w.deeds, d)
	return fmt.Sprintf("%s invites by %s until %s", account, d.id, d.until.Format(time.DateOnly))
}

// deed is any of the latest.
func (w *world) deed() (*deed, bool) {
	if len(w.deeds) == 0 {
		return nil, false
	}
	return w.deeds[max(0, len(w.deeds)-1-w.IntN(6))], true
}

func (w *world) accepts() string {
	session, ok := w.session()
	d, invited := w.deed()
	if !ok || !invited {
		return ""
	}
	account := w.whose(session.of)
	what := w.tries(account, " accepts ", d.id)
	_, err := w.Accept(w.Context(), account, session.link, d.code)
	own, open := w.whose(d.principal) == account, d.delegate == nil && !d.ended && w.now.Before(d.expires)
	switch {
	case own && (open || errors.Is(err, accounts.ErrOneself)): // of one that is over either may be said
		return w.refused(what, err, accounts.ErrOneself)
	case !open:
		return w.refused(what, err, accounts.ErrInvitation)
	}
	w.must(err)
	d.delegate = session.of
	return what
}

func (w *world) revokes() string {
	session, ok := w.session()
	d, there := w.deed()
	if !ok || !there {
		return ""
	}
	account := w.whose(session.of)
	what := w.tries(account, " revokes ", d.id)
	_, err := w.Revoke(w.Context(), account, d.id)
	if w.whose(d.principal) != account && (d.delegate == nil || w.whose(d.delegate) != account) {
		return w.refused(what, err, accounts.ErrNoDelegation)
	}
	w.must(err)
	d.ended = true
	return what
}

// acts has somebody use an app for somebody else.
func (w *world) acts() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account, app := w.whose(session.of), w.app()
	may := w.mayAct(account, app)
	if len(may) == 0 {
		return ""
	}
	d := pick(w, may)
	principal := w.whose(d.principal)
	what := w.tries(account, " acts for ", principal, " at ", app, " by ", d.id)
	_, acc, err := w.Delegation(w.Context(), d.id, app)
	if w.usable(principal, accounts.Name{}) == 0 {
		return w.refused(what, err, accounts.ErrWithdrawn)
	}
	w.must(err)
	if acc.ID != principal {
		w.Fatalf("%s: they act for %s", what, acc.ID)
	}
	w.sameToApps(acc)
	theirs := accounts.Visit{Account: principal, App: app, Released: []string{"sub"}, Delegation: d.id}
	mine := accounts.Visit{Account: account, Link: session.link, App: app, Released: []string{"act"}, Delegation: d.id}
	w.visits(theirs, mine)
	session.used = w.now
	if w.IntN(3) == 0 {
		theirs.Link = session.link
		w.grants(theirs, w.subject(account, sectorOf(app)))
	}
	return what
}

// mayAct are the delegations by which an account acts for others at an app: those
// that hold and no other.
func (w *world) mayAct(account, app string) (may []*deed) {
	want, got := map[string]string{}, map[string]string{}
	for _, d := range w.deeds {
		if w.holds(d, w.now) && w.whose(d.delegate) == account && slices.Contains(d.apps, app) {
			may, want[d.id] = append(may, d), w.whose(d.principal)
		}
	}
	all, err := w.ActsFor(w.Context(), account, app)
	w.must(err)
	for _, d := range all {
		got[d.ID] = d.Principal
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("for whom %s acts at %s (-want +got):\n%s", account, app, diff)
	}
	return may
}

// deputies holds who acts for whom.
func (w *world) deputies() {
	for _, account := range w.people {
		if w.lives[account].into == "" {
			w.mayAct(account, w.app())
		}
	}
	for _, d := range w.deeds {
		if d.delegate != nil && w.whose(d.delegate) == w.whose(d.principal) {
			continue // nobody is there to act by it
		}
		_, acc, err := w.Delegation(w.Context(), d.id, append(d.apps, "")[0])
		if !w.holds(d, w.now) || w.usable(w.whose(d.principal), accounts.Name{}) == 0 {
			w.refused("a delegation that is over", err, accounts.ErrWithdrawn)
		} else if err != nil || acc.ID != w.whose(d.principal) {
			w.Errorf("%s lets %s act: %v", d.id, acc.ID, err)
		}
	}
}
