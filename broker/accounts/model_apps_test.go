package accounts_test

import (
	"fmt"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
)

func apps() []string { return []string{"tax", "rates", "benefits", "bins"} }

// app is any of those that there are.
func (w *world) app() string { return pick(w, apps()) }

// sectorOf is that of an app: two share one.
func sectorOf(app string) string {
	if app == "rates" || app == "benefits" {
		return "money.example"
	}
	return app + ".example"
}

func (w *world) sector() string { return sectorOf(w.app()) }

// sameToApps holds what apps know an account by to what they knew it by before, and to
// what they know others by.
func (w *world) sameToApps(acc accounts.Account) {
	for _, sector := range []string{"tax.example", "money.example", "bins.example"} {
		got := acc.Subject(sector)
		if want := w.subject(acc.ID, sector); got != want {
			w.Errorf("%s knows %s by %s, want %s", sector, acc.ID, got, want)
		}
		if owner, ok := w.owners[knownBy{sector, got}]; ok && w.oracle.now(owner) != acc.ID {
			w.Errorf("%s knows %s by what is %s's", sector, acc.ID, owner)
		}
	}
}

// uses has somebody sign in to an app.
func (w *world) uses() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	app := w.app()
	acc, ok := w.reaches(w.whose(session.of), session.link)
	if !ok {
		return "somebody uses an app, and is not let in"
	}
	v := accounts.Visit{Account: acc.ID, Link: session.link, App: app, Released: []string{"sub"}, SSO: true}
	w.visits(v)
	session.used = w.now
	if w.IntN(3) == 0 {
		w.grants(v, "")
	}
	return fmt.Sprintf("%s uses %s by %s", acc.ID, app, session.link)
}

// visits has apps see somebody. They know them by that from now on.
func (w *world) visits(visits ...accounts.Visit) {
	var ids []string
	for i := range visits {
		v := &visits[i]
		v.At = w.now
		ids = append(ids, fmt.Sprint(w.now.UnixMicro(), " ", i))
		sector := sectorOf(v.App)
		subject := w.subject(v.Account, sector)
		w.lives[v.Account].knows[sector], w.lives[v.Account].last[sector] = subject, w.now
		w.owns(v.Account, knownBy{sector, subject})
	}
	record(w, w.node, ids, visits)
}

// grants has an app that saw somebody go on without them; act is what it knows them by
// who act for somebody else.
func (w *world) grants(v accounts.Visit, act string) {
	w.exec(w, `INSERT INTO refresh_grants (id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at,
			delegation_id, act) VALUES ($1, $2, $3, $4, $5, 'session', '[]', '{}', $8, $8, $8, $6, $7)`,
		fmt.Sprint("grant ", w.now.UnixMicro()), v.Account, v.Link, v.App, w.subject(v.Account, sectorOf(v.App)), v.Delegation, act, w.now.UnixMicro())
}

// granted holds that no app goes on with one person as another.
func (w *world) granted() {
	rows, err := w.db.Query(w.Context(), `SELECT id, account_id, app, subject, act FROM refresh_grants
		WHERE revoked_at IS NULL AND link_id IN (SELECT id FROM links)`) // by others nothing is refreshed
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var id, account, app, subject, act string
		w.must(rows.Scan(&id, &account, &app, &subject, &act))
		if owner := w.oracle.now(w.owners[knownBy{sectorOf(app), subject}]); owner != account || w.lives[owner].erased {
			w.Errorf("%s: %s goes on with %s as %s", id, app, account, owner)
		}
		if act != "" && w.lives[w.oracle.now(w.owners[knownBy{sectorOf(app), act}])].erased {
			w.Errorf("%s: somebody acts at %s who is no more", id, app)
		}
	}
	w.must(rows.Err())
}

// pins has an operator import what a legacy system knew somebody by, or knew somebody
// else by.
func (w *world) pins() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	at := knownBy{w.sector(), fmt.Sprint("legacy ", w.IntN(20))}
	return w.pin(w.whose(session.of), at)
}

// takes has an operator give somebody what an app knew somebody else by, who was erased
// or is one with another.
func (w *world) takes() string {
	session, ok := w.session()
	others := slices.DeleteFunc(slices.Clone(w.told), func(at knownBy) bool {
		l := w.lives[w.owners[at]]
		return !l.erased && l.into == ""
	})
	if !ok || len(others) == 0 {
		return ""
	}
	return w.pin(w.whose(session.of), pick(w, others))
}

func (w *world) pin(account string, at knownBy) string {
	owner, taken := w.owners[at]
	if taken && owner != account && w.oracle.now(owner) == account {
		return "" // it is one of their own, of before a merge
	}
	what := w.tries(account, " is pinned to ", at)
	err := w.Pin(w.Context(), account, at.sector, at.subject)
	if taken && owner != account {
		return w.refused(what, err, accounts.ErrTaken)
	}
	w.must(err)
	w.owns(account, at)
	w.lives[account].knows[at.sector] = at.subject
	return what
}

// agreement is what somebody agreed that an app may be told.
type agreement struct {
	of    origins
	app   string
	names []string
	ended bool
}

func (w *world) agrees() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account := w.whose(session.of)
	a := &agreement{of: session.of, app: w.app(), names: []string{"email", "name", "birthdate"}[w.IntN(3):]}
	_, err := w.Agree(w.Context(), account, session.link, a.app, a.names)
	w.must(err)
	w.agreed = append(w.agreed, a)
	return fmt.Sprint(account, " agrees that ", a.app, " is told ", a.names)
}

// withdraws has somebody stop sharing with an app, who asks again then: with all that
// was agreed to.
func (w *world) withdraws() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account, app := w.whose(session.of), w.app()
	stands := w.agreements(account, app, true)
	w.mayTell(account, app)
	if len(stands) == 0 {
		return ""
	}
	_, err := w.Withdraw(w.Context(), account, app)
	w.must(err)
	for _, a := range stands {
		a.ended = true
	}
	for _, d := range w.deeds { // nobody acts for them there before they say so again
		if d.apps = slices.DeleteFunc(d.apps, func(a string) bool { return a == app && w.whose(d.principal) == account }); len(d.apps) == 0 {
			d.ended = true
		}
	}
	for _, u := range w.unions {
		if w.oracle.now(u.kept) == account {
			u.doubted = slices.DeleteFunc(u.doubted, func(a *agreement) bool { return a.app == app })
		}
	}
	w.mayTell(account, app)
	return fmt.Sprint(account, " withdraws from ", app)
}

// mayTell holds whether an app may be told a name.
func (w *world) mayTell(account, app string) {
	_, got, err := w.Agreed(w.Context(), account, app, []string{"name"})
	w.must(err)
	want := slices.ContainsFunc(w.agreements(account, app, true), func(a *agreement) bool { return slices.Contains(a.names, "name") })
	if got != want {
		w.Errorf("%s may be told of %s: %t, want %t", app, account, got, want)
	}
}

// agreements are those of an account with an app; all, or those that stand.
func (o oracle) agreements(account, app string, stand bool) (some []*agreement) {
	for _, a := range o.agreed {
		if a.app == app && o.whose(a.of) == account && !(stand && a.ended) {
			some = append(some, a)
		}
	}
	return some
}

// doubts are what one of two accounts agreed to where the other one did once, and does
// no more.
func (o oracle) doubts(one, other string) (some []*agreement) {
	for _, app := range apps() {
		mine, theirs := o.agreements(one, app, true), o.agreements(other, app, true)
		switch {
		case len(mine) == 0 && len(o.agreements(one, app, false)) > 0:
			some = append(some, theirs...)
		case len(theirs) == 0 && len(o.agreements(other, app, false)) > 0:
			some = append(some, mine...)
		}
	}
	return some
}
