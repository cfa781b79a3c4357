package accounts_test

import (
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// union is one merge.
type union struct {
	id, kept, absorbed string
	proved             bool          // by the person, and not by officers
	mine, theirs       acquaintances // as they were
	doubted            []*agreement
	at                 time.Time
	undone             bool
}

func (a acquaintances) clone() acquaintances {
	return acquaintances{maps.Clone(a.knows), maps.Clone(a.last)}
}

// merges has somebody who has proved both, or two officers, make two accounts one.
func (w *world) merges() string {
	one, ok := w.session()
	other, too := w.session()
	if !ok || !too || w.whose(one.of) == w.whose(other.of) {
		return ""
	}
	u := &union{kept: w.whose(one.of), absorbed: w.whose(other.of), proved: w.IntN(2) == 0, at: w.now}
	var before map[string][]string
	brief := w.IntN(12) == 0
	if brief {
		before = whole(w, w.node)
	}
	what := w.tries(u.kept, " absorbs ", u.absorbed, ", proved: ", u.proved)
	err := w.unites(u)
	if !w.lives[u.kept].leaves.IsZero() || !w.lives[u.absorbed].leaves.IsZero() {
		return w.refused(what, err, accounts.ErrLeaving)
	}
	w.must(err)
	w.absorbed(u)
	if !brief {
		return what
	}
	w.must(w.divides(u))
	w.parted(u)
	if diff := cmp.Diff(before, whole(w, w.node)); diff != "" {
		w.Errorf("(-before +after):\n%s", diff)
	}
	return what + ", and does not"
}

// unites makes a merge.
func (w *world) unites(u *union) (err error) {
	if u.proved {
		u.id, err = w.MergeProved(w.Context(), u.kept, u.absorbed)
		return err
	}
	if u.id, err = w.Propose(w.Context(), u.kept, u.absorbed, "m.jones", "showed both passports"); err != nil {
		return err
	}
	w.refused("one officer merges", w.Approve(w.Context(), u.id, "m.jones"), accounts.ErrSameOfficer)
	return w.Approve(w.Context(), u.id, "a.khan")
}

// absorbed has the apps that know the absorbed account alone know the kept one by the
// same subjects.
func (w *world) absorbed(u *union) {
	kept, absorbed := w.lives[u.kept], w.lives[u.absorbed]
	u.mine, u.theirs = kept.clone(), absorbed.clone()
	for sector, subject := range u.theirs.knows {
		if _, both := u.mine.knows[sector]; !both {
			kept.knows[sector] = subject
		}
	}
	for _, a := range w.doubts(u.kept, u.absorbed) {
		a.ended, u.doubted = true, append(u.doubted, a)
	}
	absorbed.into = u.kept
	w.unions = append(w.unions, u)
}

// undoes takes accounts apart that were merged once.
func (w *world) undoes() string {
	if len(w.unions) == 0 {
		return ""
	}
	u := w.unions[max(0, len(w.unions)-1-w.IntN(6))]
	what := w.tries(u.absorbed, " leaves ", u.kept)
	err := w.divides(u)
	switch {
	case u.undone || w.lives[u.kept].erased || w.now.Sub(u.at) >= month:
		return w.refused(what+" too late", err, accounts.ErrDecided)
	case w.covered(u):
		return w.refused(what+" before a later merge", err, accounts.ErrLaterMerge)
	}
	w.lives[u.absorbed].into = ""
	if len(w.of(u.kept)) == 0 || len(w.of(u.absorbed)) == 0 {
		w.lives[u.absorbed].into = u.kept
		return w.refused(what+" with no way in", err, accounts.ErrLast)
	}
	w.must(err)
	w.parted(u)
	return what
}

// divides undoes a merge.
func (w *world) divides(u *union) error {
	_, err := w.UndoProved(w.Context(), u.kept, u.id)
	if u.proved {
		return err
	}
	w.refused("the resident undoes what officers did", err, accounts.ErrDecided)
	if err := w.ProposeUndo(w.Context(), u.id, "a.khan", "they are twins"); err != nil {
		return err
	}
	_, err = w.ApproveUndo(w.Context(), u.id, "A.Khan")
	w.refused("one officer undoes", err, accounts.ErrSameOfficer)
	_, err = w.ApproveUndo(w.Context(), u.id, "m.jones")
	return err
}

// apart are the accounts of which something would be, were all merges undone that still
// can be.
func (w *world) apart(of origins) (accounts []string) {
	for _, account := range of {
		for w.lives[account].into != "" && !slices.ContainsFunc(w.unions, func(u *union) bool {
			return u.absorbed == account && !u.undone && w.now.Sub(u.at) < month
		}) {
			account = w.lives[account].into
		}
		accounts = append(accounts, account)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// lastOfOther reports whether a way in is the last that leads to an account which may be
// taken out of the one that it is part of.
func (w *world) lastOfOther(name accounts.Name) bool {
	of := w.apart(w.ways[name].of)
	if len(of) > 1 {
		return false // nobody knows whose it is
	}
	for other, way := range w.ways {
		if other != name && way.leads() && slices.Equal(w.apart(way.of), of) {
			return false
		}
	}
	return true
}

// covered reports whether a later merge of the account that was kept stands.
func (o oracle) covered(u *union) bool {
	later := o.unions[slices.Index(o.unions, u)+1:]
	return slices.ContainsFunc(later, func(v *union) bool { return !v.undone && (v.kept == u.kept || v.absorbed == u.kept) })
}

// parted has apps know both accounts again by what they knew each by. One that the
// kept account was used with only since knows that one by its own subject.
func (w *world) parted(u *union) {
	kept := w.lives[u.kept]
	w.lives[u.absorbed].into, u.undone = "", true
	w.lives[u.absorbed].acquaintances = u.theirs
	for _, a := range u.doubted {
		a.ended = false
	}
	w.strays(u.kept)
	for sector, subject := range u.theirs.knows {
		if _, both := u.mine.knows[sector]; both || kept.knows[sector] != subject {
			continue
		}
		delete(kept.knows, sector)
		if kept.last[sector].After(u.at) {
			kept.knows[sector] = w.subject(u.kept, sector)
			w.owns(u.kept, knownBy{sector, kept.knows[sector]})
		}
	}
}

// strays has everything end that comes from two accounts which are one no more. What is
// left of it stays with the one that was kept.
func (w *world) strays(kept string) {
	for name, way := range w.ways {
		if w.whose(way.of) == "" {
			delete(w.ways, name)
		}
	}
	for _, a := range w.agreed {
		if w.whose(a.of) == "" {
			a.of, a.ended = origins{kept}, true
		}
	}
	for _, d := range w.deeds {
		if w.whose(d.principal) == "" {
			d.principal, d.ended = origins{kept}, true
		}
		if d.delegate != nil && w.whose(d.delegate) == "" {
			d.delegate, d.ended = origins{kept}, true
		}
	}
}
