package accounts_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// unions are the part of the oracle that knows which accounts are merged, and what
// apps know each by.
type unions struct {
	merged []*union                     // in order
	knows  map[string]map[string]string // account and app to subject
	last   map[string]map[string]int    // account and app to when it was used last
	clock  int
}

// union is one merge.
type union struct {
	id, kept, absorbed string
	links              []string          // that were the absorbed account's, and that were added by those
	mine, theirs       map[string]string // app to subject, as it was
	at                 time.Time
	clock              int
	undone             bool
}

func newUnions() unions {
	return unions{knows: map[string]map[string]string{}, last: map[string]map[string]int{}}
}

// uses has somebody sign in to an app. It must know them by what it knew them by.
func (w *world) uses(subject string) (string, effect) {
	known, app := w.oracle[subject], fmt.Sprint("app", w.IntN(3))
	if known == nil || known.frozen || known.dead {
		return "nobody is there to use an app", nothing
	}
	acc, link, err := w.Reenter(w.Context(), known.account, w.links[subject])
	if err != nil {
		w.Fatal(err)
	}
	w.clock++
	if w.knows[acc.ID] == nil {
		w.knows[acc.ID], w.last[acc.ID] = map[string]string{}, map[string]int{}
	}
	w.knows[acc.ID][app], w.last[acc.ID][app] = w.sameToApps(acc)[app], w.clock
	record(w, w.node, []string{fmt.Sprint(w.clock)}, []accounts.Visit{{
		Account: acc.ID, Link: link.ID, App: app, At: w.now.Add(time.Duration(w.clock) * time.Microsecond), Released: []string{"sub"}, SSO: true,
	}})
	return subject + " uses " + app, more
}

// sameToApps holds what apps know an account by to what they knew it by before. Who
// never knew it knows it by what follows from its key.
func (w *world) sameToApps(acc accounts.Account) map[string]string {
	by := map[string]string{}
	for i := range 3 {
		app := fmt.Sprint("app", i)
		want := mapping.Pairwise(acc.SubjectKey, app+".example")
		if subject, known := w.knows[acc.ID][app]; known {
			want = subject
		}
		if by[app] = acc.Subject(app + ".example"); by[app] != want {
			w.Errorf("%s knows %s by %s, want %s", app, acc.ID, by[app], want)
		}
	}
	return by
}

// merges makes two people's accounts one.
func (w *world) merges(subject, with string) (string, effect) {
	one, other := w.oracle[subject], w.oracle[with]
	if one == nil || other == nil || one.account == other.account {
		return "there are no two to be merged", nothing
	}
	u := &union{kept: one.account, absorbed: other.account, at: w.now, clock: w.clock}
	before := whole(w, w.node)
	u.id = merge(w, w.node, accounts.Account{ID: u.kept}, accounts.Account{ID: u.absorbed})
	if w.IntN(4) == 0 {
		undo(w, w.node, accounts.Account{ID: u.kept}, u.id)
		if diff := cmp.Diff(before, whole(w, w.node)); diff != "" {
			w.Errorf("(-before +after):\n%s", diff)
		}
		return "two are merged, and are not", more
	}
	u.mine, u.theirs = maps.Clone(w.knows[u.kept]), w.knows[u.absorbed]
	for subject, way := range w.oracle {
		if way.account == u.absorbed {
			way.account, u.links = u.kept, append(u.links, w.links[subject])
		}
	}
	if w.knows[u.kept] == nil {
		w.knows[u.kept], w.last[u.kept] = map[string]string{}, map[string]int{}
	}
	for app, subject := range u.theirs {
		if _, both := u.mine[app]; !both {
			w.knows[u.kept][app] = subject
		}
	}
	delete(w.knows, u.absorbed)
	w.merged = append(w.merged, u)
	return u.kept + " absorbs " + u.absorbed, more
}

// undoes takes accounts apart that were merged once.
func (w *world) undoes() (string, effect) {
	if len(w.merged) == 0 {
		return "nobody is there to be taken apart", nothing
	}
	u := w.merged[w.IntN(len(w.merged))]
	returns := func(subject string, way *way) bool {
		return way.account == u.kept && slices.Contains(u.links, w.links[subject])
	}
	_, err := w.UndoProved(w.Context(), u.kept, u.id)
	switch {
	case u.undone || w.now.Sub(u.at) >= month:
		return "it is too late to undo", w.refused(err, accounts.ErrDecided)
	case w.covered(u):
		return "a later merge comes first", w.refused(err, accounts.ErrLaterMerge)
	}
	var stay, leave int
	for subject, way := range w.oracle {
		if returns(subject, way) {
			leave++
		} else if way.account == u.kept {
			stay++
		}
	}
	if stay == 0 || leave == 0 {
		return "nobody would get in", w.refused(err, accounts.ErrLast)
	}
	if err != nil {
		w.Fatal(err)
	}
	u.undone = true
	for subject, way := range w.oracle {
		if returns(subject, way) {
			way.account = u.absorbed
		}
	}
	w.part(u)
	return u.absorbed + " leaves " + u.kept, less
}

// goesWith has a way in that was added by another leave with that one.
func (w *world) goesWith(by, link string) {
	for _, u := range w.merged {
		if slices.Contains(u.links, by) {
			u.links = append(u.links, link)
		}
	}
}

// covered reports whether a later merge of the account that was kept stands.
func (w *world) covered(u *union) bool {
	later := w.merged[slices.Index(w.merged, u)+1:]
	return slices.ContainsFunc(later, func(v *union) bool { return !v.undone && (v.kept == u.kept || v.absorbed == u.kept) })
}

// part has apps know both accounts again by what they knew each by. One that the
// kept account was used with only since knows that one by its own subject.
func (w *world) part(u *union) {
	if u.theirs != nil {
		w.knows[u.absorbed] = u.theirs
	}
	for app := range u.theirs {
		if _, both := u.mine[app]; both {
			continue
		}
		delete(w.knows[u.kept], app)
		if w.last[u.kept][app] > u.clock {
			w.knows[u.kept][app] = w.derived(u.kept, app)
		}
	}
}

func (w *world) derived(account, app string) string {
	var key []byte
	if err := w.db.QueryRow(w.Context(), `SELECT subject_key FROM accounts WHERE id = $1`, account).Scan(&key); err != nil {
		w.Fatal(err)
	}
	return mapping.Pairwise(key, app+".example")
}

// removes has somebody remove a way in, after they have named it.
func (w *world) removes(subject string) (string, effect) {
	known := w.oracle[subject]
	if known == nil {
		return "there is nothing to remove", nothing
	}
	if err := w.Accounts.Name(w.Context(), known.account, w.links[subject], "this one goes"); err != nil {
		w.Fatal(err)
	}
	err := w.Remove(w.Context(), known.account, w.links[subject])
	usable := 0
	for other, way := range w.oracle {
		if other != subject && way.account == known.account && !way.frozen && !way.dead {
			usable++
		}
	}
	if usable == 0 {
		return "the last one is removed", w.refused(err, accounts.ErrLast)
	}
	if err != nil {
		w.Fatal(err)
	}
	delete(w.oracle, subject)
	delete(w.links, subject)
	return subject + " is removed", less
}
